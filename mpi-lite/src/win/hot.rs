//! What a put, a get or a flush touches when there is nothing else to do than that: one window, used again and again.
//!
//! The window of the last call is remembered by its handle, so that a call finds it by one comparison.

use super::epoch::{Access, Everyone};
use super::{Target, Window};
use crate::abi::MPI_Win;
use crate::per_rank::per_rank;
use std::cell::Cell;
use std::ffi::c_int;
use std::sync::atomic::{Ordering, fence};

/// The state of this rank that every access looks at.
pub struct Hot {
    handle: Cell<usize>,
    /// The window of the handle, which its table keeps alive until [`forget`].
    window: Cell<*const Window>,
    /// This rank stored something that others may not see yet.
    stored: Cell<bool>,
}

per_rank! {
    static HOT: Hot =
        Hot { handle: Cell::new(0), window: Cell::new(std::ptr::null()), stored: Cell::new(false) };
}

/// Remembers a window that its table holds.
pub fn remember(window: &Window) {
    HOT.with(|hot| {
        hot.handle.set(window.handle().0);
        hot.window.set(window);
    });
}

/// Forgets what is remembered: a window goes.
pub fn forget() {
    HOT.with(|hot| {
        hot.handle.set(0);
        hot.window.set(std::ptr::null());
    });
}

/// A store to another rank's memory was made.
#[inline(always)]
pub fn stored() {
    HOT.with(|hot| hot.stored.set(true));
}

/// Makes stores visible before what follows is loaded.
#[inline(always)]
pub fn settle() {
    HOT.with(|hot| {
        if hot.stored.replace(false) {
            fence(Ordering::SeqCst);
        }
    });
}

impl Hot {
    #[inline(always)]
    fn window(&self, handle: MPI_Win) -> Option<&Window> {
        if self.handle.get() != handle.0 {
            return None;
        }
        // SAFETY: null, or a window that its table keeps until `forget` was called.
        unsafe { self.window.get().as_ref() }
    }
}

impl Window {
    #[inline(always)]
    fn may_access(&self, target: &Target) -> bool {
        self.everyone.get() != Everyone::None || target.access.get() != Access::None
    }

    /// Where `len` bytes at displacement `disp` of `rank` are, when a plain copy there is all that is to be done.
    #[inline(always)]
    pub fn quick(&self, rank: c_int, disp: isize, len: usize) -> Option<*mut u8> {
        let target = self.targets.get(rank as usize)?;
        // A negative displacement is a large number here, and then outside.
        let offset = (disp as u64).checked_mul(target.unit as u64)?;
        let end = offset.checked_add(len as u64)?;
        if target.direct.is_null() || end > target.size || !self.may_access(target) {
            return None;
        }
        Some(target.direct.wrapping_add(offset as usize))
    }
}

/// Where `len` bytes at displacement `disp` of `rank` are, if `win` is the window of the last call and a plain copy is all
/// that is to be done.
#[inline(always)]
pub fn quick(win: MPI_Win, rank: c_int, disp: isize, len: usize) -> Option<*mut u8> {
    HOT.with(|hot| hot.window(win)?.quick(rank, disp, len))
}

/// Whether a flush of `rank` in the window of the last call is done, because nothing is under way to it.
#[inline(always)]
pub fn flushed(win: MPI_Win, rank: c_int) -> bool {
    HOT.with(|hot| {
        let Some(window) = hot.window(win) else { return false };
        let Some(target) = window.targets.get(rank as usize) else { return false };
        let locked = window.everyone.get().is_lock() || target.access.get().is_lock();
        locked && target.flights.is_empty() && window.count_flush()
    })
}
