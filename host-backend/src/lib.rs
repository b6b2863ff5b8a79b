//! Host daemon: ivshmem server, soft RDMA engine, protection domains and keys.
//!
//! One daemon per user and host serves all jobs of that user. It is started on demand by the first
//! [`client::Client`] and leaves when it has been idle for a while. A job lives as long as the connection
//! of the runner that created it.
//!
//! | module | answers |
//! |---|---|
//! | [`client`] | how does the command reach the daemon |
//! | [`daemon`] | what does the daemon do with a request |
//! | [`rpc`] | what do the two say to each other |
//! | [`paths`] | where are socket, locks and log |
//! | [`ivshmem`] | how does QEMU get region and interrupts |
//! | [`memory`] | where is a rank's memory, and how are bytes moved |
//! | [`engine`] | how are work requests carried out |
//!
//! Theory of safety: whatever a guest can write is read once into private memory, checked there, and only
//! then used; the engine's tables are its own. Unsafe code is confined to `memory` (mappings and copies),
//! `engine::soft::ring` (queues in guest memory), `engine::soft::rank` (the device region) and
//! `engine::soft::thread` (scheduling attributes).

pub mod client;
pub mod daemon;
pub mod engine;
pub mod error;
pub mod ivshmem;
mod log_file;
pub mod memory;
pub mod paths;
pub mod rpc;

pub use error::{BackendError, Result};
