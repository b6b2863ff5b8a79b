//! A shared mapping of a sealed memory file.

use std::os::fd::AsFd;
use std::ptr::NonNull;

use rustix::fs::{SealFlags, fcntl_get_seals, fstat};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::error::{BackendError, Context, Result};

/// A memory file, mapped whole or its beginning, readable and writable, shared.
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
        // SAFETY: a new mapping at an address of the kernel's choice touches no existing memory.
        let base = unsafe {
            mmap(std::ptr::null_mut(), len, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, &file, 0)
        }
        .context(|| format!("mapping {what}"))?;
        let base = NonNull::new(base.cast())
            .ok_or_else(|| BackendError::Protocol(format!("mapping {what} gave the null address")))?;
        Ok(Self { base, len })
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
