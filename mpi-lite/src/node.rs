//! The ranks on this host: the job region they share, windows on each other's memory, and how to wake one that sleeps.
//!
//! Locality is told by the launcher, never guessed. A rank without a node (alone, or refused) uses the adapter only.

mod process;

use crate::error::{MpiError, Result};
use crate::per_rank::per_rank;
use std::cell::RefCell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use unirank_hca::ram;
use unirank_ivc::JobRegion;
use unirank_ivc::page::Sleep;

/// Memory of another rank as this rank sees it.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Where its address 0 would be.
    pub base: *mut u8,
    /// Bytes that are seen.
    pub len: u64,
    /// They are a VM's memory file, which leaves out the hole in the VM's addresses ([`ram`]); else addresses count on.
    pub is_file: bool,
    /// It may be written.
    pub writable: bool,
}

impl Window {
    /// Where the bytes at an address of the other rank are seen.
    fn find(&self, address: u64, len: u64) -> Option<*mut u8> {
        let offset = if self.is_file {
            ram::offset(address, len, self.len)?
        } else {
            address.checked_add(len).filter(|&end| end <= self.len)?;
            address
        };
        Some(self.base.wrapping_add(offset as usize))
    }

    /// The other rank's address of bytes that are seen here.
    fn address_of(&self, at: *const u8, len: u64) -> Option<u64> {
        let offset = (at as u64).checked_sub(self.base as u64)?;
        if self.is_file {
            return ram::address(offset, len, self.len);
        }
        offset.checked_add(len).filter(|&end| end <= self.len)?;
        Some(offset)
    }
}

/// How the memory of co-located ranks is reached.
#[derive(Debug)]
pub enum Windows {
    /// Mapped; by rank, none where there is no window.
    Mapped(Vec<Option<Window>>),
    /// By `process_vm_readv`, and by `process_vm_writev` if they are writable.
    Processes {
        /// They may be written.
        writable: bool,
    },
    /// Not at all, for the reason given.
    Off(String),
}

/// What the place where this rank runs offers.
pub struct Node {
    /// Shared by all ranks of the job on this host.
    pub region: JobRegion,
    /// This rank's number in the region.
    pub rank: u32,
    /// Memory of the others.
    pub windows: Windows,
    /// Wakes the rank of that number.
    pub bell: Box<dyn Fn(u32)>,
    /// Wakes this rank; another thread of it may call it at any time. None if there is no quick way.
    pub own_bell: Option<Box<dyn Fn() + Send + Sync>>,
}

/// Where this rank's own memory ends. What lies behind it in a VM is others' memory, or the job region: the program has such
/// addresses from shared windows, but they mean nothing to other ranks, nor to the adapter.
static OWN_END: AtomicU64 = AtomicU64::new(u64::MAX);

/// Tells where this rank's own memory ends, if something of others may lie behind it.
pub fn set_own_end(end: u64) {
    OWN_END.store(end, Ordering::Relaxed);
}

/// Whether these bytes are this rank's own memory, so that others can be given their address.
#[inline]
pub fn is_own(at: *const u8, len: usize) -> bool {
    (at as u64).saturating_add(len as u64) <= OWN_END.load(Ordering::Relaxed)
}

per_rank! { static NODE: RefCell<Option<Node>> = RefCell::new(None); }
// Apart from the node, for threads that are not in MPI.
per_rank! { static OWN_BELL: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new(); }

/// Makes `node` this rank's node, or takes it away.
pub fn install(mut node: Option<Node>) {
    if let Some(bell) = node.as_mut().and_then(|node| node.own_bell.take()) {
        // The first node's bell stays: it does not depend on which communicators there are.
        let _ = OWN_BELL.with(|own| own.set(bell));
    }
    NODE.with(|cell| *cell.borrow_mut() = node);
}

/// Ends the sleep of this rank, in which another thread of it is. False: there is no quick way.
pub fn wake_self() -> bool {
    OWN_BELL.with(|own| own.get().map(|bell| bell()).is_some())
}

