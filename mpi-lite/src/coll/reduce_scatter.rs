//! Reduction of which each rank gets a part.

use super::choose::{Algorithm, Collective, choose};
use super::memory::{self, Receive, Send, starts};
use super::reduce::{Folded, Reduction, Side, halve, reduce};
use super::{Link, gather};
use crate::comm::Comm;
use crate::error::Result;

/// Combines the elements of all ranks; rank r gets `counts[r]` of them, in order. `mine` may be the memory of `result`
/// (`MPI_IN_PLACE`).
///
/// # Safety
/// `mine` is readable for all counts, `result` writable for this rank's; they start at the same place or do not overlap.
pub unsafe fn reduce_scatter(
    comm: &Comm,
    mine: *const u8,
    result: *mut u8,
    counts: &[usize],
    what: Reduction<'_>,
) -> Result<()> {
    let link = Link::new(comm, Collective::ReduceScatter);
    let starts = starts(counts.iter().copied());
    let total = starts[link.size];
    if total == 0 {
        return Ok(());
    }
    let (mine, result) = (Send { at: mine, count: total, dt: what.dt }, what.room(result, counts[link.rank]));
    // SAFETY: the caller's promise.
    unsafe {
        match choose(Collective::ReduceScatter, &what.case(link.size, total))? {
            Algorithm::RecursiveHalving => recursive_halving(&link, mine, result, &starts, what),
            Algorithm::Pairwise => pairwise(&link, mine, result, &starts, what),
            _ => reduce_then_scatter(comm, mine, result, &starts, what),
        }
    }
}

/// # Safety
/// As [`reduce_scatter`].
unsafe fn recursive_halving(
    link: &Link<'_>,
    mine: Send<'_>,
    result: Receive<'_>,
    starts: &[usize],
    what: Reduction<'_>,
) -> Result<()> {
    let folded = Folded::new(link.size);
    let mut folded_starts: Vec<usize> = (0..folded.size).map(|n| starts[folded.first_rank(n)]).collect();
    folded_starts.push(mine.count);
    let (mut all, mut other) = (what.scratch(mine.count), what.scratch(mine.count));
    let all = all.room();
    let block = |rank: usize| all.part(starts[rank] as isize, starts[rank + 1] - starts[rank]);
    // SAFETY: the caller's promise, and scratch memory.
    unsafe {
        memory::copy(mine, all)?;
        folded.merge(link, all, other.room(), what)?;
        let Some(number) = folded.number(link.rank) else {
            return link.receive(link.rank + 1, result).map(|_| ());
        };
        halve(link, &folded, number, &folded_starts, all, other.room(), what)?;
        if number < folded.merged {
            link.send(link.rank - 1, block(link.rank - 1).as_send())?;
        }
        memory::copy(block(link.rank).as_send(), result)
    }
}

/// Each rank sends every other its block, and combines what it gets.
///
/// # Safety
/// As [`reduce_scatter`].
unsafe fn pairwise(
    link: &Link<'_>,
    mine: Send<'_>,
    result: Receive<'_>,
    starts: &[usize],
    what: Reduction<'_>,
) -> Result<()> {
    let block = |rank: usize| mine.part(starts[rank] as isize, starts[rank + 1] - starts[rank]);
    let (mut all, mut other) = (what.scratch(result.count), what.scratch(result.count));
    // SAFETY: the caller's promise, and scratch memory.
    unsafe {
        memory::copy(block(link.rank), all.room())?;
        for distance in 1..link.size {
            let (to, from) = (link.after(distance), link.before(distance));
            link.exchange(to, block(to), from, other.room())?;
            what.combine(all.room(), other.room(), Side::Left)?;
        }
        // In place, the blocks were needed until here.
        memory::copy(all.data(), result)
    }
}

/// # Safety
/// As [`reduce_scatter`].
unsafe fn reduce_then_scatter(
    comm: &Comm,
    mine: Send<'_>,
    result: Receive<'_>,
    starts: &[usize],
    what: Reduction<'_>,
) -> Result<()> {
    let mut all = what.scratch(if comm.rank() == 0 { mine.count } else { 0 });
    // SAFETY: the caller's promise, and scratch memory.
    unsafe {
        let reduced = reduce(comm, mine.at, all.room().at, mine.count, what, 0);
        let data = all.data();
        let block = |rank: usize| data.part(starts[rank] as isize, starts[rank + 1] - starts[rank]);
        let blocks: Vec<Send<'_>> = (0..comm.size()).map(block).collect();
        reduced.and(gather::scatterv(comm, &blocks, Some(result), 0))
    }
}
