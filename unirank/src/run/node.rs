//! What the ranks of a job share on this host: the job region, the files that are their RAM, and their bells.
//!
//! All of it exists before the first rank starts, so that a rank's VM has windows on ranks that are yet to come.

use std::ops::Range;
use std::os::fd::OwnedFd;

use rustix::event::{EventfdFlags, eventfd};
use unirank_host_backend::ivshmem::MOST_BELLS;
use unirank_host_backend::memory::Mapping;
use unirank_ivc::{JobRegion, Layout};

use super::answers::Answers;
use super::guest_ram::GuestRam;
use super::hugepages::{Collector, Request};
use super::memory::{self, Pages, RankMemory};
use super::options::WindowRights;
use super::windows;
use crate::failure::{Context, Failure, Result};
use crate::text;

/// Heap of the job region beside what rings need, when nothing is said: something for each rank, not more than a host
/// without overcommit could give.
pub fn default_shared(ranks: u32) -> u64 {
    const MIB: u64 = 1 << 20;
    (256 * MIB + u64::from(ranks) * 64 * MIB).min(1 << 30)
}

/// Shared memory of a job on this host.
#[derive(Debug)]
pub struct Node {
    region: Region,
    /// Ranks of the job on this host.
    pub ranks: u32,
    /// What ranks may do with each other's memory.
    pub rights: WindowRights,
    /// RAM of each VM, by rank; longer than the RAM if that is no power of two. None in a job of processes.
    pub ram: Vec<OwnedFd>,
    /// Bytes of RAM of each VM.
    pub memory: u64,
    /// Bits of a VM's physical addresses.
    pub address_bits: u32,
    /// Interrupts of processes, by rank. A VM's are the host backend's.
    pub irqs: Vec<OwnedFd>,
    /// Make the pages of the RAM large, by rank; none if that is not wanted.
    collectors: Vec<Collector>,
}

/// The job region, mapped.
#[derive(Debug)]
struct Region {
    file: OwnedFd,
    view: JobRegion,
    /// Holds what `view` sees.
    _mapping: Mapping,
}

impl Region {
    /// Creates it and writes its header.
    #[allow(unsafe_code, reason = "the region's header is written into a mapping")]
    fn create(layout: Layout) -> Result<Self> {
        let file = memory::sealed("unirank-job", layout.len)?;
        let mapping = Mapping::new(&file, "the job region").context(|| "setting up the job region".into())?;
        // SAFETY: `Mapping` maps the whole new file, which is zero, page-aligned, `layout.len` long and nobody else's
        // yet; it is kept beside the view.
        let view = unsafe { JobRegion::format(mapping.base(), layout) };
        Ok(Self { file, view, _mapping: mapping })
    }
}

impl Node {
    /// Creates everything for `ranks` ranks: VMs with `memory` each, or processes if that is of 0 bytes. `trace` is the
    /// bytes of trace records of each rank.
    pub fn create(
        job: u64,
        ranks: u32,
        memory: RankMemory,
        shared: u64,
        trace: u64,
        rights: WindowRights,
    ) -> Result<Self> {
        let layout = Layout::new(job, ranks, trace, shared);
        let address_bits = windows::address_bits();
        let space = windows::pci_space(address_bits);
        if memory.bytes > 0 && layout.len > space {
            return Err(Failure::usage(format!(
                "the job region would have {}, a VM can map {}",
                text::size(layout.len),
                text::size(space)
            ))
            .remedy("say less with --shared"));
        }
        let vms = if memory.bytes > 0 { ranks } else { 0 };
        let irq = |_| {
            eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
                .context(|| "creating an eventfd".into())
        };
        let ram: Vec<OwnedFd> = (0..vms).map(|_| memory.file()).collect::<Result<_>>()?;
        let collectors = match memory.pages {
            Pages::Collected => {
                ram.iter().map(|file| Collector::start(file, memory.bytes)).collect::<Result<_>>()?
            }
            Pages::Small | Pages::Reserved => Vec::new(),
        };
        Ok(Self {
            region: Region::create(layout)?,
            ranks,
            rights,
            ram,
            memory: memory.bytes,
            address_bits,
            irqs: (vms..ranks).map(irq).collect::<Result<_>>()?,
            collectors,
        })
    }

