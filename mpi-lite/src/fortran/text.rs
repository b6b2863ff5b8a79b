//! Calls with CHARACTER arguments: padded with blanks, their length passed by value at the end.

use super::arguments::Handle;
use super::fortran_fn;
use super::sentinels;
use crate::abi::*;
use crate::c::comm::{MPI_Comm_get_name, MPI_Comm_set_name};
use crate::c::env::{MPI_Get_library_version, MPI_Get_processor_name};
use crate::c::errhandler::{MPI_Add_error_string, MPI_Error_string};
use crate::c::info::*;
use crate::c::types::*;
use crate::c::win::object::{MPI_Win_get_name, MPI_Win_set_name};
use core::ffi::{c_char, c_int, c_void};
use std::ffi::{CStr, CString};

/// The text without the blanks around it. A NUL inside ends it, as C would see it.
unsafe fn to_c(text: *const c_char, length: usize) -> CString {
    // SAFETY: the caller passes a CHARACTER variable and its length.
    let bytes = unsafe { core::slice::from_raw_parts(text.cast::<u8>(), length) };
    let bytes = bytes.split(|&b| b == 0).next().unwrap_or(b"").trim_ascii();
    CString::new(bytes).unwrap_or_default()
}

/// Copies C text into a CHARACTER variable, cut or padded with blanks; returns the length of what was copied.
unsafe fn to_fortran(from: &CStr, text: *mut c_char, length: usize) -> c_int {
    // SAFETY: the caller passes a CHARACTER variable and its length.
    let text = unsafe { core::slice::from_raw_parts_mut(text.cast::<u8>(), length) };
    let from = from.to_bytes();
    let n = from.len().min(length);
    text[..n].copy_from_slice(&from[..n]);
    text[n..].fill(b' ');
    n as c_int
}

/// Calls `get` with a C buffer of `N` bytes and hands the text over; both codes pass through.
unsafe fn fetch<const N: usize>(
    text: *mut c_char,
    result_length: *mut c_int,
    length: usize,
    get: impl FnOnce(*mut c_char, *mut c_int) -> c_int,
) -> c_int {
    let mut buffer = [0 as c_char; N];
    let mut n = 0;
    let code = get(buffer.as_mut_ptr(), &mut n);
    if code == MPI_SUCCESS {
        buffer[N - 1] = 0;
        // SAFETY: the buffer ends with a NUL; the caller's variables are as the Fortran interface asks.
        unsafe { *result_length = to_fortran(CStr::from_ptr(buffer.as_ptr()), text, length) };
    }
    code
}

const NAME: usize = MPI_MAX_OBJECT_NAME as usize;

