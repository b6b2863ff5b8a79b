//! The request a queue pair is executing: a private copy, and how far it is.

use unirank_hca::cqe::Syndrome;
use unirank_hca::wqe::{MAX_WQE_BYTES, Opcode};
use unirank_hca::{Lkey, Rkey};

use crate::memory::{Segment, Space};

use super::keys::Keys;

/// Pieces of a message with the keys that must cover them.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub(super) segments: Vec<Segment>,
    pub(super) keys: Vec<Lkey>,
}

impl Pieces {
    pub(super) fn clear(&mut self) {
        self.segments.clear();
        self.keys.clear();
    }

    pub(super) fn push(&mut self, segment: Segment, key: Lkey) {
        self.segments.push(segment);
        self.keys.push(key);
    }

    /// Whether every piece is covered by its key. Pieces without bytes need no key.
    pub(super) fn allowed(&self, keys: &Keys, space: &Space, pd: u32, write: bool) -> bool {
        self.segments.iter().zip(&self.keys).all(|(segment, key)| match *segment {
            Segment::Private { .. } => true,
            Segment::Guest { addr, len } => len == 0 || keys.local(space, *key, pd, addr, len, write),
        })
    }
}

/// A receive that the request has taken at the responder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receive {
    /// Bytes it has room for.
    pub(super) room: u64,
    /// For the completion.
    pub(super) wqe_counter: u16,
    /// Shared receive queue it came from, else 0.
    pub(super) srqn: u32,
    /// Protection domain of the queue it came from.
    pub(super) pd: u32,
}

/// Why a request waits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wait {
    /// The responder has no receive.
    NoReceive {
        /// When the next try counts.
        until: u64,
        /// Tries left; `None` without end.
        left: Option<u8>,
        /// How often it has waited, to space out the looks of an otherwise idle engine.
        waited: u32,
    },
    /// The responder does not answer.
    Unreachable {
        /// When that becomes an error.
        until: u64,
    },
}

impl Wait {
    pub(super) fn until(&self) -> u64 {
        match self {
            Self::NoReceive { until, .. } | Self::Unreachable { until } => *until,
        }
    }
}

/// One request, decoded.
#[derive(Debug)]
pub(super) struct Work {
    /// Whether there is one.
    pub(super) active: bool,
    pub(super) bytes: [u8; MAX_WQE_BYTES],
    pub(super) opcode: Opcode,
    pub(super) raddr: u64,
    pub(super) rkey: Rkey,
    pub(super) swap_add: u64,
    pub(super) compare: u64,
    pub(super) imm: Option<u32>,
    pub(super) signalled: bool,
    pub(super) solicited: bool,
    pub(super) blocks: u16,
    /// Bytes of the message.
    pub(super) len: u64,
    /// Bytes moved.
    pub(super) done: u64,
    pub(super) local: Pieces,
    pub(super) receive: Option<Receive>,
    pub(super) receive_pieces: Pieces,
    pub(super) wait: Option<Wait>,
}

impl Work {
    pub(super) fn new() -> Self {
        Self {
            active: false,
            bytes: [0; MAX_WQE_BYTES],
            opcode: Opcode::Nop,
            raddr: 0,
            rkey: Rkey(0),
            swap_add: 0,
            compare: 0,
            imm: None,
            signalled: false,
            solicited: false,
            blocks: 0,
            len: 0,
            done: 0,
            local: Pieces::default(),
            receive: None,
            receive_pieces: Pieces::default(),
            wait: None,
        }
    }

    /// Whether the request consumes a receive at the responder.
    pub(super) fn needs_receive(&self) -> bool {
        matches!(self.opcode, Opcode::Send | Opcode::SendImm | Opcode::RdmaWriteImm)
    }
}

/// What came of a step of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is done.
    Done,
    /// A slice is done.
    More,
    /// It has to wait; `Work::wait` says for what.
    Wait,
    /// It failed at the requester.
    Failed(Syndrome),
}

/// What a queue pair's turn left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing to do until its doorbell rings.
    Idle,
    /// More to do in its next turn.
    More,
    /// Something that the passing of time or the guest's consuming will change.
    Waiting,
}
