//! Collectives that combine data.

use super::*;
use crate::abi::{MPI_2INT, MPI_DOUBLE, MPI_Datatype, MPI_MAXLOC, MPI_Op, MPI_SUM};
use crate::coll::reduce::Reduction;
use crate::coll::{allreduce, reduce, reduce_scatter, scan};
use crate::op::{self, Function, Op, UserOp};
use std::ffi::{c_int, c_void};

/// A prime: products of residues fit an `i32` as `i64`.
const P: i64 = 1_000_003;

/// `x -> a x + b` modulo P, as pairs (a, b): the right operand is applied first. Not commutative.
fn compose(left: [i32; 2], right: [i32; 2]) -> [i32; 2] {
    let [[a, b], [c, d]] = [left, right].map(|pair| pair.map(i64::from));
    [(a * c % P) as i32, ((a * d + b) % P) as i32]
}

unsafe extern "C" fn compose_all(
    input: *mut c_void,
    inout: *mut c_void,
    len: *mut c_int,
    _: *mut MPI_Datatype,
) {
    // SAFETY: called with addresses of `len` elements in the layout with gaps.
    unsafe {
        for i in 0..*len as usize {
            let at = |base: *mut c_void, n: usize| base.cast::<i32>().add(Layout::Gaps.at(2 * i + n));
            let pair = |base: *mut c_void| [*at(base, 0), *at(base, 1)];
            let [a, b] = compose(pair(input), pair(inout));
            *at(inout, 0) = a;
            *at(inout, 1) = b;
        }
    }
}

unsafe extern "C" fn add_all(input: *mut c_void, inout: *mut c_void, len: *mut c_int, _: *mut MPI_Datatype) {
    // SAFETY: as above.
    unsafe {
        for i in 0..2 * *len as usize {
            *inout.cast::<i32>().add(Layout::Gaps.at(i)) += *input.cast::<i32>().add(Layout::Gaps.at(i));
        }
    }
}

/// An operation on a type, as bytes in memory.
struct Subject {
    name: &'static str,
    op: Op,
    dt: Datatype,
    /// Ints of memory per element.
    stride: usize,
    /// The element `i` of a rank.
    element: fn(usize, usize) -> Vec<i32>,
    /// What two elements give; the lower ranks' one is the left.
    combine: fn(&[i32], &[i32]) -> Vec<i32>,
}

fn predefined_op(handle: MPI_Op) -> Op {
    op::get(handle).expect("predefined")
}

fn user_op(
    function: unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_int, *mut MPI_Datatype),
    commutative: bool,
) -> Op {
    Op::user(UserOp { function: Function::C(function), commutative })
}

fn double(v: &[i32]) -> f64 {
    f64::from_bits(v[0] as u32 as u64 | (v[1] as u32 as u64) << 32)
}

fn ints_of(x: f64) -> Vec<i32> {
    vec![x.to_bits() as i32, (x.to_bits() >> 32) as i32]
}

fn with_gaps(pair: [i32; 2]) -> Vec<i32> {
    vec![UNTOUCHED, pair[0], UNTOUCHED, pair[1], UNTOUCHED]
}

