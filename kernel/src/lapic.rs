//! The local APIC: acknowledges interrupts and has the one timer.
//!
//! The timer serves two masters: the heartbeat, four times a second, and the deadline of a wait. The interrupt entry
//! re-arms it for the heartbeat; a wait arms it for whichever comes first.

use crate::arch;

/// Physical address of its registers.
pub const BASE: u64 = 0xfee0_0000;
const HEARTBEATS_PER_SECOND: u64 = 4;
/// Timer in TSC-deadline mode (CPUID.01H:ECX bit 24).
const TSC_DEADLINE: u32 = 1 << 24;

mod register {
    pub const TASK_PRIORITY: u64 = 0x80;
    pub const SPURIOUS: u64 = 0xf0;
    pub const COMMAND: u64 = 0x300;
    pub const COMMAND_HIGH: u64 = 0x310;
    pub const LVT_TIMER: u64 = 0x320;
    pub const LVT_LINT0: u64 = 0x350;
    pub const INITIAL_COUNT: u64 = 0x380;
    pub const CURRENT_COUNT: u64 = 0x390;
    pub const DIVIDE: u64 = 0x3e0;
}

fn write(register: u64, value: u32) {
    // SAFETY: the local APIC's registers are mapped from boot on.
    unsafe { ((BASE + register) as *mut u32).write_volatile(value) }
}

fn read(register: u64) -> u32 {
    // SAFETY: as in `write`.
    unsafe { ((BASE + register) as *const u32).read_volatile() }
}

/// Maps the APIC's registers and enables the boot processor's.
pub fn enable() {
    crate::mm::map_device(BASE, 0x1000);
    set_up();
}

/// Enables the APIC of a processor that has just started; its timer fires when it is armed.
pub fn enable_here() {
    set_up();
    // SAFETY: a flag set before any other processor started.
    if unsafe { arch::k_tsc_deadline } != 0 {
        write(register::LVT_TIMER, u32::from(crate::irq::TIMER) | 0b10 << 17);
        // The mode switch has to be seen before a deadline is written (Intel SDM volume 3, 11.5.4.1).
        core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
    } else {
        write(register::LVT_TIMER, u32::from(crate::irq::TIMER));
    }
}

/// Sends an interrupt command to a processor.
pub fn send(apic_id: u32, command: u32) {
    write(register::COMMAND_HIGH, apic_id << 24);
    write(register::COMMAND, command);
}

/// Every local interrupt but the timer stays masked.
fn set_up() {
    write(register::SPURIOUS, 0x100 | u32::from(crate::irq::SPURIOUS));
    write(register::TASK_PRIORITY, 0);
    write(register::LVT_LINT0, 1 << 16);
    write(register::DIVIDE, 0b1011);
    write(register::LVT_TIMER, 1 << 16);
}

/// Timer ticks and TSC ticks that went by in the same stretch of about `tsc_span` TSC ticks.
pub fn measure(tsc_span: u64) -> (u64, u64) {
    write(register::INITIAL_COUNT, u32::MAX);
    let (tsc0, count0) = (crate::time::tsc(), read(register::CURRENT_COUNT));
    while crate::time::tsc().wrapping_sub(tsc0) < tsc_span {
        core::hint::spin_loop();
    }
    let (tsc1, count1) = (crate::time::tsc(), read(register::CURRENT_COUNT));
    write(register::INITIAL_COUNT, 0);
    (u64::from(count0.saturating_sub(count1)), tsc1 - tsc0)
}

/// Starts the heartbeat; from here on waits have deadlines.
pub fn start_timer(tsc_hz: u64) {
    let quarter = tsc_hz / HEARTBEATS_PER_SECOND;
    // SAFETY: a flag the boot code wrote.
    let deadline_mode = unsafe { arch::k_cpuid1_ecx } & TSC_DEADLINE != 0;
    let ticks = if deadline_mode {
        1
    } else {
        let (ticks, tsc) = measure(tsc_hz / 1000);
        (u128::from(ticks) * u128::from(quarter) / u128::from(tsc.max(1))).clamp(1, u128::from(u32::MAX))
            as u32
    };
    // SAFETY: variables of the timer interrupt, which is still masked.
    unsafe {
        arch::k_heartbeat_tsc = quarter;
        arch::k_heartbeat_ticks = ticks;
        arch::k_tsc_deadline = u8::from(deadline_mode);
        arch::k_next_heartbeat = crate::time::tsc() + quarter;
    }
    if deadline_mode {
        write(register::LVT_TIMER, u32::from(crate::irq::TIMER) | 0b10 << 17);
        // The mode switch has to be seen before the deadline is written (Intel SDM volume 3, 11.5.4.1).
        core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
        // SAFETY: IA32_TSC_DEADLINE arms the timer, nothing else.
        unsafe { crate::gate::wrmsr(0x6e0, next_heartbeat()) };
    } else {
        write(register::LVT_TIMER, u32::from(crate::irq::TIMER));
        write(register::INITIAL_COUNT, ticks);
    }
}

/// TSC value at which the heartbeat is due.
pub fn next_heartbeat() -> u64 {
    // SAFETY: an aligned variable of the timer interrupt, hence the volatile read.
    unsafe { (&raw const arch::k_next_heartbeat).read_volatile() }
}

/// Timer ticks until the TSC reaches `deadline`, for the one-shot mode: at least 1, at most a heartbeat.
pub fn ticks_until(deadline: u64) -> u32 {
    // SAFETY: set once in `start_timer`.
    let (quarter, ticks) = unsafe { (arch::k_heartbeat_tsc, arch::k_heartbeat_ticks) };
    let span = deadline.saturating_sub(crate::time::tsc()).min(quarter);
    (u128::from(span) * u128::from(ticks) / u128::from(quarter.max(1))).max(1) as u32
}

/// Lets the timer count the heartbeat at this address.
///
/// # Safety
/// The address stays valid for 8-byte writes until the VM ends.
pub unsafe fn set_heartbeat(counter: *mut u64) {
    // SAFETY: the timer interrupt reads the pointer in one load.
    unsafe { (&raw mut arch::k_heartbeat).write_volatile(counter as u64) }
}
