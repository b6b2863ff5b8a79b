//! What is refused, and on which ranks.

use super::*;
use crate::c::coll::*;
use crate::c::topo::*;
use crate::c::win::create::MPI_Win_allocate;
use crate::file;
use crate::p2p::testing;
use std::ffi::c_void;

#[test]
fn wrong_arguments_fail_on_all_ranks_of_a_group() {
    fake::run(5, |rank| {
        let local = half(2);
        let other = if rank < 2 { 2 } else { 0 };
        let try_with = |leader, peer, other, tag| class(connect(&local, leader, peer, other, tag));
        let world = MPI_COMM_WORLD;
        assert_eq!(try_with(local.size() as i32, world, other, 0), MPI_ERR_RANK);
        assert_eq!(try_with(-1, world, other, 0), MPI_ERR_RANK);
        assert_eq!(try_with(0, world, other, -1), MPI_ERR_TAG);
        // These only the leader can see.
        assert_eq!(try_with(0, world, 5, 0), MPI_ERR_RANK);
        assert_eq!(try_with(1, world, MPI_PROC_NULL, 0), MPI_ERR_RANK);
        assert_eq!(try_with(0, MPI_COMM_NULL, other, 0), MPI_ERR_COMM);
        assert_eq!(try_with(0, MPI_Comm(0x12345), other, 0), MPI_ERR_COMM);
        assert_eq!(try_with(0, world, if rank < 2 { 0 } else { 2 }, 0), MPI_ERR_RANK);
        assert_eq!(try_with(0, world, other, 0), MPI_SUCCESS);
        let inter = pair(2);
        assert_eq!(class(connect(&inter, 0, world, other, 0)), MPI_ERR_COMM);
        assert_eq!(class(merge(&local, false)), MPI_ERR_COMM);
    });
}

#[test]
fn groups_that_overlap_are_refused_on_both_sides() {
    fake::run(3, |rank| {
        let of = |members: Vec<u32>| create::create(&world(), &Group::new(members)).expect("create");
        let (low, high) = (of(vec![0, 1]), of(vec![1, 2]));
        let outcomes: Vec<i32> = [(low, 0, 2), (high, 1, 0)]
            .into_iter()
            .filter_map(|(local, leader, other)| {
                Some(class(connect(&*local?, leader, MPI_COMM_WORLD, other, 0)))
            })
            .collect();
        assert_eq!(outcomes, vec![MPI_ERR_COMM; if rank == 1 { 2 } else { 1 }]);
    });
}

#[test]
fn what_needs_one_group_is_refused() {
    testing::Job::of(3).run(|_| {
        let inter = pair(1);
        inter.set_errhandler(MPI_ERRORS_RETURN).expect("predefined");
        let comm = inter.handle();
        assert_eq!(class(create::create_group(&inter, inter.group(), 1)), MPI_ERR_COMM);
        assert_eq!(
            class(file::open::open(&inter, "/tmp/none", MPI_MODE_RDONLY, &Info::default())),
            MPI_ERR_COMM
        );
        let (one, mut rank, mut new) = ([1], -1, MPI_COMM_NULL);
        let (ones, none) = (one.as_ptr(), std::ptr::null());
        let (mut win, mut base) = (MPI_WIN_NULL, null_mut::<c_void>());
        let (mut mine, mut all) = ([1], [0]);
        let (from, to): (*mut c_void, *mut c_void) = (mine.as_mut_ptr().cast(), all.as_mut_ptr().cast());
        // SAFETY: valid arrays and places for the results.
        let codes = unsafe {
            [
                MPI_Cart_create(comm, 1, ones, ones, 0, &mut new),
                MPI_Cart_map(comm, 1, ones, ones, &mut rank),
                MPI_Graph_create(comm, 0, none, none, 0, &mut new),
                MPI_Graph_map(comm, 0, none, none, &mut rank),
                MPI_Dist_graph_create(comm, 0, none, none, none, MPI_UNWEIGHTED, MPI_INFO_NULL, 0, &mut new),
                MPI_Dist_graph_create_adjacent(
                    comm,
                    0,
                    none,
                    MPI_UNWEIGHTED,
                    0,
                    none,
                    MPI_UNWEIGHTED,
                    MPI_INFO_NULL,
                    0,
                    &mut new,
                ),
                MPI_Win_allocate(8, 1, MPI_INFO_NULL, comm, (&raw mut base).cast(), &mut win),
                MPI_Scan(from, to, 1, MPI_INT, MPI_SUM, comm),
                MPI_Exscan(from, to, 1, MPI_INT, MPI_SUM, comm),
            ]
        };
        assert_eq!(codes, [MPI_ERR_COMM; 9]);
    });
}
