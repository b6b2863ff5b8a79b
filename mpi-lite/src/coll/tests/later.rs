//! Collectives that do not block: several at once on one communicator, over a simulated network, in every way that
//! messages take.

use super::*;
use crate::abi::*;
use crate::c::coll::*;
use crate::c::p2p::blocking::{MPI_Recv, MPI_Send};
use crate::c::p2p::completion::*;
use crate::c::p2p::persistent::MPI_Start;
use crate::c::topo::*;
use crate::fiber;
use crate::p2p::testing::run;
use std::ffi::{c_int, c_void};
use std::ptr::{null, null_mut};

const W: MPI_Comm = MPI_COMM_WORLD;

/// Calls a function that has to succeed.
macro_rules! ok {
    ($call:expr) => {{
        // SAFETY: the tests give valid pointers, and keep buffers until their requests are complete.
        let code = unsafe { $call };
        assert_eq!(code, MPI_SUCCESS);
    }};
}

fn at<T>(values: &mut [T]) -> *mut c_void {
    values.as_mut_ptr().cast()
}

fn returning() {
    world().set_errhandler(MPI_ERRORS_RETURN).expect("a predefined handler");
}

fn wait(request: &mut MPI_Request) -> c_int {
    // SAFETY: a request, and no status.
    unsafe { MPI_Wait(request, MPI_STATUS_IGNORE) }
}

#[test]
fn many_are_under_way_and_end_in_any_order() {
    run(5, |rank| {
        const MANY: usize = 60;
        let me = rank as i32;
        let mut sums = [[0; 3]; MANY];
        let mut requests = [MPI_REQUEST_NULL; MANY];
        let values: Vec<[i32; 3]> = (0..MANY as i32).map(|i| [me + i, me * i, i]).collect();
        for (i, sum) in sums.iter_mut().enumerate() {
            let from: *const c_void = values[i].as_ptr().cast();
            ok!(MPI_Iallreduce(from, at(sum), 3, MPI_INT, MPI_SUM, W, &mut requests[i]));
        }
        // Meanwhile: messages of the program, and collectives that block.
        let (next, previous) = ((me + 1) % 5, (me + 4) % 5);
        let (mut token, mut all) = ([me], [0]);
        if me == 0 {
            ok!(MPI_Send(at(&mut token), 1, MPI_INT, next, 0, W));
        }
        ok!(MPI_Recv(at(&mut token), 1, MPI_INT, previous, 0, W, MPI_STATUS_IGNORE));
        if me != 0 {
            ok!(MPI_Send(at(&mut token), 1, MPI_INT, next, 0, W));
        }
        assert_eq!(token, [0]);
        ok!(MPI_Allreduce([me].as_ptr().cast(), at(&mut all), 1, MPI_INT, MPI_SUM, W));
        assert_eq!(all, [10]);
        for i in 0..MANY {
            let i = (i * 7 + rank as usize * 11) % MANY;
            assert_eq!(wait(&mut requests[i]), MPI_SUCCESS);
            assert_eq!(
                (requests[i], sums[i]),
                (MPI_REQUEST_NULL, [10 + 5 * i as i32, 10 * i as i32, 5 * i as i32])
            );
        }
        assert!(!fiber::are_under_way());
    });
}

#[test]
fn who_only_looks_lets_them_go_on_too() {
    run(3, |_| {
        let (mut request, mut flag) = (MPI_REQUEST_NULL, 0);
        ok!(MPI_Ibarrier(W, &mut request));
        while flag == 0 {
            ok!(MPI_Test(&mut request, &mut flag, MPI_STATUS_IGNORE));
        }
        ok!(MPI_Ibarrier(W, &mut request));
        while fiber::are_under_way() {
            let mut found = 0;
            ok!(crate::c::p2p::probe::MPI_Iprobe(MPI_ANY_SOURCE, 99, W, &mut found, MPI_STATUS_IGNORE));
            assert_eq!(found, 0);
        }
        ok!(MPI_Request_get_status(request, &mut flag, MPI_STATUS_IGNORE));
        assert_eq!(flag, 1);
        ok!(MPI_Wait(&mut request, MPI_STATUS_IGNORE));
    });
}

#[test]
fn they_take_messages_even_where_shared_memory_is() {
    Job::of(4).run(|rank| {
        let (mut value, mut request) = ([0; 2], MPI_REQUEST_NULL);
        // The communicator has its segment from here on.
        ok!(MPI_Barrier(W));
        assert!(world().node.get().is_some_and(Option::is_some));
        let before = crate::coll::node::ready(&world()).is_some();
        let mine = [rank as i32, 1];
        ok!(MPI_Iallreduce(mine.as_ptr().cast(), at(&mut value), 2, MPI_INT, MPI_SUM, W, &mut request));
        // Blocking ones use it beside those that do not block.
        for _ in 0..10 {
            ok!(MPI_Barrier(W));
        }
        assert_eq!(wait(&mut request), MPI_SUCCESS);
        assert_eq!((before, value), (true, [6, 4]));
    });
}

