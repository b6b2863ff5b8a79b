//! Pages: mapped, unmapped, protected.

use hermit_abi::{EINVAL, PROT_EXEC, PROT_READ, PROT_WRITE};

use crate::error::{refused, told32};

/// Size of a page on x86-64.
pub const PAGE: usize = 4096;

const MAP_PRIVATE: u64 = 0x2;
const MAP_ANONYMOUS: u64 = 0x20;

/// Maps fresh pages of zeros; null when there are none.
pub fn map(len: usize) -> *mut u8 {
    let result = linux!(MMAP, 0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1i64, 0);
    if result < 0 { core::ptr::null_mut() } else { result as *mut u8 }
}

/// Gives pages of [`map`] back.
///
/// # Safety
/// Nobody uses them any more.
pub unsafe fn unmap(address: *mut u8, len: usize) -> bool {
    linux!(MUNMAP, address, len) == 0
}

/// The crate's protection bits are Linux'; others are none.
fn protection(flags: u32) -> Option<u32> {
    (flags & !(PROT_READ | PROT_WRITE | PROT_EXEC) == 0).then_some(flags)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_getpagesize() -> i32 {
    PAGE as i32
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_mmap(size: usize, prot_flags: u32, ret: &mut *mut u8) -> i32 {
    let Some(protection) = protection(prot_flags) else { return refused(EINVAL) as i32 };
    let result = linux!(MMAP, 0, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1i64, 0);
    if result < 0 {
        return told32(result);
    }
    *ret = result as *mut u8;
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_munmap(ptr: *mut u8, size: usize) -> i32 {
    told32(linux!(MUNMAP, ptr, size))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_mprotect(ptr: *mut u8, size: usize, prot_flags: u32) -> i32 {
    let Some(protection) = protection(prot_flags) else { return refused(EINVAL) as i32 };
    told32(linux!(MPROTECT, ptr, size, protection))
}
