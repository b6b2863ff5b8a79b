//! What programs see of requests and statuses, over a simulated network.

use super::blocking::*;
use super::buffer::*;
use super::completion::*;
use super::nonblocking::*;
use super::persistent::*;
use super::probe::*;
use super::status::*;
use crate::abi::*;
use crate::comm;
use crate::p2p::testing::run;
use std::cell::Cell;
use std::ffi::{c_int, c_void};

const WORLD: MPI_Comm = MPI_COMM_WORLD;
const IGNORE: *mut MPI_Status = MPI_STATUS_IGNORE;

fn pointer<T>(value: &mut T) -> *mut c_void {
    (&raw mut *value).cast()
}

/// Calls a function that has to succeed.
macro_rules! ok {
    ($call:expr) => {{
        // SAFETY: the tests give valid pointers, and keep buffers until their requests are complete.
        let code = unsafe { $call };
        assert_eq!(code, MPI_SUCCESS);
    }};
}

/// Calls a function that has to fail with a class, under `MPI_ERRORS_RETURN`.
macro_rules! fails {
    ($class:expr, $call:expr) => {{
        // SAFETY: as in `ok`.
        let code = unsafe { $call };
        assert_eq!(code, $class);
    }};
}

fn return_errors() {
    for handle in [MPI_COMM_WORLD, MPI_COMM_SELF] {
        let comm = comm::get(handle).expect("predefined");
        comm.set_errhandler(MPI_ERRORS_RETURN).expect("predefined");
    }
}

fn irecv(value: &mut c_int, source: c_int, tag: c_int) -> MPI_Request {
    let mut request = MPI_REQUEST_NULL;
    ok!(MPI_Irecv(pointer(value), 1, MPI_INT, source, tag, WORLD, &mut request));
    request
}

fn send(mut value: c_int, dest: c_int, tag: c_int) {
    ok!(MPI_Send(pointer(&mut value), 1, MPI_INT, dest, tag, WORLD));
}

#[test]
fn one_failed_request_of_several_is_told_in_the_statuses() {
    run(2, |me| {
        return_errors();
        let other = 1 - me as c_int;
        let (mut good, mut short, long) = (0, [0u8; 2], [7u8; 5]);
        let mut requests = [irecv(&mut good, other, 1), MPI_REQUEST_NULL, MPI_REQUEST_NULL];
        ok!(MPI_Irecv(short.as_mut_ptr().cast(), 2, MPI_BYTE, other, 2, WORLD, &mut requests[2]));
        send(40 + other, other, 1);
        ok!(MPI_Send(long.as_ptr().cast(), 5, MPI_BYTE, other, 2, WORLD));
        let mut statuses = [MPI_Status::EMPTY; 3];
        fails!(MPI_ERR_IN_STATUS, MPI_Waitall(3, requests.as_mut_ptr(), statuses.as_mut_ptr()));
        assert_eq!(statuses.map(|s| s.MPI_ERROR), [MPI_SUCCESS, MPI_SUCCESS, MPI_ERR_TRUNCATE]);
        assert_eq!((statuses[0].MPI_SOURCE, statuses[0].MPI_TAG, good), (other, 1, 40 + me as c_int));
        assert_eq!(statuses[1], MPI_Status::EMPTY);
        assert_eq!((requests, short), ([MPI_REQUEST_NULL; 3], [7; 2]));
    });
}

