//! Start, time and addresses: calls without an error code, or without the arguments that C has.

use super::arguments::{Handle, give};
use super::fortran_fn;
use crate::abi::*;
use crate::c::env::*;
use crate::c::info::MPI_Info_create_env;
use crate::c::types::{MPI_Aint_add, MPI_Aint_diff};
use core::ffi::c_int;

fortran_fn! { both
    /// MPI_Init: Fortran passes no arguments.
    fn mpi_init(ierror: *mut c_int) {
        // SAFETY: null arguments are allowed; `ierror` is the caller's INTEGER, as in all functions here.
        unsafe { give(ierror, MPI_Init(core::ptr::null_mut(), core::ptr::null_mut())) };
    }

    /// MPI_Init_thread
    fn mpi_init_thread(required: *const c_int, provided: *mut c_int, ierror: *mut c_int) {
        // SAFETY: as for MPI_Init, with two INTEGERs.
        unsafe { give(ierror, MPI_Init_thread(core::ptr::null_mut(), core::ptr::null_mut(), *required, provided)) };
    }

    /// MPI_Info_create_env: Fortran passes no arguments.
    fn mpi_info_create_env(info: *mut c_int, ierror: *mut c_int) {
        let mut made = MPI_INFO_NULL;
        // SAFETY: as for MPI_Init, with one INTEGER.
        unsafe {
            give(ierror, MPI_Info_create_env(0, core::ptr::null_mut(), &mut made));
            *info = made.to_fortran();
        }
    }

    /// MPI_Pcontrol
    fn mpi_pcontrol(level: *const c_int) {
        // SAFETY: a readable INTEGER.
        unsafe { MPI_Pcontrol(*level) };
    }
}

fortran_fn! { plain
    /// MPI_Wtime
    fn mpi_wtime() -> f64 {
        // SAFETY: no preconditions.
        unsafe { MPI_Wtime() }
    }

    /// MPI_Wtick
    fn mpi_wtick() -> f64 {
        // SAFETY: no preconditions.
        unsafe { MPI_Wtick() }
    }

    /// MPI_Aint_add
    fn mpi_aint_add(base: *const MPI_Aint, displacement: *const MPI_Aint) -> MPI_Aint {
        // SAFETY: two readable addresses.
        unsafe { MPI_Aint_add(*base, *displacement) }
    }

    /// MPI_Aint_diff
    fn mpi_aint_diff(a: *const MPI_Aint, b: *const MPI_Aint) -> MPI_Aint {
        // SAFETY: two readable addresses.
        unsafe { MPI_Aint_diff(*a, *b) }
    }
}
