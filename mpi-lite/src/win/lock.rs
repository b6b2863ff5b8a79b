//! Passive target synchronisation: lock, unlock, flush (MPI 5.0, sections 12.5.3 and 12.5.4).
//!
//! A lock is a word in the target's control block (see [`super::control`]) that origins change by themselves. An exclusive lock
//! goes before shared ones that come later, so that readers in turn do not starve a writer.

use super::control::{self, EXCLUSIVE, SHARED, SHARED_MASK, WAITING, WAITING_MASK};
use super::epoch::{Access, Everyone};
use super::place::Place;
use super::{Target, Window};
use crate::abi::{
    MPI_ERR_ASSERT, MPI_ERR_LOCKTYPE, MPI_ERR_RMA_SYNC, MPI_LOCK_EXCLUSIVE, MPI_LOCK_SHARED, MPI_MODE_NOCHECK,
};
use crate::error::{Result, err};
use crate::p2p::remote::Tries;
use crate::{init, node, p2p};
use std::ffi::c_int;
use std::sync::atomic::{AtomicU64, Ordering, compiler_fence, fence};

/// First pause between two tries through the adapter, and the longest.
const PAUSES_NS: (u64, u64) = (20_000, 1_000_000);
/// So many flushes without a look at messages: the others may need this rank for theirs.
const FLUSHES: u32 = 256;

/// One try to take the word's lock; `waits` says that this rank has counted itself among those who wait.
fn next(old: u64, exclusive: Option<u32>, waits: bool) -> Option<u64> {
    let others = (old & WAITING_MASK) / WAITING - u64::from(waits);
    let base = if waits { old - WAITING } else { old };
    match exclusive {
        Some(world) => (old & (EXCLUSIVE | SHARED_MASK) == 0).then(|| base + control::exclusive(world)),
        // A newcomer lets those who wait go first; those who wait do not wait for each other.
        None => (old & EXCLUSIVE == 0 && (waits || others == 0)).then_some(base + SHARED),
    }
}

/// Takes a lock by loads and stores; sleeps while it is taken, and is woken by whoever gives it back.
fn acquire_direct(at: *mut u8, exclusive: Option<u32>) -> Result<()> {
    // SAFETY: the lock word of a control block, aligned; all access to it is atomic.
    let word = unsafe { AtomicU64::from_ptr(at.cast()) };
    let take = |waits| {
        let change = |old| next(old, exclusive, waits);
        word.fetch_update(Ordering::SeqCst, Ordering::Relaxed, change).is_ok()
    };
    if take(false) {
        return Ok(());
    }
    word.fetch_add(WAITING, Ordering::SeqCst);
    // The wait may ask once more after it was told yes.
    let mut held = false;
    p2p::wait_for(|| {
        held = held || take(true);
        held
    })
}

/// Takes a lock through the adapter; pauses between tries grow.
fn acquire_remote(word: Place, exclusive: Option<u32>) -> Result<()> {
    let (mut waits, mut old, mut tries) = (false, 0, Tries::new(PAUSES_NS));
    loop {
        while let Some(new) = next(old, exclusive, waits) {
            // SAFETY: the lock word of a control block.
            let found = unsafe { word.compare_swap(old, new)? };
            if found == old {
                return Ok(());
            }
            old = found;
        }
        if !waits {
            // SAFETY: as above.
            old = unsafe { word.fetch_add(WAITING)? } + WAITING;
            waits = true;
            continue;
        }
        tries.pause()?;
        // SAFETY: as above.
        old = unsafe { word.fetch_add(0)? };
    }
}

impl Window {
    fn acquire(&self, target: &Target, exclusive: bool) -> Result<()> {
        let exclusive = exclusive.then(|| init::world().rank);
        match control::lock(target.control) {
            // Only a window that all reach directly has nobody who gives a lock back without waking.
            Place::Direct(at) if self.uniform => acquire_direct(at, exclusive),
            word => acquire_remote(word, exclusive),
        }
    }

    fn release(&self, target: &Target, exclusive: bool) -> Result<()> {
        let held = if exclusive { control::exclusive(init::world().rank) } else { SHARED };
        // SAFETY: the lock word of a control block.
        let old = unsafe { control::lock(target.control).fetch_add(held.wrapping_neg())? };
        if old & WAITING_MASK != 0 {
            let me = init::world().rank;
            self.targets.iter().filter(|t| t.world != me).for_each(|t| node::wake(t.world));
        }
        Ok(())
    }

