//! Statuses of `mpi_f08` and of `mpi`, which are alike in memory, and the fence that is only for the compiler.

use super::arguments::give;
use super::fortran_fn;
use crate::abi::{MPI_SUCCESS, MPI_Status};
use core::ffi::{c_int, c_void};

/// # Safety
/// Two statuses, of which `to` is writable.
unsafe fn copy(from: *const MPI_Status, to: *mut MPI_Status, ierror: *mut c_int) {
    // SAFETY: promised by the caller; Fortran aligns a status as an INTEGER.
    unsafe {
        to.write_unaligned(from.read_unaligned());
        give(ierror, MPI_SUCCESS);
    }
}

fortran_fn! { both
    /// MPI_Status_f2f08
    fn mpi_status_f2f08(from: *const MPI_Status, to: *mut MPI_Status, ierror: *mut c_int) {
        // SAFETY: arguments as the Fortran interface asks.
        unsafe { copy(from, to, ierror) };
    }

    /// MPI_Status_f082f
    fn mpi_status_f082f(from: *const MPI_Status, to: *mut MPI_Status, ierror: *mut c_int) {
        // SAFETY: as above.
        unsafe { copy(from, to, ierror) };
    }

    /// MPI_F_sync_reg: that a variable is passed keeps the compiler from having it in a register.
    fn mpi_f_sync_reg(_buffer: *mut c_void) {}
}
