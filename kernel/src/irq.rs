//! Interrupts, as ring 3 sees them: counters that only grow.
//!
//! The entry code at ring 0 counts each interrupt and acknowledges it. Whoever waits compares a counter with the value
//! it saw last; the gate's `wait` does that comparison with interrupts off, so no wake-up is lost.

use crate::arch;
use crate::cell::KernelCell;
use crate::errno::{Errno, Result};
use crate::{signal, timers};

/// The interrupt vector of one device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vector(u8);

/// The timer's vector, known to `arch/gate.s`.
pub const TIMER: u8 = 0x20;
/// The local APIC's vector for interrupts that went away, known to `arch/gate.s`.
pub const SPURIOUS: u8 = 0x5f;
const FIRST: u8 = 0x30;
const LAST: u8 = 0x4f;

/// TSC ticks spent in the gate's `wait`.
static HALTED: KernelCell<u64> = KernelCell::new(0);
static NEXT: KernelCell<u8> = KernelCell::new(FIRST);

impl Vector {
    /// The number of the vector.
    pub fn number(self) -> u8 {
        self.0
    }
}

/// A vector nobody uses. Devices beyond the 32nd share the last one, which only costs them needless wake-ups.
pub fn allocate() -> Vector {
    let mut next = NEXT.borrow();
    let vector = Vector(*next);
    *next = (*next + 1).min(LAST);
    vector
}

/// How often the interrupt has come; wraps.
pub fn pending(vector: Vector) -> u32 {
    // SAFETY: a vector is below 96. The count is written by the interrupt entry, hence the volatile read.
    unsafe { (&raw const arch::k_irq_pending[usize::from(vector.0)]).read_volatile() }
}

/// How often any interrupt but the timer's has come; wraps.
pub fn events() -> u32 {
    // SAFETY: an aligned counter, written by the interrupt entry, hence the volatile read.
    unsafe { (&raw const arch::k_irq_events).read_volatile() }
}

/// Halts until `condition` holds or the monotonic clock reaches `deadline_ns`. True when the condition holds.
///
/// The condition is evaluated after every interrupt; what makes it true has to come with one.
pub fn wait_until(mut condition: impl FnMut() -> bool, deadline_ns: Option<u64>) -> bool {
    let deadline_tsc = deadline_ns.map_or(u64::MAX, crate::time::tsc_at);
    loop {
        let seen = events();
        if condition() {
            return true;
        }
        if crate::time::tsc() >= deadline_tsc {
            return false;
        }
        let start = crate::time::tsc();
        crate::gate::wait(seen, deadline_tsc);
        *HALTED.borrow() += crate::time::tsc() - start;
    }
}

/// As [`wait_until`], but ends with EINTR when a signal has to be delivered, unless the condition holds.
pub fn wait_interruptible(mut condition: impl FnMut() -> bool, deadline_ns: Option<u64>) -> Result<bool> {
    let deadline = deadline_ns.unwrap_or(u64::MAX);
    loop {
        signal::catch_up();
        let next = timers::next_deadline_ns().map_or(deadline, |next| next.min(deadline));
        let (mut met, mut interrupted) = (false, false);
        let look = || {
            signal::catch_up();
            met = condition();
            interrupted = !met && signal::own(|thread| signal::interrupts(thread));
            met || interrupted || timers::next_deadline_ns().is_some_and(|sooner| sooner < next)
        };
        wait_until(look, (next != u64::MAX).then_some(next));
        if met {
            return Ok(true);
        }
        if interrupted {
            return Err(Errno::EINTR);
        }
        if crate::time::now_ns() >= deadline {
            return Ok(false);
        }
    }
}

/// Tells all waits that something has changed without an interrupt: they evaluate their conditions again.
pub fn notify() {
    // SAFETY: an aligned counter; a lost increment against the interrupt entry does not matter, it changes all the same.
    unsafe { (&raw mut arch::k_irq_events).write_volatile(events().wrapping_add(1)) }
}

/// How long the rank has waited, for the clocks of processor time.
pub fn halted_ns() -> u64 {
    (u128::from(*HALTED.borrow()) * u128::from(crate::time::SECOND) / u128::from(crate::time::tsc_hz()))
        as u64
}

/// Address and data a device writes to raise the vector (Intel SDM volume 3, 11.11).
pub fn msi_message(vector: Vector) -> (u64, u32) {
    (crate::lapic::BASE, u32::from(vector.0))
}

/// Routes a global system interrupt to the vector: edge triggered, active high, to this processor.
pub fn ioapic_route(gsi: u32, vector: Vector) {
    // The second IOAPIC of microvm serves 24 and up.
    let (base, pin) = if gsi < 24 { (0xfec0_0000u64, gsi) } else { (0xfec1_0000, gsi - 24) };
    let io = crate::mm::map_device(base, 0x1000).as_ptr().cast::<u32>();
    let write = |register: u32, value: u32| {
        // SAFETY: the IOAPIC's index register at 0 and data register at 0x10, mapped above.
        unsafe {
            io.write_volatile(register);
            io.add(4).write_volatile(value);
        }
    };
    write(0x11 + 2 * pin, 0);
    write(0x10 + 2 * pin, u32::from(vector.0));
}
