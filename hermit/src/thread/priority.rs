//! Priorities of threads: remembered, and told to the kernel as a nice value. Linux lets only privileged processes
//! raise one; the library OS runs all threads of a program alike.

use core::sync::atomic::Ordering;

use hermit_abi::{EINVAL, ESRCH, NO_PRIORITIES, NORMAL_PRIO, Tid};

use super::{THREADS, current};
use crate::error::refused;

const PRIO_PROCESS: u64 = 0;
const NICE_PER_PRIORITY: i64 = 5;

/// Tells the kernel; thread 0 is the caller.
pub fn apply_priority(tid: Tid, priority: u8) {
    let nice = (i64::from(NORMAL_PRIO.into()) - i64::from(priority)) * NICE_PER_PRIORITY;
    if nice != 0 || tid != 0 {
        linux!(SETPRIORITY, PRIO_PROCESS, u64::from(tid), nice.clamp(-20, 19));
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_get_priority() -> u8 {
    current().map_or(NORMAL_PRIO.into(), |thread| thread.priority.load(Ordering::Relaxed))
}

/// What is no priority or no thread is left alone; `sys_errno` says so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_set_priority(tid: Tid, prio: u8) {
    if prio == 0 || usize::from(prio) >= NO_PRIORITIES {
        refused(EINVAL);
        return;
    }
    // The caller may be one that was not spawned here: from now on it is known.
    current();
    match THREADS.lock().by_id(tid) {
        Some(thread) => thread.priority.store(prio, Ordering::Relaxed),
        None => {
            refused(ESRCH);
            return;
        }
    }
    apply_priority(tid, prio);
}
