//! Timers read from a descriptor (timerfd_create(2)).

use super::clock::TimerClock;
use super::table::{Id, Notice, Setting};
use super::{TIMERS, catch_up};
use crate::errno::{Errno, Result};
use crate::fs::like::{FileLike, event};

/// What the descriptor stands for.
#[derive(Debug)]
pub struct TimerFile(Id);

impl TimerFile {
    /// A timer on a clock of timerfd_create(2).
    pub fn new(clock: u64) -> Result<Self> {
        let clock = TimerClock::from_id(clock, false)?;
        Ok(Self(TIMERS.borrow().add(clock, |_| Notice::None)?))
    }

    /// Sets the timer; returns what was set before.
    pub fn set(&self, setting: Setting, absolute: bool) -> Result<Setting> {
        catch_up();
        TIMERS.borrow().set(self.0, setting, absolute)
    }

    /// How long it still runs.
    pub fn get(&self) -> Result<Setting> {
        catch_up();
        TIMERS.borrow().get(self.0)
    }

    /// Whether it has expired since the last read.
    pub fn is_ready(&self) -> bool {
        catch_up();
        TIMERS.borrow().count(self.0, false) > 0
    }
}

impl FileLike for TimerFile {
    /// How often it has expired; EAGAIN if it has not.
    fn read(&self, buf: &mut [u8]) -> Result<usize> {
        let place = buf.get_mut(..8).ok_or(Errno::EINVAL)?;
        catch_up();
        match TIMERS.borrow().count(self.0, true) {
            0 => Err(Errno::EAGAIN),
            count => {
                place.copy_from_slice(&count.to_le_bytes());
                Ok(8)
            }
        }
    }

    fn write(&self, _: &[u8]) -> Result<usize> {
        Err(Errno::EINVAL)
    }

    fn events(&self) -> u32 {
        event::when(self.is_ready(), event::READ)
    }

    fn activity(&self) -> u64 {
        TIMERS.borrow().count(self.0, false)
    }

    fn has_messages(&self) -> bool {
        true
    }

    fn mode(&self) -> u32 {
        0o600
    }
}

impl Drop for TimerFile {
    fn drop(&mut self) {
        TIMERS.borrow().remove(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_that_has_not_expired_is_not_ready() {
        assert!(TimerFile::new(2).is_err());
        let file = TimerFile::new(1).unwrap();
        assert_eq!(file.read(&mut [0; 4]), Err(Errno::EINVAL));
        file.set(Setting { value: 1 << 50, interval: 0 }, false).unwrap();
        assert!(!file.is_ready());
        assert_eq!(file.read(&mut [0; 8]), Err(Errno::EAGAIN));
    }
}
