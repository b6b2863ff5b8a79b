//! Collective operations: through shared memory on a host, else over messages on the communicator's collective context.
//!
//! | file | question |
//! |---|---|
//! | [`choose`] | which algorithm, for how many ranks and bytes? |
//! | [`node`] | how do ranks on one host do without messages? |
//! | [`memory`] | local copies, packed blocks and scratch memory for reductions |
//! | `barrier`, `bcast`, `gather`, `allgather`, `alltoall` | moving data |
//! | `reduce`, `allreduce`, `scan`, `reduce_scatter` | combining data |
//! | `neighbor` | exchanging data with the neighbours in a topology |
//! | [`inter`] | all of them on inter-communicators |
//!
//! Three shapes of data occur. *Typed* buffers (address, count, datatype) go to the transport as they are. Where an
//! algorithm forwards pieces of other ranks' data, these are *packed* bytes. Reductions work on *elements* in the
//! layout of their datatype, as operations of the program expect.
//!
//! All of this blocks. Non-blocking and persistent collectives are the same code in a [fiber](crate::fiber), where it takes
//! messages only: the shared memory of a host serves one operation at a time, which all members do at the same time.
//!
//! Algorithms keep the order of ranks in reductions unless the operation is commutative.
//! When a step fails on one rank (a message longer than its buffer), the rank carries on where it can, so that
//! others do not wait for it, and reports the first error.

pub mod allgather;
pub mod allreduce;
pub mod alltoall;
pub mod barrier;
pub mod bcast;
pub mod choose;
pub mod gather;
pub mod inter;
pub mod memory;
pub mod neighbor;
pub mod node;
pub mod reduce;
pub mod reduce_scatter;
pub mod scan;

mod link;

pub(crate) use link::Link;
use memory::starts;
pub use memory::{ByRank, Receive, Send};
use std::iter::repeat_n;

use crate::comm::Comm;
use crate::error::Result;

/// Each rank's numbers, by rank; what communicators need while they are made.
pub(crate) fn allgather_values<const N: usize>(comm: &Comm, mine: [i32; N]) -> Result<Vec<[i32; N]>> {
    let mut all = vec![0; N * 4 * comm.size()];
    let bytes: Vec<u8> = mine.iter().flat_map(|v| v.to_ne_bytes()).collect();
    let place = comm.rank() * bytes.len();
    all[place..place + bytes.len()].copy_from_slice(&bytes);
    allgather::packed(comm, &mut all, &starts(repeat_n(bytes.len(), comm.size())))?;
    Ok(numbers(&all))
}

/// Each rank's list, one after the other.
pub(crate) fn allgather_lists<const N: usize>(comm: &Comm, mine: &[[i32; N]]) -> Result<Vec<[i32; N]>> {
    let lengths = allgather_values(comm, [mine.len() as i32])?;
    let starts = starts(lengths.iter().map(|[n]| *n as usize * N * 4));
    let mut all = vec![0; starts[comm.size()]];
    let place = starts[comm.rank()];
    let bytes: Vec<u8> = mine.iter().flatten().flat_map(|v| v.to_ne_bytes()).collect();
    all[place..place + bytes.len()].copy_from_slice(&bytes);
    allgather::packed(comm, &mut all, &starts)?;
    Ok(numbers(&all))
}

fn numbers<const N: usize>(bytes: &[u8]) -> Vec<[i32; N]> {
    let number = |b: &[u8]| i32::from_ne_bytes([b[0], b[1], b[2], b[3]]);
    bytes.chunks_exact(N * 4).map(|chunk| std::array::from_fn(|i| number(&chunk[i * 4..]))).collect()
}

#[cfg(test)]
mod tests;