#[test]
fn an_error_is_told_where_the_request_is_completed() {
    run(4, |rank| {
        returning();
        let mut data = [rank as i32; 8];
        let mut requests = [MPI_REQUEST_NULL; 2];
        // Rank 3 has no ranks below it in the tree, and expects less than the others.
        let n = if rank == 3 { 3 } else { 8 };
        ok!(MPI_Ibcast(at(&mut data), n, MPI_INT, 0, W, &mut requests[0]));
        ok!(MPI_Ibarrier(W, &mut requests[1]));
        let expected = if rank == 3 { MPI_ERR_TRUNCATE } else { MPI_SUCCESS };
        let mut statuses = [MPI_Status::EMPTY; 2];
        // SAFETY: two requests and statuses.
        let code = unsafe { MPI_Waitall(2, requests.as_mut_ptr(), statuses.as_mut_ptr()) };
        assert_eq!(code, if rank == 3 { MPI_ERR_IN_STATUS } else { MPI_SUCCESS });
        assert_eq!((statuses[0].MPI_ERROR, statuses[1].MPI_ERROR), (expected, MPI_SUCCESS));
        assert_eq!(data[..3], [0; 3]);
        // Mistakes that can be seen are told by the call, and nothing is started.
        let mut request = MPI_REQUEST_NULL;
        // SAFETY: arguments that are refused before they are used.
        unsafe {
            assert_eq!(MPI_Ibcast(at(&mut data), -1, MPI_INT, 0, W, &mut request), MPI_ERR_COUNT);
            assert_eq!(MPI_Ibcast(at(&mut data), 1, MPI_INT, 9, W, &mut request), MPI_ERR_ROOT);
            assert_eq!(MPI_Ibarrier(W, null_mut()), MPI_ERR_ARG);
            let data = at(&mut data);
            let code = MPI_Iallgatherv(data, 1, MPI_INT, data, null(), null(), MPI_INT, W, &mut request);
            assert_eq!(code, MPI_ERR_ARG);
        }
        assert_eq!(request, MPI_REQUEST_NULL);
        assert!(!fiber::are_under_way());
    });
}

/// Adds, and asks MPI for something, as a function of the program may.
unsafe extern "C" fn add(input: *mut c_void, inout: *mut c_void, n: *mut c_int, dt: *mut MPI_Datatype) {
    assert!(fiber::is_inside());
    let mut size = 0;
    // SAFETY: called with as many ints as `n` says.
    unsafe {
        assert_eq!(crate::c::types::MPI_Type_size(*dt, &mut size), MPI_SUCCESS);
        for i in 0..*n as usize {
            *inout.cast::<i32>().add(i) += *input.cast::<i32>().add(i);
        }
    }
    assert_eq!(size, 4);
}

#[test]
fn functions_of_the_program_run_in_fibers() {
    run(4, |rank| {
        let (mut op, mut request, mut sum) = (MPI_OP_NULL, MPI_REQUEST_NULL, [0; 3]);
        let mine = [rank as i32, 1, -1];
        ok!(crate::c::op::MPI_Op_create(Some(add), 1, &mut op));
        ok!(MPI_Iallreduce(mine.as_ptr().cast(), at(&mut sum), 3, MPI_INT, op, W, &mut request));
        ok!(crate::c::op::MPI_Op_free(&mut op));
        assert_eq!(wait(&mut request), MPI_SUCCESS);
        assert_eq!(sum, [6, 4, -4]);
    });
}

#[test]
fn persistent_ones_start_in_any_order() {
    run(4, |rank| {
        returning();
        let me = rank as i32;
        let (mut sum, mut root_says, mut requests) = ([0], [0], [MPI_REQUEST_NULL; 3]);
        let mut mine = [me];
        let from = at(&mut mine);
        ok!(MPI_Allreduce_init(from, at(&mut sum), 1, MPI_INT, MPI_SUM, W, MPI_INFO_NULL, &mut requests[0]));
        ok!(MPI_Bcast_init(at(&mut root_says), 1, MPI_INT, 2, W, MPI_INFO_NULL, &mut requests[1]));
        ok!(MPI_Barrier_init(W, MPI_INFO_NULL, &mut requests[2]));
        let handles = requests;
        for round in 0..6 {
            // SAFETY: nobody else uses it while the requests are inactive.
            unsafe { from.cast::<i32>().write(me * round) };
            root_says = [if me == 2 { round } else { -1 }];
            for i in 0..3 {
                ok!(MPI_Start(&mut requests[(i + rank as usize) % 3]));
            }
            if round == 1 {
                // SAFETY: a request.
                let again = unsafe { MPI_Start(&mut requests[2]) };
                assert!(again == MPI_ERR_REQUEST);
            }
            ok!(MPI_Waitall(3, requests.as_mut_ptr(), MPI_STATUSES_IGNORE));
            assert_eq!((sum, root_says, requests), ([6 * round], [round], handles));
        }
        for request in &mut requests {
            ok!(MPI_Request_free(request));
        }
    });
}

