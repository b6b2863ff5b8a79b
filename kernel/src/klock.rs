//! The kernel lock: the kernel runs on one processor at a time.
//!
//! Taken on every way into the kernel, given back on every way out of it and while a processor halts with nothing to run.
//! A switch of threads keeps it: it belongs to the processor.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::cpu;

/// Number of the processor that has it plus one, or 0.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// Processors that wait for it, one bit each.
static WAITING: AtomicU64 = AtomicU64::new(0);

/// Takes the lock for this processor.
pub fn acquire() {
    let id = cpu::this().id();
    if !try_acquire(id) {
        // What the entry saved of the program is there for whoever sees the bit.
        WAITING.fetch_or(1 << id, Ordering::Release);
        while OWNER.load(Ordering::Relaxed) != 0 || !try_acquire(id) {
            core::hint::spin_loop();
        }
        WAITING.fetch_and(!(1 << id), Ordering::Relaxed);
    }
}

fn try_acquire(id: u32) -> bool {
    OWNER.compare_exchange(0, id + 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
}

/// Processors that wait for it, one bit each: what their threads left is saved.
pub fn waiting() -> u64 {
    WAITING.load(Ordering::Acquire)
}

/// Gives it back.
pub fn release() {
    debug_assert!(is_mine());
    OWNER.store(0, Ordering::Release);
}

/// Whether this processor has it.
pub fn is_mine() -> bool {
    OWNER.load(Ordering::Relaxed) == cpu::this().id() + 1
}

/// Runs `f` with the lock: for functions that the program calls directly.
pub fn with<T>(f: impl FnOnce() -> T) -> T {
    acquire();
    let value = f();
    release();
    value
}
