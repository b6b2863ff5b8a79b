//! Collectives on inter-communicators: data go from each group to the other (MPI 5.0, section 6.2.3).
//!
//! | collective | way |
//! |---|---|
//! | barrier, bcast, reduce, allreduce, reduce_scatter | together in the local group, between the first ranks, together again |
//! | gather, scatter, alltoall | directly between the ranks of both groups |
//! | allgather | each rank receives from its share of the remote ranks, then shares it with its group |
//!
//! A call has messages across under the tag of its [`Link`], and collectives on the communicator of the local group, which no
//! other than these uses.

use super::choose::Collective;
use super::memory::{self, ByRank, Receive, Send, shares, starts};
use super::reduce::Reduction;
use super::{Link, allgather, barrier, bcast, gather, reduce};
use crate::comm::Comm;
use crate::comm::inter::Role;
use crate::comm::wire::finish_all;
use crate::datatype;
use crate::error::Result;

/// One call's view of an inter-communicator. Ranks of messages are those of the remote group.
pub struct Across<'a> {
    link: Link<'a>,
    /// The communicator of the local group.
    local: &'a Comm,
    /// Number of remote ranks.
    remote: usize,
}

impl<'a> Across<'a> {
    /// For a call of that collective.
    pub fn new(comm: &'a Comm, collective: Collective) -> Self {
        Self { link: Link::new(comm, collective), local: comm.local(), remote: comm.peers().size() }
    }

    /// Whether this is the rank that speaks for its group.
    fn leads(&self) -> bool {
        self.link.rank == 0
    }

    /// The first rank's buffer on all ranks of the local group.
    ///
    /// # Safety
    /// As [`bcast::bcast`].
    unsafe fn tell(&self, buffer: Receive<'_>) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { bcast::bcast(self.local, buffer, 0) }
    }

    /// Combines the local group's elements at its first rank.
    ///
    /// # Safety
    /// As [`reduce::reduce`].
    unsafe fn combine(
        &self,
        mine: *const u8,
        result: *mut u8,
        count: usize,
        what: Reduction<'_>,
    ) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { reduce::reduce(self.local, mine, result, count, what, 0) }
    }
}

/// Returns when all ranks of the other group have called it.
pub fn barrier(across: &Across<'_>) -> Result<()> {
    let come = barrier::barrier(across.local);
    let exchanged = if across.leads() { across.link.exchange_bytes(0, &[], 0, &mut []) } else { Ok(()) };
    come.and(exchanged).and(barrier::barrier(across.local))
}

/// Copies the root's buffer to all ranks of the other group.
///
/// # Safety
/// The buffer is memory of the program, readable at the root and writable at the others.
pub unsafe fn bcast(across: &Across<'_>, buffer: Receive<'_>, role: Role) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe {
        match role {
            Role::Idle => Ok(()),
            Role::Root => across.link.send(0, buffer.as_send()),
            Role::Under(root) => {
                let received =
                    if across.leads() { across.link.receive(root, buffer).map(|_| ()) } else { Ok(()) };
                let told = across.tell(buffer);
                received.and(told)
            }
        }
    }
}

