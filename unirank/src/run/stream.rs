//! One rank's standard output or error: whole lines at a time, so that ranks do not cut into each other's lines.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::sink::Sink;

/// A line that grows beyond this is passed on in parts.
const LONGEST_LINE: usize = 64 << 10;
/// Bytes taken at one read.
const READ: usize = 64 << 10;
/// After this long an unfinished line of the rank that has the keyboard is shown: it is a prompt.
const PROMPT: Duration = Duration::from_millis(100);

/// What a read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadState {
    /// Something was read; there may be more.
    Some,
    /// Nothing for now.
    Empty,
    /// The other end is closed.
    Closed,
}

/// Splits bytes into lines and puts the tag before each.
#[derive(Debug, Default)]
pub struct LineBuffer {
    tag: Vec<u8>,
    partial: Vec<u8>,
    /// Whether the beginning of the current line was passed on already.
    in_line: bool,
}

impl LineBuffer {
    /// Lines start with `tag`.
    pub fn new(tag: impl Into<Vec<u8>>) -> Self {
        Self { tag: tag.into(), ..Self::default() }
    }

    /// Takes bytes; hands complete lines on.
    pub fn feed(&mut self, mut bytes: &[u8], out: &mut impl FnMut(&[u8])) {
        if self.tag.is_empty() {
            // The common case, many lines in one piece.
            if let Some(end) = bytes.iter().rposition(|&b| b == b'\n') {
                self.flush(out);
                out(&bytes[..=end]);
                self.in_line = false;
                bytes = &bytes[end + 1..];
            }
            self.partial.extend_from_slice(bytes);
        } else {
            for piece in bytes.split_inclusive(|&b| b == b'\n') {
                self.partial.extend_from_slice(piece);
                if piece.ends_with(b"\n") {
                    self.flush(out);
                    self.in_line = false;
                }
            }
        }
        if self.partial.len() > LONGEST_LINE {
            self.flush(out);
        }
    }

    /// Hands on the unfinished line.
    pub fn flush(&mut self, out: &mut impl FnMut(&[u8])) {
        if self.partial.is_empty() {
            return;
        }
        if !self.in_line && !self.tag.is_empty() {
            out(&self.tag);
        }
        out(&self.partial);
        self.partial.clear();
        self.in_line = true;
    }

    /// Hands on the unfinished line and ends it, when a tag says lines are what matters.
    pub fn finish(&mut self, out: &mut impl FnMut(&[u8])) {
        self.flush(out);
        if self.in_line && !self.tag.is_empty() {
            out(b"\n");
            self.in_line = false;
        }
    }

    /// Whether an unfinished line waits.
    pub fn has_partial(&self) -> bool {
        !self.partial.is_empty()
    }
}

/// A rank's stream and where it comes from.
#[derive(Debug)]
pub struct Stream {
    fd: Option<OwnedFd>,
    lines: LineBuffer,
    prompts: bool,
    quiet_since: Instant,
}

impl Stream {
    /// Reads from `fd`, which must be non-blocking. With `prompts`, unfinished lines are shown after a moment.
    pub fn new(fd: OwnedFd, tag: &str, prompts: bool) -> Self {
        Self { fd: Some(fd), lines: LineBuffer::new(tag), prompts, quiet_since: Instant::now() }
    }

    /// The descriptor, until it is closed.
    pub fn fd(&self) -> Option<&OwnedFd> {
        self.fd.as_ref()
    }

    /// Reads once.
    pub fn read(&mut self, sink: &mut Sink) -> ReadState {
        let Some(fd) = &self.fd else { return ReadState::Closed };
        let mut buffer = [0; READ];
        match rustix::io::read(fd, &mut buffer) {
            Ok(0) => self.close(sink),
            Ok(n) => {
                self.quiet_since = Instant::now();
                self.lines.feed(&buffer[..n], &mut |bytes| sink.push(bytes));
                ReadState::Some
            }
            Err(Errno::AGAIN | Errno::INTR) => ReadState::Empty,
            // A socket whose other end was killed with unread input says "reset" rather than "closed".
            Err(_) => self.close(sink),
        }
    }

    /// Reads everything that is there, then closes: the rank has ended.
    pub fn drain(&mut self, sink: &mut Sink) {
        while self.read(sink) == ReadState::Some {}
        self.close(sink);
    }

    fn close(&mut self, sink: &mut Sink) -> ReadState {
        self.fd = None;
        self.lines.finish(&mut |bytes| sink.push(bytes));
        ReadState::Closed
    }

    /// Shows an unfinished line that has waited long enough; returns whether one still waits for that.
    pub fn show_prompt(&mut self, now: Instant, sink: &mut Sink) -> bool {
        if !self.prompts || !self.lines.has_partial() {
            return false;
        }
        if now.duration_since(self.quiet_since) < PROMPT {
            return true;
        }
        self.lines.flush(&mut |bytes| sink.push(bytes));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(lines: &mut LineBuffer, bytes: &[u8]) -> String {
        let mut out = Vec::new();
        lines.feed(bytes, &mut |b| out.extend_from_slice(b));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_whole_lines_pass() {
        let mut lines = LineBuffer::default();
        assert_eq!(feed(&mut lines, b"a"), "");
        assert_eq!(feed(&mut lines, b"b\nc\nd"), "ab\nc\n");
        assert!(lines.has_partial());
        let mut rest = Vec::new();
        lines.finish(&mut |b| rest.extend_from_slice(b));
        assert_eq!(rest, b"d", "untagged output is passed on byte by byte as it was");
    }

    #[test]
    fn every_line_is_tagged_once() {
        let mut lines = LineBuffer::new("[3] ");
        assert_eq!(feed(&mut lines, b"a\n\nb"), "[3] a\n[3] \n");
        let mut prompt = Vec::new();
        lines.flush(&mut |b| prompt.extend_from_slice(b));
        assert_eq!(prompt, b"[3] b");
        assert_eq!(feed(&mut lines, b"c\nd\n"), "c\n[3] d\n");
        assert_eq!(feed(&mut lines, b"e"), "");
        let mut rest = Vec::new();
        lines.finish(&mut |b| rest.extend_from_slice(b));
        assert_eq!(rest, b"[3] e\n");
    }

    #[test]
    fn an_endless_line_is_bounded() {
        let mut lines = LineBuffer::new("[0] ");
        let out = feed(&mut lines, &vec![b'x'; LONGEST_LINE + 1]);
        assert_eq!(out.len(), LONGEST_LINE + 1 + 4);
        assert!(!lines.has_partial());
    }
}
