//! Operation handles.

use std::cell::RefCell;

use super::{Form, Op, UserOp, dispatch};
use crate::abi::{MPI_ERR_OP, MPI_OP_NULL, MPI_Op};
use crate::error::{MpiError, Result, err};
use crate::handle::{Kind, Table};
use crate::per_rank::per_rank;

per_rank! { static OPS: RefCell<Table<Op>> = const { RefCell::new(Table::new(Kind::Op)) }; }

/// The operation of a handle.
#[inline]
pub fn get(handle: MPI_Op) -> Result<Op> {
    if dispatch::is_operation(handle) {
        return Ok(Op(Form::Predefined(handle)));
    }
    OPS.with(|ops| ops.borrow().get(handle.0).cloned()).ok_or_else(|| unknown(handle))
}

#[cold]
fn unknown(handle: MPI_Op) -> MpiError {
    let text = match handle {
        MPI_OP_NULL => "the operation is MPI_OP_NULL".to_owned(),
        MPI_Op(n) => format!("{n:#x} is no operation (never made, or freed)"),
    };
    MpiError::new(MPI_ERR_OP, text)
}

/// A handle for a user-defined operation.
pub fn insert(op: UserOp) -> Result<MPI_Op> {
    let op = Op::user(op);
    OPS.with(|ops| ops.borrow_mut().insert(op)).map(MPI_Op)
}

/// How many the program has not freed.
pub fn in_use() -> usize {
    OPS.with(|table| table.borrow().len())
}

/// Forgets a user-defined operation; pending reductions keep it.
pub fn free(handle: MPI_Op) -> Result<()> {
    if get(handle)?.is_predefined() {
        return err(MPI_ERR_OP, "a predefined operation cannot be freed");
    }
    let removed = OPS.with(|ops| ops.borrow_mut().remove(handle.0));
    drop(removed);
    Ok(())
}
