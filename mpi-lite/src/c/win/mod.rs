//! C functions of one-sided communication (MPI 5.0, chapter 12).

pub mod accumulate;
pub mod create;
pub mod object;
pub mod sync;
pub mod transfer;
