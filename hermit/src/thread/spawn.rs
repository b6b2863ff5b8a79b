//! Starts a thread.

use core::arch::global_asm;
use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::Ordering;

use hermit_abi::{EAGAIN, EINVAL, NO_PRIORITIES, Tid};

use super::{Initial, THREADS, Thread, apply_priority, guards};
use crate::error::{own, refused};
use crate::memory::{self, PAGE};
use crate::process;

/// Stack of a thread whose maker names no size, as in Hermit.
const DEFAULT_STACK: usize = 1 << 20;
const SMALLEST_STACK: usize = 16 << 10;

/// VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID.
const CLONE_FLAGS: u64 = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 | 0x80000 | 0x10_0000 | 0x20_0000;

// hermit_clone(flags, stack, tid to fill in, tid to clear, thread pointer, record): the new thread begins in `main`.
// The kernel is entered by `syscall` even in a VM: both threads return to the same place, on different stacks.
global_asm!(
    ".section .text.hermit_clone, \"ax\", @progbits",
    ".globl hermit_clone",
    ".hidden hermit_clone",
    "hermit_clone:",
    "sub rsi, 16",
    "mov [rsi], r9",
    "mov r10, rcx",
    "mov eax, {clone}",
    "syscall",
    "test rax, rax",
    "jnz 2f",
    "xor ebp, ebp",
    "mov rdi, [rsp]",
    "call {main}",
    "ud2",
    "2: ret",
    ".text",
    clone = const crate::nr::CLONE,
    main = sym main,
);

unsafe extern "C" {
    fn hermit_clone(
        flags: u64,
        stack: *mut u8,
        fill_in: *mut u32,
        clear: *mut u32,
        pointer: *mut u8,
        record: *mut c_void,
    ) -> isize;
}

/// The first function of a new thread.
unsafe extern "C" fn main(thread: &'static Thread) -> ! {
    // SAFETY: the thread's own.
    unsafe { (*own().as_ptr()).thread = ptr::from_ref(thread).cast_mut() };
    if let Some(processor) = thread.processor {
        let mut mask = [0u64; 16];
        mask[processor / 64] = 1 << (processor % 64);
        linux!(SCHED_SETAFFINITY, 0, size_of_val(&mask), mask.as_ptr());
    }
    apply_priority(0, thread.priority.load(Ordering::Relaxed));
    if let Some((function, argument)) = thread.start {
        function(argument);
    }
    loop {
        linux!(EXIT, 0);
    }
}

/// Whether a thread may run on the processor, and which: a negative number leaves the choice to the kernel.
fn processor(core_id: isize) -> Result<Option<usize>, i32> {
    let Ok(core) = usize::try_from(core_id) else { return Ok(None) };
    let mask = process::processors();
    let there = mask.get(core / 64).is_some_and(|word| word & 1 << (core % 64) != 0);
    if there { Ok(Some(core)) } else { Err(EINVAL) }
}

fn spawn(
    function: extern "C" fn(usize),
    argument: usize,
    priority: u8,
    stack: usize,
    core_id: isize,
) -> Result<Tid, i32> {
    if priority == 0 || usize::from(priority) >= NO_PRIORITIES {
        return Err(EINVAL);
    }
    let processor = processor(core_id)?;
    let initial = Initial::of_program();
    let stack = stack.max(SMALLEST_STACK).checked_next_multiple_of(PAGE).ok_or(EAGAIN)?;
    // From the bottom: a page that ends a stack which grows too far, the stack, the thread-local storage.
    let len = stack.checked_add(PAGE + initial.room().next_multiple_of(PAGE)).ok_or(EAGAIN)?;
    let mut threads = THREADS.lock();
    threads.reap();
    let region = memory::map(len);
    if region.is_null() {
        return Err(EAGAIN);
    }
    let record = threads.add(Thread {
        region,
        region_len: len,
        start: Some((function, argument)),
        processor,
        priority: priority.into(),
        ..Thread::new()
    });
    if record.is_null() {
        // SAFETY: nobody uses it yet.
        unsafe { memory::unmap(region, len) };
        return Err(EAGAIN);
    }
    linux!(MPROTECT, region, PAGE, 0);
    // SAFETY: the region is large enough for both parts; the record stays until its thread has ended.
    let result = unsafe {
        let top = region.add(PAGE + stack);
        let pointer = initial.fill(top, guards());
        hermit_clone(
            CLONE_FLAGS,
            top,
            (*record).tid.as_ptr(),
            (*record).alive.as_ptr(),
            pointer,
            record.cast(),
        )
    };
    if result < 0 {
        threads.forget(record);
        return Err(-result as i32);
    }
    Ok(result as Tid)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_spawn(
    id: *mut Tid,
    func: extern "C" fn(usize),
    arg: usize,
    prio: u8,
    core_id: isize,
) -> i32 {
    match spawn(func, arg, prio, DEFAULT_STACK, core_id) {
        Ok(tid) => {
            if !id.is_null() {
                // SAFETY: the caller's.
                unsafe { id.write(tid) };
            }
            0
        }
        Err(error) => refused(error) as i32,
    }
}

/// 0 when there is no new thread; `sys_errno` says why.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_spawn2(
    func: extern "C" fn(usize),
    arg: usize,
    prio: u8,
    stack_size: usize,
    core_id: isize,
) -> Tid {
    spawn(func, arg, prio, stack_size, core_id).unwrap_or_else(|error| {
        refused(error);
        0
    })
}
