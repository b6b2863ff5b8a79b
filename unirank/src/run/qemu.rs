//! QEMU's command line for one rank. Everything is handed over as an open descriptor; nothing has a name in a file
//! system, so nothing can be left behind there.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::accel::Accel;
use super::bootconfig::mount_tag;
use super::net::RankNet;
use super::options::{Mount, WindowRights};
use super::windows::{self, MOST_ADDRESS_BITS, Window};
use crate::failure::{Failure, Result};

/// Name of the program; `UNIRANK_QEMU` names another.
pub const PROGRAM: &str = "qemu-system-x86_64";
/// How to get it.
pub const INSTALL_HINT: &str =
    "install it with `sudo apt-get install qemu-system-x86` (see `unirank doctor`)";

/// The descriptors one VM inherits.
#[derive(Debug)]
pub struct Descriptors<'a> {
    /// Content of the image in memory.
    pub image: &'a OwnedFd,
    /// Firmware.
    pub firmware: OwnedFd,
    /// Guest RAM.
    pub ram: &'a OwnedFd,
    /// The job region.
    pub job: &'a OwnedFd,
    /// RAM of other ranks, in the order of the machine's windows.
    pub windows: Vec<&'a OwnedFd>,
    /// What the firmware hands over.
    pub handover: OwnedFd,
    /// The backend's ivshmem socket.
    pub hca: OwnedFd,
    /// Console of standard output and input.
    pub out: OwnedFd,
    /// Console of standard error.
    pub err: OwnedFd,
    /// Console of lifecycle lines.
    pub ctl: OwnedFd,
    /// QEMU's monitor.
    pub qmp: OwnedFd,
    /// Where QEMU's stub listens for gdb; the VM then waits for it.
    pub gdb: Option<OwnedFd>,
}

impl Descriptors<'_> {
    /// All of them, to be inherited.
    pub fn all(&self) -> Vec<&OwnedFd> {
        let own = [&self.firmware, &self.handover, &self.hca, &self.out, &self.err, &self.ctl, &self.qmp];
        own.into_iter()
            .chain(&self.gdb)
            .chain([self.image, self.ram, self.job])
            .chain(self.windows.iter().copied())
            .collect()
    }
}

/// What differs from VM to VM beside its descriptors.
#[derive(Clone, Copy, Debug)]
pub struct Machine<'a> {
    /// Name shown by `ps`.
    pub name: &'a str,
    /// KVM or TCG.
    pub accel: Accel,
    /// Processors.
    pub cpus: u32,
    /// Bytes of RAM.
    pub memory: u64,
    /// Where the image's content goes.
    pub image_address: u64,
    /// Where the handover goes.
    pub handover_address: u32,
    /// Folders the rank sees.
    pub mounts: &'a [Mount],
    /// Bytes of the job region.
    pub job_region: u64,
    /// RAM of other ranks.
    pub windows: &'a [Window],
    /// The network.
    pub net: RankNet<'a>,
}

/// Finds QEMU, before anything else is set up.
pub fn find() -> Result<PathBuf> {
    if let Some(program) = std::env::var_os("UNIRANK_QEMU").filter(|p| !p.is_empty()) {
        let path = PathBuf::from(&program);
        return if is_program(&path) {
            Ok(path)
        } else {
            Err(Failure::new(format!("UNIRANK_QEMU names {}, which is no program", path.display())))
        };
    }
    search(PROGRAM)
        .ok_or_else(|| Failure::new(format!("{PROGRAM} is not installed (not in PATH)")).remedy(INSTALL_HINT))
}

/// Looks a program up in PATH.
pub fn search(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|p| is_program(p))
}

/// Whether this can be executed.
pub fn is_program(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Builds the command. `SPECIFICATION.md` lists the devices; the kernel finds them by these positions.
pub fn command(program: &Path, machine: Machine<'_>, fds: &Descriptors<'_>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments(machine, fds));
    command
}

