//! The MPI 5.0 standard ABI (MPI 5.0, chapter 20 and annex A): C types, handles and constants under their MPI names.
//!
//! Everything here is fixed by the standard; `include/mpi.h` says the same in C and a test compares the two.
//! Handles are pointer-sized. Predefined handles are small integers below [`PREDEFINED_END`], so that a
//! table finds their object; the handles of user-created objects are whatever the owning module makes of
//! them (an address or a table index at or above that bound).
#![allow(missing_docs, reason = "names and meanings are those of the MPI standard")]
#![allow(non_camel_case_types, reason = "types carry their MPI names")]

mod arguments;
mod attributes;
pub mod callbacks;
mod datatypes;
mod errors;
mod handles;
mod limits;
mod modes;
mod ops;
mod status;
#[cfg(test)]
mod tests;
mod tool;

pub use arguments::*;
pub use attributes::*;
pub use callbacks::*;
pub use datatypes::*;
pub use errors::*;
pub use handles::*;
pub use limits::*;
pub use modes::*;
pub use ops::*;
pub use status::*;
pub use tool::*;

/// An address or a difference of addresses (`intptr_t`).
pub type MPI_Aint = isize;
/// A file offset.
pub type MPI_Offset = i64;
/// Holds any `int`, `MPI_Aint` and `MPI_Offset`.
pub type MPI_Count = i64;
/// A Fortran INTEGER as gfortran has it by default (extension block of our header).
pub type MPI_Fint = core::ffi::c_int;

/// Defines constants of one C type and, for the tests, a table of their names and values.
macro_rules! constants {
    ($table:ident: $ty:ty { $($name:ident = $value:expr;)* }) => {
        $(pub const $name: $ty = $value;)*
        #[cfg(test)]
        pub(crate) const $table: &[(&str, i64)] = &[$((stringify!($name), $value as i64)),*];
    };
}

/// As [`constants!`] for handles: `$make` is the newtype's constructor.
macro_rules! handle_constants {
    ($table:ident: $ty:ident { $($name:ident = $value:expr;)* }) => {
        $(pub const $name: $ty = $ty($value);)*
        #[cfg(test)]
        pub(crate) const $table: &[(&str, i64)] = &[$((stringify!($name), $value as i64)),*];
    };
}

use constants;
use handle_constants;

constants!(VERSIONS: core::ffi::c_int {
    MPI_VERSION = 5;
    MPI_SUBVERSION = 0;
    MPI_ABI_VERSION = 1;
    MPI_ABI_SUBVERSION = 0;
});
