//! Which part of the address space belongs to whom.
//!
//! A sorted list of disjoint regions. Virtual is physical here, so the list is both: what is in no region is RAM that has
//! never been used (and therefore zero) or no RAM at all; what a `Free` region covers has been used and needs zeroing.

use crate::errno::{Errno, Result};
use crate::pvh::Extent;

/// Pages are 4 KiB.
pub const PAGE: u64 = 4096;

/// Access rights of a region, the `PROT_` bits of `mmap`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prot(pub u8);

impl Prot {
    /// No access.
    pub const NONE: Prot = Prot(0);
    /// PROT_READ.
    pub const READ: Prot = Prot(1);
    /// PROT_WRITE.
    pub const WRITE: Prot = Prot(2);
    /// PROT_EXEC.
    pub const EXEC: Prot = Prot(4);
    /// Read and write.
    pub const RW: Prot = Prot(3);

    /// True if every right of `other` is given.
    pub fn allows(self, other: Prot) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What a region is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A segment of the program's file.
    Image,
    /// The program break's heap.
    Brk,
    /// Mapped by the program.
    Mmap,
    /// Mapped by the program without any right, over RAM that nobody has used: its pages need no zeroing.
    Reserved,
    /// The same over RAM that may have been used: its pages are zeroed when they get rights.
    ReservedUsed,
    /// The main stack.
    Stack,
    /// Below a stack: nobody may touch it.
    Guard,
    /// The kernel's own.
    Kernel,
    /// Registers or memory of a device.
    Device,
    /// RAM that has been used before.
    Free,
}

impl Kind {
    /// The program may pass pointers into it to a system call.
    pub fn is_program(self) -> bool {
        matches!(self, Kind::Image | Kind::Brk | Kind::Mmap | Kind::Stack | Kind::Device)
    }

    /// The program may unmap, remap and protect it.
    pub fn is_replaceable(self) -> bool {
        matches!(self, Kind::Mmap | Kind::Free | Kind::Brk) || self.is_reserved()
    }

    /// The program's own mapping.
    pub fn is_mapped(self) -> bool {
        self == Kind::Mmap || self.is_reserved()
    }

    /// Mapped by the program without any right since.
    pub fn is_reserved(self) -> bool {
        matches!(self, Kind::Reserved | Kind::ReservedUsed)
    }
}

/// A stretch of the address space with one owner and one set of rights.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Region {
    /// First byte.
    pub start: u64,
    /// Byte after the last.
    pub end: u64,
    /// What it is.
    pub kind: Kind,
    /// The program's rights.
    pub prot: Prot,
}

/// The list. It never allocates: its storage is given, and grown by [`RegionMap::move_to`].
pub struct RegionMap {
    list: &'static mut [Region],
    len: usize,
}

/// Operations need at most this many more entries than there are.
pub const SLACK: usize = 4;

const EMPTY: Region = Region { start: 0, end: 0, kind: Kind::Free, prot: Prot::NONE };

impl RegionMap {
    /// An empty list in this storage.
    pub const fn new(storage: &'static mut [Region]) -> Self {
        Self { list: storage, len: 0 }
    }

    /// An entry to fill storage with.
    pub const fn empty_entry() -> Region {
        EMPTY
    }

    /// True when the next operation might not find room.
    pub fn is_nearly_full(&self) -> bool {
        self.len + 4 * SLACK > self.list.len()
    }

    /// Number of entries the storage has.
    pub fn capacity(&self) -> usize {
        self.list.len()
    }

