//! Several processors: starting them, waking them, keeping their address translations the same.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::cpu::{self, Cpu};
use crate::{arch, lapic, mm, thread, time};

/// Tells a processor that it has something to do; known to `arch/gate.s`.
pub const KICK: u8 = 0x21;
/// Lets a processor forget cached translations; known to `arch/gate.s`.
const FLUSH: u8 = 0x22;

/// Interrupt command register, delivery modes (Intel SDM volume 3, 11.6.1).
const ASSERT: u32 = 1 << 14;
const INIT: u32 = 0b101 << 8;
const STARTUP: u32 = 0b110 << 8;

/// Page below 1 MiB where processors begin. The pool's own pages start behind it.
pub const TRAMPOLINE: u64 = 0x1_0000;
/// A processor that takes longer to start does not start.
const PATIENCE_NS: u64 = 5_000_000_000;

/// How long a rank that dies waits for its other processors.
const GATHER_NS: u64 = 1_000_000_000;

/// Processors that have come up.
static UP: AtomicU32 = AtomicU32::new(1);

/// Starts processors until there are `count`. What fails is told; the rank runs with fewer.
pub fn start(count: usize) {
    if count < 2 {
        return;
    }
    let count = count.min(cpu::MAX);
    let Some(top) = mm::kernel_stack().ok() else {
        note!("no memory for more than one processor");
        return;
    };
    thread::make_idler(cpu::first(), top);
    copy_trampoline();
    for id in 1..count as u32 {
        if !start_one(id) {
            note!("processor {id} of {count} has not started: the rank runs with {}", cpu::count());
            return;
        }
    }
}

fn copy_trampoline() {
    let (start, end) = (&raw const arch::k_trampoline, &raw const arch::k_trampoline_end);
    // SAFETY: the page is nobody else's; the code between the labels is shorter than a page.
    unsafe { core::ptr::copy_nonoverlapping(start, TRAMPOLINE as *mut u8, end.addr() - start.addr()) };
}

fn start_one(id: u32) -> bool {
    let Ok(top) = mm::kernel_stack() else { return false };
    let Some(block) = Cpu::allocate() else { return false };
    // QEMU numbers local APICs from 0 on, in the order of the processors of one socket.
    block.prepare(id, id);
    thread::make_idler(block, top);
    // SAFETY: variables of the start code of the one processor that starts now.
    unsafe {
        arch::k_ap_block = core::ptr::from_ref(block) as u64;
        arch::k_ap_stack = top - 256;
        arch::k_ap_tables = mm::page_tables();
    }
    lapic::send(id, INIT | ASSERT);
    lapic::send(id, STARTUP | ASSERT | (TRAMPOLINE >> 12) as u32);
    let give_up = time::now_ns() + PATIENCE_NS;
    while UP.load(Ordering::Acquire) <= id {
        if time::now_ns() > give_up {
            return false;
        }
        core::hint::spin_loop();
    }
    cpu::add(block);
    true
}

/// Called by `arch/boot.s` on a processor that has started, at ring 3, on its idler's stack.
#[unsafe(no_mangle)]
extern "C" fn k_ap_main(cpu: &'static Cpu) -> ! {
    lapic::enable_here();
    thread::adopt_idler(cpu);
    UP.fetch_add(1, Ordering::Release);
    crate::klock::acquire();
    thread::sched::idler()
}

/// Tells a processor that it has something to do.
pub fn kick(cpu: &Cpu) {
    lapic::send(cpu.apic_id(), ASSERT | u32::from(KICK));
}

/// Makes all other processors forget cached translations. Those that halt do it before they run the program again.
pub fn flush_others() {
    if cpu::count() == 1 {
        return;
    }
    let here = cpu::this().id();
    let before = flushed();
    let mut told = 0;
    for cpu in cpu::all().filter(|cpu| cpu.id() != here) {
        if cpu.is_idle() {
            cpu.flush_later();
        } else {
            lapic::send(cpu.apic_id(), ASSERT | u32::from(FLUSH));
            told += 1;
        }
    }
    while flushed().wrapping_sub(before) < told {
        core::hint::spin_loop();
    }
}

/// Lets all other processors that run the program enter the kernel, so that the state of their threads can be read. One
/// that does not come in [`GATHER_NS`] is done without.
pub fn gather() {
    let here = cpu::this().id();
    let mut running = 0u64;
    for cpu in cpu::all().filter(|cpu| cpu.id() != here && !cpu.is_idle()) {
        running |= 1 << cpu.id();
        kick(cpu);
    }
    let give_up = time::now_ns() + GATHER_NS;
    while crate::klock::waiting() & running != running && time::now_ns() < give_up {
        core::hint::spin_loop();
    }
}

fn flushed() -> u32 {
    // SAFETY: an aligned counter, written by the interrupt entries, hence the volatile read.
    unsafe { (&raw const arch::k_flushed).read_volatile() }
}
