//! How long a wait polls before it sleeps: as long as that pays.

/// A rank that is never lucky polls this part of what it is allowed.
const LEAST_PART: u64 = 8;

/// Polling time that adapts: it shrinks while waits last much longer than polling could bridge, for then it only takes
/// time from others, and grows again as soon as a little more polling would have spared a sleep, or did.
pub(super) struct Spin {
    most_ns: u64,
    ns: u64,
}

impl Spin {
    /// Starts with all that is allowed.
    pub fn new(most_ns: u64) -> Self {
        Self { most_ns, ns: most_ns }
    }

    /// Nanoseconds to poll before sleeping.
    #[inline]
    pub fn ns(&self) -> u64 {
        self.ns
    }

    /// A wait ended while it polled.
    pub fn caught(&mut self) {
        self.ns = (2 * self.ns).min(self.most_ns);
    }

    /// A wait ended after a sleep of `slept_ns`.
    pub fn slept(&mut self, slept_ns: u64) {
        if slept_ns <= self.most_ns {
            self.caught();
        } else {
            self.ns = (self.ns / 2).max(self.most_ns / LEAST_PART);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polling_shrinks_while_it_is_in_vain_and_comes_back_when_it_pays() {
        let mut spin = Spin::new(1000);
        for expected in [500, 250, 125, 125] {
            spin.slept(1001);
            assert_eq!(spin.ns(), expected);
        }
        spin.slept(1000);
        assert_eq!(spin.ns(), 250, "a sleep that polling could have spared");
        for expected in [500, 1000, 1000] {
            spin.caught();
            assert_eq!(spin.ns(), expected);
        }
    }

    #[test]
    fn who_may_not_poll_never_does() {
        let mut spin = Spin::new(0);
        spin.caught();
        spin.slept(0);
        assert_eq!(spin.ns(), 0);
    }
}
