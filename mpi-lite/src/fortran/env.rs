//! Start, end, time and error handling (MPI 5.0, chapters 9 and 11).

use super::arguments::*;
use super::{fortran, fortran_fn, sentinels};
use crate::abi::*;
use crate::c::env::*;
use crate::c::errhandler::*;
use crate::c::info::{MPI_Info_create, MPI_Info_create_env, MPI_Info_dup, MPI_Info_free, MPI_Info_get_nkeys};
use crate::c::p2p::buffer::MPI_Buffer_detach;
use crate::c::types::{MPI_Aint_add, MPI_Aint_diff};
use core::ffi::{c_int, c_void};

type Comm = In<MPI_Comm>;

fortran! {
    mpi_initialized = MPI_Initialized(flag: IntOut);
    mpi_finalized = MPI_Finalized(flag: IntOut);
    mpi_finalize = MPI_Finalize();
    mpi_abort = MPI_Abort(comm: Comm, errorcode: Int);
    mpi_query_thread = MPI_Query_thread(provided: IntOut);
    mpi_is_thread_main = MPI_Is_thread_main(flag: IntOut);
    mpi_get_version = MPI_Get_version(version: IntOut, subversion: IntOut);
    mpi_error_class = MPI_Error_class(errorcode: Int, errorclass: IntOut);
    mpi_add_error_class = MPI_Add_error_class(errorclass: IntOut);
    mpi_add_error_code = MPI_Add_error_code(errorclass: Int, errorcode: IntOut);
    mpi_comm_set_errhandler = MPI_Comm_set_errhandler(comm: Comm, errhandler: In<MPI_Errhandler>);
    mpi_comm_get_errhandler = MPI_Comm_get_errhandler(comm: Comm, errhandler: Out<MPI_Errhandler>);
    mpi_comm_call_errhandler = MPI_Comm_call_errhandler(comm: Comm, errorcode: Int);
    mpi_errhandler_free = MPI_Errhandler_free(errhandler: Out<MPI_Errhandler>);
    mpi_alloc_mem = MPI_Alloc_mem(size: Aint, info: In<MPI_Info>, baseptr: Buffer);
    mpi_alloc_mem_cptr = MPI_Alloc_mem(size: Aint, info: In<MPI_Info>, baseptr: Buffer);
    mpi_free_mem = MPI_Free_mem(base: Buffer);
    mpi_info_create = MPI_Info_create(info: Out<MPI_Info>);
    mpi_info_dup = MPI_Info_dup(info: In<MPI_Info>, newinfo: Out<MPI_Info>);
    mpi_info_free = MPI_Info_free(info: Out<MPI_Info>);
    mpi_info_get_nkeys = MPI_Info_get_nkeys(info: In<MPI_Info>, nkeys: IntOut);
}

fortran_fn! {
    /// MPI_Init: Fortran passes no arguments.
    fn mpi_init(ierror: *mut c_int) {
        // SAFETY: null arguments are allowed; `ierror` is the caller's INTEGER, as in all functions here.
        unsafe { *ierror = MPI_Init(core::ptr::null_mut(), core::ptr::null_mut()) };
    }

    /// MPI_Init_thread
    fn mpi_init_thread(required: *const c_int, provided: *mut c_int, ierror: *mut c_int) {
        // SAFETY: as for MPI_Init, with two INTEGERs.
        unsafe { *ierror = MPI_Init_thread(core::ptr::null_mut(), core::ptr::null_mut(), *required, provided) };
    }

    /// MPI_Info_create_env: Fortran passes no arguments.
    fn mpi_info_create_env(info: *mut c_int, ierror: *mut c_int) {
        let mut made = MPI_INFO_NULL;
        // SAFETY: as for MPI_Init, with one INTEGER.
        unsafe {
            *ierror = MPI_Info_create_env(0, core::ptr::null_mut(), &mut made);
            *info = made.to_fortran();
        }
    }

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

    /// MPI_Address of MPI-1: an INTEGER, which only holds addresses below 2 GiB.
    fn mpi_address(location: *mut c_void, address: *mut c_int, ierror: *mut c_int) {
        let at = sentinels::buffer(location) as usize;
        // SAFETY: two writable INTEGERs.
        unsafe {
            *ierror = match c_int::try_from(at) {
                Ok(at) => {
                    *address = at;
                    MPI_SUCCESS
                }
                Err(_) => MPI_ERR_ARG,
            };
        }
    }

    /// MPI_Pcontrol
    fn mpi_pcontrol(level: *const c_int) {
        // SAFETY: a readable INTEGER.
        unsafe { MPI_Pcontrol(*level) };
    }

    /// MPI_Buffer_detach: Fortran gets no address back (MPI 5.0, section 3.6).
    fn mpi_buffer_detach(_buffer: *mut c_void, size: *mut c_int, ierror: *mut c_int) {
        let mut detached: *mut c_void = core::ptr::null_mut();
        // SAFETY: the C function writes a pointer and an INTEGER.
        unsafe { *ierror = MPI_Buffer_detach((&raw mut detached).cast(), size) };
    }
}
