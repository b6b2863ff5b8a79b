//! Histories in the Trace Event Format (Google, "Trace Event Format": the JSON object form), which Perfetto opens.
//!
//! A rank is a process with two threads: its calls, and its waits with the sleeps in them. Slices are complete events
//! (`X`), messages flow events (`s` and, bound to the slice around it, `f`). Times are microseconds.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use serde_json::{Map, Value, json};
use unirank_ivc::trace::Message;

use super::history::{Call, Direction, History, Slice, Span};

/// Thread of calls, and of waits.
const CALLS: u32 = 1;
const WAITS: u32 = 2;

/// Names a message among all of the job.
type Id = (u32, u32, u32);
/// Messages, and when they came.
type Arrows = HashMap<Id, u64>;

fn id(rank: u32, direction: Direction, message: &Message) -> Id {
    let peer = u32::from(message.peer);
    let (from, to) = if direction == Direction::Sent { (rank, peer) } else { (peer, rank) };
    (from, to, message.sequence)
}

fn text((from, to, sequence): Id) -> String {
    format!("{from}>{to}#{sequence}")
}

fn microseconds(ns: u64) -> f64 {
    ns as f64 / 1e3
}

/// The list of events, being written.
struct List<'w, W: Write> {
    out: &'w mut W,
    first: bool,
}

impl<W: Write> List<'_, W> {
    fn add(&mut self, event: &Value) -> io::Result<()> {
        let comma = if std::mem::take(&mut self.first) { "\n" } else { ",\n" };
        write!(self.out, "{comma}{event}")
    }

    fn name(&mut self, rank: u32, thread: u32, kind: &str, args: &Value) -> io::Result<()> {
        self.add(&json!({ "ph": "M", "pid": rank, "tid": thread, "name": kind, "args": args }))
    }

    fn slice(&mut self, rank: u32, thread: u32, slice: Slice, name: &str, args: Value) -> io::Result<()> {
        let (ts, dur) = (microseconds(slice.start), microseconds(slice.duration));
        let category = if thread == CALLS { "mpi" } else { "wait" };
        self.add(&json!({
            "ph": "X", "pid": rank, "tid": thread, "ts": ts, "dur": dur, "name": name, "cat": category, "args": args
        }))
    }

    fn flow(&mut self, rank: u32, sent: bool, time: u64, id: Id) -> io::Result<()> {
        let mut event = json!({
            "ph": if sent { "s" } else { "f" }, "pid": rank, "tid": CALLS, "ts": microseconds(time),
            "name": "message", "cat": "message", "id": text(id)
        });
        if !sent {
            event["bp"] = "e".into();
        }
        self.add(&event)
    }
}

/// Writes the file.
pub fn write(out: &mut impl Write, program: &str, histories: &[History], span: Span) -> io::Result<()> {
    write!(out, "{{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")?;
    let mut list = List { out, first: true };
    let arrows = arrows(histories);
    for history in histories {
        one_rank(&mut list, history, &arrows)?;
    }
    let known = |history: &History| {
        json!({
            "rank": history.rank, "dropped_records": history.dropped, "bad_records": history.bad,
            "clock_error_ns": history.doubt
        })
    };
    let ranks: Vec<Value> = histories.iter().map(known).collect();
    let seconds = span.end.saturating_sub(span.start) as f64 / 1e9;
    let more = json!({ "program": program, "seconds": seconds, "ranks": ranks });
    write!(out, "\n],\"otherData\":{more}}}\n")
}

/// Messages of which both ends are there, and when they came.
fn arrows(histories: &[History]) -> Arrows {
    let ends = |wanted: Direction| {
        histories.iter().flat_map(move |history| {
            let of = history.messages.iter().filter(move |(direction, _)| *direction == wanted);
            of.map(|(direction, message)| (id(history.rank, *direction, message), message.time))
        })
    };
    let sent: HashSet<Id> = ends(Direction::Sent).map(|(id, _)| id).collect();
    ends(Direction::Received).filter(|(id, _)| sent.contains(id)).collect()
}

fn one_rank<W: Write>(list: &mut List<'_, W>, history: &History, arrows: &Arrows) -> io::Result<()> {
    let rank = history.rank;
    list.name(rank, CALLS, "process_name", &json!({ "name": format!("rank {rank}") }))?;
    list.name(rank, CALLS, "process_sort_index", &json!({ "sort_index": rank }))?;
    list.name(rank, CALLS, "thread_name", &json!({ "name": "MPI calls" }))?;
    list.name(rank, WAITS, "thread_name", &json!({ "name": "waiting" }))?;
    let mut messages = &history.messages[..];
    let mut end = 0;
    for call in &history.calls {
        let inner = call.slice.start < end;
        end = end.max(call.slice.start.saturating_add(call.slice.duration));
        // Messages are told at the outermost call.
        let mine = if inner { &[][..] } else { take(&mut messages, call.slice) };
        list.slice(rank, CALLS, call.slice, &call.name, arguments(rank, call, mine))?;
    }
    for slice in &history.waits {
        list.slice(rank, WAITS, *slice, "waiting", json!({}))?;
    }
    for slice in &history.sleeps {
        list.slice(rank, WAITS, *slice, "asleep", json!({}))?;
    }
    for (direction, message) in &history.messages {
        let id = id(rank, *direction, message);
        match (direction, arrows.get(&id)) {
            // A sender that loses its processor right after the message left notes it late.
            (Direction::Sent, Some(came)) => list.flow(rank, true, message.time.min(*came), id)?,
            (Direction::Received, Some(_)) => list.flow(rank, false, message.time, id)?,
            _ => {}
        }
    }
    Ok(())
}

/// Takes the messages of a call off the front, and those before it.
fn take<'m>(messages: &mut &'m [(Direction, Message)], slice: Slice) -> &'m [(Direction, Message)] {
    let before = messages.partition_point(|(_, message)| message.time < slice.start);
    let rest = &messages[before..];
    let (mine, after) = rest.split_at(rest.partition_point(|(_, message)| slice.holds(message.time)));
    *messages = after;
    mine
}

/// What is told of a call: its message if there is one, else how many there are.
fn arguments(rank: u32, call: &Call, messages: &[(Direction, Message)]) -> Value {
    let mut args = Map::new();
    if call.ranks > 0 {
        args.insert("communicator_size".into(), call.ranks.into());
    }
    if call.unfinished {
        args.insert("unfinished".into(), true.into());
    }
    if let [(direction, message)] = messages {
        args.insert("peer".into(), message.peer.into());
        args.insert("tag".into(), message.tag.into());
        args.insert("bytes".into(), message.bytes.into());
        if *direction != Direction::Taken {
            args.insert("message".into(), text(id(rank, *direction, message)).into());
        }
        return args.into();
    }
    for (sent, count, bytes) in
        [(true, "messages_sent", "bytes_sent"), (false, "messages_received", "bytes_received")]
    {
        let of = || messages.iter().filter(|(direction, _)| (*direction == Direction::Sent) == sent);
        if of().next().is_some() {
            let total = of().map(|(_, message)| message.bytes).fold(0, u64::saturating_add);
            args.insert(count.into(), of().count().into());
            args.insert(bytes.into(), total.into());
        }
    }
    args.into()
}

#[cfg(test)]
mod tests;
