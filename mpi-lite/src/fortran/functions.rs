//! Operations and error handlers made of the program's subroutines.

use super::arguments::{Handle, give};
use super::{fortran_fn, names};
use crate::abi::*;
use crate::c::entry;
use crate::errhandler::{self, UserFn};
use crate::observe::call;
use crate::op::{self, Function, UserOp};
use core::ffi::{c_int, c_void};

type Handler = unsafe extern "C" fn(*mut c_int, *mut c_int);

/// # Safety
/// References to a LOGICAL and two INTEGERs, of which the last may be null.
unsafe fn create_op(
    name: &'static str,
    function: Function,
    commute: *const c_int,
    new: *mut c_int,
    ierror: *mut c_int,
) {
    // SAFETY: promised by the caller.
    unsafe {
        let code = entry(
            call::Function::named(name),
            || MPI_COMM_SELF,
            || {
                *new = op::insert(UserOp { function, commutative: *commute != 0 })?.to_fortran();
                Ok(())
            },
        );
        give(ierror, code);
    }
}

fortran_fn! { both
    /// MPI_Op_create
    fn mpi_op_create(
        function: unsafe extern "C" fn(*mut c_void, *mut c_void, *mut MPI_Fint, *mut MPI_Fint), commute: *const c_int,
        new: *mut c_int, ierror: *mut c_int,
    ) {
        // SAFETY: arguments as the Fortran interface asks.
        unsafe { create_op("MPI_Op_create", Function::Fortran(function), commute, new, ierror) };
    }
}

/// MPI_Op_create_c
#[unsafe(export_name = "pmpi_op_create_c_f08_")]
pub unsafe extern "C" fn mpi_op_create_c(
    function: unsafe extern "C" fn(*mut c_void, *mut c_void, *mut MPI_Count, *mut MPI_Fint),
    commute: *const c_int,
    new: *mut c_int,
    ierror: *mut c_int,
) {
    // SAFETY: as above.
    unsafe { create_op("MPI_Op_create_c", Function::LargeFortran(function), commute, new, ierror) };
}
names!(f08 mpi_op_create_c);

macro_rules! error_handlers {
    ($($binding:ident $name:literal;)*) => {
        fortran_fn! { both
            $(
                #[doc = $name]
                fn $binding(function: Handler, new: *mut c_int, ierror: *mut c_int) {
                    // SAFETY: as above.
                    unsafe {
                        let code = entry(call::Function::named($name), || MPI_COMM_SELF, || {
                            *new = errhandler::create(UserFn::Fortran(function))?.to_fortran();
                            Ok(())
                        });
                        give(ierror, code);
                    }
                }
            )*
        }
    };
}

error_handlers! {
    mpi_comm_create_errhandler "MPI_Comm_create_errhandler";
    mpi_win_create_errhandler "MPI_Win_create_errhandler";
    mpi_file_create_errhandler "MPI_File_create_errhandler";
    mpi_session_create_errhandler "MPI_Session_create_errhandler";
}
