//! Where the last error of a thread is kept.

use core::arch::{asm, global_asm};
use core::ptr::NonNull;

use crate::thread::Thread;

// What each thread has: its record, and the number of the last error. Rust has no stable thread-local storage without
// its standard library.
global_asm!(
    ".section .tbss.hermit_own, \"awT\", @nobits",
    ".balign 8",
    ".globl hermit_own",
    ".hidden hermit_own",
    ".type hermit_own, @object",
    "hermit_own: .zero 16",
    ".size hermit_own, 16",
    ".text",
);

/// What each thread has for itself; zero at its start.
#[repr(C)]
pub struct Own {
    /// Null until the thread has one.
    pub thread: *mut Thread,
    error: i32,
}

/// The calling thread's.
pub fn own() -> NonNull<Own> {
    let address: *mut Own;
    // SAFETY: reads the thread pointer; `hermit_own` lies at a fixed distance from it (ELF Handling For Thread-Local
    // Storage, section 3.4.6, local exec).
    unsafe {
        asm!("mov {0}, qword ptr fs:[0]", "lea {0}, [{0} + hermit_own@tpoff]", out(reg) address,
            options(pure, readonly, nostack, preserves_flags));
    }
    // SAFETY: every thread has its block of thread-local storage.
    unsafe { NonNull::new_unchecked(address) }
}

/// Keeps the error of a result, and passes the result on.
pub fn told(result: isize) -> isize {
    if result < 0 {
        // SAFETY: the thread's own.
        unsafe { (*own().as_ptr()).error = -result as i32 };
    }
    result
}

/// As [`told`], for functions that return 32 bits.
pub fn told32(result: isize) -> i32 {
    told(result) as i32
}

/// The result for an error number of the crate's.
pub fn refused(error: i32) -> isize {
    told(-error as isize)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_errno() -> i32 {
    // SAFETY: the thread's own.
    unsafe { (*own().as_ptr()).error }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_get_errno() -> i32 {
    // SAFETY: needs nothing.
    unsafe { sys_errno() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last() -> i32 {
        // SAFETY: needs nothing.
        unsafe { sys_get_errno() }
    }

    #[test]
    fn each_thread_has_its_last_error() {
        assert_eq!(told(5), 5);
        assert_eq!((refused(22), last()), (-22, 22));
        assert_eq!((told32(0), last()), (0, 22));
        let other = std::thread::spawn(|| {
            let before = last();
            told(-9);
            (before, last())
        });
        assert_eq!(other.join().expect("no panic"), (0, 9));
        assert_eq!(last(), 22);
    }
}