fn arguments(machine: Machine<'_>, fds: &Descriptors<'_>) -> Vec<OsString> {
    let mut line = Line::default();
    // Threads have names so that the processors' can be told from the others (`bind.rs`).
    line.add(&["-name", &format!("{},debug-threads=on", machine.name)]);
    line.add(&["-M", "microvm,pcie=on,memory-backend=ram", "-nodefaults", "-no-user-config", "-no-reboot"]);
    line.add(&["-display", "none", "-accel", machine.accel.name()]);
    // Some KVMs refuse the MSR behind arch-capabilities. The physical address limit keeps the 64-bit PCI window in
    // the lower canonical half, where the kernel maps it one to one; TCG's own limit already does.
    let address_bits = match machine.accel {
        Accel::Kvm => format!(",host-phys-bits=on,host-phys-bits-limit={MOST_ADDRESS_BITS}"),
        _ => String::new(),
    };
    line.add(&["-cpu", &format!("max,-arch-capabilities{address_bits}")]);
    // TCG makes atomic instructions atomic only for machines that could have more than one processor. Ranks share memory
    // with other QEMU processes, of which it knows nothing; so this machine could.
    let n = machine.cpus;
    let most = if machine.accel == Accel::Tcg { n.max(2) } else { n };
    let processors = format!("{n},maxcpus={most},sockets=1,cores={most}");
    line.add(&["-smp", &processors, "-m", &format!("{}M", machine.memory >> 20)]);
    let ram = format!(
        "memory-backend-file,id=ram,share=on,align=2M,size={}M,mem-path={}",
        machine.memory >> 20,
        path(fds.ram)
    );
    line.add(&["-object", &ram]);
    line.add(&["-bios", &path(&fds.firmware)]);
    line.content(fds.image, machine.image_address);
    line.content(&fds.handover, machine.handover_address.into());
    line.add(&["-global", "virtio-mmio.force-legacy=false"]);
    line.chardev("hca", &fds.hca);
    line.add(&["-device", &format!("ivshmem-doorbell,chardev=hca,vectors=1,addr={}", address(windows::HCA))]);
    let region = SharedFile { id: "job", file: fds.job, len: machine.job_region, read_only: false };
    line.shared(&region, windows::JOB_REGION);
    for (window, &file) in machine.windows.iter().zip(&fds.windows) {
        let id = format!("w{}", window.rank);
        let read_only = window.rights == WindowRights::Ro;
        let len = window.len.next_power_of_two();
        line.shared(&SharedFile { id: &id, file, len, read_only }, window.devfn);
    }
    // Ports from 1 on are not consoles to QEMU, which drops what a console's reader is too slow for.
    line.add(&["-device", "virtio-serial-device,max_ports=4,id=serial"]);
    for (n, (id, fd)) in [("out", &fds.out), ("err", &fds.err), ("ctl", &fds.ctl)].into_iter().enumerate() {
        line.chardev(id, fd);
        line.add(&["-device", &format!("virtserialport,chardev={id},bus=serial.0,nr={}", n + 1)]);
    }
    for (n, mount) in machine.mounts.iter().enumerate() {
        line.add(&["-fsdev"]);
        line.words.push(fsdev(n, mount));
        line.add(&["-device", &format!("virtio-9p-device,fsdev=fs{n},mount_tag={}", mount_tag(n))]);
    }
    if let Some((netdev, device)) = machine.net.arguments() {
        line.add(&["-netdev", &netdev, "-device", &device]);
    }
    line.add(&["-device", "isa-debug-exit,iobase=0x501,iosize=4"]);
    line.chardev("qmp", &fds.qmp);
    line.add(&["-mon", "chardev=qmp,mode=control"]);
    if let Some(gdb) = &fds.gdb {
        let chardev = format!("socket,id=gdb,fd={},server=on,wait=off", gdb.as_raw_fd());
        line.add(&["-chardev", &chardev, "-gdb", "chardev:gdb", "-S"]);
    }
    line.words
}