/// Collects a block of each rank of the other group at the root. `blocks` counts at the root, `mine` at the others.
///
/// # Safety
/// `mine` is readable; the blocks are writable and do not overlap.
pub unsafe fn gather(
    across: &Across<'_>,
    mine: Option<Send<'_>>,
    blocks: &[Receive<'_>],
    role: Role,
) -> Result<()> {
    match role {
        Role::Idle => Ok(()),
        // SAFETY: the caller's promise.
        Role::Under(root) => mine.map_or(Ok(()), |mine| unsafe { across.link.send(root, mine) }),
        Role::Root => {
            let blocks = blocks.iter().enumerate();
            // SAFETY: the caller's promise; all receives end here.
            let all: Result<Vec<_>> =
                blocks.map(|(rank, block)| unsafe { across.link.start_receive(rank, *block) }).collect();
            finish_all(all?)
        }
    }
}

/// Gives each rank of the other group a block from the root. `blocks` counts at the root, `room` at the others.
///
/// # Safety
/// The blocks are readable; `room` is writable.
pub unsafe fn scatter(
    across: &Across<'_>,
    blocks: &[Send<'_>],
    room: Option<Receive<'_>>,
    role: Role,
) -> Result<()> {
    match role {
        Role::Idle => Ok(()),
        Role::Under(root) => {
            // SAFETY: the caller's promise.
            room.map_or(Ok(()), |room| unsafe { across.link.receive(root, room) }.map(|_| ()))
        }
        Role::Root => {
            let blocks = blocks.iter().enumerate();
            // SAFETY: the caller's promise; all sends end here.
            let all: Result<Vec<_>> =
                blocks.map(|(rank, block)| unsafe { across.link.start_send(rank, *block) }).collect();
            finish_all(all?)
        }
    }
}

/// Collects a block of each rank of the other group at all.
///
/// # Safety
/// `mine` is readable, the blocks writable; they do not overlap.
pub unsafe fn allgather(across: &Across<'_>, mine: Send<'_>, blocks: &[Receive<'_>]) -> Result<()> {
    let link = &across.link;
    let places = starts(blocks.iter().map(Receive::bytes));
    let mut bytes = vec![0; places[blocks.len()]];
    // Which remote ranks each rank here receives from, and which remote rank receives from this one.
    let here = starts(shares(across.remote, link.size));
    let there = starts(shares(link.size, across.remote));
    let taker = there.iter().skip(1).take_while(|end| **end <= link.rank).count();
    let byte = datatype::byte();
    let base = bytes.as_mut_ptr();
    let mut under_way = Vec::with_capacity(blocks.len() + 1);
    // SAFETY: the caller's promise; the places are parts of `bytes`, which nobody else uses until all operations have ended.
    let outcome = unsafe {
        for rank in here[link.rank]..here[link.rank + 1] {
            let count = places[rank + 1] - places[rank];
            let room = Receive { at: base.wrapping_add(places[rank]), count, dt: &byte };
            under_way.push(link.start_receive(rank, room)?);
        }
        under_way.push(link.start_send(taker, mine)?);
        finish_all(under_way)
    };
    let starts: ByRank<usize> = here.iter().map(|first| places[*first]).collect();
    let mut outcome = outcome.and(allgather::packed(across.local, &mut bytes, &starts));
    for (rank, block) in blocks.iter().enumerate() {
        // SAFETY: the caller's promise.
        outcome = outcome.and(unsafe { memory::unpack(&bytes[places[rank]..places[rank + 1]], *block) });
    }
    outcome
}

/// Sends `sends[r]` to the remote rank r, and receives from it into `rooms[r]`.
///
/// # Safety
/// The sends are readable, the rooms writable; they do not overlap.
pub unsafe fn alltoall(across: &Across<'_>, sends: &[Send<'_>], rooms: &[Receive<'_>]) -> Result<()> {
    let link = &across.link;
    // As if both groups had the size of the larger one: in each step pairs of ranks meet.
    let size = link.size.max(across.remote);
    let mut outcome = Ok(());
    for distance in 0..size {
        let (to, from) = ((link.rank + distance) % size, (link.rank + size - distance) % size);
        let mut pair = Vec::with_capacity(2);
        // SAFETY: the caller's promise; both operations end here.
        unsafe {
            if let Some(room) = rooms.get(from) {
                pair.push(link.start_receive(from, *room)?);
            }
            if let Some(data) = sends.get(to) {
                pair.push(link.start_send(to, *data)?);
            }
        }
        outcome = outcome.and(finish_all(pair));
    }
    outcome
}

/// Combines the elements of the other group at the root. `result` counts at the root, `mine` at the others.
///
/// # Safety
/// `mine` is readable, `result` writable memory of the program for `count` elements.
pub unsafe fn reduce(
    across: &Across<'_>,
    mine: *const u8,
    result: *mut u8,
    count: usize,
    what: Reduction<'_>,
    role: Role,
) -> Result<()> {
    if count == 0 {
        return Ok(());
    }
    // SAFETY: the caller's promise, and scratch memory.
    unsafe {
        match role {
            Role::Idle => Ok(()),
            Role::Root => across.link.receive(0, what.room(result, count)).map(|_| ()),
            Role::Under(root) => {
                let mut all = what.scratch(if across.leads() { count } else { 0 });
                let combined = across.combine(mine, all.room().at, count, what);
                let sent = if across.leads() { across.link.send(root, all.data()) } else { Ok(()) };
                combined.and(sent)
            }
        }
    }
}

/// Combines the elements of each group at all ranks of the other.
///
/// # Safety
/// `mine` is readable, `result` writable memory of the program for `count` elements; they do not overlap.
pub unsafe fn allreduce(
    across: &Across<'_>,
    mine: *const u8,
    result: *mut u8,
    count: usize,
    what: Reduction<'_>,
) -> Result<()> {
    if count == 0 {
        return Ok(());
    }
    let theirs = what.room(result, count);
    let mut ours = what.scratch(if across.leads() { count } else { 0 });
    // SAFETY: the caller's promise, and scratch memory.
    unsafe {
        let combined = across.combine(mine, ours.room().at, count, what);
        let exchanged = if across.leads() { across.link.exchange(0, ours.data(), 0, theirs) } else { Ok(()) };
        let told = across.tell(theirs);
        combined.and(exchanged).and(told)
    }
}

/// Combines the elements of each group; rank r of the other gets `counts[r]` of them, in order. `counts` are those of the
/// local group, and their sum is the same in both.
///
/// # Safety
/// `mine` is readable for all counts, `result` writable for this rank's; they do not overlap.
pub unsafe fn reduce_scatter(
    across: &Across<'_>,
    mine: *const u8,
    result: *mut u8,
    counts: &[usize],
    what: Reduction<'_>,
) -> Result<()> {
    let starts = starts(counts.iter().copied());
    let total = starts[counts.len()];
    if total == 0 {
        return Ok(());
    }
    let here = if across.leads() { total } else { 0 };
    let (mut ours, mut theirs) = (what.scratch(here), what.scratch(here));
    let result = what.room(result, counts[across.link.rank]);
    // SAFETY: the caller's promise, and scratch memory.
    unsafe {
        let combined = across.combine(mine, ours.room().at, total, what);
        let exchanged =
            if across.leads() { across.link.exchange(0, ours.data(), 0, theirs.room()) } else { Ok(()) };
        let data = theirs.data();
        let blocks: Vec<Send<'_>> =
            starts.windows(2).map(|part| data.part(part[0] as isize, part[1] - part[0])).collect();
        let given = gather::scatterv(across.local, &blocks, Some(result), 0);
        combined.and(exchanged).and(given)
    }
}
