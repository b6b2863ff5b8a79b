//! Packing into buffers of the program.

use core::ffi::{CStr, c_char, c_void};

use super::{Count, natural, store};
use crate::abi::*;
use crate::datatype::{Packer, external32, get, lookup};
use crate::error::{Result, err};
use crate::{comm, mpi_fn};

mpi_fn! {
    /// Appends elements to a buffer.
    large fn MPI_Pack, MPI_Pack_c(
        inbuf: *const c_void, incount: Count, datatype: MPI_Datatype, outbuf: *mut c_void, outsize: Count,
        position: *mut Count, comm: MPI_Comm,
    ) on comm {
        comm::get(comm)?;
        let dt = get(datatype)?;
        let count = natural("incount", incount)? as usize;
        let needed = dt.packed_size(count)?;
        // SAFETY: the program passes a buffer of `outsize` bytes and `incount` elements apart from it.
        unsafe {
            let room = rest(outbuf, outsize, position)?;
            if needed > room.len() {
                return err(MPI_ERR_TRUNCATE, format!("{needed} bytes do not fit into the {} left of outbuf", room.len()));
            }
            Packer::new(&dt, count, inbuf.cast_mut().cast()).pack(&mut room[..needed]);
            advance(position, needed)
        }
    }

    /// Takes elements from a buffer.
    large fn MPI_Unpack, MPI_Unpack_c(
        inbuf: *const c_void, insize: Count, position: *mut Count, outbuf: *mut c_void, outcount: Count,
        datatype: MPI_Datatype, comm: MPI_Comm,
    ) on comm {
        comm::get(comm)?;
        let dt = get(datatype)?;
        let count = natural("outcount", outcount)? as usize;
        let needed = dt.packed_size(count)?;
        // SAFETY: the program passes a buffer of `insize` bytes, which is only read, and room for `outcount` elements.
        unsafe {
            let data = rest(inbuf.cast_mut(), insize, position)?;
            if needed > data.len() {
                let text = format!("{needed} bytes are wanted, {} are left in inbuf", data.len());
                return err(MPI_ERR_TRUNCATE, text);
            }
            Packer::new(&dt, count, outbuf.cast()).unpack(&data[..needed]);
            advance(position, needed)
        }
    }

    /// Bytes that packing needs: exactly those of the data.
    large fn MPI_Pack_size, MPI_Pack_size_c(incount: Count, datatype: MPI_Datatype, comm: MPI_Comm, size: *mut Count) on comm {
        comm::get(comm)?;
        let bytes = lookup(datatype)?.packed_size(natural("incount", incount)? as usize)?;
        // SAFETY: the program passes the address of its result.
        unsafe { store(size, Count::put(bytes as MPI_Count)) }
    }

    /// Appends elements to a buffer in the portable representation.
    large fn MPI_Pack_external, MPI_Pack_external_c(
        datarep: *const c_char, inbuf: *const c_void, incount: Count, datatype: MPI_Datatype, outbuf: *mut c_void,
        outsize: MPI_Aint, position: *mut MPI_Aint,
    ) {
        let dt = get(datatype)?;
        let count = natural("incount", incount)? as usize;
        // SAFETY: the program passes a string, a buffer of `outsize` bytes and `incount` elements apart from it.
        unsafe {
            known(datarep)?;
            let bytes = external32::pack(&dt, count, inbuf.cast(), rest(outbuf, outsize, position)?)?;
            advance(position, bytes)
        }
    }

    /// Takes elements from a buffer in the portable representation.
    large fn MPI_Unpack_external, MPI_Unpack_external_c(
        datarep: *const c_char, inbuf: *const c_void, insize: MPI_Aint, position: *mut MPI_Aint, outbuf: *mut c_void,
        outcount: Count, datatype: MPI_Datatype,
    ) {
        let dt = get(datatype)?;
        let count = natural("outcount", outcount)? as usize;
        // SAFETY: the program passes a string, a buffer of `insize` bytes and room for `outcount` elements.
        unsafe {
            known(datarep)?;
            let bytes = external32::unpack(&dt, count, rest(inbuf.cast_mut(), insize, position)?, outbuf.cast())?;
            advance(position, bytes)
        }
    }

    /// Bytes that packing in the portable representation needs.
    large fn MPI_Pack_external_size, MPI_Pack_external_size_c(
        datarep: *const c_char, incount: Count, datatype: MPI_Datatype, size: *mut MPI_Aint,
    ) {
        let bytes = external32::size(&lookup(datatype)?, natural("incount", incount)?)?;
        // SAFETY: the program passes a string and the address of its result.
        unsafe {
            known(datarep)?;
            store(size, bytes as MPI_Aint)
        }
    }
}

/// The part of a buffer from `position` on.
///
/// # Safety
/// 1. `buffer` is null or has `size` bytes, to be used by nobody else for the lifetime of the slice.
/// 2. `position` is null or valid.
unsafe fn rest<'a, T: Count>(buffer: *mut c_void, size: T, position: *mut T) -> Result<&'a mut [u8]> {
    let size = natural("the size of the buffer", size)? as usize;
    if position.is_null() {
        return err(MPI_ERR_ARG, "position is NULL");
    }
    // SAFETY: promised by the caller.
    let at = natural("position", unsafe { position.read() })? as usize;
    if at > size {
        return err(MPI_ERR_ARG, format!("position {at} is outside the buffer of {size} bytes"));
    }
    if buffer.is_null() {
        return if at == size { Ok(&mut []) } else { err(MPI_ERR_BUFFER, "the buffer is NULL") };
    }
    // SAFETY: `at <= size`, and the caller promises `size` bytes.
    Ok(unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>().add(at), size - at) })
}

/// Moves `position` past `bytes`, which are inside the buffer.
///
/// # Safety
/// `position` is valid.
unsafe fn advance<T: Count>(position: *mut T, bytes: usize) -> Result<()> {
    // SAFETY: promised by the caller; the sum is at most the buffer's size, which is a `T`.
    unsafe { store(position, T::put(position.read().get() + bytes as MPI_Count)) }
}

/// An error unless the representation is "external32".
///
/// # Safety
/// `datarep` is null or a string.
unsafe fn known(datarep: *const c_char) -> Result<()> {
    // SAFETY: promised by the caller.
    if !datarep.is_null() && unsafe { CStr::from_ptr(datarep) } == c"external32" {
        return Ok(());
    }
    err(MPI_ERR_ARG, "the only portable data representation is \"external32\"")
}