/// Whether [`wake_self`] works.
pub fn has_own_bell() -> bool {
    OWN_BELL.with(|own| own.get().is_some())
}

#[cfg(test)]
per_rank! { static FIRST: std::cell::Cell<u32> = std::cell::Cell::new(0); }

/// Places this simulated rank on a host whose first rank is `first` in `MPI_COMM_WORLD`.
#[cfg(test)]
pub fn place(first: u32) {
    FIRST.with(|cell| cell.set(first));
}

/// Rank in `MPI_COMM_WORLD` of the first rank on this host: all ranks of a job are on one host so far.
#[inline]
fn first() -> u32 {
    #[cfg(test)]
    return FIRST.with(std::cell::Cell::get);
    #[cfg(not(test))]
    0
}

/// The job region, if this rank has one.
pub fn region() -> Option<JobRegion> {
    NODE.with(|node| node.borrow().as_ref().map(|node| node.region))
}

/// The job region and this rank's number in it, if there is one.
pub fn here() -> Option<(JobRegion, u32)> {
    NODE.with(|node| node.borrow().as_ref().map(|node| (node.region, node.rank)))
}

/// The number in the job region of a rank in `MPI_COMM_WORLD`; none when it is on another host or there is no region.
pub fn local(world: u32) -> Option<u32> {
    let number = world.checked_sub(first())?;
    region().filter(|region| number < region.layout().ranks).map(|_| number)
}

/// Tells the others on this host how this rank waits. Look for what it waits for once more after [`Sleep::Asleep`].
pub fn tell(state: Sleep) {
    NODE.with(|node| {
        if let Some(node) = node.borrow().as_ref() {
            node.region.page(node.rank).sleep().store(state as u32, Ordering::Relaxed);
            // The others' messages are looked for after they can see this, see `Sleep`.
            if state != Sleep::Awake {
                fence(Ordering::SeqCst);
            }
        }
    });
}

/// Wakes a rank in `MPI_COMM_WORLD` if it sleeps. Call it after what it waits for was written.
pub fn wake(world: u32) {
    NODE.with(|node| {
        if let Some(node) = node.borrow().as_ref() {
            let number = world.wrapping_sub(first());
            if number < node.region.layout().ranks && node.region.page(number).claim_waking() {
                (node.bell)(number);
                crate::observe::woke();
            }
        }
    });
}

/// Tells the user something once per rank: that a slower way is taken, and why.
pub fn announce(text: &str) {
    thread_local! { static SAID: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) }; }
    let new = SAID.with(|said| {
        let mut said = said.borrow_mut();
        let new = !said.iter().any(|before| before == text);
        if new {
            said.push(text.to_owned());
        }
        new
    });
    if new {
        eprintln!("unirank: {text}");
    }
}

/// Whether the memory of a rank in `MPI_COMM_WORLD` can be read with [`read`].
pub fn can_read(world: u32) -> bool {
    NODE.with(|node| {
        node.borrow().as_ref().is_some_and(|node| match &node.windows {
            Windows::Mapped(windows) => {
                windows.get(world.wrapping_sub(first()) as usize).is_some_and(Option::is_some)
            }
            Windows::Processes { .. } => world < node.region.layout().ranks,
            Windows::Off(_) => false,
        })
    })
}

/// Whether the memory of a rank in `MPI_COMM_WORLD` is not mapped, but reached by the system's calls, and if so, whether they may
/// write.
fn by_calls(world: u32) -> Option<bool> {
    NODE.with(|node| match node.borrow().as_ref() {
        Some(Node { region, windows: Windows::Processes { writable }, .. }) => {
            (world < region.layout().ranks).then_some(*writable)
        }
        _ => None,
    })
}

/// Whether the memory of a rank in `MPI_COMM_WORLD` is not mapped, but can be read by the system's calls.
pub fn is_read_by_calls(world: u32) -> bool {
    by_calls(world).is_some()
}

