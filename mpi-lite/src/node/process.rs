//! Memory of another process, by the system's calls for that.

use std::io::{Error, ErrorKind, Result};

/// Copies `len` bytes at `remote` of `process` to `local`.
///
/// # Safety
/// `local` is writable for `len` bytes.
pub unsafe fn read(process: u32, remote: u64, local: *mut u8, len: usize) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe { copy(process, remote, local, len, libc::process_vm_readv) }
}

/// Copies `len` bytes at `local` to `remote` of `process`.
///
/// # Safety
/// `local` is readable for `len` bytes.
pub unsafe fn write(process: u32, remote: u64, local: *const u8, len: usize) -> Result<()> {
    // SAFETY: the caller's promise; the call only reads the local side.
    unsafe { copy(process, remote, local.cast_mut(), len, libc::process_vm_writev) }
}

type Call = unsafe extern "C" fn(
    libc::pid_t,
    *const libc::iovec,
    libc::c_ulong,
    *const libc::iovec,
    libc::c_ulong,
    libc::c_ulong,
) -> libc::ssize_t;

unsafe fn copy(process: u32, remote: u64, local: *mut u8, len: usize, call: Call) -> Result<()> {
    let mut done = 0;
    while done < len {
        let part =
            |base: *mut u8| libc::iovec { iov_base: base.wrapping_add(done).cast(), iov_len: len - done };
        let (here, there) = (part(local), part(std::ptr::with_exposed_provenance_mut(remote as usize)));
        // SAFETY: one vector each; the local one is the caller's promise, the remote one is checked by the system.
        match unsafe { call(process as libc::pid_t, &here, 1, &there, 1, 0) } {
            n if n > 0 => done += n as usize,
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            _ => return Err(Error::last_os_error()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_this_process_and_refuses_what_is_not_mapped() {
        let source = *b"some bytes";
        let mut target = [0; 10];
        let me = std::process::id();
        // SAFETY: arrays of that length.
        unsafe {
            read(me, source.as_ptr() as u64, target.as_mut_ptr(), 10).unwrap();
            assert_eq!(target, source);
            write(me, target.as_mut_ptr() as u64, b"other byte".as_ptr(), 10).unwrap();
            assert_eq!(&target, b"other byte");
            assert!(read(me, 16, target.as_mut_ptr(), 10).is_err());
        }
    }
}
