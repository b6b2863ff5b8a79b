//! Prefix reductions.

use super::Link;
use super::choose::{Algorithm, Collective, choose};
use super::memory::{self, Receive, Send};
use super::reduce::{Reduction, Side, copy_unless_same};
use crate::comm::Comm;
use crate::error::Result;

/// Combines the elements of the ranks up to this one. `mine` and `result` may be the same memory (`MPI_IN_PLACE`).
///
/// # Safety
/// `mine` is readable, `result` writable memory of the program for `count` elements; they are the same or do not overlap.
pub unsafe fn scan(
    comm: &Comm,
    mine: *const u8,
    result: *mut u8,
    count: usize,
    what: Reduction<'_>,
) -> Result<()> {
    let link = Link::new(comm, Collective::Scan);
    let algorithm = choose(Collective::Scan, &what.case(link.size, count))?;
    let (mine, result) = (Send { at: mine, count, dt: what.dt }, what.room(result, count));
    // SAFETY: the caller's promise.
    unsafe {
        match algorithm {
            Algorithm::Linear => linear(&link, mine, result, what, true),
            _ => recursive_doubling(&link, mine, result, what, true),
        }
    }
}

/// Combines the elements of the ranks before this one; rank 0's result is left alone.
///
/// # Safety
/// As [`scan`].
pub unsafe fn exscan(
    comm: &Comm,
    mine: *const u8,
    result: *mut u8,
    count: usize,
    what: Reduction<'_>,
) -> Result<()> {
    let link = Link::new(comm, Collective::Exscan);
    let algorithm = choose(Collective::Exscan, &what.case(link.size, count))?;
    let (mine, result) = (Send { at: mine, count, dt: what.dt }, what.room(result, count));
    // SAFETY: the caller's promise.
    unsafe {
        match algorithm {
            Algorithm::Linear => linear(&link, mine, result, what, false),
            _ => recursive_doubling(&link, mine, result, what, false),
        }
    }
}

/// Each rank waits for its predecessor.
///
/// # Safety
/// As [`scan`].
unsafe fn linear(
    link: &Link<'_>,
    mine: Send<'_>,
    result: Receive<'_>,
    what: Reduction<'_>,
    inclusive: bool,
) -> Result<()> {
    // What goes to the next rank.
    let (mut all, mut before) = (what.scratch(mine.count), what.scratch(mine.count));
    // SAFETY: the caller's promise, and scratch memory.
    unsafe {
        memory::copy(mine, all.room())?;
        if link.rank > 0 {
            link.receive(link.rank - 1, before.room())?;
            if !inclusive {
                memory::copy(before.data(), result)?;
            }
            what.combine(all.room(), before.room(), Side::Left)?;
        }
        if inclusive {
            memory::copy(all.data(), result)?;
        }
        if link.rank + 1 < link.size {
            link.send(link.rank + 1, all.data())?;
        }
    }
    Ok(())
}

/// Partners at doubling distances exchange the combination of their groups; what comes from lower ranks goes into the result.
///
/// # Safety
/// As [`scan`].
unsafe fn recursive_doubling(
    link: &Link<'_>,
    mine: Send<'_>,
    result: Receive<'_>,
    what: Reduction<'_>,
    inclusive: bool,
) -> Result<()> {
    let (mut group, mut scratch) = (what.scratch(mine.count), what.scratch(mine.count));
    let (group, other) = (group.room(), scratch.room());
    let mut have_result = inclusive;
    // SAFETY: the caller's promise, and scratch memory.
    unsafe {
        memory::copy(mine, group)?;
        if inclusive {
            copy_unless_same(mine, result)?;
        }
        let mut width = 1;
        while width < link.size {
            let partner = link.rank ^ width;
            width *= 2;
            if partner >= link.size {
                continue;
            }
            link.exchange(partner, group.as_send(), partner, other)?;
            if partner > link.rank {
                what.combine(group, other, Side::Right)?;
                continue;
            }
            if have_result {
                what.combine(result, other, Side::Left)?;
            } else {
                memory::copy(other.as_send(), result)?;
                have_result = true;
            }
            what.combine(group, other, Side::Left)?;
        }
    }
    Ok(())
}