    /// The job region as the runner sees it.
    pub fn region(&self) -> JobRegion {
        self.region.view
    }

    /// The job region's file.
    pub fn region_file(&self) -> &OwnedFd {
        &self.region.file
    }

    /// Whether ranks are to tell which memory they begin to use.
    pub fn makes_large(&self) -> bool {
        !self.collectors.is_empty()
    }

    /// A rank is about to use memory, it says, and waits for the answer.
    pub fn prepare(&self, rank: usize, addresses: &Range<u64>, answers: Option<Answers>) {
        let (Some(collector), Some(file)) = (self.collectors.get(rank), self.ram.get(rank)) else { return };
        let Some(len) = addresses.end.checked_sub(addresses.start) else { return };
        let start = GuestRam::new(file, self.memory).offset(addresses.start, len);
        if let (Some(start), Some(answers)) = (start, answers) {
            collector.prepare(Request { part: start..start + len, answers });
        }
    }

    /// Ranks that can be woken directly.
    pub fn bells(&self) -> u32 {
        self.ranks.min(MOST_BELLS)
    }

    /// The ranks on whose RAM a VM gets windows, in the order of their devices.
    pub fn windows_of(&self, rank: u32) -> Vec<u32> {
        if self.rights == WindowRights::Off || self.memory == 0 {
            return Vec::new();
        }
        let space = windows::pci_space(self.address_bits);
        let room = windows::room(space, self.region().layout().len, self.memory.next_power_of_two());
        windows::peers(rank, self.ranks, room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    fn of(bytes: u64) -> RankMemory {
        RankMemory { bytes, pages: Pages::Small }
    }

    #[test]
    fn everything_is_there_before_the_first_rank() {
        let node = Node::create(5, 3, of(80 << 20), 1 << 20, 0, WindowRights::Rw).unwrap();
        let layout = *node.region().layout();
        assert_eq!((layout.ranks, layout.job), (3, 5));
        assert_eq!(rustix::fs::fstat(node.region_file()).unwrap().st_size as u64, layout.len);
        let lengths = node.ram.iter().map(|file| rustix::fs::fstat(file).unwrap().st_size);
        assert_eq!(lengths.collect::<Vec<_>>(), [128 << 20; 3]);
        assert_eq!(node.windows_of(1).len(), 2);
        node.region().page(2).counter(7).store(9, Ordering::Relaxed);
        let mut word = [0; 8];
        let at = layout.pages + 2 * 4096 + 0x400 + 7 * 8;
        rustix::io::pread(node.region_file(), &mut word, at).unwrap();
        assert_eq!(u64::from_le_bytes(word), 9, "the mapping is the file");
    }

    #[test]
    fn processes_have_bells_and_no_ram() {
        let node = Node::create(5, 3, of(0), 1 << 20, 0, WindowRights::Rw).unwrap();
        assert_eq!((node.ram.len(), node.irqs.len(), node.windows_of(0).len()), (0, 3, 0));
    }

    #[test]
    fn a_region_that_no_vm_can_map_is_refused() {
        let text = Node::create(5, 2, of(64 << 20), 300 << 30, 0, WindowRights::Rw).unwrap_err().to_string();
        assert!(text.contains("512 GiB") && text.contains("256 GiB") && text.contains("--shared"), "{text}");
    }

    #[test]
    fn no_windows_when_they_are_off() {
        let node = Node::create(5, 3, of(64 << 20), 1 << 20, 0, WindowRights::Off).unwrap();
        assert!(node.windows_of(0).is_empty());
    }
}
