//! Error handlers of files.

use crate::abi::*;
use crate::c::input::store;
use crate::errhandler::{self, UserFn};
use crate::error::err;
use crate::{file, mpi_fn};
use std::ffi::c_int;

mpi_fn! {
    /// Makes an error handler of a function.
    fn MPI_File_create_errhandler(function: MPI_File_errhandler_function, errhandler: *mut MPI_Errhandler) {
        type Given = unsafe extern "C" fn(*mut MPI_File, *mut c_int, ...);
        type Any = unsafe extern "C" fn(*mut usize, *mut c_int, ...);
        let Some(function) = function else { return err(MPI_ERR_ARG, "the function is a null pointer") };
        // SAFETY: a handle is a pointer-sized integer, whatever it stands for.
        let function = unsafe { std::mem::transmute::<Given, Any>(function) };
        let made = errhandler::create(UserFn::C(function))?;
        // SAFETY: the caller's result place.
        unsafe { store("errhandler", errhandler, made) }
    }

    /// Attaches an error handler; to `MPI_FILE_NULL`, for files that will be opened.
    fn MPI_File_set_errhandler(file: MPI_File, errhandler: MPI_Errhandler) on file {
        file::set_errhandler(file, errhandler)
    }

    /// The attached error handler.
    fn MPI_File_get_errhandler(file: MPI_File, errhandler: *mut MPI_Errhandler) on file {
        let found = file::errhandler_of(file)?;
        // SAFETY: the caller's result place.
        unsafe { store("errhandler", errhandler, found)? };
        // The caller gives this reference back with MPI_Errhandler_free.
        errhandler::retain(found);
        Ok(())
    }

    /// Calls the attached error handler.
    fn MPI_File_call_errhandler(fh: MPI_File, errorcode: c_int) on fh {
        file::errhandler_of(fh)?;
        errhandler::call("MPI_File_call_errhandler", fh, errorcode);
        Ok(())
    }
}
