//! Clocks and sleep.

use hermit_abi::{CLOCK_MONOTONIC, CLOCK_REALTIME, EFAULT, EINTR, EINVAL, clockid_t, timespec};

use crate::call::call;
use crate::error::{refused, told32};
use crate::nr;

const NS_PER_SECOND: u64 = 1_000_000_000;
const TIMER_ABSTIME: u64 = 1;

/// The clocks of the crate, with Linux' numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    Realtime = 0,
    Monotonic = 1,
}

impl Clock {
    fn of(id: clockid_t) -> Option<Self> {
        match id {
            CLOCK_REALTIME => Some(Self::Realtime),
            CLOCK_MONOTONIC => Some(Self::Monotonic),
            _ => None,
        }
    }
}

/// A moment on a clock, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub clock: Clock,
    pub ns: u64,
}

impl Moment {
    pub fn now(clock: Clock) -> Self {
        let mut time = [0u64; 2];
        // SAFETY: writes the two numbers.
        unsafe { call(nr::CLOCK_GETTIME, &[clock as u64, (&raw mut time) as u64, 0, 0, 0, 0]) };
        Self { clock, ns: time[0].saturating_mul(NS_PER_SECOND).saturating_add(time[1]) }
    }

    pub fn after(clock: Clock, ns: u64) -> Self {
        Self { clock, ns: Self::now(clock).ns.saturating_add(ns) }
    }

    /// Linux' timespec.
    pub fn linux(self) -> [u64; 2] {
        [self.ns / NS_PER_SECOND, self.ns % NS_PER_SECOND]
    }

    /// Sleeps until then; signals do not end the sleep.
    pub fn sleep(self) {
        let time = self.linux();
        let arguments = [self.clock as u64, TIMER_ABSTIME, (&raw const time) as u64, 0, 0, 0];
        // SAFETY: reads the two numbers.
        while unsafe { call(nr::CLOCK_NANOSLEEP, &arguments) } == -EINTR as isize {}
    }
}

/// A time in nanoseconds; None for a negative one. Times beyond some 580 years count as 580 years.
pub fn nanoseconds(time: &timespec) -> Option<u64> {
    let ns = i128::from(time.tv_sec) * i128::from(NS_PER_SECOND) + i128::from(time.tv_nsec);
    (ns >= 0).then(|| u64::try_from(ns).unwrap_or(u64::MAX))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_clock_gettime(clockid: clockid_t, tp: *mut timespec) -> i32 {
    let Some(clock) = Clock::of(clockid) else { return refused(EINVAL) as i32 };
    if tp.is_null() {
        return refused(EFAULT) as i32;
    }
    let [seconds, ns] = Moment::now(clock).linux();
    // SAFETY: the caller's.
    unsafe { tp.write(timespec { tv_sec: seconds as i64, tv_nsec: ns as i32 }) };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_usleep(usecs: u64) {
    Moment::after(Clock::Monotonic, usecs.saturating_mul(1000)).sleep();
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_nanosleep(req: *const timespec) -> i32 {
    // SAFETY: null or the caller's.
    let Some(time) = (unsafe { req.as_ref() }) else { return refused(EFAULT) as i32 };
    if time.tv_sec < 0 || !(0..NS_PER_SECOND as i32).contains(&time.tv_nsec) {
        return told32(-EINVAL as isize);
    }
    if let Some(ns) = nanoseconds(time) {
        Moment::after(Clock::Monotonic, ns).sleep();
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_nanoseconds() {
        let time = |tv_sec, tv_nsec| nanoseconds(&timespec { tv_sec, tv_nsec });
        assert_eq!(time(1, 5), Some(1_000_000_005));
        assert_eq!(time(-1, 0), None);
        assert_eq!(time(1, -1), Some(999_999_999));
        assert_eq!(time(i64::MAX, 0), Some(u64::MAX));
        assert_eq!(time(i64::MIN, i32::MIN), None);
    }

    #[test]
    fn clocks_have_the_crates_numbers() {
        let mut time = timespec::default();
        let mut read = |id| {
            // SAFETY: a time to write to.
            unsafe { sys_clock_gettime(id, &mut time) }
        };
        assert_eq!((read(1), read(4), read(0), read(2)), (0, 0, -EINVAL, -EINVAL));
        let (before, ns) = (Moment::now(Clock::Monotonic).ns, 2_000_000);
        Moment::after(Clock::Monotonic, ns).sleep();
        assert!(Moment::now(Clock::Monotonic).ns >= before + ns);
    }
}
