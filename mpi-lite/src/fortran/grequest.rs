//! Generalized requests: C's functions call the program's subroutines, which get everything by reference.

use super::arguments::{Handle, give};
use super::fortran_fn;
use crate::abi::*;
use core::ffi::{c_int, c_void};

type Query = unsafe extern "C" fn(*mut MPI_Aint, *mut MPI_Status, *mut c_int);
type Free = unsafe extern "C" fn(*mut MPI_Aint, *mut c_int);
type Cancel = unsafe extern "C" fn(*mut MPI_Aint, *mut c_int, *mut c_int);

unsafe extern "C" {
    fn PMPI_Grequest_start(
        query: MPI_Grequest_query_function,
        free: MPI_Grequest_free_function,
        cancel: MPI_Grequest_cancel_function,
        extra: *mut c_void,
        request: *mut MPI_Request,
    ) -> c_int;
}

/// The subroutines of a request and their extra state. C holds its address until the request is freed.
struct Subroutines {
    query: Query,
    free: Free,
    cancel: Cancel,
    extra: MPI_Aint,
}

unsafe extern "C" fn query(state: *mut c_void, status: *mut MPI_Status) -> c_int {
    let (state, mut code) = (state.cast::<Subroutines>(), MPI_SUCCESS);
    // SAFETY: `state` is what mpi_grequest_start made; the program's subroutine takes these references.
    unsafe { ((*state).query)(&raw mut (*state).extra, status, &mut code) };
    code
}

unsafe extern "C" fn free(state: *mut c_void) -> c_int {
    let mut code = MPI_SUCCESS;
    // SAFETY: as above; this is the last call, so the box may be dropped.
    unsafe {
        let mut state = Box::from_raw(state.cast::<Subroutines>());
        (state.free)(&mut state.extra, &mut code);
    }
    code
}

unsafe extern "C" fn cancel(state: *mut c_void, mut complete: c_int) -> c_int {
    let (state, mut code) = (state.cast::<Subroutines>(), MPI_SUCCESS);
    // SAFETY: as for `query`.
    unsafe { ((*state).cancel)(&raw mut (*state).extra, &mut complete, &mut code) };
    code
}

fortran_fn! { both
    /// MPI_Grequest_start
    fn mpi_grequest_start(
        query_fn: Query, free_fn: Free, cancel_fn: Cancel, extra: *const MPI_Aint, request: *mut c_int, ierror: *mut c_int,
    ) {
        // SAFETY: arguments as the Fortran interface asks; the box is dropped by `free`, or here if there is no request.
        unsafe {
            let state = Subroutines { query: query_fn, free: free_fn, cancel: cancel_fn, extra: *extra };
            let state = Box::into_raw(Box::new(state));
            let mut made = MPI_REQUEST_NULL;
            let code = PMPI_Grequest_start(Some(query), Some(free), Some(cancel), state.cast(), &mut made);
            if code != MPI_SUCCESS {
                drop(Box::from_raw(state));
            }
            *request = made.to_fortran();
            give(ierror, code);
        }
    }
}
