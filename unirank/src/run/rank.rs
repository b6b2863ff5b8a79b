//! One running rank: its process and the streams that connect it to the runner.

use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};
use std::time::Instant;

use rustix::io::Errno;

use super::answers::Answers;
use super::control::{Control, Lines};
use super::heartbeat::Heartbeat;
use super::life::Life;
use super::stream::{ReadState, Stream};

/// Most bytes kept of what QEMU itself says.
const MOST_WORDS: usize = 8 << 10;

/// A rank's process and streams.
#[derive(Debug)]
pub struct Rank {
    /// Its number.
    pub number: u32,
    /// When its process was about to be started.
    pub started: Instant,
    /// QEMU, or the native program.
    pub process: Child,
    /// Standard output.
    pub out: Stream,
    /// Standard error.
    pub err: Stream,
    /// Lifecycle lines.
    pub ctl: Channel,
    /// QEMU's own standard error.
    pub words: Words,
    /// Where standard input goes: the output console's socket, or a native program's pipe.
    pub input: Option<OwnedFd>,
    /// Its monitor; VMs only.
    pub qmp: Option<OwnedFd>,
    /// Its sign of life; VMs only.
    pub heartbeat: Option<Heartbeat>,
    /// How it is told that something was done; VMs only.
    pub answers: Option<Answers>,
    /// Cores its processors are bound to, once it runs, in this order.
    pub cores: Vec<usize>,
    /// Whether gdb may have stopped it: then its silence means nothing.
    pub debugged: bool,
    /// How far it is.
    pub life: Life,
    /// Set once the process was reaped.
    pub ended: Option<ExitStatus>,
}

/// The control console.
#[derive(Debug)]
pub struct Channel {
    fd: Option<OwnedFd>,
    lines: Lines,
}

impl Channel {
    /// Reads from `fd`, which must be non-blocking.
    pub fn new(fd: OwnedFd) -> Self {
        Self { fd: Some(fd), lines: Lines::default() }
    }

    /// The descriptor, until it is closed.
    pub fn fd(&self) -> Option<&OwnedFd> {
        self.fd.as_ref()
    }

    /// Reads once and adds what was understood to `found`.
    pub fn read(&mut self, found: &mut Vec<Control>) -> ReadState {
        let Some(fd) = &self.fd else { return ReadState::Closed };
        let mut buffer = [0; 16 << 10];
        match rustix::io::read(fd, &mut buffer) {
            Err(Errno::AGAIN | Errno::INTR) => ReadState::Empty,
            Ok(0) | Err(_) => {
                self.fd = None;
                ReadState::Closed
            }
            Ok(n) => {
                self.lines.feed(&buffer[..n], |line| found.push(Control::parse(line)));
                ReadState::Some
            }
        }
    }

    /// Sends a line to the guest; one that does not listen misses it.
    pub fn send(&self, line: &str) {
        if let Some(fd) = &self.fd {
            let _ = rustix::io::write(fd, line.as_bytes());
        }
    }
}

/// What QEMU says: shown only if its VM fails.
#[derive(Debug)]
pub struct Words {
    fd: Option<OwnedFd>,
    text: Vec<u8>,
}

impl Words {
    /// Reads from `fd`, which must be non-blocking; a native rank has none.
    pub fn new(fd: Option<OwnedFd>) -> Self {
        Self { fd, text: Vec::new() }
    }

    /// The descriptor, until it is closed.
    pub fn fd(&self) -> Option<&OwnedFd> {
        self.fd.as_ref()
    }

    /// Reads once; what is over the limit is dropped.
    pub fn read(&mut self) -> ReadState {
        let Some(fd) = &self.fd else { return ReadState::Closed };
        let mut buffer = [0; 4096];
        match rustix::io::read(fd, &mut buffer) {
            Err(Errno::AGAIN | Errno::INTR) => ReadState::Empty,
            Ok(0) | Err(_) => {
                self.fd = None;
                ReadState::Closed
            }
            Ok(n) => {
                let room = MOST_WORDS.saturating_sub(self.text.len());
                self.text.extend_from_slice(&buffer[..n.min(room)]);
                ReadState::Some
            }
        }
    }

    /// All of it.
    pub fn text(&self) -> String {
        crate::text::printable(&String::from_utf8_lossy(&self.text))
    }
}

impl Rank {
    /// Whether its process still runs.
    pub fn runs(&self) -> bool {
        self.ended.is_none()
    }

    /// Ends its process at once.
    pub fn kill(&mut self) {
        if self.ended.is_none() {
            // Not reaped yet, so the number is still its own; fails only if it has just ended.
            let _ = self.process.kill();
        }
    }
}

impl Drop for Rank {
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.kill();
            let _ = self.process.wait();
        }
    }
}
