//! Calls with arrays of handles: the INTEGERs become C handles for the call and come back after it. Indices that C
//! counts from 0 count from 1 here.

use super::arguments::Handle;
use super::{fortran_fn, sentinels};
use crate::abi::*;
use crate::c::coll::MPI_Alltoallw;
use crate::c::p2p::completion::*;
use crate::c::p2p::persistent::MPI_Startall;
use crate::c::types::{MPI_Type_create_struct, MPI_Type_get_contents};
use core::ffi::{c_int, c_void};

/// C handles of `n` INTEGERs; none for a negative `n`, which the C function then reports.
pub(super) unsafe fn to_c<H: Handle>(fortran: *const c_int, n: c_int) -> Vec<H> {
    // SAFETY: the caller passes an array of n INTEGERs.
    (0..usize::try_from(n).unwrap_or(0)).map(|i| H::from_fortran(unsafe { *fortran.add(i) })).collect()
}

unsafe fn to_fortran<H: Handle>(handles: &[H], fortran: *mut c_int) {
    for (i, handle) in handles.iter().enumerate() {
        // SAFETY: the array that `to_c` read, or one the interface asks to be as long.
        unsafe { *fortran.add(i) = handle.to_fortran() };
    }
}

/// Fortran counts array elements from 1.
unsafe fn count_from_one(index: *mut c_int) {
    // SAFETY: an INTEGER that the C function wrote.
    unsafe {
        if *index != MPI_UNDEFINED {
            *index += 1;
        }
    }
}

