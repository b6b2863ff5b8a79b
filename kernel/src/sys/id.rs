//! Who the program is: one process, one user.

use super::nr;
use crate::bootconfig;
use crate::errno::{Errno, SysResult};
use crate::process::PID;
use crate::user;

/// The family's calls.
pub fn call(number: u64, args: &[u64; 6]) -> Option<SysResult> {
    let config = bootconfig::get();
    let (uid, gid) = (config.uid as usize, config.gid as usize);
    let [a, b, c, ..] = *args;
    Some(match number {
        nr::EXIT_GROUP => crate::process::exit(a as u8),
        nr::GETPID | nr::GETPGRP => Ok(PID),
        nr::GETPPID => Ok(1),
        nr::GETPGID | nr::GETSID => own(a),
        nr::SETPGID => own(a).map(|_| 0),
        nr::SETSID => Err(Errno::EPERM),
        nr::GETUID | nr::GETEUID => Ok(uid),
        nr::GETGID | nr::GETEGID => Ok(gid),
        nr::SETUID | nr::SETFSUID => same(&[a], uid),
        nr::SETGID | nr::SETFSGID => same(&[a], gid),
        nr::SETREUID => same(&[a, b], uid),
        nr::SETREGID => same(&[a, b], gid),
        nr::SETRESUID => same(&[a, b, c], uid),
        nr::SETRESGID => same(&[a, b, c], gid),
        nr::GETRESUID => put_three(args, config.uid),
        nr::GETRESGID => put_three(args, config.gid),
        nr::GETGROUPS => Ok(0),
        nr::SETGROUPS => Err(Errno::EPERM),
        nr::GETPRIORITY => Ok(20),
        nr::SETPRIORITY => Ok(0),
        _ => return None,
    })
}

fn own(pid: u64) -> SysResult {
    if pid as usize == 0 || pid as usize == PID { Ok(PID) } else { Err(Errno::ESRCH) }
}

/// Changing an id to itself (or, with -1, to nothing) works.
fn same(wanted: &[u64], id: usize) -> SysResult {
    let unchanged = |&w: &u64| w as u32 == id as u32 || w as u32 == u32::MAX;
    if wanted.iter().all(unchanged) { Ok(0) } else { Err(Errno::EPERM) }
}

fn put_three(args: &[u64; 6], id: u32) -> SysResult {
    for &address in &args[..3] {
        user::write(address, &id)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_ids() {
        assert_eq!(own(0), Ok(PID));
        assert_eq!(own(77), Err(Errno::ESRCH));
        assert_eq!(same(&[1000, u64::from(u32::MAX)], 1000), Ok(0));
        assert_eq!(same(&[0], 1000), Err(Errno::EPERM));
        assert_eq!(call(nr::GETRESUID, &[8, 8, 8, 0, 0, 0]), Some(Err(Errno::EFAULT)));
    }
}
