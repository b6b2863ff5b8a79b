//! Files and folders: by name, and their contents.

use core::ffi::c_char;

use hermit_abi::{
    EINVAL, O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NONBLOCK, O_RDWR, O_TRUNC, O_WRONLY, dirent64, iovec,
};

use crate::error::{refused, told, told32};

/// Flags that Hermit's kernel knows beside those of the crate; all have Linux' values.
const O_DIRECT: i32 = 0o40_000;
const O_CLOEXEC: i32 = 0o2_000_000;
const FLAGS: i32 = O_WRONLY
    | O_RDWR
    | O_CREAT
    | O_EXCL
    | O_TRUNC
    | O_APPEND
    | O_NONBLOCK
    | O_DIRECTORY
    | O_DIRECT
    | O_CLOEXEC;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_open(name: *const c_char, flags: i32, mode: i32) -> i32 {
    if flags & !FLAGS != 0 {
        return refused(EINVAL) as i32;
    }
    told32(linux!(OPEN, name, flags, mode))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_opendir(name: *const c_char) -> i32 {
    told32(linux!(OPEN, name, O_DIRECTORY, 0))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_unlink(name: *const c_char) -> i32 {
    told32(linux!(UNLINK, name))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_rmdir(name: *const c_char) -> i32 {
    told32(linux!(RMDIR, name))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_mkdir(name: *const i8, mode: u32) -> i32 {
    told32(linux!(MKDIR, name, mode))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_read(fd: i32, buf: *mut u8, len: usize) -> isize {
    told(linux!(READ, fd, buf, len))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_readv(fd: i32, iov: *const iovec, iovcnt: usize) -> isize {
    told(linux!(READV, fd, iov, iovcnt))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_write(fd: i32, buf: *const u8, len: usize) -> isize {
    told(linux!(WRITE, fd, buf, len))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_writev(fd: i32, iov: *const iovec, iovcnt: usize) -> isize {
    told(linux!(WRITEV, fd, iov, iovcnt))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_lseek(fd: i32, offset: isize, whence: i32) -> isize {
    told(linux!(LSEEK, fd, offset, whence))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_fsync(fd: i32) -> i32 {
    told32(linux!(FSYNC, fd))
}

/// The entries have Linux' layout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_getdents64(fd: i32, dirp: *mut dirent64, count: usize) -> i64 {
    if dirp.is_null() || count == 0 {
        return refused(EINVAL) as i64;
    }
    told(linux!(GETDENTS64, fd, dirp, count)) as i64
}
