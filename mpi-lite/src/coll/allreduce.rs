//! Reduction whose result all ranks get.

use super::choose::{Algorithm, Collective, choose, is_short};
use super::memory::{Receive, Send, shares, starts};
use super::reduce::{Folded, Reduction, Side, copy_unless_same, halve, reduce};
use super::{Link, bcast};
use crate::comm::Comm;
use crate::error::Result;

/// Combines the elements of all ranks at all. `mine` and `result` may be the same memory (`MPI_IN_PLACE`).
///
/// # Safety
/// `mine` is readable, `result` writable memory of the program for `count` elements; they are the same or do not overlap.
pub unsafe fn allreduce(
    comm: &Comm,
    mine: *const u8,
    result: *mut u8,
    count: usize,
    what: Reduction<'_>,
) -> Result<()> {
    let link = Link::new(comm, Collective::Allreduce);
    let all = what.room(result, count);
    if count == 0 {
        return Ok(());
    }
    let data = Send { at: mine, count, dt: what.dt };
    if let Some(node) =
        super::node::ready(comm).filter(|node| what.suits(node, count) && is_short(data.bytes()))
    {
        // SAFETY: the caller's promise.
        return unsafe { node.allreduce(data, all, what) };
    }
    let node = what.node(comm, count, Collective::Allreduce)?;
    let algorithm = choose(Collective::Allreduce, &what.case(link.size, count).on(node))?;
    // SAFETY: the caller's promise.
    unsafe {
        if algorithm == Algorithm::ReduceThenBcast {
            let reduced = reduce(comm, mine, result, count, what, 0);
            return reduced.and(bcast::bcast(comm, all, 0));
        }
        if let (Algorithm::Node, Some(node)) = (algorithm, node) {
            return node.allreduce(data, all, what);
        }
        copy_unless_same(data, all)?;
        if link.size == 1 {
            return Ok(());
        }
        match algorithm {
            Algorithm::Ring => ring(&link, all, what),
            Algorithm::Rabenseifner => rabenseifner(&link, all, what),
            _ => recursive_doubling(&link, all, what),
        }
    }
}

/// The left ones of merged pairs get the result from their partners.
///
/// # Safety
/// `all` is writable.
unsafe fn unfold(link: &Link<'_>, folded: &Folded, all: Receive<'_>) -> Result<()> {
    if link.rank >= 2 * folded.merged {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    unsafe {
        match folded.number(link.rank) {
            Some(_) => link.send(link.rank - 1, all.as_send()),
            None => link.receive(link.rank + 1, all).map(|_| ()),
        }
    }
}

/// Partners exchange all they have, at distances that double. Both combine the same operands in the same order, so all ranks
/// get the same result to the last bit.
///
/// # Safety
/// `all` is writable.
unsafe fn recursive_doubling(link: &Link<'_>, all: Receive<'_>, what: Reduction<'_>) -> Result<()> {
    let folded = Folded::new(link.size);
    let mut scratch = what.scratch(all.count);
    let other = scratch.room();
    // SAFETY: the caller's promise, and scratch memory.
    unsafe {
        folded.merge(link, all, other, what)?;
        if let Some(number) = folded.number(link.rank) {
            let mut width = 1;
            while width < folded.size {
                let partner = folded.rank(number ^ width);
                link.exchange(partner, all.as_send(), partner, other)?;
                let side = if number & width == 0 { Side::Right } else { Side::Left };
                what.combine(all, other, side)?;
                width *= 2;
            }
        }
        unfold(link, &folded, all)
    }
}

/// Recursive halving, then recursive doubling of the parts.
///
/// # Safety
/// `all` is writable.
unsafe fn rabenseifner(link: &Link<'_>, all: Receive<'_>, what: Reduction<'_>) -> Result<()> {
    let folded = Folded::new(link.size);
    let starts = starts(shares(all.count, folded.size));
    let mut scratch = what.scratch(all.count);
    let other = scratch.room();
    // SAFETY: the caller's promise, and scratch memory.
    unsafe {
        folded.merge(link, all, other, what)?;
        if let Some(number) = folded.number(link.rank) {
            halve(link, &folded, number, &starts, all, other, what)?;
            let mut width = 1;
            while width < folded.size {
                let group = |n: usize| {
                    let first = n & !(width - 1);
                    all.part(starts[first] as isize, starts[first + width] - starts[first])
                };
                let partner = number ^ width;
                let (data, room) = (group(number).as_send(), group(partner));
                link.exchange(folded.rank(partner), data, folded.rank(partner), room)?;
                width *= 2;
            }
        }
        unfold(link, &folded, all)
    }
}

/// A share of the elements goes around and collects; then the results go around. Each link carries twice the data, whatever
/// the number of ranks.
///
/// # Safety
/// `all` is writable.
unsafe fn ring(link: &Link<'_>, all: Receive<'_>, what: Reduction<'_>) -> Result<()> {
    let starts = starts(shares(all.count, link.size));
    let share = |rank: usize| all.part(starts[rank] as isize, starts[rank + 1] - starts[rank]);
    let mut scratch = what.scratch(starts[1]);
    let (next, previous) = (link.after(1), link.before(1));
    // SAFETY: the caller's promise, and scratch memory; shares do not overlap.
    unsafe {
        for step in 0..link.size - 1 {
            let (give, take) = (share(link.before(step)), share(link.before(step + 1)));
            let room = scratch.room().part(0, take.count);
            link.exchange(next, give.as_send(), previous, room)?;
            what.combine(take, room, Side::Left)?;
        }
        for step in 0..link.size - 1 {
            let (give, take) = (share(link.after(link.size + 1 - step)), share(link.before(step)));
            link.exchange(next, give.as_send(), previous, take)?;
        }
    }
    Ok(())
}
