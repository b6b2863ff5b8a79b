//! C functions for reduction operations.

use core::ffi::{c_int, c_void};

use super::types::{natural, store};
use crate::abi::*;
use crate::datatype;
use crate::error::{Result, err};
use crate::op::{self, Function, UserOp};
use crate::{handle, init, mpi_fn};

mpi_fn! {
    /// An operation out of a function of the program.
    fn MPI_Op_create(user_fn: MPI_User_function, commute: c_int, op: *mut MPI_Op) {
        // SAFETY: the program passes the address of its result.
        unsafe { create(user_fn.map(Function::C), commute, op) }
    }

    /// An operation out of a function of the program that takes large counts.
    fn MPI_Op_create_c(user_fn: MPI_User_function_c, commute: c_int, op: *mut MPI_Op) {
        // SAFETY: the program passes the address of its result.
        unsafe { create(user_fn.map(Function::Large), commute, op) }
    }

    /// Frees an operation of the program.
    fn MPI_Op_free(op: *mut MPI_Op) {
        if op.is_null() {
            return err(MPI_ERR_ARG, "the address of the operation is NULL");
        }
        // SAFETY: the program passes the address of its handle.
        unsafe {
            op::free(op.read())?;
            store(op, MPI_OP_NULL)
        }
    }

    /// Whether operands may be exchanged.
    fn MPI_Op_commutative(op: MPI_Op, commute: *mut c_int) {
        // SAFETY: the program passes the address of its result.
        unsafe { store(commute, op::get(op)?.is_commutative().into()) }
    }

    /// `inoutbuf[i] = inbuf[i] op inoutbuf[i]`, without communication.
    large fn MPI_Reduce_local, MPI_Reduce_local_c(
        inbuf: *const c_void, inoutbuf: *mut c_void, count: Count, datatype: MPI_Datatype, op: MPI_Op,
    ) {
        let (op, dt) = (op::get(op)?, datatype::get(datatype)?);
        let count = natural("count", count)? as usize;
        op.check(&dt)?;
        if count > 0 && std::ptr::eq(inbuf, inoutbuf) {
            return err(MPI_ERR_BUFFER, "inbuf and inoutbuf are the same");
        }
        if std::ptr::eq(inbuf, MPI_IN_PLACE) || std::ptr::eq(inoutbuf, MPI_IN_PLACE) {
            return err(MPI_ERR_BUFFER, "MPI_Reduce_local has no MPI_IN_PLACE");
        }
        // SAFETY: the program passes two buffers of `count` elements.
        unsafe { op.apply(inbuf.cast(), inoutbuf.cast(), count, &dt) }
    }

    /// The Fortran number of a handle.
    raw fn MPI_Op_toint(op: MPI_Op) -> c_int {
        handle::to_int(op.0)
    }

    /// The handle of a Fortran number.
    raw fn MPI_Op_fromint(op: c_int) -> MPI_Op {
        MPI_Op(handle::from_int(op))
    }

    /// The Fortran number of a handle.
    raw fn MPI_Op_c2f(op: MPI_Op) -> MPI_Fint {
        handle::to_int(op.0)
    }

    /// The handle of a Fortran number.
    raw fn MPI_Op_f2c(op: MPI_Fint) -> MPI_Op {
        MPI_Op(handle::from_int(op))
    }
}

/// # Safety
/// `op` is null or valid for writing.
unsafe fn create(function: Option<Function>, commute: c_int, op: *mut MPI_Op) -> Result<()> {
    init::require_running()?;
    let Some(function) = function else { return err(MPI_ERR_ARG, "user_fn is NULL") };
    let handle = op::insert(UserOp { function, commutative: commute != 0 })?;
    // SAFETY: promised by the caller.
    unsafe { store(op, handle) }
}
