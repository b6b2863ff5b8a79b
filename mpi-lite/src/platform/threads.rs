//! The threads of this process, and those of them that only other threads can wake.

use std::fs;
use std::path::Path;
use unirank_hca::vm;

/// futex(2) on x86-64.
const FUTEX: &str = "202";

/// How many there are; none where the system does not tell.
pub fn count() -> Option<usize> {
    // Field 20 of proc(5); the name before field 3 may have blanks and brackets.
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(20 - 3)?.parse().ok()
}

/// How many wait for a lock, a condition variable or the end of another thread, without a time limit. All of them do at one
/// moment: those that may have run meanwhile are left out.
pub fn blocked() -> usize {
    if let Some(vm) = vm::current() {
        return (vm.blocked_threads)() as usize;
    }
    let before = waits();
    // Who waits as often as before has waited all the time from the first look at the last thread to the second at the first.
    waits().into_iter().filter(|wait| before.contains(wait)).count()
}

/// A thread in such a wait: its name, and how often it had given up its processor.
type Wait = (std::ffi::OsString, String);

fn waits() -> Vec<Wait> {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    threads.filter_map(|thread| Some((thread.file_name(), wait(&thread.path())?))).collect()
}

/// The wait of the thread with this folder.
fn wait(folder: &Path) -> Option<String> {
    let call = fs::read_to_string(folder.join("syscall")).ok()?;
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let switches = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    is_endless_wait(&call).then(|| switches.trim().to_owned())
}

/// Whether this is a futex call that waits, without a time limit: number and arguments of a system call, as proc(5) has them.
fn is_endless_wait(call: &str) -> bool {
    /// Operations that wait, without flags: FUTEX_WAIT, FUTEX_LOCK_PI, FUTEX_WAIT_BITSET, FUTEX_LOCK_PI2.
    const WAITS: [u64; 4] = [0, 6, 9, 13];
    const OPERATION: u64 = 0x7f;
    let mut words = call.split_whitespace();
    if words.next() != Some(FUTEX) {
        return false;
    }
    let arguments: Vec<u64> =
        words.map_while(|word| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok()).collect();
    matches!(arguments[..], [_, operation, _, 0, ..] if WAITS.contains(&(operation & OPERATION)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::{Duration, Instant};

    #[test]
    fn only_waits_without_an_end_count() {
        assert!(is_endless_wait("202 0x7f00 0x80 0x2 0x0 0x0 0x0 0x7ffd 0x7f01\n"));
        assert!(is_endless_wait("202 0x7f00 0x189 0x2 0x0 0x0 0xffffffff 0x7ffd 0x7f01"));
        for call in [
            "running",
            "",
            "202",
            "202 0x7f00 0x80 0x2 0x7ff0 0x0 0x0 0x7ffd 0x7f01",
            "202 0x7f00 0x81 0x1 0x0 0x0 0x0 0x7ffd 0x7f01",
            "7 0x7f00 0x80 0x2 0x0 0x0 0x0 0x7ffd 0x7f01",
        ] {
            assert!(!is_endless_wait(call), "{call}");
        }
    }

    #[test]
    fn a_thread_that_waits_is_seen_and_then_no_more() {
        let (tell, told) = channel();
        let (end, wait_for_end) = channel::<()>();
        let thread = std::thread::spawn(move || {
            let own = fs::read_link("/proc/thread-self").unwrap();
            tell.send(own.file_name().unwrap().to_owned()).unwrap();
            wait_for_end.recv()
        });
        let name = told.recv().unwrap();
        let waits_now = || waits().iter().any(|(thread, _)| *thread == name);
        let began = Instant::now();
        while !waits_now() {
            assert!(began.elapsed() < Duration::from_secs(20));
        }
        assert!(blocked() >= 1 && count().is_some_and(|all| all >= 2));
        drop(end);
        assert!(thread.join().unwrap().is_err());
        assert!(!waits_now());
    }
}
