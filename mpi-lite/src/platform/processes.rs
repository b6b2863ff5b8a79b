//! Whether this process may read the memory of the others on its host with `process_vm_readv`.

use std::sync::atomic::Ordering;
use unirank_ivc::JobRegion;

/// At the same address in every process that runs this program: images are linked to fixed addresses.
static PROBE: u64 = 0x756e_6972_616e_6b00;

/// Asks the system: by reading from a rank that runs already, else from this process. The error is the reason why not.
/// Where only the rank started first could have asked nobody, the others have asked it.
pub fn probe(region: &JobRegion, rank: u32) -> Result<(), String> {
    let others = (0..region.layout().ranks).filter(|&other| other != rank);
    let running =
        others.map(|other| region.page(other).process().load(Ordering::Acquire)).find(|&pid| pid != 0);
    let pid = running.unwrap_or_else(std::process::id);
    match read_word(pid as i32, &PROBE) {
        // It has no such address: it runs another program, but the system would have let us.
        Ok(_) | Err(libc::EFAULT | libc::ESRCH) => restricted(),
        Err(errno) => Err(format!(
            "process_vm_readv is not permitted here ({}): {}",
            std::io::Error::from_raw_os_error(errno),
            remedy(errno)
        )),
    }
}

fn remedy(errno: i32) -> &'static str {
    match errno {
        libc::ENOSYS => "the kernel or a seccomp filter does not let processes use it",
        _ => "see /proc/sys/kernel/yama/ptrace_scope, and the seccomp profile of the container",
    }
}

/// What keeps processes apart although reading from oneself works.
fn restricted() -> Result<(), String> {
    let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    // 2 is for administrators, 3 for nobody; with less, `PR_SET_PTRACER_ANY` lets the others in.
    match scope.trim() {
        "3" => Err("/proc/sys/kernel/yama/ptrace_scope is 3: no process may read another's memory".into()),
        "2" if !may_trace() => Err(
            "/proc/sys/kernel/yama/ptrace_scope is 2: only administrators may read another process's memory"
                .into(),
        ),
        _ => Ok(()),
    }
}

/// CAP_SYS_PTRACE, bit 19 of the effective capabilities.
fn may_trace() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|line| u64::from_str_radix(line.trim(), 16).ok()).is_some_and(|set| set >> 19 & 1 == 1)
}

/// The word at `address` in a process; the system's error number otherwise.
fn read_word(pid: i32, address: *const u64) -> Result<u64, i32> {
    let mut word = 0u64;
    let local = libc::iovec { iov_base: (&raw mut word).cast(), iov_len: 8 };
    let remote = libc::iovec { iov_base: address.cast_mut().cast(), iov_len: 8 };
    // SAFETY: eight bytes into a local; the other process is only read.
    let done = unsafe { libc::process_vm_readv(pid, &local, 1, &remote, 1, 0) };
    if done == 8 { Ok(word) } else { Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::p2p::testing::SimRegion;

    #[test]
    fn reads_what_is_there_and_names_what_is_not() {
        assert_eq!(read_word(std::process::id() as i32, &PROBE), Ok(PROBE));
        assert_eq!(read_word(std::process::id() as i32, 4096 as *const u64), Err(libc::EFAULT));
        assert_eq!(read_word(i32::MAX, &PROBE), Err(libc::ESRCH));
    }

    #[test]
    fn a_rank_that_ended_meanwhile_forbids_nothing() {
        let region = SimRegion::new(2);
        region.0.page(0).process().store(i32::MAX as u32, Ordering::Relaxed);
        assert_eq!(probe(&region.0, 1), restricted());
    }
}
