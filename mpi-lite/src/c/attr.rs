//! C functions for attributes of communicators (MPI 5.0, section 7.7), under their names of MPI-2 and of MPI-1.

use super::input::{place, store};
use crate::abi::*;
use crate::attr::{self, Copy, Delete, Origin, Scope, Value, predefined};
use crate::error::{Result, err};
use crate::{comm, mpi_fn};
use std::ffi::{c_int, c_void};

/// The address of a function argument.
pub(crate) fn address<F>(function: Option<F>) -> *const c_void {
    const { assert!(size_of::<Option<F>>() == size_of::<*const c_void>()) };
    // SAFETY: an optional function pointer is a pointer, which may be null.
    unsafe { std::mem::transmute_copy(&function) }
}

fn create(
    copy: MPI_Comm_copy_attr_function,
    delete: MPI_Comm_delete_attr_function,
    keyval: *mut c_int,
    extra: *mut c_void,
) -> Result<()> {
    // SAFETY: the addresses of the caller's functions, or of the predefined ones.
    let (copy, delete) = unsafe { (Copy::from_c(address(copy)), Delete::from_c(address(delete))) };
    let key = attr::create_keyval(Scope::Comm, copy, delete, extra)?;
    // SAFETY: the caller's result place.
    unsafe { store("keyval", keyval, key) }
}

fn free(keyval: *mut c_int) -> Result<()> {
    // SAFETY: the caller's key.
    attr::free_keyval(Scope::Comm, unsafe { place("keyval", keyval)? })
}

fn refuse_predefined(keyval: c_int) -> Result<()> {
    if predefined::is_predefined(keyval) {
        return err(MPI_ERR_KEYVAL, format!("the predefined attribute {keyval} cannot be changed"));
    }
    Ok(())
}

fn set(comm: MPI_Comm, keyval: c_int, value: *mut c_void) -> Result<()> {
    let of = comm::get(comm)?;
    refuse_predefined(keyval)?;
    let value = Value { bits: value as isize, origin: Origin::C };
    of.attributes.set(Scope::Comm, comm.0, keyval, value)
}

fn get(comm: MPI_Comm, keyval: c_int, value: *mut c_void, flag: *mut c_int) -> Result<()> {
    let of = comm::get(comm)?;
    let found = if predefined::is_predefined(keyval) {
        predefined::address(keyval, comm::get(MPI_COMM_WORLD)?.size())
    } else {
        of.attributes.get_for_c(Scope::Comm, keyval)?
    };
    // SAFETY: the caller's result place.
    unsafe { store("flag", flag, c_int::from(found.is_some()))? };
    // SAFETY: the caller passes the address of a pointer.
    found.map_or(Ok(()), |found| unsafe { store("attribute_val", value.cast::<*mut c_void>(), found) })
}

fn delete(comm: MPI_Comm, keyval: c_int) -> Result<()> {
    let of = comm::get(comm)?;
    refuse_predefined(keyval)?;
    of.attributes.delete(Scope::Comm, comm.0, keyval)
}

mpi_fn! {
    /// Makes a key.
    fn MPI_Comm_create_keyval(
        copy_fn: MPI_Comm_copy_attr_function,
        delete_fn: MPI_Comm_delete_attr_function,
        keyval: *mut c_int,
        extra_state: *mut c_void,
    ) {
        create(copy_fn, delete_fn, keyval, extra_state)
    }

    /// Frees a key.
    fn MPI_Comm_free_keyval(keyval: *mut c_int) { free(keyval) }

    /// Sets the value under a key.
    fn MPI_Comm_set_attr(comm: MPI_Comm, keyval: c_int, attribute_val: *mut c_void) on comm {
        set(comm, keyval, attribute_val)
    }

    /// The value under a key.
    fn MPI_Comm_get_attr(comm: MPI_Comm, keyval: c_int, attribute_val: *mut c_void, flag: *mut c_int) on comm {
        get(comm, keyval, attribute_val, flag)
    }

    /// Deletes the value under a key.
    fn MPI_Comm_delete_attr(comm: MPI_Comm, keyval: c_int) on comm { delete(comm, keyval) }

    /// As `MPI_Comm_create_keyval`, of MPI-1.
    fn MPI_Keyval_create(
        copy_fn: MPI_Copy_function,
        delete_fn: MPI_Delete_function,
        keyval: *mut c_int,
        extra_state: *mut c_void,
    ) {
        create(copy_fn, delete_fn, keyval, extra_state)
    }

    /// As `MPI_Comm_free_keyval`, of MPI-1.
    fn MPI_Keyval_free(keyval: *mut c_int) { free(keyval) }

    /// As `MPI_Comm_set_attr`, of MPI-1.
    fn MPI_Attr_put(comm: MPI_Comm, keyval: c_int, attribute_val: *mut c_void) on comm {
        set(comm, keyval, attribute_val)
    }

    /// As `MPI_Comm_get_attr`, of MPI-1.
    fn MPI_Attr_get(comm: MPI_Comm, keyval: c_int, attribute_val: *mut c_void, flag: *mut c_int) on comm {
        get(comm, keyval, attribute_val, flag)
    }

    /// As `MPI_Comm_delete_attr`, of MPI-1.
    fn MPI_Attr_delete(comm: MPI_Comm, keyval: c_int) on comm { delete(comm, keyval) }
}
