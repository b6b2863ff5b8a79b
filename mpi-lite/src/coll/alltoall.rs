//! All-to-all: a block from each rank to each.

use super::choose::{Algorithm, Case, Collective, choose};
use super::memory::{self, Receive, Send, starts};
use super::{Link, node};
use crate::comm::{Comm, wire};
use crate::datatype;
use crate::error::Result;

/// Ranks that are served at once by the scattered algorithm.
const BATCH: usize = 32;

/// How blocks are known to be distributed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// All have as many bytes: `MPI_Alltoall`.
    Equal,
    /// Each pair of ranks has its own: `MPI_Alltoallv`, `MPI_Alltoallw`.
    Any,
}

/// Sends `sends[r]` to rank r, and receives from it into `rooms[r]`. Without `sends`, what is in `rooms` is sent.
///
/// # Safety
/// The sends are readable, the rooms writable memory of the program; they do not overlap.
pub unsafe fn alltoall(
    comm: &Comm,
    sends: Option<&[Send<'_>]>,
    rooms: &[Receive<'_>],
    kind: Blocks,
) -> Result<()> {
    let link = Link::new(comm, Collective::Alltoall);
    match sends {
        // SAFETY: the caller's promise.
        Some(sends) => unsafe { run(&link, sends, rooms, kind) },
        None => {
            let starts = starts(rooms.iter().map(Receive::bytes));
            let mut copy = vec![0; starts[rooms.len()]];
            for (rank, room) in rooms.iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe { memory::pack(room.as_send(), &mut copy[starts[rank]..starts[rank + 1]])? };
            }
            let byte = datatype::byte();
            let send = |rank: usize| {
                let bytes = &copy[starts[rank]..starts[rank + 1]];
                Send { at: bytes.as_ptr(), count: bytes.len(), dt: &byte }
            };
            let sends: Vec<Send<'_>> = (0..rooms.len()).map(send).collect();
            // SAFETY: the caller's promise; the copy lives until the end.
            unsafe { run(&link, &sends, rooms, kind) }
        }
    }
}

/// # Safety
/// As [`alltoall`].
unsafe fn run(link: &Link<'_>, sends: &[Send<'_>], rooms: &[Receive<'_>], kind: Blocks) -> Result<()> {
    if let (Blocks::Equal, Some(node)) = (kind, node::ready(link.comm).filter(|node| node.is_one_host())) {
        // SAFETY: the caller's promise.
        return unsafe { node.alltoall(sends, rooms, rooms[0].bytes()) };
    }
    // With blocks of different sizes ranks do not know each other's, so the choice may not depend on them.
    let bytes = if kind == Blocks::Equal { rooms[0].bytes() } else { 16 << 10 };
    let node = match kind {
        Blocks::Equal => node::of(link.comm, Collective::Alltoall)?.filter(|node| node.is_one_host()),
        Blocks::Any => None,
    };
    // SAFETY: the caller's promise.
    unsafe {
        match choose(Collective::Alltoall, &Case::new(link.size, bytes).shared(node.is_some()))? {
            Algorithm::Node => node.map_or(Ok(()), |node| node.alltoall(sends, rooms, bytes)),
            Algorithm::Bruck if kind == Blocks::Equal => bruck(link, sends, rooms, bytes),
            Algorithm::Pairwise => pairwise(link, sends, rooms),
            _ => scattered(link, sends, rooms),
        }
    }
}

/// # Safety
/// As [`alltoall`].
unsafe fn scattered(link: &Link<'_>, sends: &[Send<'_>], rooms: &[Receive<'_>]) -> Result<()> {
    // SAFETY: the caller's promise.
    let mut outcome = unsafe { memory::copy(sends[link.rank], rooms[link.rank]) };
    let distances: Vec<usize> = (1..link.size).collect();
    for batch in distances.chunks(BATCH) {
        let mut pending = Vec::with_capacity(2 * batch.len());
        for distance in batch {
            let from = link.before(*distance);
            // SAFETY: the caller's promise; all operations of the batch end below.
            pending.push(unsafe { link.start_receive(from, rooms[from])? });
        }
        for distance in batch {
            let to = link.after(*distance);
            // SAFETY: as above.
            pending.push(unsafe { link.start_send(to, sends[to])? });
        }
        outcome = outcome.and(wire::finish_all(pending));
    }
    outcome
}

/// # Safety
/// As [`alltoall`].
unsafe fn pairwise(link: &Link<'_>, sends: &[Send<'_>], rooms: &[Receive<'_>]) -> Result<()> {
    // SAFETY: the caller's promise.
    let mut outcome = unsafe { memory::copy(sends[link.rank], rooms[link.rank]) };
    for distance in 1..link.size {
        let (to, from) = (link.after(distance), link.before(distance));
        // SAFETY: as above.
        outcome = outcome.and(unsafe { link.exchange(to, sends[to], from, rooms[from]) });
    }
    outcome
}

/// Block `i` of the rotated buffer has to go `i` ranks further: in round k all blocks move by 2^k that have this bit.
///
/// # Safety
/// As [`alltoall`].
unsafe fn bruck(link: &Link<'_>, sends: &[Send<'_>], rooms: &[Receive<'_>], bytes: usize) -> Result<()> {
    let mut blocks = vec![0; link.size * bytes];
    let place = |i: usize| i * bytes..(i + 1) * bytes;
    let mut outcome = Ok(());
    for i in 0..link.size {
        // SAFETY: the caller's promise.
        outcome = outcome.and(unsafe { memory::pack(sends[link.after(i)], &mut blocks[place(i)]) });
    }
    let mut bit = 1;
    while bit < link.size {
        let moving: Vec<usize> = (0..link.size).filter(|i| i & bit != 0).collect();
        let data: Vec<u8> = moving.iter().flat_map(|i| &blocks[place(*i)]).copied().collect();
        let mut room = vec![0; data.len()];
        outcome = outcome.and(link.exchange_bytes(link.after(bit), &data, link.before(bit), &mut room));
        for (i, block) in moving.iter().zip(room.chunks_exact(bytes.max(1))) {
            blocks[place(*i)].copy_from_slice(block);
        }
        bit *= 2;
    }
    for i in 0..link.size {
        // SAFETY: the caller's promise.
        outcome = outcome.and(unsafe { memory::unpack(&blocks[place(i)], rooms[link.before(i)]) });
    }
    outcome
}
