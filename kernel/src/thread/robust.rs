//! Robust futexes: locks whose owner ends are marked, so that the next one to want them is told (set_robust_list(2)).

use super::{Thread, futex};
use crate::errno::Result;
use crate::user;

/// The owner's number in a lock word, and its two flags (`linux/futex.h`).
const TID_MASK: u32 = 0x3fff_ffff;
const OWNER_DIED: u32 = 0x4000_0000;
const WAITERS: u32 = 0x8000_0000;
/// Bytes of `struct robust_list_head`.
pub const HEAD_SIZE: u64 = 24;
/// Most locks that are looked at, as on Linux: the list may be damaged.
const LIMIT: usize = 2048;

/// Marks the locks that an ending thread holds.
pub fn release(thread: &Thread) {
    let head = thread.robust_list.get();
    if head != 0 {
        // The list is the program's: what cannot be read ends the walk.
        let _ = walk(head, thread.tid());
    }
}

fn walk(head: u64, tid: u32) -> Result<()> {
    let [first, offset, pending] = user::read::<[u64; 3]>(head)?;
    let lock_of = |entry: u64| (entry & !1).wrapping_add(offset);
    let mut entry = first;
    for _ in 0..LIMIT {
        if entry & !1 == head {
            break;
        }
        let next = user::read::<u64>(entry & !1)?;
        if entry & !1 != pending & !1 {
            mark(lock_of(entry), tid)?;
        }
        entry = next;
    }
    if pending != 0 { mark(lock_of(pending), tid) } else { Ok(()) }
}

fn mark(lock: u64, tid: u32) -> Result<()> {
    let word = user::read::<u32>(lock)?;
    if word & TID_MASK == tid {
        user::write(lock, &(word & WAITERS | OWNER_DIED))?;
        if word & WAITERS != 0 {
            futex::wake(lock, 1, u32::MAX);
        }
    }
    Ok(())
}
