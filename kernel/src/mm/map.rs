//! `brk`, `mmap` and their family.

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
}

impl Memory {
    fn in_ram(&self, start: u64, end: u64) -> bool {
        self.ram.extents().iter().any(|e| e.start <= start && end <= e.end)
    }

    /// Gives free memory to the program, zeroed.
    fn claim(&mut self, start: u64, end: u64, kind: Kind, prot: Prot) -> Result<()> {
        self.ensure_reserve()?;
        let used_before = self.regions.overlapping(start, end).iter().any(|r| r.kind == Kind::Free);
        if used_before {
            self.protect_pages(start, end, Prot::RW)?;
            for region in self.regions.overlapping(start, end) {
                let (from, to) = (region.start.max(start), region.end.min(end));
                // SAFETY: free RAM, mapped writable above.
                unsafe { core::ptr::write_bytes(from as *mut u8, 0, (to - from) as usize) };
            }
        }
        self.regions.set(start, end, kind, prot)?;
        if !used_before || prot != Prot::RW {
            self.protect_pages(start, end, prot)?;
        }
        Ok(())
    }

    /// Takes memory from the program. Only regions that are replaceable, and holes.
    fn give_up(&mut self, start: u64, end: u64) -> Result<()> {
        self.ensure_reserve()?;
        let mut at = start;
        while at < end {
            let Some(region) = self.regions.overlapping(at, end).first().copied() else { break };
            let (from, to) = (region.start.max(at), region.end.min(end));
            match region.kind {
                Kind::Reserved => self.regions.carve(from, to)?,
                Kind::Free => {}
                _ => {
                    self.regions.set(from, to, Kind::Free, Prot::NONE)?;
                    self.protect_pages(from, to, Prot::NONE)?;
                }
            }
            at = to;
        }
        Ok(())
    }

    fn is_replaceable(&self, start: u64, end: u64) -> bool {
        self.regions.overlapping(start, end).iter().all(|r| r.kind.is_replaceable())
    }

    fn out_of_memory(&mut self, what: &str, len: u64) -> Errno {
        if !core::mem::replace(&mut self.told_out_of_memory, true) {
            let free: u64 = self.ram.extents().iter().map(|&e| self.regions.free_bytes(e)).sum();
            note!(
                "out of memory: {what} asked for {} MiB; {} of the VM's {} MiB are free, in one piece or not (choose more with --mem)",
                len.div_ceil(1 << 20),
                free >> 20,
                self.ram.total().div_ceil(1 << 20)
            );
        }
        Errno::ENOMEM
    }

