//! Performance variables.

use super::{call, name, put, put_text, put_value, value};
use crate::abi::*;
use crate::mpi_fn;
use crate::tool::{Width, pvars};
use std::ffi::{c_char, c_int, c_void};

mpi_fn! {
    /// How many there are.
    raw fn MPI_T_pvar_get_num(num_pvar: *mut c_int) -> c_int {
        call(|| {
            // SAFETY: the tool's result place.
            unsafe { put(num_pvar, pvars::all().count() as c_int) };
            Ok(())
        })
    }

    /// What a variable is.
    raw fn MPI_T_pvar_get_info(
        pvar_index: c_int, name: *mut c_char, name_len: *mut c_int, verbosity: *mut c_int, var_class: *mut c_int,
        datatype: *mut MPI_Datatype, enumtype: *mut usize, desc: *mut c_char, desc_len: *mut c_int,
        bind: *mut c_int, readonly: *mut c_int, continuous: *mut c_int, atomic: *mut c_int
    ) -> c_int {
        call(|| {
            let pvar = pvars::at(pvar_index)?;
            let level = c_int::from(pvar.is_continuous());
            // SAFETY: the tool's result places.
            unsafe {
                put_text(pvar.name, name, name_len);
                put(verbosity, MPI_T_VERBOSITY_USER_BASIC);
                put(var_class, pvar.class);
                put(datatype, Width::Long.datatype());
                put(enumtype, 0);
                put_text(pvar.description, desc, desc_len);
                put(bind, MPI_T_BIND_NO_OBJECT);
                put(readonly, level);
                put(continuous, level);
                put(atomic, 1 - level);
            }
            Ok(())
        })
    }

    /// The index of a name in a class.
    raw fn MPI_T_pvar_get_index(pvar_name: *const c_char, var_class: c_int, pvar_index: *mut c_int) -> c_int {
        call(|| {
            // SAFETY: the tool's string.
            let wanted = unsafe { name(pvar_name)? };
            let found = pvars::all().position(|pvar| pvar.name == wanted && pvar.class == var_class);
            // SAFETY: the tool's result place.
            unsafe { put(pvar_index, found.ok_or(MPI_T_ERR_INVALID_NAME)? as c_int) };
            Ok(())
        })
    }

    /// A session.
    raw fn MPI_T_pvar_session_create(session: *mut usize) -> c_int {
        call(|| {
            // SAFETY: the tool's result place.
            let session = unsafe { session.as_mut() }.ok_or(MPI_T_ERR_INVALID)?;
            *session = pvars::open_session();
            Ok(())
        })
    }

    /// Frees a session.
    raw fn MPI_T_pvar_session_free(session: *mut usize) -> c_int {
        call(|| {
            // SAFETY: the tool's handle.
            let session = unsafe { session.as_mut() }.ok_or(MPI_T_ERR_INVALID_SESSION)?;
            pvars::close_session(*session)?;
            *session = 0;
            Ok(())
        })
    }

    /// A handle on a variable.
    raw fn MPI_T_pvar_handle_alloc(
        session: usize, pvar_index: c_int, _object: *mut c_void, handle: *mut usize, count: *mut c_int
    ) -> c_int {
        call(|| {
            let made = pvars::open(session, pvars::at(pvar_index)?)?;
            // SAFETY: the tool's result places.
            unsafe {
                put(handle, made);
                put(count, 1);
            }
            Ok(())
        })
    }

    /// Frees a handle.
    raw fn MPI_T_pvar_handle_free(session: usize, handle: *mut usize) -> c_int {
        call(|| {
            // SAFETY: the tool's handle.
            let handle = unsafe { handle.as_mut() }.ok_or(MPI_T_ERR_INVALID_HANDLE)?;
            pvars::close(session, *handle)?;
            *handle = 0;
            Ok(())
        })
    }

    /// Starts a handle, or all of a session.
    raw fn MPI_T_pvar_start(session: usize, handle: usize) -> c_int {
        call(|| pvars::start(session, handle))
    }

    /// Stops a handle, or all of a session.
    raw fn MPI_T_pvar_stop(session: usize, handle: usize) -> c_int {
        call(|| pvars::stop(session, handle))
    }

    /// Sets a handle, or all of a session, to 0.
    raw fn MPI_T_pvar_reset(session: usize, handle: usize) -> c_int {
        call(|| pvars::reset(session, handle))
    }

    /// The value of a handle.
    raw fn MPI_T_pvar_read(session: usize, handle: usize, buf: *mut c_void) -> c_int {
        // SAFETY: the tool's result place.
        call(|| unsafe { put_value(Width::Long, pvars::read(session, handle)?, buf) })
    }

    /// The value of a handle, which is 0 then.
    raw fn MPI_T_pvar_readreset(session: usize, handle: usize, buf: *mut c_void) -> c_int {
        call(|| {
            if handle == MPI_T_PVAR_ALL_HANDLES {
                return Err(MPI_T_ERR_INVALID_HANDLE);
            }
            let read = pvars::read(session, handle)?;
            pvars::reset(session, handle)?;
            // SAFETY: the tool's result place.
            unsafe { put_value(Width::Long, read, buf) }
        })
    }

    /// Sets the value of a handle.
    raw fn MPI_T_pvar_write(session: usize, handle: usize, buf: *const c_void) -> c_int {
        // SAFETY: the tool's value.
        call(|| pvars::write(session, handle, unsafe { value(Width::Long, buf)? }))
    }
}
