//! The system calls on timers: taking the arguments apart and checking them.

use super::nr;
use super::time::to_ns;
use crate::errno::{Errno, Result, SysResult};
use crate::fs::like;
use crate::fs::open::{O_CLOEXEC, O_NONBLOCK, Object};
use crate::time::SECOND;
use crate::timers::descriptor::TimerFile;
use crate::timers::posix::Event;
use crate::timers::{Setting, interval, posix};
use crate::{fs, user};
use alloc::rc::Rc;

/// TIMER_ABSTIME and TFD_TIMER_ABSTIME.
const ABSOLUTE: u64 = 1;
/// TFD_TIMER_CANCEL_ON_SET. Nobody sets the clock, so nothing is ever cancelled.
const CANCEL_ON_SET: u64 = 2;

/// The family's calls.
pub fn call(number: u64, args: &[u64; 6]) -> Option<SysResult> {
    let [a, b, c, d, ..] = *args;
    Some(match number {
        nr::ALARM => interval::alarm(a).map(|left| left as usize),
        nr::GETITIMER => interval::get(a).and_then(|setting| put_timevals(b, setting)),
        nr::SETITIMER => setitimer(a, b, c),
        nr::TIMER_CREATE => create(a, b, c),
        nr::TIMER_SETTIME => timespecs(c)
            .and_then(|setting| posix::set(a, setting, b & ABSOLUTE != 0))
            .and_then(|before| put_timespecs(d, before)),
        nr::TIMER_GETTIME => posix::get(a).and_then(|setting| put_timespecs(b, setting)),
        nr::TIMER_GETOVERRUN => posix::overrun(a).map(|count| count as usize),
        nr::TIMER_DELETE => posix::delete(a).map(|()| 0),
        nr::TIMERFD_CREATE => descriptor(a, b),
        nr::TIMERFD_SETTIME => descriptor_set(a, b, c, d),
        nr::TIMERFD_GETTIME => {
            with_descriptor(a, TimerFile::get).and_then(|setting| put_timespecs(b, setting))
        }
        _ => return None,
    })
}

/// A `struct itimerspec`.
fn timespecs(address: u64) -> Result<Setting> {
    let [every_s, every_ns, first_s, first_ns] = user::read::<[i64; 4]>(address)?;
    Ok(Setting { value: to_ns(first_s, first_ns)?, interval: to_ns(every_s, every_ns)? })
}

/// Stores a `struct itimerspec`; nowhere at address 0.
fn put_timespecs(address: u64, setting: Setting) -> SysResult {
    if address != 0 {
        let Setting { value, interval } = setting;
        user::write(address, &[interval / SECOND, interval % SECOND, value / SECOND, value % SECOND])?;
    }
    Ok(0)
}

/// A `struct itimerval`.
fn timevals(address: u64) -> Result<Setting> {
    let [every_s, every_us, first_s, first_us] = user::read::<[i64; 4]>(address)?;
    let ns = |seconds, us: i64| to_ns(seconds, us.saturating_mul(1000));
    Ok(Setting { value: ns(first_s, first_us)?, interval: ns(every_s, every_us)? })
}

/// Stores a `struct itimerval`; nowhere at address 0.
fn put_timevals(address: u64, setting: Setting) -> SysResult {
    if address != 0 {
        // What still runs never looks as if it did not.
        let us = |ns: u64| ns.div_ceil(1000);
        let (value, interval) = (us(setting.value), us(setting.interval));
        let second = SECOND / 1000;
        user::write(address, &[interval / second, interval % second, value / second, value % second])?;
    }
    Ok(0)
}

fn setitimer(kind: u64, new: u64, old: u64) -> SysResult {
    // Linux takes a missing value for zero.
    let setting = if new == 0 { Setting::default() } else { timevals(new)? };
    put_timevals(old, interval::set(kind, setting)?)
}

fn create(clock: u64, event: u64, number: u64) -> SysResult {
    let event = match event {
        0 => None,
        address => {
            let value = user::read::<u64>(address)?;
            let [signal, notify, tid] = user::read::<[i32; 3]>(address.wrapping_add(8))?;
            Some(Event { value, signal, notify, tid })
        }
    };
    user::check(number, 4, crate::mm::regions::Prot::RW)?;
    let id = posix::create(clock, event)?;
    user::write(number, &id.0)?;
    Ok(0)
}

fn descriptor(clock: u64, flags: u64) -> SysResult {
    let flags = u32::try_from(flags).ok().filter(|flags| flags & !(O_CLOEXEC | O_NONBLOCK) == 0);
    let flags = flags.ok_or(Errno::EINVAL)?;
    fs::insert_stream(Rc::new(TimerFile::new(clock)?), flags).map(|fd| fd as usize)
}

fn with_descriptor<T>(fd: u64, f: impl FnOnce(&TimerFile) -> Result<T>) -> Result<T> {
    match &fs::open_file(fd as i32)?.object {
        Object::Stream(stream) => f(like::downcast(stream).ok_or(Errno::EINVAL)?),
        _ => Err(Errno::EINVAL),
    }
}

fn descriptor_set(fd: u64, flags: u64, new: u64, old: u64) -> SysResult {
    if flags & !(ABSOLUTE | CANCEL_ON_SET) != 0 {
        return Err(Errno::EINVAL);
    }
    let setting = timespecs(new)?;
    let before = with_descriptor(fd, |timer| timer.set(setting, flags & ABSOLUTE != 0))?;
    put_timespecs(old, before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_checked() {
        let call = |number, args: [u64; 6]| call(number, &args).unwrap();
        assert_eq!(call(nr::SETITIMER, [0, 64, 0, 0, 0, 0]), Err(Errno::EFAULT));
        assert_eq!(call(nr::GETITIMER, [3, 64, 0, 0, 0, 0]), Err(Errno::EINVAL));
        assert_eq!(call(nr::TIMER_CREATE, [1, 64, 64, 0, 0, 0]), Err(Errno::EFAULT));
        assert_eq!(call(nr::TIMER_CREATE, [1, 0, 64, 0, 0, 0]), Err(Errno::EFAULT));
        assert_eq!(call(nr::TIMER_DELETE, [99, 0, 0, 0, 0, 0]), Err(Errno::EINVAL));
        assert_eq!(call(nr::TIMERFD_CREATE, [1, 1, 0, 0, 0, 0]), Err(Errno::EINVAL));
        assert_eq!(call(nr::TIMERFD_SETTIME, [0, 4, 64, 0, 0, 0]), Err(Errno::EINVAL));
    }
}
