//! The end of the program, and what it runs on.

use hermit_abi::pid_t;

use crate::call::call;

const SIGABRT: u64 = 6;
const SIG_UNBLOCK: u64 = 1;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_exit(status: i32) -> ! {
    loop {
        linux!(EXIT_GROUP, status);
    }
}

/// Ends the program by SIGABRT, whose report has a backtrace.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_abort() -> ! {
    let (signals, default) = (1u64 << (SIGABRT - 1), [0u64; 4]);
    linux!(RT_SIGACTION, SIGABRT, &raw const default, 0, 8);
    linux!(RT_SIGPROCMASK, SIG_UNBLOCK, &raw const signals, 0, 8);
    linux!(TGKILL, linux!(GETPID), linux!(GETTID), SIGABRT);
    loop {
        linux!(EXIT_GROUP, 128 + SIGABRT);
    }
}

/// The thread's id: what `sys_spawn` gave, or the program's own in its first thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_getpid() -> pid_t {
    linux!(GETTID) as pid_t
}

/// The processors the calling thread may run on, one bit each.
pub fn processors() -> [u64; 16] {
    let mut mask = [0u64; 16];
    let arguments = [0, size_of_val(&mask) as u64, (&raw mut mask) as u64, 0, 0, 0];
    // SAFETY: writes no more than the mask.
    unsafe { call(crate::nr::SCHED_GETAFFINITY, &arguments) };
    mask
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_available_parallelism() -> usize {
    processors().iter().map(|word| word.count_ones() as usize).sum::<usize>().max(1)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_get_processor_count() -> usize {
    // SAFETY: needs nothing.
    unsafe { sys_available_parallelism() }
}
