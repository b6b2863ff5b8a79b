//! The Fortran bindings of MPI, made from the prototypes of `mpi.h`.
//!
//! Names, types and `const` of the C arguments tell nearly all about the Fortran procedure; [`kind`] has the rules and
//! the names that are an exception. From one description come
//!
//! | part | made by | used in |
//! |---|---|---|
//! | what `mpi_x_` does with its arguments before and after the C function | [`rust`] | `mpi-lite/build.rs` |
//! | interfaces of the modules `mpi` and `mpi_f08` | [`modules`] | the Makefile, through the program of this crate |
//! | constants of `mpi_f08` | [`constants`] | as above |
//!
//! [`coverage`] lists the functions for people.

#![forbid(unsafe_code)]

pub mod constants;
pub mod coverage;
pub mod header;
pub mod kind;
pub mod modules;
pub mod rust;

use std::path::{Path, PathBuf};

/// The folder of the MPI library, of which this crate's folder is part.
pub fn library() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file of the MPI library.
pub fn read(path: &str) -> String {
    let path = library().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The prototypes of `mpi.h`.
pub fn functions() -> Vec<header::Function> {
    header::parse(&read("include/mpi.h"))
}
