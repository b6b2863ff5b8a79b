//! A shared mapping of a sealed memory file.

use std::os::fd::AsFd;
use std::ptr::NonNull;

use rustix::fs::{SealFlags, fcntl_get_seals, fstat};
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, mmap_anonymous, munmap};

use crate::error::{BackendError, Context, Result};

/// Bytes of a large page of the host.
pub const LARGE_PAGE: usize = 2 << 20;

/// A memory file, mapped whole or its beginning, readable and writable, shared, from a multiple of [`LARGE_PAGE`] on.
#[derive(Debug)]
pub struct Mapping {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping belongs to no thread; what it shows is shared with other processes anyway, and every
// access to it is raw or atomic.
unsafe impl Send for Mapping {}
// SAFETY: as above; no method gives out a reference into the mapping.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `file`, which must be a memory file sealed against shrinking: else its owner could cut it and kill
    /// the daemon by SIGBUS. `what` names it in errors.
    pub fn new(file: impl AsFd, what: &str) -> Result<Self> {
        Self::first(file, u64::MAX, what)
    }

    /// As [`Mapping::new`], but at most the first `most` bytes, which are whole pages.
    pub fn first(file: impl AsFd, most: u64, what: &str) -> Result<Self> {
        let seals = fcntl_get_seals(&file).map_err(|_| {
            BackendError::Refused(format!("{what} is not a memory file (memfd_create) that can be sealed"))
        })?;
        if !seals.contains(SealFlags::SHRINK) {
            return Err(BackendError::Refused(format!(
                "{what} is not sealed against shrinking (F_SEAL_SHRINK)"
            )));
        }
        let stat = fstat(&file).context(|| format!("looking at {what}"))?;
        let len = usize::try_from(u64::try_from(stat.st_size).unwrap_or(0).min(most)).unwrap_or(0);
        if len == 0 || len % 4096 != 0 {
            return Err(BackendError::Refused(format!(
                "{what} has {len} bytes, want a positive number of pages"
            )));
        }
        let base = map_aligned(&file, len).context(|| format!("mapping {what}"))?;
        let base = NonNull::new(base.cast())
            .ok_or_else(|| BackendError::Protocol(format!("mapping {what} gave the null address")))?;
        Ok(Self { base, len })
    }

    /// Puts the large page of the file that begins at `offset` into one large page of memory, with what it contains; a hole
    /// becomes zeros. Other processes that have the page mapped at a multiple of [`LARGE_PAGE`] see it as one, too
    /// (`MADV_COLLAPSE` of madvise(2), Linux 6.1). They may use it meanwhile.
    pub fn make_large(&self, offset: u64) -> std::result::Result<(), Errno> {
        let page = self.at(offset, LARGE_PAGE as u64).filter(|_| offset % LARGE_PAGE as u64 == 0);
        let page = page.ok_or(Errno::INVAL)?.as_ptr().cast();
        // Nothing is put together where nothing is yet.
        // SAFETY: inside of this mapping; no content changes.
        unsafe { madvise(page, 4096, Advice::LinuxPopulateRead)? };
        // SAFETY: as above.
        match unsafe { libc::madvise(page, LARGE_PAGE, libc::MADV_COLLAPSE) } {
            0 => Ok(()),
            _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL)),
        }
    }

    /// Start of the mapping, page-aligned.
    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Bytes of the mapping.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Never: a mapping has at least one page.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Address of `len` bytes at `offset`, if they lie inside.
    #[inline]
    pub fn at(&self, offset: u64, len: u64) -> Option<NonNull<u8>> {
        let end = offset.checked_add(len)?;
        if end > self.len as u64 {
            return None;
        }
        // SAFETY: offset <= offset + len <= self.len, so the address stays inside the mapping or one past it.
        Some(unsafe { self.base.add(offset as usize) })
    }
}

/// Maps the file's first `len` bytes at a multiple of [`LARGE_PAGE`].
fn map_aligned(file: impl AsFd, len: usize) -> std::result::Result<*mut std::ffi::c_void, Errno> {
    let room = len.checked_add(LARGE_PAGE).ok_or(Errno::NOMEM)?;
    // SAFETY: a new mapping at an address of the kernel's choice touches no existing memory.
    let reserved =
        unsafe { mmap_anonymous(std::ptr::null_mut(), room, ProtFlags::empty(), MapFlags::PRIVATE)? };
    let before = reserved.addr().next_multiple_of(LARGE_PAGE) - reserved.addr();
    let base = reserved.wrapping_byte_add(before);
    let rights = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: what is replaced and what is given back was reserved above and belongs to nobody.
    unsafe {
        let mapped = mmap(base, len, rights, MapFlags::SHARED | MapFlags::FIXED, file, 0);
        if mapped.is_err() {
            munmap(reserved, room)?;
            return mapped;
        }
        if before > 0 {
            munmap(reserved, before)?;
        }
        munmap(base.wrapping_byte_add(len), LARGE_PAGE - before)?;
    }
    Ok(base)
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: base and len are those of the mapping this value alone owns; addresses from it are used only
        // while it lives.
        if let Err(e) = unsafe { munmap(self.base.as_ptr().cast(), self.len) } {
            log::error!("unmapping {} bytes failed: {e}", self.len);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{MemfdFlags, fcntl_add_seals, ftruncate, memfd_create};

    #[test]
    fn a_large_page_keeps_what_it_has() {
        let fd = memfd_create("t", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        ftruncate(&fd, 3 * LARGE_PAGE as u64).unwrap();
        fcntl_add_seals(&fd, SealFlags::SHRINK).unwrap();
        let mapping = Mapping::new(&fd, "it").unwrap();
        assert_eq!(mapping.base().as_ptr().addr() % LARGE_PAGE, 0);
        rustix::io::pwrite(&fd, b"here", LARGE_PAGE as u64 + 77).unwrap();
        for offset in [4096, 3 * LARGE_PAGE as u64, u64::MAX] {
            assert_eq!(mapping.make_large(offset), Err(Errno::INVAL), "{offset}");
        }
        for page in [0, 1] {
            match mapping.make_large(page * LARGE_PAGE as u64) {
                Ok(()) => {
                    let blocks = fstat(&fd).unwrap().st_blocks as u64;
                    assert!(blocks * 512 >= LARGE_PAGE as u64, "{blocks}");
                }
                // An older kernel, none free, or a page that is busy.
                Err(error) => assert!([Errno::INVAL, Errno::NOMEM, Errno::AGAIN].contains(&error), "{error}"),
            }
        }
        let mut bytes = [0; 6];
        rustix::io::pread(&fd, &mut bytes, LARGE_PAGE as u64 + 76).unwrap();
        assert_eq!(&bytes, b"\0here\0");
    }

    #[test]
    fn refuses_what_could_shrink() {
        let fd = memfd_create("t", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        ftruncate(&fd, 8192).unwrap();
        let text = Mapping::new(&fd, "the RAM of rank 3").unwrap_err().to_string();
        assert!(text.contains("rank 3") && text.contains("F_SEAL_SHRINK"), "{text}");
        fcntl_add_seals(&fd, SealFlags::SHRINK).unwrap();
        let mapping = Mapping::new(&fd, "it").unwrap();
        assert!(mapping.at(8184, 8).is_some());
        assert!(mapping.at(8185, 8).is_none());
        assert!(mapping.at(u64::MAX, 8).is_none());
        assert!(Mapping::new(std::fs::File::open("/dev/null").unwrap(), "it").is_err());
    }
}
