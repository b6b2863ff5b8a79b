//! Datatype handles.

use std::cell::RefCell;
use std::sync::atomic::Ordering::Relaxed;

use super::{Datatype, Ref, predefined};
use crate::abi::{MPI_DATATYPE_NULL, MPI_Datatype, MPI_ERR_TYPE};
use crate::check::TypeCode;
use crate::error::{MpiError, Result};
use crate::handle::{Kind, Table};
use crate::per_rank::per_rank;

per_rank! { static TYPES: RefCell<Table<Datatype>> = const { RefCell::new(Table::new(Kind::Datatype)) }; }

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

/// Bytes of an element of a predefined type without gaps, and what it is; none for any other.
#[inline]
pub fn dense(handle: MPI_Datatype) -> Option<(usize, TypeCode)> {
    let inner = predefined::get(handle)?;
    let size = inner.body.layout.size;
    (inner.dense && inner.extent == size as i64).then_some((size as usize, inner.code))
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

/// How many the program has not freed.
pub fn in_use() -> usize {
    TYPES.with(|types| types.borrow().iter().filter(|(_, dt)| !dt.is_permanent()).count())
}

/// A handle for `dt`: its own if it is predefined, else a new one, to be freed by the program.
pub fn insert(dt: Datatype) -> Result<MPI_Datatype> {
    match dt.predefined_handle() {
        Some(handle) => Ok(handle),
        None => {
            let handle = TYPES.with(|types| types.borrow_mut().insert(dt.clone()))?;
            // The first handle is the one that user functions see.
            let _ = dt.inner().handle.compare_exchange(MPI_DATATYPE_NULL.0, handle, Relaxed, Relaxed);
            Ok(MPI_Datatype(handle))
        }
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

/// Calls `f` with a handle of `dt`: the one the program knows if that still stands for it, else one for the time being.
/// No borrow is held while `f` runs.
pub fn with_handle(dt: &Datatype, f: impl FnOnce(MPI_Datatype)) -> Result<()> {
    let known = match dt.predefined_handle() {
        Some(handle) => handle,
        None => MPI_Datatype(dt.inner().handle.load(Relaxed)),
    };
    if lookup(known).is_ok_and(|found| found.same(dt)) {
        f(known);
        return Ok(());
    }
    let temporary = insert(dt.clone())?;
    f(temporary);
    let removed = TYPES.with(|types| types.borrow_mut().remove(temporary.0));
    drop(removed);
    Ok(())
}
