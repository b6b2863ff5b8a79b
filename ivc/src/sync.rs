//! The atomics of rings: those of the processor, or loom's, which tries every order of events.

#[cfg(not(loom))]
pub use core::sync::atomic::{AtomicU64, Ordering};
#[cfg(loom)]
pub use loom::sync::atomic::{AtomicU64, Ordering};

/// Bytes of messages in a ring: plain memory of which one side at a time uses a part.
#[cfg(not(loom))]
#[derive(Clone, Copy)]
pub struct Payload {
    base: *mut u8,
    len: usize,
}

#[cfg(not(loom))]
impl Payload {
    /// # Safety
    /// `len` bytes from `base` stay mapped, readable and writable, as long as the value or a copy of it is used.
    pub const unsafe fn new(base: *mut u8, len: usize) -> Payload {
        Payload { base, len }
    }

    /// Its bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Gives `f` the address of `[start, start + len)`, to be written.
    ///
    /// # Panics
    /// If that is not inside.
    #[inline]
    pub fn with_mut<R>(&self, start: usize, len: usize, f: impl FnOnce(*mut u8) -> R) -> R {
        assert!(len <= self.len && start <= self.len - len);
        f(self.base.wrapping_add(start))
    }

    /// As [`Self::with_mut`], to be read.
    #[inline]
    pub fn with<R>(&self, start: usize, len: usize, f: impl FnOnce(*const u8) -> R) -> R {
        self.with_mut(start, len, |at| f(at))
    }
}

/// The same for loom: a cell for every line, so that two sides in one line are found.
#[cfg(loom)]
#[derive(Clone)]
pub struct Payload(std::sync::Arc<std::vec::Vec<loom::cell::UnsafeCell<[u8; 64]>>>);

#[cfg(loom)]
impl Payload {
    pub fn in_memory(lines: usize) -> Payload {
        Payload(std::sync::Arc::new((0..lines).map(|_| loom::cell::UnsafeCell::new([0; 64])).collect()))
    }

    pub fn len(&self) -> usize {
        self.0.len() * 64
    }

    pub fn with_mut<R>(&self, start: usize, len: usize, f: impl FnOnce(*mut u8) -> R) -> R {
        assert!(len <= 64 && start % 64 == 0);
        self.0[start / 64].with_mut(|line| f(line.cast()))
    }

    pub fn with<R>(&self, start: usize, len: usize, f: impl FnOnce(*const u8) -> R) -> R {
        assert!(len <= 64 && start % 64 == 0);
        self.0[start / 64].with(|line| f(line.cast()))
    }
}
