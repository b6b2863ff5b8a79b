//! Standard input: the bytes that came, and where they end.

use alloc::collections::VecDeque;

/// Input as far as it came.
pub struct Input {
    bytes: VecDeque<u8>,
    /// All bytes that ever came.
    received: u64,
    /// All bytes there will be, once the host has said so.
    end: Option<u64>,
}

impl Input {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { bytes: VecDeque::new(), received: 0, end: None }
    }

    /// Takes what came on the out console.
    pub fn data(&mut self, data: &[u8]) {
        self.bytes.extend(data);
        self.received += data.len() as u64;
    }

    /// The host says how many bytes there will be.
    pub fn ends_after(&mut self, bytes: u64) {
        self.end = Some(bytes);
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
        input.ends_after(5);
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
}