#[test]
fn requests_that_are_freed_are_complete_after_finalize() {
    run(3, |_| {
        returning();
        let mut requests = [MPI_REQUEST_NULL; 2];
        for request in &mut requests {
            ok!(MPI_Ibarrier(W, request));
        }
        let mut last = requests[1];
        ok!(MPI_Request_free(&mut last));
        // SAFETY: a request.
        assert_eq!(unsafe { MPI_Cancel(&mut requests[0]) }, MPI_ERR_REQUEST);
        // The simulated job ends as MPI_Finalize does.
    });
}

/// What each rank of a ring of `size` with `periodic` ends gets from below and from above, of values sent down and up.
fn in_ring(size: usize, periodic: bool, me: usize) -> [i32; 2] {
    let below = if me > 0 || periodic { Some((me + size - 1) % size) } else { None };
    let above = if me + 1 < size || periodic { Some((me + 1) % size) } else { None };
    [below.map_or(-1, |rank| rank as i32 * 10 + 1), above.map_or(-1, |rank| rank as i32 * 10)]
}

#[test]
fn neighbours_in_short_rings_are_told_from_each_other() {
    for size in 1..=3 {
        run(size, move |rank| {
            for periodic in [false, true] {
                let (mut ring, dims, wraps) = (MPI_COMM_NULL, [size as c_int], [c_int::from(periodic)]);
                ok!(MPI_Cart_create(W, 1, dims.as_ptr(), wraps.as_ptr(), 0, &mut ring));
                let mine = [rank as i32 * 10, rank as i32 * 10 + 1];
                let from: *const c_void = mine.as_ptr().cast();
                let expected = in_ring(size as usize, periodic, rank as usize);
                let (mut now, mut later, mut request) = ([-1; 2], [-1; 2], MPI_REQUEST_NULL);
                ok!(MPI_Ineighbor_alltoall(from, 1, MPI_INT, at(&mut later), 1, MPI_INT, ring, &mut request));
                ok!(MPI_Neighbor_alltoall(from, 1, MPI_INT, at(&mut now), 1, MPI_INT, ring));
                assert_eq!(wait(&mut request), MPI_SUCCESS);
                assert_eq!((now, later), (expected, expected), "{size} ranks, periodic: {periodic}");
                ok!(crate::c::comm::MPI_Comm_free(&mut ring));
            }
        });
    }
}

#[test]
fn duplicates_come_later_and_have_contexts_of_their_own() {
    run(3, |rank| {
        returning();
        let (mut comms, mut requests) = ([MPI_COMM_NULL; 4], [MPI_REQUEST_NULL; 4]);
        for i in 0..4 {
            ok!(crate::c::comm::MPI_Comm_idup(W, &mut comms[i], &mut requests[i]));
        }
        for i in 0..4 {
            assert_eq!(wait(&mut requests[(i + rank as usize) % 4]), MPI_SUCCESS);
        }
        let mut contexts: Vec<u32> =
            comms.iter().map(|handle| comm::get(*handle).expect("complete").context()).collect();
        contexts.sort_unstable();
        contexts.dedup();
        assert_eq!(contexts.len(), 4);
        for handle in &mut comms {
            ok!(MPI_Barrier(*handle));
            ok!(crate::c::comm::MPI_Comm_free(handle));
        }
        if rank == 0 {
            // Nobody else has called it: it cannot be complete.
            let (mut early, mut request) = (MPI_COMM_NULL, MPI_REQUEST_NULL);
            ok!(crate::c::comm::MPI_Comm_idup(W, &mut early, &mut request));
            let told = comm::get(early).map(|_| ()).map_err(|error| error.class);
            assert_eq!(told, Err(MPI_ERR_COMM));
            // But it can be given an error handler, the last of which counts.
            ok!(crate::c::errhandler::MPI_Comm_set_errhandler(early, MPI_ERRORS_RETURN));
            ok!(crate::c::errhandler::MPI_Comm_set_errhandler(early, MPI_ERRORS_ABORT));
            ok!(MPI_Barrier(W));
            assert_eq!(wait(&mut request), MPI_SUCCESS);
            assert_eq!(comm::get(early).map(|comm| comm.errhandler()).ok(), Some(MPI_ERRORS_ABORT));
            ok!(crate::c::comm::MPI_Comm_free(&mut early));
        } else {
            let (mut late, mut request) = (MPI_COMM_NULL, MPI_REQUEST_NULL);
            ok!(MPI_Barrier(W));
            ok!(crate::c::comm::MPI_Comm_idup(W, &mut late, &mut request));
            assert_eq!(wait(&mut request), MPI_SUCCESS);
            ok!(crate::c::comm::MPI_Comm_free(&mut late));
        }
    });
}
