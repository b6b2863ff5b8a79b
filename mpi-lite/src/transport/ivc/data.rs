//! The data of a message that arrives: bytes at hand, or an offer that lies in the sender's memory.

use crate::node;
use std::cell::Cell;
use unirank_ivc::copy::copy;
use unirank_ivc::ring::Offer;

/// Data of a message.
pub enum Data<'m> {
    /// At hand.
    Bytes(&'m [u8]),
    /// In the memory of a rank whose window was checked for the place of the offer.
    Offered {
        /// The rank.
        from: u32,
        /// Where the offered bytes are seen here.
        at: *const u8,
        /// How many.
        len: usize,
        /// Tells when they were moved.
        offer: Offer<'m>,
        /// Set when they were moved to where the sender has no memory: what was copied is not the message.
        lost: &'m Cell<bool>,
    },
}

impl Data<'_> {
    /// Length in bytes.
    #[inline]
    pub fn size(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Offered { len, .. } => *len,
        }
    }

    /// Copies the first `n` bytes; no more than there are.
    ///
    /// # Safety
    /// `to` is writable for `n` bytes.
    #[inline]
    pub unsafe fn copy_to(&self, to: *mut u8, n: usize) {
        match self {
            Self::Bytes(bytes) => {
                debug_assert!(n <= bytes.len());
                // SAFETY: the caller's promise; messages lie in rings or the library's memory, not in buffers of receives.
                unsafe {
                    if n == 8 {
                        // The most frequent length needs no call.
                        to.cast::<u64>().write_unaligned(bytes.as_ptr().cast::<u64>().read_unaligned());
                    } else {
                        copy(to, bytes.as_ptr(), n);
                    }
                }
            }
            // SAFETY: the caller's promise.
            Self::Offered { from, at, offer, lost, .. } => unsafe {
                if !take(*from, *at, offer, to, n) {
                    lost.set(true);
                }
            },
        }
    }

    /// Runs `f` on the bytes, copied before if they are not at hand.
    pub fn with_bytes<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Self::Bytes(bytes) => f(bytes),
            Self::Offered { len, .. } => {
                let mut bytes = vec![0; *len];
                // SAFETY: a vector of that length.
                unsafe { self.copy_to(bytes.as_mut_ptr(), *len) };
                f(&bytes)
            }
        }
    }
}

/// Copies offered data: from where it was offered if it is still there afterwards, else from its new place
/// (see [`unirank_ivc::ring`]). False: its new place is outside of the sender's window.
///
/// # Safety
/// `to` is writable for `n` bytes; `at` is the offer's place, checked for `n` bytes.
#[inline]
unsafe fn take(from: u32, at: *const u8, offer: &Offer<'_>, to: *mut u8, n: usize) -> bool {
    if offer.moved().is_none() {
        // SAFETY: the caller's promise; windows lie outside of this rank's own memory.
        unsafe { copy(to, at, n) };
    }
    let Some(address) = offer.moved() else { return true };
    match node::direct(from, address, n as u64, false) {
        Some(at) => {
            // SAFETY: checked just now.
            unsafe { copy(to, at, n) };
            true
        }
        None => false,
    }
}
