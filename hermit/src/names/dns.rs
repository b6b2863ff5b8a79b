//! Questions to name servers and their answers (RFC 1035, section 4; RFC 3596 for AAAA). What a server sends is anything.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::host::Found;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Kind {
    A = 1,
    Aaaa = 28,
}

const CLASS_IN: u16 = 1;
const HEADER: usize = 12;
const ASK_OTHERS: u16 = 0x0100;
const IS_ANSWER: u16 = 0x8000;
const NO_SUCH_NAME: u16 = 3;
/// Longest name as it is sent, and a question with it.
const LONGEST_NAME: usize = 255;
const LONGEST: usize = HEADER + LONGEST_NAME + 4;

/// A question as it is sent.
pub struct Question {
    bytes: [u8; LONGEST],
    len: usize,
    kind: Kind,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All addresses there are; perhaps none of this kind.
    Answered,
    NoSuchName,
    /// The server cannot say.
    ServerFailed,
    /// No answer to this question.
    Garbage,
}

impl Question {
    /// None for what cannot be a name.
    pub fn new(id: u16, name: &str, kind: Kind) -> Option<Self> {
        let mut question = Self { bytes: [0; LONGEST], len: HEADER, kind };
        question.bytes[..2].copy_from_slice(&id.to_be_bytes());
        question.bytes[2..4].copy_from_slice(&ASK_OTHERS.to_be_bytes());
        question.bytes[5] = 1;
        for label in name.strip_suffix('.').unwrap_or(name).split('.') {
            if label.is_empty() || label.len() > 63 {
                return None;
            }
            question.put(&[label.len() as u8])?;
            question.put(label.as_bytes())?;
        }
        question.put(&[0])?;
        if question.len - HEADER > LONGEST_NAME {
            return None;
        }
        question.put(&(kind as u16).to_be_bytes())?;
        question.put(&CLASS_IN.to_be_bytes())?;
        Some(question)
    }

    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        self.bytes.get_mut(self.len..self.len + bytes.len())?.copy_from_slice(bytes);
        self.len += bytes.len();
        Some(())
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Takes the addresses out of an answer.
    pub fn take(&self, answer: &[u8], found: &mut Found) -> Outcome {
        let Some((flags, records)) = self.header(answer) else { return Outcome::Garbage };
        match flags & 0xf {
            0 => self.records(answer, records, found).unwrap_or(Outcome::Garbage),
            NO_SUCH_NAME => Outcome::NoSuchName,
            _ => Outcome::ServerFailed,
        }
    }

    /// Flags and number of records, if it answers this question.
    fn header(&self, answer: &[u8]) -> Option<(u16, u16)> {
        let question = self.bytes();
        let (flags, questions, records) = (word(answer, 2)?, word(answer, 4)?, word(answer, 6)?);
        let ours = answer.get(..2)? == &question[..2]
            && flags & IS_ANSWER != 0
            && questions == 1
            && answer.get(HEADER..question.len())?.eq_ignore_ascii_case(&question[HEADER..]);
        ours.then_some((flags, records))
    }

    /// The chain of other names that may come before the addresses is the server's business.
    fn records(&self, answer: &[u8], records: u16, found: &mut Found) -> Option<Outcome> {
        let mut at = self.len;
        for _ in 0..records {
            at = after_name(answer, at)?;
            let (kind, class, len) = (word(answer, at)?, word(answer, at + 2)?, word(answer, at + 8)?);
            let data = answer.get(at + 10..at + 10 + usize::from(len))?;
            at += 10 + data.len();
            if class != CLASS_IN || kind != self.kind as u16 {
                continue;
            }
            if let Ok(bytes) = <[u8; 4]>::try_from(data) {
                found.add(IpAddr::V4(Ipv4Addr::from(bytes)));
            } else if let Ok(bytes) = <[u8; 16]>::try_from(data) {
                found.add(IpAddr::V6(Ipv6Addr::from(bytes)));
            } else {
                return None;
            }
        }
        Some(Outcome::Answered)
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}

/// Where a name ends that begins at `at`: with a label of no length, or a pointer to the rest.
fn after_name(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            0xc0.. => return Some(at + 2),
            len @ 1..=63 => at += 1 + usize::from(len),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer with another name (CNAME) before an address, and one of a kind nobody asked for.
    fn answer(question: &Question, code: u8) -> Vec<u8> {
        let mut bytes = question.bytes().to_vec();
        bytes[2..4].copy_from_slice(&[0x81, 0x80 | code]);
        bytes[7] = 3;
        let record = |kind: u8, data: &[u8]| {
            let mut record = vec![0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, data.len() as u8];
            record.extend(data);
            record
        };
        bytes.extend(record(5, b"\x03www\xc0\x0c"));
        bytes.extend(record(1, &[10, 0, 0, 9]));
        bytes.extend(record(28, &[0xfe; 16]));
        bytes
    }

    #[test]
    fn a_question_as_the_rfc_has_it() {
        let question = Question::new(0x1234, "a.bc.", Kind::Aaaa).expect("a name");
        assert_eq!(question.bytes(), b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\x02bc\0\0\x1c\0\x01");
        let long = "a".repeat(64);
        for name in ["", ".", "a..b", long.as_str(), &"abc.".repeat(64)] {
            assert!(Question::new(1, name, Kind::A).is_none(), "{name}");
        }
    }

    #[test]
    fn addresses_of_the_kind_asked_for() {
        for (kind, expected) in
            [(Kind::A, "10.0.0.9"), (Kind::Aaaa, "fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe")]
        {
            let question = Question::new(7, "host.lab", kind).expect("a name");
            let mut found = Found::new();
            assert_eq!(question.take(&answer(&question, 0), &mut found), Outcome::Answered);
            assert_eq!(found.addresses().iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
            assert_eq!(question.take(&answer(&question, 3), &mut Found::new()), Outcome::NoSuchName);
            assert_eq!(question.take(&answer(&question, 2), &mut Found::new()), Outcome::ServerFailed);
        }
    }

    #[test]
    fn garbage_is_never_an_answer() {
        let question = Question::new(7, "host.lab", Kind::A).expect("a name");
        let whole = answer(&question, 0);
        for len in 0..whole.len() {
            assert_eq!(question.take(&whole[..len], &mut Found::new()), Outcome::Garbage, "{len}");
        }
        let other = Question::new(8, "host.lab", Kind::A).expect("a name");
        assert_eq!(other.take(&whole, &mut Found::new()), Outcome::Garbage);
        // Any change of any byte: an outcome, not a fault.
        for at in 0..whole.len() {
            for value in [0, 1, 63, 64, 0xc0, 0xff] {
                let mut changed = whole.clone();
                changed[at] = value;
                question.take(&changed, &mut Found::new());
            }
        }
    }
}
