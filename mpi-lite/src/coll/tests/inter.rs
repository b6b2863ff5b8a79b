//! Collectives on inter-communicators: groups of all sizes, through the C functions, against plain references.

use super::*;
use crate::abi::*;
use crate::c::coll::*;
use crate::comm::inter::tests::pair;
use std::ffi::{c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One rank of an inter-communicator between the world ranks below `cut` and the others.
struct Side {
    comm: MPI_Comm,
    me: usize,
    /// World ranks of the own and of the other group.
    here: Vec<usize>,
    there: Vec<usize>,
}

impl Side {
    fn of(comm: &Comm) -> Self {
        let ranks = |group: &crate::group::Group| group.members().iter().map(|rank| *rank as usize).collect();
        let (here, there): (Vec<usize>, _) = (ranks(comm.group()), ranks(comm.peers()));
        Self { comm: comm.handle(), me: here[comm.rank()], here, there }
    }

    /// Every way to be in a collective with a root: whether the root is here, and who it is. Both sides go through the same.
    fn roots(&self) -> Vec<(bool, usize)> {
        let lower_first = [&self.here, &self.there].into_iter().min().expect("two");
        let upper = [&self.here, &self.there].into_iter().max().expect("two");
        let all = lower_first.iter().chain(upper);
        all.map(|root| (self.here.contains(root), *root)).collect()
    }

    /// What to pass as root.
    fn root(&self, is_here: bool, root: usize) -> c_int {
        match is_here {
            true if root == self.me => MPI_ROOT,
            true => MPI_PROC_NULL,
            false => self.there.iter().position(|rank| *rank == root).expect("there") as c_int,
        }
    }
}

/// Runs `body` on every rank of inter-communicators of several sizes: over the fake network, whose sends wait for their
/// receives, and over simulated ranks that share memory or do not.
fn across(body: fn(&Side)) {
    for (size, cut) in [(2, 1), (3, 1), (3, 2), (5, 2), (6, 3), (9, 1), (9, 7), (9, 4)] {
        fake::run(size, move |_| {
            let comm = pair(cut);
            comm.set_errhandler(MPI_ERRORS_RETURN).expect("predefined");
            body(&Side::of(&comm));
        });
    }
    for hosts in [vec![7], vec![3, 2], vec![1, 4]] {
        for windows in [true, false] {
            Job { hosts: hosts.clone(), windows, ..Job::of(1) }.run(|_| {
                let comm = pair(3);
                comm.set_errhandler(MPI_ERRORS_RETURN).expect("predefined");
                body(&Side::of(&comm));
            });
        }
    }
}

/// Calls a function that has to succeed.
macro_rules! ok {
    ($call:expr) => {{
        // SAFETY: the tests give valid buffers and arrays.
        let code = unsafe { $call };
        assert_eq!(code, MPI_SUCCESS, "{}", crate::errhandler::codes::text(code));
    }};
}

// Behind the macro, which they use.
mod later;
mod reducing;

fn from(data: &[i32]) -> *const c_void {
    data.as_ptr().cast()
}

fn to(room: &mut [i32]) -> *mut c_void {
    room.as_mut_ptr().cast()
}

/// `n` ints from one rank to another.
fn ints(from: usize, to: usize, n: usize) -> Vec<i32> {
    (0..n).map(|i| value(from, to, i)).collect()
}

/// How many ints go from a rank to another, where sizes differ.
fn between(from: usize, to: usize) -> usize {
    (from * 3 + to) % 4
}

const LENGTHS: [usize; 4] = [0, 1, 40, 9000];

/// Anything, where arguments do not count.
const NOWHERE: *mut c_void = std::ptr::null_mut();

#[test]
fn barrier_waits_for_the_other_group() {
    for (size, cut) in [(2, 1), (5, 2), (9, 8)] {
        let arrived = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        fake::run(size, move |rank| {
            let comm = pair(cut);
            let (mine, theirs) = if rank < cut { (0, 1) } else { (1, 0) };
            for round in 1..=5 {
                arrived[mine].fetch_add(1, Ordering::SeqCst);
                ok!(MPI_Barrier(comm.handle()));
                assert!(arrived[theirs].load(Ordering::SeqCst) >= round * comm.peers().size());
            }
        });
    }
}

#[test]
fn bcast_reaches_the_other_group_only() {
    across(|side| {
        for (is_here, root) in side.roots() {
            for n in LENGTHS {
                let mut data = if root == side.me { ints(root, 0, n) } else { vec![UNTOUCHED; n] };
                let how = side.root(is_here, root);
                if how == MPI_PROC_NULL {
                    ok!(MPI_Bcast(NOWHERE, -1, MPI_DATATYPE_NULL, how, side.comm));
                } else {
                    ok!(MPI_Bcast(to(&mut data), n as c_int, MPI_INT, how, side.comm));
                }
                let reached = !is_here || root == side.me;
                assert_eq!(data, if reached { ints(root, 0, n) } else { vec![UNTOUCHED; n] });
            }
        }
    });
}

#[test]
fn gather_collects_from_the_other_group() {
    across(|side| {
        let there = &side.there;
        for (is_here, root) in side.roots() {
            let how = side.root(is_here, root);
            for n in LENGTHS {
                let (count, mine) = (n as c_int, ints(side.me, root, n));
                let mut all = vec![UNTOUCHED; n * there.len()];
                let room = to(&mut all);
                match is_here {
                    true => {
                        ok!(MPI_Gather(NOWHERE, -1, MPI_DATATYPE_NULL, room, count, MPI_INT, how, side.comm))
                    }
                    false => ok!(MPI_Gather(
                        from(&mine),
                        count,
                        MPI_INT,
                        NOWHERE,
                        -1,
                        MPI_DATATYPE_NULL,
                        how,
                        side.comm
                    )),
                }
                let expected = match root == side.me {
                    true => there.iter().flat_map(|rank| ints(*rank, root, n)).collect(),
                    false => vec![UNTOUCHED; n * there.len()],
                };
                assert_eq!(all, expected);
            }
            // Each rank's block has another size, and the blocks are in reversed order.
            let counts: Vec<c_int> = there.iter().map(|rank| between(*rank, root) as c_int).collect();
            let displs: Vec<c_int> = (0..there.len()).rev().map(|place| place as c_int * 5).collect();
            let (mine, mut all) =
                (ints(side.me, root, between(side.me, root)), vec![UNTOUCHED; there.len() * 5]);
            let (n, room) = (mine.len() as c_int, to(&mut all));
            let (c, d) = (counts.as_ptr(), displs.as_ptr());
            ok!(MPI_Gatherv(from(&mine), n, MPI_INT, room, c, d, MPI_INT, how, side.comm));
            let mut expected = vec![UNTOUCHED; there.len() * 5];
            if root == side.me {
                for (rank, place) in there.iter().zip(displs.iter().map(|place| *place as usize)) {
                    let block = ints(*rank, root, between(*rank, root));
                    expected[place..place + block.len()].copy_from_slice(&block);
                }
            }
            assert_eq!(all, expected);
        }
    });
}

#[test]
fn scatter_gives_to_the_other_group() {
    across(|side| {
        let there = &side.there;
        for (is_here, root) in side.roots() {
            let how = side.root(is_here, root);
            for n in LENGTHS {
                let count = n as c_int;
                let all: Vec<i32> = there.iter().flat_map(|rank| ints(root, *rank, n)).collect();
                let mut room = vec![UNTOUCHED; n];
                match is_here {
                    true => ok!(MPI_Scatter(
                        from(&all),
                        count,
                        MPI_INT,
                        NOWHERE,
                        -1,
                        MPI_DATATYPE_NULL,
                        how,
                        side.comm
                    )),
                    false => {
                        let at = to(&mut room);
                        ok!(MPI_Scatter(NOWHERE, -1, MPI_DATATYPE_NULL, at, count, MPI_INT, how, side.comm));
                    }
                }
                assert_eq!(room, if is_here { vec![UNTOUCHED; n] } else { ints(root, side.me, n) });
            }
            let counts: Vec<c_int> = there.iter().map(|rank| between(root, *rank) as c_int).collect();
            let displs: Vec<c_int> = (0..there.len()).rev().map(|place| place as c_int * 5).collect();
            let mut all = vec![UNTOUCHED; there.len() * 5];
            for (rank, place) in there.iter().zip(displs.iter().map(|place| *place as usize)) {
                let block = ints(root, *rank, between(root, *rank));
                all[place..place + block.len()].copy_from_slice(&block);
            }
            let mut room = vec![UNTOUCHED; between(root, side.me)];
            let (n, at) = (room.len() as c_int, to(&mut room));
            let (c, d) = (counts.as_ptr(), displs.as_ptr());
            ok!(MPI_Scatterv(from(&all), c, d, MPI_INT, at, n, MPI_INT, how, side.comm));
            let n = room.len();
            assert_eq!(room, if is_here { vec![UNTOUCHED; n] } else { ints(root, side.me, n) });
        }
    });
}

#[test]
fn allgather_collects_the_other_group_at_all() {
    across(|side| {
        let there = &side.there;
        // Each direction has its own length, which may be none.
        let lower = side.here.contains(&0);
        for n in LENGTHS {
            let (sent, got) = if lower { (n, 2) } else { (2, n) };
            let (mine, mut all) = (ints(side.me, 0, sent), vec![UNTOUCHED; got * there.len()]);
            let (at, room) = (from(&mine), to(&mut all));
            ok!(MPI_Allgather(at, sent as c_int, MPI_INT, room, got as c_int, MPI_INT, side.comm));
            assert_eq!(all, there.iter().flat_map(|rank| ints(*rank, 0, got)).collect::<Vec<_>>());
        }
        let counts: Vec<c_int> = there.iter().map(|rank| between(*rank, 1) as c_int).collect();
        let displs: Vec<c_int> = (0..there.len()).rev().map(|place| place as c_int * 5).collect();
        let (mine, mut all) = (ints(side.me, 0, between(side.me, 1)), vec![UNTOUCHED; there.len() * 5]);
        let (n, room) = (mine.len() as c_int, to(&mut all));
        ok!(MPI_Allgatherv(
            from(&mine),
            n,
            MPI_INT,
            room,
            counts.as_ptr(),
            displs.as_ptr(),
            MPI_INT,
            side.comm
        ));
        let mut expected = vec![UNTOUCHED; there.len() * 5];
        for (rank, place) in there.iter().zip(displs.iter().map(|place| *place as usize)) {
            let block = ints(*rank, 0, between(*rank, 1));
            expected[place..place + block.len()].copy_from_slice(&block);
        }
        assert_eq!(all, expected);
    });
}

#[test]
fn alltoall_exchanges_between_all_pairs() {
    across(|side| {
        let there = &side.there;
        let lower = side.here.contains(&0);
        for n in [0, 1, 300] {
            // Upwards and downwards the blocks have different sizes.
            let (sent, got) = if lower { (n, 3) } else { (3, n) };
            let all: Vec<i32> = there.iter().flat_map(|rank| ints(side.me, *rank, sent)).collect();
            let mut room = vec![UNTOUCHED; got * there.len()];
            let (at, place) = (from(&all), to(&mut room));
            ok!(MPI_Alltoall(at, sent as c_int, MPI_INT, place, got as c_int, MPI_INT, side.comm));
            assert_eq!(room, there.iter().flat_map(|rank| ints(*rank, side.me, got)).collect::<Vec<_>>());
        }
        // Any sizes: blocks every 4 ints.
        let displs: Vec<c_int> = (0..there.len()).map(|place| place as c_int * 4).collect();
        let lengths =
            |of: &dyn Fn(usize) -> usize| there.iter().map(|rank| of(*rank) as c_int).collect::<Vec<_>>();
        let out = lengths(&|rank| between(side.me, rank));
        let back = lengths(&|rank| between(rank, side.me));
        let mut all = vec![UNTOUCHED; there.len() * 4];
        let mut expected = all.clone();
        for (i, rank) in there.iter().enumerate() {
            let (sent, got) = (between(side.me, *rank), between(*rank, side.me));
            all[i * 4..i * 4 + sent].copy_from_slice(&ints(side.me, *rank, sent));
            expected[i * 4..i * 4 + got].copy_from_slice(&ints(*rank, side.me, got));
        }
        let mut room = vec![UNTOUCHED; there.len() * 4];
        let (at, place, d) = (from(&all), to(&mut room), displs.as_ptr());
        ok!(MPI_Alltoallv(at, out.as_ptr(), d, MPI_INT, place, back.as_ptr(), d, MPI_INT, side.comm));
        assert_eq!(room, expected);
        let mut room = vec![UNTOUCHED; there.len() * 4];
        let bytes: Vec<MPI_Aint> = displs.iter().map(|displ| *displ as MPI_Aint * 4).collect();
        let wide = |counts: &[c_int]| counts.iter().map(|n| MPI_Count::from(*n)).collect::<Vec<_>>();
        let (out, back, types) = (wide(&out), wide(&back), vec![MPI_INT; there.len()]);
        let (place, d, t) = (to(&mut room), bytes.as_ptr(), types.as_ptr());
        ok!(MPI_Alltoallw_c(at, out.as_ptr(), d, t, place, back.as_ptr(), d, t, side.comm));
        assert_eq!(room, expected);
        // From MPI_BOTTOM the displacements are addresses.
        let mut room = vec![UNTOUCHED; there.len() * 4];
        let addresses = |start: usize| bytes.iter().map(|d| *d + start as MPI_Aint).collect::<Vec<_>>();
        let (from, to) = (addresses(at as usize), addresses(to(&mut room) as usize));
        let (o, b, bottom) = (out.as_ptr(), back.as_ptr(), std::ptr::null_mut());
        ok!(MPI_Alltoallw_c(bottom, o, from.as_ptr(), t, bottom, b, to.as_ptr(), t, side.comm));
        assert_eq!(room, expected);
    });
}

#[test]
fn derived_types_and_other_signatures_on_the_other_side() {
    across(|side| {
        let gaps = Layout::Gaps.datatype();
        gaps.commit();
        let gaps = crate::datatype::insert(gaps).expect("a handle");
        // Pairs with gaps go out, and twice as many ints come in.
        let n = 6;
        let mine = Buffer::new(Layout::Gaps, n).fill(0, n, |i| value(side.me, 0, i));
        let mut all = vec![UNTOUCHED; 2 * n * side.there.len()];
        let (at, room) = (from(&mine.memory), to(&mut all));
        ok!(MPI_Allgather(at, n as c_int, gaps, room, 2 * n as c_int, MPI_INT, side.comm));
        assert_eq!(all, side.there.iter().flat_map(|rank| ints(*rank, 0, 2 * n)).collect::<Vec<_>>());
        // And the other way around.
        let mine = ints(side.me, 0, 2 * n);
        let mut all = Buffer::new(Layout::Gaps, n * side.there.len());
        let (at, room) = (from(&mine), to(&mut all.memory));
        ok!(MPI_Allgather(at, 2 * n as c_int, MPI_INT, room, n as c_int, gaps, side.comm));
        for (i, rank) in side.there.iter().enumerate() {
            assert_eq!(all.ints(i * n, n), ints(*rank, 0, 2 * n));
        }
        all.check_gaps();
    });
}

#[test]
fn wrong_arguments_have_the_classes_of_the_standard() {
    across(|side| {
        let (mut a, mut b) = ([1, 2, 3, 4, 5, 6, 7, 8, 9], [0; 9]);
        let (at, bt, comm) = (to(&mut a), to(&mut b), side.comm);
        let beyond = side.there.len() as c_int;
        // SAFETY: valid buffers, or arguments that are refused before they are used.
        unsafe {
            assert_eq!(MPI_Bcast(at, 1, MPI_INT, beyond, comm), MPI_ERR_ROOT);
            assert_eq!(MPI_Bcast(at, -1, MPI_INT, MPI_ROOT, comm), MPI_ERR_COUNT);
            assert_eq!(MPI_Bcast(at, 1, MPI_DATATYPE_NULL, 0, comm), MPI_ERR_TYPE);
            assert_eq!(MPI_Reduce(at, bt, 1, MPI_INT, MPI_OP_NULL, 0, comm), MPI_ERR_OP);
            // There is no working in place.
            let here = MPI_IN_PLACE;
            assert_eq!(MPI_Gather(here, 1, MPI_INT, bt, 1, MPI_INT, 0, comm), MPI_ERR_BUFFER);
            assert_eq!(MPI_Scatter(at, 1, MPI_INT, here, 1, MPI_INT, 0, comm), MPI_ERR_BUFFER);
            assert_eq!(MPI_Reduce(here, bt, 1, MPI_INT, MPI_SUM, 0, comm), MPI_ERR_BUFFER);
            assert_eq!(MPI_Allreduce(here, bt, 1, MPI_INT, MPI_SUM, comm), MPI_ERR_BUFFER);
            assert_eq!(MPI_Allreduce(at, at, 1, MPI_INT, MPI_SUM, comm), MPI_ERR_BUFFER);
            assert_eq!(MPI_Allgather(here, 1, MPI_INT, bt, 1, MPI_INT, comm), MPI_ERR_BUFFER);
            assert_eq!(MPI_Alltoall(here, 1, MPI_INT, bt, 1, MPI_INT, comm), MPI_ERR_BUFFER);
            assert_eq!(MPI_Reduce_scatter_block(here, bt, 1, MPI_INT, MPI_SUM, comm), MPI_ERR_BUFFER);
        }
        assert_eq!((a, b), ([1, 2, 3, 4, 5, 6, 7, 8, 9], [0; 9]));
    });
}

#[test]
fn a_message_that_is_too_long_is_told_where_it_came() {
    fake::run(5, |rank| {
        let comm = pair(2);
        comm.set_errhandler(MPI_ERRORS_RETURN).expect("predefined");
        let mut data = [rank as i32; 4];
        let (how, n) = [(MPI_ROOT, 4), (MPI_PROC_NULL, 0), (0, 2), (0, 4), (0, 4)][rank];
        // SAFETY: a valid buffer.
        let code = unsafe { MPI_Bcast(to(&mut data), n, MPI_INT, how, comm.handle()) };
        // The first rank of the group gets less than came, and hands that on.
        assert_eq!(code, if rank == 2 { MPI_ERR_TRUNCATE } else { MPI_SUCCESS });
    });
}
