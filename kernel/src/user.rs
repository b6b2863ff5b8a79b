//! Memory the program passes to a system call. What it may not access is EFAULT, never a fault of the kernel.
//!
//! A check holds until the program runs again: nothing else changes the address space.

use alloc::vec::Vec;

use crate::errno::{Errno, Result};
use crate::mm::{self, regions::Prot};

/// Longest path name the kernel reads, as on Linux.
pub const PATH_MAX: usize = 4096;
/// Most buffers of one `readv` or `writev`, as on Linux.
pub const IOV_MAX: usize = 1024;

/// Types every bit pattern of which is a value and which hold no padding that would leak.
///
/// # Safety
/// That, and no references inside.
pub unsafe trait Plain: Copy {}

macro_rules! plain {
    ($($t:ty),*) => { $(
        // SAFETY: an integer.
        unsafe impl Plain for $t {}
    )* };
}
plain!(u8, i8, u16, i16, u32, i32, u64, i64, usize, isize);

// SAFETY: an array of such values has no padding of its own.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}

/// Checks a range of the program's memory.
pub fn check(address: u64, len: usize, prot: Prot) -> Result<()> {
    if len == 0 || mm::program_may(address, len as u64, prot) { Ok(()) } else { Err(Errno::EFAULT) }
}

/// Bytes of the program, to be read.
pub fn slice(address: u64, len: usize) -> Result<&'static [u8]> {
    if len == 0 {
        return Ok(&[]);
    }
    check(address, len, Prot::READ)?;
    // SAFETY: mapped and readable, see the check; the program does not run while the kernel uses it.
    Ok(unsafe { core::slice::from_raw_parts(address as *const u8, len) })
}

/// Bytes of the program, to be written.
pub fn slice_mut(address: u64, len: usize) -> Result<&'static mut [u8]> {
    if len == 0 {
        return Ok(&mut []);
    }
    check(address, len, Prot::RW)?;
    // SAFETY: mapped and writable, see the check; the program does not run while the kernel uses it.
    Ok(unsafe { core::slice::from_raw_parts_mut(address as *mut u8, len) })
}

/// One value of the program.
pub fn read<T: Plain>(address: u64) -> Result<T> {
    check(address, size_of::<T>(), Prot::READ)?;
    // SAFETY: readable, see the check, and any bytes are a value.
    Ok(unsafe { (address as *const T).read_unaligned() })
}

/// Stores one value for the program.
pub fn write<T: Plain>(address: u64, value: &T) -> Result<()> {
    check(address, size_of::<T>(), Prot::RW)?;
    // SAFETY: writable, see the check.
    unsafe { (address as *mut T).write_unaligned(*value) };
    Ok(())
}

/// A string ended by NUL, without it. ENAMETOOLONG beyond [`PATH_MAX`].
pub fn c_str(address: u64) -> Result<&'static [u8]> {
    let mut len = 0;
    while len < PATH_MAX {
        let at = address.checked_add(len as u64).ok_or(Errno::EFAULT)?;
        let here = ((mm::PAGE - at % mm::PAGE) as usize).min(PATH_MAX - len);
        let bytes = slice(at, here)?;
        if let Some(end) = bytes.iter().position(|&b| b == 0) {
            return slice(address, len + end);
        }
        len += here;
    }
    Err(Errno::ENAMETOOLONG)
}

/// One buffer of `readv` or `writev`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IoVec {
    /// Where; not checked yet.
    pub base: u64,
    /// How many bytes.
    pub len: usize,
}

/// The buffers of `readv` or `writev`. The buffers themselves are not checked.
pub fn iovecs(address: u64, count: usize) -> Result<Vec<IoVec>> {
    if count > IOV_MAX {
        return Err(Errno::EINVAL);
    }
    let mut total = 0usize;
    let mut list = Vec::with_capacity(count);
    for i in 0..count {
        let [base, len] = read::<[u64; 2]>(address.wrapping_add(16 * i as u64))?;
        let len = usize::try_from(len).map_err(|_| Errno::EINVAL)?;
        total = total.checked_add(len).filter(|&t| t <= isize::MAX as usize).ok_or(Errno::EINVAL)?;
        list.push(IoVec { base, len });
    }
    Ok(list)
}

/// Copies bytes into the buffers of `readv`, as far as they reach.
pub fn scatter(iov: &[IoVec], mut data: &[u8]) -> Result<()> {
    for piece in iov {
        let n = piece.len.min(data.len());
        slice_mut(piece.base, n)?.copy_from_slice(&data[..n]);
        data = &data[n..];
    }
    Ok(())
}
