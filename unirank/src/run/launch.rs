//! Starts one rank: as a VM, or as a Linux process.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::rand::{GetRandomFlags, getrandom};
use unirank_host_backend::client::{Client, JobId, RankKind};

use super::accel::Accel;
use super::answers::Answers;
use super::bind;
use super::bootconfig::BootConfig;
use super::environment::{self, Identity};
use super::firmware;
use super::gdb::{self, GdbServer};
use super::heartbeat::Heartbeat;
use super::life::Life;
use super::memory::{self, DMA_ARENA_SIZE, REGION_SIZE};
use super::node::Node;
use super::options::{Mount, RunOptions};
use super::pvh;
use super::qemu::{self, Descriptors, Machine};
use super::rank::{Channel, Rank, Words};
use super::spawn::{allowed_cores, spawn};
use super::stream::Stream;
use super::windows::{self, Window};
use crate::failure::{Context, Result};

/// What all ranks of a job have in common.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The user's options.
    pub options: &'a RunOptions,
    /// How ranks run.
    pub accel: Accel,
    /// QEMU; empty for native ranks.
    pub qemu: PathBuf,
    /// The image, absolute.
    pub image: PathBuf,
    /// What VMs load of it; none for native ranks.
    pub content: Option<Content>,
    /// Bytes of RAM for each.
    pub memory: u64,
    /// Folders each sees.
    pub mounts: Vec<Mount>,
    /// Working directory in the guest.
    pub cwd: PathBuf,
    /// Environment without the rank's identity.
    pub env: std::collections::BTreeMap<OsString, OsString>,
    /// TSC frequency in Hz.
    pub tsc_hz: u64,
    /// Cores to bind to, rank i to the ith or ith few; empty means not to bind.
    pub cores: Vec<usize>,
    /// The backend's number of the job.
    pub job: JobId,
    /// Whether the runner's standard output is a terminal.
    pub tty: bool,
    /// What the ranks share.
    pub node: &'a Node,
    /// Where gdb is awaited for one of them.
    pub gdb: Option<&'a GdbServer>,
    /// Whether core files are written.
    pub core: bool,
}

/// An image's content and what has to be known of it.
#[derive(Debug)]
pub struct Content {
    /// The content.
    pub file: OwnedFd,
    /// Where it goes.
    pub address: u64,
    /// Where the image ends, its zeroed data included.
    pub end: u64,
    /// Where it is entered.
    pub entry: u64,
}

/// A started rank and what the backend said about its memory.
pub type Started = (Rank, std::result::Result<(), String>);

