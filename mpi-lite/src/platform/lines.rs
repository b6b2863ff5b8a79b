//! Lines to the launcher: `mpi-init`, `mpi-finalized`, `mpi-abort`, `waiting`, `proceeding`.

use std::io::Write;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use unirank_hca::vm;

/// Name of the environment variable with the descriptor for lines of a native process.
const DESCRIPTOR: &str = "UNIRANK_CTL_FD";

fn descriptor() -> Option<u16> {
    std::env::var(DESCRIPTOR).ok()?.parse().ok()
}

/// Whether a launcher listens. It says what ended the job, once and for all ranks, so a rank need not say it as well.
pub fn has_launcher() -> bool {
    vm::current().is_some() || descriptor().is_some()
}

/// Tells the launcher `line`, which has no line feed. Without a launcher nothing happens.
pub fn notify(line: &str) {
    if let Some(vm) = vm::current() {
        vm.notify_line(line);
        return;
    }
    if let Some(descriptor) = descriptor() {
        // SAFETY: the launcher made the descriptor for these lines; it stays open.
        let mut file = ManuallyDrop::new(unsafe { std::fs::File::from_raw_fd(descriptor.into()) });
        // A launcher that has gone cannot be told.
        let _ = file.write_all(format!("{line}\n").as_bytes());
    }
}
