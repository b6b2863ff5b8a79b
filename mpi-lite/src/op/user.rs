//! Operations given by the program.

use core::ffi::{c_int, c_void};

use crate::abi::*;
use crate::datatype::{self, Datatype};
use crate::error::Result;

/// The program's function, in the calling convention of its language: in, inout, address of the length, address of the type.
#[derive(Clone, Copy)]
pub enum Function {
    /// `MPI_User_function`.
    C(unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_int, *mut MPI_Datatype)),
    /// `MPI_User_function_c`.
    Large(unsafe extern "C" fn(*mut c_void, *mut c_void, *mut MPI_Count, *mut MPI_Datatype)),
    /// A Fortran subroutine: length and type are INTEGERs.
    Fortran(unsafe extern "C" fn(*mut c_void, *mut c_void, *mut MPI_Fint, *mut MPI_Fint)),
    /// A Fortran subroutine whose length is INTEGER(MPI_COUNT_KIND).
    LargeFortran(unsafe extern "C" fn(*mut c_void, *mut c_void, *mut MPI_Count, *mut MPI_Fint)),
}

/// What `MPI_Op_create` makes.
pub struct UserOp {
    /// Called with pieces of the operands.
    pub function: Function,
    /// Whether operands may be exchanged.
    pub commutative: bool,
}

impl UserOp {
    /// Calls the function, for as many elements at once as its length argument can say.
    ///
    /// # Safety
    /// As [`super::Op::apply`]; the function does what it should.
    pub(super) unsafe fn apply(
        &self,
        input: *const u8,
        inout: *mut u8,
        count: usize,
        dt: &Datatype,
    ) -> Result<()> {
        datatype::with_handle(dt, |handle| {
            let most = match self.function {
                Function::Large(_) | Function::LargeFortran(_) => usize::MAX,
                _ => c_int::MAX as usize,
            };
            let mut done = 0;
            while done < count {
                let n = (count - done).min(most);
                let at = (done as isize).wrapping_mul(dt.extent());
                // SAFETY: `n` elements from number `done` on are part of both buffers.
                unsafe {
                    self.call(input.cast_mut().wrapping_offset(at), inout.wrapping_offset(at), n, handle)
                };
                done += n;
            }
        })
    }

    /// # Safety
    /// As [`Self::apply`]; `count` fits the function's length argument.
    unsafe fn call(&self, input: *mut u8, inout: *mut u8, count: usize, mut handle: MPI_Datatype) {
        let (input, inout) = (input.cast(), inout.cast());
        // SAFETY: promised by the caller; length and type are our own copies.
        unsafe {
            match self.function {
                Function::C(f) => f(input, inout, &mut (count as c_int), &mut handle),
                Function::Large(f) => f(input, inout, &mut (count as MPI_Count), &mut handle),
                Function::Fortran(f) => {
                    f(input, inout, &mut (count as MPI_Fint), &mut crate::handle::to_int(handle.0));
                }
                Function::LargeFortran(f) => {
                    f(input, inout, &mut (count as MPI_Count), &mut crate::handle::to_int(handle.0));
                }
            }
        }
    }
}
