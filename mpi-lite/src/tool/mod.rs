//! What tools can see and set (MPI 5.0, chapter 15): control variables, performance variables, and their categories.
//!
//! | file | question |
//! |---|---|
//! | [`cvars`] | which knobs does the library have, and which can be turned now? |
//! | [`pvars`] | what does it count, and what has a session seen of that? |
//! | [`enums`] | what do the numbers of a choice mean? |
//! | [`categories`] | what belongs together? |
//!
//! There are no events and no sources of events. Handles are numbers that no other handle had before.

pub mod categories;
pub mod cvars;
pub mod enums;
pub mod pvars;
#[cfg(test)]
mod tests;

use crate::abi::*;
use crate::per_rank::per_rank;
use std::cell::Cell;
use std::ffi::c_int;

/// The outcome of a function: an `MPI_T_ERR_*` code, which goes to no error handler.
pub type Result<T> = std::result::Result<T, c_int>;

per_rank! {
    /// How often the interface was initialised and not finalised.
    static USES: Cell<u32> = const { Cell::new(0) };
}
per_rank! {
    /// The last handle that was given.
    static LAST: Cell<usize> = const { Cell::new(0x1000) };
}

/// `MPI_T_init_thread`.
pub fn begin() {
    USES.with(|uses| uses.set(uses.get() + 1));
}

/// `MPI_T_finalize`.
pub fn end() -> Result<()> {
    require()?;
    USES.with(|uses| uses.set(uses.get() - 1));
    Ok(())
}

/// An error unless the interface is initialised.
pub fn require() -> Result<()> {
    if USES.with(Cell::get) > 0 { Ok(()) } else { Err(MPI_T_ERR_NOT_INITIALIZED) }
}

/// A new handle.
fn new_handle() -> usize {
    LAST.with(|last| {
        last.set(last.get() + 1);
        last.get()
    })
}

/// The element of an index that a tool gives.
fn at<T>(all: &[T], index: c_int) -> Result<&T> {
    usize::try_from(index).ok().and_then(|index| all.get(index)).ok_or(MPI_T_ERR_INVALID_INDEX)
}

/// A number of the library's, as wide as the variable's type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// `MPI_INT`.
    Int,
    /// `MPI_UNSIGNED_LONG_LONG`.
    Long,
}

impl Width {
    /// The datatype that tools are told.
    pub fn datatype(self) -> MPI_Datatype {
        match self {
            Self::Int => MPI_INT,
            Self::Long => MPI_UNSIGNED_LONG_LONG,
        }
    }
}
