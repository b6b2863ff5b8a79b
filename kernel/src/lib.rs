//! Library OS that boots an MPI program as a virtual machine.
//!
//! # Theory
//!
//! The kernel is linked into the program's image and shares its one, identity-mapped address space: guest virtual,
//! guest physical and DMA address are the same number. Everything, the kernel included, runs at **ring 3**. Ring 0 holds
//! only the **gate** (`arch/gate.s`), integer assembly that counts interrupts, turns exceptions into calls of a ring-3
//! handler, halts, and does the few privileged operations [`gate`] names. A system call is handled at ring 3 on the
//! kernel's own stack.
//!
//! The kernel runs on one processor at a time ([`klock`]), for one thread at a time, and is left in the middle only where it
//! waits ([`irq::wait_until`], [`thread::sched::park`]). Interrupts run no Rust code while it runs, they only count
//! ([`irq`]). So nothing here is ever re-entered unasked, and [`cell::KernelCell`] holds its state.
//!
//! # Where things are
//!
//! | module | question it answers |
//! |---|---|
//! | [`boot`], [`pvh`], [`bootconfig`], [`stages`] | how a VM gets from QEMU to the program |
//! | [`gate`], [`irq`], [`lapic`], [`time`], [`vdso`] | what needs ring 0, what wakes the rank, what time is it |
//! | [`mm`], [`user`] | which memory is whose, mapped how; may a system call touch this pointer |
//! | [`cpu`], [`smp`], [`klock`] | which processors there are, how they keep out of each other's way |
//! | [`thread`] | which thread runs where, and when |
//! | [`sys`], [`signal`] | the Linux system calls |
//! | [`timers`], [`cputime`] | what happens at a time; how long the program has run |
//! | [`fault`] | what went wrong, in words, and where |
//! | [`profile`] | where the program spends its time |
//! | [`process`], [`vm`] | start and end of the program; what it may call directly |
//! | [`log`] | how the host hears of it |
#![cfg_attr(not(test), no_std)]

extern crate alloc;

#[macro_use]
pub mod log;

#[cfg_attr(test, path = "arch/fake.rs")]
mod arch;
pub mod boot;
pub mod bootconfig;
pub mod cell;
pub mod console;
pub mod cpu;
pub mod cputime;
pub mod devices;
pub mod errno;
pub mod fault;
pub mod fs;
pub mod gate;
pub mod hca_dev;
pub mod irq;
pub mod klock;
pub mod lapic;
pub mod mm;
pub mod net;
#[cfg(not(test))]
mod panic;
pub mod pci;
pub mod process;
pub mod profile;
pub mod pvh;
pub mod random;
pub mod regs;
pub mod shared;
pub mod signal;
pub mod smp;
pub mod stages;
pub mod sys;
pub mod thread;
pub mod time;
pub mod timers;
pub mod user;
pub mod vdso;
pub mod virtio;
pub mod vm;
