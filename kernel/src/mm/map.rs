//! `brk`, `mmap` and their family.

use super::large;
use super::paging::LARGE;
use super::regions::{Kind, Prot};
use super::{MEMORY, Memory, PAGE};
use crate::errno::{Errno, Result};

/// Where a mapping has to go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Anywhere.
    Any,
    /// Exactly here, replacing what is there.
    Fixed(u64),
    /// Exactly here, if nobody is there.
    FixedFree(u64),
    /// Anywhere, on a large page.
    Large,
    /// Below this address.
    Below(u64),
}

impl Memory {
    pub(super) fn in_ram(&self, start: u64, end: u64) -> bool {
        self.ram.extents().iter().any(|e| e.start <= start && end <= e.end)
    }

    /// Gives free memory to the program, zeroed. Without rights it is a reservation, zeroed when it gets some.
    pub(super) fn claim(&mut self, start: u64, end: u64, kind: Kind, prot: Prot) -> Result<()> {
        let used_before = self.was_used(start, end);
        if prot == Prot::NONE {
            let kind = if used_before { Kind::ReservedUsed } else { Kind::Reserved };
            return self.regions.set(start, end, kind, prot);
        }
        if used_before {
            self.zero(start, end, Kind::Free)?;
        }
        self.regions.set(start, end, kind, prot)?;
        self.protect_pages(start, end, prot)
    }

    /// Whether some of this free memory has been used.
    fn was_used(&self, start: u64, end: u64) -> bool {
        self.regions.overlapping(start, end).iter().any(|r| r.kind == Kind::Free)
    }

    /// Maps and zeroes what is of this kind in `[start, end)`.
    fn zero(&mut self, start: u64, end: u64, kind: Kind) -> Result<()> {
        let mut at = start;
        while at < end {
            let found = self.regions.overlapping(at, end).iter().find(|r| r.kind == kind).copied();
            let Some(region) = found else { break };
            let (from, to) = (region.start.max(at), region.end.min(end));
            self.protect_pages(from, to, Prot::RW)?;
            // SAFETY: RAM whose content nobody needs, mapped writable above.
            unsafe { core::ptr::write_bytes(from as *mut u8, 0, (to - from) as usize) };
            at = to;
        }
        Ok(())
    }

    /// Takes memory from the program. Only regions that are replaceable, and holes.
    pub(super) fn give_up(&mut self, start: u64, end: u64) -> Result<()> {
        self.ensure_reserve(end - start)?;
        // What was mapped; the processor forgets all of it at once.
        let mut mapped: Option<(u64, u64)> = None;
        let mut at = start;
        while at < end {
            let Some(region) = self.regions.overlapping(at, end).first().copied() else { break };
            let (from, to) = (region.start.max(at), region.end.min(end));
            match region.kind {
                Kind::Reserved => self.regions.carve(from, to)?,
                Kind::Free => {}
                kind => {
                    self.regions.set(from, to, Kind::Free, Prot::NONE)?;
                    if !kind.is_reserved() {
                        mapped = Some((mapped.map_or(from, |m| m.0), to));
                    }
                }
            }
            at = to;
        }
        mapped.map_or(Ok(()), |(from, to)| self.protect_pages(from, to, Prot::NONE))
    }

    /// Where a range that has just been mapped completes a 2 MiB stretch of its region, one large page replaces 512 small
    /// ones: the heap and the C library's arenas grow in small steps.
    fn join_pages(&mut self, start: u64, end: u64) -> Result<()> {
        let Some(region) = self.regions.at(start).copied() else { return Ok(()) };
        let block = start & !(LARGE - 1);
        if block < start && region.start <= block && block + LARGE <= end && region.prot != Prot::NONE {
            self.protect_pages(block, block + LARGE, region.prot)?;
        }
        Ok(())
    }

    fn is_replaceable(&self, start: u64, end: u64) -> bool {
        self.regions.overlapping(start, end).iter().all(|r| r.kind.is_replaceable())
    }

    fn out_of_memory(&mut self, what: &str, len: u64) -> Errno {
        if !core::mem::replace(&mut self.told_out_of_memory, true) {
            let free = self.free_bytes();
            let largest = self.ram.extents().iter().map(|&e| self.regions.largest_free(e)).max().unwrap_or(0);
            let reserved: u64 =
                self.regions.all().iter().filter(|r| r.kind.is_reserved()).map(|r| r.end - r.start).sum();
            note!(
                "out of memory: {what} asked for {} MiB; {} of the VM's {} MiB are free, {} of them in one piece, and {} are reserved (mapped without rights): choose more with --mem",
                len.div_ceil(1 << 20),
                free >> 20,
                self.ram.total().div_ceil(1 << 20),
                largest >> 20,
                reserved >> 20
            );
        }
        Errno::ENOMEM
    }

    /// A program that must have certain addresses is told that RAM is all there are.
    fn no_ram_at(&mut self, address: u64) {
        if !core::mem::replace(&mut self.told_no_ram, true) {
            note!(
                "the program maps memory at {address:#x}, where the VM has no RAM: it gets ENOMEM (addresses are RAM here, 0x100000 to {:#x})",
                self.ram.high_end
            );
        }
    }

