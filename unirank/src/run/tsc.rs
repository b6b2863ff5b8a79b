//! The host's time stamp counter frequency, which a guest cannot learn by itself.
//!
//! Guests see the host's rate under both accelerators: KVM passes the counter through, and QEMU's TCG answers
//! `rdtsc` with the host's ticks since the machine's start (measured with QEMU 7.2: 2596 MHz in both on a 2596 MHz
//! host).

use std::path::Path;
use std::time::{Duration, Instant};

/// How long a measurement takes: 50 ms against a clock read within 100 ns or so errs by a few millionths.
const MEASUREMENT: Duration = Duration::from_millis(50);
/// Frequencies outside are taken for a broken measurement.
const PLAUSIBLE: std::ops::Range<u64> = 100_000_000..20_000_000_000;

/// The TSC frequency in Hz: as `known` from KVM, else as measured since boot and kept in `cache_dir`, else measured
/// now.
pub fn frequency(known: Option<u64>, cache_dir: &Path) -> u64 {
    if let Some(hz) = known {
        return hz;
    }
    // The kernel's boot id names the boot; a machine that was started anew, or moved, is measured anew.
    let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let file = (!boot_id.is_empty()).then(|| cache_dir.join(format!("tsc-{}", boot_id.trim())));
    let cached = file.as_ref().and_then(|f| std::fs::read_to_string(f).ok()?.trim().parse().ok());
    if let Some(hz) = cached.filter(|hz| PLAUSIBLE.contains(hz)) {
        return hz;
    }
    let hz = measure();
    if let Some(file) = file {
        // Only a cache: the next run measures again if this fails.
        let _ = std::fs::write(file, hz.to_string());
    }
    hz
}

fn measure() -> u64 {
    let (start_time, start_ticks) = sample();
    std::thread::sleep(MEASUREMENT);
    let (end_time, end_ticks) = sample();
    let nanoseconds = end_time.duration_since(start_time).as_nanos().max(1);
    (u128::from(end_ticks.wrapping_sub(start_ticks)) * 1_000_000_000 / nanoseconds) as u64
}

/// Time and ticks at the same moment: the best of a few tries, an interrupt may fall between the two reads.
fn sample() -> (Instant, u64) {
    (0..8)
        .map(|_| {
            let before = ticks();
            let time = Instant::now();
            let after = ticks();
            (after.wrapping_sub(before), time, before.wrapping_add(after.wrapping_sub(before) / 2))
        })
        .min_by_key(|&(width, ..)| width)
        .map(|(_, time, ticks)| (time, ticks))
        .expect("eight tries are made")
}

#[allow(unsafe_code, reason = "RDTSC is an intrinsic")]
fn ticks() -> u64 {
    // SAFETY: RDTSC reads a counter and has no other effect; every x86-64 Linux lets user code execute it (a process
    // that forbade itself with PR_SET_TSC would be stopped by a signal, not corrupted).
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_is_plausible_and_kept() {
        let dir = std::env::temp_dir().join(format!("unirank-tsc-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let first = frequency(None, &dir);
        assert!(PLAUSIBLE.contains(&first), "{first}");
        assert_eq!(frequency(None, &dir), first, "the second call reads the first one's file");
        assert_eq!(frequency(Some(7), &dir), 7);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
