//! What belongs to a window besides its memory: group, name, hints, attributes, error handler.

use crate::abi::*;
use crate::attr::{self, Copy, Delete, Origin, Scope, Value};
use crate::c::attr::address;
use crate::c::input::{place, store, store_text, text};
use crate::errhandler::{self, UserFn};
use crate::error::{Result, err};
use crate::win::hints;
use crate::{group, info, mpi_fn, win};
use std::ffi::{c_char, c_int, c_void};

fn refuse_predefined(keyval: c_int) -> Result<()> {
    if hints::is_predefined(keyval) {
        return err(MPI_ERR_KEYVAL, format!("the predefined attribute {keyval} cannot be changed"));
    }
    Ok(())
}

mpi_fn! {
    /// The group of a window.
    fn MPI_Win_get_group(win: MPI_Win, group: *mut MPI_Group) on win {
        let found = group::publish(win::get(win)?.comm.group().clone())?;
        // SAFETY: the caller's result place.
        unsafe { store("group", group, found) }
    }

    /// Sets the name.
    fn MPI_Win_set_name(win: MPI_Win, win_name: *const c_char) on win {
        let window = win::get(win)?;
        // SAFETY: the caller's string.
        window.set_name(&unsafe { text("win_name", win_name)? });
        Ok(())
    }

    /// The name.
    fn MPI_Win_get_name(win: MPI_Win, win_name: *mut c_char, resultlen: *mut c_int) on win {
        // The null handle has a name, too.
        let name = if win == MPI_WIN_NULL { "MPI_WIN_NULL".into() } else { win::get(win)?.name() };
        // SAFETY: the caller's buffer has MPI_MAX_OBJECT_NAME bytes.
        let n = unsafe { store_text("win_name", &name, win_name, MPI_MAX_OBJECT_NAME as usize)? };
        // SAFETY: the caller's result place.
        unsafe { store("resultlen", resultlen, n as c_int) }
    }

    /// Changes hints.
    fn MPI_Win_set_info(win: MPI_Win, info: MPI_Info) on win {
        let window = win::get(win)?;
        let given = info::get(info)?;
        hints::change(&mut window.info.borrow_mut(), &given)
    }

    /// The hints.
    fn MPI_Win_get_info(win: MPI_Win, info_used: *mut MPI_Info) on win {
        let hints = win::get(win)?.info.borrow().clone();
        // SAFETY: the caller's result place.
        unsafe { store("info_used", info_used, info::publish(hints)?) }
    }

    /// Makes a key.
    fn MPI_Win_create_keyval(
        copy_fn: MPI_Win_copy_attr_function,
        delete_fn: MPI_Win_delete_attr_function,
        keyval: *mut c_int,
        extra_state: *mut c_void,
    ) {
        // SAFETY: the addresses of the caller's functions, or of the predefined ones.
        let (copy, delete) = unsafe { (Copy::from_c(address(copy_fn)), Delete::from_c(address(delete_fn))) };
        let key = attr::create_keyval(Scope::Win, copy, delete, extra_state)?;
        // SAFETY: the caller's result place.
        unsafe { store("keyval", keyval, key) }
    }

    /// Frees a key.
    fn MPI_Win_free_keyval(keyval: *mut c_int) {
        // SAFETY: the caller's key.
        attr::free_keyval(Scope::Win, unsafe { place("keyval", keyval)? })
    }

    /// Sets the value under a key.
    fn MPI_Win_set_attr(win: MPI_Win, keyval: c_int, attribute_val: *mut c_void) on win {
        let window = win::get(win)?;
        refuse_predefined(keyval)?;
        let value = Value { bits: attribute_val as isize, origin: Origin::C };
        window.attributes.set(Scope::Win, win.0, keyval, value)
    }

    /// The value under a key.
    fn MPI_Win_get_attr(win: MPI_Win, keyval: c_int, attribute_val: *mut c_void, flag: *mut c_int) on win {
        let window = win::get(win)?;
        let found = match window.number_at(keyval) {
            Some(found) => Some(found),
            None => window.attributes.get_for_c(Scope::Win, keyval)?,
        };
        // SAFETY: the caller's result places; the second is the address of a pointer.
        unsafe {
            store("flag", flag, c_int::from(found.is_some()))?;
            found.map_or(Ok(()), |found| store("attribute_val", attribute_val.cast::<*mut c_void>(), found))
        }
    }

    /// Deletes the value under a key.
    fn MPI_Win_delete_attr(win: MPI_Win, keyval: c_int) on win {
        let window = win::get(win)?;
        refuse_predefined(keyval)?;
        window.attributes.delete(Scope::Win, win.0, keyval)
    }

    /// Makes an error handler of a function.
    fn MPI_Win_create_errhandler(function: MPI_Win_errhandler_function, errhandler: *mut MPI_Errhandler) {
        type Given = unsafe extern "C" fn(*mut MPI_Win, *mut c_int, ...);
        type Any = unsafe extern "C" fn(*mut usize, *mut c_int, ...);
        let Some(function) = function else { return err(MPI_ERR_ARG, "the function is a null pointer") };
        // SAFETY: a handle is a pointer-sized integer, whatever it stands for.
        let function = unsafe { std::mem::transmute::<Given, Any>(function) };
        let made = errhandler::create(UserFn::C(function))?;
        // SAFETY: the caller's result place.
        unsafe { store("errhandler", errhandler, made) }
    }

    /// Attaches an error handler.
    fn MPI_Win_set_errhandler(win: MPI_Win, errhandler: MPI_Errhandler) on win {
        win::get(win)?.set_errhandler(errhandler)
    }

    /// The attached error handler.
    fn MPI_Win_get_errhandler(win: MPI_Win, errhandler: *mut MPI_Errhandler) on win {
        let found = win::get(win)?.errhandler();
        // SAFETY: the caller's result place.
        unsafe { store("errhandler", errhandler, found)? };
        // The caller gives this reference back with MPI_Errhandler_free.
        errhandler::retain(found);
        Ok(())
    }

    /// Calls the attached error handler.
    fn MPI_Win_call_errhandler(win: MPI_Win, errorcode: c_int) on win {
        win::get(win)?;
        errhandler::call("MPI_Win_call_errhandler", win, errorcode);
        Ok(())
    }
}