    /// Continues in a larger storage; gives back the old one.
    pub fn move_to(&mut self, storage: &'static mut [Region]) -> &'static mut [Region] {
        storage[..self.len].copy_from_slice(&self.list[..self.len]);
        core::mem::replace(&mut self.list, storage)
    }

    /// All regions in order.
    pub fn all(&self) -> &[Region] {
        &self.list[..self.len]
    }

    /// Index of the first region that ends after `address`.
    fn first_after(&self, address: u64) -> usize {
        self.all().partition_point(|r| r.end <= address)
    }

    /// The region an address lies in.
    pub fn at(&self, address: u64) -> Option<&Region> {
        self.all().get(self.first_after(address)).filter(|r| r.start <= address)
    }

    /// The regions that overlap `[start, end)`.
    pub fn overlapping(&self, start: u64, end: u64) -> &[Region] {
        let from = self.first_after(start);
        let to = self.all().partition_point(|r| r.start < end);
        if from < to { &self.list[from..to] } else { &[] }
    }

    /// True if every byte of `[start, start + len)` lies in regions for which `accept` holds.
    pub fn covers(&self, start: u64, len: u64, accept: impl Fn(&Region) -> bool) -> bool {
        let Some(end) = start.checked_add(len) else { return false };
        let mut at = start;
        for region in self.overlapping(start, end) {
            if region.start > at || !accept(region) {
                return false;
            }
            at = region.end;
        }
        at >= end
    }

    /// True if nobody owns any part of `[start, end)`.
    pub fn is_free(&self, start: u64, end: u64) -> bool {
        self.overlapping(start, end).iter().all(|r| r.kind == Kind::Free)
    }

    fn remove_at(&mut self, index: usize, count: usize) {
        self.list.copy_within(index + count..self.len, index);
        self.len -= count;
    }

    fn insert_at(&mut self, index: usize, region: Region) -> Result<()> {
        if self.len == self.list.len() {
            return Err(Errno::ENOMEM);
        }
        self.list.copy_within(index..self.len, index + 1);
        self.list[index] = region;
        self.len += 1;
        Ok(())
    }

    /// Takes `[start, end)` out of every region.
    pub fn carve(&mut self, start: u64, end: u64) -> Result<()> {
        if self.len + 1 > self.list.len() {
            return Err(Errno::ENOMEM);
        }
        let mut index = self.first_after(start);
        while index < self.len && self.list[index].start < end {
            let region = self.list[index];
            match (region.start < start, region.end > end) {
                (true, true) => {
                    self.list[index].end = start;
                    return self.insert_at(index + 1, Region { start: end, ..region });
                }
                (true, false) => {
                    self.list[index].end = start;
                    index += 1;
                }
                (false, true) => {
                    self.list[index].start = end;
                    return Ok(());
                }
                (false, false) => {
                    let covered = self.list[index..self.len].partition_point(|r| r.end <= end);
                    self.remove_at(index, covered.max(1));
                }
            }
        }
        Ok(())
    }

    /// Gives `[start, end)` to one owner, whoever had it before. Neighbours of the same kind and rights are joined.
    pub fn set(&mut self, start: u64, end: u64, kind: Kind, prot: Prot) -> Result<()> {
        debug_assert!(start < end && start % PAGE == 0 && end % PAGE == 0);
        if self.len + 2 > self.list.len() {
            return Err(Errno::ENOMEM);
        }
        self.carve(start, end)?;
        let index = self.first_after(start);
        let same = |r: &Region| r.kind == kind && r.prot == prot;
        let before = index > 0 && self.list[index - 1].end == start && same(&self.list[index - 1]);
        let after = index < self.len && self.list[index].start == end && same(&self.list[index]);
        match (before, after) {
            (true, true) => {
                self.list[index - 1].end = self.list[index].end;
                self.remove_at(index, 1);
            }
            (true, false) => self.list[index - 1].end = end,
            (false, true) => self.list[index].start = start,
            (false, false) => self.insert_at(index, Region { start, end, kind, prot })?,
        }
        Ok(())
    }

    /// The highest free place for `len` bytes in `within`, aligned.
    pub fn find_top(&self, within: Extent, len: u64, align: u64) -> Option<u64> {
        let mut top = within.end;
        let mut index = self.all().partition_point(|r| r.start < within.end);
        loop {
            // The next region below `top` that is somebody's.
            let owned = loop {
                match index.checked_sub(1) {
                    None => break None,
                    Some(i) => {
                        index = i;
                        if self.list[i].kind != Kind::Free {
                            break Some(self.list[i]);
                        }
                    }
                }
            };
            let bottom = owned.map_or(within.start, |r| r.end.max(within.start));
            let start = top.checked_sub(len).map(|start| start & !(align - 1));
            if let Some(start) = start.filter(|&start| start >= bottom) {
                return Some(start);
            }
            let region = owned?;
            top = top.min(region.start);
            if top <= within.start {
                return None;
            }
        }
    }

    /// Bytes of the largest piece in `within` that nobody owns.
    pub fn largest_free(&self, within: Extent) -> u64 {
        let owned = self.overlapping(within.start, within.end).iter().filter(|r| r.kind != Kind::Free);
        let (at, largest) = owned.fold((within.start, 0), |(at, largest): (u64, u64), r| {
            (r.end, largest.max(r.start.saturating_sub(at)))
        });
        largest.max(within.end.saturating_sub(at))
    }

    /// Bytes in `within` that nobody owns.
    pub fn free_bytes(&self, within: Extent) -> u64 {
        let owned: u64 = self
            .overlapping(within.start, within.end)
            .iter()
            .filter(|r| r.kind != Kind::Free)
            .map(|r| r.end.min(within.end) - r.start.max(within.start))
            .sum();
        within.end - within.start - owned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAM: Extent = Extent { start: 0x10_0000, end: 0x100_0000 };

    fn map(entries: usize) -> RegionMap {
        RegionMap::new(Vec::leak(vec![EMPTY; entries]))
    }

    fn spans(map: &RegionMap) -> Vec<(u64, u64, Kind)> {
        map.all().iter().map(|r| (r.start, r.end, r.kind)).collect()
    }

    #[test]
    fn set_splits_and_joins() {
        let mut map = map(16);
        map.set(0x10_0000, 0x20_0000, Kind::Mmap, Prot::RW).unwrap();
        map.set(0x14_0000, 0x15_0000, Kind::Mmap, Prot::READ).unwrap();
        assert_eq!(map.all().len(), 3);
        map.set(0x14_0000, 0x15_0000, Kind::Mmap, Prot::RW).unwrap();
        assert_eq!(spans(&map), [(0x10_0000, 0x20_0000, Kind::Mmap)]);
        map.set(0x20_0000, 0x21_0000, Kind::Kernel, Prot::NONE).unwrap();
        assert_eq!(map.all().len(), 2);
    }

    #[test]
    fn carve_leaves_both_ends() {
        let mut map = map(16);
        map.set(0x10_0000, 0x20_0000, Kind::Mmap, Prot::RW).unwrap();
        map.set(0x20_0000, 0x30_0000, Kind::Stack, Prot::RW).unwrap();
        map.carve(0x18_0000, 0x28_0000).unwrap();
        assert_eq!(spans(&map), [(0x10_0000, 0x18_0000, Kind::Mmap), (0x28_0000, 0x30_0000, Kind::Stack)]);
        assert!(map.at(0x18_0000).is_none());
        assert!(map.at(0x17_ffff).is_some());
    }

    #[test]
    fn covers_needs_every_byte() {
        let mut map = map(16);
        map.set(0x10_0000, 0x11_0000, Kind::Mmap, Prot::RW).unwrap();
        map.set(0x11_0000, 0x12_0000, Kind::Mmap, Prot::READ).unwrap();
        let readable = |r: &Region| r.prot.allows(Prot::READ);
        let writable = |r: &Region| r.prot.allows(Prot::WRITE);
        assert!(map.covers(0x10_0000, 0x2_0000, readable));
        assert!(!map.covers(0x10_0000, 0x2_0001, readable));
        assert!(!map.covers(0x10_fff0, 0x20, writable));
        assert!(!map.covers(u64::MAX - 4, 8, readable));
        assert!(map.covers(u64::MAX, 0, readable));
    }

    #[test]
    fn find_top_takes_the_highest_hole_that_fits() {
        let mut map = map(16);
        assert_eq!(map.find_top(RAM, 0x1000, PAGE), Some(0xff_f000));
        map.set(0xff_0000, 0x100_0000, Kind::Stack, Prot::RW).unwrap();
        map.set(0xfe_0000, 0xfe_8000, Kind::Mmap, Prot::RW).unwrap();
        assert_eq!(map.find_top(RAM, 0x8000, PAGE), Some(0xfe_8000));
        assert_eq!(map.find_top(RAM, 0x9000, PAGE), Some(0xfd_7000));
        assert_eq!(map.find_top(RAM, 0x20_0000, 0x20_0000), Some(0xc0_0000));
        map.set(0xfe_8000, 0xff_0000, Kind::Free, Prot::NONE).unwrap();
        assert_eq!(map.find_top(RAM, 0x8000, PAGE), Some(0xfe_8000));
        assert_eq!(map.find_top(RAM, 0x100_0000, PAGE), None);
    }

    #[test]
    fn free_bytes_counts_holes_and_used_ram() {
        let mut map = map(16);
        map.set(0x10_0000, 0x20_0000, Kind::Image, Prot::RW).unwrap();
        map.set(0x20_0000, 0x30_0000, Kind::Free, Prot::NONE).unwrap();
        assert_eq!((map.free_bytes(RAM), map.largest_free(RAM)), (0xe0_0000, 0xe0_0000));
        map.set(0x80_0000, 0x81_0000, Kind::Mmap, Prot::RW).unwrap();
        assert_eq!((map.free_bytes(RAM), map.largest_free(RAM)), (0xdf_0000, 0x7f_0000));
    }

    #[test]
    fn a_full_list_refuses_and_stays_valid() {
        let mut map = map(4);
        for i in 0..2u64 {
            map.set(0x10_0000 + i * 0x2000, 0x10_1000 + i * 0x2000, Kind::Mmap, Prot::RW).unwrap();
        }
        map.set(0x20_0000, 0x20_1000, Kind::Mmap, Prot::RW).unwrap();
        assert!(map.set(0x30_0000, 0x30_1000, Kind::Mmap, Prot::RW).is_err());
        assert_eq!(map.all().len(), 3);
        assert!(map.is_nearly_full());
    }

    /// Random operations against one byte of state per page.
    #[test]
    fn agrees_with_a_page_array() {
        let mut map = map(4096);
        let mut pages = [None; 256];
        let mut state = 1u64;
        let mut random = |n: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % n
        };
        for _ in 0..20_000 {
            let start = random(255);
            let end = start + 1 + random((256 - start).min(40));
            let range = start as usize..end.min(256) as usize;
            if random(3) == 0 {
                map.carve(range.start as u64 * PAGE, range.end as u64 * PAGE).unwrap();
                pages[range].fill(None);
            } else {
                let prot = Prot(random(4) as u8);
                map.set(range.start as u64 * PAGE, range.end as u64 * PAGE, Kind::Mmap, prot).unwrap();
                pages[range].fill(Some(prot));
            }
            for (i, page) in pages.iter().enumerate() {
                assert_eq!(map.at(i as u64 * PAGE + 7).map(|r| r.prot), *page);
            }
            for pair in map.all().windows(2) {
                assert!(pair[0].end <= pair[1].start);
                assert!(pair[0].end < pair[1].start || pair[0].prot != pair[1].prot, "neighbours not joined");
            }
        }
    }
}
