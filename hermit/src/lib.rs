//! The functions of the hermit-abi crate, so that an image can call its kernel without a trap and a program for the
//! target `x86_64-unknown-hermit` can become an image.
//!
//! # Theory
//!
//! Nothing is implemented twice: each function turns its arguments into those of a Linux system call, makes the call
//! ([`call`]) and turns the result back. In a VM the call jumps straight into the kernel, which shares the program's
//! ring and address space; the same image started as a Linux process executes `syscall` instead, so the functions work
//! there, too. What Linux leaves to its C library (threads, semaphores, a heap, names of hosts) is made here of system calls.
//!
//! Errors are negative error numbers, which are Linux's. Functions that return none leave it for `sys_errno`.
//!
//! # Where things are
//!
//! | module | question it answers |
//! |---|---|
//! | [`table`] | are these the crate's functions, all of them, with the crate's types |
//! | [`call`], [`error`] | how a call gets into the kernel, where its error is kept |
//! | [`memory`], [`heap`] | pages, and pieces of them |
//! | [`thread`], [`process`] | spawning, joining, blocking, priorities; the end of the program |
//! | [`futex`], [`semaphore`], [`queue`], [`lock`] | waiting for another thread |
//! | [`time`], [`entropy`] | clocks and sleep; random bytes |
//! | [`file`], [`status`], [`descriptor`] | files and folders by name, and what is open |
//! | [`socket`], [`names`] | the network: other numbers and layouts than Linux'; addresses of hosts and services |
//! | [`start`] | the entry of a program that has no C library |
#![cfg_attr(not(test), no_std)]

#[macro_use]
mod call;
mod descriptor;
mod entropy;
mod error;
mod file;
mod futex;
mod heap;
mod lock;
#[cfg(not(test))]
mod memfn;
mod memory;
mod names;
// One list of numbers for the kernel and its callers; these need a few of them.
#[allow(dead_code)]
#[path = "../../kernel/src/sys/nr.rs"]
mod nr;
#[cfg(not(test))]
mod panic;
mod process;
mod queue;
mod semaphore;
mod socket;
mod start;
mod status;
mod table;
mod thread;
mod time;
