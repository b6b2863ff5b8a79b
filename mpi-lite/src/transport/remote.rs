//! One-sided access to another rank's memory: what a channel can do there without that rank's processor.

use crate::Result;
use crate::abi::MPI_ERR_OTHER;
use crate::error::err;

/// Set in the tokens of one-sided accesses; those of messages have it clear.
pub const REMOTE: u64 = 1 << 63;

/// What is done with remote memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Remote bytes go to the local ones.
    Read,
    /// Local bytes go to the remote ones.
    Write,
    /// Adds to the remote 8-byte word; the old value goes to the local bytes.
    FetchAdd(u64),
    /// Replaces the remote 8-byte word if it equals `compare`; the old value goes to the local bytes.
    CompareSwap {
        /// What the word must be.
        compare: u64,
        /// What it becomes.
        swap: u64,
    },
}

/// An access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Rank in `MPI_COMM_WORLD` whose memory it is.
    pub to: u32,
    /// Address there; a multiple of 8 for atomics.
    pub remote: u64,
    /// Its key there.
    pub key: u32,
    /// The local side, kept valid by the caller until the access is reported.
    pub local: *mut u8,
    /// Bytes: 8 for atomics, else 1 to [`super::MAX_READ`].
    pub len: u64,
    /// What is done.
    pub action: Action,
    /// Comes back in [`super::Event::ReadDone`]; has [`REMOTE`].
    pub token: u64,
}

/// The answer of a channel that has no one-sided access.
#[cold]
pub fn unsupported<T>() -> Result<T> {
    err(MPI_ERR_OTHER, "the channel to the other ranks has no one-sided access to their memory")
}
