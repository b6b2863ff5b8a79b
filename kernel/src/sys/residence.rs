//! `madvise`, `mlock`, `mincore`, `msync`: what a program wants or asks of the presence of its memory. All of a rank's memory
//! is present and stays so.

use super::nr;
use crate::errno::{Errno, SysResult};
use crate::mm::regions::Prot;
use crate::mm::{PAGE, advice};
use crate::user;

/// Kinds of advice that do something here; the others of `madvise(2)` may be ignored, `MADV_FREE` too: the content may stay.
mod madv {
    pub const DONTNEED: u64 = 4;
    pub const POPULATE_READ: u64 = 22;
    pub const POPULATE_WRITE: u64 = 23;
    pub const DONTNEED_LOCKED: u64 = 24;
    /// The last one.
    pub const COLLAPSE: u64 = 25;
}
const MLOCK_ONFAULT: u64 = 1;
/// MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT.
const MCL_KNOWN: u64 = 7;
const MCL_ONFAULT: u64 = 4;
const MS_ASYNC: u64 = 1;
const MS_SYNC: u64 = 4;
const MS_KNOWN: u64 = 7;

/// The family's calls.
pub fn call(number: u64, args: &[u64; 6]) -> Option<SysResult> {
    let [a, b, c, ..] = *args;
    Some(match number {
        nr::MADVISE => madvise(a, b, c),
        nr::MINCORE => mincore(a, b, c),
        nr::MLOCK | nr::MUNLOCK => whole_pages(a, b),
        nr::MLOCK2 if c & !MLOCK_ONFAULT == 0 => whole_pages(a, b),
        nr::MLOCK2 => Err(Errno::EINVAL),
        nr::MLOCKALL if a == 0 || a & !MCL_KNOWN != 0 || a == MCL_ONFAULT => Err(Errno::EINVAL),
        nr::MLOCKALL | nr::MUNLOCKALL => Ok(0),
        nr::MSYNC => msync(a, b, c),
        _ => return None,
    })
}

/// A range of any bytes, which stands for the pages it touches.
fn whole_pages(start: u64, len: u64) -> SysResult {
    let first = start & !(PAGE - 1);
    let len = len.checked_add(start - first).ok_or(Errno::EINVAL)?;
    advice::check(first, len).map(|()| 0)
}

fn madvise(start: u64, len: u64, kind: u64) -> SysResult {
    if start % PAGE != 0 || kind > madv::COLLAPSE || matches!(kind, 5..=7) {
        return Err(Errno::EINVAL);
    }
    advice::check(start, len)?;
    match kind {
        _ if len == 0 => {}
        // What an ending thread's C library says of its stack; zeroing all of that would cost more than the thread.
        madv::DONTNEED if is_unused_stack(start, len) => {}
        madv::DONTNEED | madv::DONTNEED_LOCKED => advice::discard(start, len)?,
        madv::POPULATE_READ => advice::populate(start, len, Prot::READ)?,
        madv::POPULATE_WRITE => advice::populate(start, len, Prot::RW)?,
        _ => {}
    }
    Ok(0)
}

/// Whether memory is the unused part of the stack the caller runs on, in which nobody expects zeros, or anything.
fn is_unused_stack(start: u64, len: u64) -> bool {
    let Some(me) = crate::thread::current() else { return false };
    // SAFETY: it is in a system call, so its registers are at the top of its kernel stack.
    let rsp = unsafe { (*me.registers()).rsp };
    let stack = crate::mm::region_at(rsp);
    stack.is_some_and(|stack| stack.start <= start && start.saturating_add(len) <= rsp)
}

fn mincore(start: u64, len: u64, vector: u64) -> SysResult {
    if start % PAGE != 0 {
        return Err(Errno::EINVAL);
    }
    advice::check(start, len)?;
    user::slice_mut(vector, len.div_ceil(PAGE) as usize)?.fill(1);
    Ok(0)
}

fn msync(start: u64, len: u64, flags: u64) -> SysResult {
    if flags & !MS_KNOWN != 0 || flags & (MS_ASYNC | MS_SYNC) == MS_ASYNC | MS_SYNC {
        return Err(Errno::EINVAL);
    }
    advice::check(start, len).map(|()| 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_before_memory_is_touched() {
        assert_eq!(madvise(0, 4096, 99), Err(Errno::EINVAL));
        assert_eq!(madvise(0, 4096, 5), Err(Errno::EINVAL));
        assert_eq!(madvise(1, 4096, madv::DONTNEED), Err(Errno::EINVAL));
        assert_eq!(madvise(4096, u64::MAX - 4095, madv::DONTNEED), Err(Errno::EINVAL));
        assert_eq!(madvise(4096, 4096, madv::DONTNEED), Err(Errno::ENOMEM));
        assert_eq!(madvise(4096, 0, madv::DONTNEED), Ok(0));
        assert_eq!(mincore(1, 4096, 0), Err(Errno::EINVAL));
        assert_eq!(msync(0, 4096, MS_SYNC | MS_ASYNC), Err(Errno::EINVAL));
        assert_eq!(msync(0, 4096, 8), Err(Errno::EINVAL));
        assert_eq!(whole_pages(u64::MAX, 2), Err(Errno::EINVAL));
        assert_eq!(call(nr::MLOCKALL, &[0; 6]), Some(Err(Errno::EINVAL)));
        assert_eq!(call(nr::MLOCKALL, &[3; 6]), Some(Ok(0)));
        assert_eq!(call(nr::MLOCK2, &[4096, 4096, 2, 0, 0, 0]), Some(Err(Errno::EINVAL)));
    }
}
