//! C functions of the point-to-point chapter (MPI 5.0, chapter 3).

pub mod blocking;
pub mod buffer;
pub mod completion;
pub mod generalized;
pub mod nonblocking;
pub mod partitioned;
pub mod persistent;
pub mod probe;
mod quick;
pub mod status;
#[cfg(test)]
mod tests;

use crate::Result;
use crate::abi::{MPI_ANY_SOURCE, MPI_Comm, MPI_SUCCESS, MPI_Status};
use crate::request::Outcome;

/// Gives the program a status. The error field belongs to the functions that complete several requests; only an empty
/// status has one (MPI 5.0, section 3.7.3).
///
/// # Safety
/// `to` is null (`MPI_STATUS_IGNORE`) or valid.
pub(crate) unsafe fn put_status(to: *mut MPI_Status, status: &MPI_Status) {
    if !to.is_null() {
        let empty = status.MPI_SOURCE == MPI_ANY_SOURCE;
        // SAFETY: the caller's promise.
        unsafe {
            let error = if empty { MPI_SUCCESS } else { (*to).MPI_ERROR };
            *to = MPI_Status { MPI_ERROR: error, ..*status };
        }
    }
}

/// Gives the program the outcome of a single operation.
///
/// # Safety
/// As [`put_status`].
unsafe fn put_outcome(to: *mut MPI_Status, outcome: Outcome) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe { put_status(to, &outcome.status) };
    outcome.error.map_or(Ok(()), Err)
}

/// The communicator whose error handler gets the errors of `handle`.
fn comm_of(handle: crate::abi::MPI_Request) -> MPI_Comm {
    crate::request::comm_of(handle).map_or(crate::abi::MPI_COMM_SELF, |comm| comm.handle())
}

/// As [`comm_of`] for a request in memory.
fn comm_at(handle: *mut crate::abi::MPI_Request) -> MPI_Comm {
    // SAFETY: the program gives a request.
    comm_of(unsafe { *handle })
}

/// The program's array of requests.
///
/// # Safety
/// `array` has `count` elements.
unsafe fn requests<'a>(
    count: std::ffi::c_int,
    array: *mut crate::abi::MPI_Request,
) -> Result<&'a mut [crate::abi::MPI_Request]> {
    match crate::request::count(count.into())? {
        0 => Ok(&mut []),
        // SAFETY: the caller's promise.
        count => Ok(unsafe { std::slice::from_raw_parts_mut(array, count) }),
    }
}
