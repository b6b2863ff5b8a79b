//! Allgather: each rank's block to all.
//!
//! The algorithms work on packed bytes, in which the blocks follow each other by rank, with lengths that may differ:
//! allgather and allgatherv are one. When the program's blocks are dense neighbours they are used as they are.

use super::choose::{Algorithm, Case, Collective, choose};
use super::memory::{self, Receive, Send, starts};
use super::{Link, node};
use crate::comm::Comm;
use crate::error::Result;
use std::ops::Range;

/// Collects the blocks of all ranks at all. `mine` is `None` when this rank's block is in place already.
///
/// # Safety
/// `mine` is readable, the blocks are writable memory of the program; they do not overlap.
pub unsafe fn allgather(comm: &Comm, mine: Option<Send<'_>>, blocks: &[Receive<'_>]) -> Result<()> {
    let own = blocks[comm.rank()];
    let starts = starts(blocks.iter().map(Receive::bytes));
    let place = |rank: usize| starts[rank]..starts[rank + 1];
    // SAFETY: the caller's promise.
    if let Some(bytes) = unsafe { neighbours(blocks) } {
        let fits = mine.filter(|mine| mine.bytes() == own.bytes());
        // SAFETY: the caller's promise.
        let dense = fits.and_then(|mine| unsafe { memory::dense_data(mine) });
        let outcome = match mine.filter(|_| dense.is_none()) {
            // SAFETY: the caller's promise.
            Some(mine) => unsafe { memory::pack(mine, &mut bytes[place(comm.rank())]) },
            None => Ok(()),
        };
        return outcome.and(packed_from(comm, dense, bytes, &starts));
    }
    let outcome = match mine {
        // SAFETY: the caller's promise.
        Some(mine) => unsafe { memory::copy(mine, own) },
        None => Ok(()),
    };
    let mut bytes = vec![0; starts[blocks.len()]];
    // SAFETY: the caller's promise.
    unsafe { memory::pack(own.as_send(), &mut bytes[place(comm.rank())])? };
    let mut outcome = outcome.and(packed(comm, &mut bytes, &starts));
    for (rank, block) in blocks.iter().enumerate().filter(|(rank, _)| *rank != comm.rank()) {
        // SAFETY: the caller's promise.
        outcome = outcome.and(unsafe { memory::unpack(&bytes[place(rank)], *block) });
    }
    outcome
}

/// All blocks as one slice, if they are dense and follow each other.
///
/// # Safety
/// As [`memory::dense`], for all blocks.
unsafe fn neighbours<'a>(blocks: &[Receive<'_>]) -> Option<&'a mut [u8]> {
    let mut found: Option<Range<usize>> = None;
    let mut first: *mut u8 = std::ptr::null_mut();
    for block in blocks {
        let (offset, len) = block.dt.contiguous_bytes(block.count)?;
        if len == 0 {
            continue;
        }
        let at = block.at.wrapping_offset(offset);
        match &mut found {
            None => {
                first = at;
                found = Some(at.addr()..at.addr() + len);
            }
            Some(range) if range.end == at.addr() => range.end += len,
            Some(_) => return None,
        }
    }
    let Some(range) = found else { return Some(&mut []) };
    // SAFETY: the caller's promise, for dense blocks that follow each other.
    Some(unsafe { std::slice::from_raw_parts_mut(first, range.len()) })
}

/// Collects packed blocks: `bytes` has room for all, each from its start to that of the next, this rank's is in its place.
pub fn packed(comm: &Comm, bytes: &mut [u8], starts: &[usize]) -> Result<()> {
    packed_from(comm, None, bytes, starts)
}

