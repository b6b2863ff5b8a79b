//! C functions for groups (MPI 5.0, section 7.3).

use super::input::{array, fill, length, place, store};
use crate::abi::*;
use crate::error::Result;
use crate::group::{self, Group};
use crate::{comm, mpi_fn};
use std::ffi::c_int;
use std::rc::Rc;

/// A handle for `group` at the caller's place.
fn give(group: Group, newgroup: *mut MPI_Group) -> Result<()> {
    // SAFETY: the caller's result place.
    let place = unsafe { place("newgroup", newgroup)? };
    *place = group::publish(Rc::new(group))?;
    Ok(())
}

/// # Safety
/// `at` is null or has `n` elements.
unsafe fn ranks<'a>(n: c_int, at: *const c_int) -> Result<&'a [c_int]> {
    // SAFETY: the caller's promise.
    unsafe { array("ranks", at, length("n", n)?) }
}

/// # Safety
/// `at` is null or has `n` triplets.
unsafe fn ranges<'a>(n: c_int, at: *const [c_int; 3]) -> Result<&'a [[c_int; 3]]> {
    // SAFETY: the caller's promise.
    unsafe { array("ranges", at, length("n", n)?) }
}

mpi_fn! {
    /// Number of processes.
    fn MPI_Group_size(group: MPI_Group, size: *mut c_int) {
        let n = group::get(group)?.size() as c_int;
        // SAFETY: the caller's result place.
        unsafe { store("size", size, n) }
    }

    /// Rank of this process, or `MPI_UNDEFINED`.
    fn MPI_Group_rank(group: MPI_Group, rank: *mut c_int) {
        let mine = group::get(group)?.rank_of(comm::me()?);
        // SAFETY: the caller's result place.
        unsafe { store("rank", rank, mine.map_or(MPI_UNDEFINED, |r| r as c_int)) }
    }

    /// The ranks in `group2` of processes with ranks in `group1`.
    fn MPI_Group_translate_ranks(
        group1: MPI_Group,
        n: c_int,
        ranks1: *const c_int,
        group2: MPI_Group,
        ranks2: *mut c_int,
    ) {
        let (from, to) = (group::get(group1)?, group::get(group2)?);
        // SAFETY: the caller's array.
        let translated = from.translate(unsafe { ranks(n, ranks1)? }, &to)?;
        // SAFETY: the caller's array.
        unsafe { fill("ranks2", ranks2, &translated) }
    }

    /// Whether two groups have the same processes, in the same order.
    fn MPI_Group_compare(group1: MPI_Group, group2: MPI_Group, result: *mut c_int) {
        let compared = group::get(group1)?.compare(&*group::get(group2)?);
        // SAFETY: the caller's result place.
        unsafe { store("result", result, compared) }
    }

    /// All processes of both.
    fn MPI_Group_union(group1: MPI_Group, group2: MPI_Group, newgroup: *mut MPI_Group) {
        give(group::get(group1)?.union(&*group::get(group2)?), newgroup)
    }

    /// Processes that are in both.
    fn MPI_Group_intersection(group1: MPI_Group, group2: MPI_Group, newgroup: *mut MPI_Group) {
        give(group::get(group1)?.intersection(&*group::get(group2)?), newgroup)
    }

    /// Processes that are in the first only.
    fn MPI_Group_difference(group1: MPI_Group, group2: MPI_Group, newgroup: *mut MPI_Group) {
        give(group::get(group1)?.difference(&*group::get(group2)?), newgroup)
    }

    /// The processes with these ranks.
    fn MPI_Group_incl(group: MPI_Group, n: c_int, ranks_of: *const c_int, newgroup: *mut MPI_Group) {
        // SAFETY: the caller's array.
        give(group::get(group)?.incl(unsafe { ranks(n, ranks_of)? })?, newgroup)
    }

    /// The processes without these ranks.
    fn MPI_Group_excl(group: MPI_Group, n: c_int, ranks_of: *const c_int, newgroup: *mut MPI_Group) {
        // SAFETY: the caller's array.
        give(group::get(group)?.excl(unsafe { ranks(n, ranks_of)? })?, newgroup)
    }

    /// The processes with ranks in these ranges.
    fn MPI_Group_range_incl(group: MPI_Group, n: c_int, triplets: *mut [c_int; 3], newgroup: *mut MPI_Group) {
        // SAFETY: the caller's array.
        give(group::get(group)?.range_incl(unsafe { ranges(n, triplets)? })?, newgroup)
    }

    /// The processes with ranks outside of these ranges.
    fn MPI_Group_range_excl(group: MPI_Group, n: c_int, triplets: *mut [c_int; 3], newgroup: *mut MPI_Group) {
        // SAFETY: the caller's array.
        give(group::get(group)?.range_excl(unsafe { ranges(n, triplets)? })?, newgroup)
    }

    /// Frees a handle.
    fn MPI_Group_free(group: *mut MPI_Group) {
        // SAFETY: the caller's handle.
        group::free(unsafe { place("group", group)? })
    }
}
