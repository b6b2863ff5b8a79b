//! Ranks' memory as the engine sees it.
//!
//! A VM's RAM file and a native rank's DMA arena are mapped; they are memory files sealed against shrinking,
//! so an access inside the mapping cannot fault. The rest of a native rank's address space is reached through
//! `process_vm_readv` and `process_vm_writev`. Nothing here trusts an address: [`Space`] answers for each
//! whether it lies in the rank's memory, and the contents may change under every read.

mod atomic;
mod mapping;
mod pin;
mod space;
mod transfer;

pub use atomic::update;
pub use mapping::{LARGE_PAGE, Mapping};
pub use pin::pin;
pub use space::Space;
pub use transfer::{Fault, Segment, View, transfer};
