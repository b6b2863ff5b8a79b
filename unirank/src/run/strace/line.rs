//! A call as the guest's kernel tells it (`kernel/src/sys/strace.rs`): `TID NUMBER ARG0 ... ARG5 RESULT NANOSECONDS
//! [I:BYTES]...`. The guest is hostile: what is not of this form is no call.

/// Most bytes an argument is taken to point to.
const MOST_MEMORY: usize = 4096;

/// Bytes an argument pointed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The argument.
    pub argument: usize,
    /// The first bytes.
    pub bytes: Vec<u8>,
    /// Whether there were more.
    pub cut: bool,
}

/// A system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The thread that made it.
    pub tid: u32,
    /// Its number.
    pub number: u64,
    /// Its arguments.
    pub args: [u64; 6],
    /// Its result; `None` if it does not return.
    pub result: Option<i64>,
    /// How long it took.
    pub ns: u64,
    /// What its arguments point to.
    pub memory: Vec<Memory>,
}

impl Line {
    /// Reads a line, without its first word.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let mut word = || words.next();
        let (tid, number) = (word()?.parse().ok()?, word()?.parse().ok()?);
        let mut args = [0; 6];
        for arg in &mut args {
            *arg = u64::from_str_radix(word()?, 16).ok()?;
        }
        let result = match word()? {
            "?" => None,
            value => Some(value.parse().ok()?),
        };
        let ns = word()?.parse().ok()?;
        let memory = words.map(Memory::parse).collect::<Option<_>>()?;
        Some(Self { tid, number, args, result, ns, memory })
    }

    /// What an argument points to.
    pub fn memory(&self, argument: usize) -> Option<&Memory> {
        self.memory.iter().find(|memory| memory.argument == argument)
    }
}

impl Memory {
    fn parse(word: &str) -> Option<Self> {
        let (argument, digits) = word.split_once(':')?;
        let (digits, cut) = digits.strip_suffix('+').map_or((digits, false), |digits| (digits, true));
        if digits.len() % 2 != 0 || digits.len() > 2 * MOST_MEMORY {
            return None;
        }
        let digit = |d: u8| char::from(d).to_digit(16).map(|d| d as u8);
        let byte = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
        let bytes = digits.as_bytes().chunks_exact(2).map(byte).collect::<Option<_>>()?;
        Some(Self { argument: argument.parse().ok().filter(|&n| n < 6)?, bytes, cut })
    }
}
