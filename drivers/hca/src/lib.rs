//! Guest data path of the HCA and the formats guest and host share.
//!
//! Two groups of modules:
//!
//! - **Formats**, used by both sides. Each has a byte view and a checked representation; decoding never panics,
//!   whatever the bytes. [`region`], [`command`] and [`event`] are unirank's own (little-endian, versioned by
//!   [`region::VERSION`]); [`wqe`], [`cqe`], [`srq_wqe`] and [`dbrec`] are those of the mlx5 adapters (big-endian,
//!   as in rdma-core's `mlx5dv.h`, against which `layout-tests` checks them).
//! - **Driver**, used by the guest: [`Device`], [`QueuePair`], [`CompletionQueue`], [`SharedReceiveQueue`] over a
//!   [`Platform`]. Posting, ringing and polling are loads and stores: no system call, no lock, no allocation.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod access;
mod bytes;
pub mod command;
pub mod cqe;
pub mod dbrec;
mod driver;
pub mod event;
pub mod limits;
pub mod num;
pub mod platform;
pub mod postmortem;
pub mod profile;
pub mod ram;
pub mod region;
pub mod srq_wqe;
pub mod vm;
pub mod wqe;

pub use access::Access;
pub use driver::{
    Completion, CompletionKind, CompletionQueue, Device, Error, Failure, MemoryRegion, PostError,
    ProtectionDomain, QpInit, QueuePair, SendRequest, Sge, SharedReceiveQueue,
};
pub use event::Event;
pub use limits::Limits;
pub use num::{CqNum, GuestAddr, Lkey, PdNum, QpNum, Rank, Rkey, Service, SrqNum};
pub use platform::Platform;
