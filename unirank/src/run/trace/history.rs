//! What a rank did, from its records. A rank can write anything there: what does not lie in the job's time is counted and
//! left out, names are reduced to what names are made of.

use unirank_ivc::trace::{Message, OpenCall, Record, Trace};

/// From the start of the job to its end, nanoseconds of the host's clock.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Start.
    pub start: u64,
    /// End.
    pub end: u64,
}

/// Clocks differ by this much, nanoseconds.
const SLACK: u64 = 1_000_000_000;

/// A part of the time line: nanoseconds since the job's start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Slice {
    /// When it began.
    pub start: u64,
    /// How long it took.
    pub duration: u64,
}

impl Slice {
    /// Whether a moment lies in it.
    pub fn holds(&self, time: u64) -> bool {
        time >= self.start && time - self.start <= self.duration
    }
}

/// A call of an MPI function.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// When.
    pub slice: Slice,
    /// The function's name.
    pub name: String,
    /// Ranks of the communicator if it is a collective, else 0.
    pub ranks: u32,
    /// It had not returned when the rank ended.
    pub unfinished: bool,
}

/// What became of a message here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// It left.
    Sent,
    /// It came.
    Received,
    /// It had come before, and a receive took it.
    Taken,
}

/// What a rank did, in the order of time.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct History {
    /// The rank.
    pub rank: u32,
    /// Calls that are in no other call first where they begin together.
    pub calls: Vec<Call>,
    /// Waits.
    pub waits: Vec<Slice>,
    /// Sleeps.
    pub sleeps: Vec<Slice>,
    /// Messages; `time` is nanoseconds since the job's start.
    pub messages: Vec<(Direction, Message)>,
    /// Records that were overwritten by newer ones.
    pub dropped: u64,
    /// Records that cannot be true.
    pub bad: u64,
    /// Nanoseconds by which its clock may be wrong; none if nothing is known of it.
    pub doubt: Option<u64>,
}

/// The reader of one rank's records.
struct Reader {
    span: Span,
    shift: i64,
}

impl Reader {
    /// A moment of the rank's clock as nanoseconds since the job's start; none outside of the job's time.
    fn moment(&self, time: u64) -> Option<u64> {
        let host = time.checked_add_signed(self.shift)?;
        let since = host.checked_sub(self.span.start)?;
        (host <= self.span.end.saturating_add(SLACK)).then_some(since)
    }

    fn slice(&self, start: u64, duration: u64) -> Option<Slice> {
        self.moment(start.checked_add(duration)?)?;
        Some(Slice { start: self.moment(start)?, duration })
    }
}

impl History {
    /// Reads what rank `rank` of a job recorded.
    pub fn read(rank: u32, trace: &Trace, span: Span) -> Self {
        let (shift, doubt) = trace.shift();
        let reader = Reader { span, shift };
        let doubt = (doubt < SLACK).then_some(doubt);
        let mut history = Self { rank, dropped: trace.dropped(), doubt, ..Self::default() };
        for record in trace.records() {
            if record.and_then(|record| history.add(trace, &reader, record)).is_none() {
                history.bad += 1;
            }
        }
        if let Some(OpenCall { name, ranks, since }) = trace.opened() {
            if let Some(start) = reader.moment(since) {
                // Until the last that is known of the rank: it may be long gone.
                let duration = span.end.saturating_sub(span.start).saturating_sub(start);
                let name = name_of(trace, name);
                let slice = Slice { start, duration };
                history.calls.push(Call { slice, name, ranks, unfinished: true });
            }
        }
        let order = |slice: &Slice| (slice.start, std::cmp::Reverse(slice.duration));
        history.calls.sort_by_key(|call| order(&call.slice));
        history.waits.sort_by_key(order);
        history.sleeps.sort_by_key(order);
        history.messages.sort_by_key(|(_, message)| message.time);
        history
    }

