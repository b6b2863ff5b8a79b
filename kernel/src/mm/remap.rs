//! `mremap`: blocks that grow, shrink and move.

use super::map::{Place, length, range};
use super::regions::{Prot, Region};
use super::{MEMORY, Memory};
use crate::errno::{Errno, Result};

/// Where a block may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// It stays where it is.
    Stay,
    /// Anywhere, if it cannot grow where it is.
    Any,
    /// Here, replacing what is there.
    Fixed(u64),
}

/// Changes the length or place of a block; its new place.
pub fn remap(start: u64, old_len: u64, new_len: u64, target: Target) -> Result<u64> {
    let (start, end) = range(start, old_len)?;
    let new_len = length(new_len)?;
    let mut memory = MEMORY.borrow();
    let memory = &mut *memory;
    memory.ensure_reserve(new_len)?;
    let region = *memory.regions.at(start).ok_or(Errno::EFAULT)?;
    if !region.kind.is_mapped() || region.end < end {
        return Err(Errno::EFAULT);
    }
    if let Target::Fixed(to) = target {
        let overlaps = to < end && to.checked_add(new_len).is_none_or(|to_end| start < to_end);
        if overlaps {
            return Err(Errno::EINVAL);
        }
        let to = memory.place(new_len, Place::Fixed(to))?;
        return memory.move_block(region, (start, end), (to, new_len));
    }
    if new_len <= end - start {
        if new_len < end - start {
            memory.give_up(start + new_len, end)?;
        }
        return Ok(start);
    }
    let new_end = start.checked_add(new_len).ok_or(Errno::ENOMEM)?;
    if memory.in_ram(start, new_end) && memory.regions.is_free(end, new_end) {
        memory.claim(end, new_end, region.kind, region.prot)?;
        return Ok(start);
    }
    if target == Target::Stay {
        return Err(Errno::ENOMEM);
    }
    let to = memory.place(new_len, Place::Any)?;
    memory.move_block(region, (start, end), (to, new_len))
}

impl Memory {
    /// Moves `[start, end)`, a part of `region`, to free RAM at `to`, where it has another length.
    fn move_block(
        &mut self,
        region: Region,
        (start, end): (u64, u64),
        (to, new_len): (u64, u64),
    ) -> Result<u64> {
        if region.kind.is_reserved() {
            self.claim(to, to + new_len, region.kind, Prot::NONE)?;
        } else {
            self.claim(to, to + new_len, region.kind, Prot::RW)?;
            if !region.prot.allows(Prot::READ) {
                self.protect_pages(start, end, Prot::RW)?;
            }
            let len = (end - start).min(new_len) as usize;
            // SAFETY: both blocks are the program's, mapped with the rights needed, and disjoint: the target was free.
            unsafe { core::ptr::copy_nonoverlapping(start as *const u8, to as *mut u8, len) };
            self.regions.set(to, to + new_len, region.kind, region.prot)?;
            self.protect_pages(to, to + new_len, region.prot)?;
        }
        self.give_up(start, end)?;
        Ok(to)
    }
}
