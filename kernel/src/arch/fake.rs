//! The symbols of the assembly for unit tests on the host: values that can be read, functions that fail the test.
#![expect(non_upper_case_globals, reason = "names of the assembly")]

pub static mut k_boot_tsc: u64 = 0;
pub static mut k_cpuid1_ecx: u32 = 0;
pub static mut k_has_nx: u8 = 1;
pub static mut k_has_fsgsbase: u8 = 1;
pub static mut k_xcr0: u32 = 0;
pub static mut k_fault_stack: u64 = 0;
pub static mut k_boot_stack_bottom: u8 = 0;
pub static mut k_irq_pending: [u32; 96] = [0; 96];
pub static mut k_irq_events: u32 = 0;
pub static mut k_heartbeat: u64 = 0;
pub static mut k_heartbeat_tsc: u64 = 0;
pub static mut k_heartbeat_ticks: u32 = 0;
pub static mut k_next_heartbeat: u64 = 0;
pub static mut k_tsc_deadline: u8 = 0;
pub static mut k_fault_depth: u32 = 0;
pub static mut k_fault_regs: [u64; 23] = [0; 23];
pub static mut k_device_waiter: u32 = 0;
pub static k_flushed: u32 = 0;
pub static k_cpu0: crate::cpu::Cpu = crate::cpu::Cpu::new();
pub static k_gdt: [u64; 10] = [0; 10];
pub static mut k_ap_block: u64 = 0;
pub static mut k_ap_stack: u64 = 0;
pub static mut k_ap_tables: u64 = 0;
pub static k_trampoline: u8 = 0;
pub static k_trampoline_end: u8 = 0;
pub static mut __ehdr_start: [u8; 64] = [0; 64];

pub static mut k_text_start: u8 = 0;
pub static mut k_text_end: u8 = 0;
pub static mut k_rodata_start: u8 = 0;
pub static mut k_rodata_end: u8 = 0;
pub static mut k_data_start: u8 = 0;
pub static mut k_data_end: u8 = 0;

pub fn system_call(number: u64) {
    panic!("system call {number} in a unit test")
}
pub unsafe fn k_gate_call(_a: u64, _b: u64, _c: u64, function: u64) -> u64 {
    panic!("gate function {function} in a unit test")
}
pub unsafe fn k_enter_program(_entry: u64, _stack: u64) -> ! {
    panic!("program start in a unit test")
}
pub unsafe fn k_load_xmm(_area: *const [u8; 256]) {}
pub unsafe fn k_save_vectors(_area: *mut u8) {}
pub unsafe fn k_restore_vectors(_area: *const u8) {}
pub unsafe fn k_switch(_from: *const crate::thread::Thread, _to: *const crate::thread::Thread) {
    panic!("thread switch in a unit test")
}
pub fn k_thread_start() {}
pub fn _start() {}
