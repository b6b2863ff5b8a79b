//! What polling a completion queue yields.

use core::fmt;

use crate::cqe::Syndrome;
use crate::num::QpNum;

/// A finished request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Completion {
    /// The number given when the request was posted.
    pub wr_id: u64,
    /// The queue pair it belongs to.
    pub qpn: QpNum,
    /// What it was.
    pub kind: CompletionKind,
    /// Bytes received, read or fetched.
    pub byte_len: u32,
    /// The sender's immediate, for the two kinds that have one; else 0.
    pub imm: u32,
    /// How it ended.
    pub result: Result<(), Failure>,
}

impl Completion {
    /// To fill an array with before polling into it.
    pub const EMPTY: Completion = Completion {
        wr_id: 0,
        qpn: QpNum(0),
        kind: CompletionKind::Nop,
        byte_len: 0,
        imm: 0,
        result: Ok(()),
    };

    /// Whether a receive finished (else a request of the send queue).
    pub fn is_receive(&self) -> bool {
        matches!(
            self.kind,
            CompletionKind::Receive | CompletionKind::ReceiveImm | CompletionKind::ReceiveWriteImm
        )
    }
}

/// What finished.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CompletionKind {
    /// A no-operation.
    Nop,
    /// A send, with or without immediate.
    Send,
    /// An RDMA write, with or without immediate.
    Write,
    /// An RDMA read.
    Read,
    /// A fetch-and-add or compare-and-swap.
    Atomic,
    /// A receive.
    Receive,
    /// A receive of a message with immediate.
    ReceiveImm,
    /// A receive consumed by a peer's RDMA write with immediate; no data in the receive's buffer.
    ReceiveWriteImm,
}

/// Why a request failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Cause.
    pub syndrome: Syndrome,
    /// The engine's finer cause.
    pub vendor: u8,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (vendor code {:#x})", self.syndrome, self.vendor)
    }
}

impl core::error::Error for Failure {}
