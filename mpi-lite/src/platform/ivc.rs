//! What this rank shares with the others on its host: from the library OS in a VM, from descriptors in a process.
//!
//! A process inherits them from the launcher, which names them in
//! `UNIRANK_IVC="REGION:WINDOWS:BELL,BELL,..."`: the descriptor of the job region, what ranks may do with each other's
//! memory (`rw`, `ro` or `off`), and the eventfd that interrupts each rank, in the order of ranks. Beyond the last of
//! them ranks are woken through the engine.

use super::processes;
use crate::abi::MPI_ERR_OTHER;
use crate::error::{MpiError, Result, err};
use crate::node::{Node, Window, Windows};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::Ordering;
use unirank_hca::vm::{self, UnirankVm, VmWindow};
use unirank_ivc::JobRegion;
use unirank_ivc::layout::VERSION;

/// Name of the environment variable.
const ENVIRONMENT: &str = "UNIRANK_IVC";

/// Wakes a rank of the job.
type Bell = Box<dyn Fn(u32)>;
/// Wakes this rank, from any thread.
type OwnBell = Box<dyn Fn() + Send + Sync>;

/// The node of this rank; none for a program that was not launched and is the only rank. `relay` wakes a rank that has no
/// bell of its own.
pub fn node(rank: u32, size: u32, relay: Bell) -> Result<Option<Node>> {
    let node = match vm::current() {
        Some(vm) => in_vm(vm, rank, relay)?,
        None => match std::env::var(ENVIRONMENT) {
            Ok(text) => Some(in_process(&text, rank, relay)?),
            Err(_) => None,
        },
    };
    match &node {
        None if size > 1 => err(
            MPI_ERR_OTHER,
            format!(
                "rank {rank} of {size} has no job region, which this image wants in version {VERSION}: use the unirank it was built with"
            ),
        ),
        Some(node) if node.region.layout().ranks != size => err(
            MPI_ERR_OTHER,
            format!(
                "the job region is that of {} ranks, UNIRANK_SIZE says {size}",
                node.region.layout().ranks
            ),
        ),
        _ => Ok(node),
    }
}

/// # Safety
/// As [`JobRegion::open`].
unsafe fn open(rank: u32, base: NonNull<u8>, len: u64) -> Result<JobRegion> {
    // SAFETY: the caller's promise.
    unsafe { JobRegion::open(base, len) }
        .map_err(|error| MpiError::new(MPI_ERR_OTHER, format!("rank {rank}: {error}")))
}

fn in_vm(vm: &'static UnirankVm, rank: u32, relay: Bell) -> Result<Option<Node>> {
    let Some(base) = NonNull::new(vm.job_region) else { return Ok(None) };
    // SAFETY: the kernel maps so many bytes from this page on for as long as the VM runs.
    let region = unsafe { open(rank, base, vm.job_region_len) }?;
    let own = Window { base: null_mut(), len: vm.ram_len, is_file: false, writable: true };
    let windows = mapped(vm.windows(), region.layout().ranks, rank, own);
    let bell = move |rank: u32| if rank < vm.bells { (vm.ring_rank)(rank) } else { relay(rank) };
    let own_bell = (rank < vm.bells).then(|| Box::new(move || (vm.ring_rank)(rank)) as OwnBell);
    Ok(Some(Node { region, rank, windows, bell: Box::new(bell), own_bell }))
}

/// The windows of a VM, its own memory among them.
fn mapped(windows: &[VmWindow], ranks: u32, rank: u32, own: Window) -> Windows {
    if windows.is_empty() && ranks > 1 {
        return Windows::Off("the launcher was told --windows off, or they could not be mapped".into());
    }
    let window = |number: u32| match windows.get(number as usize) {
        _ if number == rank => Some(own),
        Some(window) if window.flags & VmWindow::PRESENT != 0 => Some(Window {
            base: window.base,
            len: window.len,
            is_file: true,
            writable: window.flags & VmWindow::WRITABLE != 0,
        }),
        _ => None,
    };
    Windows::Mapped((0..ranks).map(window).collect())
}