impl Plan<'_> {
    /// Starts rank `number`.
    pub fn start(&self, client: &mut Client, number: u32) -> Result<Started> {
        match self.accel {
            Accel::Native => self.start_native(client, number),
            Accel::Kvm | Accel::Tcg => self.start_vm(client, number),
        }
    }

    fn start_vm(&self, client: &mut Client, number: u32) -> Result<Started> {
        let ram = &self.node.ram[number as usize];
        let region = memory::sealed("unirank-hca", REGION_SIZE)?;
        let kind = RankKind::Vm { ram: copy(ram)?, region: copy(&region)? };
        let what = || format!("giving rank {number} to the host backend");
        let added = client.add_rank(self.job, number, kind).context(what)?;
        let hca = added.ivshmem.ok_or("it gave no socket").context(what)?;
        let windows = windows::place(&self.node.windows_of(number), self.memory, self.node.rights);
        let content = self.content.as_ref().ok_or("the image was not read").context(what)?;
        let handover = pvh::handover(self.memory, content.end, &self.boot_config(number, &windows)?)?;
        let entry = u32::try_from(content.entry).context(|| "the image's entry lies too high".into())?;

        let (out, guest_out) = pair()?;
        let (err, guest_err) = pair()?;
        let (ctl, guest_ctl) = pair()?;
        let (qmp, guest_qmp) = pair()?;
        let gdb = self.gdb.filter(|server| server.rank == number);
        let fds = Descriptors {
            image: &content.file,
            firmware: memory::with_contents("unirank-firmware", &firmware::rom(entry, handover.address))?,
            ram,
            job: self.node.region_file(),
            windows: windows.iter().map(|window| &self.node.ram[window.rank as usize]).collect(),
            handover: memory::with_contents("unirank-boot", &handover.bytes)?,
            hca,
            out: guest_out,
            err: guest_err,
            ctl: guest_ctl,
            qmp: guest_qmp,
            gdb: gdb.map(GdbServer::listener).transpose()?,
        };
        let name = format!("unirank-job{}-rank{number}", self.job);
        let machine = Machine {
            name: &name,
            accel: if gdb.is_some() { gdb::accelerator(self.accel).0 } else { self.accel },
            cpus: self.options.cpus,
            memory: self.memory,
            image_address: content.address,
            handover_address: handover.address,
            mounts: &self.mounts,
            job_region: self.node.region().layout().len,
            windows: &windows,
            net: self.options.net.of(number),
        };
        let mut command = qemu::command(&self.qemu, machine, &fds);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut process = spawn(command, &fds.all(), &self.cores(number))?;
        let words = process.stderr.take().map(OwnedFd::from);
        let input = if number == 0 { Some(copy(&out)?) } else { None };
        let rank = Rank {
            number,
            started,
            out: self.stream(out, number)?,
            err: self.stream(err, number)?,
            ctl: Channel::new(nonblocking(ctl)?),
            words: Words::new(words.map(nonblocking).transpose()?),
            input,
            qmp: Some(qmp),
            answers: Some(Answers::new(copy(&region)?)),
            heartbeat: Some(Heartbeat::new(region, process.id(), Instant::now())),
            cores: self.cores(number),
            debugged: gdb.is_some(),
            life: Life::new(false),
            ended: None,
            process,
        };
        Ok((rank, added.pinned))
    }

    fn start_native(&self, client: &mut Client, number: u32) -> Result<Started> {
        let region = memory::sealed("unirank-hca", REGION_SIZE)?;
        let dma = memory::sealed("unirank-dma", DMA_ARENA_SIZE)?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .context(|| "creating an eventfd".into())?;
        let irq = &self.node.irqs[number as usize];
        let kind = RankKind::Native {
            region: copy(&region)?,
            dma: copy(&dma)?,
            wake: copy(&wake)?,
            irq: copy(irq)?,
        };
        let what = || format!("giving rank {number} to the host backend");
        let added = client.add_rank(self.job, number, kind).context(what)?;

        let (ctl, rank_ctl) = pair()?;
        let bells = &self.node.irqs[..self.node.bells() as usize];
        let mut inherited = vec![&region, &dma, &wake, irq, &rank_ctl, self.node.region_file()];
        inherited.extend(bells);
        let native =
            format!("{},{},{},{}", region.as_raw_fd(), dma.as_raw_fd(), wake.as_raw_fd(), irq.as_raw_fd());
        let mut command = Command::new(&self.image);
        command
            .args(&self.options.args)
            .env_clear()
            .envs(self.identity(number))
            .env("UNIRANK_NATIVE", native)
            .env("UNIRANK_IVC", native_ivc(self.node, bells))
            .env("UNIRANK_CTL_FD", rank_ctl.as_raw_fd().to_string())
            .current_dir(&self.cwd)
            .stdin(if number == 0 { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let started = Instant::now();
        let mut process = spawn(command, &inherited, &self.cores(number))?;
        let streams = process.stdout.take().zip(process.stderr.take());
        let (out, err) = streams.ok_or("a pipe is missing").context(|| format!("starting rank {number}"))?;
        let input = process.stdin.take().map(OwnedFd::from).map(nonblocking).transpose()?;
        let rank = Rank {
            number,
            started,
            out: self.stream(out.into(), number)?,
            err: self.stream(err.into(), number)?,
            ctl: Channel::new(nonblocking(ctl)?),
            words: Words::new(None),
            input,
            qmp: None,
            answers: None,
            heartbeat: None,
            cores: Vec::new(),
            debugged: false,
            life: Life::new(true),
            ended: None,
            process,
        };
        Ok((rank, added.pinned))
    }

    fn identity(&self, number: u32) -> Vec<(OsString, OsString)> {
        let id = Identity { rank: number, size: self.options.ranks, job: self.job.0 };
        environment::with_identity(&self.env, id, allowed_cores().len() / self.options.cpus as usize)
    }

    fn boot_config(&self, number: u32, windows: &[Window]) -> Result<Vec<u8>> {
        let mut args = vec![self.options.app.clone().into_os_string()];
        args.extend_from_slice(&self.options.args);
        let mut seed = [0; 32];
        getrandom(&mut seed, GetRandomFlags::empty()).context(|| "getting random numbers".into())?;
        let names = rustix::system::uname();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        BootConfig {
            args: &args,
            env: &self.identity(number),
            cpus: self.options.cpus,
            tsc_hz: self.tsc_hz,
            realtime_ns: now.as_nanos(),
            mounts: &self.mounts,
            cwd: &self.cwd,
            ids: (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw()),
            hostname: os_str(names.nodename().to_bytes()),
            seed,
            has_stdin: number == 0,
            tty: self.tty,
            core: self.core,
            profile_hz: if self.options.profile.is_some() { self.options.profile_hz } else { 0 },
            strace: self.options.strace.as_ref().is_some_and(|choice| choice.shows(number)),
            stats: self.options.stats.is_some(),
            large: self.node.makes_large(),
            boot_times: self.options.boot_times,
            rank: number,
            bells: self.node.bells(),
            address_bits: self.node.address_bits,
            job_region: (windows::JOB_REGION, self.node.region().layout().len),
            windows,
            net: self.options.net.of(number),
        }
        .encode()
    }

    fn stream(&self, fd: OwnedFd, number: u32) -> Result<Stream> {
        let tag = if self.options.tag_output { format!("[{number}] ") } else { String::new() };
        // Only a person at a terminal can answer a prompt; a pause in the middle of a line is none for anybody else.
        let prompts = number == 0 && std::io::IsTerminal::is_terminal(&std::io::stdin());
        Ok(Stream::new(nonblocking(fd)?, &tag, prompts))
    }

    fn cores(&self, number: u32) -> Vec<usize> {
        bind::cores_of(&self.cores, number, self.options.cpus)
    }
}

/// How a process finds what the ranks share, see `mpi-lite/src/platform/ivc.rs`.
fn native_ivc(node: &Node, bells: &[OwnedFd]) -> String {
    let bells: Vec<String> = bells.iter().map(|bell| bell.as_raw_fd().to_string()).collect();
    format!("{}:{}:{}", node.region_file().as_raw_fd(), node.rights.name(), bells.join(","))
}

fn os_str(bytes: &[u8]) -> &OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(bytes)
}