    /// `MPI_Win_lock`; returns when the lock is held.
    pub fn lock(&self, kind: c_int, target: &Target, assert: c_int) -> Result<()> {
        let exclusive = match kind {
            MPI_LOCK_EXCLUSIVE => true,
            MPI_LOCK_SHARED => false,
            _ => return err(MPI_ERR_LOCKTYPE, format!("invalid lock type {kind}")),
        };
        check_assert(assert, MPI_MODE_NOCHECK)?;
        if self.started.borrow().is_some() {
            return self.conflict("MPI_Win_lock", "MPI_Win_start");
        }
        if self.everyone.get().is_lock() {
            return self.conflict("MPI_Win_lock", "MPI_Win_lock_all");
        }
        if target.access.get() != Access::None {
            return self.conflict("MPI_Win_lock", "an earlier MPI_Win_lock of the same rank");
        }
        self.everyone.set(Everyone::None);
        let access = if assert & MPI_MODE_NOCHECK != 0 {
            Access::Unchecked
        } else {
            self.acquire(target, exclusive)?;
            if exclusive { Access::Exclusive } else { Access::Shared }
        };
        target.access.set(access);
        self.locks.set(self.locks.get() + 1);
        Ok(())
    }

    /// `MPI_Win_unlock`.
    pub fn unlock(&self, target: &Target) -> Result<()> {
        let access = target.access.get();
        if !access.is_lock() {
            return self.not_locked("MPI_Win_unlock", "that rank is not locked by MPI_Win_lock");
        }
        target.flights.land()?;
        fence(Ordering::SeqCst);
        target.access.set(Access::None);
        self.locks.set(self.locks.get() - 1);
        match access {
            Access::Unchecked => Ok(()),
            _ => self.release(target, access == Access::Exclusive),
        }
    }

    /// `MPI_Win_lock_all`: a shared lock at every rank.
    pub fn lock_all(&self, assert: c_int) -> Result<()> {
        check_assert(assert, MPI_MODE_NOCHECK)?;
        self.open("MPI_Win_lock_all")?;
        if assert & MPI_MODE_NOCHECK != 0 {
            self.everyone.set(Everyone::Unchecked);
            return Ok(());
        }
        self.targets.iter().try_for_each(|target| self.acquire(target, false))?;
        self.everyone.set(Everyone::Locked);
        Ok(())
    }

    /// `MPI_Win_unlock_all`.
    pub fn unlock_all(&self) -> Result<()> {
        let everyone = self.everyone.get();
        if !everyone.is_lock() {
            return self.not_locked("MPI_Win_unlock_all", "MPI_Win_lock_all was not called");
        }
        self.land_all()?;
        fence(Ordering::SeqCst);
        self.everyone.set(Everyone::None);
        if everyone == Everyone::Locked {
            self.targets.iter().try_for_each(|target| self.release(target, false))?;
        }
        Ok(())
    }

    #[cold]
    fn not_locked(&self, what: &str, why: &str) -> Result<()> {
        err(MPI_ERR_RMA_SYNC, format!("{what} on {}: {why}", self.describe()))
    }

    /// Waits for everything under way, to every rank.
    pub fn land_all(&self) -> Result<()> {
        self.targets.iter().try_for_each(|target| target.flights.land())
    }

    /// `MPI_Win_flush` and `MPI_Win_flush_local`: what this rank did at `target` is done, there and here. For a direct access there
    /// is nothing to wait for, nor to order (see [`super::place::direct_copy`]).
    #[inline]
    pub fn flush(&self, target: &Target) -> Result<()> {
        self.require_lock(target)?;
        self.complete(target)
    }

    /// The same for all targets.
    pub fn flush_all(&self) -> Result<()> {
        self.require_some_lock()?;
        self.targets.iter().try_for_each(|target| self.complete(target))
    }

    /// Counts a flush; false when it is time to look at messages.
    #[inline(always)]
    pub(super) fn count_flush(&self) -> bool {
        compiler_fence(Ordering::SeqCst);
        let flushes = self.flushes.get().wrapping_add(1);
        self.flushes.set(flushes);
        flushes % FLUSHES != 0
    }

    fn complete(&self, target: &Target) -> Result<()> {
        if !self.count_flush() {
            p2p::progress()?;
        }
        if target.flights.is_empty() { Ok(()) } else { target.flights.land() }
    }

    fn require_some_lock(&self) -> Result<()> {
        if self.locks.get() > 0 || self.everyone.get().is_lock() {
            return Ok(());
        }
        self.not_locked("a flush", "no lock is held")
    }
}

/// Fails unless `assert` has bits of `allowed` only.
pub fn check_assert(assert: c_int, allowed: c_int) -> Result<()> {
    if assert & !allowed == 0 {
        return Ok(());
    }
    err(MPI_ERR_ASSERT, format!("invalid assertion {assert:#x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_goes_before_who_comes() {
        let writer = control::exclusive(5);
        assert_eq!(next(0, None, false), Some(SHARED));
        assert_eq!(next(SHARED, None, false), Some(2 * SHARED));
        assert_eq!(next(SHARED, Some(5), false), None);
        assert_eq!(next(SHARED + WAITING, None, false), None);
        assert_eq!(next(WAITING, Some(5), true), Some(writer));
        assert_eq!(next(writer + WAITING, None, true), None);
        assert_eq!(next(2 * WAITING, None, true), Some(SHARED + WAITING));
        assert_eq!(writer.wrapping_add(writer.wrapping_neg()), 0);
    }
}
