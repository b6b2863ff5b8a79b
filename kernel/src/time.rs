//! Time: the time stamp counter, with the frequency the launcher measured.

use crate::cell::KernelCell;

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;

/// How TSC ticks become nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    hz: u64,
    /// Nanoseconds per tick, 32.32 fixed point.
    factor: u64,
    /// TSC at boot: the origin of the monotonic clock.
    origin: u64,
    /// CLOCK_REALTIME at the origin, nanoseconds.
    realtime_ns: u64,
}

impl Scale {
    /// A clock of `hz` ticks that was 0 at `origin`.
    pub const fn new(hz: u64, origin: u64, realtime_ns: u64) -> Self {
        Self { hz, factor: ((SECOND as u128) << 32).div_ceil(hz as u128) as u64, origin, realtime_ns }
    }

    /// Nanoseconds since the origin.
    pub fn ns(&self, tsc: u64) -> u64 {
        ((u128::from(tsc.saturating_sub(self.origin)) * u128::from(self.factor)) >> 32) as u64
    }

    /// Lets the program's own reads of the clocks use this scale.
    pub fn publish(&self) {
        crate::vdso::set_clock(self.factor, self.origin, self.realtime_ns);
    }

    /// The first tick at or after this time.
    pub fn tsc(&self, ns: u64) -> u64 {
        let ticks = (u128::from(ns) * u128::from(self.hz)).div_ceil(u128::from(SECOND));
        u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(self.origin)
    }
}

static SCALE: KernelCell<Scale> = KernelCell::new(Scale::new(SECOND, 0, 0));

/// The time stamp counter.
pub fn tsc() -> u64 {
    // SAFETY: RDTSC is not disabled (CR4.TSD is clear).
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Starts the clocks. A `tsc_hz` of 0 is measured against the local APIC's timer, which counts nanoseconds in QEMU.
pub fn start(origin: u64, tsc_hz: u64, realtime_ns: u64) {
    let hz = if tsc_hz != 0 { tsc_hz } else { measured_hz() };
    let scale = Scale::new(hz, origin, realtime_ns);
    scale.publish();
    *SCALE.borrow() = scale;
}

fn measured_hz() -> u64 {
    let (ns, tsc) = crate::lapic::measure(10_000_000);
    (u128::from(tsc) * u128::from(SECOND) / u128::from(ns.max(1))).clamp(1_000_000, 1 << 40) as u64
}

/// Frequency of the time stamp counter.
pub fn tsc_hz() -> u64 {
    SCALE.borrow().hz
}

/// Nanoseconds since boot.
pub fn now_ns() -> u64 {
    let scale = *SCALE.borrow();
    scale.ns(tsc())
}

/// Nanoseconds since 1970.
pub fn realtime_ns() -> u64 {
    let scale = *SCALE.borrow();
    scale.realtime_ns + scale.ns(tsc())
}

/// TSC ticks of a time.
pub fn ticks(ns: u64) -> u64 {
    (u128::from(ns) * u128::from(tsc_hz()) / u128::from(SECOND)) as u64
}

/// Nanoseconds that so many TSC ticks take.
pub fn duration_ns(ticks: u64) -> u64 {
    (u128::from(ticks) * u128::from(SECOND) / u128::from(tsc_hz())) as u64
}

/// TSC value at a time of the monotonic clock.
pub fn tsc_at(ns: u64) -> u64 {
    SCALE.borrow().tsc(ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_and_nanoseconds_agree() {
        let scale = Scale::new(2_445_000_000, 1_000_000, 7);
        assert_eq!(scale.ns(1_000_000), 0);
        assert_eq!(scale.ns(1_000_000 + 2_445_000_000), SECOND);
        let year = 365 * 24 * 3600 * SECOND;
        assert!(scale.ns(scale.tsc(year)).abs_diff(year) < year / 1_000_000_000);
        assert!(scale.ns(scale.tsc(123_456_789)) >= 123_456_789);
    }

    #[test]
    fn times_out_of_range_saturate() {
        let scale = Scale::new(1000, 5, 0);
        assert_eq!(scale.ns(0), 0);
        assert_eq!(Scale::new(u64::MAX, 5, 0).tsc(u64::MAX), u64::MAX);
    }
}