fn in_process(text: &str, rank: u32, relay: Bell) -> Result<Node> {
    let told = Told::parse(text).ok_or_else(|| {
        MpiError::new(
            MPI_ERR_OTHER,
            format!("{ENVIRONMENT} is {text:?}, not descriptors of the launcher: start the program with unirank run"),
        )
    })?;
    let (base, len) = map(told.region).map_err(|error| {
        MpiError::new(MPI_ERR_OTHER, format!("rank {rank}: mapping the job region failed: {error}"))
    })?;
    // SAFETY: the whole file, mapped readable and writable until the process ends.
    let region = unsafe { open(rank, base, len) }?;
    if rank >= region.layout().ranks {
        return err(MPI_ERR_OTHER, format!("rank {rank} in a job region of {} ranks", region.layout().ranks));
    }
    let windows = match told.writable {
        None => Windows::Off("the launcher was told --windows off".into()),
        Some(writable) => match processes::probe(&region, rank) {
            Ok(()) => Windows::Processes { writable },
            Err(why) => Windows::Off(why),
        },
    };
    // Others may read this process's memory from here on (`NativePlatform` has allowed it).
    region.page(rank).process().store(std::process::id(), Ordering::Release);
    let bells = told.bells;
    let own_bell = bells.get(rank as usize).map(|&fd| Box::new(move || ring(fd)) as OwnBell);
    let bell = move |rank: u32| match bells.get(rank as usize) {
        Some(&fd) => ring(fd),
        None => relay(rank),
    };
    Ok(Node { region, rank, windows, bell: Box::new(bell), own_bell })
}

/// Adds one to the count of an eventfd.
fn ring(fd: i32) {
    let one = 1u64;
    // SAFETY: eight bytes of a local. A full counter means that the rank is being woken already.
    unsafe { libc::write(fd, (&raw const one).cast(), 8) };
}

/// What the launcher tells a process.
#[derive(PartialEq, Eq, Debug)]
struct Told {
    region: i32,
    /// Whether windows may be written; none if there are to be none.
    writable: Option<bool>,
    bells: Vec<i32>,
}

impl Told {
    fn parse(text: &str) -> Option<Self> {
        let descriptor = |text: &str| text.parse::<u16>().ok().map(i32::from);
        let mut parts = text.split(':');
        let region = descriptor(parts.next()?)?;
        let writable = match parts.next()? {
            "rw" => Some(true),
            "ro" => Some(false),
            "off" => None,
            _ => return None,
        };
        let bells = parts.next()?.split(',').map(descriptor).collect::<Option<_>>()?;
        parts.next().is_none().then_some(Self { region, writable, bells })
    }
}

