//! What the libraries in the same image may call directly, without a trap: the table `unirank_vm()` returns.

use core::ptr::{null, null_mut};
use core::sync::atomic::{AtomicU32, Ordering};

use unirank_hca::vm::{UnirankVm, VM_VERSION};

use crate::cell::Once;
use crate::thread::sched;
use crate::{arch, bootconfig, cpu, hca_dev, irq, klock, shared, signal, time};

/// Offset of the heartbeat counter in the adapter's control page.
const HEARTBEAT: usize = unirank_hca::region::control::HEARTBEAT;

static TABLE: Once<UnirankVm> = Once::new();
static SEEN: AtomicU32 = AtomicU32::new(0);

/// The table of this VM; null when the image runs as a process.
#[unsafe(no_mangle)]
pub extern "C" fn unirank_vm() -> *const UnirankVm {
    TABLE.get().map_or(core::ptr::null(), |table| table)
}

/// Fills the table, and lets the timer count the heartbeat where the host sees it.
pub fn init() {
    let hca = hca_dev::get();
    if let Some(hca) = hca.filter(|hca| hca.region_len >= HEARTBEAT as u64 + 8) {
        // SAFETY: inside the adapter's region, which stays mapped.
        unsafe { crate::lapic::set_heartbeat(hca.region.as_ptr().add(HEARTBEAT).cast()) };
    }
    let region = shared::get().and_then(|shared| shared.region);
    let windows = shared::get().map_or(&[][..], |shared| &shared.windows);
    TABLE.set(UnirankVm {
        version: VM_VERSION,
        size_of_struct: size_of::<UnirankVm>() as u32,
        hca_region: hca.map_or(null_mut(), |hca| hca.region.as_ptr()),
        hca_region_len: hca.map_or(0, |hca| hca.region_len),
        ram_len: crate::mm::ram().high_end,
        tsc_hz: time::tsc_hz(),
        hca_wake: hca.map_or(no_wake, |hca| hca.wake),
        wait_event,
        notify,
        cpus: cpu::count() as u32,
        rank: bootconfig::get().rank,
        job_region: region.map_or(null_mut(), |(base, _)| base.as_ptr()),
        job_region_len: region.map_or(0, |(_, len)| len),
        windows: if windows.is_empty() { null() } else { windows.as_ptr() },
        window_count: windows.len() as u32,
        bells: hca.map_or(0, |_| bootconfig::get().bells),
        ring_rank: hca.map_or(no_bell, |hca| hca.ring_rank),
        blocked_threads,
    });
}

extern "C" fn no_wake() {}

extern "C" fn no_bell(_rank: u32) {}

/// Halts until an interrupt of the adapter or the timeout; returns at once if one came since the last return.
extern "C" fn wait_event(timeout_ns: u64) {
    let deadline = time::now_ns().saturating_add(timeout_ns);
    let count = || hca_dev::get().map_or(0, |hca| irq::pending(hca.vector));
    let seen = SEEN.load(Ordering::Relaxed);
    // A signal ends the wait as an event does: the caller looks again and comes back.
    let signalled = klock::with(|| {
        let _ = irq::wait_interruptible(|| count() != seen, Some(deadline));
        signal::own(|thread| signal::interrupts(thread))
    });
    SEEN.store(count(), Ordering::Relaxed);
    if signalled {
        // It is delivered on the way back from a system call, of which this does the least.
        arch::system_call(crate::sys::nr::GETPID);
    }
}

/// Sends one control line.
extern "C" fn notify(text: *const u8, len: u64) {
    klock::with(|| match crate::user::slice(text as u64, len.min(4096) as usize) {
        Ok(text) => crate::log::send_line(text.to_vec()),
        Err(_) => note!("a notice of the program lies outside of its memory"),
    });
}

/// Counts the threads that only others can wake.
extern "C" fn blocked_threads() -> u32 {
    klock::with(sched::blocked)
}
