//! Names and attributes that programs give to datatypes, by handle.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::lookup;
use crate::abi::MPI_Datatype;
use crate::attr::Attributes;
use crate::error::Result;
use crate::per_rank::per_rank;

/// What a program attached to a type.
#[derive(Default)]
pub struct Labels {
    /// From `MPI_Type_set_name`.
    pub name: RefCell<Option<String>>,
    /// From `MPI_Type_set_attr`.
    pub attributes: Attributes,
}

per_rank! { static LABELS: RefCell<BTreeMap<usize, Rc<Labels>>> = const { RefCell::new(BTreeMap::new()) }; }

/// The labels of a type, made when first asked for.
pub fn of(handle: MPI_Datatype) -> Result<Rc<Labels>> {
    lookup(handle)?;
    Ok(LABELS.with(|l| l.borrow_mut().entry(handle.0).or_default().clone()))
}

/// The labels of a type that has some.
pub fn existing(handle: MPI_Datatype) -> Option<Rc<Labels>> {
    LABELS.with(|l| l.borrow().get(&handle.0).cloned())
}

/// Calls `f` with the attributes of a type.
pub fn with_attributes<R>(handle: MPI_Datatype, f: impl FnOnce(&Attributes) -> R) -> Result<R> {
    Ok(f(&of(handle)?.attributes))
}

/// Copies the attributes of `old` to its duplicate `new`, as their copy functions say.
pub fn duplicate(old: MPI_Datatype, new: MPI_Datatype) -> Result<()> {
    let Some(labels) = existing(old) else { return Ok(()) };
    // No borrow is held while copy functions run: they may call MPI.
    let attributes = labels.attributes.duplicate(old.0)?;
    let copy = Rc::new(Labels { attributes, ..Labels::default() });
    LABELS.with(|l| l.borrow_mut().insert(new.0, copy));
    Ok(())
}

/// Deletes the attributes of a type that is about to be freed, by their delete functions, and forgets its name.
pub fn remove(handle: MPI_Datatype) -> Result<()> {
    let Some(labels) = existing(handle) else { return Ok(()) };
    labels.attributes.delete_all(handle.0)?;
    LABELS.with(|l| l.borrow_mut().remove(&handle.0));
    Ok(())
}
