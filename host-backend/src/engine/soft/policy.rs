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
//!
//! Where the neighbour is a virtual processor, interrupting it costs far more and the cliff lies elsewhere. With the
//! MPI half round trip of two VMs on the same machine (KVM without hardware virtualization, an exit takes 40 us):
//! settle 2 and nap 15: median 200; 2 and 50: 86; 20 and 30: 203; 20 and 50: 57; 20 and 80: 70; 60 and 50: 76.
//! So the engine learns what a nap costs ([`NapCost`]), makes naps as long as that and settles half of it: medians
//! 42 to 50 there, 24 between native ranks.

use std::time::Duration;

/// How the engine waits for work; see the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollPolicy {
    /// Spin at least this long after work in any case.
    pub settle: Duration,
    /// Spin this long after work when there are more processors than ranks.
    pub spin: Duration,
    /// Shortest nap between looks; longer where naps cost more.
    pub nap: Duration,
    /// Sleep after this long without work.
    pub linger: Duration,
}

/// Naps grow to this fraction of the idle time, so that computing ranks are disturbed less and less.
const NAP_FRACTION: u32 = 8;
/// Longest time to spin after work when there are as many ranks as processors.
const LONGEST_SETTLE: Duration = Duration::from_micros(20);
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
    /// After `idle` time without work, where a nap costs `cost`. `crowded`: there are at least as many ranks as
    /// processors.
    pub(super) fn after(&self, idle: Duration, crowded: bool, cost: NapCost) -> Rest {
        let settle = (cost.0 / 2).clamp(self.settle, LONGEST_SETTLE.max(self.settle));
        let spin = if crowded { settle } else { self.spin.max(settle) };
        if idle >= self.linger {
            return Rest::Sleep;
        }
        if idle < spin {
            return Rest::Spin;
        }
        let shortest = cost.0.clamp(self.nap, LONGEST_NAP.max(self.nap));
        Rest::Nap((idle / NAP_FRACTION).clamp(shortest, LONGEST_NAP.max(shortest)))
    }
}

/// What a nap takes beyond its length: the timer's interrupt, the exit of the virtual processor that it hits, the
/// switch. About the same again is lost when the neighbour goes on, so a neighbour that shall get anywhere needs
/// naps of at least this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NapCost(Duration);

impl Default for NapCost {
    fn default() -> Self {
        Self(Duration::from_micros(10))
    }
}

impl NapCost {
    /// Learns from a nap that was to take `asked` and took `took`. Follows the median: naps that ended late
    /// because the machine is busy count for no more than others.
    pub(super) fn learn(&mut self, asked: Duration, took: Duration) {
        let step = self.0 / 32 + Duration::from_nanos(1);
        if took.saturating_sub(asked) > self.0 {
            self.0 = (self.0 + step).min(LONGEST_NAP);
        } else {
            self.0 = self.0.saturating_sub(step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spins_naps_longer_and_longer_then_sleeps() {
        let policy = PollPolicy::default();
        let after =
            |us, crowded| policy.after(Duration::from_micros(us), crowded, NapCost(Duration::from_micros(3)));
        let nap = |us| Rest::Nap(Duration::from_micros(us));
        assert_eq!((after(1, true), after(1, false)), (Rest::Spin, Rest::Spin));
        assert_eq!((after(30, true), after(30, false)), (nap(15), Rest::Spin));
        assert_eq!(after(400, true), nap(50));
        assert_eq!(after(4000, false), nap(100));
        assert_eq!(after(5000, true), Rest::Sleep);
    }

    #[test]
    fn naps_are_as_long_as_they_cost() {
        let mut cost = NapCost::default();
        for _ in 0..1000 {
            cost.learn(Duration::from_micros(15), Duration::from_micros(65));
        }
        assert!(cost.0 > Duration::from_micros(45) && cost.0 < Duration::from_micros(55), "{cost:?}");
        let policy = PollPolicy::default();
        assert_eq!(policy.after(Duration::from_micros(15), true, cost), Rest::Spin);
        assert_eq!(policy.after(Duration::from_micros(30), true, cost), Rest::Nap(cost.0));
        // A machine that stalls now and then does not change the picture.
        for i in 0..1000 {
            let took = if i % 4 == 0 { 5000 } else { 65 };
            cost.learn(Duration::from_micros(15), Duration::from_micros(took));
        }
        assert!(cost.0 < Duration::from_micros(60), "{cost:?}");
        for _ in 0..1000 {
            cost.learn(Duration::from_micros(15), Duration::from_micros(20));
        }
        assert!(cost.0 < Duration::from_micros(7), "{cost:?}");
    }

    #[test]
    fn odd_settings_do_not_panic() {
        let policy = PollPolicy { nap: Duration::from_secs(1), ..PollPolicy::default() };
        assert_eq!(
            policy.after(Duration::from_millis(1), true, NapCost::default()),
            Rest::Nap(Duration::from_secs(1))
        );
        let never = PollPolicy { linger: Duration::ZERO, ..PollPolicy::default() };
        assert_eq!(never.after(Duration::ZERO, false, NapCost::default()), Rest::Sleep);
    }
}