fn path(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

/// The host folder of a mount. Files keep the user's own owner and mode; inode numbers of folders on several file
/// systems are told apart (`remap`) instead of warned about.
fn fsdev(n: usize, mount: &Mount) -> OsString {
    let mut text = format!("local,id=fs{n},security_model=none,multidevs=remap").into_bytes();
    if mount.read_only {
        text.extend_from_slice(b",readonly=on");
    }
    text.extend_from_slice(b",path=");
    text.extend(escape_commas(mount.host.as_os_str()));
    OsString::from_vec(text)
}

/// QEMU's option syntax: a comma in a value is written twice.
fn escape_commas(value: &OsStr) -> Vec<u8> {
    value.as_bytes().iter().flat_map(|&b| std::iter::repeat_n(b, 1 + usize::from(b == b','))).collect()
}

/// QEMU's form of a position on the PCI bus.
fn address(devfn: u8) -> String {
    format!("{:x}.{}", devfn >> 3, devfn & 7)
}

/// Memory that becomes a PCI range of an ivshmem-plain device.
struct SharedFile<'a> {
    id: &'a str,
    file: &'a OwnedFd,
    len: u64,
    read_only: bool,
}

#[derive(Default)]
struct Line {
    words: Vec<OsString>,
}

impl Line {
    fn add(&mut self, words: &[&str]) {
        self.words.extend(words.iter().map(OsString::from));
    }

    fn shared(&mut self, shared: &SharedFile<'_>, devfn: u8) {
        let &SharedFile { id, file, len, read_only } = shared;
        let flag = if read_only { ",readonly=on" } else { "" };
        let file = path(file);
        self.add(&["-object"]);
        self.add(&[&format!(
            "memory-backend-file,id={id},share=on,align=2M,size={len},mem-path={file}{flag}"
        )]);
        let address = address(devfn);
        self.add(&["-device", &format!("ivshmem-plain,memdev={id},addr={address},multifunction=on")]);
    }

    /// A file that lies in RAM when the machine starts.
    fn content(&mut self, file: &OwnedFd, address: u64) {
        self.add(&["-device", &format!("loader,file={},addr={address:#x},force-raw=on", path(file))]);
    }

    fn chardev(&mut self, id: &str, fd: &OwnedFd) {
        self.add(&["-chardev", &format!("socket,id={id},fd={}", fd.as_raw_fd())]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::net::NetChoice;
    use std::fs::File;

    fn fd() -> OwnedFd {
        File::open("/dev/null").unwrap().into()
    }

    fn line(accel: Accel, mounts: &[Mount]) -> String {
        let windows = windows::place(&[4, 7], 80 << 20, WindowRights::Ro);
        let (image, ram, job, peer) = (fd(), fd(), fd(), fd());
        let fds = Descriptors {
            image: &image,
            firmware: fd(),
            ram: &ram,
            job: &job,
            windows: vec![&peer, &peer],
            handover: fd(),
            hca: fd(),
            out: fd(),
            err: fd(),
            ctl: fd(),
            qmp: fd(),
            gdb: None,
        };
        let machine = Machine {
            name: "unirank",
            accel,
            cpus: 2,
            memory: 64 << 20,
            image_address: 4 << 20,
            handover_address: 60 << 20,
            mounts,
            job_region: 1 << 29,
            windows: &windows,
            net: NetChoice::None.of(0),
        };
        let words = arguments(machine, &fds);
        let words: Vec<_> = words.iter().map(|w| w.to_str().unwrap()).collect();
        words.join(" ")
    }

    #[test]
    fn address_limit_only_under_kvm() {
        assert!(line(Accel::Kvm, &[]).contains("host-phys-bits-limit=40"));
        assert!(!line(Accel::Tcg, &[]).contains("host-phys-bits"));
    }

    #[test]
    fn shared_memory_has_fixed_places() {
        let line = line(Accel::Tcg, &[]);
        for part in [
            "ivshmem-doorbell,chardev=hca,vectors=1,addr=1.0",
            "memory-backend-file,id=job,share=on,align=2M,size=536870912,",
            "ivshmem-plain,memdev=job,addr=2.0,",
            "memory-backend-file,id=w4,share=on,align=2M,size=134217728,",
            ",readonly=on -device ivshmem-plain,memdev=w7,addr=3.1,",
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
    }

    #[test]
    fn commas_and_rights_of_mounts() {
        let mount = Mount { host: "/a,b".into(), guest: "/g".into(), read_only: true };
        let line = line(Accel::Tcg, &[mount]);
        assert!(line.contains(",readonly=on,path=/a,,b "), "{line}");
        assert!(line.contains("fsdev=fs0,mount_tag=root0"), "{line}");
    }
}
