//! Gather and scatter: all blocks at one root.

use super::Link;
use super::choose::{Algorithm, Case, Collective, choose};
use super::memory::{self, Receive, Send};
use crate::comm::{Comm, wire};
use crate::error::Result;

/// Collects a block of each rank at the root. `mine` is `None` at a root that has its block in place already; `blocks`
/// counts at the root only and is the room for rank 0, which that for others follows.
///
/// # Safety
/// `mine` is readable, the blocks of all ranks writable memory of the program; they do not overlap.
pub unsafe fn gather(
    comm: &Comm,
    mine: Option<Send<'_>>,
    blocks: Option<Receive<'_>>,
    root: usize,
) -> Result<()> {
    let link = Link::new(comm, Collective::Gather);
    let bytes = match (&mine, &blocks) {
        (_, Some(block)) if link.rank == root => block.bytes(),
        (Some(mine), _) => mine.bytes(),
        _ => 0,
    };
    let block = |rank: usize| blocks.map(|b| b.part(rank as isize * b.count as isize, b.count));
    // SAFETY: the caller's promise.
    unsafe {
        match choose(Collective::Gather, &Case::new(link.size, bytes))? {
            Algorithm::Binomial => gather_binomial(&link, mine, &block, bytes, root),
            _ => gather_linear(&link, mine, &block, root),
        }
    }
}

