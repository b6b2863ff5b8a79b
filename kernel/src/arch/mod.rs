//! The assembly of the kernel and its symbols.

use core::arch::global_asm;

global_asm!(include_str!("boot.s"), options(att_syntax, raw));
global_asm!(include_str!("gate.s"), options(att_syntax, raw));
global_asm!(include_str!("mem.s"), options(att_syntax, raw));

// ELF note by which the launcher recognises an image: type 1, image format version, guest/host protocol version,
// version of the kernel.
global_asm!(
    ".section .note.unirank, \"a\", @note",
    ".balign 4",
    ".long 8, 2f - 1f, 1",
    ".asciz \"unirank\"",
    "1: .long {format}, {protocol}",
    concat!(".asciz \"", env!("CARGO_PKG_VERSION"), "\""),
    "2: .balign 4",
    ".text",
    format = const crate::boot::IMAGE_FORMAT,
    protocol = const crate::boot::PROTOCOL,
);

// ELF note that only takes room: aligned to 8 it gets a program header of its own, which becomes that of the file tree
// an image may be given (type 2; images/src/elf/attach.rs).
global_asm!(
    ".section .note.unirank.room, \"a\", @note",
    ".balign 8",
    ".long 8, 0, 2",
    ".asciz \"unirank\"",
    ".balign 8",
    ".text",
);

/// Makes a system call without arguments, as the program does.
pub fn system_call(number: u64) {
    // SAFETY: the entry saves all registers; the caller runs on the program's stack, not on the kernel's.
    unsafe {
        core::arch::asm!("syscall", inlateout("rax") number => _, out("rcx") _, out("r11") _);
    }
}

#[expect(
    improper_ctypes,
    reason = "assembly uses only the first fields of threads and processors, whose layout is fixed"
)]
unsafe extern "C" {
    pub static k_boot_tsc: u64;
    pub static k_cpuid1_ecx: u32;
    pub static k_has_nx: u8;
    pub static k_has_fsgsbase: u8;
    pub static k_xcr0: u32;
    pub static k_boot_stack_bottom: u8;
    pub static mut k_fault_stack: u64;
    pub static k_irq_pending: [u32; 96];
    pub static mut k_irq_events: u32;
    pub static mut k_heartbeat: u64;
    pub static mut k_heartbeat_tsc: u64;
    pub static mut k_heartbeat_ticks: u32;
    pub static mut k_next_heartbeat: u64;
    pub static mut k_tsc_deadline: u8;
    pub static mut k_fault_depth: u32;
    pub static mut k_fault_regs: [u64; 23];
    pub static mut k_device_waiter: u32;
    pub static k_flushed: u32;

    pub static k_cpu0: crate::cpu::Cpu;
    pub static k_gdt: [u64; 10];
    pub static mut k_ap_block: u64;
    pub static mut k_ap_stack: u64;
    pub static mut k_ap_tables: u64;
    pub static k_trampoline: u8;
    pub static k_trampoline_end: u8;

    /// Bounds of the kernel's code, constants and data in the image, from `link/prelink.ld`.
    pub static k_text_start: u8;
    pub static k_text_end: u8;
    pub static k_rodata_start: u8;
    pub static k_rodata_end: u8;
    pub static k_data_start: u8;
    pub static k_data_end: u8;

    pub fn k_gate_call(a: u64, b: u64, c: u64, function: u64) -> u64;
    pub fn k_enter_program(entry: u64, stack: u64) -> !;
    pub fn k_load_xmm(area: *const [u8; 256]);
    pub fn k_save_vectors(area: *mut u8);
    pub fn k_restore_vectors(area: *const u8);
    pub fn k_switch(from: *const crate::thread::Thread, to: *const crate::thread::Thread);
    pub fn k_thread_start();

    /// First instruction of the program: the C library's entry.
    pub fn _start();
    /// The ELF header of the image.
    pub static __ehdr_start: [u8; 64];
}
