//! Performance variables: the counters of `unirank run --stats`, and how much waits in the engine's queues.
//!
//! A handle on a counter shows what was counted while it was started. Levels are continuous: a handle shows what is.

use super::{Result, new_handle};
use crate::abi::*;
use crate::per_rank::per_rank;
use crate::{observe, p2p};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::c_int;
use unirank_ivc::counters::Counter;

/// Where a value comes from.
#[derive(Clone, Copy)]
enum Source {
    Counter(Counter),
    Posted,
    Unexpected,
    UnexpectedBytes,
}

/// A performance variable.
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it tells.
    pub description: &'static str,
    /// `MPI_T_PVAR_CLASS_*`.
    pub class: c_int,
    source: Source,
}

macro_rules! counters {
    ($($name:literal $class:ident $counter:ident $description:literal;)*) => {
        [$(Variable {
            name: $name, description: $description, class: $class, source: Source::Counter(Counter::$counter),
        }),*]
    };
}

use MPI_T_PVAR_CLASS_AGGREGATE as BYTES;
use MPI_T_PVAR_CLASS_COUNTER as COUNT;
use MPI_T_PVAR_CLASS_HIGHWATERMARK as MOST;
use MPI_T_PVAR_CLASS_TIMER as TIME;

const COUNTERS: [Variable; Counter::COUNT] = counters! {
    "ring_sent" COUNT RingSent "messages sent with their data through rings";
    "ring_sent_bytes" BYTES RingSentBytes "bytes of messages sent with their data through rings";
    "adapter_sent" COUNT AdapterSent "messages sent with their data through the adapter";
    "adapter_sent_bytes" BYTES AdapterSentBytes "bytes of messages sent with their data through the adapter";
    "rendezvous_sent" COUNT RendezvousSent "messages whose data the receiver fetches";
    "rendezvous_sent_bytes" BYTES RendezvousSentBytes "bytes of messages whose data the receiver fetches";
    "own" COUNT Own "messages of the rank to itself";
    "own_bytes" BYTES OwnBytes "bytes of messages of the rank to itself";
    "ring_received" COUNT RingReceived "messages received with their data through rings";
    "ring_received_bytes" BYTES RingReceivedBytes "bytes of messages received with their data through rings";
    "adapter_received" COUNT AdapterReceived "messages received with their data through the adapter";
    "adapter_received_bytes" BYTES AdapterReceivedBytes "bytes of messages received with their data through the adapter";
    "window_fetched" COUNT WindowFetched "messages whose data was copied out of the sender's memory";
    "window_fetched_bytes" BYTES WindowFetchedBytes "bytes copied out of the sender's memory";
    "stream_fetched" COUNT StreamFetched "messages whose data the sender brought, through the ring or straight to its place";
    "stream_fetched_bytes" BYTES StreamFetchedBytes "bytes that the sender brought, through the ring or straight to their place";
    "adapter_fetched" COUNT AdapterFetched "messages whose data the adapter read from the sender's memory";
    "adapter_fetched_bytes" BYTES AdapterFetchedBytes "bytes that the adapter read from the sender's memory";
    "unexpected" COUNT Unexpected "messages that came before their receive";
    "unexpected_bytes" BYTES UnexpectedBytes "bytes that were put aside for messages before their receive";
    "unexpected_most" MOST UnexpectedMost "most messages that waited for their receive at the same time";
    "node_collectives" COUNT NodeCollectives "collective calls of the program through shared memory";
    "message_collectives" COUNT MessageCollectives "collective calls of the program by messages";
    "team_operations" COUNT TeamOperations "operations on shared segments";
    "blocked_ns" TIME BlockedNs "nanoseconds that calls waited";
    "asleep_ns" TIME AsleepNs "nanoseconds that calls slept";
    "sleeps" COUNT Sleeps "times that the rank slept";
    "wake_ups" COUNT WakeUps "times that the rank woke another one";
};

const LEVELS: [Variable; 3] = [
    Variable {
        name: "posted_receives",
        description: "receives that wait for their message",
        class: MPI_T_PVAR_CLASS_LEVEL,
        source: Source::Posted,
    },
    Variable {
        name: "unexpected_messages",
        description: "messages that wait for their receive",
        class: MPI_T_PVAR_CLASS_LEVEL,
        source: Source::Unexpected,
    },
    Variable {
        name: "unexpected_held_bytes",
        description: "bytes that are put aside for messages that wait for their receive",
        class: MPI_T_PVAR_CLASS_LEVEL,
        source: Source::UnexpectedBytes,
    },
];

/// All of them; the place is the index.
pub fn all() -> impl Iterator<Item = &'static Variable> {
    const { &COUNTERS }.iter().chain(const { &LEVELS })
}

/// The variable of an index.
pub fn at(index: c_int) -> Result<&'static Variable> {
    usize::try_from(index).ok().and_then(|index| all().nth(index)).ok_or(MPI_T_ERR_INVALID_INDEX)
}

