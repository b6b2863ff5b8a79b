//! Owned memory that the adapter uses.

use alloc::rc::Rc;
use core::alloc::Layout;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

use super::error::Error;
use crate::dbrec;
use crate::num::GuestAddr;
use crate::platform::Platform;

/// Zeroed memory for a ring or a doorbell record, freed on drop unless leaked.
pub(super) struct DmaBuffer {
    platform: Rc<dyn Platform>,
    pointer: NonNull<u8>,
    layout: Layout,
    leaked: core::cell::Cell<bool>,
}

impl DmaBuffer {
    /// `bytes` bytes, 64-byte aligned.
    pub(super) fn new(platform: &Rc<dyn Platform>, bytes: usize) -> Result<DmaBuffer, Error> {
        let layout = Layout::from_size_align(bytes.max(64), 64).map_err(|_| Error::OutOfDma { bytes })?;
        let pointer = platform.alloc_dma(layout).ok_or(Error::OutOfDma { bytes })?;
        Ok(DmaBuffer { platform: platform.clone(), pointer, layout, leaked: false.into() })
    }

    pub(super) fn as_ptr(&self) -> *mut u8 {
        self.pointer.as_ptr()
    }

    pub(super) fn addr(&self) -> GuestAddr {
        GuestAddr::of(self.pointer.as_ptr())
    }

    /// Keeps the memory for ever: the adapter may still use it.
    pub(super) fn leak(&self) {
        self.leaked.set(true);
    }
}

impl Drop for DmaBuffer {
    fn drop(&mut self) {
        if !self.leaked.get() {
            // SAFETY: allocated in `new` with this layout; the owner drops it after the adapter forgot it, else leaks it.
            unsafe { self.platform.free_dma(self.pointer, self.layout) }
        }
    }
}

/// A doorbell record.
pub(super) struct DoorbellRecord(DmaBuffer);

impl DoorbellRecord {
    pub(super) fn new(platform: &Rc<dyn Platform>) -> Result<DoorbellRecord, Error> {
        Ok(DoorbellRecord(DmaBuffer::new(platform, dbrec::BYTES)?))
    }

    pub(super) fn addr(&self) -> GuestAddr {
        self.0.addr()
    }

    pub(super) fn leak(&self) {
        self.0.leak();
    }

    /// Stores `value` big-endian in word `index` (0 or 1), after all earlier stores.
    #[inline]
    pub(super) fn store(&self, index: usize, value: u32) {
        debug_assert!(index < 2);
        // SAFETY: the record is 64 bytes, aligned, ours; the adapter only reads it.
        let word = unsafe { &*self.0.as_ptr().cast::<AtomicU32>().add(index) };
        word.store(value.to_be(), Ordering::Release);
    }
}
