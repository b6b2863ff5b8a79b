//! C functions for files (MPI 5.0, chapter 14).

pub mod access;
pub mod object;
pub mod open;
pub mod pointer;
pub mod view;
