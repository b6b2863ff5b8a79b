//! Control variables.

use super::{call, name, put, put_text, put_value, value};
use crate::abi::*;
use crate::mpi_fn;
use crate::tool::cvars::{self, Knob};
use crate::tool::{Result, enums};
use std::ffi::{c_char, c_int, c_void};

fn knob(index: c_int) -> Result<Knob> {
    let all = cvars::all();
    usize::try_from(index).ok().and_then(|index| all.get(index).copied()).ok_or(MPI_T_ERR_INVALID_INDEX)
}

mpi_fn! {
    /// How many there are.
    raw fn MPI_T_cvar_get_num(num_cvar: *mut c_int) -> c_int {
        call(|| {
            // SAFETY: the tool's result place.
            unsafe { put(num_cvar, cvars::all().len() as c_int) };
            Ok(())
        })
    }

    /// What a variable is.
    raw fn MPI_T_cvar_get_info(
        cvar_index: c_int, name: *mut c_char, name_len: *mut c_int, verbosity: *mut c_int,
        datatype: *mut MPI_Datatype, enumtype: *mut usize, desc: *mut c_char, desc_len: *mut c_int,
        bind: *mut c_int, scope: *mut c_int
    ) -> c_int {
        call(|| {
            let knob = knob(cvar_index)?;
            // SAFETY: the tool's result places.
            unsafe {
                put_text(&knob.name(), name, name_len);
                put(verbosity, knob.verbosity());
                put(datatype, knob.width().datatype());
                put(enumtype, enums::of(cvar_index as usize));
                put_text(&knob.description(), desc, desc_len);
                put(bind, MPI_T_BIND_NO_OBJECT);
                put(scope, knob.scope());
            }
            Ok(())
        })
    }

    /// The index of a name.
    raw fn MPI_T_cvar_get_index(cvar_name: *const c_char, cvar_index: *mut c_int) -> c_int {
        call(|| {
            // SAFETY: the tool's string.
            let wanted = unsafe { name(cvar_name)? };
            let found = cvars::all().iter().position(|knob| knob.name() == wanted).ok_or(MPI_T_ERR_INVALID_NAME)?;
            // SAFETY: the tool's result place.
            unsafe { put(cvar_index, found as c_int) };
            Ok(())
        })
    }

    /// A handle on a variable.
    raw fn MPI_T_cvar_handle_alloc(cvar_index: c_int, _object: *mut c_void, handle: *mut usize, count: *mut c_int) -> c_int {
        call(|| {
            let made = cvars::open(knob(cvar_index)?);
            // SAFETY: the tool's result places.
            unsafe {
                put(handle, made);
                put(count, 1);
            }
            Ok(())
        })
    }

    /// Gives a handle back.
    raw fn MPI_T_cvar_handle_free(handle: *mut usize) -> c_int {
        call(|| {
            // SAFETY: the tool's handle.
            let handle = unsafe { handle.as_mut() }.ok_or(MPI_T_ERR_INVALID_HANDLE)?;
            cvars::close(*handle)?;
            *handle = 0;
            Ok(())
        })
    }

    /// The value of a variable.
    raw fn MPI_T_cvar_read(handle: usize, buf: *mut c_void) -> c_int {
        call(|| {
            let knob = cvars::get(handle)?;
            // SAFETY: the tool's result place.
            unsafe { put_value(knob.width(), knob.read()?, buf) }
        })
    }

    /// Sets a variable.
    raw fn MPI_T_cvar_write(handle: usize, buf: *const c_void) -> c_int {
        call(|| {
            let knob = cvars::get(handle)?;
            if knob.scope() == MPI_T_SCOPE_CONSTANT {
                return Err(MPI_T_ERR_CVAR_SET_NEVER);
            }
            // SAFETY: the tool's value.
            knob.write(unsafe { value(knob.width(), buf)? })
        })
    }
}
