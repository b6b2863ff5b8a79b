//! `futex` and what else waits for other threads.

use super::nr;
use super::time;
use crate::errno::{Errno, SysResult};
use crate::thread::{self, futex, robust};
use crate::{irq, user};

const FUTEX_COMMAND: u64 = 0x7f;
const FUTEX_WAIT: u64 = 0;
const FUTEX_WAKE: u64 = 1;
const FUTEX_REQUEUE: u64 = 3;
const FUTEX_CMP_REQUEUE: u64 = 4;
const FUTEX_WAKE_OP: u64 = 5;
const FUTEX_WAIT_BITSET: u64 = 9;
const FUTEX_WAKE_BITSET: u64 = 10;
const FUTEX_CLOCK_REALTIME: u64 = 0x100;
/// Any bit: the plain calls.
const ANY: u32 = u32::MAX;

/// The family's calls.
pub fn call(number: u64, args: &[u64; 6]) -> Option<SysResult> {
    let [a, b, c, ..] = *args;
    Some(match number {
        nr::FUTEX => call_futex(args),
        // No restartable sequences: the C library works without.
        nr::RSEQ => Err(Errno::ENOSYS),
        nr::SET_ROBUST_LIST => set_robust_list(a, b),
        nr::GET_ROBUST_LIST => get_robust_list(a, b, c),
        nr::WAIT4 | nr::WAITID => Err(Errno::ECHILD),
        nr::PAUSE => irq::wait_interruptible(|| false, None).map(|_| 0),
        _ => return None,
    })
}

fn call_futex(&[address, operation, value, timeout, second, third]: &[u64; 6]) -> SysResult {
    if address % 4 != 0 {
        return Err(Errno::EINVAL);
    }
    let command = operation & FUTEX_COMMAND;
    let (count, other_count) = (value as u32, timeout as u32);
    match command {
        FUTEX_WAIT | FUTEX_WAIT_BITSET => {
            let bits = if command == FUTEX_WAIT { ANY } else { third as u32 };
            if bits == 0 {
                return Err(Errno::EINVAL);
            }
            futex::wait(address, value as u32, bits, deadline(command, operation, timeout)?).map(|()| 0)
        }
        FUTEX_WAKE | FUTEX_WAKE_BITSET => {
            let bits = if command == FUTEX_WAKE { ANY } else { third as u32 };
            if bits == 0 {
                return Err(Errno::EINVAL);
            }
            user::read::<u32>(address)?;
            Ok(futex::wake(address, count, bits))
        }
        FUTEX_REQUEUE | FUTEX_CMP_REQUEUE => {
            user::read::<u32>(second)?;
            if command == FUTEX_CMP_REQUEUE && user::read::<u32>(address)? != third as u32 {
                return Err(Errno::EAGAIN);
            }
            let woken = futex::wake(address, count, ANY);
            Ok(woken + futex::requeue(address, second, other_count))
        }
        FUTEX_WAKE_OP => {
            user::read::<u32>(address)?;
            let both = futex::operate(second, third as u32)?;
            let woken = futex::wake(address, count, ANY);
            Ok(woken + if both { futex::wake(second, other_count, ANY) } else { 0 })
        }
        _ => Err(Errno::ENOSYS),
    }
}

/// TSC value at which a wait ends. FUTEX_WAIT has a duration, FUTEX_WAIT_BITSET a time of one of two clocks.
fn deadline(command: u64, operation: u64, timeout: u64) -> Result<u64, Errno> {
    if timeout == 0 {
        return Ok(u64::MAX);
    }
    let ns = time::timespec(timeout)?;
    let monotonic = match (command, operation & FUTEX_CLOCK_REALTIME) {
        (FUTEX_WAIT, _) => crate::time::now_ns().saturating_add(ns),
        (_, 0) => ns,
        _ => crate::time::now_ns().saturating_add(ns.saturating_sub(crate::time::realtime_ns())),
    };
    Ok(crate::time::tsc_at(monotonic))
}

fn set_robust_list(head: u64, size: u64) -> SysResult {
    if size != robust::HEAD_SIZE {
        return Err(Errno::EINVAL);
    }
    if let Some(me) = thread::current() {
        me.robust_list.set(head);
    }
    Ok(0)
}

fn get_robust_list(tid: u64, head: u64, size: u64) -> SysResult {
    let thread = if tid == 0 { thread::current() } else { thread::sched::find(tid) };
    let list = thread.ok_or(Errno::ESRCH)?.robust_list.get();
    user::write(head, &list)?;
    user::write(size, &robust::HEAD_SIZE)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_checked() {
        assert_eq!(call_futex(&[2, FUTEX_WAIT, 0, 0, 0, 0]), Err(Errno::EINVAL));
        assert_eq!(call_futex(&[64, FUTEX_WAIT, 0, 0, 0, 0]), Err(Errno::EFAULT));
        assert_eq!(call_futex(&[64, FUTEX_WAIT_BITSET, 0, 0, 0, 0]), Err(Errno::EINVAL));
        assert_eq!(call_futex(&[64, FUTEX_WAKE, 1, 0, 0, 0]), Err(Errno::EFAULT));
        assert_eq!(call_futex(&[64, 77, 1, 0, 0, 0]), Err(Errno::ENOSYS));
        assert_eq!(set_robust_list(64, 8), Err(Errno::EINVAL));
    }
}
