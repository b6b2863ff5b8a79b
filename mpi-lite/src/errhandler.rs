//! Error handlers.

use crate::Result;
use crate::abi::MPI_Comm;
use std::ffi::c_int;

/// Runs the body of the MPI function `name` and, if it fails, the error handler of `comm`.
pub fn guard(name: &'static str, comm: MPI_Comm, body: impl FnOnce() -> Result<()>) -> c_int {
    match body() {
        Ok(()) => 0,
        Err(e) => {
            eprintln!("{name} on {comm:?}: {e}");
            e.class
        }
    }
}
