//! Signals to the runner as readable descriptors.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

/// Signals that ask the runner to end its job.
const ENDING: [(i32, &str); 3] = [(SIGINT, "Ctrl-C"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP")];

/// A request to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Number of the signal.
    pub signal: i32,
    /// Its name for people.
    pub name: &'static str,
}

/// The runner's signals.
#[derive(Debug)]
pub struct Signals {
    pipes: Vec<(Option<Ending>, UnixStream)>,
}

impl Signals {
    /// Takes over ended children, Ctrl-C and the requests to terminate.
    pub fn new() -> io::Result<Self> {
        let mut pipes = vec![(None, register(SIGCHLD)?)];
        for (signal, name) in ENDING {
            // Started with nohup, a job goes on when its terminal goes.
            if signal == SIGHUP
                && is_ignored(&std::fs::read_to_string("/proc/self/status").unwrap_or_default(), signal)
            {
                continue;
            }
            pipes.push((Some(Ending { signal, name }), register(signal)?));
        }
        Ok(Self { pipes })
    }

    /// The descriptors to wait on.
    pub fn fds(&self) -> impl Iterator<Item = &UnixStream> {
        self.pipes.iter().map(|(_, pipe)| pipe)
    }

    /// Empties the descriptors; returns whether a child may have ended, and a request to end.
    pub fn take(&mut self) -> (bool, Option<Ending>) {
        let (mut children, mut ending) = (false, None);
        for (kind, pipe) in &mut self.pipes {
            let mut bytes = [0; 64];
            if pipe.read(&mut bytes).is_ok_and(|n| n > 0) {
                match kind {
                    None => children = true,
                    Some(kind) => ending = Some(*kind),
                }
            }
        }
        (children, ending)
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
