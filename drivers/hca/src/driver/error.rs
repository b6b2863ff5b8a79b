//! What can go wrong in the driver.

use core::fmt;

use crate::command::{Opcode, Status};
use crate::event::UnknownEvent;
use crate::num::{CqNum, Rank};
use crate::region::{RegionError, VERSION};

/// Failure of a verb or of the host's protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The region is not one of a host that this image can talk to.
    Region(RegionError),
    /// The host speaks another version of the protocol.
    HostVersion(u32),
    /// The host refused a command.
    Refused {
        /// Which.
        opcode: Opcode,
        /// Why.
        status: Status,
    },
    /// The host did not answer a command in time.
    NoAnswer {
        /// Which command.
        opcode: Opcode,
        /// This rank.
        rank: Rank,
        /// How long it had.
        waited_ms: u64,
    },
    /// The host's answer makes no sense.
    BadAnswer(Opcode),
    /// No memory for rings.
    OutOfDma {
        /// Bytes asked for.
        bytes: usize,
    },
    /// More than the adapter can hold.
    Limit {
        /// Of what.
        what: &'static str,
        /// Asked for.
        wanted: usize,
        /// Most there can be.
        most: usize,
    },
    /// The object is still used by others.
    InUse(&'static str),
    /// A completion that fits no request.
    BadCompletion {
        /// Where it was.
        cqn: CqNum,
        /// What does not fit.
        what: &'static str,
    },
    /// The event ring's producer index is out of range.
    EventRing {
        /// Of the host.
        producer: u32,
        /// Of the guest.
        consumer: u32,
    },
    /// An event of a kind this image does not know.
    UnknownEvent(u32),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Region(error) => error.fmt(f),
            Error::HostVersion(found) => {
                write!(
                    f,
                    "the host speaks HCA protocol {found}, this image speaks {VERSION}: rebuild the image or update unirank"
                )
            }
            Error::Refused { opcode, status } => write!(f, "the host refused {opcode:?}: {status}"),
            Error::NoAnswer { opcode, rank, waited_ms } => {
                write!(
                    f,
                    "{rank} waited {waited_ms} ms for the host backend to answer {opcode:?}: is it still running?"
                )
            }
            Error::BadAnswer(opcode) => write!(f, "the host's answer to {opcode:?} makes no sense"),
            Error::OutOfDma { bytes } => write!(f, "no DMA memory left for {bytes} bytes of rings"),
            Error::Limit { what, wanted, most } => {
                write!(f, "{wanted} {what} wanted, the adapter has at most {most}")
            }
            Error::InUse(what) => write!(f, "the {what} is still in use"),
            Error::BadCompletion { cqn, what } => {
                write!(f, "the adapter wrote a completion to {cqn} that fits no request: {what}")
            }
            Error::EventRing { producer, consumer } => {
                write!(f, "the event ring is broken: host at {producer}, guest at {consumer}")
            }
            Error::UnknownEvent(kind) => write!(f, "the host sent an event of unknown kind {kind}"),
        }
    }
}

impl core::error::Error for Error {}

impl From<RegionError> for Error {
    fn from(error: RegionError) -> Error {
        Error::Region(error)
    }
}

impl From<UnknownEvent> for Error {
    fn from(event: UnknownEvent) -> Error {
        Error::UnknownEvent(event.0)
    }
}

/// Why a request was not posted. The queue is as before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PostError {
    /// No room: poll completions, then try again.
    QueueFull,
    /// The queue pair is not connected yet.
    NotReady,
    /// More inline bytes than the queue pair takes.
    InlineTooLong {
        /// Bytes given.
        len: usize,
        /// Most there may be.
        most: usize,
    },
    /// More scatter/gather entries than the queue takes.
    TooManySges {
        /// Entries given.
        count: usize,
        /// Most there may be.
        most: usize,
    },
    /// Inline data for a read or atomic, or an atomic whose answer is not one entry of 8 bytes.
    Shape,
    /// A message of 2^31 bytes or more.
    TooLong(u64),
}

impl fmt::Display for PostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PostError::QueueFull => f.write_str("the queue is full"),
            PostError::NotReady => f.write_str("the queue pair is not connected"),
            PostError::InlineTooLong { len, most } => write!(f, "{len} bytes inline, at most {most} fit"),
            PostError::TooManySges { count, most } => {
                write!(f, "{count} scatter/gather entries, at most {most} fit")
            }
            PostError::Shape => {
                f.write_str("reads take no inline data, atomics exactly one entry of 8 bytes")
            }
            PostError::TooLong(len) => write!(f, "a message of {len} bytes is longer than 2^31 - 1"),
        }
    }
}

impl core::error::Error for PostError {}
