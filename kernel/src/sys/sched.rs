//! Threads and processors, as programs see them.

use super::nr;
use crate::cpu;
use crate::errno::{Errno, Result, SysResult};
use crate::process::PID;
use crate::regs::Regs;
use crate::thread::{self, Thread, clone, sched};
use crate::user;

const CLONE_VM: u64 = 0x100;
const CLONE_FS: u64 = 0x200;
const CLONE_FILES: u64 = 0x400;
const CLONE_SIGHAND: u64 = 0x800;
const CLONE_THREAD: u64 = 0x1_0000;
const CLONE_SYSVSEM: u64 = 0x4_0000;
const CLONE_SETTLS: u64 = 0x8_0000;
const CLONE_PARENT_SETTID: u64 = 0x10_0000;
const CLONE_CHILD_CLEARTID: u64 = 0x20_0000;
const CLONE_DETACHED: u64 = 0x40_0000;
const CLONE_CHILD_SETTID: u64 = 0x100_0000;
/// What makes a thread of a process.
const THREAD: u64 = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
const KNOWN: u64 = THREAD
    | CLONE_SYSVSEM
    | CLONE_SETTLS
    | CLONE_PARENT_SETTID
    | CLONE_CHILD_CLEARTID
    | CLONE_DETACHED
    | CLONE_CHILD_SETTID;

/// The family's calls.
pub fn call(number: u64, args: &[u64; 6], regs: &Regs) -> Option<SysResult> {
    let [a, b, c, ..] = *args;
    Some(match number {
        nr::CLONE if a & THREAD == THREAD => spawn(regs, clone_request(args), a),
        nr::CLONE3 => return clone3(regs, a, b),
        nr::EXIT => clone::exit(a as u8),
        nr::GETTID => Ok(thread::current_tid()),
        nr::SET_TID_ADDRESS => set_tid_address(a),
        nr::SCHED_YIELD => {
            sched::yield_now();
            Ok(0)
        }
        nr::SCHED_GETAFFINITY => getaffinity(a, b, c),
        nr::SCHED_SETAFFINITY => setaffinity(a, b, c),
        nr::GETCPU => getcpu(a, b),
        nr::SCHED_GETSCHEDULER | nr::SCHED_SETSCHEDULER => known(a).map(|()| 0),
        nr::SCHED_GETPARAM => known(a).and_then(|()| user::write(b, &0u32)).map(|()| 0),
        nr::SCHED_SETPARAM => known(a).map(|()| 0),
        nr::SCHED_GET_PRIORITY_MAX | nr::SCHED_GET_PRIORITY_MIN => Ok(0),
        _ => return None,
    })
}

/// Arguments of `clone`: flags, stack, parent_tid, child_tid, tls.
fn clone_request(&[flags, stack, parent_tid, child_tid, tls, _]: &[u64; 6]) -> clone::Request {
    clone::Request {
        stack,
        tls: (flags & CLONE_SETTLS != 0).then_some(tls),
        parent_tid: (flags & CLONE_PARENT_SETTID != 0).then_some(parent_tid),
        child_tid: (flags & CLONE_CHILD_SETTID != 0).then_some(child_tid),
        clear_tid: if flags & CLONE_CHILD_CLEARTID != 0 { child_tid } else { 0 },
    }
}

/// `clone3`: the same in a `struct clone_args`. One that makes no thread is left to the refused calls.
fn clone3(regs: &Regs, address: u64, size: u64) -> Option<SysResult> {
    if !(64..=4096).contains(&size) {
        return Some(Err(Errno::EINVAL));
    }
    let words = match user::read::<[u64; 8]>(address) {
        Ok(words) => words,
        Err(errno) => return Some(Err(errno)),
    };
    let [flags, _, child_tid, parent_tid, _, stack, stack_size, tls] = words;
    if flags & THREAD != THREAD {
        return None;
    }
    let Some(top) = stack.checked_add(stack_size) else { return Some(Err(Errno::EINVAL)) };
    let request = clone_request(&[flags, top, parent_tid, child_tid, tls, 0]);
    Some(spawn(regs, request, flags))
}

fn spawn(regs: &Regs, request: clone::Request, flags: u64) -> SysResult {
    // The low byte of `clone` is a signal for the end of a process, which a thread has not.
    if flags & !KNOWN & !0xff != 0 {
        return Err(Errno::EINVAL);
    }
    clone::spawn(regs, request).map(|tid| tid as usize).map_err(|errno| match errno {
        // What a program expects of too many threads.
        Errno::ENOMEM => Errno::EAGAIN,
        errno => errno,
    })
}

fn set_tid_address(address: u64) -> SysResult {
    if let Some(me) = thread::current() {
        me.clear_tid.set(address);
    }
    Ok(thread::current_tid())
}

/// The thread that a number names; 0 and the process's own are the current and the main one.
fn find(tid: u64) -> Result<&'static Thread> {
    let found = if tid == 0 { thread::current() } else { sched::find(tid) };
    found.ok_or(Errno::ESRCH)
}

fn known(tid: u64) -> Result<()> {
    if tid == PID as u64 { Ok(()) } else { find(tid).map(drop) }
}

/// A mask of the processors that run.
fn online() -> u64 {
    u64::MAX >> (64 - cpu::count())
}

fn getaffinity(tid: u64, len: u64, address: u64) -> SysResult {
    let thread = find(tid)?;
    if len < 8 || len % 8 != 0 {
        return Err(Errno::EINVAL);
    }
    user::write(address, &(thread.affinity.get() & online()))?;
    Ok(8)
}

fn setaffinity(tid: u64, len: u64, address: u64) -> SysResult {
    let thread = find(tid)?;
    let bytes = user::slice(address, (len as usize).min(8))?;
    let mask = bytes.iter().rev().fold(0u64, |mask, &byte| mask << 8 | u64::from(byte)) & online();
    if mask == 0 {
        return Err(Errno::EINVAL);
    }
    sched::set_affinity(thread, mask);
    Ok(0)
}

fn getcpu(number: u64, node: u64) -> SysResult {
    if number != 0 {
        user::write(number, &cpu::this().id())?;
    }
    if node != 0 {
        user::write(node, &0u32)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_complete_threads_are_made() {
        let regs = Regs::default();
        let clone = |flags| call(nr::CLONE, &[flags, 0, 0, 0, 0, 0], &regs);
        assert_eq!(clone(CLONE_VM), None, "left to the refused calls");
        assert_eq!(clone(THREAD | 0x2_0000), Some(Err(Errno::EINVAL)), "a namespace of its own");
        assert_eq!(clone(THREAD | CLONE_PARENT_SETTID), Some(Err(Errno::EFAULT)));
        assert_eq!(clone3(&regs, 64, 63), Some(Err(Errno::EINVAL)));
        assert_eq!(clone3(&regs, 64, 88), Some(Err(Errno::EFAULT)));
    }

    #[test]
    fn unknown_threads() {
        assert_eq!(setaffinity(77, 8, 0), Err(Errno::ESRCH));
        assert_eq!(known(PID as u64), Ok(()));
    }
}
