//! How the engine waits between passes.
//!
//! While messages flow the engine must not ask for wake-ups, as each costs the sender a VM exit; and where ranks
//! spin on every processor it must not spin itself, as a rank that shares its processor only runs while the
//! engine does not. So after work it spins for a moment (an answer from another processor is there by then), then
//! takes timed naps that grow with the idle time, and only after `linger` it sleeps and asks to be woken.
//!
//! Measured with `cargo bench -p unirank-host-backend --bench ping_pong` (`UNIRANK_ENGINE_SETTLE_US`,
//! `UNIRANK_ENGINE_NAP_US`, `PIN=1`) on two processors, two spinning ranks, Linux 6.18 in a VM where a timer costs
//! about 10 us; half round trips of 8 bytes, us:
//!
//! | settle | nap | mean | median | p99 | |
//! |---|---|---|---|---|---|
//! | 0 | 0 (spins or yields) | 3980 | 3998 | 8000 | the neighbour runs at clock ticks only |
//! | 0 | 5 | 3930 | 3998 | 6950 | as above: the timer fires before the rank runs |
//! | 0 | 10 | 37 | 26 | 530 | |
//! | 0 | 15 | 37 | 31 | 55 | |
//! | 2 | 10 | 23 | 14 | 55 | |
//! | 2 | 12 | 22 | 14 | 43 | |
//! | 2 | 15 | 19 | 15 | 32 | chosen: furthest from the cliff at 8 |
//! | 4 | 15 | 26 | 17 | 47 | |

use std::time::Duration;

/// How the engine waits for work; see the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollPolicy {
    /// Spin this long after work in any case.
    pub settle: Duration,
    /// Spin this long after work when there are more processors than ranks.
    pub spin: Duration,
    /// Shortest nap between looks.
    pub nap: Duration,
    /// Sleep after this long without work.
    pub linger: Duration,
}

/// Naps grow to this fraction of the idle time, so that computing ranks are disturbed less and less.
const NAP_FRACTION: u32 = 8;
/// Longest nap, unless the shortest is longer.
const LONGEST_NAP: Duration = Duration::from_micros(100);

impl Default for PollPolicy {
    fn default() -> Self {
        Self {
            settle: Duration::from_micros(2),
            spin: Duration::from_micros(50),
            nap: Duration::from_micros(15),
            linger: Duration::from_millis(5),
        }
    }
}

/// What to do after a pass that found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Look again at once.
    Spin,
    /// Look again after this time.
    Nap(Duration),
    /// Sleep until woken.
    Sleep,
}

impl PollPolicy {
    /// After `idle` time without work. `crowded`: there are at least as many ranks as processors.
    pub(super) fn after(&self, idle: Duration, crowded: bool) -> Rest {
        let spin = if crowded { self.settle } else { self.spin.max(self.settle) };
        if idle >= self.linger {
            Rest::Sleep
        } else if idle < spin {
            Rest::Spin
        } else {
            Rest::Nap((idle / NAP_FRACTION).clamp(self.nap, LONGEST_NAP.max(self.nap)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spins_naps_longer_and_longer_then_sleeps() {
        let policy = PollPolicy::default();
        let after = |us, crowded| policy.after(Duration::from_micros(us), crowded);
        let nap = |us| Rest::Nap(Duration::from_micros(us));
        assert_eq!((after(1, true), after(1, false)), (Rest::Spin, Rest::Spin));
        assert_eq!((after(30, true), after(30, false)), (nap(15), Rest::Spin));
        assert_eq!(after(400, true), nap(50));
        assert_eq!(after(4000, false), nap(100));
        assert_eq!(after(5000, true), Rest::Sleep);
    }

    #[test]
    fn odd_settings_do_not_panic() {
        let policy = PollPolicy { nap: Duration::from_secs(1), ..PollPolicy::default() };
        assert_eq!(policy.after(Duration::from_millis(1), true), Rest::Nap(Duration::from_secs(1)));
        let never = PollPolicy { linger: Duration::ZERO, ..PollPolicy::default() };
        assert_eq!(never.after(Duration::ZERO, false), Rest::Sleep);
    }
}
