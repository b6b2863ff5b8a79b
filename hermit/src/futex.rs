//! Waiting until another thread has changed a word.

use core::sync::atomic::AtomicU32;

use hermit_abi::{EINTR, EINVAL, ETIMEDOUT, FUTEX_RELATIVE_TIMEOUT, timespec};

use crate::time::{self, Clock, Moment};

const FUTEX_WAKE: u64 = 1;
const FUTEX_WAIT_BITSET: u64 = 9;
const FUTEX_PRIVATE: u64 = 128;
const FUTEX_CLOCK_REALTIME: u64 = 256;
const ANY: u32 = u32::MAX;

/// Waits while the word is `expected` until woken, or until the moment. Signals do not end the wait. Linux' result.
pub fn wait(word: &AtomicU32, expected: u32, until: Option<Moment>) -> isize {
    // SAFETY: the word is borrowed.
    unsafe { wait_at(word.as_ptr(), expected, until, FUTEX_PRIVATE) }
}

/// As [`wait`], for a word that the kernel changes and wakes for: it does not call it private.
pub fn wait_for_kernel(word: &AtomicU32, expected: u32) -> isize {
    // SAFETY: the word is borrowed.
    unsafe { wait_at(word.as_ptr(), expected, None, 0) }
}

/// # Safety
/// The kernel checks the address; what it reads there is the caller's.
unsafe fn wait_at(word: *mut u32, expected: u32, until: Option<Moment>, private: u64) -> isize {
    let clock = match until {
        Some(Moment { clock: Clock::Realtime, .. }) => FUTEX_CLOCK_REALTIME,
        _ => 0,
    };
    let time = until.map(|moment| moment.linux());
    let time = time.as_ref().map_or(core::ptr::null(), |time| time);
    loop {
        let result = linux!(
            FUTEX,
            word,
            FUTEX_WAIT_BITSET | private | clock,
            u64::from(expected),
            time,
            0,
            u64::from(ANY)
        );
        if result != -EINTR as isize {
            return result;
        }
    }
}

/// Wakes up to `count` of those who wait for the word to change; returns how many.
pub fn wake(word: &AtomicU32, count: i32) -> isize {
    linux!(FUTEX, word.as_ptr(), FUTEX_WAKE | FUTEX_PRIVATE, count)
}

/// As [`wake`], for those of [`wait_for_kernel`].
pub fn wake_for_kernel(word: &AtomicU32) -> isize {
    linux!(FUTEX, word.as_ptr(), FUTEX_WAKE, i32::MAX)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_futex_wait(
    address: *mut u32,
    expected: u32,
    timeout: *const timespec,
    flags: u32,
) -> i32 {
    if address.is_null() || flags & !FUTEX_RELATIVE_TIMEOUT != 0 {
        return -EINVAL;
    }
    // SAFETY: null or the caller's.
    let until = match unsafe { timeout.as_ref() } {
        None => None,
        Some(timeout) => {
            let Some(ns) = time::nanoseconds(timeout) else { return -EINVAL };
            let now = if flags & FUTEX_RELATIVE_TIMEOUT != 0 { Moment::now(Clock::Monotonic).ns } else { 0 };
            Some(Moment { clock: Clock::Monotonic, ns: ns.saturating_add(now) })
        }
    };
    // SAFETY: the caller vouches for the address.
    unsafe { wait_at(address, expected, until, FUTEX_PRIVATE) as i32 }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_futex_wake(address: *mut u32, count: i32) -> i32 {
    if address.is_null() || count < 0 {
        return -EINVAL;
    }
    linux!(FUTEX, address, FUTEX_WAKE | FUTEX_PRIVATE, count) as i32
}

/// Whether a wait ended because its time was over.
pub fn timed_out(result: isize) -> bool {
    result == -ETIMEDOUT as isize
}