fortran_fn! {
    /// MPI_Waitall
    fn mpi_waitall(count: *const c_int, requests: *mut c_int, statuses: *mut c_int, ierror: *mut c_int) {
        // SAFETY: arguments as the Fortran interface asks; see `to_c`.
        unsafe {
            let mut handles = to_c::<MPI_Request>(requests, *count);
            *ierror = MPI_Waitall(*count, handles.as_mut_ptr(), sentinels::status(statuses));
            to_fortran(&handles, requests);
        }
    }

    /// MPI_Testall
    fn mpi_testall(count: *const c_int, requests: *mut c_int, flag: *mut c_int, statuses: *mut c_int, ierror: *mut c_int) {
        // SAFETY: as above.
        unsafe {
            let mut handles = to_c::<MPI_Request>(requests, *count);
            *ierror = MPI_Testall(*count, handles.as_mut_ptr(), flag, sentinels::status(statuses));
            to_fortran(&handles, requests);
        }
    }

    /// MPI_Waitany
    fn mpi_waitany(count: *const c_int, requests: *mut c_int, index: *mut c_int, status: *mut c_int, ierror: *mut c_int) {
        // SAFETY: as above.
        unsafe {
            let mut handles = to_c::<MPI_Request>(requests, *count);
            *ierror = MPI_Waitany(*count, handles.as_mut_ptr(), index, sentinels::status(status));
            to_fortran(&handles, requests);
            count_from_one(index);
        }
    }

    /// MPI_Testany
    fn mpi_testany(
        count: *const c_int, requests: *mut c_int, index: *mut c_int, flag: *mut c_int, status: *mut c_int, ierror: *mut c_int,
    ) {
        // SAFETY: as above.
        unsafe {
            let mut handles = to_c::<MPI_Request>(requests, *count);
            *ierror = MPI_Testany(*count, handles.as_mut_ptr(), index, flag, sentinels::status(status));
            to_fortran(&handles, requests);
            if *flag != 0 {
                count_from_one(index);
            }
        }
    }

    /// MPI_Waitsome
    fn mpi_waitsome(
        count: *const c_int, requests: *mut c_int, done: *mut c_int, indices: *mut c_int, statuses: *mut c_int, ierror: *mut c_int,
    ) {
        // SAFETY: as above; `indices` has room for `count` elements.
        unsafe {
            let mut handles = to_c::<MPI_Request>(requests, *count);
            *ierror = MPI_Waitsome(*count, handles.as_mut_ptr(), done, indices, sentinels::status(statuses));
            to_fortran(&handles, requests);
            (0..(*done).max(0) as usize).for_each(|i| count_from_one(indices.add(i)));
        }
    }

    /// MPI_Testsome
    fn mpi_testsome(
        count: *const c_int, requests: *mut c_int, done: *mut c_int, indices: *mut c_int, statuses: *mut c_int, ierror: *mut c_int,
    ) {
        // SAFETY: as above.
        unsafe {
            let mut handles = to_c::<MPI_Request>(requests, *count);
            *ierror = MPI_Testsome(*count, handles.as_mut_ptr(), done, indices, sentinels::status(statuses));
            to_fortran(&handles, requests);
            (0..(*done).max(0) as usize).for_each(|i| count_from_one(indices.add(i)));
        }
    }

    /// MPI_Startall
    fn mpi_startall(count: *const c_int, requests: *mut c_int, ierror: *mut c_int) {
        // SAFETY: as above.
        unsafe {
            let mut handles = to_c::<MPI_Request>(requests, *count);
            *ierror = MPI_Startall(*count, handles.as_mut_ptr());
            to_fortran(&handles, requests);
        }
    }

    /// MPI_Type_create_struct
    fn mpi_type_create_struct(
        count: *const c_int, lengths: *const c_int, displacements: *const MPI_Aint, types: *const c_int, newtype: *mut c_int,
        ierror: *mut c_int,
    ) {
        // SAFETY: as above.
        unsafe {
            let handles = to_c::<MPI_Datatype>(types, *count);
            let mut new = MPI_DATATYPE_NULL;
            *ierror = MPI_Type_create_struct(*count, lengths, displacements, handles.as_ptr(), &mut new);
            *newtype = new.to_fortran();
        }
    }

    /// MPI_Type_get_contents
    fn mpi_type_get_contents(
        datatype: *const c_int, max_integers: *const c_int, max_addresses: *const c_int, max_types: *const c_int,
        integers: *mut c_int, addresses: *mut MPI_Aint, types: *mut c_int, ierror: *mut c_int,
    ) {
        // SAFETY: as above; the arrays have the lengths given.
        unsafe {
            let mut handles = vec![MPI_DATATYPE_NULL; usize::try_from(*max_types).unwrap_or(0)];
            let datatype = MPI_Datatype::from_fortran(*datatype);
            *ierror = MPI_Type_get_contents(
                datatype, *max_integers, *max_addresses, *max_types, integers, addresses, handles.as_mut_ptr(),
            );
            to_fortran(&handles, types);
        }
    }

    /// MPI_Alltoallw
    fn mpi_alltoallw(
        sendbuf: *mut c_void, sendcounts: *const c_int, sdispls: *const c_int, sendtypes: *const c_int,
        recvbuf: *mut c_void, recvcounts: *const c_int, rdispls: *const c_int, recvtypes: *const c_int,
        comm: *const c_int, ierror: *mut c_int,
    ) {
        // SAFETY: as above; the arrays have an element per rank of the communicator. With MPI_IN_PLACE the send side
        // is not read.
        unsafe {
            let comm = MPI_Comm::from_fortran(*comm);
            let mut ranks = 0;
            *ierror = crate::c::comm::MPI_Comm_size(comm, &mut ranks);
            if *ierror != MPI_SUCCESS {
                return;
            }
            let sendbuf = sentinels::buffer(sendbuf);
            let in_place = core::ptr::eq(sendbuf, MPI_IN_PLACE);
            let send = to_c::<MPI_Datatype>(sendtypes, if in_place { 0 } else { ranks });
            let recv = to_c::<MPI_Datatype>(recvtypes, ranks);
            *ierror = MPI_Alltoallw(
                sendbuf, sendcounts, sdispls, send.as_ptr(),
                sentinels::buffer(recvbuf), recvcounts, rdispls, recv.as_ptr(), comm,
            );
        }
    }
}
