//! Sending a signal.

use super::thread::of_thread;
use super::{Info, PROCESS};
use crate::errno::Result;
use crate::irq;

/// Sends a signal to the process: a thread that does not block it gets it. EAGAIN when too many wait.
pub fn send_to_process(info: Info) -> Result<()> {
    PROCESS.borrow().pending.push(info)?;
    // Whoever waits looks whether it is for him.
    irq::notify();
    Ok(())
}

/// Sends a signal to one thread. ESRCH if there is none of this number, EAGAIN when too many wait.
pub fn send_to_thread(tid: u64, info: Info) -> Result<()> {
    of_thread(tid, |thread| thread.pending.push(info))??;
    irq::notify();
    Ok(())
}
