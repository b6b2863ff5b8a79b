//! Standard input: the bytes that came, and where they end.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Longest control line; more is no line of ours.
const LINE_MAX: usize = 128;

/// Input as far as it came.
pub struct Input {
    bytes: VecDeque<u8>,
    /// All bytes that ever came.
    received: u64,
    /// All bytes there will be, once the host has said so.
    end: Option<u64>,
    line: Vec<u8>,
}

impl Input {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { bytes: VecDeque::new(), received: 0, end: None, line: Vec::new() }
    }

    /// Takes what came on the out console.
    pub fn data(&mut self, data: &[u8]) {
        self.bytes.extend(data);
        self.received += data.len() as u64;
    }

    /// Takes what came on the ctl console.
    pub fn control(&mut self, text: &[u8]) {
        for &byte in text {
            if byte != b'\n' {
                if self.line.len() < LINE_MAX {
                    self.line.push(byte);
                }
                continue;
            }
            if let Some(count) = self.line.strip_prefix(b"stdin-eof ") {
                self.end = core::str::from_utf8(count).ok().and_then(|n| n.trim().parse().ok()).or(self.end);
            }
            self.line.clear();
        }
    }

    /// Whether a read returns at once: bytes, or the end.
    pub fn is_ready(&self) -> bool {
        !self.bytes.is_empty() || self.end.is_some_and(|end| self.received >= end)
    }

    /// Takes bytes; 0 when there are none.
    pub fn read(&mut self, buf: &mut [u8]) -> usize {
        let n = buf.len().min(self.bytes.len());
        for (to, from) in buf.iter_mut().zip(self.bytes.drain(..n)) {
            *to = from;
        }
        n
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_counts_bytes_wherever_the_line_comes() {
        let mut input = Input::new();
        input.control(b"stdin-eof 5\n");
        assert!(!input.is_ready());
        input.data(b"hel");
        let mut buf = [0; 8];
        assert_eq!(input.read(&mut buf), 3);
        assert!(!input.is_ready());
        input.data(b"lo");
        assert_eq!((input.is_ready(), input.read(&mut buf[..1]), input.read(&mut buf)), (true, 1, 1));
        assert!(input.is_ready());
        assert_eq!(input.read(&mut buf), 0);
    }

    #[test]
    fn control_lines_may_come_in_pieces_and_others_are_ignored() {
        let mut input = Input::new();
        for piece in [&b"nonsense\nstdin-e"[..], b"of ", b"0", b"\nstdin-eof x\n", &[b'z'; 500], b"\n"] {
            input.control(piece);
        }
        assert!(input.is_ready());
    }
}
