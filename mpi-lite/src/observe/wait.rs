//! How long calls wait, and how long they sleep.

use super::counters::add;
use super::{is_tracing, recorder};
use crate::platform;
use unirank_ivc::counters::Counter;
use unirank_ivc::trace::Record;

/// Looks after which a wait is timed: what is over sooner is not worth two looks at the clock.
const TIMED: u32 = 64;

/// A wait, as long as nothing happens. Its time counts when it is over, or dropped.
#[derive(Default)]
pub struct Wait {
    /// Since when; 0 while it is not timed.
    since: u64,
}

impl Wait {
    /// Nothing had happened at the `look`th look.
    #[inline]
    pub fn look(&mut self, look: u32) {
        if look == TIMED {
            self.begin();
        }
    }

    /// Nothing happens from here on, if it has not begun.
    #[inline]
    pub fn begin(&mut self) {
        if self.since == 0 {
            self.since = platform::now_ns().max(1);
        }
    }

    /// Something has happened.
    #[inline]
    pub fn over(&mut self) {
        if self.since != 0 {
            self.count();
        }
    }

    #[cold]
    fn count(&mut self) {
        let (start, now) = (std::mem::take(&mut self.since), platform::now_ns());
        let duration = now.saturating_sub(start);
        add(Counter::BlockedNs, duration);
        if is_tracing() {
            recorder::record(&Record::Wait { start, duration });
        }
    }
}

impl Drop for Wait {
    #[inline]
    fn drop(&mut self) {
        self.over();
    }
}

/// Sleeps by `sleep`.
pub fn sleeping(sleep: impl FnOnce()) {
    let start = platform::now_ns();
    sleep();
    let duration = platform::now_ns().saturating_sub(start);
    add(Counter::Sleeps, 1);
    add(Counter::AsleepNs, duration);
    if is_tracing() {
        recorder::record(&Record::Sleep { start, duration });
    }
}
