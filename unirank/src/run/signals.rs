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

fn register(signal: i32) -> io::Result<UnixStream> {
    let (reader, writer) = UnixStream::pair()?;
    reader.set_nonblocking(true)?;
    pipe::register(signal, writer)?;
    Ok(reader)
}
