//! Interval timers: setitimer(2), getitimer(2), alarm(2).

use super::clock::TimerClock;
use super::table::{Id, Setting};
use super::{TIMERS, catch_up, interval_notice};
use crate::cell::KernelCell;
use crate::errno::{Errno, Result};
use crate::signal::number::{SIGALRM, SIGPROF, SIGVTALRM};
use crate::time::SECOND;

/// Clock and signal of ITIMER_REAL, ITIMER_VIRTUAL and ITIMER_PROF. A rank's processor time is not told apart by who
/// has used it, program or library OS.
const KINDS: [(TimerClock, u32); 3] =
    [(TimerClock::Monotonic, SIGALRM), (TimerClock::Process, SIGVTALRM), (TimerClock::Process, SIGPROF)];

static MADE: KernelCell<[Option<Id>; 3]> = KernelCell::new([None; 3]);

/// The timer of a kind, made when it is first used.
fn timer(kind: u64) -> Result<Id> {
    let index = usize::try_from(kind).ok().filter(|&i| i < KINDS.len()).ok_or(Errno::EINVAL)?;
    let mut made = MADE.borrow();
    if let Some(id) = made[index] {
        return Ok(id);
    }
    let (clock, signal) = KINDS[index];
    let id = TIMERS.borrow().add(clock, |_| interval_notice(signal))?;
    made[index] = Some(id);
    Ok(id)
}

/// How long a timer still runs.
pub fn get(kind: u64) -> Result<Setting> {
    catch_up();
    let id = timer(kind)?;
    TIMERS.borrow().get(id)
}

/// Sets a timer; returns what was set before.
pub fn set(kind: u64, setting: Setting) -> Result<Setting> {
    catch_up();
    let id = timer(kind)?;
    TIMERS.borrow().set(id, setting, false)
}

/// `alarm`: seconds that were left before.
pub fn alarm(seconds: u64) -> Result<u64> {
    let value = u64::from(seconds as u32) * SECOND;
    let left = set(0, Setting { value, interval: 0 })?.value;
    // An alarm that is set is never told to be over.
    Ok(if left == 0 { 0 } else { ((left + SECOND / 2) / SECOND).max(1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_tells_whole_seconds() {
        assert_eq!(timer(3), Err(Errno::EINVAL));
        assert_eq!(alarm(100), Ok(0));
        assert_eq!(alarm(1000), Ok(100));
        assert_eq!(alarm(0), Ok(1000));
        assert_eq!(get(0), Ok(Setting::default()));
    }
}