/// Whose memory lies at an address that is not this rank's own (see [`is_own`]): a rank in `MPI_COMM_WORLD`, and the address there.
pub fn owner(at: *const u8, len: u64) -> Option<(u32, u64)> {
    NODE.with(|node| {
        let node = node.borrow();
        let Windows::Mapped(windows) = &node.as_ref()?.windows else { return None };
        let at = |window: &Option<Window>| window.as_ref()?.address_of(at, len);
        windows.iter().enumerate().find_map(|(world, window)| Some((world as u32, at(window)?)))
    })
}

/// Copies `len` bytes at `remote` of a rank in `MPI_COMM_WORLD` to `local`.
///
/// # Safety
/// `local` is writable for `len` bytes, and none of the bytes that are read.
pub unsafe fn read(world: u32, remote: u64, local: *mut u8, len: usize) -> Result<()> {
    if let Some(source) = direct(world, remote, len as u64, false) {
        // SAFETY: the window is mapped over these bytes; the caller promises `local`.
        unsafe { unirank_ivc::copy::copy(local, source, len) };
        return Ok(());
    }
    let process = NODE.with(|node| match node.borrow().as_ref() {
        Some(Node { region, windows: Windows::Processes { .. }, .. }) if world < region.layout().ranks => {
            Some(region.page(world).process().load(Ordering::Relaxed))
        }
        _ => None,
    });
    match process {
        // SAFETY: the caller's promise.
        Some(process) => unsafe { process::read(process, remote, local, len) }
            .map_err(|error| ended(world, &error).unwrap_or_else(|| unreadable(world, remote, len, &error))),
        None => Err(unreadable(world, remote, len, &"it is outside of its window")),
    }
}

/// Whether the memory of a rank in `MPI_COMM_WORLD` can be written with [`write`].
pub fn can_write(world: u32) -> bool {
    direct(world, 0, 0, true).is_some() || is_written_by_calls(world)
}

/// Whether the memory of a rank in `MPI_COMM_WORLD` is not mapped, but can be written by the system's calls.
pub fn is_written_by_calls(world: u32) -> bool {
    by_calls(world) == Some(true)
}

/// Copies `len` bytes at `local` to `remote` of a rank in `MPI_COMM_WORLD` for which [`can_write`] holds.
///
/// # Safety
/// `local` is readable for `len` bytes; `remote` is memory that the rank expects to be written.
pub unsafe fn write(world: u32, remote: u64, local: *const u8, len: usize) -> Result<()> {
    if let Some(target) = direct(world, remote, len as u64, true) {
        // SAFETY: the window is mapped over these bytes; the caller promises `local`, and that they do not overlap.
        unsafe { unirank_ivc::copy::copy(target, local, len) };
        return Ok(());
    }
    let process = region()
        .filter(|_| is_written_by_calls(world))
        .map(|r| r.page(world).process().load(Ordering::Relaxed));
    let failed = |why: &dyn std::fmt::Display| {
        let text = format!("{len} bytes at {remote:#x} of rank {world} cannot be written: {why}");
        MpiError::new(crate::abi::MPI_ERR_INTERN, text)
    };
    match process {
        Some(process) => {
            // SAFETY: the caller's promise.
            let written = unsafe { process::write(process, remote, local, len) };
            written.map_err(|error| ended(world, &error).unwrap_or_else(|| failed(&error)))
        }
        None => Err(failed(&"it is not a process that this rank may write")),
    }
}

/// The error of a copy from or to a process that is gone; none if it is another error.
fn ended(world: u32, error: &std::io::Error) -> Option<MpiError> {
    let text = || format!("rank {world} has ended without MPI_Finalize, in the middle of a copy");
    (error.raw_os_error() == Some(libc::ESRCH))
        .then(|| MpiError::new(crate::abi::MPI_ERR_PROC_ABORTED, text()))
}

fn unreadable(world: u32, remote: u64, len: usize, why: &dyn std::fmt::Display) -> MpiError {
    let text = format!("{len} bytes at {remote:#x} of rank {world} cannot be read: {why}");
    MpiError::new(crate::abi::MPI_ERR_INTERN, text)
}

