//! Interrupts, as ring 3 sees them: counters that only grow.
//!
//! The entry code at ring 0 counts each interrupt and acknowledges it. If it met the program, the kernel is entered at
//! ring 3 ([`k_deferred`]) before the program goes on; if it met the kernel, that looks on its way back. Whoever waits
//! compares a counter with the value it saw last; the gate's `wait` does that comparison with interrupts off, so no
//! wake-up is lost.

use crate::cell::KernelCell;
use crate::errno::{Errno, Result};
use crate::regs::Regs;
use crate::signal::{self, VectorArea};
use crate::thread::{self, sched};
use crate::{arch, cpu, klock, profile, time};

/// The interrupt vector of one device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vector(u8);

/// The timer's vector, known to `arch/gate.s`.
pub const TIMER: u8 = 0x20;
/// The local APIC's vector for interrupts that went away, known to `arch/gate.s`.
pub const SPURIOUS: u8 = 0x5f;
const FIRST: u8 = 0x30;
const LAST: u8 = 0x4f;

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

/// Waits until `condition` holds or the monotonic clock reaches `deadline_ns`; other threads run meanwhile. True when the
/// condition holds. Nothing may be borrowed.
///
/// The condition is evaluated after every interrupt and [`notify`]; what makes it true has to come with one.
pub fn wait_until(condition: impl FnMut() -> bool, deadline_ns: Option<u64>) -> bool {
    // Without signals a wait does not fail.
    wait(condition, deadline_ns, false).unwrap_or(false)
}

/// As [`wait_until`], but ends with EINTR when a signal has to be delivered, unless the condition holds.
pub fn wait_interruptible(condition: impl FnMut() -> bool, deadline_ns: Option<u64>) -> Result<bool> {
    wait(condition, deadline_ns, true)
}

fn wait(mut condition: impl FnMut() -> bool, deadline_ns: Option<u64>, signals: bool) -> Result<bool> {
    if thread::current().is_none() {
        return Ok(wait_here(condition, deadline_ns));
    }
    let deadline = deadline_ns.map_or(u64::MAX, time::tsc_at);
    loop {
        let seen = events();
        if signals {
            signal::catch_up();
        }
        if condition() {
            return Ok(true);
        }
        if signals && signal::own(|thread| signal::interrupts(thread)) {
            return Err(Errno::EINTR);
        }
        if time::tsc() >= deadline {
            return Ok(false);
        }
        let until = sched::Until { deadline, events: Some(seen), signals };
        sched::park(until, "a file, a device or a signal");
    }
}

/// As [`wait_until`], but nothing else happens meanwhile: for drivers in the middle of their work.
pub fn wait_here(mut condition: impl FnMut() -> bool, deadline_ns: Option<u64>) -> bool {
    let deadline = deadline_ns.map_or(u64::MAX, time::tsc_at);
    let cpu = cpu::this();
    // Devices interrupt the first processor, which passes it on.
    let waiter = if cpu.id() == 0 { u32::MAX } else { cpu.apic_id() << 24 };
    // SAFETY: a variable of the interrupt entry, changed under the kernel lock.
    let set_waiter = |waiter| unsafe { (&raw mut arch::k_device_waiter).write_volatile(waiter) };
    set_waiter(waiter);
    let done = loop {
        let seen = cpu.wakes();
        if condition() {
            break true;
        }
        let start = time::tsc();
        if start >= deadline {
            break false;
        }
        let heartbeat = if cpu.id() == 0 { crate::lapic::next_heartbeat() } else { u64::MAX };
        crate::gate::wait(seen, deadline.min(heartbeat));
        let halted = time::tsc() - start;
        profile::halted(cpu.id(), halted);
        if let Some(me) = thread::current() {
            me.running_since.set(me.running_since.get() + halted);
        }
    };
    set_waiter(u32::MAX);
    done
}

/// Tells all waits that something has changed without an interrupt: they evaluate their conditions again.
pub fn notify() {
    sched::wake_event_waits();
}

/// An interrupt met the program: what it left to do is done before the program goes on. Called by `arch/gate.s` at ring 3
/// on the thread's kernel stack; `regs` and `vectors` are what the program continues with.
#[unsafe(no_mangle)]
extern "C" fn k_deferred(regs: &mut Regs, vectors: &mut VectorArea) {
    klock::acquire();
    let cpu = cpu::this();
    cpu.take_reschedule();
    profile::tick(cpu.id(), profile::Met::Program, regs);
    signal::catch_up();
    crate::net::poll();
    sched::tick();
    signal::deliver_deferred(regs, vectors.bytes());
    klock::release();
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
