//! Whether a rank's VM still answers: its kernel counts a heartbeat in the device region a few times a second.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Offset of the heartbeat in the device region.
const OFFSET: u64 = 0x80;
/// Silence that ends a job when the user says nothing.
const DEFAULT: Duration = Duration::from_secs(5);
/// Longest boot that is waited for, on a host that is not overloaded.
const BOOT: Duration = Duration::from_secs(30);
/// Most that an overloaded host stretches the limits.
const MOST_STRETCH: u32 = 12;

/// How long a rank may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Between heartbeats.
    pub answer: Duration,
    /// From start to the kernel's first word.
    pub boot: Duration,
}

impl Patience {
    /// The user's limit as it is; else the default, longer where ranks share cores and each runs only a part of the
    /// time.
    pub fn new(asked: Option<Duration>, ranks: u32, cores: usize) -> Self {
        let cores = u32::try_from(cores).unwrap_or(u32::MAX).max(1);
        let stretch = ranks.div_ceil(cores).clamp(1, MOST_STRETCH);
        Self { answer: asked.unwrap_or(DEFAULT * stretch), boot: BOOT * stretch }
    }
}

/// The last beat seen of one rank.
#[derive(Debug)]
pub struct Heartbeat {
    region: OwnedFd,
    last: u64,
    since: Instant,
}

impl Heartbeat {
    /// Watches the counter in `region`.
    pub fn new(region: OwnedFd, now: Instant) -> Self {
        Self { region, last: 0, since: now }
    }

    /// Reads the counter; returns how long it has stood still. A read, not a mapping: a guest can put anything there
    /// and it is only compared.
    pub fn silence(&mut self, now: Instant) -> Duration {
        let mut bytes = [0; 8];
        if rustix::io::pread(&self.region, &mut bytes, OFFSET) == Ok(8) {
            self.observe(u64::from_le_bytes(bytes), now);
        }
        now.saturating_duration_since(self.since)
    }

    fn observe(&mut self, value: u64, now: Instant) {
        if value != self.last {
            self.last = value;
            self.since = now;
        }
    }

    /// Starts the watch anew: the runner itself was held up and has not looked.
    pub fn forgive(&mut self, now: Instant) {
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::memory;

    #[test]
    fn silence_grows_until_the_next_beat() {
        let region = memory::sealed("test", memory::REGION_SIZE).unwrap();
        let guest = region.try_clone().unwrap();
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(region, start);
        let later = start + Duration::from_secs(3);
        assert_eq!(heartbeat.silence(later), Duration::from_secs(3));
        rustix::io::pwrite(&guest, &7u64.to_le_bytes(), OFFSET).unwrap();
        assert_eq!(heartbeat.silence(later), Duration::ZERO);
        assert_eq!(heartbeat.silence(later + Duration::from_secs(2)), Duration::from_secs(2));
    }

    #[test]
    fn overload_is_forgiven_unless_a_limit_was_given() {
        assert_eq!(Patience::new(None, 2, 2).answer, DEFAULT);
        assert_eq!(Patience::new(None, 16, 2).answer, DEFAULT * 8);
        assert_eq!(Patience::new(Some(Duration::from_secs(1)), 16, 2).answer, Duration::from_secs(1));
    }
}