    /// None if it cannot be true.
    fn add(&mut self, trace: &Trace, reader: &Reader, record: Record) -> Option<()> {
        match record {
            Record::Call { start, duration, name, ranks } => {
                let slice = reader.slice(start, duration)?;
                self.calls.push(Call { slice, name: name_of(trace, name), ranks, unfinished: false });
            }
            Record::Wait { start, duration } => self.waits.push(reader.slice(start, duration)?),
            Record::Sleep { start, duration } => self.sleeps.push(reader.slice(start, duration)?),
            Record::Sent(message) => self.add_message(Direction::Sent, reader, message)?,
            Record::Received(message) => self.add_message(Direction::Received, reader, message)?,
            Record::Taken(message) => self.add_message(Direction::Taken, reader, message)?,
        }
        Some(())
    }

    fn add_message(&mut self, direction: Direction, reader: &Reader, message: Message) -> Option<()> {
        let time = reader.moment(message.time)?;
        self.messages.push((direction, Message { time, ..message }));
        Some(())
    }
}

/// A function's name: letters, digits and underscores.
fn name_of(trace: &Trace, number: u16) -> String {
    let bytes = trace.name(number).unwrap_or_default();
    let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let sound = |byte: &u8| if byte.is_ascii_alphanumeric() || *byte == b'_' { *byte as char } else { '?' };
    if len == 0 { "MPI function".into() } else { bytes[..len].iter().map(sound).collect() }
}

#[cfg(test)]
mod tests {
    use super::super::super::memory::RankMemory;
    use super::super::super::node::Node;
    use super::*;
    use crate::run::options::WindowRights;

    fn node() -> Node {
        Node::create(1, 1, RankMemory::default(), 0, unirank_ivc::trace::LEAST, WindowRights::Off).unwrap()
    }

    const SPAN: Span = Span { start: 10_000, end: 20_000 };

    #[test]
    fn times_are_those_of_the_host_since_the_start() {
        let node = node();
        let trace = node.region().trace(0).unwrap();
        trace.set_shift(9_000, 50);
        let name = trace.add_name("MPI_Send").unwrap();
        trace.push(&Record::Call { start: 1_500, duration: 100, name, ranks: 0 });
        trace.push(&Record::Call { start: 1_200, duration: 500, name: 7, ranks: 4 });
        trace.open(&OpenCall { name, ranks: 0, since: 3_000 });
        let history = History::read(0, &trace, SPAN);
        let calls: Vec<_> =
            history.calls.iter().map(|c| (c.slice.start, c.slice.duration, c.name.as_str())).collect();
        let expected = [(200, 500, "MPI function"), (500, 100, "MPI_Send"), (2_000, 8_000, "MPI_Send")];
        assert_eq!(calls, expected);
        assert!(history.calls[2].unfinished && !history.calls[1].unfinished);
        assert_eq!((history.doubt, history.bad), (Some(50), 0));
    }

    #[test]
    fn what_cannot_be_true_is_left_out() {
        let node = node();
        let trace = node.region().trace(0).unwrap();
        let name = trace.add_name("\"},\x1b[2J\u{e9}").unwrap();
        trace.push(&Record::Wait { start: 9_999, duration: 1 });
        trace.push(&Record::Wait { start: 11_000, duration: u64::MAX - 5_000 });
        trace.push(&Record::Sleep { start: 11_000, duration: u64::MAX });
        trace.push(&Record::Sleep { start: u64::MAX, duration: 0 });
        trace.push(&Record::Call { start: 11_000, duration: 1, name, ranks: 0 });
        let history = History::read(0, &trace, SPAN);
        assert_eq!((history.bad, history.waits.len(), history.sleeps.len()), (4, 0, 0));
        assert_eq!(history.calls[0].name, "?????2J??");
        trace.set_shift(i64::MIN, u64::MAX);
        let history = History::read(0, &trace, SPAN);
        assert_eq!((history.bad, history.doubt), (5, None));
    }
}
