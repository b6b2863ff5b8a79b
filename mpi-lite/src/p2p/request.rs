//! An operation under way, as the engine sees it.

use super::buffer::Buffer;
use super::engine::share::Sharing;
use super::header::{Header, PACKED};
use super::matching::{Envelope, PostedId};
use crate::abi::{MPI_ERR_TRUNCATE, MPI_Status};
use crate::check::{TypeCode, types};
use crate::error::MpiError;

/// Bytes of a piece when one side's data is scattered.
pub const PIECE: usize = 128 << 10;
/// Pieces under way at once per message: one is read while another is packed or unpacked.
pub const PIECES: usize = 2;

/// Where an operation stands.
pub enum State {
    /// Complete; status and error are final.
    Done,
    /// Eager data that waits in the peer's outgoing queue.
    Queued,
    /// A send that the receiver will end.
    AwaitFin,
    /// A send of scattered data, packed piece by piece.
    Packing(Box<Packing>),
    /// A receive in the posted queue.
    Posted(PostedId),
    /// A receive whose data is being read from the sender.
    Pulling(Box<Pulling>),
    /// A receive by a copy that both sides work on.
    Sharing(Box<Sharing>),
}

/// Progress of a packed send.
pub struct Packing {
    /// Rank in `MPI_COMM_WORLD` of the receiver.
    pub to: u32,
    /// The receiver's request.
    pub receiver: u64,
    /// Bytes the receiver wants.
    pub total: usize,
    /// Bytes packed so far.
    pub packed: usize,
    /// Bytes the receiver has read.
    pub read: usize,
    /// The pieces and the bytes in each.
    pub slots: Vec<(Box<[u8]>, usize)>,
}

/// Progress of a receive by RDMA read.
pub struct Pulling {
    /// Rank in `MPI_COMM_WORLD` of the sender.
    pub from: u32,
    /// The sender's request.
    pub sender: u64,
    /// Where the sender's data is, when it is contiguous.
    pub remote: u64,
    /// The key for it.
    pub key: u32,
    /// Bytes to read.
    pub total: usize,
    /// Bytes asked for.
    pub started: usize,
    /// Bytes that have arrived.
    pub done: usize,
    /// The sender packs pieces and counts them itself.
    pub packed: bool,
    /// Pieces for a scattered receive buffer.
    pub slots: Vec<Box<[u8]>>,
}

impl Pulling {
    /// The start of one for a matched message of `from`.
    pub fn new(from: u32, header: &Header) -> Self {
        Self {
            from,
            sender: header.token,
            remote: header.address,
            key: header.key,
            total: 0,
            started: 0,
            done: 0,
            packed: header.flags & PACKED != 0,
            slots: Vec::new(),
        }
    }
}

/// The error of a message that is longer than its receive.
#[cold]
fn truncated(envelope: &Envelope, size: u64, capacity: usize) -> MpiError {
    let Envelope { source, tag, .. } = envelope;
    MpiError::new(
        MPI_ERR_TRUNCATE,
        format!(
            "the message of {size} bytes from rank {source} with tag {tag} is longer than the receive buffer of {capacity} bytes"
        ),
    )
}

/// One operation.
pub struct Request {
    /// Tells this request from earlier ones of the same number; never 0.
    pub generation: u32,
    /// The user's data.
    pub buffer: Buffer,
    /// Where it stands.
    pub state: State,
    /// What the user is told.
    pub status: MPI_Status,
    /// Why it failed.
    pub error: Option<MpiError>,
    /// Nobody will wait for it: removed when done.
    pub detached: bool,
    /// A send (not a receive).
    pub send: bool,
    /// What the data is sent or received as.
    pub types: TypeCode,
}

impl Request {
    /// Sets what the receiver of a message of `size` bytes will be told; gives the bytes to take.
    #[inline]
    pub fn matched(&mut self, envelope: &Envelope, size: u64) -> usize {
        let capacity = self.buffer.size();
        let taken = capacity.min(usize::try_from(size).unwrap_or(usize::MAX));
        self.status.MPI_SOURCE = envelope.source;
        self.status.MPI_TAG = envelope.tag;
        self.status.set_count_bytes(taken as u64);
        if size > capacity as u64 {
            let error = truncated(envelope, size, capacity);
            self.status.MPI_ERROR = error.class;
            self.error = Some(error);
        } else if self.types.conflicts(envelope.types) && size > 0 {
            let error = types::mismatch(envelope, size, self.types);
            self.status.MPI_ERROR = error.class;
            self.error = Some(error);
        }
        taken
    }

    /// Whether it is complete.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }
}
