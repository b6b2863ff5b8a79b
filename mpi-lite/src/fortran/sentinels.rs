//! The addresses that mean something: `MPI_BOTTOM`, `MPI_IN_PLACE` and their kin are variables in common blocks
//! (MPI 5.0, section 2.5.4), so Fortran passes their addresses, which these functions recognise.

use crate::abi::{MPI_BOTTOM, MPI_BUFFER_AUTOMATIC, MPI_IN_PLACE, MPI_Status};
use core::ffi::{c_char, c_int, c_void};

/// Declares common blocks. They are common symbols here, too, of gfortran's size and alignment: then the linker merges
/// the declarations of all objects without a word.
macro_rules! common_blocks {
    ($($name:ident: $ty:ty;)*) => {
        unsafe extern "C" {
            $(
                #[doc = "Common block declared by `mpif.h` and the module `mpi`; only its address is used."]
                pub static $name: $ty;
            )*
        }
        $(
            core::arch::global_asm!(
                concat!(".comm ", stringify!($name), ", {size}, {align}"),
                size = const size_of::<$ty>(),
                align = const if size_of::<$ty>() < 32 { 16 } else { 32 },
            );
        )*
    };
}

common_blocks! {
    mpipriv_bottom_: [c_int; 1];
    mpipriv_in_place_: [c_int; 1];
    mpipriv_status_ignore_: [c_int; 8];
    mpipriv_statuses_ignore_: [c_int; 8];
    mpipriv_errcodes_ignore_: [c_int; 1];
    mpipriv_unweighted_: [c_int; 1];
    mpipriv_weights_empty_: [c_int; 1];
    mpipriv_buffer_automatic_: [c_int; 1];
    mpipriv_argv_null_: [u8; 1];
    mpipriv_argvs_null_: [u8; 1];
}

fn is<T, U>(pointer: *const T, block: *const U) -> bool {
    core::ptr::eq(pointer.cast::<U>(), block)
}

/// A choice buffer as C names it.
pub fn buffer(pointer: *mut c_void) -> *mut c_void {
    if is(pointer, &raw const mpipriv_bottom_) {
        MPI_BOTTOM
    } else if is(pointer, &raw const mpipriv_in_place_) {
        MPI_IN_PLACE
    } else if is(pointer, &raw const mpipriv_buffer_automatic_) {
        MPI_BUFFER_AUTOMATIC
    } else {
        pointer
    }
}

/// A status, or null (`MPI_STATUS_IGNORE`, `MPI_STATUSES_IGNORE`).
pub fn status(pointer: *mut c_int) -> *mut MPI_Status {
    if is(pointer, &raw const mpipriv_status_ignore_) || is(pointer, &raw const mpipriv_statuses_ignore_) {
        core::ptr::null_mut()
    } else {
        pointer.cast()
    }
}

/// An array of weights: C's `MPI_UNWEIGHTED` and `MPI_WEIGHTS_EMPTY` for their Fortran counterparts.
pub fn weights(pointer: *mut c_int) -> *mut c_int {
    if is(pointer, &raw const mpipriv_unweighted_) {
        crate::abi::MPI_UNWEIGHTED as *mut c_int
    } else if is(pointer, &raw const mpipriv_weights_empty_) {
        crate::abi::MPI_WEIGHTS_EMPTY as *mut c_int
    } else {
        pointer
    }
}

/// Whether an array of arguments is `MPI_ARGV_NULL` or `MPI_ARGVS_NULL`.
pub fn no_arguments(pointer: *const c_char) -> bool {
    is(pointer, &raw const mpipriv_argv_null_) || is(pointer, &raw const mpipriv_argvs_null_)
}

/// An array for error codes, or null (`MPI_ERRCODES_IGNORE`).
pub fn error_codes(pointer: *mut c_int) -> *mut c_int {
    if is(pointer, &raw const mpipriv_errcodes_ignore_) { core::ptr::null_mut() } else { pointer }
}
