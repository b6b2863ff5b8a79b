//! The functions of ring 0, called through `int3` (see `arch/gate.s`).
//!
//! A call costs about 50 ns where ring 0 is hardware and tens of microseconds where it is emulated: none of them is on
//! the data path.

/// Numbers of `gate_table` in `arch/gate.s`.
#[derive(Clone, Copy)]
#[repr(u64)]
enum Function {
    Wait = 0,
    Shutdown = 1,
    In = 2,
    Out = 3,
    Rdmsr = 4,
    Wrmsr = 5,
    SetCr3 = 6,
    Invlpg = 7,
    Arm = 8,
}

fn call(function: Function, a: u64, b: u64, c: u64) -> u64 {
    // SAFETY: the gate function touches only what its number says; callers below pass valid arguments.
    unsafe { crate::arch::k_gate_call(a, b, c, function as u64) }
}

/// The earliest deadline: in the past, so that the timer fires at once. A zero would disarm it (Intel SDM volume 3, 11.5.4.1).
const EARLIEST: u64 = 1;

/// Halts this processor until an interrupt, or its timer at `deadline_tsc`; returns at once if its
/// [`crate::cpu::Cpu::wakes`] are no longer `seen`. Callers loop: any interrupt ends the wait.
pub fn wait(seen: u32, deadline_tsc: u64) {
    let deadline_tsc = deadline_tsc.max(EARLIEST);
    let ticks = crate::lapic::ticks_until(deadline_tsc);
    call(Function::Wait, u64::from(seen), deadline_tsc, u64::from(ticks));
}

/// Arms this processor's timer for a moment.
pub fn arm(deadline_tsc: u64) {
    let deadline_tsc = deadline_tsc.max(EARLIEST);
    call(Function::Arm, deadline_tsc, u64::from(crate::lapic::ticks_until(deadline_tsc)), 0);
}

/// Ends the VM: QEMU exits with `status << 1 | 1`. For the end of the program use [`crate::process::exit`].
pub fn shutdown(status: u8) -> ! {
    loop {
        call(Function::Shutdown, u64::from(status), 0, 0);
    }
}

/// Reads an I/O port, 8 bits.
pub fn inb(port: u16) -> u8 {
    call(Function::In, u64::from(port), 1, 0) as u8
}

/// Reads an I/O port, 16 bits.
pub fn inw(port: u16) -> u16 {
    call(Function::In, u64::from(port), 2, 0) as u16
}

/// Reads an I/O port, 32 bits.
pub fn inl(port: u16) -> u32 {
    call(Function::In, u64::from(port), 4, 0) as u32
}

/// Writes an I/O port, 8 bits.
pub fn outb(port: u16, value: u8) {
    call(Function::Out, u64::from(port), 1, u64::from(value));
}

/// Writes an I/O port, 16 bits.
pub fn outw(port: u16, value: u16) {
    call(Function::Out, u64::from(port), 2, u64::from(value));
}

/// Writes an I/O port, 32 bits.
pub fn outl(port: u16, value: u32) {
    call(Function::Out, u64::from(port), 4, u64::from(value));
}

/// Reads a model-specific register; one that does not exist is a fault of the kernel.
pub fn rdmsr(number: u32) -> u64 {
    call(Function::Rdmsr, u64::from(number), 0, 0)
}

/// Writes a model-specific register; one that does not exist is a fault of the kernel.
///
/// # Safety
/// The register can redefine memory and control flow: the caller knows what the value does.
pub unsafe fn wrmsr(number: u32, value: u64) {
    call(Function::Wrmsr, u64::from(number), value, 0);
}

/// Switches page tables and forgets all cached translations.
///
/// # Safety
/// The tables map everything in use, the gate and its stacks included.
pub unsafe fn set_cr3(tables: u64) {
    call(Function::SetCr3, tables, 0, 0);
}

/// Forgets the cached translation of one page.
pub fn invlpg(address: u64) {
    call(Function::Invlpg, address, 0, 0);
}
