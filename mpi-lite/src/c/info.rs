//! C functions for info objects (MPI 5.0, chapter 10).

use super::input::{length, place, store, store_text, text};
use crate::abi::*;
use crate::error::Result;
use crate::info::{self, Info};
use crate::mpi_fn;
use std::ffi::{c_char, c_int};

fn give(made: Info, at: *mut MPI_Info) -> Result<()> {
    // SAFETY: the caller's result place.
    let at = unsafe { place("info", at)? };
    *at = info::publish(made)?;
    Ok(())
}

/// The value of a key in the caller's words.
fn value(of: MPI_Info, key: *const c_char) -> Result<Option<String>> {
    // SAFETY: the caller's string.
    let key = unsafe { text("key", key)? };
    Ok(info::get(of)?.value(&key)?.map(str::to_owned))
}

mpi_fn! {
    /// An info object without keys.
    fn MPI_Info_create(info: *mut MPI_Info) { give(Info::default(), info) }

    /// An info object like `MPI_INFO_ENV`; may be called before `MPI_Init`.
    fn MPI_Info_create_env(_argc: c_int, _argv: *mut *mut c_char, info: *mut MPI_Info) {
        give(Info::environment(), info)
    }

    /// A copy.
    fn MPI_Info_dup(of: MPI_Info, newinfo: *mut MPI_Info) { give(info::get(of)?, newinfo) }

    /// Frees an info object.
    fn MPI_Info_free(of: *mut MPI_Info) {
        // SAFETY: the caller's handle.
        info::free(unsafe { place("info", of)? })
    }

    /// Sets a key.
    fn MPI_Info_set(of: MPI_Info, key: *const c_char, value: *const c_char) {
        // SAFETY: the caller's strings.
        let (key, value) = unsafe { (text("key", key)?, text("value", value)?) };
        info::change(of, |info| info.set(&key, &value))
    }

    /// Deletes a key.
    fn MPI_Info_delete(of: MPI_Info, key: *const c_char) {
        // SAFETY: the caller's string.
        let key = unsafe { text("key", key)? };
        info::change(of, |info| info.delete(&key))
    }

    /// The value of a key, cut to `valuelen` characters.
    fn MPI_Info_get(of: MPI_Info, key: *const c_char, valuelen: c_int, value_at: *mut c_char, flag: *mut c_int) {
        let found = value(of, key)?;
        let room = length("valuelen", valuelen)? + 1;
        if let Some(found) = &found {
            // SAFETY: the caller's buffer has room for `valuelen` characters and the NUL.
            unsafe { store_text("value", found, value_at, room)? };
        }
        // SAFETY: the caller's result place.
        unsafe { store("flag", flag, c_int::from(found.is_some())) }
    }

    /// The value of a key, cut to a buffer of `buflen` bytes; the bytes needed, NUL included, come back in `buflen`.
    fn MPI_Info_get_string(
        of: MPI_Info,
        key: *const c_char,
        buflen: *mut c_int,
        value_at: *mut c_char,
        flag: *mut c_int,
    ) {
        let found = value(of, key)?;
        // SAFETY: the caller's place.
        let room = unsafe { place("buflen", buflen)? };
        if let Some(found) = &found {
            let bytes = length("buflen", *room)?;
            if bytes > 0 {
                // SAFETY: the caller's buffer has `buflen` bytes.
                unsafe { store_text("value", found, value_at, bytes)? };
            }
            *room = found.len() as c_int + 1;
        }
        // SAFETY: the caller's result place.
        unsafe { store("flag", flag, c_int::from(found.is_some())) }
    }

    /// The length of the value of a key, without the NUL.
    fn MPI_Info_get_valuelen(of: MPI_Info, key: *const c_char, valuelen: *mut c_int, flag: *mut c_int) {
        let found = value(of, key)?;
        if let Some(found) = &found {
            // SAFETY: the caller's result place.
            unsafe { store("valuelen", valuelen, found.len() as c_int)? };
        }
        // SAFETY: the caller's result place.
        unsafe { store("flag", flag, c_int::from(found.is_some())) }
    }

    /// Number of keys.
    fn MPI_Info_get_nkeys(of: MPI_Info, nkeys: *mut c_int) {
        let n = info::get(of)?.len() as c_int;
        // SAFETY: the caller's result place.
        unsafe { store("nkeys", nkeys, n) }
    }

    /// The n-th key, from 0.
    fn MPI_Info_get_nthkey(of: MPI_Info, n: c_int, key: *mut c_char) {
        let info = info::get(of)?;
        // SAFETY: the caller's buffer has MPI_MAX_INFO_KEY bytes.
        unsafe { store_text("key", info.key(n)?, key, MPI_MAX_INFO_KEY as usize) }.map(|_| ())
    }
}
