//! Trace records: what a rank did when, written by the rank into its part of the job region, read by the runner after
//! the job, however it ended.
//!
//! | offset in a rank's part | what |
//! |---|---|
//! | 0x00 | u64: records written so far; the newest are kept |
//! | 0x08 | i64: nanoseconds from the rank's clock to the host's monotonic one |
//! | 0x10 | u64: by how many nanoseconds that may be wrong |
//! | 0x18 | u64: names of functions that are set |
//! | 0x20 | u64: the call under way: name + 1, ranks of its communicator << 32; 0 for none |
//! | 0x28 | u64: when it began |
//! | 0x40 | u64: question for the host's time, counted up by the rank |
//! | 0x80 | u64: the question that is answered, 0x88 u64: the host's time, both by the runner |
//! | 0x1000 | 512 names of 32 bytes, ended by NUL if shorter |
//! | 0x5000 | records of 32 bytes, a ring |
//!
//! Times are nanoseconds of the rank's clock. Whatever a rank writes, the reader gets numbers, never an error.

use core::sync::atomic::Ordering;

use crate::region::JobRegion;

/// Bytes of a name.
pub const NAME: usize = 32;
/// Most names.
pub const NAMES: u64 = 512;
/// Bytes of a record.
pub const RECORD: u64 = 32;
/// Least bytes of a rank's part.
pub const LEAST: u64 = 64 << 10;

const WRITTEN: u64 = 0x00;
const SHIFT: u64 = 0x08;
const DOUBT: u64 = 0x10;
const NAMES_SET: u64 = 0x18;
const OPEN: u64 = 0x20;
const OPEN_SINCE: u64 = 0x28;
const QUESTION: u64 = 0x40;
const ANSWERED: u64 = 0x80;
const ANSWER: u64 = 0x88;
const NAMES_AT: u64 = 0x1000;
const RECORDS_AT: u64 = 0x5000;

/// A message that was sent or received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    /// When.
    pub time: u64,
    /// The other rank.
    pub peer: u16,
    /// Its tag.
    pub tag: i32,
    /// Its bytes.
    pub bytes: u64,
    /// Its number among the messages of this ordered pair of ranks.
    pub sequence: u32,
    /// The context of its communicator.
    pub context: u32,
}

/// One record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Record {
    /// A call of an MPI function.
    Call {
        /// When it began.
        start: u64,
        /// How long it took.
        duration: u64,
        /// Number of the function's name.
        name: u16,
        /// Ranks of the communicator if it is a collective, else 0.
        ranks: u32,
    },
    /// The rank waited in a call.
    Wait {
        /// Since when.
        start: u64,
        /// How long.
        duration: u64,
    },
    /// The rank slept in a wait.
    Sleep {
        /// Since when.
        start: u64,
        /// How long.
        duration: u64,
    },
    /// A message left.
    Sent(Message),
    /// A message came.
    Received(Message),
    /// A receive took a message that had come before; its sequence number is not known any more.
    Taken(Message),
}

const CALL: u8 = 1;
const WAIT: u8 = 2;
const SLEEP: u8 = 3;
const SENT: u8 = 4;
const RECEIVED: u8 = 5;
const TAKEN: u8 = 6;

impl Record {
    /// As it lies in memory.
    pub fn encode(&self) -> [u64; 4] {
        let head =
            |kind: u8, id: u16, number: u32| u64::from(kind) | u64::from(id) << 16 | u64::from(number) << 32;
        let message = |kind, m: &Message| {
            let last = u64::from(m.sequence) | u64::from(m.context) << 32;
            [m.time, head(kind, m.peer, m.tag as u32), m.bytes, last]
        };
        match self {
            Self::Call { start, duration, name, ranks } => [*start, head(CALL, *name, *ranks), *duration, 0],
            Self::Wait { start, duration } => [*start, head(WAIT, 0, 0), *duration, 0],
            Self::Sleep { start, duration } => [*start, head(SLEEP, 0, 0), *duration, 0],
            Self::Sent(m) => message(SENT, m),
            Self::Received(m) => message(RECEIVED, m),
            Self::Taken(m) => message(TAKEN, m),
        }
    }

    /// What lies in memory; none if it is no record.
    pub fn decode([time, head, third, last]: [u64; 4]) -> Option<Self> {
        let (id, number) = ((head >> 16) as u16, (head >> 32) as u32);
        let message = || Message {
            time,
            peer: id,
            tag: number as i32,
            bytes: third,
            sequence: last as u32,
            context: (last >> 32) as u32,
        };
        Some(match head as u8 {
            CALL => Self::Call { start: time, duration: third, name: id, ranks: number },
            WAIT => Self::Wait { start: time, duration: third },
            SLEEP => Self::Sleep { start: time, duration: third },
            SENT => Self::Sent(message()),
            RECEIVED => Self::Received(message()),
            TAKEN => Self::Taken(message()),
            _ => return None,
        })
    }
}

