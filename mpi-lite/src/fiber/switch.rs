//! How does the processor go from one stack to another and come back?
//!
//! A stack that is not running is known by its stack pointer, under which lie the registers that a function keeps for its
//! caller (System V ABI for x86-64, section 3.2.1) and the address where it goes on. All others the compiler takes for lost
//! across any call. The control words of floating point belong to the thread, not to a stack: nobody here changes them.

use std::arch::naked_asm;

/// Registers kept, and the address to go on at.
const SAVED: usize = 7;

/// Leaves this stack, whose pointer is stored at `from`, and goes on on the one with pointer `to`. Returns when somebody
/// switches back.
///
/// # Safety
/// 1. `from` is writable.
/// 2. `to` was stored by another switch that has not been switched back to, or made by [`begin`]; its stack is alive.
#[unsafe(naked)]
pub unsafe extern "C" fn switch(from: *mut *mut u8, to: *mut u8) {
    naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rdi], rsp",
        "mov rsp, rsi",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
    )
}

/// Where a new stack goes on: calls the function in `r13` with `r12`. Nothing is above it: no return address, no frame.
#[unsafe(naked)]
unsafe extern "C" fn first() {
    naked_asm!("xor ebp, ebp", "mov rdi, r12", "call r13", "ud2")
}

/// Prepares an empty stack, so that the first switch to it calls `function(argument)`, which must never return.
///
/// # Safety
/// `top` is the end of writable memory, a multiple of 16.
pub unsafe fn begin(top: *mut u8, function: extern "C" fn(*mut u8) -> !, argument: *mut u8) -> *mut u8 {
    // In the order in which `switch` takes them: r15, r14, r13, r12, rbx, rbp, where to go on. When all are taken, the
    // pointer is a multiple of 16, as it has to be before the call in `first`.
    let registers: [usize; SAVED] =
        [0, 0, function as usize, argument.expose_provenance(), 0, 0, first as *const () as usize];
    let pointer = top.wrapping_sub(16 + size_of_val(&registers));
    // SAFETY: the caller's promise; it is below `top`.
    unsafe { pointer.cast::<[usize; SAVED]>().write_unaligned(registers) };
    pointer
}
