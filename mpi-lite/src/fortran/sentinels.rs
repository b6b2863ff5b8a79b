//! The addresses that mean something: `MPI_BOTTOM`, `MPI_IN_PLACE` and their kin are variables in common blocks
//! (MPI 5.0, section 2.5.4), so Fortran passes their addresses, which these functions recognise.

use crate::abi::{MPI_BOTTOM, MPI_IN_PLACE, MPI_Status};
use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};

/// A common block: only its address is used, by Fortran code and here.
// gfortran aligns common blocks so, and the linker wants all definitions alike.
#[repr(C, align(32))]
pub struct Common<T>(UnsafeCell<T>);

// SAFETY: the contents are never read or written by this library.
unsafe impl<T> Sync for Common<T> {}

macro_rules! common_blocks {
    ($($name:ident: $ty:ty;)*) => {
        $(
            #[doc = "Common block declared by `mpif.h` and the module `mpi`."]
            #[unsafe(no_mangle)]
            #[allow(non_upper_case_globals, reason = "the symbol that gfortran makes of the block's name")]
            pub static $name: Common<$ty> = Common(UnsafeCell::new([0; _]));
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
}

fn is<T, U>(pointer: *const T, block: &Common<U>) -> bool {
    core::ptr::eq(pointer.cast::<U>(), block.0.get())
}

/// A choice buffer as C names it.
pub fn buffer(pointer: *mut c_void) -> *mut c_void {
    if is(pointer, &mpipriv_bottom_) {
        MPI_BOTTOM as *mut c_void
    } else if is(pointer, &mpipriv_in_place_) {
        MPI_IN_PLACE as *mut c_void
    } else {
        pointer
    }
}

/// A status, or null (`MPI_STATUS_IGNORE`, `MPI_STATUSES_IGNORE`).
pub fn status(pointer: *mut c_int) -> *mut MPI_Status {
    if is(pointer, &mpipriv_status_ignore_) || is(pointer, &mpipriv_statuses_ignore_) {
        core::ptr::null_mut()
    } else {
        pointer.cast()
    }
}

/// An array of weights: C's `MPI_UNWEIGHTED` and `MPI_WEIGHTS_EMPTY` for their Fortran counterparts.
pub fn weights(pointer: *mut c_int) -> *mut c_int {
    if is(pointer, &mpipriv_unweighted_) {
        crate::abi::MPI_UNWEIGHTED as *mut c_int
    } else if is(pointer, &mpipriv_weights_empty_) {
        crate::abi::MPI_WEIGHTS_EMPTY as *mut c_int
    } else {
        pointer
    }
}
