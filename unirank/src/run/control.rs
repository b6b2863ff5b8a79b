//! The lifecycle lines a guest writes on its control console. The guest is hostile: lines are bounded and every
//! field is checked; what does not parse is reported once and otherwise ignored.

use std::ops::Range;

use super::core::Place;
use super::deadlock::Wait;

/// Longest line taken; a fault report with a deep backtrace is well below.
pub const LONGEST_LINE: usize = 32 << 10;
/// Most stages of a boot in one line, and the longest name of one.
const MOST_STAGES: usize = 32;
const LONGEST_STAGE: usize = 24;
/// Longest text of a guest that a message of ours shows, characters.
pub const LONGEST_TEXT: usize = 500;

/// The end of a stage of a rank's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// The rank's time stamp counter.
    pub ticks: u64,
}

/// One line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// The kernel runs; its protocol version and its crate's version.
    Hello {
        /// Guest/host protocol version.
        protocol: u32,
        /// Version of the kernel's crate.
        version: String,
    },
    /// The program's `_start` is next.
    Main,
    /// The rank's time stamp counter now, and when stages of its start ended.
    Boot {
        /// When the line was sent.
        sent: u64,
        /// The stages, the first first.
        stages: Vec<Stage>,
    },
    /// MPI_Init is done.
    MpiInit,
    /// MPI_Finalize is done.
    MpiFinalized,
    /// It has waited in MPI for long.
    Waiting(Box<Wait>),
    /// It goes on.
    Proceeding,
    /// MPI_Abort, or MPI's own error handler.
    MpiAbort {
        /// The code given to MPI_Abort.
        code: i32,
        /// What MPI says of it.
        text: String,
    },
    /// The program ended.
    Exit(u8),
    /// The kernel gave up.
    Abort {
        /// Its code.
        code: i32,
        /// What it says.
        text: String,
    },
    /// A processor exception; the text is JSON.
    Fault(String),
    /// The rank dies and has left what its core file needs.
    Core(Place),
    /// The rank's samples are there.
    Profile(Place),
    /// The program is about to use memory for the first time: first byte and the one after the last.
    Large(Range<u64>),
    /// A system call, in numbers.
    Call(String),
    /// Something the user should know once.
    Note(String),
    /// The program asks that its exit counters be recorded under this label.
    Stats(String),
    /// A line that is none of these.
    Unknown(String),
}

impl Control {
    /// Understands one line, without its newline.
    pub fn parse(line: &[u8]) -> Self {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches('\r');
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let parsed = match word {
            "hello" => parse_hello(rest),
            "main" => Some(Self::Main),
            "boot" => parse_boot(rest),
            "mpi-init" => Some(Self::MpiInit),
            "mpi-finalized" => Some(Self::MpiFinalized),
            "waiting" => Wait::parse(rest).map(|wait| Self::Waiting(Box::new(wait))),
            "proceeding" => Some(Self::Proceeding),
            "mpi-abort" => parse_code(rest).map(|(code, text)| Self::MpiAbort { code, text }),
            "exit" => rest.trim().parse::<i64>().ok().map(|status| Self::Exit((status & 0xff) as u8)),
            "abort" => parse_code(rest).map(|(code, text)| Self::Abort { code, text }),
            "fault" => Some(Self::Fault(rest.to_owned())),
            "core" => Place::parse(rest).map(Self::Core),
            "profile" => Place::parse(rest).map(Self::Profile),
            "large" => parse_range(rest).map(Self::Large),
            "sys" => Some(Self::Call(rest.to_owned())),
            "note" => Some(Self::Note(short(rest))),
            "stats" => Some(Self::Stats(short(rest))),
            _ => None,
        };
        parsed.unwrap_or_else(|| Self::Unknown(short(line)))
    }
}

fn parse_hello(rest: &str) -> Option<Control> {
    let (protocol, version) = rest.split_once(' ').unwrap_or((rest, "unknown"));
    Some(Control::Hello { protocol: protocol.parse().ok()?, version: crate::text::one_line(version, 32) })
}

fn parse_boot(rest: &str) -> Option<Control> {
    let mut words = rest.split(' ');
    let sent = words.next()?.parse().ok()?;
    let stage = |word: &str| {
        let (name, ticks) = word.split_once('=')?;
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        let fits = (1..=LONGEST_STAGE).contains(&name.len());
        Some(Stage { name: name.to_owned(), ticks: ticks.parse().ok().filter(|_| plain && fits)? })
    };
    let stages = words.take(MOST_STAGES + 1).map(stage).collect::<Option<Vec<_>>>()?;
    (stages.len() <= MOST_STAGES).then_some(Control::Boot { sent, stages })
}

