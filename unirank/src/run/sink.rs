//! The runner's own output: written in small pieces when the reader takes them, so that a slow reader stops the
//! guests' output and never the runner's watch over them.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::time::Timespec;

/// Bytes written at once to a pipe or terminal that said it takes some: what Linux promises not to block (PIPE_BUF).
const PIECE: usize = 4096;
/// Bytes written at once to a file.
const FILE_PIECE: usize = 256 << 10;
/// Waiting bytes at which guests are no longer read.
const FULL: usize = 1 << 20;

/// Standard output or standard error, buffered.
#[derive(Debug)]
pub struct Sink {
    fd: OwnedFd,
    waiting: VecDeque<u8>,
    piece: usize,
    /// Last byte that was put in, to know whether a message of ours starts on a line of its own.
    last: u8,
}

impl Sink {
    /// Takes a duplicate of one of the standard streams.
    pub fn new(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let stat = rustix::fs::fstat(fd)?;
        let is_file = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file();
        let piece = if is_file { FILE_PIECE } else { PIECE };
        Ok(Self { fd: fd.try_clone_to_owned()?, waiting: VecDeque::new(), piece, last: b'\n' })
    }

    /// Adds bytes to be written.
    pub fn push(&mut self, bytes: &[u8]) {
        if let Some(&last) = bytes.last() {
            self.last = last;
            self.waiting.extend(bytes);
        }
    }

    /// Adds a line of the runner's own.
    pub fn say(&mut self, line: &str) {
        if self.last != b'\n' {
            self.push(b"\n");
        }
        self.push(b"unirank: ");
        self.push(line.as_bytes());
        self.push(b"\n");
    }

    /// Whether bytes wait.
    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether so much waits that guests should wait, too.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= FULL
    }

    /// Writes one piece; call it when the descriptor is writable.
    pub fn write_some(&mut self) -> io::Result<()> {
        let (first, _) = self.waiting.as_slices();
        let piece = &first[..first.len().min(self.piece)];
        if piece.is_empty() {
            return Ok(());
        }
        match rustix::io::write(&self.fd, piece) {
            Ok(written) => drop(self.waiting.drain(..written)),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(e) => return Err(e.into()),
        }
        Ok(())
    }

    /// Writes what waits, as long as the reader takes something within `patience` each time.
    pub fn finish(&mut self, patience: Duration) -> io::Result<()> {
        let mut give_up = Instant::now() + patience;
        while self.has_waiting() {
            let left = give_up.saturating_duration_since(Instant::now());
            let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
            match poll(&mut [PollFd::new(&self.fd, PollFlags::OUT)], Some(&timeout)) {
                Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                Ok(_) => {
                    self.write_some()?;
                    give_up = Instant::now() + patience;
                }
                Err(Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }
}

impl AsFd for Sink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_full_pipe_does_not_block_and_nothing_is_lost() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut sink = Sink::new(writer.as_fd()).unwrap();
        drop(writer);
        let data: Vec<u8> = (0..FULL + 5).map(|i| (i % 251) as u8).collect();
        sink.push(&data);
        assert!(sink.is_full());
        assert!(sink.finish(Duration::from_millis(20)).is_err(), "nobody reads");
        let thread = std::thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).map(|_| all)
        });
        sink.finish(Duration::from_secs(10)).unwrap();
        drop(sink);
        assert!(thread.join().unwrap().unwrap() == data);
    }

    #[test]
    fn our_lines_start_on_their_own() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut sink = Sink::new(writer.as_fd()).unwrap();
        drop(writer);
        sink.push(b"half");
        sink.say("word");
        sink.finish(Duration::from_secs(10)).unwrap();
        drop(sink);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "half\nunirank: word\n");
    }
}
