//! The counters of this rank: in its page of the job region, or in memory of its own where there is none.

use std::sync::atomic::{AtomicU64, Ordering};
use unirank_ivc::JobRegion;
use unirank_ivc::counters::Counter;

/// All counters of a rank.
type Counters = [AtomicU64; Counter::COUNT];

/// Where a rank without a job region counts.
#[cfg(not(test))]
static NOWHERE: Counters = [const { AtomicU64::new(0) }; Counter::COUNT];

#[cfg(not(test))]
mod place {
    use super::{Counters, NOWHERE};
    use std::sync::atomic::{AtomicPtr, Ordering};

    static PLACE: AtomicPtr<Counters> = AtomicPtr::new((&raw const NOWHERE).cast_mut());

    #[inline(always)]
    pub fn get() -> &'static Counters {
        // SAFETY: only `set` and the initial value put something there, and both are references that live for ever.
        unsafe { &*PLACE.load(Ordering::Relaxed) }
    }

    pub fn set(counters: &'static Counters) {
        PLACE.store(std::ptr::from_ref(counters).cast_mut(), Ordering::Relaxed);
    }
}

/// From here on this rank counts in its page of the region.
///
/// # Safety
/// The region stays mapped for ever.
pub(super) unsafe fn install(region: &JobRegion, rank: u32) {
    let first: *const AtomicU64 = region.page(rank).counter(0);
    // SAFETY: a page has `page::COUNTERS` counters in a row, which is no fewer than `COUNT`; the caller promises that they
    // stay.
    place::set(unsafe { &*first.cast::<Counters>() });
}

/// Adds to a counter. This rank is its only writer: no locked instruction is needed.
#[inline(always)]
pub(super) fn add(counter: Counter, value: u64) {
    let counter = &place::get()[counter as usize];
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(value), Ordering::Relaxed);
}

/// Raises a counter to a value that is higher.
pub(super) fn raise(counter: Counter, value: u64) {
    let counter = &place::get()[counter as usize];
    if value > counter.load(Ordering::Relaxed) {
        counter.store(value, Ordering::Relaxed);
    }
}

/// The value of a counter.
#[inline]
pub(super) fn read(counter: Counter) -> u64 {
    place::get()[counter as usize].load(Ordering::Relaxed)
}

/// A collective operation of a team through shared memory begins.
#[inline]
pub fn node_collective() {
    add(Counter::TeamOperations, 1);
}

/// In tests a rank is a thread.
#[cfg(test)]
mod place {
    use super::Counters;
    use std::cell::Cell;
    use std::sync::atomic::AtomicU64;

    fn fresh() -> &'static Counters {
        Box::leak(Box::new([const { AtomicU64::new(0) }; super::Counter::COUNT]))
    }

    std::thread_local! { static PLACE: Cell<&'static Counters> = Cell::new(fresh()); }

    pub fn get() -> &'static Counters {
        PLACE.get()
    }

    pub fn set(counters: &'static Counters) {
        PLACE.set(counters);
    }
}
