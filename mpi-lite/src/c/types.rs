//! C functions of the datatype chapter: constructors, inquiry, names and attributes, packing.

mod construct;
mod inspect;
mod labels;
mod mpi1;
mod pack;

pub use construct::*;
pub use inspect::*;
pub use labels::*;
pub use mpi1::*;
pub use pack::*;

use core::ffi::c_int;

use crate::abi::{MPI_Count, MPI_Datatype, MPI_ERR_ARG, MPI_ERR_COUNT, MPI_UNDEFINED};
use crate::datatype::body::Body;
use crate::datatype::{self, Datatype, Recipe};
use crate::error::{Result, err};
use crate::init;

/// The integer of a function that exists for `int` and for `MPI_Count`.
pub(super) trait Count: Copy {
    /// Whether this is the large variant.
    const LARGE: bool;
    /// As a wide integer.
    fn get(self) -> MPI_Count;
    /// As a result; what does not fit is `MPI_UNDEFINED`.
    fn put(value: MPI_Count) -> Self;
}

impl Count for c_int {
    const LARGE: bool = false;
    fn get(self) -> MPI_Count {
        self.into()
    }
    fn put(value: MPI_Count) -> Self {
        Self::try_from(value).unwrap_or(MPI_UNDEFINED)
    }
}

impl Count for MPI_Count {
    const LARGE: bool = true;
    fn get(self) -> MPI_Count {
        self
    }
    fn put(value: MPI_Count) -> Self {
        value
    }
}

/// `MPI_Aint`, in the large variants of whose functions `MPI_Count` stands.
impl Count for isize {
    const LARGE: bool = false;
    fn get(self) -> MPI_Count {
        self as MPI_Count
    }
    fn put(value: MPI_Count) -> Self {
        value as Self
    }
}

/// A number of elements, blocks or bytes.
pub(super) fn natural(what: &str, value: impl Count) -> Result<u64> {
    match u64::try_from(value.get()) {
        Ok(n) => Ok(n),
        Err(_) => err(MPI_ERR_COUNT, format!("{what} is {}, less than 0", value.get())),
    }
}

/// A list of lengths.
fn naturals(what: &str, values: &[MPI_Count]) -> Result<Vec<u64>> {
    let check = |(i, v): (usize, &MPI_Count)| match u64::try_from(*v) {
        Ok(n) => Ok(n),
        Err(_) => err(MPI_ERR_ARG, format!("{what}[{i}] is {v}, less than 0")),
    };
    values.iter().enumerate().map(check).collect()
}

/// Stores a result.
///
/// # Safety
/// `at` is null or valid for writing.
pub(super) unsafe fn store<T>(at: *mut T, value: T) -> Result<()> {
    if at.is_null() {
        return err(MPI_ERR_ARG, "the address of a result is NULL");
    }
    // SAFETY: promised by the caller.
    unsafe { at.write(value) };
    Ok(())
}

/// The list of `n` integers at `at`.
///
/// # Safety
/// `at` is null or the address of `n` integers.
unsafe fn list<T: Count>(what: &str, at: *const T, n: u64) -> Result<Vec<MPI_Count>> {
    if n == 0 {
        return Ok(Vec::new());
    }
    if at.is_null() {
        return err(MPI_ERR_ARG, format!("{what} is NULL"));
    }
    // SAFETY: promised by the caller.
    Ok(unsafe { std::slice::from_raw_parts(at, n as usize) }.iter().map(|v| v.get()).collect())
}

/// The recipe of a constructor whose count argument is given.
fn recipe<T: Count>(combiner: c_int, _count: T) -> Recipe {
    Recipe::new(combiner, T::LARGE)
}

/// Gives the program a new type.
///
/// # Safety
/// `newtype` is null or valid for writing.
unsafe fn made(newtype: *mut MPI_Datatype, body: Body, recipe: Recipe) -> Result<()> {
    init::require_running()?;
    if newtype.is_null() {
        return err(MPI_ERR_ARG, "newtype is NULL");
    }
    let handle = datatype::insert(Datatype::new(body, recipe))?;
    // SAFETY: promised by the caller.
    unsafe { store(newtype, handle) }
}
