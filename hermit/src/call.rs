//! How a system call gets into the kernel.

use core::arch::asm;

#[cfg(not(test))]
unsafe extern "C" {
    /// Does what `syscall` would, without it. Only in a VM.
    fn k_direct_syscall(number: u64, arguments: &[u64; 6]) -> isize;
    /// Null when the image runs as a Linux process.
    safe fn unirank_vm() -> *const core::ffi::c_void;
}

/// Makes a Linux system call: a jump in a VM, `syscall` in a Linux process.
///
/// # Safety
/// The caller vouches for what the call does with the program's memory.
pub unsafe fn call(number: u64, arguments: &[u64; 6]) -> isize {
    #[cfg(not(test))]
    if !unirank_vm().is_null() {
        // SAFETY: in a VM; for the rest the caller vouches.
        return unsafe { k_direct_syscall(number, arguments) };
    }
    let [a, b, c, d, e, f] = *arguments;
    let result;
    // SAFETY: Linux' convention for system calls; for what it does the caller vouches.
    unsafe {
        asm!("syscall", inlateout("rax") number => result, in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e,
            in("r9") f, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

/// `linux!(READ, descriptor, buffer, length)`: one system call. For the bodies of unsafe functions, whose callers vouch
/// for the pointers they pass; every other argument is harmless to memory.
macro_rules! linux {
    ($number:ident $(, $argument:expr)* $(,)?) => {{
        let mut arguments = [0u64; 6];
        let _given: &[u64] = &[$($argument as u64),*];
        arguments[.._given.len()].copy_from_slice(_given);
        // Also used inside of unsafe blocks.
        #[allow(unused_unsafe)]
        // SAFETY: the caller of the function vouches for its pointers.
        unsafe { $crate::call::call($crate::nr::$number, &arguments) }
    }};
}
