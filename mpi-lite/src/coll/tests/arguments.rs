//! The checks of the C functions, and what happens when ranks disagree.

use super::*;
use crate::abi::*;
use crate::c::coll::*;
use std::ffi::{c_int, c_void};

/// With errors returned instead of fatal.
fn returning() {
    world().set_errhandler(MPI_ERRORS_RETURN).expect("a predefined handler");
}

const W: MPI_Comm = MPI_COMM_WORLD;

#[test]
fn wrong_arguments_have_the_classes_of_the_standard() {
    fake::run(2, |rank| {
        returning();
        let (mut a, mut b) = ([1, 2, 3, 4], [0; 4]);
        let (at, bt): (*mut c_void, *mut c_void) = (a.as_mut_ptr().cast(), b.as_mut_ptr().cast());
        // SAFETY: valid buffers, or arguments that are refused before they are used.
        unsafe {
            assert_eq!(MPI_Barrier(MPI_COMM_NULL), MPI_ERR_COMM);
            assert_eq!(MPI_Bcast(at, -1, MPI_INT, 0, W), MPI_ERR_COUNT);
            assert_eq!(MPI_Bcast(at, 1, MPI_DATATYPE_NULL, 0, W), MPI_ERR_TYPE);
            assert_eq!(MPI_Bcast(at, 1, MPI_INT, 2, W), MPI_ERR_ROOT);
            assert_eq!(MPI_Bcast(at, 1, MPI_INT, -1, W), MPI_ERR_ROOT);
            assert_eq!(MPI_Bcast(std::ptr::null_mut(), 1, MPI_INT, 0, W), MPI_ERR_BUFFER);
            assert_eq!(MPI_Bcast(MPI_IN_PLACE, 1, MPI_INT, 0, W), MPI_ERR_BUFFER);
            assert_eq!(MPI_Bcast(at, 1, MPI_INT, 0, MPI_Comm(0x12345)), MPI_ERR_COMM);
            assert_eq!(MPI_Allreduce(at, bt, 1, MPI_INT, MPI_OP_NULL, W), MPI_ERR_OP);
            assert_eq!(MPI_Allreduce(at, bt, 1, MPI_DOUBLE, MPI_BAND, W), MPI_ERR_OP);
            assert_eq!(MPI_Allreduce(at, at, 1, MPI_INT, MPI_SUM, W), MPI_ERR_BUFFER);
            assert_eq!(MPI_Reduce(at, at, 1, MPI_INT, MPI_SUM, rank as c_int, W), MPI_ERR_BUFFER);
            assert_eq!(MPI_Reduce(at, bt, 1, MPI_INT, MPI_SUM, 7, W), MPI_ERR_ROOT);
            let text = crate::errhandler::codes::text(MPI_ERR_ROOT);
            let cause = "MPI_Reduce: invalid root 7 in communicator MPI_COMM_WORLD of size 2";
            assert!(text.contains(cause), "{text}");
            let other = 1 - rank as c_int;
            assert_eq!(MPI_Reduce(MPI_IN_PLACE, bt, 1, MPI_INT, MPI_SUM, other, W), MPI_ERR_BUFFER);
            let negative = [1, -1];
            assert_eq!(MPI_Reduce_scatter(at, bt, negative.as_ptr(), MPI_INT, MPI_SUM, W), MPI_ERR_COUNT);
            let null = std::ptr::null();
            assert_eq!(MPI_Allgatherv(at, 1, MPI_INT, bt, null, null, MPI_INT, W), MPI_ERR_ARG);
            assert_eq!(MPI_Alltoall(at, 1, MPI_INT, at, 1, MPI_INT, W), MPI_ERR_BUFFER);
            assert_eq!(MPI_Bcast_c(at, i64::MAX, MPI_INT, 0, W), MPI_ERR_COUNT);
        }
        assert_eq!((a, b), ([1, 2, 3, 4], [0; 4]));
    });
}

#[test]
fn arguments_that_count_at_the_root_only_may_be_anything_elsewhere() {
    fake::run(3, |rank| {
        returning();
        let mine = [rank as i32];
        let mut all = [0; 3];
        let (send, receive) = (mine.as_ptr().cast(), all.as_mut_ptr().cast());
        // SAFETY: valid buffers where they count.
        let code = unsafe {
            if rank == 1 {
                MPI_Gather(send, 1, MPI_INT, receive, 1, MPI_INT, 1, W)
            } else {
                MPI_Gather(send, 1, MPI_INT, std::ptr::null_mut(), -5, MPI_DATATYPE_NULL, 1, W)
            }
        };
        assert_eq!(code, MPI_SUCCESS);
        assert!(rank != 1 || all == [0, 1, 2]);
    });
}

#[test]
fn a_longer_message_than_the_buffer_is_truncated_and_nobody_hangs() {
    for algorithm in ["binomial", "linear"] {
        let codes = fake::run(6, move |rank| {
            returning();
            choose::force(&format!("bcast={algorithm}")).expect("a name of the table");
            let mut data = [rank as i32; 8];
            // Rank 2 expects less than the others.
            let n = if rank == 2 { 3 } else { 8 };
            // SAFETY: a valid buffer.
            let code = unsafe { MPI_Bcast(data.as_mut_ptr().cast(), n, MPI_INT, 0, W) };
            assert_eq!(data[..3], [0; 3]);
            code
        });
        // In the tree rank 3 is served by rank 2: it gets less than it expects, which is no error.
        for (rank, code) in codes.into_iter().enumerate() {
            assert_eq!(
                code,
                if rank == 2 { MPI_ERR_TRUNCATE } else { MPI_SUCCESS },
                "{algorithm}, rank {rank}"
            );
        }
    }
}

#[test]
fn large_count_functions_do_the_same() {
    fake::run(3, |rank| {
        returning();
        let mine = [rank as i32, 10];
        let mut sum = [0; 2];
        let (from, to) = (mine.as_ptr().cast(), sum.as_mut_ptr().cast());
        // SAFETY: valid buffers and arrays.
        unsafe {
            assert_eq!(MPI_Allreduce_c(from, to, 2, MPI_INT, MPI_SUM, W), MPI_SUCCESS);
            assert_eq!(sum, [3, 30]);
            let (counts, displs): ([MPI_Count; 3], [MPI_Aint; 3]) = ([2, 0, 1], [4, 0, 1]);
            let mut all = [UNTOUCHED; 6];
            let n = counts[rank];
            let code = MPI_Allgatherv_c(
                from,
                n,
                MPI_INT,
                all.as_mut_ptr().cast(),
                counts.as_ptr(),
                displs.as_ptr(),
                MPI_INT,
                W,
            );
            assert_eq!((code, all), (MPI_SUCCESS, [UNTOUCHED, 2, UNTOUCHED, UNTOUCHED, 0, 10]));
            assert_eq!(MPI_Exscan_c(from, to, 2, MPI_INT, MPI_PROD, W), MPI_SUCCESS);
        }
    });
}
