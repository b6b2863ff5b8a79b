//! Waiting for other threads, of which there are none.

use super::nr;
use super::time;
use crate::errno::{Errno, SysResult};
use crate::{fault, user};

const FUTEX_COMMAND: u64 = 0x7f;
const FUTEX_WAIT: u64 = 0;
const FUTEX_WAKE: u64 = 1;
const FUTEX_REQUEUE: u64 = 3;
const FUTEX_CMP_REQUEUE: u64 = 4;
const FUTEX_WAKE_OP: u64 = 5;
const FUTEX_WAIT_BITSET: u64 = 9;
const FUTEX_WAKE_BITSET: u64 = 10;
const FUTEX_CLOCK_REALTIME: u64 = 0x100;

/// The family's calls.
pub fn call(number: u64, args: &[u64; 6]) -> Option<SysResult> {
    Some(match number {
        nr::FUTEX => futex(args),
        // No restartable sequences: the C library works without.
        nr::RSEQ => Err(Errno::ENOSYS),
        nr::SET_ROBUST_LIST => Ok(0),
        nr::WAIT4 | nr::WAITID => Err(Errno::ECHILD),
        nr::PAUSE => wait_for_nothing("pause"),
        _ => return None,
    })
}

fn futex(&[address, operation, value, timeout, ..]: &[u64; 6]) -> SysResult {
    if address % 4 != 0 {
        return Err(Errno::EINVAL);
    }
    let command = operation & FUTEX_COMMAND;
    match command {
        FUTEX_WAIT | FUTEX_WAIT_BITSET => {
            if user::read::<u32>(address)? != value as u32 {
                return Err(Errno::EAGAIN);
            }
            if timeout == 0 {
                return wait_for_nothing("a lock, a condition variable or a join (futex)");
            }
            let ns = time::timespec(timeout)?;
            let now = match (command, operation & FUTEX_CLOCK_REALTIME) {
                (FUTEX_WAIT, _) => 0,
                (_, 0) => crate::time::now_ns(),
                _ => crate::time::realtime_ns(),
            };
            time::sleep(ns.saturating_sub(now));
            Err(Errno::ETIMEDOUT)
        }
        // Nobody waits.
        FUTEX_WAKE | FUTEX_WAKE_BITSET | FUTEX_REQUEUE | FUTEX_CMP_REQUEUE | FUTEX_WAKE_OP => {
            user::read::<u32>(address).map(|_| 0)
        }
        _ => Err(Errno::ENOSYS),
    }
}

/// The only thread waits without a timeout for what only another could do: the rank ends instead of hanging.
pub fn wait_for_nothing(what: &str) -> SysResult {
    fault::deadlock(what)
}
