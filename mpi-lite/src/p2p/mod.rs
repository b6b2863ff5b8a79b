//! Point-to-point messages: matching, protocols, progress.
//!
//! A message is named by `(context, source rank in the communicator, tag)`. Contexts are numbers that
//! [`crate::comm`] hands out, one for point-to-point and one for collectives per communicator. Ranks given to
//! this module come as [`Peer`]: the rank in the communicator, for matching, and in `MPI_COMM_WORLD`, for the way there.
//! `MPI_PROC_NULL` does not come down here, callers complete such operations themselves.
//!
//! Buffers are raw pointers: they must stay valid and, for receives, otherwise unused until the request is complete.

mod api;
pub mod background;
pub mod bsend;
pub mod buffer;
pub mod engine;
pub mod header;
pub mod held;
pub mod matching;
pub mod peer;
mod pieces;
pub mod remote;
pub mod request;
pub mod slab;
mod state;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
mod waiting;

pub use api::*;
pub use state::*;
pub use waiting::*;
