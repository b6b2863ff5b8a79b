//! The kernel lock: the kernel runs on one processor at a time.
//!
//! Taken on every way into the kernel, given back on every way out of it and while a processor halts with nothing to run.
//! A switch of threads keeps it: it belongs to the processor.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::cpu;

/// Number of the processor that has it plus one, or 0.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// Takes the lock for this processor.
pub fn acquire() {
    let me = cpu::this().id() + 1;
    while OWNER.compare_exchange_weak(0, me, Ordering::Acquire, Ordering::Relaxed).is_err() {
        while OWNER.load(Ordering::Relaxed) != 0 {
            core::hint::spin_loop();
        }
    }
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
