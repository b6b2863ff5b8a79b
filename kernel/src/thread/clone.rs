//! Beginning and end of threads.

use core::sync::atomic::{AtomicU32, Ordering};

use super::{State, Thread, futex, robust, sched};
use crate::arch;
use crate::errno::{Errno, Result};
use crate::process::{self, PID};
use crate::regs::Regs;
use crate::user;

/// What the caller of `clone` says of the new thread.
#[derive(Clone, Copy, Default)]
pub struct Request {
    /// Stack pointer.
    pub stack: u64,
    /// FS base; that of the caller if there is none.
    pub tls: Option<u64>,
    /// Where its number is stored before `clone` returns.
    pub parent_tid: Option<u64>,
    /// Where its number is stored before it runs.
    pub child_tid: Option<u64>,
    /// What is cleared and woken when it ends.
    pub clear_tid: u64,
}

/// Numbers of threads go up; the main thread has the process's.
static NEXT_TID: AtomicU32 = AtomicU32::new(PID as u32 + 1);
/// Numbers after which those of Linux begin again (`PID_MAX_LIMIT`).
const LAST_TID: u32 = 1 << 22;

fn next_tid() -> u32 {
    loop {
        let tid = NEXT_TID.fetch_add(1, Ordering::Relaxed);
        if tid > LAST_TID {
            NEXT_TID.store(PID as u32 + 1, Ordering::Relaxed);
        } else if sched::find(tid.into()).is_none() {
            return tid;
        }
    }
}

/// Makes a thread that continues with the caller's registers but for its stack and a result of 0. Its number.
pub fn spawn(regs: &Regs, request: Request) -> Result<u32> {
    if request.tls.is_some_and(|base| base >= 1 << 47) {
        return Err(Errno::EPERM);
    }
    for address in [request.parent_tid, request.child_tid].into_iter().flatten() {
        user::check(address, 4, crate::mm::regions::Prot::RW)?;
    }
    let thread: &'static Thread = super::take_ended()?;
    let tid = next_tid();
    let parent = super::current();
    thread.tid.set(tid);
    thread.clear_tid.set(request.clear_tid);
    thread.fs_base.set(request.tls.unwrap_or_else(super::get_fs_base));
    if let Some(parent) = parent {
        thread.affinity.set(parent.affinity.get());
        thread.name.set(parent.name.get());
        *thread.signals.borrow() = parent.signals.borrow().child();
        thread.cpu.set(parent.cpu());
    }
    let stack = if request.stack == 0 { regs.rsp } else { request.stack };
    let registers = thread.registers();
    // SAFETY: the top of the thread's own kernel stack; it does not run.
    unsafe { registers.write(Regs { rax: 0, rsp: stack, ..*regs }) };
    thread.copy_vectors();
    thread.begin_at(registers as u64, arch::k_thread_start as *const () as u64);
    for address in [request.parent_tid, request.child_tid].into_iter().flatten() {
        user::write(address, &tid)?;
    }
    sched::add(thread);
    sched::make_ready(thread);
    Ok(tid)
}

/// Ends the current thread, and the program with the last one.
pub fn exit(status: u8) -> ! {
    if sched::count() <= 1 {
        process::exit(status);
    }
    if let Some(me) = super::current() {
        robust::release(me);
        let address = me.clear_tid.get();
        if address != 0 && user::write(address, &0u32).is_ok() {
            futex::wake(address, 1, u32::MAX);
        }
        debug_assert!(me.state.get() == State::Ready);
    }
    sched::end_current()
}