fn copy(fd: &OwnedFd) -> Result<OwnedFd> {
    fd.try_clone().context(|| "duplicating a descriptor".into())
}

fn pair() -> Result<(OwnedFd, OwnedFd)> {
    socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .context(|| "creating a socket pair".into())
}

fn nonblocking(fd: OwnedFd) -> Result<OwnedFd> {
    let what = || "making a descriptor non-blocking".into();
    let flags = fcntl_getfl(&fd).context(what)?;
    fcntl_setfl(&fd, flags | OFlags::NONBLOCK).context(what)?;
    Ok(fd)
}

/// Where ranks see which folder, and where they start: without `-v` the current folder at its own path. A relative
/// `--workdir` starts from where they would start without it.
pub fn folders(options: &RunOptions, here: &Path) -> (Vec<Mount>, PathBuf) {
    let mut mounts = options.mounts.clone();
    if mounts.is_empty() {
        mounts.push(Mount::at_own_path(here));
    }
    let inside = mounts.iter().find_map(|m| here.strip_prefix(&m.host).ok().map(|rest| m.guest.join(rest)));
    let start = inside.unwrap_or_else(|| mounts[0].guest.clone());
    let cwd = options.workdir.as_ref().map_or_else(|| start.clone(), |chosen| start.join(chosen));
    // Without the slash at the end that joining nothing leaves.
    (mounts, cwd.components().collect())
}

/// The folder of the host that ranks see as `guest`, if they see one there.
pub fn host_folder(mounts: &[Mount], guest: &Path) -> Option<PathBuf> {
    let mount =
        mounts.iter().filter(|m| guest.starts_with(&m.guest)).max_by_key(|m| m.guest.as_os_str().len())?;
    Some(mount.host.join(guest.strip_prefix(&mount.guest).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_folder_unless_others_are_named() {
        let here = Path::new("/home/u/work");
        let mut options = RunOptions::new("app", 1);
        assert_eq!(folders(&options, here), (vec![Mount::at_own_path(here)], here.to_owned()));
        options.mounts = vec!["/data:/d".parse().unwrap()];
        assert_eq!(folders(&options, here).1, Path::new("/d"));
        options.mounts.push("/home:/h".parse().unwrap());
        assert_eq!(folders(&options, here).1, Path::new("/h/u/work"), "here, as the guest sees it");
        options.workdir = Some("/d/x".into());
        assert_eq!(folders(&options, here).1, Path::new("/d/x"));
        options.workdir = Some("y".into());
        let (mounts, cwd) = folders(&options, here);
        assert_eq!(cwd, Path::new("/h/u/work/y"));
        assert_eq!(host_folder(&mounts, &cwd), Some("/home/u/work/y".into()));
        assert_eq!(host_folder(&mounts, Path::new("/tmp")), None);
    }
}
