//! Names and attributes of datatypes.

use core::ffi::{CStr, c_char, c_int, c_void};

use super::store;
use crate::abi::*;
use crate::attr::{self, Copy, Delete, Origin, Scope, Value};
use crate::datatype::{labels, lookup};
use crate::error::err;
use crate::mpi_fn;

mpi_fn! {
    /// Names a type.
    fn MPI_Type_set_name(datatype: MPI_Datatype, type_name: *const c_char) {
        let labels = labels::of(datatype)?;
        if type_name.is_null() {
            return err(MPI_ERR_ARG, "type_name is NULL");
        }
        // SAFETY: the program passes a string.
        let name = unsafe { CStr::from_ptr(type_name) }.to_bytes();
        let name = &name[..name.len().min(MPI_MAX_OBJECT_NAME as usize - 1)];
        *labels.name.borrow_mut() = Some(String::from_utf8_lossy(name).into_owned());
        Ok(())
    }

    /// The name of a type: the given one, that of a predefined type, or none.
    fn MPI_Type_get_name(datatype: MPI_Datatype, type_name: *mut c_char, resultlen: *mut c_int) {
        // The null handle has a name, too.
        let name = if datatype == MPI_DATATYPE_NULL {
            "MPI_DATATYPE_NULL".to_owned()
        } else {
            let dt = lookup(datatype)?;
            let given = labels::existing(datatype).and_then(|l| l.name.borrow().clone());
            given.unwrap_or_else(|| dt.default_name().to_owned())
        };
        let len = name.len().min(MPI_MAX_OBJECT_NAME as usize - 1);
        if type_name.is_null() {
            return err(MPI_ERR_ARG, "type_name is NULL");
        }
        // SAFETY: the program passes MPI_MAX_OBJECT_NAME characters; one is left for the NUL.
        unsafe {
            type_name.cast::<u8>().copy_from_nonoverlapping(name.as_ptr(), len);
            type_name.add(len).write(0);
            store(resultlen, len as c_int)
        }
    }

    /// Makes a key for attributes of types.
    fn MPI_Type_create_keyval(
        copy_fn: MPI_Type_copy_attr_function, delete_fn: MPI_Type_delete_attr_function, keyval: *mut c_int,
        extra_state: *mut c_void,
    ) {
        let address = |f: Option<*const c_void>| f.unwrap_or(std::ptr::null());
        // SAFETY: the program passes functions of these types, or the predefined ones.
        unsafe {
            let copy = Copy::from_c(address(copy_fn.map(|f| f as *const c_void)));
            let delete = Delete::from_c(address(delete_fn.map(|f| f as *const c_void)));
            store(keyval, attr::create_keyval(Scope::Type, copy, delete, extra_state)?)
        }
    }

    /// Frees a key; values under it stay.
    fn MPI_Type_free_keyval(keyval: *mut c_int) {
        if keyval.is_null() {
            return err(MPI_ERR_ARG, "type_keyval is NULL");
        }
        // SAFETY: the program passes the address of its key.
        attr::free_keyval(Scope::Type, unsafe { &mut *keyval })
    }

    /// Sets an attribute.
    fn MPI_Type_set_attr(datatype: MPI_Datatype, keyval: c_int, value: *mut c_void) {
        let value = Value { bits: value as isize, origin: Origin::C };
        labels::of(datatype)?.attributes.set(Scope::Type, datatype.0, keyval, value)
    }

    /// An attribute, if it is set.
    fn MPI_Type_get_attr(datatype: MPI_Datatype, keyval: c_int, value: *mut c_void, flag: *mut c_int) {
        let found = labels::of(datatype)?.attributes.get_for_c(Scope::Type, keyval)?;
        // SAFETY: the program passes the addresses of its results; `value` is that of a pointer.
        unsafe {
            if let Some(found) = found {
                store(value.cast(), found)?;
            }
            store(flag, found.is_some().into())
        }
    }

    /// Deletes an attribute.
    fn MPI_Type_delete_attr(datatype: MPI_Datatype, keyval: c_int) {
        labels::of(datatype)?.attributes.delete(Scope::Type, datatype.0, keyval)
    }
}