    fn place(&mut self, len: u64, place: Place) -> Result<u64> {
        match place {
            Place::Any => {
                // Very large blocks start on a large page; for others the gap that leaves would be too much.
                let align = if len >= 16 * LARGE { LARGE } else { PAGE };
                let found = self.find_ram(len, align).or_else(|| self.find_ram(len, PAGE));
                found.ok_or_else(|| self.out_of_memory("the program (mmap)", len))
            }
            Place::Fixed(start) | Place::FixedFree(start) => {
                let end = start.checked_add(len).ok_or(Errno::ENOMEM)?;
                if start % PAGE != 0 {
                    return Err(Errno::EINVAL);
                }
                if !self.in_ram(start, end) {
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
fn length(len: u64) -> Result<u64> {
    match len.checked_next_multiple_of(PAGE) {
        None => Err(Errno::ENOMEM),
        Some(0) => Err(Errno::EINVAL),
        Some(len) => Ok(len),
    }
}

fn range(start: u64, len: u64) -> Result<(u64, u64)> {
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
    memory.ensure_reserve()?;
    let start = memory.place(len, place)?;
    let kind = if prot == Prot::NONE { Kind::Reserved } else { Kind::Mmap };
    memory.claim(start, start + len, kind, prot)?;
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
    memory.ensure_reserve()?;
    let changeable =
        |kind: Kind| matches!(kind, Kind::Mmap | Kind::Reserved | Kind::Brk | Kind::Stack | Kind::Image);
    if !memory.regions.covers(start, end - start, |r| changeable(r.kind)) {
        return Err(Errno::ENOMEM);
    }
    if super::init::holds_kernel(start, end) {
        return Err(Errno::EACCES);
    }
    let mut at = start;
    while at < end {
        let Some(region) = memory.regions.at(at).copied() else { return Err(Errno::ENOMEM) };
        let to = region.end.min(end);
        let kind = match region.kind {
            Kind::Reserved if prot != Prot::NONE => Kind::Mmap,
            kind => kind,
        };
        memory.regions.set(at, to, kind, prot)?;
        at = to;
    }
    memory.protect_pages(start, end, prot)
}

/// `mremap` without a fixed target: the block's new place.
pub fn remap(start: u64, old_len: u64, new_len: u64, may_move: bool) -> Result<u64> {
    let (start, end) = range(start, old_len)?;
    let new_len = length(new_len)?;
    let old_len = end - start;
    let mut memory = MEMORY.borrow();
    let region = *memory.regions.at(start).ok_or(Errno::EFAULT)?;
    if !matches!(region.kind, Kind::Mmap | Kind::Reserved) || region.end < end {
        return Err(Errno::EFAULT);
    }
    if new_len <= old_len {
        if new_len < old_len {
            memory.give_up(start + new_len, end)?;
        }
        return Ok(start);
    }
    let new_end = start.checked_add(new_len).ok_or(Errno::ENOMEM)?;
    if memory.in_ram(start, new_end) && memory.regions.is_free(end, new_end) {
        memory.claim(end, new_end, region.kind, region.prot)?;
        return Ok(start);
    }
    if !may_move {
        return Err(Errno::ENOMEM);
    }
    let target = memory.place(new_len, Place::Any)?;
    if region.kind == Kind::Reserved {
        memory.claim(target, target + new_len, region.kind, region.prot)?;
    } else {
        memory.claim(target, target + new_len, region.kind, Prot::RW)?;
        memory.protect_pages(start, end, Prot::RW)?;
        // SAFETY: both blocks are the program's, mapped, and disjoint: the target was free.
        unsafe { core::ptr::copy_nonoverlapping(start as *const u8, target as *mut u8, old_len as usize) };
        memory.regions.set(target, target + new_len, region.kind, region.prot)?;
        memory.protect_pages(target, target + new_len, region.prot)?;
    }
    memory.give_up(start, end)?;
    Ok(target)
}

/// `madvise(MADV_DONTNEED)`: the content reads as zero from now on.
pub fn discard(start: u64, len: u64) -> Result<()> {
    let (start, end) = range(start, len)?;
    let mut memory = MEMORY.borrow();
    let memory = &mut *memory;
    let ours = |kind: Kind| matches!(kind, Kind::Mmap | Kind::Reserved | Kind::Brk);
    if !memory.regions.covers(start, end - start, |r| ours(r.kind)) {
        return Err(Errno::ENOMEM);
    }
    memory.ensure_reserve()?;
    let mut at = start;
    while at < end {
        let Some(region) = memory.regions.at(at).copied() else { break };
        let to = region.end.min(end);
        if region.kind != Kind::Reserved {
            let writable = region.prot.allows(Prot::WRITE);
            if !writable {
                memory.protect_pages(at, to, Prot::RW)?;
            }
            // SAFETY: the program's memory, writable now.
            unsafe { core::ptr::write_bytes(at as *mut u8, 0, (to - at) as usize) };
            if !writable {
                memory.protect_pages(at, to, region.prot)?;
            }
        }
        at = to;
    }
    Ok(())
}

/// `brk`: moves the end of the program's heap if that is possible, and says where it is.
pub fn set_break(wanted: u64) -> u64 {
    let mut memory = MEMORY.borrow();
    let memory = &mut *memory;
    let old_end = memory.brk.next_multiple_of(PAGE);
    let Some(new_end) = wanted.checked_next_multiple_of(PAGE) else { return memory.brk };
    if wanted < memory.brk_start {
        return memory.brk;
    }
    let moved = if new_end > old_end {
        if !memory.in_ram(old_end, new_end) || !memory.regions.is_free(old_end, new_end) {
            // Not the end: the C library turns to mmap, which has its own message.
            return memory.brk;
        }
        memory.claim(old_end, new_end, Kind::Brk, Prot::RW).and_then(|()| {
            let whole = old_end & !(LARGE - 1);
            // A 2 MiB stretch has become complete: one large page instead of 512 small ones.
            if whole >= memory.brk_start && whole + LARGE <= new_end && whole < old_end {
                memory.protect_pages(whole, whole + LARGE, Prot::RW)?;
            }
            Ok(())
        })
    } else if new_end < old_end {
        memory.give_up(new_end, old_end)
    } else {
        Ok(())
    };
    if moved.is_ok() {
        memory.brk = wanted;
    }
    memory.brk
}