#[test]
fn any_and_some_take_what_is_complete_and_skip_the_idle() {
    run(2, |me| {
        let other = 1 - me as c_int;
        let mut values = [0; 3];
        let [a, b, c] = &mut values;
        let mut requests = [irecv(a, other, 1), irecv(b, other, 2), MPI_REQUEST_NULL, irecv(c, other, 3)];
        let (mut index, mut flag, mut status) = (0, -1, MPI_Status::EMPTY);
        // Nobody sends tag 1 or 3 before both have tag 2 and have said so.
        ok!(MPI_Testany(2, requests[2..].as_mut_ptr(), &mut index, &mut flag, &mut status));
        assert_eq!((index, flag), (MPI_UNDEFINED, 0));
        send(12, other, 2);
        ok!(MPI_Waitany(4, requests.as_mut_ptr(), &mut index, &mut status));
        assert_eq!((index, status.MPI_TAG, requests[1]), (1, 2, MPI_REQUEST_NULL));
        send(0, other, 9);
        let mut told = 0;
        ok!(MPI_Recv(pointer(&mut told), 1, MPI_INT, other, 9, WORLD, IGNORE));
        send(11, other, 1);
        send(13, other, 3);
        let (mut seen, mut count, mut indices) = (Vec::new(), 0, [0; 4]);
        let mut statuses = [MPI_Status::EMPTY; 4];
        while seen.len() < 2 {
            ok!(MPI_Waitsome(
                4,
                requests.as_mut_ptr(),
                &mut count,
                indices.as_mut_ptr(),
                statuses.as_mut_ptr()
            ));
            let found = indices.iter().zip(&statuses).take(count as usize);
            seen.extend(found.map(|(index, status)| (*index, status.MPI_TAG)));
        }
        seen.sort_unstable();
        assert_eq!((seen, values), (vec![(0, 1), (3, 3)], [11, 12, 13]));
        ok!(MPI_Waitsome(4, requests.as_mut_ptr(), &mut count, indices.as_mut_ptr(), statuses.as_mut_ptr()));
        assert_eq!(count, MPI_UNDEFINED);
        ok!(MPI_Testsome(4, requests.as_mut_ptr(), &mut count, indices.as_mut_ptr(), statuses.as_mut_ptr()));
        assert_eq!(count, MPI_UNDEFINED);
        ok!(MPI_Waitany(4, requests.as_mut_ptr(), &mut index, &mut status));
        assert_eq!(
            (index, status),
            (MPI_UNDEFINED, MPI_Status { MPI_ERROR: status.MPI_ERROR, ..MPI_Status::EMPTY })
        );
        ok!(MPI_Testall(4, requests.as_mut_ptr(), &mut flag, statuses.as_mut_ptr()));
        assert_eq!(flag, 1);
    });
}

#[test]
fn persistent_requests_start_again_and_again() {
    run(2, |me| {
        return_errors();
        let other = 1 - me as c_int;
        let (out, mut into) = (Cell::new(0), 0);
        let mut requests = [MPI_REQUEST_NULL; 2];
        ok!(MPI_Recv_init(pointer(&mut into), 1, MPI_INT, other, 4, WORLD, &mut requests[0]));
        ok!(MPI_Ssend_init(out.as_ptr().cast(), 1, MPI_INT, other, 4, WORLD, &mut requests[1]));
        let handles = requests;
        ok!(MPI_Wait(&mut requests[0], IGNORE));
        for round in 0..5 {
            out.set(round * 10);
            ok!(MPI_Startall(2, requests.as_mut_ptr()));
            if round == 3 {
                fails!(MPI_ERR_REQUEST, MPI_Start(&mut requests[0]));
            }
            ok!(MPI_Waitall(2, requests.as_mut_ptr(), MPI_STATUSES_IGNORE));
            assert_eq!((into, requests), (round * 10, handles));
        }
        ok!(MPI_Request_free(&mut requests[0]));
        ok!(MPI_Request_free(&mut requests[1]));
        assert_eq!(requests, [MPI_REQUEST_NULL; 2]);
        let mut stale = handles[0];
        fails!(MPI_ERR_REQUEST, MPI_Wait(&mut stale, IGNORE));
    });
}

#[test]
fn operations_with_proc_null_are_complete_and_empty() {
    run(1, |_| {
        let (mut value, mut status, mut flag, mut count) = (5, MPI_Status::EMPTY, 0, -1);
        let null = MPI_Status::PROC_NULL;
        ok!(MPI_Send(pointer(&mut value), 1, MPI_INT, MPI_PROC_NULL, 1, WORLD));
        ok!(MPI_Recv(pointer(&mut value), 1, MPI_INT, MPI_PROC_NULL, MPI_ANY_TAG, WORLD, &mut status));
        assert_eq!((status, value), (null, 5));
        ok!(MPI_Get_count(&status, MPI_INT, &mut count));
        assert_eq!(count, 0);
        let mut request = irecv(&mut value, MPI_PROC_NULL, 1);
        status = MPI_Status::EMPTY;
        ok!(MPI_Test(&mut request, &mut flag, &mut status));
        assert_eq!((flag, status, request), (1, null, MPI_REQUEST_NULL));
        let mut message = MPI_MESSAGE_NULL;
        ok!(MPI_Mprobe(MPI_PROC_NULL, 1, WORLD, &mut message, &mut status));
        assert_eq!(message, MPI_MESSAGE_NO_PROC);
        ok!(MPI_Mrecv(pointer(&mut value), 1, MPI_INT, &mut message, &mut status));
        assert_eq!((message, status), (MPI_MESSAGE_NULL, null));
    });
}