fn parse_range(rest: &str) -> Option<Range<u64>> {
    let (start, end) = rest.split_once(' ')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some(number(start)?..number(end)?)
}

fn parse_code(rest: &str) -> Option<(i32, String)> {
    let (code, text) = rest.split_once(' ').unwrap_or((rest, ""));
    Some((code.parse().ok()?, short(text)))
}

fn short(text: &str) -> String {
    crate::text::one_line(text.trim(), LONGEST_TEXT)
}

/// Splits what arrives into lines; a line longer than [`LONGEST_LINE`] is cut there and its rest dropped.
#[derive(Debug, Default)]
pub struct Lines {
    partial: Vec<u8>,
    dropping: bool,
}

impl Lines {
    /// Takes bytes and calls `each` for every complete line.
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|&b| b == b'\n') {
            let (text, ends) = match piece.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (piece, false),
            };
            let room = LONGEST_LINE - self.partial.len();
            self.partial.extend_from_slice(&text[..text.len().min(room)]);
            if text.len() > room && !self.dropping {
                self.dropping = true;
                each(&self.partial);
            }
            if ends {
                if !self.dropping {
                    each(&self.partial);
                }
                self.partial.clear();
                self.dropping = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn understands_each_line() {
        let cases = [
            ("hello 1 0.1.0", Control::Hello { protocol: 1, version: "0.1.0".into() }),
            ("main", Control::Main),
            ("mpi-init\r", Control::MpiInit),
            ("exit 3", Control::Exit(3)),
            ("exit 256", Control::Exit(0)),
            ("exit -1", Control::Exit(255)),
            ("abort 7 no memory", Control::Abort { code: 7, text: "no memory".into() }),
            ("mpi-abort -2 x y", Control::MpiAbort { code: -2, text: "x y".into() }),
            ("core 0x1000 96", Control::Core(Place { address: 4096, len: 96 })),
            ("large 200000 a00000", Control::Large(0x20_0000..0xa0_0000)),
            ("boot 7", Control::Boot { sent: 7, stages: Vec::new() }),
            ("boot 7 a-b=5", {
                let stage = Stage { name: "a-b".into(), ticks: 5 };
                Control::Boot { sent: 7, stages: vec![stage] }
            }),
            ("note \u{1b}[2J", Control::Note("\\u{1b}[2J".into())),
        ];
        for (line, expected) in cases {
            assert_eq!(Control::parse(line.as_bytes()), expected, "{line}");
        }
        for bad in
            ["", " ", "exit", "exit x", "exit 99999999999999999999", "hello", "abort", "mpi-abort x", "\u{0}"]
        {
            assert!(matches!(Control::parse(bad.as_bytes()), Control::Unknown(_)), "{bad:?}");
        }
        assert!(matches!(Control::parse(b"\xff\xfe"), Control::Unknown(_)));
        let many = format!("boot 1{}", " a=1".repeat(MOST_STAGES + 1));
        for bad in ["large", "large 1", "large 1 x", "large -1 2", "large 0 10000000000000000"] {
            assert!(matches!(Control::parse(bad.as_bytes()), Control::Unknown(_)), "{bad:?}");
        }
        for bad in
            ["boot", "boot x", "boot 1 a", "boot 1 =1", "boot 1 a=x", "boot 1 a b=1", "boot 1 \u{7}=1", &many]
        {
            assert!(matches!(Control::parse(bad.as_bytes()), Control::Unknown(_)), "{bad:?}");
        }
    }

    #[test]
    fn lines_are_bounded_and_arrive_in_any_pieces() {
        let mut seen = Vec::new();
        let mut lines = Lines::default();
        for byte in b"one\n\ntwo" {
            lines.feed(&[*byte], |l| seen.push(l.to_vec()));
        }
        lines.feed(b"\n", |l| seen.push(l.to_vec()));
        assert_eq!(seen, [b"one".to_vec(), b"".to_vec(), b"two".to_vec()]);

        let mut lengths = Vec::new();
        for _ in 0..40 {
            lines.feed(&[b'x'; 1000], |l| lengths.push(l.len()));
        }
        lines.feed(b"\nok\n", |l| lengths.push(l.len()));
        assert_eq!(lengths, [LONGEST_LINE, 2], "the long line once, cut; then the next one");
    }

    #[test]
    fn noise_never_panics() {
        const ALPHABET: &[u8] = b"exit abort fault hello mpi-\n -0123456789\xff\x1b";
        let mut state = 1u64;
        let mut lines = Lines::default();
        for _ in 0..2000 {
            let bytes: Vec<u8> = (0..64)
                .map(|_| {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    ALPHABET[(state >> 33) as usize % ALPHABET.len()]
                })
                .collect();
            lines.feed(&bytes, |line| drop(Control::parse(line)));
        }
    }
}
