//! MPI for C, Fortran and Rust over the HCA.

pub mod abi;
