//! What `madvise` and `mlock` ask of memory that is always present.

use core::sync::atomic::{AtomicU8, Ordering};

use super::map::range;
use super::regions::{Kind, Prot, Region};
use super::{MEMORY, PAGE};
use crate::errno::{Errno, Result};

/// ENOMEM unless all of `[start, start + len)` is the program's.
pub fn check(start: u64, len: u64) -> Result<()> {
    if len == 0 && start % PAGE == 0 {
        return Ok(());
    }
    let (start, end) = range(start, len)?;
    let ours = |r: &Region| r.kind.is_program() || r.kind.is_reserved();
    if MEMORY.borrow().regions.covers(start, end - start, ours) { Ok(()) } else { Err(Errno::ENOMEM) }
}

/// `madvise(MADV_DONTNEED)`: the content reads as zero from now on.
pub fn discard(start: u64, len: u64) -> Result<()> {
    let (start, end) = range(start, len)?;
    let mut memory = MEMORY.borrow();
    let memory = &mut *memory;
    let ours = |kind: Kind| matches!(kind, Kind::Mmap | Kind::Brk) || kind.is_reserved();
    if !memory.regions.covers(start, end - start, |r| ours(r.kind)) {
        return Err(Errno::ENOMEM);
    }
    memory.ensure_reserve(end - start)?;
    let mut at = start;
    while at < end {
        let Some(region) = memory.regions.at(at).copied() else { break };
        let to = region.end.min(end);
        if !region.kind.is_reserved() {
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

/// Has the host give memory for every page now. EFAULT if the program has no such right to all of it.
pub fn populate(start: u64, len: u64, right: Prot) -> Result<()> {
    check(start, len)?;
    for page in (start..start + len).step_by(PAGE as usize) {
        if right.allows(Prot::WRITE) {
            crate::user::check(page, 1, Prot::RW)?;
            // SAFETY: writable, see the check; other threads may use the byte, which does not change.
            unsafe { AtomicU8::from_ptr(page as *mut u8) }.fetch_add(0, Ordering::Relaxed);
        } else {
            crate::user::read::<u8>(page)?;
        }
    }
    Ok(())
}
