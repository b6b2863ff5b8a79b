//! What the daemon keeps of a rank beside the engine.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::fstat;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::engine::Counters;
use crate::ivshmem;
use crate::rpc::{RankInfo, RankShape, RankState};

/// A rank of a job.
#[derive(Debug)]
pub(super) struct Rank {
    pub(super) shape: RankShape,
    /// The RAM file or DMA arena, and the device region: how much of them is there is asked for `list`.
    pub(super) files: Vec<OwnedFd>,
    /// QEMU's ivshmem server, for a VM.
    pub(super) _server: Option<ivshmem::Server>,
    pub(super) pid: Option<u32>,
    /// Readable when the process has ended.
    pub(super) process: Option<OwnedFd>,
    pub(super) state: RankState,
    pub(super) pinned: bool,
    pub(super) counters: Arc<Counters>,
}

impl Rank {
    /// Learns the process; its end will be noticed if the kernel allows to watch it.
    pub(super) fn set_process(&mut self, pid: u32) -> Result<(), String> {
        let process =
            i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(format!("{pid} is no process id"))?;
        let watch = pidfd_open(process, PidfdFlags::empty());
        self.pid = Some(pid);
        self.process = Some(watch.map_err(|e| format!("process {pid} cannot be watched: {e}"))?);
        Ok(())
    }

    pub(super) fn info(&self, number: u32) -> RankInfo {
        RankInfo {
            rank: number,
            pid: self.pid,
            state: self.state.clone(),
            resident: self.resident(),
            pinned: self.pinned,
            engine: self.counters.read(),
        }
    }

    fn resident(&self) -> u64 {
        match self.shape {
            RankShape::Vm => {
                let blocks = self.files.iter().filter_map(|file| fstat(file).ok()).map(|stat| stat.st_blocks);
                blocks.sum::<i64>() as u64 * 512
            }
            RankShape::Native => {
                self.pid.filter(|_| !self.state.is_final()).and_then(resident_set).unwrap_or(0)
            }
        }
    }
}

/// Second field of `/proc/<pid>/statm`, in bytes.
fn resident_set(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
