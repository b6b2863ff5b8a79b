//! What the user can see of this rank: counters (`unirank run --stats`) and a trace (`--trace`). The rest of the library
//! tells this module what happens; it notes that in the job region, where the runner finds it, however the job ends.
//!
//! | module | question it answers |
//! |---|---|
//! | [`counters`] | where are this rank's counters, and how do they go up? |
//! | [`call`] | which functions of MPI does the program call? |
//! | [`wait`] | how long do calls wait? |
//! | [`recorder`] | how does an event become a record? |
//! | [`start`](mod@start) | how long did `MPI_Init` take? |
//! | [`clock`] | how does this rank's clock differ from the host's? |
//!
//! Counting is always on: the eager path pays two additions to memory of its own. Tracing costs one predictable branch
//! while it is off.

pub mod call;
mod clock;
mod counters;
mod recorder;
mod start;
mod wait;

pub use counters::node_collective;
pub use recorder::{is_tracing, start};
pub use start::{init_begins, init_done};
pub use wait::{Wait, sleeping};

use crate::p2p::header::{Header, Kind, VIA_RING};
use crate::p2p::matching::Envelope;
use counters::{add, raise};
use recorder::message;
use unirank_ivc::counters::Counter;
use unirank_ivc::trace::Record;

/// Eager data went into a ring at once.
#[inline(always)]
pub fn sent_at_once(to: u32, envelope: &Envelope, sequence: u32, len: usize) {
    add(Counter::RingSent, 1);
    add(Counter::RingSentBytes, len as u64);
    if is_tracing() {
        message(Record::Sent, to, envelope, sequence, len as u64);
    }
}

/// A message of the protocol engine's went, through a ring or the adapter. `len` is what an eager one carries.
pub fn sent(to: u32, header: &Header, len: usize, by_ring: bool) {
    let (count, total, bytes) = match (header.kind, by_ring) {
        (Kind::Eager, true) => (Counter::RingSent, Counter::RingSentBytes, len as u64),
        (Kind::Eager, false) => (Counter::AdapterSent, Counter::AdapterSentBytes, len as u64),
        (Kind::Rendezvous, _) => (Counter::RendezvousSent, Counter::RendezvousSentBytes, header.size),
        _ => return,
    };
    add(count, 1);
    add(total, bytes);
    if is_tracing() {
        message(Record::Sent, to, &header.envelope, header.sequence, bytes);
    }
}

/// A message to the rank itself.
pub fn sent_to_self(len: usize) {
    add(Counter::Own, 1);
    add(Counter::OwnBytes, len as u64);
}

/// The message that a blocking receive waits for came through a ring.
#[inline(always)]
pub fn received_at_once(from: u32, envelope: &Envelope, sequence: u32, len: usize) {
    add(Counter::RingReceived, 1);
    add(Counter::RingReceivedBytes, len as u64);
    if is_tracing() {
        message(Record::Received, from, envelope, sequence, len as u64);
    }
}

/// A matchable message came in its turn. `len` is what an eager one carries; a rendezvous is counted when its data is
/// fetched.
#[inline]
pub fn received(from: u32, header: &Header, len: usize) {
    let eager = header.kind == Kind::Eager;
    if eager {
        let (count, total) = match header.flags & VIA_RING {
            0 => (Counter::AdapterReceived, Counter::AdapterReceivedBytes),
            _ => (Counter::RingReceived, Counter::RingReceivedBytes),
        };
        add(count, 1);
        add(total, len as u64);
    }
    if is_tracing() {
        let bytes = if eager { len as u64 } else { header.size };
        message(Record::Received, from, &header.envelope, header.sequence, bytes);
    }
}

/// How the data of a rendezvous comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fetch {
    /// Copied out of the sender's memory.
    Window,
    /// Brought by the sender, through the ring or straight to its place.
    Stream,
    /// Read by the adapter.
    Adapter,
}

/// The data of a rendezvous, so many bytes, is fetched.
pub fn fetched(way: Fetch, bytes: usize) {
    let (count, total) = match way {
        Fetch::Window => (Counter::WindowFetched, Counter::WindowFetchedBytes),
        Fetch::Stream => (Counter::StreamFetched, Counter::StreamFetchedBytes),
        Fetch::Adapter => (Counter::AdapterFetched, Counter::AdapterFetchedBytes),
    };
    add(count, 1);
    add(total, bytes as u64);
}

/// A message came before its receive; `len` bytes of data were put aside, and `waiting` such messages wait now.
pub fn unexpected(len: usize, waiting: usize) {
    add(Counter::Unexpected, 1);
    add(Counter::UnexpectedBytes, len as u64);
    raise(Counter::UnexpectedMost, waiting as u64);
}

/// A receive takes a message that had come before.
pub fn taken(from: u32, envelope: &Envelope, bytes: u64) {
    if is_tracing() {
        message(Record::Taken, from, envelope, 0, bytes);
    }
}

/// A persistent collective begins; it takes messages.
pub fn started_collective() {
    add(Counter::MessageCollectives, 1);
}

/// The value of a counter.
pub fn counter(counter: Counter) -> u64 {
    counters::read(counter)
}

/// Another rank was woken.
pub fn woke() {
    add(Counter::WakeUps, 1);
}

#[cfg(test)]
mod tests;
