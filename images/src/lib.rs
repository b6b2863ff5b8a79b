//! Compiler wrappers, image checks and symbolisation.
//!
//! - [`elf`]: what makes a file an image of this unirank, and the refusals of those that are none.
//! - [`tree`]: a folder as the file tree an image carries.
//! - [`symbolize`]: addresses of a fault to functions, files and lines.
//! - [`wrapper`]: the logic of `mpicc`, `mpicxx` and `mpifort`.
//! - [`layout`]: where an installation keeps what is linked into images.

#![forbid(unsafe_code)]

pub mod elf;
pub mod layout;
pub mod symbolize;
pub mod tree;
pub mod wrapper;
