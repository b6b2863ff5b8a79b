//! Starts a rank's process so that it cannot outlive the runner and inherits exactly what it was given.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::failure::{Context, Result};

/// Starts `command` in a process group of its own (Ctrl-C reaches the runner alone), with `inherited` open under the
/// same numbers, bound to `cores` if there are any. It is killed by the system when the calling thread ends: call this from
/// the main thread.
#[allow(unsafe_code, reason = "what the child does before exec has no safe form")]
pub fn spawn(mut command: Command, inherited: &[&OwnedFd], cores: &[usize]) -> Result<Child> {
    let numbers: Vec<RawFd> = inherited.iter().map(|fd| fd.as_raw_fd()).collect();
    let cpus = (!cores.is_empty()).then(|| {
        let mut set = CpuSet::new();
        cores.iter().for_each(|&core| set.set(core));
        set
    });
    let runner = rustix::process::getpid();
    command.process_group(0);
    // SAFETY: the closure runs in the child between fork and exec.
    // 1. It makes only system calls that are async-signal-safe and allocates nothing.
    // 2. The descriptor numbers are open: `inherited` is borrowed until after `spawn` has returned.
    unsafe {
        command.pre_exec(move || {
            for &number in &numbers {
                // SAFETY: open, see 2 above.
                let fd = BorrowedFd::borrow_raw(number);
                fcntl_setfd(fd, FdFlags::empty())?;
            }
            if let Some(cpus) = &cpus {
                // A core that has gone offline meanwhile is no reason to fail.
                let _ = sched_setaffinity(None, cpus);
            }
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The runner may have ended just before that.
            if getppid() != Some(runner) {
                return Err(io::Error::from(io::ErrorKind::BrokenPipe));
            }
            Ok(())
        });
    }
    command.spawn().context(|| format!("starting {}", command.get_program().to_string_lossy()))
}

/// The cores this process may use.
pub fn allowed_cores() -> Vec<usize> {
    match rustix::thread::sched_getaffinity(None) {
        Ok(set) => (0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect(),
        Err(_) => vec![0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::process::Stdio;

    #[test]
    fn inherits_what_is_given_and_nothing_else() {
        // High numbers, which neither `ls` itself nor other tests at the same time use.
        let high = |least| rustix::io::fcntl_dupfd_cloexec(File::open("/dev/null").unwrap(), least).unwrap();
        let (given, other) = (high(700), high(800));
        let mut command = Command::new("ls");
        command.arg("/proc/self/fd").stdout(Stdio::piped());
        let child = spawn(command, &[&given], &[]).unwrap();
        let output = child.wait_with_output().unwrap();
        let listed = String::from_utf8(output.stdout).unwrap();
        let numbers: Vec<i32> = listed.lines().map(|l| l.parse().unwrap()).collect();
        assert!(numbers.contains(&given.as_raw_fd()), "{numbers:?}");
        assert!(!numbers.contains(&other.as_raw_fd()), "{numbers:?}");
    }

    #[test]
    fn binds_to_a_core() {
        let core = allowed_cores()[0];
        let mut command = Command::new("sh");
        command.args(["-c", "grep Cpus_allowed_list /proc/self/status"]).stdout(Stdio::piped());
        let output = spawn(command, &[], &[core]).unwrap().wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.split_whitespace().last(), Some(core.to_string().as_str()), "{text}");
    }
}
