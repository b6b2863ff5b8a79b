//! Reduction operations (MPI 5.0, section 6.9): predefined ones as loops compiled for each element type, and the program's own.

mod dispatch;
mod loops;
mod number;
mod table;
mod user;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::abi::*;
use crate::datatype::{Datatype, Packer};
use crate::error::{MpiError, Result, err};

pub use table::{free, get, in_use, insert};
pub use user::{Function, UserOp};

/// An operation. Clones share it.
#[derive(Clone)]
pub struct Op(Form);

#[derive(Clone)]
enum Form {
    Predefined(MPI_Op),
    User(Arc<UserOp>),
}

/// `inout[i] = in[i] op inout[i]` for so many elements.
type Kernel = unsafe fn(input: *const u8, inout: *mut u8, count: usize);

impl Op {
    /// A user-defined operation.
    pub fn user(op: UserOp) -> Self {
        Self(Form::User(Arc::new(op)))
    }

    /// Whether operands may be exchanged.
    pub fn is_commutative(&self) -> bool {
        match &self.0 {
            Form::Predefined(op) => !matches!(*op, MPI_REPLACE | MPI_NO_OP),
            Form::User(op) => op.commutative,
        }
    }

    /// Whether it is predefined.
    pub fn is_predefined(&self) -> bool {
        matches!(self.0, Form::Predefined(_))
    }

    /// The handle of a predefined operation.
    pub fn predefined(&self) -> Option<MPI_Op> {
        match &self.0 {
            Form::Predefined(op) => Some(*op),
            Form::User(_) => None,
        }
    }

    /// Name of a predefined operation.
    pub fn name(&self) -> &'static str {
        match &self.0 {
            Form::Predefined(op) => dispatch::name(*op),
            Form::User(_) => "a user-defined operation",
        }
    }

    /// Whether it may reduce elements of `dt`; `MPI_ERR_OP` with the reason if not.
    pub fn check(&self, dt: &Datatype) -> Result<()> {
        match &self.0 {
            Form::User(_) => Ok(()),
            Form::Predefined(MPI_REPLACE | MPI_NO_OP) => {
                err(MPI_ERR_OP, format!("{} is for one-sided communication only", self.name()))
            }
            Form::Predefined(op) => self.kernel(*op, dt).map(|_| ()),
        }
    }

    fn kernel(&self, op: MPI_Op, dt: &Datatype) -> Result<Kernel> {
        dt.element().and_then(|element| dispatch::kernel(op, element)).ok_or_else(|| self.mismatch(dt))
    }

    #[cold]
    fn mismatch(&self, dt: &Datatype) -> MpiError {
        let why = match dt.element() {
            Some(_) => "the standard does not define it for this type",
            None => "predefined operations take predefined types only; make an operation with MPI_Op_create",
        };
        MpiError::new(MPI_ERR_OP, format!("{} on {dt:?}: {why}", self.name()))
    }

    /// `inout[i] = in[i] op inout[i]` for `count` elements of `dt`.
    ///
    /// A user function runs with no borrow of the library's state held, so it may call MPI.
    ///
    /// # Safety
    /// 1. `input` and `inout` are buffers of `count` elements of `dt`, valid for reading and, `inout`, for writing.
    /// 2. They do not overlap.
    pub unsafe fn apply(&self, input: *const u8, inout: *mut u8, count: usize, dt: &Datatype) -> Result<()> {
        match &self.0 {
            // SAFETY: promised by the caller.
            Form::User(op) => unsafe { op.apply(input, inout, count, dt) },
            Form::Predefined(MPI_NO_OP) => Ok(()),
            // SAFETY: promised by the caller.
            Form::Predefined(MPI_REPLACE) => unsafe { replace(input, inout, count, dt) },
            Form::Predefined(op) => {
                let kernel = self.kernel(*op, dt)?;
                // SAFETY: promised by the caller; the kernel is for this element type.
                unsafe { kernel(input, inout, count) };
                Ok(())
            }
        }
    }
}

/// Copies elements of any type, gaps left alone.
///
/// # Safety
/// As [`Op::apply`].
unsafe fn replace(input: *const u8, inout: *mut u8, count: usize, dt: &Datatype) -> Result<()> {
    dt.packed_size(count)?;
    // SAFETY: both buffers hold `count` elements and do not overlap.
    let mut from = unsafe { Packer::new(dt, count, input.cast_mut()) };
    let offset = inout.wrapping_sub(input as usize) as isize;
    while let Some((run, len)) = from.next_run(usize::MAX) {
        // SAFETY: the same run of the other buffer is as valid.
        unsafe { run.wrapping_offset(offset).copy_from_nonoverlapping(run, len) };
    }
    Ok(())
}