fn subjects() -> Vec<Subject> {
    vec![
        Subject {
            name: "sum of ints",
            op: predefined_op(MPI_SUM),
            dt: predefined(MPI_INT),
            stride: 1,
            element: |rank, i| vec![(rank * 31 + i * 7) as i32],
            combine: |a, b| vec![a[0].wrapping_add(b[0])],
        },
        Subject {
            name: "sum of doubles",
            op: predefined_op(MPI_SUM),
            dt: predefined(MPI_DOUBLE),
            stride: 2,
            // Small integers: exact in any order.
            element: |rank, i| ints_of((rank * 5 + i % 97) as f64),
            combine: |a, b| ints_of(double(a) + double(b)),
        },
        Subject {
            name: "maxloc",
            op: predefined_op(MPI_MAXLOC),
            dt: predefined(MPI_2INT),
            stride: 2,
            element: |rank, i| vec![(rank * 7 + i) as i32 % 5, rank as i32],
            combine: |a, b| match a[0].cmp(&b[0]) {
                std::cmp::Ordering::Equal => vec![a[0], a[1].min(b[1])],
                std::cmp::Ordering::Greater => a.to_vec(),
                std::cmp::Ordering::Less => b.to_vec(),
            },
        },
        Subject {
            name: "composition, which does not commute, of a type with gaps",
            op: user_op(compose_all, false),
            dt: Layout::Gaps.datatype(),
            stride: 5,
            element: |rank, i| with_gaps([(rank * 3 + i + 2) as i32, (rank * rank + 5 * i + 1) as i32]),
            combine: |a, b| with_gaps(compose([a[1], a[3]], [b[1], b[3]])),
        },
        Subject {
            name: "the program's own sum of a type with gaps",
            op: user_op(add_all, true),
            dt: Layout::Gaps.datatype(),
            stride: 5,
            element: |rank, i| with_gaps([(rank + i) as i32, (rank * i) as i32]),
            combine: |a, b| with_gaps([a[1] + b[1], a[3] + b[3]]),
        },
    ]
}

impl Subject {
    fn what(&self) -> Reduction<'_> {
        Reduction { op: &self.op, dt: &self.dt }
    }

    fn contribution(&self, rank: usize, count: usize) -> Vec<i32> {
        (0..count).flat_map(|i| (self.element)(rank, i)).collect()
    }

    fn empty(&self, count: usize) -> Vec<i32> {
        vec![UNTOUCHED; count * self.stride]
    }

    /// The elements from `first` on, combined over `ranks`.
    fn expected(&self, ranks: std::ops::Range<usize>, first: usize, count: usize) -> Vec<i32> {
        let element = |i: usize| {
            let all = ranks.clone().map(|rank| (self.element)(rank, i));
            all.reduce(|a, b| (self.combine)(&a, &b)).unwrap_or_default()
        };
        (first..first + count).flat_map(element).collect()
    }
}

const COUNTS: [usize; 5] = [0, 1, 3, 40, 600];

/// Contribution and result: in place, they are the same memory.
fn buffers(mine: &[i32], result: &mut [i32], in_place: bool) -> (*const u8, *mut u8) {
    if in_place {
        result[..mine.len()].copy_from_slice(mine);
        let at = result.as_mut_ptr().cast::<u8>();
        return (at.cast_const(), at);
    }
    (mine.as_ptr().cast(), result.as_mut_ptr().cast())
}

#[test]
fn reduce_combines_at_the_root_in_the_order_of_ranks() {
    with_each_algorithm("reduce", |comm| {
        let (me, size) = (comm.rank(), comm.size());
        for subject in subjects() {
            for count in COUNTS {
                for root in [0, size / 2, size - 1] {
                    for in_place in [false, true] {
                        let mine = subject.contribution(me, count);
                        let mut result = subject.empty(count);
                        let (from, to) = buffers(&mine, &mut result, in_place && me == root);
                        let to = if me == root { to } else { std::ptr::null_mut() };
                        // SAFETY: the buffers live and are used by nobody else.
                        unsafe { reduce::reduce(comm, from, to, count, subject.what(), root) }
                            .expect("reduce");
                        let expected = if me == root {
                            subject.expected(0..size, 0, count)
                        } else {
                            subject.empty(count)
                        };
                        assert_eq!(
                            result, expected,
                            "{} of {count}, {size} ranks, root {root}",
                            subject.name
                        );
                        assert_eq!(mine, subject.contribution(me, count), "the contribution was changed");
                    }
                }
            }
        }
    });
}

#[test]
fn allreduce_combines_everywhere_in_the_order_of_ranks() {
    with_each_algorithm("allreduce", |comm| {
        let (me, size) = (comm.rank(), comm.size());
        for subject in subjects() {
            for count in COUNTS {
                for in_place in [false, true] {
                    let mine = subject.contribution(me, count);
                    let mut result = subject.empty(count);
                    let (from, to) = buffers(&mine, &mut result, in_place);
                    // SAFETY: the buffers live and are used by nobody else.
                    unsafe { allreduce::allreduce(comm, from, to, count, subject.what()) }
                        .expect("allreduce");
                    assert_eq!(
                        result,
                        subject.expected(0..size, 0, count),
                        "{} of {count}, {size} ranks",
                        subject.name
                    );
                }
            }
        }
    });
}

