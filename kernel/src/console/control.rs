//! Lines from the host on the control console. They may come in pieces; what is none of ours is ignored.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Longest line; more is no line of ours.
const LINE_MAX: usize = 128;
/// Most lines that wait: the host has no reason to send so many.
const LINES_MAX: usize = 256;

/// What the host says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    /// Standard input ends after so many bytes.
    InputEnds(u64),
    /// The rank gets this signal.
    Signal(u32),
}

/// Lines as far as they came.
pub struct Control {
    line: Vec<u8>,
    lines: VecDeque<Line>,
}

impl Control {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { line: Vec::new(), lines: VecDeque::new() }
    }

    /// Takes what came.
    pub fn feed(&mut self, text: &[u8]) {
        for &byte in text {
            if byte == b'\n' {
                if self.lines.len() < LINES_MAX {
                    self.lines.extend(parse(&self.line));
                }
                self.line.clear();
            } else if self.line.len() < LINE_MAX {
                self.line.push(byte);
            }
        }
    }

    /// The next line that was understood.
    pub fn next(&mut self) -> Option<Line> {
        self.lines.pop_front()
    }
}

fn parse(line: &[u8]) -> Option<Line> {
    let (word, number) = core::str::from_utf8(line).ok()?.split_once(' ')?;
    match word {
        "stdin-eof" => number.trim().parse().ok().map(Line::InputEnds),
        "signal" => number.trim().parse().ok().map(Line::Signal),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Line> {
        let mut control = Control::new();
        pieces.iter().for_each(|piece| control.feed(piece));
        core::iter::from_fn(|| control.next()).collect()
    }

    #[test]
    fn lines_may_come_in_pieces_and_others_are_ignored() {
        let pieces =
            [&b"nonsense\nstdin-e"[..], b"of ", b"7", b"\nstdin-eof x\n", &[b'z'; 500], b"\nsignal 15\n"];
        assert_eq!(lines(&pieces), [Line::InputEnds(7), Line::Signal(15)]);
        assert_eq!(lines(&[b"signal -1\nsignal 99999999999\nsignal\n\xff 1\nsignal 2"]), []);
    }

    #[test]
    fn a_host_that_never_stops_fills_no_memory() {
        assert_eq!(lines(&[b"signal 1\n".repeat(1000).as_slice()]).len(), LINES_MAX);
    }
}
