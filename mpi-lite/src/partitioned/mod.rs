//! Partitioned communication (MPI 5.0, chapter 4): one message whose parts are sent as they become ready.
//!
//! Each partition of the sender is a message of its own, so the sides may divide the data differently: a partition of the
//! receiver has arrived when all messages that overlap it have.
//!
//! # How the sides meet
//! `MPI_Psend_init` sends a [`Setup`], and `MPI_Precv_init` posts a receive for it: these match by communicator, rank and tag, in
//! order, as the standard asks. The setup tells the receiver the sender's partitions and their tags. The messages of later
//! starts follow each other under the same tags, so nothing has to be agreed on again.
//!
//! # Contexts
//! No other message can meet these: contexts with the bit [`PARTITIONED`] belong to no communicator. That of a
//! communicator's point-to-point messages with the bit carries setups under the program's tags; that of its collectives
//! with the bit carries partitions, under tags that the sender takes from a pool of its own ([`tags`]).

mod receive;
mod send;
mod tags;
#[cfg(test)]
mod tests;

pub use receive::Receive;
pub use send::Send;

use crate::comm::Comm;
use crate::request::Activity;
use std::any::Any;
use std::rc::Rc;

/// The bit of contexts that no communicator's own messages have.
const PARTITIONED: u32 = 1 << 31;

fn setup_context(comm: &Comm) -> u32 {
    comm.context() | PARTITIONED
}

fn data_context(comm: &Comm) -> u32 {
    comm.collective_context() | PARTITIONED
}

/// Bytes of a setup.
const SETUP: usize = 16;

/// What a sender tells its receiver once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Setup {
    /// Number of its partitions.
    partitions: u32,
    /// Tag of the first; the others follow.
    first_tag: i32,
    /// Bytes of each.
    bytes: u64,
}

impl Setup {
    fn encode(self) -> [u8; SETUP] {
        let mut bytes = [0; SETUP];
        bytes[..4].copy_from_slice(&self.partitions.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.first_tag.to_le_bytes());
        bytes[8..].copy_from_slice(&self.bytes.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; SETUP]) -> Self {
        let [a, b, c, d, e, f, g, h, size @ ..] = *bytes;
        Self {
            partitions: u32::from_le_bytes([a, b, c, d]),
            first_tag: i32::from_le_bytes([e, f, g, h]),
            bytes: u64::from_le_bytes(size),
        }
    }
}

/// The partitioned operation of that type behind a request.
pub fn downcast<T: Activity>(activity: Option<Rc<dyn Activity>>) -> Option<Rc<T>> {
    activity.and_then(|activity| (activity as Rc<dyn Any>).downcast::<T>().ok())
}
