//! Arrays of handles, whose INTEGERs become C handles for the call, and indices, which Fortran counts from 1.

use super::arguments::{Argument, Handle};
use crate::abi::MPI_UNDEFINED;
use core::ffi::c_int;

/// As many handles as usual calls have stay on the stack.
const FEW: usize = 16;

/// C handles of an array of INTEGERs.
enum Copies<H> {
    Few([H; FEW], usize),
    Many(Vec<H>),
}

impl<H: Handle> Copies<H> {
    /// # Safety
    /// `raw` has `n` elements.
    unsafe fn of(raw: *const c_int, n: usize) -> Self {
        // SAFETY: promised by the caller.
        let handle = |i: usize| unsafe { H::from_fortran(*raw.add(i)) };
        if n > FEW {
            return Self::Many((0..n).map(handle).collect());
        }
        let mut few = [H::from_fortran(0); FEW];
        few.iter_mut().take(n).enumerate().for_each(|(i, to)| *to = handle(i));
        Self::Few(few, n)
    }

    fn slice(&mut self) -> &mut [H] {
        match self {
            Self::Few(few, n) => &mut few[..*n],
            Self::Many(many) => many,
        }
    }
}

/// An array of handles, read.
pub struct Handles<H>(Copies<H>);

impl<H: Handle> Argument for Handles<H> {
    type Raw = *const c_int;
    type Value = *const H;
    unsafe fn receive(raw: *const c_int, length: usize) -> Self {
        // SAFETY: the length that the interface asks for.
        Handles(unsafe { Copies::of(raw, length) })
    }
    fn value(&mut self) -> *const H {
        self.0.slice().as_ptr()
    }
}

/// An array of handles that the call changes, or sets.
pub struct HandlesOut<H> {
    to: *mut c_int,
    copies: Copies<H>,
}

impl<H: Handle> Argument for HandlesOut<H> {
    type Raw = *mut c_int;
    type Value = *mut H;
    unsafe fn receive(raw: *mut c_int, length: usize) -> Self {
        // SAFETY: the length that the interface asks for; elements may be unset.
        HandlesOut { to: raw, copies: unsafe { Copies::of(raw, length) } }
    }
    fn value(&mut self) -> *mut H {
        self.copies.slice().as_mut_ptr()
    }
    unsafe fn give_back(mut self, _code: c_int, _length: usize) {
        for (i, handle) in self.copies.slice().iter().enumerate() {
            // SAFETY: the array that it was read from.
            unsafe { *self.to.add(i) = handle.to_fortran() };
        }
    }
}

/// An index of an array, written.
pub struct Index {
    to: *mut c_int,
    index: c_int,
}

impl Argument for Index {
    type Raw = *mut c_int;
    type Value = *mut c_int;
    unsafe fn receive(raw: *mut c_int, _length: usize) -> Self {
        Index { to: raw, index: MPI_UNDEFINED }
    }
    fn value(&mut self) -> *mut c_int {
        &raw mut self.index
    }
    unsafe fn give_back(self, _code: c_int, _length: usize) {
        // SAFETY: a writable INTEGER.
        unsafe { *self.to = if self.index == MPI_UNDEFINED { MPI_UNDEFINED } else { self.index + 1 } };
    }
}

/// Indices of an array, written; how many, is a result as well.
pub struct Indices(*mut c_int);

impl Argument for Indices {
    type Raw = *mut c_int;
    type Value = *mut c_int;
    unsafe fn receive(raw: *mut c_int, _length: usize) -> Self {
        Indices(raw)
    }
    fn value(&mut self) -> *mut c_int {
        self.0
    }
    unsafe fn give_back(self, code: c_int, length: usize) {
        // An error in a status counts the indices, too; other errors leave the number as it was.
        if matches!(code, crate::abi::MPI_SUCCESS | crate::abi::MPI_ERR_IN_STATUS) {
            // SAFETY: the C function wrote that many.
            (0..length).for_each(|i| unsafe { *self.0.add(i) += 1 });
        }
    }
}