/// As [`gather`], with a place for each rank's block (at the root).
///
/// # Safety
/// As [`gather`].
pub unsafe fn gatherv(
    comm: &Comm,
    mine: Option<Send<'_>>,
    blocks: &[Receive<'_>],
    root: usize,
) -> Result<()> {
    let link = Link::new(comm, Collective::Gatherv);
    // Only one algorithm, but a name that is misspelt is to be noticed.
    choose(Collective::Gatherv, &Case::new(link.size, 0))?;
    // SAFETY: the caller's promise.
    unsafe { gather_linear(&link, mine, &|rank| blocks.get(rank).copied(), root) }
}

type BlockOf<'a, B> = &'a dyn Fn(usize) -> Option<B>;

/// # Safety
/// As [`gather`].
unsafe fn gather_linear(
    link: &Link<'_>,
    mine: Option<Send<'_>>,
    block: BlockOf<'_, Receive<'_>>,
    root: usize,
) -> Result<()> {
    if link.rank != root {
        // SAFETY: the caller's promise.
        return mine.map_or(Ok(()), |mine| unsafe { link.send(root, mine) });
    }
    let mut receives = Vec::with_capacity(link.size);
    for rank in (0..link.size).filter(|rank| *rank != root) {
        if let Some(block) = block(rank) {
            // SAFETY: the caller's promise; all receives end below.
            receives.push(unsafe { link.start_receive(rank, block)? });
        }
    }
    let own = match (mine, block(root)) {
        // SAFETY: the caller's promise.
        (Some(mine), Some(block)) => unsafe { memory::copy(mine, block) },
        _ => Ok(()),
    };
    own.and(wire::finish_all(receives))
}

/// Each rank collects the packed blocks of its subtree and hands them on at once.
///
/// # Safety
/// As [`gather`].
unsafe fn gather_binomial(
    link: &Link<'_>,
    mine: Option<Send<'_>>,
    block: BlockOf<'_, Receive<'_>>,
    bytes: usize,
    root: usize,
) -> Result<()> {
    let relative = link.before(root);
    let below = if relative == 0 { usize::MAX } else { relative & relative.wrapping_neg() };
    let subtree = below.min(link.size - relative);
    let mut packed = vec![0; subtree * bytes];
    if let (Some(mine), true) = (mine, relative != 0) {
        // SAFETY: the caller's promise.
        unsafe { memory::pack(mine, &mut packed[..bytes])? };
    }
    let mut outcome = Ok(());
    let mut bit = 1;
    while bit < link.size && relative & bit == 0 {
        if bit < subtree {
            let end = (2 * bit).min(subtree);
            let received = link.receive_bytes(link.after(bit), &mut packed[bit * bytes..end * bytes]);
            outcome = outcome.and(received.map(|_| ()));
        }
        bit <<= 1;
    }
    if relative != 0 {
        return outcome.and(link.send_bytes(link.before(bit), &packed));
    }
    for v in 0..link.size {
        let rank = link.after(v);
        let Some(block) = block(rank) else { continue };
        let placed = match (v, mine) {
            (0, None) => Ok(()),
            // SAFETY: the caller's promise.
            (0, Some(mine)) => unsafe { memory::copy(mine, block) },
            // SAFETY: as above.
            _ => unsafe { memory::unpack(&packed[v * bytes..(v + 1) * bytes], block) },
        };
        outcome = outcome.and(placed);
    }
    outcome
}

/// Gives each rank a block from the root. `room` is `None` at a root that leaves its block in place; `blocks` counts
/// at the root only and is rank 0's block, which the others follow.
///
/// # Safety
/// `room` is writable, the blocks of all ranks readable memory of the program; they do not overlap.
pub unsafe fn scatter(
    comm: &Comm,
    blocks: Option<Send<'_>>,
    room: Option<Receive<'_>>,
    root: usize,
) -> Result<()> {
    let link = Link::new(comm, Collective::Scatter);
    let bytes = match (&blocks, &room) {
        (Some(block), _) if link.rank == root => block.bytes(),
        (_, Some(room)) => room.bytes(),
        _ => 0,
    };
    let block = |rank: usize| blocks.map(|b| b.part(rank as isize * b.count as isize, b.count));
    // SAFETY: the caller's promise.
    unsafe {
        match choose(Collective::Scatter, &Case::new(link.size, bytes))? {
            Algorithm::Binomial => scatter_binomial(&link, &block, room, bytes, root),
            _ => scatter_linear(&link, &block, room, root),
        }
    }
}

/// As [`scatter`], with a place of each rank's block (at the root).
///
/// # Safety
/// As [`scatter`].
pub unsafe fn scatterv(
    comm: &Comm,
    blocks: &[Send<'_>],
    room: Option<Receive<'_>>,
    root: usize,
) -> Result<()> {
    let link = Link::new(comm, Collective::Scatterv);
    choose(Collective::Scatterv, &Case::new(link.size, 0))?;
    // SAFETY: the caller's promise.
    unsafe { scatter_linear(&link, &|rank| blocks.get(rank).copied(), room, root) }
}

/// # Safety
/// As [`scatter`].
unsafe fn scatter_linear(
    link: &Link<'_>,
    block: BlockOf<'_, Send<'_>>,
    room: Option<Receive<'_>>,
    root: usize,
) -> Result<()> {
    if link.rank != root {
        // SAFETY: the caller's promise.
        return room.map_or(Ok(()), |room| unsafe { link.receive(root, room) }.map(|_| ()));
    }
    let mut sends = Vec::with_capacity(link.size);
    for rank in (0..link.size).filter(|rank| *rank != root) {
        if let Some(block) = block(rank) {
            // SAFETY: the caller's promise; all sends end below.
            sends.push(unsafe { link.start_send(rank, block)? });
        }
    }
    let own = match (block(root), room) {
        // SAFETY: the caller's promise.
        (Some(block), Some(room)) => unsafe { memory::copy(block, room) },
        _ => Ok(()),
    };
    own.and(wire::finish_all(sends))
}

/// Each rank gets the packed blocks of its subtree and hands its children theirs.
///
/// # Safety
/// As [`scatter`].
unsafe fn scatter_binomial(
    link: &Link<'_>,
    block: BlockOf<'_, Send<'_>>,
    room: Option<Receive<'_>>,
    bytes: usize,
    root: usize,
) -> Result<()> {
    let relative = link.before(root);
    let mut bit = 1;
    while bit < link.size && relative & bit == 0 {
        bit <<= 1;
    }
    let subtree = bit.min(link.size - relative);
    let mut packed = vec![0; subtree * bytes];
    let mut outcome = Ok(());
    if relative == 0 {
        for v in 1..link.size {
            if let Some(block) = block(link.after(v)) {
                // SAFETY: the caller's promise.
                let done = unsafe { memory::pack(block, &mut packed[v * bytes..(v + 1) * bytes]) };
                outcome = outcome.and(done);
            }
        }
    } else {
        outcome = link.receive_bytes(link.before(bit), &mut packed).map(|_| ());
    }
    while bit > 1 {
        bit >>= 1;
        if bit < subtree {
            let end = (2 * bit).min(subtree);
            outcome = outcome.and(link.send_bytes(link.after(bit), &packed[bit * bytes..end * bytes]));
        }
    }
    let own = match (room, block(root)) {
        (None, _) => Ok(()),
        // SAFETY: the caller's promise.
        (Some(room), Some(block)) if relative == 0 => unsafe { memory::copy(block, room) },
        // SAFETY: as above.
        (Some(room), _) => unsafe { memory::unpack(&packed[..bytes], room) },
    };
    outcome.and(own)
}
