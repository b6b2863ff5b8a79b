//! From one representation to the other.

use super::datarep::{Conversion, Datarep, Representation};
use crate::abi::{MPI_ERR_CONVERSION, MPI_SUCCESS};
use crate::datatype::{Datatype, Packer, external32, with_handle};
use crate::error::{MpiError, Result, err};
use std::ffi::{c_int, c_void};

/// Whole elements in the first `bytes` bytes in the file of `count` elements of `dt`: how many, and their bytes in memory.
fn whole(representation: &Representation, dt: &Datatype, count: usize, bytes: u64) -> Result<(u64, u64)> {
    let one = representation.bytes(dt)?;
    let signature = &dt.body().signature;
    if one == 0 {
        return Ok((0, 0));
    }
    let full = (bytes / one).min(count as u64);
    let (mut elements, mut native) = (full * signature.elements, full * signature.bytes);
    let mut left = if full == count as u64 { 0 } else { bytes % one };
    signature.for_each_run(&mut |basic, n| {
        let size = representation.element(basic)?;
        let fit = (left / size).min(n);
        elements += fit;
        native += fit * basic.size() as u64;
        // What follows an element that is cut off is not there either.
        left = if fit < n { 0 } else { left - fit * size };
        Result::Ok(())
    })?;
    Ok((elements, native))
}

/// Calls a conversion function of the program for `elements` elements.
///
/// # Safety
/// `user` is as `dt` says, `file` has as many elements of the representation.
unsafe fn call(
    conversion: Conversion,
    user: *mut u8,
    dt: &Datatype,
    elements: u64,
    file: *mut u8,
    state: *mut c_void,
) -> Result<()> {
    let (user, file): (*mut c_void, *mut c_void) = (user.cast(), file.cast());
    let mut code = MPI_SUCCESS;
    let mut fits = true;
    with_handle(dt, |handle| match conversion {
        Conversion::Small(f) => match c_int::try_from(elements) {
            // SAFETY: the program registered the function for this use; the buffers are the caller's promise.
            Ok(n) => code = unsafe { f(user, handle, n, file, 0, state) },
            Err(_) => fits = false,
        },
        // SAFETY: as above.
        Conversion::Large(f) => code = unsafe { f(user, handle, elements as i64, file, 0, state) },
    })?;
    match (fits, code) {
        (true, MPI_SUCCESS) => Ok(()),
        (true, code) => err(MPI_ERR_CONVERSION, format!("the conversion function gave code {code}")),
        (false, _) => err(
            MPI_ERR_CONVERSION,
            format!("{elements} elements are too many for MPI_Register_datarep: use its large variant"),
        ),
    }
}

/// The bytes for the file of `count` elements at `buf`.
///
/// # Safety
/// `buf` holds as many elements of `dt`.
pub unsafe fn to_file(
    representation: &Representation,
    dt: &Datatype,
    count: usize,
    buf: *mut u8,
) -> Result<Vec<u8>> {
    let bytes = representation.bytes(dt)?.checked_mul(count as u64).and_then(|n| usize::try_from(n).ok());
    let bytes =
        bytes.ok_or_else(|| MpiError::new(MPI_ERR_CONVERSION, "the data in the file do not fit memory"))?;
    let mut out = vec![0; bytes];
    // SAFETY: promised by the caller.
    unsafe {
        match &representation.kind {
            Datarep::External32 => {
                external32::pack(dt, count, buf, &mut out)?;
            }
            Datarep::User(user) if user.write.is_some() => {
                let elements = dt.body().signature.elements * count as u64;
                if let Some(write) = user.write {
                    call(write, buf, dt, elements, out.as_mut_ptr(), user.state)?;
                }
            }
            _ if dt.packed_size(count)? == bytes => {
                Packer::new(dt, count, buf).pack(&mut out);
            }
            _ => return no_function("write", &representation.name),
        }
    }
    Ok(out)
}

/// Puts what was read into `count` elements at `buf`, as far as it goes; says how many bytes of memory that were.
///
/// # Safety
/// `buf` has room for as many elements of `dt`.
pub unsafe fn from_file(
    representation: &Representation,
    dt: &Datatype,
    count: usize,
    data: &mut [u8],
    buf: *mut u8,
) -> Result<u64> {
    let (elements, native) = whole(representation, dt, count, data.len() as u64)?;
    // SAFETY: promised by the caller.
    unsafe {
        match &representation.kind {
            Datarep::External32 => {
                let bytes = external32::decoded(dt, elements, data)?;
                Packer::new(dt, count, buf).unpack(&bytes);
            }
            Datarep::User(user) if user.read.is_some() => {
                if let Some(read) = user.read.filter(|_| elements > 0) {
                    call(read, buf, dt, elements, data.as_mut_ptr(), user.state)?;
                }
            }
            _ if representation.bytes(dt)? == dt.size() as u64 => {
                Packer::new(dt, count, buf).unpack(data);
            }
            _ => return no_function("read", &representation.name),
        }
    }
    Ok(native)
}

fn no_function<T>(which: &str, name: &str) -> Result<T> {
    let text = format!("\"{name}\" has other sizes than memory and no {which} conversion function");
    err(MPI_ERR_CONVERSION, text)
}