fortran_fn! {
    /// MPI_Get_processor_name
    fn mpi_get_processor_name(name: *mut c_char, length: *mut c_int, ierror: *mut c_int, room: usize) {
        // SAFETY: as `fetch` asks, in all functions here.
        unsafe { *ierror = fetch::<{ MPI_MAX_PROCESSOR_NAME as usize }>(name, length, room, |t, n| MPI_Get_processor_name(t, n)) };
    }

    /// MPI_Get_library_version
    fn mpi_get_library_version(version: *mut c_char, length: *mut c_int, ierror: *mut c_int, room: usize) {
        // SAFETY: as above.
        unsafe { *ierror = fetch::<{ MPI_MAX_LIBRARY_VERSION_STRING as usize }>(version, length, room, |t, n| MPI_Get_library_version(t, n)) };
    }

    /// MPI_Error_string
    fn mpi_error_string(code: *const c_int, text: *mut c_char, length: *mut c_int, ierror: *mut c_int, room: usize) {
        // SAFETY: as above.
        unsafe { *ierror = fetch::<{ MPI_MAX_ERROR_STRING as usize }>(text, length, room, |t, n| MPI_Error_string(*code, t, n)) };
    }

    /// MPI_Add_error_string
    fn mpi_add_error_string(code: *const c_int, text: *const c_char, ierror: *mut c_int, length: usize) {
        // SAFETY: as `to_c` asks.
        unsafe { *ierror = MPI_Add_error_string(*code, to_c(text, length).as_ptr()) };
    }

    /// MPI_Comm_set_name
    fn mpi_comm_set_name(comm: *const c_int, name: *const c_char, ierror: *mut c_int, length: usize) {
        // SAFETY: as above.
        unsafe { *ierror = MPI_Comm_set_name(MPI_Comm::from_fortran(*comm), to_c(name, length).as_ptr()) };
    }

    /// MPI_Comm_get_name
    fn mpi_comm_get_name(comm: *const c_int, name: *mut c_char, length: *mut c_int, ierror: *mut c_int, room: usize) {
        // SAFETY: as above.
        unsafe { *ierror = fetch::<NAME>(name, length, room, |t, n| MPI_Comm_get_name(MPI_Comm::from_fortran(*comm), t, n)) };
    }

    /// MPI_Type_set_name
    fn mpi_type_set_name(datatype: *const c_int, name: *const c_char, ierror: *mut c_int, length: usize) {
        // SAFETY: as above.
        unsafe { *ierror = MPI_Type_set_name(MPI_Datatype::from_fortran(*datatype), to_c(name, length).as_ptr()) };
    }

    /// MPI_Type_get_name
    fn mpi_type_get_name(datatype: *const c_int, name: *mut c_char, length: *mut c_int, ierror: *mut c_int, room: usize) {
        // SAFETY: as above.
        unsafe { *ierror = fetch::<NAME>(name, length, room, |t, n| MPI_Type_get_name(MPI_Datatype::from_fortran(*datatype), t, n)) };
    }

    /// MPI_Pack_external
    fn mpi_pack_external(
        datarep: *const c_char, inbuf: *mut c_void, incount: *const c_int, datatype: *const c_int, outbuf: *mut c_void,
        outsize: *const MPI_Aint, position: *mut MPI_Aint, ierror: *mut c_int, length: usize,
    ) {
        // SAFETY: as above, and buffers of those sizes.
        unsafe {
            let (datarep, datatype) = (to_c(datarep, length), MPI_Datatype::from_fortran(*datatype));
            let (inbuf, outbuf) = (sentinels::buffer(inbuf), sentinels::buffer(outbuf));
            *ierror = MPI_Pack_external(datarep.as_ptr(), inbuf, *incount, datatype, outbuf, *outsize, position);
        }
    }

    /// MPI_Unpack_external
    fn mpi_unpack_external(
        datarep: *const c_char, inbuf: *mut c_void, insize: *const MPI_Aint, position: *mut MPI_Aint, outbuf: *mut c_void,
        outcount: *const c_int, datatype: *const c_int, ierror: *mut c_int, length: usize,
    ) {
        // SAFETY: as above, and buffers of those sizes.
        unsafe {
            let (datarep, datatype) = (to_c(datarep, length), MPI_Datatype::from_fortran(*datatype));
            let (inbuf, outbuf) = (sentinels::buffer(inbuf), sentinels::buffer(outbuf));
            *ierror = MPI_Unpack_external(datarep.as_ptr(), inbuf, *insize, position, outbuf, *outcount, datatype);
        }
    }

    /// MPI_Pack_external_size
    fn mpi_pack_external_size(
        datarep: *const c_char, incount: *const c_int, datatype: *const c_int, size: *mut MPI_Aint, ierror: *mut c_int,
        length: usize,
    ) {
        // SAFETY: as above.
        unsafe {
            let (datarep, datatype) = (to_c(datarep, length), MPI_Datatype::from_fortran(*datatype));
            *ierror = MPI_Pack_external_size(datarep.as_ptr(), *incount, datatype, size);
        }
    }

    /// MPI_Win_set_name
    fn mpi_win_set_name(win: *const c_int, name: *const c_char, ierror: *mut c_int, length: usize) {
        // SAFETY: as above.
        unsafe { *ierror = MPI_Win_set_name(MPI_Win::from_fortran(*win), to_c(name, length).as_ptr()) };
    }

    /// MPI_Win_get_name
    fn mpi_win_get_name(win: *const c_int, name: *mut c_char, length: *mut c_int, ierror: *mut c_int, room: usize) {
        // SAFETY: as above.
        unsafe { *ierror = fetch::<NAME>(name, length, room, |t, n| MPI_Win_get_name(MPI_Win::from_fortran(*win), t, n)) };
    }

    /// MPI_Info_set
    fn mpi_info_set(
        info: *const c_int, key: *const c_char, value: *const c_char, ierror: *mut c_int, key_length: usize, value_length: usize,
    ) {
        // SAFETY: as above.
        unsafe {
            let (key, value) = (to_c(key, key_length), to_c(value, value_length));
            *ierror = MPI_Info_set(MPI_Info::from_fortran(*info), key.as_ptr(), value.as_ptr());
        }
    }

    /// MPI_Info_delete
    fn mpi_info_delete(info: *const c_int, key: *const c_char, ierror: *mut c_int, length: usize) {
        // SAFETY: as above.
        unsafe { *ierror = MPI_Info_delete(MPI_Info::from_fortran(*info), to_c(key, length).as_ptr()) };
    }

    /// MPI_Info_get
    fn mpi_info_get(
        info: *const c_int, key: *const c_char, room: *const c_int, value: *mut c_char, flag: *mut c_int, ierror: *mut c_int,
        key_length: usize, value_length: usize,
    ) {
        // SAFETY: as above; C's buffer has the room asked for and a NUL.
        unsafe {
            let mut buffer = vec![0 as c_char; usize::try_from(*room).unwrap_or(0) + 1];
            *ierror = MPI_Info_get(MPI_Info::from_fortran(*info), to_c(key, key_length).as_ptr(), *room, buffer.as_mut_ptr(), flag);
            if *ierror == MPI_SUCCESS && *flag != 0 {
                to_fortran(CStr::from_ptr(buffer.as_ptr()), value, value_length);
            }
        }
    }

    /// MPI_Info_get_string: the length in and out is Fortran's, without C's NUL.
    fn mpi_info_get_string(
        info: *const c_int, key: *const c_char, room: *mut c_int, value: *mut c_char, flag: *mut c_int, ierror: *mut c_int,
        key_length: usize, value_length: usize,
    ) {
        // SAFETY: as above.
        unsafe {
            let mut c_room = if *room > 0 { room.read() + 1 } else { 0 };
            let mut buffer = vec![0 as c_char; c_room as usize + 1];
            let key = to_c(key, key_length);
            *ierror = MPI_Info_get_string(MPI_Info::from_fortran(*info), key.as_ptr(), &mut c_room, buffer.as_mut_ptr(), flag);
            if *ierror == MPI_SUCCESS && *flag != 0 {
                if *room > 0 {
                    to_fortran(CStr::from_ptr(buffer.as_ptr()), value, value_length);
                }
                *room = c_room - 1;
            }
        }
    }

    /// MPI_Info_get_valuelen
    fn mpi_info_get_valuelen(
        info: *const c_int, key: *const c_char, value_length: *mut c_int, flag: *mut c_int, ierror: *mut c_int, length: usize,
    ) {
        // SAFETY: as above.
        unsafe { *ierror = MPI_Info_get_valuelen(MPI_Info::from_fortran(*info), to_c(key, length).as_ptr(), value_length, flag) };
    }

    /// MPI_Info_get_nthkey
    fn mpi_info_get_nthkey(info: *const c_int, n: *const c_int, key: *mut c_char, ierror: *mut c_int, room: usize) {
        let mut copied = 0;
        // SAFETY: as above.
        unsafe {
            *ierror = fetch::<{ MPI_MAX_INFO_KEY as usize }>(key, &mut copied, room, |t, _| {
                MPI_Info_get_nthkey(MPI_Info::from_fortran(*info), *n, t)
            });
        }
    }
}
