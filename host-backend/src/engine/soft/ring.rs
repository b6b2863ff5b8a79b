//! Queues and doorbell records in a rank's memory, read and written as atomic words.

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use unirank_hca::GuestAddr;
use unirank_hca::cqe;

use crate::memory::{Mapping, Space};

/// A buffer of a power-of-two size that wraps, in the mapped part of a rank's memory.
#[derive(Debug)]
pub(super) struct Ring {
    _mapping: Arc<Mapping>,
    base: NonNull<u8>,
    mask: usize,
}

// SAFETY: the address lies in the mapping that `_mapping` keeps alive; accesses are atomic.
unsafe impl Send for Ring {}

impl Ring {
    /// `1 << log_bytes` bytes at `addr`; `None` unless they are mapped and 8-byte aligned.
    pub(super) fn new(space: &Space, addr: GuestAddr, log_bytes: u32) -> Option<Self> {
        let len = 1usize.checked_shl(log_bytes)?;
        let (mapping, base) = space.hold(addr.0, len as u64)?;
        let aligned = base.as_ptr() as usize % cqe::BYTES.min(len).max(8) == 0;
        (len >= 8 && aligned).then_some(Self { _mapping: mapping, base, mask: len - 1 })
    }

    /// Copies from `offset` (a multiple of 8) on, round the end; whole words only.
    #[inline]
    pub(super) fn read(&self, offset: usize, out: &mut [u8]) {
        for (index, chunk) in out.chunks_exact_mut(8).enumerate() {
            let at = offset.wrapping_add(8 * index) & self.mask & !7;
            // SAFETY: `at` is a multiple of 8 and at most len - 8, in a live, aligned mapping.
            let word = unsafe { self.base.add(at).cast::<AtomicU64>().as_ref() }.load(Ordering::Relaxed);
            chunk.copy_from_slice(&word.to_ne_bytes());
        }
    }

    /// Writes a completion queue entry at entry `index`, round the end; its owner bit becomes visible last.
    #[inline]
    pub(super) fn store_cqe(&self, index: u32, bytes: &[u8; cqe::BYTES]) {
        let at = (index as usize).wrapping_mul(cqe::BYTES) & self.mask & !(cqe::BYTES - 1);
        // SAFETY: `at` is a multiple of 64 inside the ring, whose base is aligned to 64 as its length is at
        // least that (completion queues are created with `64 << log` bytes); the guest reads it as valid only
        // once it sees the owner bit.
        unsafe { cqe::store(self.base.add(at).as_ptr(), bytes) };
    }
}

/// Two big-endian words that the guest writes.
#[derive(Debug)]
pub(super) struct DoorbellRecord {
    _mapping: Arc<Mapping>,
    base: NonNull<AtomicU32>,
}

// SAFETY: as for `Ring`.
unsafe impl Send for DoorbellRecord {}

impl DoorbellRecord {
    /// The record at `addr`; `None` unless it is mapped and aligned.
    pub(super) fn new(space: &Space, addr: GuestAddr) -> Option<Self> {
        let (mapping, base) = space.hold(addr.0, 8)?;
        (base.as_ptr() as usize % 8 == 0).then_some(Self { _mapping: mapping, base: base.cast() })
    }

    /// The word at `index` (0 or 1).
    #[inline]
    pub(super) fn load(&self, index: usize) -> u32 {
        // SAFETY: the record has two words in a live, aligned mapping; the index is cut to them.
        let word = unsafe { self.base.add(index & 1).as_ref() };
        u32::from_be(word.load(Ordering::Acquire))
    }
}
