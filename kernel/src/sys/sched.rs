//! Scheduling: one processor, one thread.

use super::nr;
use crate::errno::{Errno, SysResult};
use crate::process::PID;
use crate::user;

/// The family's calls.
pub fn call(number: u64, args: &[u64; 6]) -> Option<SysResult> {
    let [a, b, c, ..] = *args;
    Some(match number {
        nr::SCHED_YIELD => Ok(0),
        nr::SCHED_GETAFFINITY => getaffinity(a, b, c),
        nr::SCHED_SETAFFINITY => setaffinity(a, b, c),
        nr::SCHED_GETSCHEDULER | nr::SCHED_SETSCHEDULER => own(a).map(|()| 0),
        nr::SCHED_GETPARAM => own(a).and_then(|()| user::write(b, &0u32)).map(|()| 0),
        nr::SCHED_SETPARAM => own(a).map(|()| 0),
        nr::SCHED_GET_PRIORITY_MAX | nr::SCHED_GET_PRIORITY_MIN => Ok(0),
        _ => return None,
    })
}

fn own(pid: u64) -> Result<(), Errno> {
    if pid == 0 || pid == PID as u64 { Ok(()) } else { Err(Errno::ESRCH) }
}

fn getaffinity(pid: u64, len: u64, address: u64) -> SysResult {
    own(pid)?;
    if len < 8 || len % 8 != 0 {
        return Err(Errno::EINVAL);
    }
    user::write(address, &1u64)?;
    Ok(8)
}

fn setaffinity(pid: u64, len: u64, address: u64) -> SysResult {
    own(pid)?;
    let mask = user::slice(address, (len as usize).min(128))?;
    if mask.first().is_some_and(|byte| byte & 1 != 0) { Ok(0) } else { Err(Errno::EINVAL) }
}
