//! How each kind of Fortran argument becomes the C argument, and what is written back after the call.

use super::sentinels;
use crate::abi::*;
use core::ffi::{c_int, c_void};

/// One kind of argument. The C call sees [`value`](Argument::value) between [`receive`](Argument::receive) and
/// [`give_back`](Argument::give_back). `length` is that of an array or a text, for the kinds that need it; 0 otherwise.
pub trait Argument: Sized {
    /// What Fortran passes.
    type Raw;
    /// What the C function takes.
    type Value;
    /// # Safety
    /// `raw` is what the Fortran interface asks for.
    unsafe fn receive(raw: Self::Raw, length: usize) -> Self;
    /// The C argument; a pointer in it is good until `self` moves.
    fn value(&mut self) -> Self::Value;
    /// Writes results back.
    /// # Safety
    /// As for `receive`, and the C function has returned `code`; `length` may be one of its results.
    unsafe fn give_back(self, _code: c_int, _length: usize) {}
}

/// A handle in C, an INTEGER in Fortran.
pub trait Handle: Copy {
    /// From the INTEGER.
    fn from_fortran(value: c_int) -> Self;
    /// To the INTEGER.
    fn to_fortran(self) -> c_int;
}

macro_rules! handles {
    ($($ty:ident)*) => {
        $(impl Handle for $ty {
            fn from_fortran(value: c_int) -> Self {
                $ty(value as u32 as usize)
            }
            fn to_fortran(self) -> c_int {
                self.0 as c_int
            }
        })*
    };
}

handles!(
    MPI_Comm MPI_Group MPI_Datatype MPI_Op MPI_Request MPI_Errhandler MPI_Info MPI_Message MPI_Win MPI_File MPI_Session
);

macro_rules! plain {
    ($($(#[$m:meta])* $name:ident: $raw:ty => $value:ty, |$x:ident| $convert:expr;)*) => {
        $(
            $(#[$m])*
            pub struct $name($value);
            impl Argument for $name {
                type Raw = $raw;
                type Value = $value;
                unsafe fn receive($x: $raw, _length: usize) -> Self {
                    // SAFETY: a readable reference, or an address that is only passed on.
                    $name(unsafe { $convert })
                }
                fn value(&mut self) -> $value {
                    self.0
                }
            }
        )*
    };
}

// Some kinds need no unsafe operation; the macro's block then holds a plain expression.
#[allow(unused_unsafe)]
mod kinds {
    use super::*;
    plain! {
        /// A choice buffer that is read.
        SendBuffer: *mut c_void => *const c_void, |x| sentinels::buffer(x).cast_const();
        /// A choice buffer that is written.
        Buffer: *mut c_void => *mut c_void, |x| sentinels::buffer(x);
        /// INTEGER or LOGICAL, read.
        Int: *const c_int => c_int, |x| *x;
        /// INTEGER(MPI_ADDRESS_KIND), read.
        Aint: *const MPI_Aint => MPI_Aint, |x| *x;
        /// INTEGER(MPI_COUNT_KIND), read.
        Count: *const MPI_Count => MPI_Count, |x| *x;
        /// INTEGER(MPI_OFFSET_KIND), read.
        Offset: *const MPI_Offset => MPI_Offset, |x| *x;
        /// INTEGER array, read.
        Ints: *const c_int => *const c_int, |x| x;
        /// INTEGER, LOGICAL or an array of them, written.
        IntOut: *mut c_int => *mut c_int, |x| x;
        /// INTEGER(MPI_ADDRESS_KIND) array, read.
        Aints: *const MPI_Aint => *const MPI_Aint, |x| x;
        /// INTEGER(MPI_ADDRESS_KIND) or an array of them, written.
        AintOut: *mut MPI_Aint => *mut MPI_Aint, |x| x;
        /// INTEGER(MPI_COUNT_KIND) array, read.
        Counts: *const MPI_Count => *const MPI_Count, |x| x;
        /// INTEGER(MPI_OFFSET_KIND), written.
        OffsetOut: *mut MPI_Offset => *mut MPI_Offset, |x| x;
        /// INTEGER(MPI_COUNT_KIND) or an array of them, written.
        CountOut: *mut MPI_Count => *mut MPI_Count, |x| x;
        /// `INTEGER(MPI_ADDRESS_KIND)` or `TYPE(C_PTR)`, written with an address.
        PointerOut: *mut c_void => *mut c_void, |x| x;
        /// A status, written unless it is MPI_STATUS_IGNORE.
        Status: *mut c_int => *mut MPI_Status, |x| sentinels::status(x);
        /// A status, read.
        StatusIn: *mut c_int => *const MPI_Status, |x| x.cast_const().cast();
        /// `INTEGER ranges(3, n)`, read.
        Ranges: *mut [c_int; 3] => *mut [c_int; 3], |x| x;
        /// Weights of a graph, read.
        Weights: *mut c_int => *const c_int, |x| sentinels::weights(x).cast_const();
        /// Weights of a graph, written.
        WeightsOut: *mut c_int => *mut c_int, |x| sentinels::weights(x);
    }
}
pub use kinds::*;

/// A handle, read.
pub struct In<H>(H);

impl<H: Handle> Argument for In<H> {
    type Raw = *const c_int;
    type Value = H;
    unsafe fn receive(raw: *const c_int, _length: usize) -> Self {
        // SAFETY: a readable INTEGER.
        In(H::from_fortran(unsafe { *raw }))
    }
    fn value(&mut self) -> H {
        self.0
    }
}

/// A handle that the call changes, or sets: what C left in it is written back.
pub struct Out<H> {
    to: *mut c_int,
    handle: H,
}

impl<H: Handle> Argument for Out<H> {
    type Raw = *mut c_int;
    type Value = *mut H;
    unsafe fn receive(raw: *mut c_int, _length: usize) -> Self {
        // SAFETY: a readable INTEGER, even if the program never set it.
        Out { to: raw, handle: H::from_fortran(unsafe { *raw }) }
    }
    fn value(&mut self) -> *mut H {
        &raw mut self.handle
    }
    unsafe fn give_back(self, _code: c_int, _length: usize) {
        // SAFETY: the INTEGER it was read from.
        unsafe { *self.to = self.handle.to_fortran() };
    }
}

/// An address that C returns and that only `mpi_f08` has a variable for.
pub struct PointerDropped(*mut c_void);

impl Argument for PointerDropped {
    type Raw = *mut c_void;
    type Value = *mut c_void;
    unsafe fn receive(_raw: *mut c_void, _length: usize) -> Self {
        PointerDropped(core::ptr::null_mut())
    }
    fn value(&mut self) -> *mut c_void {
        (&raw mut self.0).cast()
    }
}

/// Writes an error code, unless the program left the argument out (`mpi_f08`).
///
/// # Safety
/// `ierror` is null or a writable INTEGER.
pub unsafe fn give(ierror: *mut c_int, code: c_int) {
    if !ierror.is_null() {
        // SAFETY: promised by the caller.
        unsafe { *ierror = code };
    }
}
