//! The system calls on signals: taking the arguments apart and checking them.

use super::action::Action;
use super::altstack::AltStack;
use super::descriptor::SignalFile;
use super::number::{LAST, UNBLOCKABLE};
use super::thread::own;
use super::{Info, PROCESS, SI_TKILL, SI_USER, send_to_process, send_to_thread, wait};
use crate::errno::{Errno, Result, SysResult};
use crate::fs::like;
use crate::fs::open::{O_CLOEXEC, O_NONBLOCK, Object};
use crate::process::PID;
use crate::regs::Regs;
use crate::sys::nr;
use crate::{fs, user};
use alloc::rc::Rc;

/// Bytes of a set of signals.
const SET_BYTES: u64 = 8;

/// The family's calls.
pub fn call(number: u64, args: &[u64; 6], regs: &Regs) -> Option<SysResult> {
    let [a, b, c, d, ..] = *args;
    Some(match number {
        nr::RT_SIGACTION => sigaction(a, b, c, d),
        nr::RT_SIGPROCMASK => sigprocmask(a, b, c, d),
        nr::SIGALTSTACK => sigaltstack(a, b, regs.rsp),
        nr::RT_SIGPENDING => sigpending(a, b),
        nr::KILL => kill(a as i32, b),
        nr::TKILL => send(c_tid(a), b, SI_TKILL),
        nr::TGKILL => process(a).and_then(|()| send(c_tid(b), c, SI_TKILL)),
        nr::RT_SIGQUEUEINFO => process(a).and_then(|()| queue(None, b, c)),
        nr::RT_TGSIGQUEUEINFO => process(a).and_then(|()| queue(Some(c_tid(b)), c, d)),
        nr::RT_SIGSUSPEND => wait::sigsuspend(a, b),
        nr::PAUSE => wait::pause(),
        nr::RT_SIGTIMEDWAIT => wait::sigtimedwait(a, b, c, d),
        nr::SIGNALFD => descriptor(a, b, c, 0),
        nr::SIGNALFD4 => descriptor(a, b, c, d),
        _ => return None,
    })
}

fn valid(signal: u64) -> Result<u32> {
    u32::try_from(signal).ok().filter(|s| (1..=LAST).contains(s)).ok_or(Errno::EINVAL)
}

/// A number of a thread; what is none is no thread's.
fn c_tid(tid: u64) -> u64 {
    u64::try_from(tid as i32).unwrap_or(0)
}

fn process(pid: u64) -> Result<()> {
    match pid as i32 {
        ..=0 => Err(Errno::EINVAL),
        pid if pid as usize == PID => Ok(()),
        _ => Err(Errno::ESRCH),
    }
}

/// Checks the size of a set of signals.
pub fn check_size(set_size: u64) -> Result<()> {
    if set_size == SET_BYTES { Ok(()) } else { Err(Errno::EINVAL) }
}

/// The mask that a call such as `ppoll` wants to have until it returns; none at address 0.
pub fn mask_for_now(address: u64, set_size: u64) -> Result<()> {
    if address != 0 {
        check_size(set_size)?;
        let mask = user::read::<u64>(address)?;
        own(|thread| thread.set_mask_for_now(mask));
    }
    Ok(())
}

fn sigaction(signal: u64, new: u64, old: u64, set_size: u64) -> SysResult {
    let signal = valid(signal)?;
    check_size(set_size)?;
    let new = match new {
        0 => None,
        _ if UNBLOCKABLE & super::number::bit(signal) != 0 => return Err(Errno::EINVAL),
        new => Some(Action::from_words(user::read(new)?)),
    };
    let before = PROCESS.borrow().actions.get(signal);
    if let Some(action) = new {
        let mut process = PROCESS.borrow();
        process.actions.set(signal, action);
        if process.actions.fate(signal) == super::action::Fate::Ignored {
            process.pending.discard(signal);
            own(|thread| thread.pending.discard(signal));
        }
    }
    if old != 0 {
        user::write(old, &before.words())?;
    }
    Ok(0)
}

fn sigprocmask(how: u64, new: u64, old: u64, set_size: u64) -> SysResult {
    check_size(set_size)?;
    let before = own(|thread| thread.mask());
    if new != 0 {
        let set = user::read::<u64>(new)?;
        let mask = match how {
            0 => before | set,
            1 => before & !set,
            2 => set,
            _ => return Err(Errno::EINVAL),
        };
        own(|thread| thread.set_mask(mask));
    }
    if old != 0 {
        user::write(old, &before)?;
    }
    Ok(0)
}