/// A call that has not returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenCall {
    /// Number of the function's name.
    pub name: u16,
    /// Ranks of the communicator if it is a collective, else 0.
    pub ranks: u32,
    /// When it began.
    pub since: u64,
}

/// The trace of one rank.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    region: JobRegion,
    at: u64,
    /// Records there is room for.
    capacity: u64,
}

impl JobRegion {
    /// The trace of a rank; none if nothing is traced, or there is no such rank.
    pub fn trace(&self, rank: u32) -> Option<Trace> {
        let layout = self.layout();
        let len = layout.trace_len;
        if rank >= layout.ranks || len < LEAST {
            return None;
        }
        let at = layout.trace + u64::from(rank) * len;
        Some(Trace { region: *self, at, capacity: (len - RECORDS_AT) / RECORD })
    }
}

impl Trace {
    fn get(&self, offset: u64) -> u64 {
        self.region.word64(self.at + offset).load(Ordering::Relaxed)
    }

    fn set(&self, offset: u64, value: u64) {
        self.region.word64(self.at + offset).store(value, Ordering::Relaxed);
    }

    fn record_at(&self, number: u64) -> u64 {
        RECORDS_AT + number % self.capacity * RECORD
    }

    /// Rank: appends a record, over the oldest if there is no room.
    pub fn push(&self, record: &Record) {
        let written = self.get(WRITTEN);
        let at = self.record_at(written);
        for (n, word) in record.encode().into_iter().enumerate() {
            self.set(at + 8 * n as u64, word);
        }
        // A reader of an ended rank sees whole records only.
        self.region.word64(self.at + WRITTEN).store(written.wrapping_add(1), Ordering::Release);
    }

    /// Rank: gives a name a number; none if all are used.
    pub fn add_name(&self, name: &str) -> Option<u16> {
        let number = self.get(NAMES_SET);
        if number >= NAMES {
            return None;
        }
        let mut bytes = [0; NAME];
        let len = name.len().min(NAME);
        bytes[..len].copy_from_slice(&name.as_bytes()[..len]);
        for (n, word) in bytes.as_chunks::<8>().0.iter().enumerate() {
            self.set(NAMES_AT + number * NAME as u64 + 8 * n as u64, u64::from_le_bytes(*word));
        }
        self.set(NAMES_SET, number + 1);
        Some(number as u16)
    }

    /// Rank: a call begins.
    pub fn open(&self, call: &OpenCall) {
        self.set(OPEN_SINCE, call.since);
        self.set(OPEN, (u64::from(call.name) + 1) | (u64::from(call.ranks) << 32));
    }

    /// Rank: the call is over.
    pub fn close(&self) {
        self.set(OPEN, 0);
    }

    /// Rank: asks the runner for the host's time, for the `number`th time.
    pub fn ask(&self, number: u64) {
        self.region.word64(self.at + QUESTION).store(number, Ordering::Release);
    }

    /// Rank: the host's time, once the question of that number is answered.
    pub fn answer(&self, number: u64) -> Option<u64> {
        let answered = self.region.word64(self.at + ANSWERED).load(Ordering::Acquire);
        (answered == number).then(|| self.get(ANSWER))
    }

    /// Rank: tells how its clock differs from the host's, and by how much that may be wrong.
    pub fn set_shift(&self, shift: i64, doubt: u64) {
        self.set(SHIFT, shift as u64);
        self.set(DOUBT, doubt);
    }

    /// Runner: the question that waits for an answer.
    pub fn question(&self) -> Option<u64> {
        let question = self.region.word64(self.at + QUESTION).load(Ordering::Acquire);
        (question != self.get(ANSWERED)).then_some(question)
    }

    /// Runner: answers.
    pub fn tell(&self, question: u64, host_ns: u64) {
        self.set(ANSWER, host_ns);
        self.region.word64(self.at + ANSWERED).store(question, Ordering::Release);
    }

    /// Runner: nanoseconds from the rank's clock to the host's, and by how many that may be wrong.
    pub fn shift(&self) -> (i64, u64) {
        (self.get(SHIFT) as i64, self.get(DOUBT))
    }

    /// Runner: the call that has not returned.
    pub fn opened(&self) -> Option<OpenCall> {
        let word = self.get(OPEN);
        let name = (word as u32).checked_sub(1)? as u16;
        Some(OpenCall { name, ranks: (word >> 32) as u32, since: self.get(OPEN_SINCE) })
    }

