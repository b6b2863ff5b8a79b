//! Waiting for signals: sigwait and its like, sigsuspend, pause.

use super::number::UNBLOCKABLE;
use super::thread::own;
use super::{Info, PROCESS, info};
use crate::errno::{Errno, Result, SysResult};
use crate::mm::regions::Prot;
use crate::sys::time::timespec;
use crate::{irq, time, timers, user};

/// Takes a pending signal of a set, of this thread or of the process.
pub fn take(set: u64) -> Option<Info> {
    let info = own(|thread| thread.pending.take(set)).or_else(|| PROCESS.borrow().pending.take(set))?;
    Some(accept(info))
}

/// A signal that leaves the queue: one of a timer tells how often the timer has expired in vain.
pub fn accept(info: Info) -> Info {
    match info.sending_timer() {
        Some(timer) => info.with_overrun(timers::accept_signal(timer)),
        None => info,
    }
}

/// `pause`.
pub fn pause() -> SysResult {
    irq::wait_interruptible(|| false, None)?;
    Err(Errno::EINTR)
}

/// `rt_sigsuspend`: the mask comes back when the handler has run.
pub fn sigsuspend(mask: u64, set_size: u64) -> SysResult {
    super::calls::check_size(set_size)?;
    let mask = user::read::<u64>(mask)?;
    own(|thread| thread.set_mask_for_now(mask));
    pause()
}

/// `rt_sigtimedwait`.
pub fn sigtimedwait(set: u64, address: u64, timeout: u64, set_size: u64) -> SysResult {
    super::calls::check_size(set_size)?;
    let set = user::read::<u64>(set)? & !UNBLOCKABLE;
    let deadline = match timeout {
        0 => None,
        timeout => Some(time::now_ns().saturating_add(timespec(timeout)?)),
    };
    if address != 0 {
        user::check(address, info::BYTES as usize, Prot::RW)?;
    }
    let mut found = None;
    own(|thread| thread.waits_for = set);
    let waited: Result<bool> = irq::wait_interruptible(
        || {
            found = take(set);
            found.is_some()
        },
        deadline,
    );
    own(|thread| thread.waits_for = 0);
    waited?;
    let info: Info = found.ok_or(Errno::EAGAIN)?;
    if address != 0 {
        user::write(address, &info.words())?;
    }
    Ok(info.signal as usize)
}