fn sigaltstack(new: u64, old: u64, rsp: u64) -> SysResult {
    let before = own(|thread| thread.alt);
    if new != 0 {
        let words = user::read::<[u64; 3]>(new)?;
        if before.holds(rsp) {
            return Err(Errno::EPERM);
        }
        let stack = AltStack::from_words(words)?;
        own(|thread| thread.alt = stack);
    }
    if old != 0 {
        user::write(old, &before.words_seen_from(rsp))?;
    }
    Ok(0)
}

fn sigpending(address: u64, set_size: u64) -> SysResult {
    if set_size > SET_BYTES {
        return Err(Errno::EINVAL);
    }
    let set = own(|thread| (thread.pending.set() | PROCESS.borrow().pending.set()) & thread.mask());
    user::slice_mut(address, set_size as usize)?.copy_from_slice(&set.to_le_bytes()[..set_size as usize]);
    Ok(0)
}

/// The rank's only process is also its group.
fn kill(pid: i32, signal: u64) -> SysResult {
    match pid {
        0 | -1 => {}
        pid if pid.unsigned_abs() as usize == PID => {}
        _ => return Err(Errno::ESRCH),
    }
    if signal != 0 {
        send_to_process(Info::own(valid(signal)?, SI_USER))?;
    }
    Ok(0)
}

fn send(tid: u64, signal: u64, code: i32) -> SysResult {
    if tid == 0 {
        return Err(Errno::EINVAL);
    }
    if signal == 0 {
        return super::of_thread(tid, |_| 0);
    }
    send_to_thread(tid, Info::own(valid(signal)?, code))?;
    Ok(0)
}

/// Sends a signal with what the program says about it, to a thread or to the process.
fn queue(tid: Option<u64>, signal: u64, info: u64) -> SysResult {
    if signal == 0 {
        return tid.map_or(Ok(0), |tid| super::of_thread(tid, |_| 0));
    }
    let info = Info::load(info, valid(signal)?)?;
    match tid {
        None => send_to_process(info)?,
        Some(tid) => send_to_thread(tid, info)?,
    }
    Ok(0)
}

fn descriptor(fd: u64, set: u64, set_size: u64, flags: u64) -> SysResult {
    check_size(set_size)?;
    let flags = u32::try_from(flags).map_err(|_| Errno::EINVAL)?;
    if flags & !(O_CLOEXEC | O_NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    let set = user::read::<u64>(set)? & !UNBLOCKABLE;
    if fd as i32 != -1 {
        return match &fs::open_file(fd as i32)?.object {
            Object::Stream(stream) => {
                like::downcast::<SignalFile>(stream).ok_or(Errno::EINVAL)?.set(set);
                Ok(fd as usize)
            }
            _ => Err(Errno::EINVAL),
        };
    }
    fs::insert_stream(Rc::new(SignalFile::new(set)), flags).map(|fd| fd as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signal_numbers_are_checked() {
        assert_eq!(sigaction(0, 0, 0, 8), Err(Errno::EINVAL));
        assert_eq!(sigaction(65, 0, 0, 8), Err(Errno::EINVAL));
        assert_eq!(sigaction(11, 0, 0, 4), Err(Errno::EINVAL));
        assert_eq!(sigaction(11, 64, 0, 8), Err(Errno::EFAULT));
        assert_eq!(sigaction(9, 64, 0, 8), Err(Errno::EINVAL));
        assert_eq!(kill(PID as i32, u64::MAX), Err(Errno::EINVAL));
        assert_eq!(kill(PID as i32, 0), Ok(0));
        let call = |number, args: [u64; 6]| call(number, &args, &Regs::default()).unwrap();
        assert_eq!(call(nr::KILL, [77, 9, 0, 0, 0, 0]), Err(Errno::ESRCH));
        assert_eq!(call(nr::TKILL, [77, 9, 0, 0, 0, 0]), Err(Errno::ESRCH));
        assert_eq!(call(nr::TGKILL, [PID as u64, u64::MAX, 9, 0, 0, 0]), Err(Errno::EINVAL));
        assert_eq!(call(nr::RT_SIGQUEUEINFO, [PID as u64, 40, 64, 0, 0, 0]), Err(Errno::EFAULT));
        assert_eq!(call(nr::SIGNALFD4, [u64::MAX, 64, 4, 0, 0, 0]), Err(Errno::EINVAL));
        assert_eq!(call(nr::RT_SIGPENDING, [64, 16, 0, 0, 0, 0]), Err(Errno::EINVAL));
    }
}
