//! Threads that block themselves and are woken by id, and those that only let others run.

use core::sync::atomic::Ordering;

use hermit_abi::Tid;

use super::{THREADS, Thread, current};
use crate::error::own;
use crate::futex;
use crate::time::{Clock, Moment};

const RUNS: u32 = 0;
const BLOCKED: u32 = 1;
/// A moment that never comes.
const NEVER: u64 = u64::MAX;

fn block(wake_at: u64) {
    if let Some(thread) = current() {
        thread.wake_at.store(wake_at, Ordering::Relaxed);
        thread.blocked.store(BLOCKED, Ordering::SeqCst);
    }
}

/// Waits until woken or until the time is over.
fn stay_blocked(thread: &Thread) {
    let until = match thread.wake_at.load(Ordering::Relaxed) {
        NEVER => None,
        ns => Some(Moment { clock: Clock::Monotonic, ns }),
    };
    while thread.blocked.load(Ordering::SeqCst) == BLOCKED {
        if futex::timed_out(futex::wait(&thread.blocked, BLOCKED, until)) {
            break;
        }
    }
    thread.blocked.store(RUNS, Ordering::SeqCst);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_block_current_task() {
    block(NEVER);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_block_current_task_with_timeout(timeout: u64) {
    block(Moment::after(Clock::Monotonic, timeout.saturating_mul(1_000_000)).ns);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_yield() {
    // SAFETY: the thread's own; null or its record.
    match unsafe { (*own().as_ptr()).thread.as_ref() } {
        Some(thread) if thread.blocked.load(Ordering::SeqCst) == BLOCKED => stay_blocked(thread),
        _ => {
            linux!(SCHED_YIELD);
        }
    }
}

/// Wakes a thread that has blocked itself, or is about to: between its call and its yield counts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_wakeup_task(tid: Tid) {
    if let Some(thread) = THREADS.lock().by_id(tid) {
        if thread.blocked.swap(RUNS, Ordering::SeqCst) == BLOCKED {
            futex::wake(&thread.blocked, 1);
        }
    }
}

/// The crate's spelling.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_wakeup_taskt(tid: Tid) {
    // SAFETY: as ours.
    unsafe { sys_wakeup_task(tid) }
}
