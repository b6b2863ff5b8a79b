//! The guest's driver. One thread uses a device and its objects at a time.

mod command_client;
mod completion;
mod completion_queue;
mod device;
mod dma;
mod error;
mod event_queue;
mod qp_table;
mod queue_pair;
mod receive_queue;
mod send_queue;
mod send_request;
mod shared_receive_queue;

pub use completion::{Completion, CompletionKind, Failure};
pub use completion_queue::CompletionQueue;
pub use device::{Device, MemoryRegion, ProtectionDomain};
pub use error::{Error, PostError};
pub use queue_pair::{QpInit, QueuePair};
pub use send_request::{SendRequest, Sge};
pub use shared_receive_queue::SharedReceiveQueue;
