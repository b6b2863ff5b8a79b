//! A send and a receive under one request (`MPI_Isendrecv`).

use super::{Outcome, Pending, Receive, Send, outcome};
use crate::Result;
use crate::abi::MPI_Status;
use crate::comm::Comm;
use crate::p2p::{self, Req, Watched};
use std::rc::Rc;

/// Both operations; the status is that of the receive.
pub struct Pair {
    receive: Req,
    send: Req,
    /// The status of a receive from `MPI_PROC_NULL`.
    nothing: Option<MPI_Status>,
    /// What is sent, when the program's buffer is received into.
    copy: Vec<u8>,
}

impl Pair {
    /// Starts the receive, then the send.
    ///
    /// # Safety
    /// Both buffers are valid until the request is complete, and disjoint; `send` may be from `copy`.
    pub unsafe fn start(send: &Send, receive: &Receive, copy: Vec<u8>) -> Result<Self> {
        // SAFETY: the caller's promise; the copy moves, its memory does not.
        let (receiving, sending) = unsafe { (receive.start()?, send.start()?) };
        let (receive, nothing) = match receiving {
            Pending::Active(req) => (req, None),
            Pending::Complete(status) => (Req::complete(), Some(status)),
            _ => (Req::complete(), None),
        };
        let send = if let Pending::Active(req) = sending { req } else { Req::complete() };
        Ok(Self { receive, send, nothing, copy })
    }

    /// Whether both operations are complete, as `is_done` says of each.
    pub fn is_done_by(&self, is_done: &dyn Fn(&Req) -> bool) -> bool {
        is_done(&self.receive) && is_done(&self.send)
    }

    /// Whether both operations are complete.
    pub fn is_done(&self) -> bool {
        self.is_done_by(&p2p::is_done)
    }

    /// Both operations, to wait for.
    pub fn watch(&self) -> [Watched; 2] {
        [self.receive.watch(), self.send.watch()]
    }

    /// Blocks until both operations are complete.
    pub fn wait(&self) -> Result<()> {
        p2p::wait_done(&self.receive)?;
        p2p::wait_done(&self.send)
    }

    /// The status of the receive once it is complete.
    pub fn status(&self) -> MPI_Status {
        self.nothing.unwrap_or_else(|| p2p::status(&self.receive))
    }

    /// How both ended, once they are complete.
    pub fn outcome(mut self, comm: Option<Rc<Comm>>) -> Outcome {
        let status = self.status();
        let mut take = |req: fn(&mut Self) -> &mut Req| std::mem::replace(req(&mut self), Req::complete());
        let (receive, send) = (take(|pair| &mut pair.receive), take(|pair| &mut pair.send));
        let received = outcome(receive, comm);
        let sent = outcome(send, None);
        Outcome { status, error: received.error.or(sent.error), ..received }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // A request that the program freed goes on: what it sends must stay.
        if !p2p::is_done(&self.send) {
            std::mem::forget(std::mem::take(&mut self.copy));
        }
    }
}