/// Maps a whole file, for ever.
fn map(fd: i32) -> std::io::Result<(NonNull<u8>, u64)> {
    let failed = std::io::Error::last_os_error;
    // SAFETY: all zeros is a valid `stat`, which is written next.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `stat` is a local of the right type.
    if unsafe { libc::fstat(fd, &mut stat) } != 0 {
        return Err(failed());
    }
    let len = stat.st_size.max(0) as usize;
    let rights = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at an address of the system's choice.
    let base = unsafe { libc::mmap(null_mut(), len, rights, libc::MAP_SHARED, fd, 0) };
    if base == libc::MAP_FAILED {
        return Err(failed());
    }
    // Large pages where the system gives them to those who ask; that it does not is no error.
    // SAFETY: advice on the mapping just made.
    unsafe { libc::madvise(base, len, libc::MADV_HUGEPAGE) };
    let base = NonNull::new(base.cast()).ok_or_else(|| std::io::Error::from_raw_os_error(libc::ENOMEM))?;
    Ok((base, len as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::{AsRawFd, FromRawFd};
    use unirank_ivc::Layout;

    #[test]
    fn the_launchers_words() {
        let told = |region, writable, bells: &[i32]| Some(Told { region, writable, bells: bells.into() });
        assert_eq!(Told::parse("7:rw:8,9"), told(7, Some(true), &[8, 9]));
        assert_eq!(Told::parse("7:ro:8"), told(7, Some(false), &[8]));
        assert_eq!(Told::parse("7:off:8"), told(7, None, &[8]));
        for bad in ["", "7", "7:rw", "7:rw:", "7:wr:8", "7:rw:8,", "7:rw:8:9", "-1:rw:8", "7:rw:70000"] {
            assert_eq!(Told::parse(bad), None, "{bad}");
        }
    }

    /// A file with the header of a region for two ranks, changed, and cut to `len` bytes.
    fn file(len: Option<u64>, change: impl Fn(&JobRegion)) -> std::fs::File {
        // SAFETY: a new descriptor.
        let file = unsafe { std::fs::File::from_raw_fd(libc::memfd_create(c"test".as_ptr(), 0)) };
        let layout = Layout::new(1, 2, 0, 0);
        file.set_len(layout.len).unwrap();
        let (base, _) = map(file.as_raw_fd()).unwrap();
        // SAFETY: the new file is zero, and nobody else's.
        change(&unsafe { JobRegion::format(base, layout) });
        file.set_len(len.unwrap_or(layout.len)).unwrap();
        file
    }

    fn refusal(file: &std::fs::File) -> String {
        let text = format!("{}:rw:0", file.as_raw_fd());
        in_process(&text, 1, Box::new(|_| ())).err().map(|error| error.text).unwrap_or_default()
    }

    #[test]
    fn another_region_is_refused_by_name_of_what_is_wrong() {
        let version = refusal(&file(None, |region| region.word32(8).store(7, Ordering::Relaxed)));
        assert!(
            version.contains("version 7") && version.contains(&format!("version {VERSION}")),
            "{version}"
        );
        let short = refusal(&file(Some(8192), |_| ()));
        assert!(short.contains("has 8192 bytes"), "{short}");
        let empty = refusal(&file(Some(0), |_| ()));
        assert!(empty.contains("mapping the job region failed"), "{empty}");
        let none = refusal(&file(None, |region| region.word64(0).store(1, Ordering::Relaxed)));
        assert!(none.contains("magic"), "{none}");
        assert!(in_process("x", 0, Box::new(|_| ())).is_err_and(|error| error.text.contains(ENVIRONMENT)));
    }

    #[test]
    fn a_process_finds_region_and_bells() {
        let file = file(None, |_| ());
        let (mut reader, writer) = std::io::pipe().unwrap();
        let text = format!("{}:rw:{},{}", file.as_raw_fd(), 0, writer.as_raw_fd());
        let (relayed, asked) = std::sync::mpsc::channel();
        let node = in_process(&text, 1, Box::new(move |rank| relayed.send(rank).unwrap())).unwrap();
        assert_eq!(node.region.page(1).process().load(Ordering::Relaxed), std::process::id());
        (node.bell)(1);
        (node.bell)(2);
        assert_eq!(asked.try_iter().collect::<Vec<_>>(), [2]);
        let mut rung = [0; 8];
        std::io::Read::read_exact(&mut reader, &mut rung).unwrap();
        assert_eq!(u64::from_ne_bytes(rung), 1);
    }

    #[test]
    fn windows_of_a_vm() {
        let base = 0x1000 as *mut u8;
        let window = |flags| VmWindow { base, len: 64, flags, pad: 0 };
        let own = Window { base: null_mut(), len: 128, is_file: false, writable: true };
        let table = [window(VmWindow::PRESENT), VmWindow::NONE, window(3)];
        let Windows::Mapped(windows) = mapped(&table, 5, 1, own) else { panic!("not mapped") };
        let seen: Vec<_> = windows.iter().map(|w| w.map(|w| (w.base, w.len, w.writable))).collect();
        let expected =
            [Some((base, 64, false)), Some((null_mut(), 128, true)), Some((base, 64, true)), None, None];
        assert_eq!(seen, expected);
        assert!(matches!(mapped(&[], 2, 0, own), Windows::Off(_)));
    }
}
