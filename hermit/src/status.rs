//! What is known about a file.

use core::ffi::c_char;

use hermit_abi::{EINVAL, stat, timespec};

use crate::error::{refused, told32};

/// Linux' `struct stat` on x86-64 (`asm/stat.h`), as words.
#[derive(Default)]
struct Status([u64; 18]);

impl Status {
    fn time(&self, at: usize) -> timespec {
        timespec { tv_sec: self.0[at] as i64, tv_nsec: self.0[at + 1] as i32 }
    }

    /// The crate's: shorter times, no padding.
    fn convert(&self) -> stat {
        let words = &self.0;
        stat {
            st_dev: words[0],
            st_ino: words[1],
            st_nlink: words[2],
            st_mode: words[3] as u32,
            st_uid: (words[3] >> 32) as u32,
            st_gid: words[4] as u32,
            st_rdev: words[5],
            st_size: words[6] as i64,
            st_blksize: words[7] as i64,
            st_blocks: words[8] as i64,
            st_atim: self.time(9),
            st_mtim: self.time(11),
            st_ctim: self.time(13),
        }
    }
}

/// Makes the call, which fills the status in, and converts.
///
/// # Safety
/// `place` is null or the caller's.
unsafe fn fill(place: *mut stat, call: impl FnOnce(*mut Status) -> isize) -> i32 {
    if place.is_null() {
        return refused(EINVAL) as i32;
    }
    let mut status = Status::default();
    let result = call(&raw mut status);
    if result == 0 {
        // SAFETY: the caller's.
        unsafe { place.write(status.convert()) };
    }
    told32(result)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_stat(name: *const c_char, stat: *mut stat) -> i32 {
    // SAFETY: the caller's.
    unsafe { fill(stat, |status| linux!(STAT, name, status)) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_lstat(name: *const c_char, stat: *mut stat) -> i32 {
    // SAFETY: the caller's.
    unsafe { fill(stat, |status| linux!(LSTAT, name, status)) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_fstat(fd: i32, stat: *mut stat) -> i32 {
    // SAFETY: the caller's.
    unsafe { fill(stat, |status| linux!(FSTAT, fd, status)) }
}
