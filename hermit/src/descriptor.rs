//! What is open, whatever it is: closing, duplicating, flags, waiting; and event counters.

use core::ffi::c_void;

use hermit_abi::{
    EFAULT, EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE, EINVAL, F_DUPFD, F_GETFD, F_GETFL, F_SETFD, F_SETFL,
    FIONBIO, nfds_t, pollfd,
};

use crate::error::{refused, told, told32};

/// Linux' FIONBIO.
const LINUX_FIONBIO: u64 = 0x5421;
const LINUX_CLOEXEC: u64 = 0o2_000_000;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_close(fd: i32) -> i32 {
    told32(linux!(CLOSE, fd))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_dup(fd: i32) -> i32 {
    told32(linux!(DUP, fd))
}

/// The crate's commands have Linux' numbers; there are no others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_fcntl(fd: i32, cmd: i32, arg: i32) -> i32 {
    match cmd {
        F_DUPFD | F_GETFD | F_SETFD | F_GETFL | F_SETFL => told32(linux!(FCNTL, fd, cmd, arg)),
        _ => refused(EINVAL) as i32,
    }
}

/// `FIONBIO`, with an `i32`, is all there is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_ioctl(s: i32, cmd: i32, argp: *mut c_void) -> i32 {
    match cmd {
        FIONBIO if argp.is_null() => refused(EFAULT) as i32,
        FIONBIO => told32(linux!(IOCTL, s, LINUX_FIONBIO, argp)),
        _ => refused(EINVAL) as i32,
    }
}

/// Events have Linux' bits, and the array its layout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_poll(fds: *mut pollfd, nfds: nfds_t, timeout: i32) -> i32 {
    told32(linux!(POLL, fds, nfds, timeout))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_eventfd(initval: u64, flags: i16) -> i32 {
    if flags & !(EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC) != 0 || initval == u64::MAX {
        return refused(EINVAL) as i32;
    }
    let mut linux_flags = (flags & !EFD_CLOEXEC) as u64;
    if flags & EFD_CLOEXEC != 0 {
        linux_flags |= LINUX_CLOEXEC;
    }
    // Linux takes 32 bits; a larger count is written.
    let small = u32::try_from(initval).unwrap_or(0);
    let fd = linux!(EVENTFD2, u64::from(small), linux_flags);
    if fd >= 0 && u64::from(small) != initval {
        linux!(WRITE, fd, &raw const initval, 8);
    }
    told(fd) as i32
}
