//! Makes records of events, while the runner wants a trace.

use super::{clock, counters};
use crate::p2p::matching::Envelope;
use crate::per_rank::per_rank;
use crate::{node, platform};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use unirank_ivc::trace::{Message, OpenCall, Record, Trace};

/// Number of the names for which there is no room.
const NAMELESS: u16 = u16::MAX;

/// Whether this process traces. Never set back: calls end that began before.
static TRACING: AtomicBool = AtomicBool::new(false);

struct Recorder {
    trace: Trace,
    /// Numbers of names, by their address.
    names: HashMap<*const u8, u16>,
    /// Calls within calls: only the outermost is open.
    depth: u32,
}

per_rank! { static RECORDER: RefCell<Option<Recorder>> = RefCell::new(None); }

/// Whether events are to be recorded.
#[inline(always)]
pub fn is_tracing() -> bool {
    TRACING.load(Ordering::Relaxed)
}

/// Counts, and traces if the runner gave room for it, in the job region of this rank's node from here on.
///
/// # Safety
/// The region stays mapped for ever.
pub unsafe fn start() {
    let Some((region, rank)) = node::here() else { return };
    // SAFETY: the caller's promise.
    unsafe { counters::install(&region, rank) };
    let Some(trace) = region.trace(rank) else { return };
    clock::compare(&trace);
    RECORDER.with(|cell| *cell.borrow_mut() = Some(Recorder { trace, names: HashMap::new(), depth: 0 }));
    TRACING.store(true, Ordering::Relaxed);
}

fn with(f: impl FnOnce(&mut Recorder)) {
    RECORDER.with(|cell| cell.borrow_mut().as_mut().map_or((), f));
}

impl Recorder {
    fn name(&mut self, name: &'static str) -> u16 {
        let trace = &self.trace;
        *self.names.entry(name.as_ptr()).or_insert_with(|| trace.add_name(name).unwrap_or(NAMELESS))
    }
}

/// Appends a record.
pub fn record(record: &Record) {
    with(|recorder| recorder.trace.push(record));
}

/// Appends the record of a message.
#[cold]
#[inline(never)]
pub fn message(kind: fn(Message) -> Record, peer: u32, envelope: &Envelope, sequence: u32, bytes: u64) {
    let Envelope { context, tag, .. } = *envelope;
    record(&kind(Message { time: platform::now_ns(), peer: peer as u16, tag, bytes, sequence, context }));
}

/// A call begins.
pub fn open(name: &'static str, since: u64) {
    with(|recorder| {
        let name = recorder.name(name);
        recorder.depth += 1;
        if recorder.depth == 1 {
            recorder.trace.open(&OpenCall { name, ranks: 0, since });
        }
    });
}

/// It is over.
pub fn close(name: &'static str, start: u64, end: u64, ranks: u32) {
    with(|recorder| {
        let name = recorder.name(name);
        recorder.trace.push(&Record::Call { start, duration: end.saturating_sub(start), name, ranks });
        recorder.depth = recorder.depth.saturating_sub(1);
        if recorder.depth == 0 {
            recorder.trace.close();
        }
    });
}
