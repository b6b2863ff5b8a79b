//! MPI for C, Fortran and Rust over the HCA.
//!
//! Layers, top to bottom; each knows only those below it:
//!
//! | module | question it answers |
//! |---|---|
//! | [`c`], [`fortran`] | what does the caller's language see? |
//! | [`session`] | how does a program get communicators without `MPI_COMM_WORLD`? |
//! | [`coll`], [`topo`], [`comm`], [`group`], [`attr`], [`info`] | communicators and operations on them |
//! | [`file`] | where in a file is what a rank reads and writes, and how do ranks do it together? |
//! | [`win`] | what of another rank's memory may be used, when, and how? |
//! | [`partitioned`] | which part of a message has arrived? |
//! | [`p2p`], [`request`] | which message belongs to which receive, and when is it done? |
//! | [`fiber`] | how does an operation go on while the program does something else? |
//! | [`datatype`], [`op`] | how do bytes in memory become a message and back? |
//! | [`transport`] | how do bytes get to another rank? |
//! | [`threads`] | which thread is in MPI, and when may another one enter? |
//! | [`node`] | who is on this host, and what of theirs can be reached directly? |
//! | [`tool`] | what can tools see and set? |
//! | [`observe`] | what can the user see of all this: counters and a trace |
//! | [`check`] | which mistakes of the program are looked for, and when? |
//! | [`platform`] | where does this rank run: VM, native process, alone? |
//!
//! The library keeps one process-wide state, which one thread uses at a time: see [`threads`].
//!
//! Unsafe code is allowed here: the crate is a C library that works on the caller's pointers.

// The argument-substituting macro of `c` walks argument lists token by token.
#![recursion_limit = "512"]
// MPI gives its functions many arguments, and every C entry is unsafe for the same reason: it trusts the
// caller's pointers, as the MPI standard words it for each argument.
#![allow(clippy::too_many_arguments, clippy::missing_safety_doc)]

pub mod abi;
pub mod attr;
pub mod c;
pub mod check;
pub mod coll;
pub mod comm;
pub mod datatype;
pub mod errhandler;
pub mod error;
pub mod fiber;
pub mod file;
pub mod fortran;
pub mod group;
pub mod handle;
pub mod info;
pub mod init;
pub mod node;
pub mod observe;
pub mod op;
pub mod p2p;
pub mod partitioned;
mod per_rank;
pub mod platform;
pub mod request;
pub mod session;
pub mod threads;
pub mod tool;
pub mod topo;
pub mod transport;
pub mod win;

pub use error::{MpiError, Result};
