//! Reduction to one rank, and the tools which all reductions share.

use super::Link;
use super::choose::{Algorithm, Case, Collective, choose};
use super::memory::{self, Receive, Scratch, Send, power_of_two_below, shares, starts};
use super::node::{self, NodeColl};
use crate::comm::Comm;
use crate::datatype::Datatype;
use crate::error::Result;
use crate::op::Op;

/// Operation and type of a reduction.
#[derive(Clone, Copy)]
pub struct Reduction<'a> {
    /// What combines two elements.
    pub op: &'a Op,
    /// The type of the elements.
    pub dt: &'a Datatype,
}

/// Which operand of a reduction some data are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// From lower ranks.
    Left,
    /// From higher ranks.
    Right,
}

impl<'a> Reduction<'a> {
    /// What the choice of an algorithm looks at.
    pub(super) fn case(&self, ranks: usize, count: usize) -> Case {
        let bytes = count * self.dt.size();
        Case { ranks, bytes, count, commutative: self.op.is_commutative(), shared: false, mapped: false }
    }

    /// The shared memory of `comm`, if it can be used for this.
    pub(super) fn node<'c>(
        &self,
        comm: &'c Comm,
        count: usize,
        collective: Collective,
    ) -> Result<Option<&'c NodeColl>> {
        let node = node::of(comm, collective)?;
        Ok(node.filter(|node| self.suits(node, count)))
    }

    /// Whether that can be used for so many elements.
    #[inline]
    pub(super) fn suits(&self, node: &NodeColl, count: usize) -> bool {
        node::fits(self.dt, count) && (self.op.is_commutative() || node.keeps_order())
    }

    /// Scratch memory for `count` elements.
    pub(super) fn scratch(&self, count: usize) -> Scratch<'a> {
        Scratch::new(count, self.dt)
    }

    /// Elements to be written at `at`.
    pub(super) fn room(&self, at: *mut u8, count: usize) -> Receive<'a> {
        Receive { at, count, dt: self.dt }
    }

    /// Combines `other`, which is on the given side, into `all`. `other` may be overwritten.
    ///
    /// # Safety
    /// Both are writable, have the same count, and do not overlap.
    pub(super) unsafe fn combine(&self, all: Receive<'_>, other: Receive<'_>, side: Side) -> Result<()> {
        if side == Side::Left || self.op.is_commutative() {
            // SAFETY: the caller's promise.
            return unsafe { self.op.apply(other.at, all.at, all.count, self.dt) };
        }
        // The operation leaves its result in the right operand.
        // SAFETY: the caller's promise.
        unsafe {
            self.op.apply(all.at, other.at, all.count, self.dt)?;
            memory::copy(other.as_send(), all)
        }
    }
}

/// Combines the elements of all ranks at the root. `mine` is this rank's contribution, `result` is used at the root only
/// and may be the same memory (`MPI_IN_PLACE`).
///
/// # Safety
/// `mine` is readable, `result` at the root writable memory of the program for `count` elements; they are the same or do not
/// overlap.
pub unsafe fn reduce(
    comm: &Comm,
    mine: *const u8,
    result: *mut u8,
    count: usize,
    what: Reduction<'_>,
    root: usize,
) -> Result<()> {
    let link = Link::new(comm, Collective::Reduce);
    let mine = Send { at: mine, count, dt: what.dt };
    let result = (link.rank == root).then(|| what.room(result, count));
    if count == 0 {
        return Ok(());
    }
    let node = what.node(comm, count, Collective::Reduce)?;
    // SAFETY: the caller's promise.
    unsafe {
        match choose(Collective::Reduce, &what.case(link.size, count).on(node))? {
            Algorithm::Node => node.map_or(Ok(()), |node| node.reduce(comm, mine, result, what, root)),
            Algorithm::Rabenseifner => rabenseifner(&link, mine, result, what, root),
            Algorithm::Linear => linear(&link, mine, result, what, root),
            _ => binomial(&link, mine, result, what, root),
        }
    }
}

