//! What each counter in a rank's page counts ([`crate::page`]). The rank's library writes them, the runner reads them
//! when the job ends; the numbers are part of what [`crate::layout::VERSION`] names.
//!
//! A message is one of the program's or of a collective that takes messages; what the library says to itself (credit,
//! ends of rendezvous) is none. *Eager* messages carry their data; those of a *rendezvous* say where the data is, and the
//! receiver chooses the way by which it comes: through a window on the sender's memory (one copy), as a stream through the
//! ring (two copies), or read by the adapter.

/// Index of a counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Counter {
    /// Eager messages sent through rings.
    RingSent,
    /// Their bytes.
    RingSentBytes,
    /// Eager messages sent through the adapter.
    AdapterSent,
    /// Their bytes.
    AdapterSentBytes,
    /// Messages sent as a rendezvous.
    RendezvousSent,
    /// Their bytes.
    RendezvousSentBytes,
    /// Messages of the rank to itself.
    Own,
    /// Their bytes.
    OwnBytes,
    /// Eager messages received through rings.
    RingReceived,
    /// Their bytes.
    RingReceivedBytes,
    /// Eager messages received through the adapter.
    AdapterReceived,
    /// Their bytes.
    AdapterReceivedBytes,
    /// Rendezvous fetched through a window.
    WindowFetched,
    /// Their bytes, as far as the receive had room.
    WindowFetchedBytes,
    /// Rendezvous that came as a stream.
    StreamFetched,
    /// Their bytes, as far as the receive had room.
    StreamFetchedBytes,
    /// Rendezvous read by the adapter.
    AdapterFetched,
    /// Their bytes, as far as the receive had room.
    AdapterFetchedBytes,
    /// Messages that came before their receive.
    Unexpected,
    /// Bytes of data that were put aside for them.
    UnexpectedBytes,
    /// Most of them that waited at the same time.
    UnexpectedMost,
    /// Collective calls of the program through shared memory.
    NodeCollectives,
    /// Other collective calls of the program.
    MessageCollectives,
    /// Operations on segments, those of the library's own needs among them.
    TeamOperations,
    /// Nanoseconds that calls waited. Waits shorter than about half a microsecond are not timed.
    BlockedNs,
    /// Nanoseconds of them asleep.
    AsleepNs,
    /// Times the rank slept.
    Sleeps,
    /// Other ranks it woke.
    WakeUps,
}

impl Counter {
    /// How many there are.
    pub const COUNT: usize = Self::WakeUps as usize + 1;
}

const _: () = assert!(Counter::COUNT <= crate::page::COUNTERS);
