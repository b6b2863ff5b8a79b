//! Sending a signal.

use super::thread::of_thread;
use super::{Info, PROCESS, interrupts};
use crate::errno::Result;
use crate::irq;
use crate::thread::{Thread, sched};

/// Sends a signal to the process: a thread that does not block it gets it. EAGAIN when too many wait.
pub fn send_to_process(info: Info) -> Result<()> {
    PROCESS.borrow().pending.push(info)?;
    sched::for_each(tell);
    irq::notify();
    Ok(())
}

/// Sends a signal to one thread. ESRCH if there is none of this number, EAGAIN when too many wait.
pub fn send_to_thread(tid: u64, info: Info) -> Result<()> {
    of_thread(tid, |thread| thread.pending.push(info))??;
    if let Some(thread) = sched::find(tid) {
        tell(thread);
    }
    irq::notify();
    Ok(())
}

/// Tells the current thread that nobody reads what it writes.
pub fn send_broken_pipe() {
    let info = Info::own(super::number::SIGPIPE, super::SI_USER);
    // With a full queue of pending signals the error of the call has to do.
    let _ = send_to_thread(crate::thread::current_tid() as u64, info);
}

/// Lets a thread deliver its signals soon: its wait ends, or its processor enters the kernel.
fn tell(thread: &'static Thread) {
    let ends = interrupts(&thread.signals.borrow());
    if ends && !sched::interrupt(thread) {
        sched::enter_kernel(thread);
    }
}