/// Copies unless it is the same memory.
///
/// # Safety
/// As [`memory::copy`], but the two may be the same.
pub(super) unsafe fn copy_unless_same(data: Send<'_>, room: Receive<'_>) -> Result<()> {
    if std::ptr::eq(data.at, room.at) {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    unsafe { memory::copy(data, room) }
}

/// The last rank's elements are the start; the root combines those of all lower ranks from the left.
///
/// # Safety
/// As [`reduce`].
unsafe fn linear(
    link: &Link<'_>,
    mine: Send<'_>,
    result: Option<Receive<'_>>,
    what: Reduction<'_>,
    root: usize,
) -> Result<()> {
    let Some(result) = result else {
        // SAFETY: the caller's promise.
        return unsafe { link.send(root, mine) };
    };
    let (mut all, mut other) = (what.scratch(mine.count), what.scratch(mine.count));
    for rank in (0..link.size).rev() {
        let room = if rank + 1 == link.size { all.room() } else { other.room() };
        // SAFETY: the caller's promise, and scratch memory.
        unsafe {
            if rank == root {
                memory::copy(mine, room)?;
            } else {
                link.receive(rank, room)?;
            }
            if rank + 1 < link.size {
                what.combine(all.room(), room, Side::Left)?;
            }
        }
    }
    // SAFETY: the caller's promise.
    unsafe { memory::copy(all.data(), result) }
}

/// Each rank combines what its subtree has and hands it on. Ranks are counted from the root; if the order matters they are
/// counted from rank 0, which passes the result on to the root.
///
/// # Safety
/// As [`reduce`].
unsafe fn binomial(
    link: &Link<'_>,
    mine: Send<'_>,
    result: Option<Receive<'_>>,
    what: Reduction<'_>,
    root: usize,
) -> Result<()> {
    let top = if what.op.is_commutative() { root } else { 0 };
    let relative = link.before(top);
    let is_leaf = relative & 1 == 1 || relative + 1 == link.size;
    let mut scratch = None;
    let mut outcome = Ok(());
    let mut sent_up = false;
    // A leaf sends straight from the program's buffer.
    let mut all = mine;
    if !is_leaf {
        let room = match result {
            Some(result) if top == root => result,
            _ => scratch.insert(what.scratch(mine.count)).room(),
        };
        let mut other = what.scratch(mine.count);
        // SAFETY: the caller's promise, and scratch memory.
        outcome = unsafe { copy_unless_same(mine, room) };
        let mut bit = 1;
        while bit < link.size && relative & bit == 0 {
            if relative + bit < link.size {
                // SAFETY: as above.
                let received = unsafe { link.receive(link.after(bit), other.room()) };
                // SAFETY: as above.
                let combined = unsafe { what.combine(room, other.room(), Side::Right) };
                outcome = outcome.and(received.map(|_| ())).and(combined);
            }
            bit <<= 1;
        }
        all = room.as_send();
    }
    if relative != 0 {
        let lowest = relative & relative.wrapping_neg();
        // SAFETY: the caller's promise, and scratch memory.
        outcome = outcome.and(unsafe { link.send(link.before(lowest), all) });
        sent_up = true;
    }
    // SAFETY: as above.
    unsafe {
        match result {
            Some(result) if top == root => outcome.and(copy_unless_same(all, result)),
            Some(result) => outcome.and(link.receive(top, result).map(|_| ())),
            None if !sent_up => outcome.and(link.send(root, all)),
            None => outcome,
        }
    }
}

/// A number of ranks that is a power of two, which stand for all: of the first ranks, pairs are merged.
pub(super) struct Folded {
    /// How many ranks take part.
    pub size: usize,
    /// How many ranks have merged with their right neighbour.
    pub merged: usize,
}

impl Folded {
    /// For `ranks` ranks.
    pub fn new(ranks: usize) -> Self {
        let size = power_of_two_below(ranks);
        Self { size, merged: ranks - size }
    }

    /// The number of `rank` among those that take part; the left ones of merged pairs do not.
    pub fn number(&self, rank: usize) -> Option<usize> {
        if rank >= 2 * self.merged {
            return Some(rank - self.merged);
        }
        (rank % 2 == 1).then_some(rank / 2)
    }

    /// The rank behind a number.
    pub fn rank(&self, number: usize) -> usize {
        if number < self.merged { 2 * number + 1 } else { number + self.merged }
    }

    /// The first rank whose data that number stands for.
    pub fn first_rank(&self, number: usize) -> usize {
        if number < self.merged { 2 * number } else { number + self.merged }
    }

    /// Merges pairs: the left one gives its elements to the right one. `all` holds this rank's elements, and those of the pair
    /// afterwards.
    ///
    /// # Safety
    /// Both are writable for as many elements and do not overlap.
    pub unsafe fn merge(
        &self,
        link: &Link<'_>,
        all: Receive<'_>,
        other: Receive<'_>,
        what: Reduction<'_>,
    ) -> Result<()> {
        if link.rank >= 2 * self.merged {
            return Ok(());
        }
        // SAFETY: the caller's promise.
        unsafe {
            if link.rank % 2 == 0 {
                return link.send(link.rank + 1, all.as_send());
            }
            link.receive(link.rank - 1, other)?;
            what.combine(all, other, Side::Left)
        }
    }
}

/// Recursive halving among folded ranks: afterwards, number `i` has the result for the elements from `starts[i]` to
/// `starts[i + 1]`. Commutative operations only.
///
/// # Safety
/// `all` and `other` are writable for all elements and do not overlap.
pub(super) unsafe fn halve(
    link: &Link<'_>,
    folded: &Folded,
    number: usize,
    starts: &[usize],
    all: Receive<'_>,
    other: Receive<'_>,
    what: Reduction<'_>,
) -> Result<()> {
    let (mut first, mut width) = (0, folded.size);
    while width > 1 {
        width /= 2;
        let partner = folded.rank(number ^ width);
        let part = |n: usize| (starts[n] as isize, starts[n + width] - starts[n]);
        let (low, high) = (part(first), part(first + width));
        let (keep, give, side) =
            if number & width == 0 { (low, high, Side::Right) } else { (high, low, Side::Left) };
        let (mine, room) = (all.part(keep.0, keep.1), other.part(keep.0, keep.1));
        // SAFETY: the caller's promise; the parts do not overlap.
        unsafe {
            link.exchange(partner, all.part(give.0, give.1).as_send(), partner, room)?;
            what.combine(mine, room, side)?;
        }
        if number & width != 0 {
            first += width;
        }
    }
    Ok(())
}

/// Recursive halving, then the root collects the parts. For large data: no rank handles all of it more than once.
///
/// # Safety
/// As [`reduce`].
unsafe fn rabenseifner(
    link: &Link<'_>,
    mine: Send<'_>,
    result: Option<Receive<'_>>,
    what: Reduction<'_>,
    root: usize,
) -> Result<()> {
    let folded = Folded::new(link.size);
    let starts = starts(shares(mine.count, folded.size));
    let mut scratch = None;
    let all = match result {
        Some(result) => result,
        None => scratch.insert(what.scratch(mine.count)).room(),
    };
    let mut other = what.scratch(mine.count);
    let number = folded.number(link.rank);
    // SAFETY: the caller's promise, and scratch memory.
    unsafe {
        copy_unless_same(mine, all)?;
        folded.merge(link, all, other.room(), what)?;
        if let Some(number) = number {
            halve(link, &folded, number, &starts, all, other.room(), what)?;
        }
    }
    let part = |n: usize| all.part(starts[n] as isize, starts[n + 1] - starts[n]);
    if link.rank != root {
        // SAFETY: as above.
        return number.map_or(Ok(()), |n| unsafe { link.send(root, part(n).as_send()) });
    }
    let others = (0..folded.size).filter(|n| folded.rank(*n) != root);
    // SAFETY: as above; all receives end below.
    let receives: Result<Vec<_>> =
        others.map(|n| unsafe { link.start_receive(folded.rank(n), part(n)) }).collect();
    crate::comm::wire::finish_all(receives?)
}
