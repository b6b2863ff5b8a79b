//! Collectives on inter-communicators that combine data.

use super::*;
use crate::op::{self, Function, UserOp};

/// Joins what it gets: the order shows.
unsafe extern "C" fn join(input: *mut c_void, inout: *mut c_void, len: *mut c_int, _: *mut MPI_Datatype) {
    // SAFETY: called with addresses of `len` ints.
    unsafe {
        for i in 0..*len as usize {
            let (left, right) = (*input.cast::<i32>().add(i), &mut *inout.cast::<i32>().add(i));
            // Numbers of decimal digits: the left one's come first.
            let digits = 10i32.pow(right.ilog10() + 1);
            *right += left * digits;
        }
    }
}

/// An operation that is not commutative.
fn joining() -> MPI_Op {
    op::insert(UserOp { function: Function::C(join), commutative: false }).expect("a handle")
}

/// The digit that a rank has at `i`.
fn digit(rank: usize, i: usize) -> i32 {
    ((rank + i) % 9 + 1) as i32
}

fn digits(rank: usize, n: usize) -> Vec<i32> {
    (0..n).map(|i| digit(rank, i)).collect()
}

fn joined(ranks: &[usize], n: usize) -> Vec<i32> {
    (0..n).map(|i| ranks.iter().fold(0, |all, rank| all * 10 + digit(*rank, i))).collect()
}

pub(super) fn summed(ranks: &[usize], n: usize) -> Vec<i32> {
    (0..n).map(|i| ranks.iter().fold(0i32, |sum, rank| sum.wrapping_add(value(*rank, 0, i)))).collect()
}

#[test]
fn reduce_combines_the_other_group_in_its_order() {
    across(|side| {
        let op = joining();
        for (is_here, root) in side.roots() {
            let how = side.root(is_here, root);
            for n in LENGTHS {
                for (op, mine, all) in [
                    (MPI_SUM, ints(side.me, 0, n), summed(&side.there, n)),
                    (op, digits(side.me, n), joined(&side.there, n)),
                ] {
                    let mut result = vec![UNTOUCHED; n];
                    let count = n as c_int;
                    match how {
                        MPI_ROOT => {
                            ok!(MPI_Reduce(NOWHERE, to(&mut result), count, MPI_INT, op, how, side.comm));
                        }
                        MPI_PROC_NULL => {
                            ok!(MPI_Reduce(
                                NOWHERE,
                                NOWHERE,
                                -1,
                                MPI_DATATYPE_NULL,
                                MPI_OP_NULL,
                                how,
                                side.comm
                            ));
                        }
                        _ => ok!(MPI_Reduce(from(&mine), NOWHERE, count, MPI_INT, op, how, side.comm)),
                    }
                    assert_eq!(result, if how == MPI_ROOT { all } else { vec![UNTOUCHED; n] });
                }
            }
        }
    });
}

#[test]
fn allreduce_gives_each_group_what_the_other_has() {
    across(|side| {
        let op = joining();
        for n in LENGTHS {
            let (mine, mut result) = (ints(side.me, 0, n), vec![UNTOUCHED; n]);
            ok!(MPI_Allreduce(from(&mine), to(&mut result), n as c_int, MPI_INT, MPI_SUM, side.comm));
            assert_eq!(result, summed(&side.there, n));
            let mine = digits(side.me, n);
            ok!(MPI_Allreduce(from(&mine), to(&mut result), n as c_int, MPI_INT, op, side.comm));
            assert_eq!(result, joined(&side.there, n));
        }
    });
}

#[test]
fn reduce_scatter_shares_out_what_the_other_group_has() {
    across(|side| {
        let op = joining();
        let (size, place) =
            (side.here.len(), side.here.iter().position(|rank| *rank == side.me).expect("here"));
        // The same number of elements in both groups.
        for each in [0, 1, 30] {
            let total = side.here.len() * side.there.len() * each;
            let block = total / size;
            let (mine, mut result) = (ints(side.me, 0, total), vec![UNTOUCHED; block]);
            let (at, room) = (from(&mine), to(&mut result));
            ok!(MPI_Reduce_scatter_block(at, room, block as c_int, MPI_INT, MPI_SUM, side.comm));
            assert_eq!(result, summed(&side.there, total)[place * block..][..block]);
            // The last rank gets what is left after one element less for each before.
            let mut counts = vec![block.saturating_sub(1); size];
            counts[size - 1] = total - counts[..size - 1].iter().sum::<usize>();
            let first: usize = counts[..place].iter().sum();
            let (mine, mut result) = (digits(side.me, total), vec![UNTOUCHED; counts[place]]);
            let numbers: Vec<c_int> = counts.iter().map(|n| *n as c_int).collect();
            let (at, room) = (from(&mine), to(&mut result));
            ok!(MPI_Reduce_scatter(at, room, numbers.as_ptr(), MPI_INT, op, side.comm));
            assert_eq!(result, joined(&side.there, total)[first..][..counts[place]]);
        }
    });
}
