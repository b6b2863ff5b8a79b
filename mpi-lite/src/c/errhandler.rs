//! C functions for error handlers and error codes (MPI 5.0, sections 9.3 to 9.5).

use super::input::{place, store, store_text, text};
use crate::abi::*;
use crate::errhandler::{self, UserFn, codes};
use crate::error::{Result, err};
use crate::{comm, mpi_fn};
use std::ffi::{c_char, c_int};

fn create(function: MPI_Comm_errhandler_function, handler: *mut MPI_Errhandler) -> Result<()> {
    let Some(function) = function else { return err(MPI_ERR_ARG, "the function is a null pointer") };
    type Any = unsafe extern "C" fn(*mut usize, *mut c_int, ...);
    // SAFETY: a handle is a pointer-sized integer, whatever it stands for.
    let function =
        unsafe { std::mem::transmute::<unsafe extern "C" fn(*mut MPI_Comm, *mut c_int, ...), Any>(function) };
    let made = errhandler::create(UserFn::C(function))?;
    // SAFETY: the caller's result place.
    unsafe { store("errhandler", handler, made) }
}

fn attach(comm: MPI_Comm, handler: MPI_Errhandler) -> Result<()> {
    comm::set_errhandler(comm, handler)
}

fn attached(comm: MPI_Comm, handler: *mut MPI_Errhandler) -> Result<()> {
    let found = comm::get(comm)?.errhandler();
    // SAFETY: the caller's result place.
    unsafe { store("errhandler", handler, found)? };
    // The caller gives this reference back with MPI_Errhandler_free.
    errhandler::retain(found);
    Ok(())
}

mpi_fn! {
    /// Makes an error handler of a function.
    fn MPI_Comm_create_errhandler(function: MPI_Comm_errhandler_function, errhandler: *mut MPI_Errhandler) {
        create(function, errhandler)
    }

    /// Attaches an error handler.
    fn MPI_Comm_set_errhandler(comm: MPI_Comm, errhandler: MPI_Errhandler) on comm { attach(comm, errhandler) }

    /// The attached error handler.
    fn MPI_Comm_get_errhandler(comm: MPI_Comm, errhandler: *mut MPI_Errhandler) on comm {
        attached(comm, errhandler)
    }

    /// Calls the attached error handler.
    fn MPI_Comm_call_errhandler(comm: MPI_Comm, errorcode: c_int) on comm {
        comm::get(comm)?;
        errhandler::call("MPI_Comm_call_errhandler", comm, errorcode);
        Ok(())
    }

    /// Gives a handle of an error handler back.
    fn MPI_Errhandler_free(errhandler: *mut MPI_Errhandler) {
        // SAFETY: the caller's handle.
        errhandler::free(unsafe { place("errhandler", errhandler)? })
    }

    /// As `MPI_Comm_create_errhandler`, of MPI-1.
    fn MPI_Errhandler_create(function: MPI_Comm_errhandler_function, errhandler: *mut MPI_Errhandler) {
        create(function, errhandler)
    }

    /// As `MPI_Comm_set_errhandler`, of MPI-1.
    fn MPI_Errhandler_set(comm: MPI_Comm, errhandler: MPI_Errhandler) on comm { attach(comm, errhandler) }

    /// As `MPI_Comm_get_errhandler`, of MPI-1.
    fn MPI_Errhandler_get(comm: MPI_Comm, errhandler: *mut MPI_Errhandler) on comm { attached(comm, errhandler) }

    /// The class of an error code.
    fn MPI_Error_class(errorcode: c_int, errorclass: *mut c_int) {
        // SAFETY: the caller's result place.
        unsafe { store("errorclass", errorclass, codes::class(errorcode)?) }
    }

    /// What an error code means.
    fn MPI_Error_string(errorcode: c_int, string: *mut c_char, resultlen: *mut c_int) {
        let text = codes::string(errorcode)?;
        // SAFETY: the caller's buffer has MPI_MAX_ERROR_STRING bytes.
        let n = unsafe { store_text("string", &text, string, MPI_MAX_ERROR_STRING as usize)? };
        // SAFETY: the caller's result place.
        unsafe { store("resultlen", resultlen, n as c_int) }
    }

    /// A new error class.
    fn MPI_Add_error_class(errorclass: *mut c_int) {
        // SAFETY: the caller's result place.
        unsafe { store("errorclass", errorclass, codes::add_class()?) }
    }

    /// A new error code of a class.
    fn MPI_Add_error_code(errorclass: c_int, errorcode: *mut c_int) {
        // SAFETY: the caller's result place.
        unsafe { store("errorcode", errorcode, codes::add_code(errorclass)?) }
    }

    /// What an error code or class of the program means.
    fn MPI_Add_error_string(errorcode: c_int, string: *const c_char) {
        // SAFETY: the caller's string.
        codes::add_string(errorcode, &unsafe { text("string", string)? })
    }

    /// Removes an error class of the program.
    fn MPI_Remove_error_class(errorclass: c_int) { codes::remove_class(errorclass) }

    /// Removes an error code of the program.
    fn MPI_Remove_error_code(errorcode: c_int) { codes::remove_code(errorcode) }

    /// Removes the text of an error code of the program.
    fn MPI_Remove_error_string(errorcode: c_int) { codes::remove_string(errorcode) }
}