/// The same when this rank's block is still to be copied to its place, from `mine`.
fn packed_from(comm: &Comm, mine: Option<&[u8]>, bytes: &mut [u8], starts: &[usize]) -> Result<()> {
    if let Some(node) = node::ready(comm) {
        return node.allgather(mine, bytes, starts);
    }
    let link = Link::new(comm, Collective::Allgather);
    let node = node::of(comm, Collective::Allgather)?;
    let algorithm = choose(Collective::Allgather, &Case::new(link.size, bytes.len()).shared(node.is_some()))?;
    if let (Algorithm::Node, Some(node)) = (algorithm, node) {
        return node.allgather(mine, bytes, starts);
    }
    if let Some(mine) = mine {
        bytes[starts[link.rank]..starts[link.rank + 1]].copy_from_slice(mine);
    }
    match algorithm {
        Algorithm::RecursiveDoubling => recursive_doubling(&link, bytes, starts),
        Algorithm::Bruck => bruck(&link, bytes, starts),
        _ => ring(&link, bytes, starts, link.rank),
    }
}

/// As [`packed`], for short blocks, always by messages: what shared memory needs before it is there.
pub(super) fn by_messages(comm: &Comm, bytes: &mut [u8], starts: &[usize]) -> Result<()> {
    bruck(&Link::new(comm, Collective::Allgather), bytes, starts)
}

/// Two ranges of a slice that do not overlap: one to read, one to write.
pub(super) fn two(bytes: &mut [u8], read: Range<usize>, write: Range<usize>) -> (&[u8], &mut [u8]) {
    if read.end <= write.start {
        let (low, high) = bytes.split_at_mut(write.start);
        return (&low[read], &mut high[..write.len()]);
    }
    let (low, high) = bytes.split_at_mut(read.start);
    (&high[..read.len()], &mut low[write])
}

/// Blocks go around the ring. This rank starts with block `mine`, its predecessor with the one before.
pub(super) fn ring(link: &Link<'_>, bytes: &mut [u8], starts: &[usize], mine: usize) -> Result<()> {
    let block = |step: usize| {
        let b = (mine + link.size - step) % link.size;
        starts[b]..starts[b + 1]
    };
    for step in 0..link.size - 1 {
        let (data, room) = two(bytes, block(step), block(step + 1));
        link.exchange_bytes(link.after(1), data, link.before(1), room)?;
    }
    Ok(())
}

/// Groups of 2^k ranks know all blocks of the group; two groups exchange them. For powers of two.
fn recursive_doubling(link: &Link<'_>, bytes: &mut [u8], starts: &[usize]) -> Result<()> {
    let mut width = 1;
    while width < link.size {
        let partner = link.rank ^ width;
        let group = |rank: usize| {
            let first = rank & !(width - 1);
            starts[first]..starts[first + width]
        };
        let (data, room) = two(bytes, group(link.rank), group(partner));
        link.exchange_bytes(partner, data, partner, room)?;
        width *= 2;
    }
    Ok(())
}

/// Each rank keeps the blocks in the order that starts with its own, and doubles what it has.
fn bruck(link: &Link<'_>, bytes: &mut [u8], starts: &[usize]) -> Result<()> {
    let length = |rank: usize| starts[rank + 1] - starts[rank];
    let turned = super::memory::starts((0..link.size).map(|i| length(link.after(i))));
    let mut all = vec![0; bytes.len()];
    all[..length(link.rank)].copy_from_slice(&bytes[starts[link.rank]..starts[link.rank + 1]]);
    let mut have = 1;
    while have < link.size {
        let more = have.min(link.size - have);
        let (known, rest) = all.split_at_mut(turned[have]);
        let room = &mut rest[..turned[have + more] - turned[have]];
        // The receiver knows the lengths of the blocks that it lacks: they are the first of this rank's.
        link.exchange_bytes(link.before(have), &known[..turned[more]], link.after(have), room)?;
        have += more;
    }
    for i in 1..link.size {
        let rank = link.after(i);
        bytes[starts[rank]..starts[rank + 1]].copy_from_slice(&all[turned[i]..turned[i + 1]]);
    }
    Ok(())
}