    pub(super) fn place(&mut self, len: u64, place: Place) -> Result<u64> {
        match place {
            Place::Any => {
                // Very large blocks start on a large page; for others the gap that leaves would be too much.
                let align = if len >= 16 * LARGE { LARGE } else { PAGE };
                let found = self.find_ram(len, align).or_else(|| self.find_ram(len, PAGE));
                found.ok_or_else(|| self.out_of_memory("the program (mmap)", len))
            }
            Place::Large => self
                .find_ram(len, LARGE)
                .ok_or_else(|| self.out_of_memory("the program (mmap, in pages of 2 MiB)", len)),
            Place::Below(limit) => self
                .find_ram_below(limit, len, PAGE)
                .ok_or_else(|| self.out_of_memory("the program (mmap, at a low address)", len)),
            Place::Fixed(start) | Place::FixedFree(start) => {
                let end = start.checked_add(len).ok_or(Errno::ENOMEM)?;
                if start % PAGE != 0 {
                    return Err(Errno::EINVAL);
                }
                if !self.in_ram(start, end) {
                    if place == Place::Fixed(start) {
                        self.no_ram_at(start);
                    }
                    return Err(Errno::ENOMEM);
                }
                if matches!(place, Place::FixedFree(_)) {
                    if !self.regions.is_free(start, end) {
                        return Err(Errno::EEXIST);
                    }
                } else if !self.is_replaceable(start, end) {
                    return Err(Errno::ENOMEM);
                } else {
                    self.give_up(start, end)?;
                }
                Ok(start)
            }
        }
    }
}

/// Rounds a length up to pages; an empty or impossible one is an error.
pub(super) fn length(len: u64) -> Result<u64> {
    match len.checked_next_multiple_of(PAGE) {
        None => Err(Errno::ENOMEM),
        Some(0) => Err(Errno::EINVAL),
        Some(len) => Ok(len),
    }
}

/// The pages of a range that starts on a page.
pub(super) fn range(start: u64, len: u64) -> Result<(u64, u64)> {
    if start % PAGE != 0 {
        return Err(Errno::EINVAL);
    }
    let end = start.checked_add(length(len)?).ok_or(Errno::EINVAL)?;
    Ok((start, end))
}

/// Anonymous memory for the program, zeroed.
pub fn map(len: u64, prot: Prot, place: Place) -> Result<u64> {
    let len = length(len)?;
    let mut memory = MEMORY.borrow();
    memory.ensure_reserve(len)?;
    let start = memory.place(len, place)?;
    let end = start + len;
    let is_new = prot != Prot::NONE && !memory.was_used(start, end);
    memory.claim(start, end, Kind::Mmap, prot)?;
    drop(memory);
    if is_new {
        large::prepare(start, end);
    }
    Ok(start)
}

/// `munmap`. Memory that is not the program's own mapping stays.
pub fn unmap(start: u64, len: u64) -> Result<()> {
    let (start, end) = range(start, len)?;
    let mut memory = MEMORY.borrow();
    if !memory.is_replaceable(start, end) {
        return Err(Errno::EINVAL);
    }
    memory.give_up(start, end)
}

/// `mprotect`.
pub fn protect(start: u64, len: u64, prot: Prot) -> Result<()> {
    if len == 0 && start % PAGE == 0 {
        return Ok(());
    }
    let (start, end) = range(start, len)?;
    let mut memory = MEMORY.borrow();
    let memory = &mut *memory;
    memory.ensure_reserve(end - start)?;
    let changeable = |kind: Kind| kind.is_mapped() || matches!(kind, Kind::Brk | Kind::Stack | Kind::Image);
    if !memory.regions.covers(start, end - start, |r| changeable(r.kind)) {
        return Err(Errno::ENOMEM);
    }
    if super::init::holds_kernel(start, end) {
        return Err(Errno::EACCES);
    }
    if prot != Prot::NONE {
        memory.zero(start, end, Kind::ReservedUsed)?;
    }
    let mut at = start;
    while at < end {
        let Some(region) = memory.regions.at(at).copied() else { return Err(Errno::ENOMEM) };
        let to = region.end.min(end);
        let kind = if prot != Prot::NONE && region.kind.is_reserved() { Kind::Mmap } else { region.kind };
        memory.regions.set(at, to, kind, prot)?;
        at = to;
    }
    memory.protect_pages(start, end, prot)?;
    memory.join_pages(start, end)
}

/// `brk`: moves the end of the program's heap if that is possible, and says where it is.
pub fn set_break(wanted: u64) -> u64 {
    let mut borrowed = MEMORY.borrow();
    let memory = &mut *borrowed;
    let old_end = memory.brk.next_multiple_of(PAGE);
    let Some(new_end) = wanted.checked_next_multiple_of(PAGE) else { return memory.brk };
    if wanted < memory.brk_start || memory.ensure_reserve(new_end.saturating_sub(old_end)).is_err() {
        return memory.brk;
    }
    let mut is_new = false;
    let moved = if new_end > old_end {
        if !memory.in_ram(old_end, new_end) || !memory.regions.is_free(old_end, new_end) {
            // Not the end: the C library turns to mmap, which has its own message.
            return memory.brk;
        }
        is_new = !memory.was_used(old_end, new_end);
        memory.claim(old_end, new_end, Kind::Brk, Prot::RW).and_then(|()| memory.join_pages(old_end, new_end))
    } else if new_end < old_end {
        memory.give_up(new_end, old_end)
    } else {
        Ok(())
    };
    if moved.is_ok() {
        memory.brk = wanted;
    }
    let end = memory.brk;
    drop(borrowed);
    if is_new && moved.is_ok() {
        large::prepare(old_end, new_end);
    }
    end
}
