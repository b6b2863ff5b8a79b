//! What a request may stand for beside one operation of the engine: a task of the program, a message in parts, a flush.

use crate::Result;
use crate::abi::{MPI_ERR_REQUEST, MPI_Status};
use crate::error::{MpiError, err};
use crate::p2p::Req;
use std::any::Any;

/// How the functions of requests see an activity. None of its methods is called while the table of requests is in use.
pub trait Activity: Any {
    /// Whether it is persistent and not started: completion functions skip it.
    fn is_idle(&self) -> bool {
        false
    }

    /// Whether its handle outlives its completion.
    fn is_persistent(&self) -> bool {
        false
    }

    /// Whether it is complete. The engine is in use meanwhile; `is_done` tells of its requests.
    fn is_done(&self, is_done: &dyn Fn(&Req) -> bool) -> bool;

    /// The status, once it is complete; it stays.
    fn look(&self) -> Result<MPI_Status>;

    /// Ends it, once it is complete: the status, and the error if there is one.
    fn end(&self) -> (MPI_Status, Option<MpiError>);

    /// `MPI_Start`.
    fn start(&self) -> Result<()> {
        err(MPI_ERR_REQUEST, "the request is not persistent")
    }

    /// `MPI_Cancel`.
    fn cancel(&self) -> Result<()> {
        Ok(())
    }

    /// `MPI_Request_free`; false if its handle is needed until it is complete.
    fn free(&self) -> Result<bool>;
}
