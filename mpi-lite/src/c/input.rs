//! The caller's arrays, strings and result places, checked where that costs nothing.

use crate::abi::{MPI_Aint, MPI_Count, MPI_ERR_ARG};
use crate::error::{Result, err};
use std::borrow::Cow;
use std::ffi::{CStr, c_char, c_int};

/// Integers of C that stand for counts and displacements.
pub(crate) trait Wide: Copy {
    /// The value; all of C's fit.
    fn wide(self) -> i64;
}

impl Wide for c_int {
    fn wide(self) -> i64 {
        i64::from(self)
    }
}

impl Wide for MPI_Count {
    fn wide(self) -> i64 {
        self
    }
}

impl Wide for MPI_Aint {
    fn wide(self) -> i64 {
        self as i64
    }
}

/// The length of an array argument.
pub(crate) fn length(what: &str, n: c_int) -> Result<usize> {
    usize::try_from(n).or_else(|_| err(MPI_ERR_ARG, format!("{what} is {n}")))
}

/// An array argument; null is allowed when it is empty.
///
/// # Safety
/// Unless null, `at` has `n` readable elements while the result is used.
pub(crate) unsafe fn array<'a, T>(what: &str, at: *const T, n: usize) -> Result<&'a [T]> {
    if n == 0 {
        return Ok(&[]);
    }
    if at.is_null() {
        return err(MPI_ERR_ARG, format!("{what} is a null pointer"));
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(at, n) })
}

/// An array that the caller wants to be filled.
///
/// # Safety
/// Unless null, `at` has room for as many values.
pub(crate) unsafe fn fill<T: Copy>(what: &str, at: *mut T, values: &[T]) -> Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    if at.is_null() {
        return err(MPI_ERR_ARG, format!("{what} is a null pointer"));
    }
    // SAFETY: the caller's promise; the values are the library's own memory.
    unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), at, values.len()) };
    Ok(())
}

/// Stores a result.
///
/// # Safety
/// `at` is null or writable.
pub(crate) unsafe fn store<T>(what: &str, at: *mut T, value: T) -> Result<()> {
    if at.is_null() {
        return err(MPI_ERR_ARG, format!("{what} is a null pointer"));
    }
    // SAFETY: the caller's promise.
    unsafe { at.write(value) };
    Ok(())
}

/// An argument which the function also changes.
///
/// # Safety
/// `at` is null or a valid, otherwise unused place.
pub(crate) unsafe fn place<'a, T>(what: &str, at: *mut T) -> Result<&'a mut T> {
    // SAFETY: the caller's promise.
    match unsafe { at.as_mut() } {
        Some(place) => Ok(place),
        None => err(MPI_ERR_ARG, format!("{what} is a null pointer")),
    }
}

/// A string argument.
///
/// # Safety
/// `at` is null or a C string.
pub(crate) unsafe fn text<'a>(what: &str, at: *const c_char) -> Result<Cow<'a, str>> {
    if at.is_null() {
        return err(MPI_ERR_ARG, format!("{what} is a null pointer"));
    }
    // SAFETY: the caller's promise.
    Ok(unsafe { CStr::from_ptr(at) }.to_string_lossy())
}

/// Gives a string to the caller, cut to `room` bytes with the NUL; the length without it.
///
/// # Safety
/// `at` is null or has `room` writable bytes.
pub(crate) unsafe fn store_text(what: &str, text: &str, at: *mut c_char, room: usize) -> Result<usize> {
    if at.is_null() || room == 0 {
        return err(MPI_ERR_ARG, format!("{what} has no room"));
    }
    let n = text.len().min(room - 1);
    // SAFETY: the caller's promise.
    unsafe {
        std::ptr::copy_nonoverlapping(text.as_ptr().cast(), at, n);
        at.add(n).write(0);
    }
    Ok(n)
}
