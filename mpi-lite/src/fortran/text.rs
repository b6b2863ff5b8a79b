//! CHARACTER arguments: padded with blanks, their length passed by value at the end.

use super::arguments::{Argument, Handle, give};
use super::fortran_fn;
use crate::abi::*;
use crate::c::info::{MPI_Info_get, MPI_Info_get_string};
use core::ffi::{c_char, c_int};
use std::ffi::{CStr, CString};

/// The text without the blanks around it. A NUL inside ends it, as C would see it.
///
/// # Safety
/// `text` is a CHARACTER variable of that length.
pub(super) unsafe fn to_c(text: *const c_char, length: usize) -> CString {
    // SAFETY: promised by the caller.
    let bytes = unsafe { core::slice::from_raw_parts(text.cast::<u8>(), length) };
    let bytes = bytes.split(|&b| b == 0).next().unwrap_or(b"").trim_ascii();
    CString::new(bytes).unwrap_or_default()
}

/// Copies C text into a CHARACTER variable, cut or padded with blanks.
///
/// # Safety
/// `text` is a CHARACTER variable of that length.
pub(super) unsafe fn to_fortran(from: &CStr, text: *mut c_char, length: usize) {
    // SAFETY: promised by the caller.
    let text = unsafe { core::slice::from_raw_parts_mut(text.cast::<u8>(), length) };
    let from = from.to_bytes();
    let n = from.len().min(length);
    text[..n].copy_from_slice(&from[..n]);
    text[n..].fill(b' ');
}

/// A text, read.
pub struct Text(CString);

impl Argument for Text {
    type Raw = *const c_char;
    type Value = *const c_char;
    unsafe fn receive(raw: *const c_char, length: usize) -> Self {
        // SAFETY: a CHARACTER variable.
        Text(unsafe { to_c(raw, length) })
    }
    fn value(&mut self) -> *const c_char {
        self.0.as_ptr()
    }
}

/// A text, written if the call succeeds. C's has at most `N` bytes with its NUL.
pub struct TextOut<const N: usize> {
    to: *mut c_char,
    text: [c_char; N],
}

impl<const N: usize> Argument for TextOut<N> {
    type Raw = *mut c_char;
    type Value = *mut c_char;
    unsafe fn receive(raw: *mut c_char, _length: usize) -> Self {
        TextOut { to: raw, text: [0; N] }
    }
    fn value(&mut self) -> *mut c_char {
        self.text.as_mut_ptr()
    }
    unsafe fn give_back(mut self, code: c_int, length: usize) {
        if code == MPI_SUCCESS {
            self.text[N - 1] = 0;
            // SAFETY: the text ends with a NUL; a CHARACTER variable.
            unsafe { to_fortran(CStr::from_ptr(self.text.as_ptr()), self.to, length) };
        }
    }
}

/// The length of a text, written: of what fits the program's variable.
pub struct ResultLength(*mut c_int);

impl Argument for ResultLength {
    type Raw = *mut c_int;
    type Value = *mut c_int;
    unsafe fn receive(raw: *mut c_int, _length: usize) -> Self {
        ResultLength(raw)
    }
    fn value(&mut self) -> *mut c_int {
        self.0
    }
    unsafe fn give_back(self, code: c_int, length: usize) {
        if code == MPI_SUCCESS {
            // SAFETY: an INTEGER that the C function wrote.
            unsafe { *self.0 = self.0.read().min(c_int::try_from(length).unwrap_or(c_int::MAX)) };
        }
    }
}

/// Calls `get` with a buffer and its length in C, which counts a NUL; `room` is Fortran's length, in and out.
///
/// # Safety
/// A CHARACTER variable and its length; a readable and writable INTEGER.
unsafe fn with_room(
    room: *mut c_int,
    text: *mut c_char,
    length: usize,
    get: impl FnOnce(*mut c_int, *mut c_char) -> (c_int, bool),
) -> c_int {
    // SAFETY: promised by the caller; the buffer has one byte more than C is told, for the NUL of an empty one.
    unsafe {
        let mut c_room = if *room > 0 { room.read().saturating_add(1) } else { 0 };
        let mut buffer = vec![0 as c_char; c_room as usize + 1];
        let (code, found) = get(&mut c_room, buffer.as_mut_ptr());
        if code == MPI_SUCCESS && found {
            if *room > 0 {
                to_fortran(CStr::from_ptr(buffer.as_ptr()), text, length);
            }
            *room = c_room - 1;
        }
        code
    }
}

fortran_fn! { both
    /// MPI_Info_get
    fn mpi_info_get(
        info: *const c_int, key: *const c_char, room: *const c_int, value: *mut c_char, flag: *mut c_int, ierror: *mut c_int,
        key_length: usize, value_length: usize,
    ) {
        // SAFETY: arguments as the Fortran interface asks; C's buffer has the room asked for and a NUL.
        unsafe {
            let mut buffer = vec![0 as c_char; usize::try_from(*room).unwrap_or(0) + 1];
            let key = to_c(key, key_length);
            let code = MPI_Info_get(MPI_Info::from_fortran(*info), key.as_ptr(), *room, buffer.as_mut_ptr(), flag);
            if code == MPI_SUCCESS && *flag != 0 {
                to_fortran(CStr::from_ptr(buffer.as_ptr()), value, value_length);
            }
            give(ierror, code);
        }
    }

    /// MPI_Info_get_string: the length in and out is Fortran's, without C's NUL.
    fn mpi_info_get_string(
        info: *const c_int, key: *const c_char, room: *mut c_int, value: *mut c_char, flag: *mut c_int, ierror: *mut c_int,
        key_length: usize, value_length: usize,
    ) {
        // SAFETY: as above.
        unsafe {
            let key = to_c(key, key_length);
            let code = with_room(room, value, value_length, |room, buffer| {
                let code = MPI_Info_get_string(MPI_Info::from_fortran(*info), key.as_ptr(), room, buffer, flag);
                (code, *flag != 0)
            });
            give(ierror, code);
        }
    }

    /// MPI_Session_get_nth_pset: as above.
    fn mpi_session_get_nth_pset(
        session: *const c_int, info: *const c_int, n: *const c_int, room: *mut c_int, name: *mut c_char, ierror: *mut c_int,
        length: usize,
    ) {
        unsafe extern "C" {
            fn PMPI_Session_get_nth_pset(
                session: MPI_Session, info: MPI_Info, n: c_int, room: *mut c_int, name: *mut c_char,
            ) -> c_int;
        }
        // SAFETY: as above; the C function has these arguments.
        unsafe {
            let (session, info) = (MPI_Session::from_fortran(*session), MPI_Info::from_fortran(*info));
            let code = with_room(room, name, length, |room, buffer| {
                (PMPI_Session_get_nth_pset(session, info, *n, room, buffer), true)
            });
            give(ierror, code);
        }
    }
}
