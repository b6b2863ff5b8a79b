//! Whether a rank's VM still answers: its kernel counts a heartbeat in the device region a few times a second.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Offset of the heartbeat in the device region.
const OFFSET: u64 = unirank_hca::region::control::HEARTBEAT as u64;
/// Silence that ends a job when the user says nothing.
const DEFAULT: Duration = Duration::from_secs(5);
/// Longest boot that is waited for, on a host that is not overloaded.
const BOOT: Duration = Duration::from_secs(30);
/// Most that an overloaded host stretches the limits.
const MOST_STRETCH: u32 = 12;
/// Silence after which it is looked whether the host lets the rank run at all.
const DOUBT: Duration = Duration::from_secs(1);

/// How long a rank may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Between heartbeats.
    pub answer: Duration,
    /// Between heartbeats of a rank that waits for a core most of the time.
    pub starved: Duration,
    /// From start to the kernel's first word.
    pub boot: Duration,
}

impl Patience {
    /// The user's limit as it is; else the default, longer where ranks share cores and each runs only a part of the
    /// time.
    pub fn new(asked: Option<Duration>, ranks: u32, cores: usize) -> Self {
        let cores = u32::try_from(cores).unwrap_or(u32::MAX).max(1);
        let stretch = ranks.div_ceil(cores).clamp(1, MOST_STRETCH);
        Self {
            answer: asked.unwrap_or(DEFAULT),
            starved: asked.unwrap_or(DEFAULT * MOST_STRETCH),
            boot: BOOT * stretch,
        }
    }
}

/// The last beat seen of one rank.
#[derive(Debug)]
pub struct Heartbeat {
    region: OwnedFd,
    pid: u32,
    last: u64,
    since: Instant,
    /// When doubt began, and how long the process had waited for a core by then.
    doubt: Option<(Instant, Duration)>,
}

impl Heartbeat {
    /// Watches the counter in `region`, which process `pid` keeps.
    pub fn new(region: OwnedFd, pid: u32, now: Instant) -> Self {
        Self { region, pid, last: 0, since: now, doubt: None }
    }

    /// How long the rank was silent, if that is more than it may be. A rank that is ready to run but gets no core is
    /// given more time than one that is stopped or hangs.
    pub fn overdue(&mut self, now: Instant, patience: &Patience) -> Option<Duration> {
        let silence = self.silence(now);
        if silence < DOUBT {
            self.doubt = None;
            return None;
        }
        let (since, waited) = *self.doubt.get_or_insert_with(|| (now, waited_for_cores(self.pid)));
        if silence < patience.answer {
            return None;
        }
        let wait = waited_for_cores(self.pid).saturating_sub(waited);
        let starved = wait * 2 >= now.saturating_duration_since(since) && !wait.is_zero();
        (!starved || silence >= patience.starved).then_some(silence)
    }

    /// Reads the counter; returns how long it has stood still. A read, not a mapping: a guest can put anything there
    /// and it is only compared.
    fn silence(&mut self, now: Instant) -> Duration {
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
        self.doubt = None;
    }
}

/// How long the threads of a process were ready but had no core, in sum since their start (`schedstat`, second
/// field, nanoseconds); zero where the system does not tell.
fn waited_for_cores(pid: u32) -> Duration {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Duration::ZERO };
    let waits = threads.flatten().filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    Duration::from_nanos(waits.sum())
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
        let mut heartbeat = Heartbeat::new(region, std::process::id(), start);
        let later = start + Duration::from_secs(3);
        assert_eq!(heartbeat.silence(later), Duration::from_secs(3));
        rustix::io::pwrite(&guest, &7u64.to_le_bytes(), OFFSET).unwrap();
        assert_eq!(heartbeat.silence(later), Duration::ZERO);
        assert_eq!(heartbeat.silence(later + Duration::from_secs(2)), Duration::from_secs(2));
    }

    #[test]
    fn a_sleeping_process_is_not_starved() {
        let region = memory::sealed("test", memory::REGION_SIZE).unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(region, child.id(), start);
        let patience = Patience::new(None, 16, 2);
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(heartbeat.overdue(at(2), &patience), None);
        assert_eq!(heartbeat.overdue(at(6), &patience), Some(Duration::from_secs(6)));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn overload_is_forgiven_unless_a_limit_was_given() {
        let patience = Patience::new(None, 16, 2);
        assert!(patience.answer == DEFAULT && patience.starved > DEFAULT && patience.boot > BOOT);
        let second = Duration::from_secs(1);
        let patience = Patience::new(Some(second), 16, 2);
        assert_eq!((patience.answer, patience.starved), (second, second));
    }
}
