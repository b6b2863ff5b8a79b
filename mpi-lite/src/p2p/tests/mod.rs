//! The protocol over a simulated network: every combination of sizes, layouts, modes and orders that the engine tells apart.

mod cancel;
mod credit;
mod errors;
mod large;
mod modes;
mod traffic;

use super::{Peer, Req, SendMode, Source, irecv, isend};
use crate::abi::MPI_COMBINER_HVECTOR;
use crate::datatype::{Datatype, Recipe, byte};

/// A rank of the world.
fn peer(rank: u32) -> Peer {
    Peer { rank: rank as i32, world: rank }
}

/// `blocks` blocks of `len` bytes, `stride` apart.
fn blocks(blocks: u64, len: u64, stride: i64) -> Datatype {
    let body = byte().body().hvector(blocks, len, stride).expect("a small type");
    let dt = Datatype::new(body, Recipe::new(MPI_COMBINER_HVECTOR, false));
    dt.commit();
    dt
}

/// Message bytes that tell where they come from.
fn pattern(seed: u32, len: usize) -> Vec<u8> {
    (0..len).map(|i| (i as u32 * 7 + seed * 31 + (i as u32 >> 8)) as u8).collect()
}

/// Starts a send of bytes in context 0. The tests keep the bytes alive until the request is complete.
fn send_bytes(me: u32, to: u32, tag: i32, bytes: &[u8], mode: SendMode) -> Req {
    // SAFETY: see above.
    unsafe { isend(0, bytes.as_ptr(), bytes.len(), &byte(), peer(to), me as i32, tag, mode) }.expect("isend")
}

/// Starts a receive of bytes in context 0, likewise.
fn receive_bytes(source: Source, tag: Option<i32>, bytes: &mut [u8]) -> Req {
    // SAFETY: see above.
    unsafe { irecv(0, bytes.as_mut_ptr(), bytes.len(), &byte(), source, tag) }.expect("irecv")
}
