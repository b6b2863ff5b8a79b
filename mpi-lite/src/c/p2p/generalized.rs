//! Generalized requests (MPI 5.0, section 13.2).

use crate::abi::*;
use crate::c::input::store;
use crate::error::err;
use crate::init::require_running;
use crate::mpi_fn;
use crate::request::generalized::{self, Functions};
use std::ffi::c_void;

mpi_fn! {
    /// A request for a task of the program's.
    fn MPI_Grequest_start(
        query_fn: MPI_Grequest_query_function, free_fn: MPI_Grequest_free_function,
        cancel_fn: MPI_Grequest_cancel_function, extra_state: *mut c_void, request: *mut MPI_Request
    ) {
        require_running()?;
        let (Some(query), Some(free), Some(cancel)) = (query_fn, free_fn, cancel_fn) else {
            return err(MPI_ERR_ARG, "a function of the generalized request is a null pointer");
        };
        let made = generalized::start(Functions { query, free, cancel, extra: extra_state })?;
        // SAFETY: the program gives a place for the request.
        unsafe { store("request", request, made) }
    }

    /// The task is complete.
    fn MPI_Grequest_complete(request: MPI_Request) {
        generalized::complete(request)
    }
}
