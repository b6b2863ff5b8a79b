//! The clocks timers count on.

use crate::cputime;
use crate::errno::{Errno, Result};
use crate::time;

/// A timer of processor time is looked at no more often than this.
const FINEST_NS: u64 = 100_000;

/// What a timer counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimerClock {
    /// Time since boot.
    Monotonic,
    /// Time since 1970.
    Realtime,
    /// Processor time of all threads.
    Process,
    /// Processor time of one thread.
    Thread(u64),
}

impl TimerClock {
    /// The clock of timer_create(2) and timerfd_create(2); `processor` says whether it may count processor time.
    pub fn from_id(id: u64, processor: bool) -> Result<Self> {
        match id as i32 {
            // REALTIME, REALTIME_ALARM, TAI
            0 | 8 | 11 => Ok(Self::Realtime),
            // MONOTONIC, BOOTTIME, BOOTTIME_ALARM
            1 | 7 | 9 => Ok(Self::Monotonic),
            2 if processor => Ok(Self::Process),
            3 if processor => Ok(Self::Thread(cputime::own_tid())),
            id if id < 0 && processor => match cputime::of_clock(id)? {
                cputime::Whose::Process => Ok(Self::Process),
                cputime::Whose::Thread(tid) => Ok(Self::Thread(tid)),
            },
            _ => Err(Errno::EINVAL),
        }
    }

    /// Its reading, nanoseconds.
    pub fn now(self) -> u64 {
        match self {
            Self::Monotonic => time::now_ns(),
            Self::Realtime => time::realtime_ns(),
            Self::Process => cputime::process_ns(),
            Self::Thread(tid) => cputime::thread_ns(tid).unwrap_or(0),
        }
    }

    /// The earliest time of the monotonic clock at which it can read `reading`.
    pub fn deadline_ns(self, reading: u64) -> u64 {
        let left = reading.saturating_sub(self.now());
        let now = time::now_ns();
        match self {
            Self::Monotonic => reading,
            Self::Realtime => now.saturating_add(left),
            // All processors together are faster than the clock on the wall.
            Self::Process => now.saturating_add((left / cputime::processors()).max(FINEST_NS)),
            Self::Thread(_) => now.saturating_add(left.max(FINEST_NS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_by_number() {
        assert_eq!(TimerClock::from_id(0, false), Ok(TimerClock::Realtime));
        assert_eq!(TimerClock::from_id(7, false), Ok(TimerClock::Monotonic));
        assert_eq!(TimerClock::from_id(2, true), Ok(TimerClock::Process));
        for (id, processor) in [(2, false), (3, false), (4, true), (99, true), (-2i32 as u64, false)] {
            assert_eq!(TimerClock::from_id(id, processor), Err(Errno::EINVAL), "{id}");
        }
    }
}
