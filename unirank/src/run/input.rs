//! The runner's standard input, which goes to rank 0.
//!
//! A console cannot tell its guest "end of file" by closing: QEMU would give up its output as well. So the end is
//! told on the control console, with the number of bytes that came before it.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;

/// Bytes read ahead of what rank 0 takes.
const READ: usize = 16 << 10;

/// Moves bytes from standard input to rank 0.
#[derive(Debug)]
pub struct Input {
    source: io::Stdin,
    waiting: Vec<u8>,
    sent: u64,
    ended: bool,
    /// Whether the end was told.
    told: bool,
}

impl Input {
    /// Reads the runner's standard input.
    pub fn new() -> Self {
        Self { source: io::stdin(), waiting: Vec::new(), sent: 0, ended: false, told: false }
    }

    /// The descriptor to wait on for more input, when more is wanted. A background job must not touch its terminal:
    /// the system would stop it.
    pub fn wants_read(&self) -> Option<impl AsFd + '_> {
        (!self.ended && self.waiting.is_empty() && self.in_foreground()).then_some(&self.source)
    }

    fn in_foreground(&self) -> bool {
        !self.source.is_terminal()
            || rustix::termios::tcgetpgrp(&self.source).is_ok_and(|group| group == rustix::process::getpgrp())
    }

    /// Whether bytes wait to be written to rank 0.
    pub fn wants_write(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Reads what is there.
    pub fn read(&mut self) {
        let mut buffer = [0; READ];
        match rustix::io::read(&self.source, &mut buffer) {
            Ok(0) => self.ended = true,
            Ok(n) => self.waiting.extend_from_slice(&buffer[..n]),
            Err(Errno::INTR | Errno::AGAIN) => {}
            // A closed or broken standard input is an empty one.
            Err(_) => self.ended = true,
        }
    }

    /// Writes to rank 0, which is non-blocking; a rank that is gone takes nothing more.
    pub fn write(&mut self, rank: &OwnedFd) {
        match rustix::io::write(rank, &self.waiting) {
            Ok(n) => {
                self.sent += n as u64;
                self.waiting.drain(..n);
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => {
                self.waiting.clear();
                self.ended = true;
            }
        }
    }

    /// Once everything was passed on: how much it was. Given once.
    pub fn take_end(&mut self) -> Option<u64> {
        if self.told || !self.ended || !self.waiting.is_empty() {
            return None;
        }
        self.told = true;
        Some(self.sent)
    }
}
