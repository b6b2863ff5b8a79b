//! Datatype handles.

use std::cell::RefCell;

use super::{Datatype, Ref, predefined};
use crate::abi::{MPI_DATATYPE_NULL, MPI_Datatype, MPI_ERR_TYPE};
use crate::error::{MpiError, Result};
use crate::handle::{Kind, Table};
use crate::per_rank::per_rank;

per_rank! { static TYPES: RefCell<Table<Datatype>> = RefCell::new(Table::new(Kind::Datatype)); }

/// The committed type of a handle, for communication.
#[inline]
pub fn get(handle: MPI_Datatype) -> Result<Datatype> {
    if let Some(inner) = predefined::get(handle) {
        return Ok(Datatype(Ref::Predefined(inner)));
    }
    let dt = lookup(handle)?;
    if !dt.is_committed() {
        return Err(MpiError::new(MPI_ERR_TYPE, "the datatype is not committed: call MPI_Type_commit first"));
    }
    Ok(dt)
}

/// The type of a handle, committed or not.
pub fn lookup(handle: MPI_Datatype) -> Result<Datatype> {
    if let Some(inner) = predefined::get(handle) {
        return Ok(Datatype(Ref::Predefined(inner)));
    }
    TYPES.with(|types| types.borrow().get(handle.0).cloned()).ok_or_else(|| unknown(handle))
}

#[cold]
fn unknown(handle: MPI_Datatype) -> MpiError {
    let text = match handle {
        MPI_DATATYPE_NULL => "the datatype is MPI_DATATYPE_NULL".to_owned(),
        MPI_Datatype(n) => format!("{n:#x} is no datatype (never made, or freed)"),
    };
    MpiError::new(MPI_ERR_TYPE, text)
}

/// A handle for `dt`: its own if it is predefined, else a new one, to be freed by the program.
pub fn insert(dt: Datatype) -> Result<MPI_Datatype> {
    match dt.predefined_handle() {
        Some(handle) => Ok(handle),
        None => TYPES.with(|types| types.borrow_mut().insert(dt)).map(MPI_Datatype),
    }
}

/// Forgets a handle. The type lives on in pending communication and in types made of it.
pub fn free(handle: MPI_Datatype) -> Result<()> {
    if lookup(handle)?.is_permanent() {
        return Err(MpiError::new(MPI_ERR_TYPE, "a predefined datatype cannot be freed"));
    }
    let removed = TYPES.with(|types| types.borrow_mut().remove(handle.0));
    // Dropped here, outside the borrow: a type may own others.
    drop(removed);
    Ok(())
}
