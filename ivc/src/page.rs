//! What each rank tells the others about itself: one page per rank, written by it alone unless said otherwise.
//!
//! | offset | what |
//! |---|---|
//! | 0x000 | u32: how it waits ([`Sleep`]) |
//! | 0x040 | u32: rings to it that were published; others add to it when they make one |
//! | 0x080 | u32: process id of a native rank, 0 in a VM |
//! | 0x400 | 128 counters of u64 for statistics, see [`crate::counters`] |

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::layout::PAGE;
use crate::region::JobRegion;

/// Counters a rank has.
pub const COUNTERS: usize = 128;

const SLEEP: u64 = 0x000;
const RINGS: u64 = 0x040;
const PROCESS: u64 = 0x080;
const COUNTERS_AT: u64 = 0x400;

/// How a rank waits. Who sends it something looks at this, and wakes it when it sleeps.
///
/// Before it sleeps a rank is *drowsy* for some microseconds in which it still looks. A sender that reads `Awake` after
/// its message needs no fence: by the time the rank really sleeps, the message has long left the sender's store buffer,
/// and the rank has seen it. Only a sender that reads something else pays for a fence and looks again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Sleep {
    /// It looks at its rings, or will before it sleeps.
    Awake = 0,
    /// It looks at its rings and is about to sleep.
    Drowsy = 1,
    /// It sleeps, or is on its way: it needs to be woken.
    Asleep = 2,
}

/// A rank's page.
#[derive(Clone, Copy, Debug)]
pub struct RankPage {
    region: JobRegion,
    at: u64,
}

impl JobRegion {
    /// The page of a rank.
    ///
    /// # Panics
    /// If there is no such rank.
    pub fn page(&self, rank: u32) -> RankPage {
        let layout = self.layout();
        assert!(rank < layout.ranks, "page of rank {rank} of {}", layout.ranks);
        RankPage { region: *self, at: layout.pages + u64::from(rank) * PAGE }
    }
}

impl RankPage {
    /// How the rank waits.
    pub fn sleep(&self) -> &AtomicU32 {
        self.region.word32(self.at + SLEEP)
    }

    /// Whether something sent now must be followed by a wake-up.
    #[inline]
    pub fn needs_waking(&self) -> bool {
        if self.sleep().load(Ordering::Relaxed) == Sleep::Awake as u32 {
            return false;
        }
        core::sync::atomic::fence(Ordering::SeqCst);
        self.sleep().load(Ordering::Relaxed) == Sleep::Asleep as u32
    }

    /// As [`Self::needs_waking`], but true for one of several who ask before the rank runs again: a wake-up is dear, and
    /// one is enough.
    #[inline]
    pub fn claim_waking(&self) -> bool {
        let (asleep, awake) = (Sleep::Asleep as u32, Sleep::Awake as u32);
        self.needs_waking()
            && self.sleep().compare_exchange(asleep, awake, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Rings to this rank that were published.
    pub fn rings(&self) -> &AtomicU32 {
        self.region.word32(self.at + RINGS)
    }

    /// Process id of a native rank; 0 in a VM.
    pub fn process(&self) -> &AtomicU32 {
        self.region.word32(self.at + PROCESS)
    }

    /// Statistics.
    ///
    /// # Panics
    /// If `index` is not below [`COUNTERS`].
    pub fn counter(&self, index: usize) -> &AtomicU64 {
        assert!(index < COUNTERS, "counter {index}");
        self.region.word64(self.at + COUNTERS_AT + 8 * index as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::testing::region;

    #[test]
    fn only_a_sleeping_rank_needs_waking_and_once() {
        let page = region(2, 0).page(1);
        for (state, needs) in [(Sleep::Awake, false), (Sleep::Drowsy, false), (Sleep::Asleep, true)] {
            page.sleep().store(state as u32, Ordering::Relaxed);
            assert_eq!(page.needs_waking(), needs);
            assert_eq!([page.claim_waking(), page.claim_waking()], [needs, false]);
        }
    }

    #[test]
    fn pages_do_not_overlap() {
        let region = region(3, 0);
        for rank in 0..3 {
            let page = region.page(rank);
            page.rings().store(rank + 10, Ordering::Relaxed);
            page.counter(0).store(rank.into(), Ordering::Relaxed);
            page.counter(COUNTERS - 1).store(100 + u64::from(rank), Ordering::Relaxed);
        }
        for rank in 0..3 {
            let page = region.page(rank);
            assert_eq!(page.rings().load(Ordering::Relaxed), rank + 10);
            assert_eq!(page.counter(0).load(Ordering::Relaxed), rank.into());
            assert_eq!(page.counter(COUNTERS - 1).load(Ordering::Relaxed), 100 + u64::from(rank));
        }
    }
}
