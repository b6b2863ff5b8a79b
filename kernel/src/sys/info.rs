//! What the program can ask about the system, its limits and its own use of it.

use super::{nr, refused};
use crate::bootconfig;
use crate::errno::{Errno, SysResult};
use crate::mm;
use crate::process::PID;
use crate::thread::{self, sched};
use crate::time::{SECOND, now_ns};
use crate::{cputime, smp, user};

const RLIM_INFINITY: u64 = u64::MAX;
const RLIMIT_STACK: u64 = 3;
const RLIMIT_CORE: u64 = 4;
const RLIMIT_NOFILE: u64 = 7;
const RLIMITS: u64 = 16;
/// Open files, as most Linux systems begin with.
const OPEN_FILES: u64 = 1024;

const ARCH_SET_GS: u64 = 0x1001;
const ARCH_SET_FS: u64 = 0x1002;
const ARCH_GET_FS: u64 = 0x1003;
const ARCH_GET_GS: u64 = 0x1004;

const RUSAGE_THREAD: i32 = 1;

const PR_SET_NAME: u64 = 15;
const PR_GET_NAME: u64 = 16;

/// The family's calls.
pub fn call(number: u64, args: &[u64; 6]) -> Option<SysResult> {
    let [a, b, c, d, ..] = *args;
    Some(match number {
        nr::UNAME => uname(a),
        nr::SYSINFO => sysinfo(a),
        nr::GETRUSAGE => getrusage(a, b),
        nr::GETRLIMIT => limit(a).and_then(|l| user::write(b, &l)).map(|()| 0),
        nr::SETRLIMIT => set_limit(a, b),
        nr::PRLIMIT64 => prlimit(a, b, c, d),
        nr::GETRANDOM => getrandom(a, b, c),
        nr::ARCH_PRCTL => arch_prctl(a, b),
        nr::PRCTL => prctl(a, b),
        nr::PERSONALITY => Ok(0),
        nr::MEMBARRIER => membarrier(a),
        _ => return None,
    })
}

/// The host's name, as the program sees it.
pub fn hostname() -> &'static [u8] {
    let name = &bootconfig::get().hostname;
    if name.is_empty() { b"unirank" } else { name }
}

fn uname(address: u64) -> SysResult {
    let version = concat!("unirank ", env!("CARGO_PKG_VERSION"));
    let fields: [&[u8]; 6] =
        [b"Linux", hostname(), super::RELEASE.as_bytes(), version.as_bytes(), b"x86_64", b"(none)"];
    let mut name = [[0u8; 65]; 6];
    for (field, text) in name.iter_mut().zip(fields) {
        let len = text.len().min(64);
        field[..len].copy_from_slice(&text[..len]);
    }
    user::write(address, &name)?;
    Ok(0)
}

fn sysinfo(address: u64) -> SysResult {
    let mut info = [0u64; 14];
    info[0] = now_ns() / SECOND;
    // Words 1 to 3 are loads; 6 and 7 shared and buffer memory; 8 and 9 swap.
    info[4] = mm::ram().total();
    info[5] = mm::free_bytes();
    // u16 procs = 1 in word 10; words 11 and 12 high memory; mem_unit = 1 in word 13.
    info[10] = sched::count() as u64;
    info[13] = 1;
    user::write(address, &info)?;
    Ok(0)
}

fn getrusage(who: u64, address: u64) -> SysResult {
    // RUSAGE_SELF, RUSAGE_CHILDREN (of which there are none), RUSAGE_THREAD.
    if !matches!(who as i32, -1..=1) {
        return Err(Errno::EINVAL);
    }
    let mut usage = [0u64; 18];
    if who as i32 != -1 {
        let own = cputime::Whose::Thread(cputime::own_tid());
        let ns = cputime::read(if who as i32 == RUSAGE_THREAD { own } else { cputime::Whose::Process })?;
        usage[0] = ns / SECOND;
        usage[1] = ns % SECOND / 1000;
        usage[4] = mm::used_bytes() >> 10;
    }
    user::write(address, &usage)?;
    Ok(0)
}