#[test]
fn all_ranks_get_the_same_bits_of_a_sum_that_rounds() {
    for size in 2..=9 {
        for algorithm in algorithms("allreduce") {
            let results = fake::run(size, move |rank| {
                choose::force(&format!("allreduce={algorithm}")).expect("a name of the table");
                let mine: Vec<f64> = (0..100).map(|i| 0.1 / (rank * 7 + i + 1) as f64).collect();
                let mut result = vec![0.0f64; 100];
                let (op, dt) = (predefined_op(MPI_SUM), predefined(MPI_DOUBLE));
                let (from, to) = (mine.as_ptr().cast(), result.as_mut_ptr().cast());
                // SAFETY: the buffers live and are used by nobody else.
                unsafe { allreduce::allreduce(&world(), from, to, 100, Reduction { op: &op, dt: &dt }) }
                    .expect("allreduce");
                result.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
            });
            assert!(results.iter().all(|r| *r == results[0]), "{algorithm} on {size} ranks");
        }
    }
}

#[test]
fn scan_combines_up_to_each_rank() {
    with_each_algorithm("scan", |comm| {
        let me = comm.rank();
        for subject in subjects() {
            for count in COUNTS {
                for in_place in [false, true] {
                    let mine = subject.contribution(me, count);
                    let mut result = subject.empty(count);
                    let (from, to) = buffers(&mine, &mut result, in_place);
                    // SAFETY: the buffers live and are used by nobody else.
                    unsafe { scan::scan(comm, from, to, count, subject.what()) }.expect("scan");
                    assert_eq!(result, subject.expected(0..me + 1, 0, count), "{} of {count}", subject.name);
                }
            }
        }
    });
}

#[test]
fn exscan_combines_before_each_rank_and_leaves_rank_0_alone() {
    with_each_algorithm("exscan", |comm| {
        let me = comm.rank();
        for subject in subjects() {
            for count in COUNTS {
                for in_place in [false, true] {
                    let mine = subject.contribution(me, count);
                    let mut result = subject.empty(count);
                    let (from, to) = buffers(&mine, &mut result, in_place);
                    let before = result.clone();
                    // SAFETY: the buffers live and are used by nobody else.
                    unsafe { scan::exscan(comm, from, to, count, subject.what()) }.expect("exscan");
                    let expected = if me == 0 { before } else { subject.expected(0..me, 0, count) };
                    assert_eq!(result, expected, "{} of {count}", subject.name);
                }
            }
        }
    });
}

#[test]
fn reduce_scatter_combines_and_distributes() {
    with_each_algorithm("reduce_scatter", |comm| {
        let (me, size) = (comm.rank(), comm.size());
        let shapes: [fn(usize) -> usize; 4] =
            [|_| 1, |_| 50, |r| [3, 0, 17, 1][r % 4], |r| if r == 1 { 40 } else { 0 }];
        for subject in subjects() {
            for shape in shapes {
                for in_place in [false, true] {
                    let counts: Vec<usize> = (0..size).map(shape).collect();
                    let total: usize = counts.iter().sum();
                    let first = counts[..me].iter().sum();
                    let mine = subject.contribution(me, total);
                    let mut result = subject.empty(total);
                    let (from, to) = buffers(&mine, &mut result, in_place);
                    // SAFETY: the buffers live and are used by nobody else.
                    unsafe { reduce_scatter::reduce_scatter(comm, from, to, &counts, subject.what()) }
                        .expect("reduce_scatter");
                    let expected = subject.expected(0..size, first, counts[me]);
                    assert_eq!(result[..expected.len()], expected, "{} {counts:?}", subject.name);
                    if !in_place {
                        assert!(result[expected.len()..].iter().all(|v| *v == UNTOUCHED));
                    }
                }
            }
        }
    });
}
