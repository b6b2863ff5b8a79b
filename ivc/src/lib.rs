//! Inter-VM communication: what the ranks of a job on one host share, and how bytes move through it.
//!
//! | module | question it answers |
//! |---|---|
//! | [`layout`] | what lies where in the job region, and does this one fit us? |
//! | [`region`] | how do I reach a part of it? |
//! | [`heap`] | who gets which part of its heap? |
//! | [`ring`] | how does a message get from one rank to another? |
//! | [`segment`] | how do the members of a communicator exchange small data without messages? |
//! | [`desk`] | how do both ranks work on one large copy? |
//! | [`copy`] | how are large blocks copied? |
//! | [`page`] | what does each rank tell the others about itself? |
//! | [`counters`] | what does it count for the user? |
//! | [`trace`] | what does it record of its calls, and where? |
//!
//! # Terms
//! The *job region* is one file of shared memory per job and host: a PCI memory range in VMs, a mapping in native
//! processes. Ranks of a job trust each other with their data, but what is read from the region is still checked: a
//! rank that writes garbage ends its job with a message, and nothing outside of the region is read or written.
//!
//! Numbers in the region are little-endian, positions are byte offsets from its start. Everything is versioned by
//! [`layout::VERSION`].
#![no_std]

#[cfg(any(test, loom))]
extern crate std;

#[cfg(not(loom))]
pub mod copy;
pub mod counters;
pub mod desk;
pub mod heap;
pub mod layout;
pub mod page;
pub mod region;
pub mod ring;
pub mod segment;
mod sync;
pub mod trace;

pub use layout::{Layout, RegionError};
pub use region::JobRegion;