#[test]
fn wrong_arguments_are_named() {
    run(1, |_| {
        return_errors();
        let mut value = 0;
        let at = pointer(&mut value);
        fails!(MPI_ERR_COUNT, MPI_Send(at, -1, MPI_INT, 0, 0, WORLD));
        fails!(MPI_ERR_TYPE, MPI_Send(at, 1, MPI_DATATYPE_NULL, 0, 0, WORLD));
        fails!(MPI_ERR_RANK, MPI_Send(at, 1, MPI_INT, 1, 0, WORLD));
        fails!(MPI_ERR_TAG, MPI_Send(at, 1, MPI_INT, 0, MPI_ANY_TAG, WORLD));
        fails!(MPI_ERR_COMM, MPI_Send(at, 1, MPI_INT, 0, 0, MPI_COMM_NULL));
        fails!(MPI_ERR_BUFFER, MPI_Send(std::ptr::null(), 1, MPI_INT, 0, 0, WORLD));
        fails!(MPI_ERR_RANK, MPI_Recv(at, 1, MPI_INT, MPI_ROOT, 0, WORLD, IGNORE));
        fails!(MPI_ERR_TAG, MPI_Recv(at, 1, MPI_INT, 0, -7, WORLD, IGNORE));
        let mut null = MPI_REQUEST_NULL;
        fails!(MPI_ERR_REQUEST, MPI_Request_free(&mut null));
        fails!(MPI_ERR_REQUEST, MPI_Start(&mut null));
    });
}

#[test]
fn sendrecv_replace_swaps_scattered_and_contiguous_data() {
    run(2, |me| {
        let other = 1 - me as c_int;
        let mut values = [me as i32 + 1; 3000];
        let at = values.as_mut_ptr().cast();
        ok!(MPI_Sendrecv_replace(at, 3000, MPI_INT, other, 1, other, 1, WORLD, IGNORE));
        assert!(values.iter().all(|value| *value == other + 1));
    });
}

#[test]
fn a_buffer_is_attached_once_and_comes_back_whole() {
    run(1, |_| {
        return_errors();
        let mut memory = [0u8; 4096];
        let (mut back, mut size): (*mut c_void, c_int) = (std::ptr::null_mut(), 0);
        ok!(MPI_Buffer_attach(memory.as_mut_ptr().cast(), 4096));
        fails!(MPI_ERR_BUFFER, MPI_Buffer_attach(memory.as_mut_ptr().cast(), 4096));
        let mut value = 9;
        ok!(MPI_Bsend(pointer(&mut value), 1, MPI_INT, 0, 1, WORLD));
        value = 0;
        ok!(MPI_Recv(pointer(&mut value), 1, MPI_INT, 0, 1, WORLD, IGNORE));
        assert_eq!(value, 9);
        ok!(MPI_Buffer_detach(pointer(&mut back), &mut size));
        assert_eq!((back, size), (memory.as_mut_ptr().cast(), 4096));
    });
}

#[test]
fn a_cancelled_receive_says_so_and_get_status_leaves_the_request() {
    run(1, |_| {
        let (mut value, mut flag, mut status) = (0, 0, MPI_Status::EMPTY);
        let mut request = irecv(&mut value, 0, 1);
        ok!(MPI_Cancel(&mut request));
        ok!(MPI_Request_get_status(request, &mut flag, &mut status));
        assert_eq!(flag, 1);
        ok!(MPI_Wait(&mut request, &mut status));
        ok!(MPI_Test_cancelled(&status, &mut flag));
        assert_eq!((flag, request), (1, MPI_REQUEST_NULL));
    });
}

#[test]
fn elements_of_a_status_can_be_set_and_read_back() {
    let (mut status, mut count) = (MPI_Status::EMPTY, 0);
    let mut large = 0;
    ok!(MPI_Status_set_elements_x(&mut status, MPI_DOUBLE, 1 << 40));
    ok!(MPI_Get_elements_x(&status, MPI_DOUBLE, &mut large));
    ok!(MPI_Get_count(&status, MPI_DOUBLE, &mut count));
    assert_eq!((large, count), (1 << 40, MPI_UNDEFINED));
    ok!(MPI_Status_set_cancelled(&mut status, 1));
    assert!(status.cancelled());
}