    /// Runner: the bytes of a name; none if there is none of that number.
    pub fn name(&self, number: u16) -> Option<[u8; NAME]> {
        if u64::from(number) >= self.get(NAMES_SET).min(NAMES) {
            return None;
        }
        let mut bytes = [0; NAME];
        for (n, word) in bytes.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            *word = self.get(NAMES_AT + u64::from(number) * NAME as u64 + 8 * n as u64).to_le_bytes();
        }
        Some(bytes)
    }

    /// Runner: how many records were written and are not there any more.
    pub fn dropped(&self) -> u64 {
        let written = self.get(WRITTEN);
        written - self.kept(written)
    }

    /// Records that are there: when the ring is full, the oldest may be half overwritten.
    fn kept(&self, written: u64) -> u64 {
        if written < self.capacity { written } else { self.capacity - 1 }
    }

    /// Runner: the records that are there, the oldest first; none for what is no record.
    pub fn records(&self) -> impl Iterator<Item = Option<Record>> {
        let written = self.region.word64(self.at + WRITTEN).load(Ordering::Acquire);
        let trace = *self;
        (written - self.kept(written)..written).map(move |number| {
            let at = trace.record_at(number);
            Record::decode(core::array::from_fn(|n| trace.get(at + 8 * n as u64)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Layout;
    use crate::region::testing::region_of;
    use std::vec::Vec;

    fn traces() -> [Trace; 2] {
        let region = region_of(Layout::new(1, 2, LEAST, 0));
        [0, 1].map(|rank| region.trace(rank).unwrap())
    }

    fn message(sequence: u32) -> Message {
        Message { time: 9, peer: 1023, tag: -5, bytes: u64::MAX, sequence, context: u32::MAX }
    }

    #[test]
    fn records_come_back_as_they_went() {
        let [trace, other] = traces();
        let records = [
            Record::Call { start: 1, duration: u64::MAX, name: 511, ranks: 1024 },
            Record::Wait { start: 2, duration: 3 },
            Record::Sleep { start: 4, duration: 5 },
            Record::Sent(message(1)),
            Record::Received(message(u32::MAX)),
            Record::Taken(message(0)),
        ];
        records.iter().for_each(|record| trace.push(record));
        assert_eq!(trace.records().collect::<Option<Vec<_>>>(), Some(records.into()));
        assert_eq!((trace.dropped(), other.records().count()), (0, 0));
    }

    #[test]
    fn the_newest_are_kept_and_the_others_counted() {
        let [trace, other] = traces();
        let total = trace.capacity + 10;
        for start in 0..total {
            trace.push(&Record::Wait { start, duration: 0 });
        }
        let kept: Vec<_> = trace.records().flatten().collect();
        assert_eq!((kept.len() as u64, trace.dropped()), (trace.capacity - 1, 11));
        assert_eq!(kept[0], Record::Wait { start: 11, duration: 0 });
        assert_eq!(kept.last(), Some(&Record::Wait { start: total - 1, duration: 0 }));
        assert_eq!(other.dropped(), 0);
    }

    #[test]
    fn names_are_numbered_and_bounded() {
        let [trace, other] = traces();
        assert_eq!((trace.add_name("MPI_Send"), trace.add_name(&"x".repeat(40))), (Some(0), Some(1)));
        assert_eq!(trace.name(0).unwrap()[..9], *b"MPI_Send\0");
        assert_eq!((trace.name(1).unwrap(), trace.name(2), other.name(0)), ([b'x'; NAME], None, None));
        for _ in 2..NAMES {
            assert!(trace.add_name("").is_some());
        }
        assert_eq!(trace.add_name("one more"), None);
    }

    #[test]
    fn calls_that_do_not_return_stay_open() {
        let [trace, _] = traces();
        assert_eq!(trace.opened(), None);
        let call = OpenCall { name: u16::MAX, ranks: 3, since: 77 };
        trace.open(&call);
        assert_eq!(trace.opened(), Some(call));
        trace.close();
        assert_eq!(trace.opened(), None);
    }

    #[test]
    fn the_host_is_asked_for_its_time() {
        let [trace, _] = traces();
        assert_eq!(trace.question(), None);
        trace.ask(1);
        assert_eq!((trace.question(), trace.answer(1)), (Some(1), None));
        trace.tell(1, 500);
        assert_eq!((trace.question(), trace.answer(1)), (None, Some(500)));
        trace.set_shift(-3, 4);
        assert_eq!(trace.shift(), (-3, 4));
    }

    #[test]
    fn garbage_is_no_error() {
        let [trace, _] = traces();
        let mut state = 1u64;
        for offset in (0..LEAST).step_by(8) {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            trace.set(offset, state);
        }
        for written in [0, 1, u64::MAX, 1 << 63] {
            trace.set(WRITTEN, written);
            assert!(trace.records().count() as u64 <= trace.capacity.min(written));
            assert!(trace.dropped() <= written && trace.name(NAMES as u16).is_none());
            trace.opened();
            trace.shift();
        }
        assert!(Record::decode([0; 4]).is_none() && Record::decode([!0; 4]).is_none());
    }

    #[test]
    fn nothing_is_traced_unless_asked_for() {
        assert!(region_of(Layout::new(1, 2, 0, 0)).trace(0).is_none());
        assert!(region_of(Layout::new(1, 2, LEAST, 0)).trace(2).is_none());
    }
}
