//! The clock: the time stamp counter in a VM, where the system's clock would be a system call; the system's clock in a process.

use std::arch::x86_64::_rdtsc;
use std::sync::atomic::{AtomicU64, Ordering};
use unirank_hca::vm;

/// Nanoseconds per tick times 2^32; 0: not looked yet, `SYSTEM`: use the system's clock.
static SCALE: AtomicU64 = AtomicU64::new(0);
const SYSTEM: u64 = u64::MAX;

#[cold]
fn find_scale() -> u64 {
    let scale = match vm::current().map(|vm| vm.tsc_hz) {
        Some(hz) if hz > 0 => ((1_000_000_000u128 << 32) / u128::from(hz)) as u64,
        _ => SYSTEM,
    };
    SCALE.store(scale, Ordering::Relaxed);
    scale
}

/// Monotonic time in nanoseconds since some moment.
#[inline]
pub fn now_ns() -> u64 {
    let scale = match SCALE.load(Ordering::Relaxed) {
        0 => find_scale(),
        scale => scale,
    };
    if scale != SYSTEM {
        // SAFETY: every x86-64 processor has the instruction, and the library OS lets programs use it.
        let ticks = unsafe { _rdtsc() };
        return ((u128::from(ticks) * u128::from(scale)) >> 32) as u64;
    }
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes a local.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    #[test]
    fn time_passes() {
        let start = super::now_ns();
        std::thread::sleep(std::time::Duration::from_millis(2));
        let passed = super::now_ns() - start;
        assert!((2_000_000..10_000_000_000).contains(&passed), "{passed}");
    }
}
