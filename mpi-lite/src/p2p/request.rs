//! An operation under way, as the engine sees it.

use super::buffer::Buffer;
use super::buffer::Run;
use super::engine::share::Sharing;
use super::header::{Header, PACKED};
use super::matching::{Envelope, Pattern, PostedId};
use super::pieces::Piece;
use crate::abi::{MPI_ERR_TRUNCATE, MPI_Status};
use crate::check::{TypeCode, types};
use crate::comm;
use crate::error::MpiError;

/// Where an operation stands.
pub enum State {
    /// Complete; status and error are final.
    Done,
    /// Eager data that waits in the peer's outgoing queue.
    Queued,
    /// A send that the receiver will end.
    AwaitFin,
    /// The same; the receiver may read the data where it lies.
    Offered,
    /// The same; the receiver may read these runs.
    AwaitFinOfRuns(Box<[Run]>),
    /// A send of scattered data, packed piece by piece.
    Packing(Box<Packing>),
    /// A receive in the posted queue.
    Posted(PostedId),
    /// A receive whose data is copied when its turn comes.
    Due,
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
    pub slots: Vec<(Piece, usize)>,
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
    pub slots: Vec<Piece>,
    /// The runs of the sender's data, while they are being read.
    pub runs: Box<[Run]>,
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
            runs: Box::default(),
        }
    }
}

/// Whether a message of `size` bytes goes into a buffer of `room` bytes for data of these types without an error.
#[inline(always)]
pub fn fits(envelope: &Envelope, size: usize, types: TypeCode, room: usize) -> bool {
    size <= room && !types.conflicts(envelope.types)
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

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Context of the communicator and kind of operation.
    pub context: u32,
    /// Of a receive the rank in the communicator, of a send the rank in `MPI_COMM_WORLD`; none is a wildcard.
    pub partner: Option<i32>,
    /// Tag; none is a wildcard.
    pub tag: Option<i32>,
    /// What the data is sent or received as.
    pub types: TypeCode,
}

impl Asked {
    /// Of a receive.
    #[inline]
    pub fn receive(pattern: &Pattern) -> Self {
        let Pattern { context, source, tag, types } = *pattern;
        Self { context, partner: source, tag, types }
    }

    /// Of the receive of a message that is known already.
    pub fn message(envelope: &Envelope, types: TypeCode) -> Self {
        let Envelope { context, source, tag, .. } = *envelope;
        Self { context, partner: Some(source), tag: Some(tag), types }
    }

    /// From or to whom, in words.
    pub fn describe(&self, send: bool) -> String {
        let Self { context, partner, tag, .. } = *self;
        let with = match tag {
            _ if comm::is_collective(context) => "in a collective".into(),
            Some(tag) => format!("with tag {tag}"),
            None => "with any tag".into(),
        };
        match partner {
            Some(rank) if send => format!("to rank {rank} of MPI_COMM_WORLD {with}"),
            Some(rank) => format!("from rank {rank} {with}"),
            None => format!("from any rank {with}"),
        }
    }

    /// Of a send to a rank in `MPI_COMM_WORLD`.
    pub fn send(to: u32, envelope: &Envelope) -> Self {
        let Envelope { context, tag, types, .. } = *envelope;
        Self { context, partner: Some(to as i32), tag: Some(tag), types }
    }
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
    pub error: Option<Box<MpiError>>,
    /// Nobody will wait for it: removed when done.
    pub detached: bool,
    /// A send (not a receive).
    pub send: bool,
    /// What was asked for.
    pub asked: Asked,
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
            self.error = Some(Box::new(error));
        } else if self.asked.types.conflicts(envelope.types) && size > 0 {
            let error = types::mismatch(envelope, size, self.asked.types);
            self.status.MPI_ERROR = error.class;
            self.error = Some(Box::new(error));
        }
        taken
    }

    /// It stands there from now on. The state before mostly owns nothing: to find that out inline costs less than to drop it.
    #[inline(always)]
    pub fn advance(&mut self, state: State) {
        use State::{AwaitFin, Done, Due, Offered, Posted, Queued};
        let before = std::mem::replace(&mut self.state, state);
        if matches!(before, Done | Queued | AwaitFin | Offered | Posted(_) | Due) {
            std::mem::forget(before);
        }
    }

    /// Whether it is complete.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }
}
