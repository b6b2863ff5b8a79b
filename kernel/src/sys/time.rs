//! Clocks and sleeping.

use super::nr;
use crate::cputime::{self, Whose};
use crate::errno::{Errno, Result, SysResult};
use crate::irq;
use crate::time::{SECOND, now_ns, realtime_ns};
use crate::user;

const TIMER_ABSTIME: u64 = 1;
/// Sleeps shorter than this spin: halting and waking takes about as long.
const SHORTEST_HALT_NS: u64 = 20_000;

/// The family's calls.
pub fn call(number: u64, args: &[u64; 6]) -> Option<SysResult> {
    let [a, b, c, ..] = *args;
    Some(match number {
        nr::CLOCK_GETTIME => clock(a).and_then(|ns| put_timespec(b, ns)),
        nr::CLOCK_GETRES => clock(a).and_then(|_| if b == 0 { Ok(0) } else { put_timespec(b, 1) }),
        nr::GETTIMEOFDAY => gettimeofday(a, b),
        nr::TIME => time(a),
        nr::NANOSLEEP => timespec(a).and_then(|ns| interruptible_sleep(now_ns().saturating_add(ns), b)),
        nr::CLOCK_NANOSLEEP => clock_nanosleep(a, b, c, args[3]),
        nr::CLOCK_SETTIME | nr::SETTIMEOFDAY | nr::CLOCK_ADJTIME | nr::ADJTIMEX => Err(Errno::EPERM),
        nr::TIMES => times(a),
        _ => return None,
    })
}

/// The time of a clock in nanoseconds (`clock_gettime(2)`).
fn clock(id: u64) -> Result<u64> {
    match id {
        // REALTIME, REALTIME_COARSE, REALTIME_ALARM, TAI
        0 | 5 | 8 | 11 => Ok(realtime_ns()),
        // MONOTONIC, MONOTONIC_RAW, MONOTONIC_COARSE, BOOTTIME, BOOTTIME_ALARM
        1 | 4 | 6 | 7 | 9 => Ok(now_ns()),
        // PROCESS_CPUTIME_ID, THREAD_CPUTIME_ID
        2 => cputime::read(Whose::Process),
        3 => cputime::read(Whose::Thread(cputime::own_tid())),
        // Processor time of a process or thread by its number.
        id if (id as i32) < 0 => cputime::read(cputime::of_clock(id as i32)?),
        _ => Err(Errno::EINVAL),
    }
}

fn put_timespec(address: u64, ns: u64) -> SysResult {
    user::write(address, &[ns / SECOND, ns % SECOND])?;
    Ok(0)
}

/// A `struct timespec` as nanoseconds.
pub fn timespec(address: u64) -> Result<u64> {
    let [seconds, ns] = user::read::<[i64; 2]>(address)?;
    to_ns(seconds, ns)
}

/// Seconds and nanoseconds as nanoseconds; what does not fit is as good as forever.
pub fn to_ns(seconds: i64, ns: i64) -> Result<u64> {
    if seconds < 0 || !(0..SECOND as i64).contains(&ns) {
        return Err(Errno::EINVAL);
    }
    Ok((seconds as u64).saturating_mul(SECOND).saturating_add(ns as u64))
}

fn gettimeofday(time: u64, zone: u64) -> SysResult {
    if time != 0 {
        let ns = realtime_ns();
        user::write(time, &[ns / SECOND, ns % SECOND / 1000])?;
    }
    if zone != 0 {
        user::write(zone, &[0i32; 2])?;
    }
    Ok(0)
}

fn time(address: u64) -> SysResult {
    let seconds = realtime_ns() / SECOND;
    if address != 0 {
        user::write(address, &seconds)?;
    }
    Ok(seconds as usize)
}

fn times(address: u64) -> SysResult {
    let tick = SECOND / crate::process::CLOCK_TICKS;
    if address != 0 {
        user::write(address, &[cputime::process_ns() / tick, 0, 0, 0])?;
    }
    Ok((now_ns() / tick) as usize)
}

/// Sleeps for a time.
pub fn sleep(ns: u64) -> usize {
    sleep_until(now_ns().saturating_add(ns));
    0
}

fn sleep_until(deadline: u64) {
    if deadline.saturating_sub(now_ns()) < SHORTEST_HALT_NS {
        while now_ns() < deadline {
            core::hint::spin_loop();
        }
    } else {
        irq::wait_until(|| false, Some(deadline));
    }
}

/// Sleeps until a time of the monotonic clock. If a signal ends it, what is left is stored at `left`, unless that is 0.
fn interruptible_sleep(deadline: u64, left: u64) -> SysResult {
    if deadline.saturating_sub(now_ns()) < SHORTEST_HALT_NS {
        sleep_until(deadline);
        return Ok(0);
    }
    let slept = irq::wait_interruptible(|| false, Some(deadline));
    if let (Err(Errno::EINTR), true) = (slept, left != 0) {
        put_timespec(left, deadline.saturating_sub(now_ns()))?;
    }
    slept.map(|_| 0)
}

fn clock_nanosleep(id: u64, flags: u64, request: u64, left: u64) -> SysResult {
    let now = clock(id)?;
    let ns = timespec(request)?;
    // Nobody sets a clock: the time until then is known now.
    let (ns, left) = if flags & TIMER_ABSTIME != 0 { (ns.saturating_sub(now), 0) } else { (ns, left) };
    interruptible_sleep(now_ns().saturating_add(ns), left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_checked() {
        assert_eq!(to_ns(1, 5), Ok(1_000_000_005));
        assert_eq!(to_ns(-1, 5), Err(Errno::EINVAL));
        assert_eq!(to_ns(1, 1_000_000_000), Err(Errno::EINVAL));
        assert_eq!(to_ns(1, -1), Err(Errno::EINVAL));
        assert_eq!(to_ns(i64::MAX, 0), Ok(u64::MAX));
    }

    #[test]
    fn unknown_clocks_and_bad_pointers_are_errors() {
        assert_eq!(clock(10), Err(Errno::EINVAL));
        assert_eq!(clock(12), Err(Errno::EINVAL));
        assert_eq!(call(nr::CLOCK_GETTIME, &[0, 16, 0, 0, 0, 0]), Some(Err(Errno::EFAULT)));
        assert_eq!(call(nr::NANOSLEEP, &[u64::MAX - 7, 0, 0, 0, 0, 0]), Some(Err(Errno::EFAULT)));
    }
}