impl Variable {
    /// It is always started, and shows what is; else it counts from the start of a handle.
    pub fn is_continuous(&self) -> bool {
        matches!(self.class, MPI_T_PVAR_CLASS_LEVEL | MPI_T_PVAR_CLASS_HIGHWATERMARK)
    }

    fn now(&self) -> u64 {
        match self.source {
            Source::Counter(counter) => observe::counter(counter),
            // Before MPI starts nothing waits.
            Source::Posted => p2p::queue_lens().map_or(0, |(posted, _)| posted as u64),
            Source::Unexpected => p2p::queue_lens().map_or(0, |(_, unexpected)| unexpected as u64),
            Source::UnexpectedBytes => p2p::unexpected_bytes().unwrap_or(0),
        }
    }
}

/// A handle of a session.
struct Handle {
    variable: &'static Variable,
    /// What it shows without what came since it was started.
    base: u64,
    /// What the variable was when it was started; none while it is stopped.
    since: Option<u64>,
}

impl Handle {
    fn value(&self) -> u64 {
        if self.variable.is_continuous() {
            return self.variable.now();
        }
        self.base.wrapping_add(self.since.map_or(0, |since| self.variable.now().wrapping_sub(since)))
    }

    fn set(&mut self, value: u64) {
        self.base = value;
        self.since = self.since.map(|_| self.variable.now());
    }
}

type Sessions = BTreeMap<usize, BTreeMap<usize, Handle>>;

per_rank! { static SESSIONS: RefCell<Sessions> = const { RefCell::new(BTreeMap::new()) }; }

/// A new session.
pub fn open_session() -> usize {
    let session = new_handle();
    SESSIONS.with(|all| all.borrow_mut().insert(session, BTreeMap::new()));
    session
}

/// Frees a session with its handles.
pub fn close_session(session: usize) -> Result<()> {
    SESSIONS.with(|all| all.borrow_mut().remove(&session)).map(|_| ()).ok_or(MPI_T_ERR_INVALID_SESSION)
}

fn in_session<T>(session: usize, f: impl FnOnce(&mut BTreeMap<usize, Handle>) -> Result<T>) -> Result<T> {
    SESSIONS.with(|all| f(all.borrow_mut().get_mut(&session).ok_or(MPI_T_ERR_INVALID_SESSION)?))
}

fn with<T>(session: usize, handle: usize, f: impl FnOnce(&mut Handle) -> Result<T>) -> Result<T> {
    in_session(session, |handles| f(handles.get_mut(&handle).ok_or(MPI_T_ERR_INVALID_HANDLE)?))
}

/// A handle on a variable, stopped if it can be.
pub fn open(session: usize, variable: &'static Variable) -> Result<usize> {
    in_session(session, |handles| {
        let handle = new_handle();
        handles.insert(handle, Handle { variable, base: 0, since: None });
        Ok(handle)
    })
}

/// Frees a handle.
pub fn close(session: usize, handle: usize) -> Result<()> {
    in_session(session, |handles| handles.remove(&handle).map(|_| ()).ok_or(MPI_T_ERR_INVALID_HANDLE))
}

/// Runs `f` on a handle, which has to be `able`, or on all that are.
fn each(session: usize, handle: usize, refused: c_int, f: impl Fn(&mut Handle)) -> Result<()> {
    let able = |handle: &Handle| !handle.variable.is_continuous();
    if handle == MPI_T_PVAR_ALL_HANDLES {
        return in_session(session, |handles| {
            handles.values_mut().filter(|handle| able(handle)).for_each(f);
            Ok(())
        });
    }
    with(session, handle, |handle| {
        if !able(handle) {
            return Err(refused);
        }
        f(handle);
        Ok(())
    })
}

/// `MPI_T_pvar_start`.
pub fn start(session: usize, handle: usize) -> Result<()> {
    each(session, handle, MPI_T_ERR_PVAR_NO_STARTSTOP, |handle| {
        handle.since.get_or_insert_with(|| handle.variable.now());
    })
}

/// `MPI_T_pvar_stop`.
pub fn stop(session: usize, handle: usize) -> Result<()> {
    each(session, handle, MPI_T_ERR_PVAR_NO_STARTSTOP, |handle| {
        handle.base = handle.value();
        handle.since = None;
    })
}

/// `MPI_T_pvar_reset`.
pub fn reset(session: usize, handle: usize) -> Result<()> {
    each(session, handle, MPI_T_ERR_PVAR_NO_WRITE, |handle| handle.set(0))
}

/// `MPI_T_pvar_read`.
pub fn read(session: usize, handle: usize) -> Result<u64> {
    with(session, handle, |handle| Ok(handle.value()))
}

/// `MPI_T_pvar_write`.
pub fn write(session: usize, handle: usize, value: u64) -> Result<()> {
    with(session, handle, |handle| {
        if handle.variable.is_continuous() {
            return Err(MPI_T_ERR_PVAR_NO_WRITE);
        }
        handle.set(value);
        Ok(())
    })
}
