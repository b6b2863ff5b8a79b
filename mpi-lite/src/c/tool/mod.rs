//! C functions of the tool information interface (MPI 5.0, chapter 15). They return `MPI_T_ERR_*` codes and call no error handlers.

mod categories;
mod cvars;
mod events;
mod pvars;

use crate::abi::*;
use crate::tool::{self, Result, Width};
use crate::{mpi_fn, threads};
use std::ffi::{CStr, c_char, c_int, c_void};

/// Runs the body of a function that needs the interface to be initialised.
fn call(body: impl FnOnce() -> Result<()>) -> c_int {
    let _entered = threads::enter();
    tool::require().and_then(|()| body()).err().unwrap_or(MPI_SUCCESS)
}

/// Stores a result, unless the tool does not want it.
///
/// # Safety
/// `at` is null or writable.
unsafe fn put<T>(at: *mut T, value: T) {
    if !at.is_null() {
        // SAFETY: the caller's promise.
        unsafe { at.write(value) };
    }
}

/// Gives a string, cut to `len` bytes with the NUL; the bytes needed come back there.
///
/// # Safety
/// `len` is null or valid; `at` is null or has that many bytes.
unsafe fn put_text(text: &str, at: *mut c_char, len: *mut c_int) {
    // SAFETY: the caller's promise.
    let Some(len) = (unsafe { len.as_mut() }) else { return };
    if let Some(room) = usize::try_from(*len).ok().filter(|room| *room > 0 && !at.is_null()) {
        let n = text.len().min(room - 1);
        // SAFETY: the caller's promise.
        unsafe {
            at.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), n);
            at.add(n).write(0);
        }
    }
    *len = text.len() as c_int + 1;
}

/// The name that a tool gives.
///
/// # Safety
/// `at` is null or a C string.
unsafe fn name<'a>(at: *const c_char) -> Result<&'a str> {
    if at.is_null() {
        return Err(MPI_T_ERR_INVALID_NAME);
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(at) }.to_str().map_err(|_| MPI_T_ERR_INVALID_NAME)
}

/// Gives the value of a variable.
///
/// # Safety
/// `at` is null or has room for a value of that width.
unsafe fn put_value(width: Width, value: u64, at: *mut c_void) -> Result<()> {
    if at.is_null() {
        return Err(MPI_T_ERR_INVALID);
    }
    // SAFETY: the caller's promise.
    unsafe {
        match width {
            Width::Int => at.cast::<c_int>().write_unaligned(value as c_int),
            Width::Long => at.cast::<u64>().write_unaligned(value),
        }
    }
    Ok(())
}

/// The value of a variable that a tool gives.
///
/// # Safety
/// `at` is null or holds a value of that width.
unsafe fn value(width: Width, at: *const c_void) -> Result<u64> {
    if at.is_null() {
        return Err(MPI_T_ERR_INVALID);
    }
    // SAFETY: the caller's promise.
    unsafe {
        match width {
            Width::Int => u64::try_from(at.cast::<c_int>().read_unaligned()).map_err(|_| MPI_T_ERR_INVALID),
            Width::Long => Ok(at.cast::<u64>().read_unaligned()),
        }
    }
}

mpi_fn! {
    /// Initialises the interface; also before `MPI_Init`, and any number of times.
    raw fn MPI_T_init_thread(required: c_int, provided: *mut c_int) -> c_int {
        let _entered = threads::enter();
        tool::begin();
        // SAFETY: the tool's result place.
        unsafe { put(provided, threads::granted(required)) };
        MPI_SUCCESS
    }

    /// Ends one use of the interface.
    raw fn MPI_T_finalize() -> c_int {
        call(tool::end)
    }

    /// An enumeration.
    raw fn MPI_T_enum_get_info(enumtype: usize, num: *mut c_int, name: *mut c_char, name_len: *mut c_int) -> c_int {
        call(|| {
            let (text, items) = tool::enums::get(enumtype)?;
            // SAFETY: the tool's result places.
            unsafe {
                put(num, items.len() as c_int);
                put_text(&text, name, name_len);
            }
            Ok(())
        })
    }

    /// An item of an enumeration.
    raw fn MPI_T_enum_get_item(enumtype: usize, index: c_int, value: *mut c_int, name: *mut c_char, name_len: *mut c_int) -> c_int {
        call(|| {
            let text = tool::enums::item(enumtype, index)?;
            // SAFETY: the tool's result places.
            unsafe {
                put(value, index);
                put_text(text, name, name_len);
            }
            Ok(())
        })
    }
}
