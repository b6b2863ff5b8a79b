//! Signals to the runner as readable descriptors.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::low_level::pipe;

/// Signals that are passed on to the ranks.
const PASSED_ON: [PassedOn; 5] = [
    PassedOn { number: SIGINT, name: "Ctrl-C", kind: Passed::Ending },
    PassedOn { number: SIGTERM, name: "SIGTERM", kind: Passed::Ending },
    PassedOn { number: SIGHUP, name: "SIGHUP", kind: Passed::Ending },
    PassedOn { number: SIGUSR1, name: "SIGUSR1", kind: Passed::Other },
    PassedOn { number: SIGUSR2, name: "SIGUSR2", kind: Passed::Other },
];

/// What a signal means to the runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// It asks the job to end.
    Ending,
    /// It is the ranks' own matter.
    Other,
}

/// A signal that the ranks get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassedOn {
    /// Number of the signal.
    pub number: i32,
    /// Its name for people.
    pub name: &'static str,
    /// What it means to the runner.
    pub kind: Passed,
}

/// The runner's signals.
#[derive(Debug)]
pub struct Signals {
    pipes: Vec<(Option<PassedOn>, UnixStream)>,
}

impl Signals {
    /// Takes over ended children, Ctrl-C and the other signals that ranks get.
    pub fn new() -> io::Result<Self> {
        let mut pipes = vec![(None, register(SIGCHLD)?)];
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        for signal in PASSED_ON {
            // Started with nohup, a job goes on when its terminal goes; and whoever ignores others has a reason, too.
            // Only Ctrl-C and SIGTERM always count: shells start jobs in the background without the former.
            if !matches!(signal.number, SIGINT | SIGTERM) && is_ignored(&status, signal.number) {
                continue;
            }
            pipes.push((Some(signal), register(signal.number)?));
        }
        Ok(Self { pipes })
    }

    /// The descriptors to wait on.
    pub fn fds(&self) -> impl Iterator<Item = &UnixStream> {
        self.pipes.iter().map(|(_, pipe)| pipe)
    }

    /// Empties the descriptors; returns whether a child may have ended, and what ranks are to get, each as often as it
    /// came.
    pub fn take(&mut self) -> (bool, Vec<PassedOn>) {
        let (mut children, mut passed_on) = (false, Vec::new());
        for (signal, pipe) in &mut self.pipes {
            let mut bytes = [0; 64];
            let count = pipe.read(&mut bytes).unwrap_or(0);
            match signal {
                None => children |= count > 0,
                Some(signal) => passed_on.extend(std::iter::repeat_n(*signal, count)),
            }
        }
        (children, passed_on)
    }
}

/// Whether a signal is ignored, by the text of /proc/self/status.
fn is_ignored(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

fn register(signal: i32) -> io::Result<UnixStream> {
    let (reader, writer) = UnixStream::pair()?;
    reader.set_nonblocking(true)?;
    pipe::register(signal, writer)?;
    Ok(reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_mask() {
        let status = "Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000002\n";
        assert!(is_ignored(status, SIGHUP));
        assert!(!is_ignored(status, SIGINT));
        assert!(!is_ignored("", SIGHUP));
    }
}