/// Soft and hard limit of a resource.
fn limit(resource: u64) -> Result<[u64; 2], Errno> {
    Ok(match resource {
        RLIMIT_STACK => [mm::thread_stack(bootconfig::get().env_var("UNIRANK_STACK").is_some()); 2],
        RLIMIT_CORE => [0, 0],
        RLIMIT_NOFILE => [OPEN_FILES, OPEN_FILES],
        0..RLIMITS => [RLIM_INFINITY; 2],
        _ => return Err(Errno::EINVAL),
    })
}

/// Limits are what they are; asking for no more than that works.
fn set_limit(resource: u64, address: u64) -> SysResult {
    let [soft, hard] = user::read::<[u64; 2]>(address)?;
    if soft > hard {
        return Err(Errno::EINVAL);
    }
    if soft > limit(resource)?[1] { Err(Errno::EPERM) } else { Ok(0) }
}

fn prlimit(pid: u64, resource: u64, new: u64, old: u64) -> SysResult {
    if pid != 0 && pid != PID as u64 {
        return Err(Errno::ESRCH);
    }
    let limits = limit(resource)?;
    if new != 0 {
        set_limit(resource, new)?;
    }
    if old != 0 {
        user::write(old, &limits)?;
    }
    Ok(0)
}

fn getrandom(address: u64, len: u64, flags: u64) -> SysResult {
    if flags & !7 != 0 {
        return Err(Errno::EINVAL);
    }
    let buffer = user::slice_mut(address, (len as usize).min(32 << 20))?;
    crate::random::fill(buffer);
    Ok(buffer.len())
}

fn arch_prctl(code: u64, value: u64) -> SysResult {
    match code {
        ARCH_SET_FS if value >= 1 << 47 => Err(Errno::EPERM),
        ARCH_SET_FS => {
            thread::set_base(thread::Base::Fs, value);
            Ok(0)
        }
        ARCH_GET_FS => user::write(value, &thread::get_fs_base()).map(|()| 0),
        ARCH_SET_GS => Err(refused::gs_base()),
        ARCH_GET_GS => user::write(value, &0u64).map(|()| 0),
        _ => Err(Errno::EINVAL),
    }
}

fn prctl(option: u64, value: u64) -> SysResult {
    match option {
        PR_SET_NAME => {
            let text = user::c_str(value)?;
            let mut name = [0; 16];
            let len = text.len().min(15);
            name[..len].copy_from_slice(&text[..len]);
            if let Some(me) = thread::current() {
                me.name.set(name);
            }
        }
        PR_GET_NAME => user::write(value, &thread::current().map_or([0; 16], |me| me.name.get()))?,
        _ => return Err(Errno::EINVAL),
    }
    Ok(0)
}

/// An interrupt of every other processor is a barrier there.
fn membarrier(command: u64) -> SysResult {
    // MEMBARRIER_CMD_QUERY answers with the commands there are.
    const COMMANDS: u64 = 0x1ff;
    match command {
        0 => Ok(COMMANDS as usize),
        command if command & COMMANDS == command => {
            smp::flush_others();
            Ok(0)
        }
        _ => Err(Errno::EINVAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_pointers_are_efault() {
        for number in [nr::UNAME, nr::SYSINFO] {
            assert_eq!(call(number, &[64, 0, 0, 0, 0, 0]), Some(Err(Errno::EFAULT)));
        }
        assert_eq!(getrandom(64, 8, 0), Err(Errno::EFAULT));
        assert_eq!(getrandom(64, 0, 0), Ok(0));
        assert_eq!(arch_prctl(ARCH_SET_FS, 1 << 47), Err(Errno::EPERM));
        assert_eq!(arch_prctl(0x3001, 0), Err(Errno::EINVAL));
        assert_eq!(prctl(PR_SET_NAME, 1), Err(Errno::EFAULT));
    }

    #[test]
    fn limits() {
        assert_eq!(limit(RLIMIT_NOFILE), Ok([OPEN_FILES; 2]));
        assert_eq!(limit(16), Err(Errno::EINVAL));
        assert_eq!(prlimit(99, 0, 0, 0), Err(Errno::ESRCH));
    }
}
