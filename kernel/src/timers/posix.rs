//! Timers of timer_create(2).

use super::clock::TimerClock;
use super::table::{Id, Notice, Setting};
use super::{TIMERS, catch_up};
use crate::cell::KernelCell;
use crate::errno::{Errno, Result};
use crate::signal::number::{LAST, SIGALRM};
use crate::signal::{Info, of_thread};
use alloc::vec::Vec;

/// How a program hears of an expiration (`sigev_notify`).
mod notify {
    pub const SIGNAL: i32 = 0;
    pub const NONE: i32 = 1;
    pub const THREAD: i32 = 2;
    pub const THREAD_ID: i32 = 4;
}

/// What a program asks for (`struct sigevent`).
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// Value that comes with the signal.
    pub value: u64,
    /// The signal.
    pub signal: i32,
    /// How.
    pub notify: i32,
    /// The thread that gets the signal.
    pub tid: i32,
}

/// Numbers of the timers that belong to this family: the table has others.
static MADE: KernelCell<Vec<Id>> = KernelCell::new(Vec::new());

/// Makes a timer. Without an event it sends SIGALRM with its own number.
pub fn create(clock: u64, event: Option<Event>) -> Result<Id> {
    let clock = TimerClock::from_id(clock, true)?;
    let event = match event {
        None => None,
        Some(event) => Some(check(event)?),
    };
    let notice = |id: Id| match event {
        None => Notice::Process(Info::timer(SIGALRM, id.0, u64::from(id.0))),
        Some(Event { notify: notify::NONE, .. }) => Notice::None,
        Some(Event { value, signal, notify: notify::THREAD_ID, tid }) => {
            Notice::Thread(tid as u64, Info::timer(signal as u32, id.0, value))
        }
        Some(Event { value, signal, .. }) => Notice::Process(Info::timer(signal as u32, id.0, value)),
    };
    let id = TIMERS.borrow().add(clock, notice)?;
    MADE.borrow().push(id);
    Ok(id)
}

fn check(event: Event) -> Result<Event> {
    let sends = match event.notify {
        notify::NONE => false,
        notify::SIGNAL | notify::THREAD => true,
        notify::THREAD_ID => {
            of_thread(u64::try_from(event.tid).unwrap_or(0), |_| ()).map_err(|_| Errno::EINVAL)?;
            true
        }
        _ => return Err(Errno::EINVAL),
    };
    if sends && !(1..=LAST as i32).contains(&event.signal) { Err(Errno::EINVAL) } else { Ok(event) }
}

/// The timer with a number the program gives; EINVAL if it is not one of these.
fn known(number: u64) -> Result<Id> {
    let id = Id(u32::try_from(number as i32).map_err(|_| Errno::EINVAL)?);
    if MADE.borrow().contains(&id) { Ok(id) } else { Err(Errno::EINVAL) }
}

/// Sets a timer; returns what was set before.
pub fn set(number: u64, setting: Setting, absolute: bool) -> Result<Setting> {
    let id = known(number)?;
    catch_up();
    let before = TIMERS.borrow().set(id, setting, absolute)?;
    // A time that has passed already.
    catch_up();
    Ok(before)
}

/// How long a timer still runs.
pub fn get(number: u64) -> Result<Setting> {
    let id = known(number)?;
    catch_up();
    TIMERS.borrow().get(id)
}

/// Expirations beyond the one the last delivered signal tells of.
pub fn overrun(number: u64) -> Result<u32> {
    let id = known(number)?;
    TIMERS.borrow().overrun(id)
}

/// Ends a timer.
pub fn delete(number: u64) -> Result<()> {
    let id = known(number)?;
    MADE.borrow().retain(|&made| made != id);
    TIMERS.borrow().remove(id);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_checked() {
        let event = Event { value: 0, signal: 0, notify: notify::SIGNAL, tid: 0 };
        assert_eq!(create(1, Some(event)), Err(Errno::EINVAL));
        assert_eq!(create(1, Some(Event { notify: 9, signal: 10, ..event })), Err(Errno::EINVAL));
        let stranger = Event { notify: notify::THREAD_ID, signal: 10, tid: 77, ..event };
        assert_eq!(create(1, Some(stranger)), Err(Errno::EINVAL));
        assert_eq!(create(4, None), Err(Errno::EINVAL));
        let id = create(1, Some(Event { notify: notify::NONE, ..event })).unwrap();
        let number = u64::from(id.0);
        assert_eq!(get(number), Ok(Setting::default()));
        assert_eq!(delete(number), Ok(()));
        assert_eq!((delete(number), get(u64::MAX)), (Err(Errno::EINVAL), Err(Errno::EINVAL)));
    }
}