/// Where this rank sees `[address, address + len)` of a rank in `MPI_COMM_WORLD`; none if it cannot reach it by load and
/// store, or not for writing when `write` is asked for.
pub fn direct(world: u32, address: u64, len: u64, write: bool) -> Option<*mut u8> {
    NODE.with(|node| {
        let node = node.borrow();
        let Windows::Mapped(windows) = &node.as_ref()?.windows else { return None };
        let window = windows.get(world.checked_sub(first())? as usize)?.as_ref()?;
        if write && !window.writable {
            return None;
        }
        window.find(address, len)
    })
}

/// Exchanges the windows of this rank's node.
#[cfg(test)]
pub fn set_windows(windows: Windows) {
    NODE.with(|node| node.borrow_mut().as_mut().expect("a node").windows = windows);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::p2p::testing;

    #[test]
    fn copies_from_and_to_a_process_that_has_ended_say_so() {
        let memory = testing::SimRegion::new(2);
        memory.0.page(1).process().store(i32::MAX as u32, Ordering::Relaxed);
        let windows = Windows::Processes { writable: true };
        install(Some(Node { region: memory.0, rank: 0, windows, bell: Box::new(|_| ()), own_bell: None }));
        let mut local = [0; 8];
        // SAFETY: eight bytes of a local; there is no such process.
        let both = unsafe { [read(1, 4096, local.as_mut_ptr(), 8), write(1, 4096, local.as_ptr(), 8)] };
        install(None);
        for error in both.map(|outcome| outcome.expect_err("no process")) {
            assert_eq!(error.class, crate::abi::MPI_ERR_PROC_ABORTED);
            assert!(error.text.contains("rank 1 has ended"), "{error}");
        }
    }

    #[test]
    fn windows_on_large_vms_know_the_hole_in_their_addresses() {
        let base = (1usize << 40) as *mut u8;
        let window = Window { base, len: 6 << 30, is_file: true, writable: true };
        let at = |offset: usize| Some(base.wrapping_add(offset));
        assert_eq!(window.find(0, 3 << 30), at(0));
        assert_eq!(window.find((3 << 30) - 4, 4), at((3 << 30) - 4));
        assert_eq!(window.find(4 << 30, 3 << 30), at(3 << 30));
        for (address, len) in [((3 << 30) - 4, 5), (3 << 30, 1), ((4 << 30) - 1, 2), (4 << 30, (3 << 30) + 1)]
        {
            assert_eq!(window.find(address, len), None, "{address:#x} {len}");
        }
        assert_eq!(window.address_of(base.wrapping_add((3 << 30) + 8), 8), Some((4 << 30) + 8));
        assert_eq!(window.address_of(base.wrapping_add((3 << 30) - 8), 8), Some((3 << 30) - 8));
        assert_eq!(window.address_of(base.wrapping_add((3 << 30) - 8), 9), None);
        assert_eq!(window.address_of(base.wrapping_sub(1), 1), None);
    }

    #[test]
    fn windows_are_bounded_and_their_rights_kept() {
        let base = [0u8; 16].as_mut_ptr();
        let memory = testing::SimRegion::new(3);
        let window = |writable| Some(Window { base, len: 16, is_file: false, writable });
        let windows = Windows::Mapped(vec![None, window(true), window(false)]);
        install(Some(Node { region: memory.0, rank: 0, windows, bell: Box::new(|_| ()), own_bell: None }));
        assert_eq!(direct(1, 4, 12, true), Some(base.wrapping_add(4)));
        assert_eq!(direct(2, 0, 16, false), Some(base));
        for (rank, address, len, write) in
            [(0, 0, 1, false), (1, 4, 13, false), (1, u64::MAX, 2, false), (2, 0, 1, true), (3, 0, 1, false)]
        {
            assert_eq!(direct(rank, address, len, write), None, "{rank} {address} {len}");
        }
        install(None);
        assert_eq!((region().is_some(), local(0), direct(1, 0, 1, false)), (false, None, None));
    }
}
