//! Sends and receives that need no request: the data goes into the ring at once, or from the ring to its place.
//!
//! A blocking receive that finds no message waits with its arguments in [`Direct`]: it is the youngest posted receive, so a
//! message that no older one takes and that fits it is copied straight to its place.

use super::super::buffer::Buffer;
use super::super::header::{Header, Kind};
use super::super::matching::{Envelope, Pattern};
use super::super::peer::cost;
use super::{Core, Engine, truncated};
use crate::abi::MPI_Status;
use crate::error::{MpiError, Result};

/// How often a blocking receive looks before it becomes a request.
const LOOKS: u32 = 4000;

/// A blocking receive without a request.
pub struct Direct {
    pattern: Pattern,
    buffer: Buffer,
    outcome: Outcome,
}

/// What has become of it.
enum Outcome {
    /// No message yet.
    Waiting,
    /// It is complete.
    Done(MPI_Status, Option<MpiError>),
    /// A message was matched whose data has to be fetched, by this request.
    Request(u32),
}

impl Direct {
    /// Whether it takes the message.
    #[inline]
    pub fn accepts(&self, envelope: &Envelope) -> bool {
        matches!(self.outcome, Outcome::Waiting) && self.pattern.accepts(envelope)
    }

    /// Puts eager data to its place.
    #[inline]
    pub fn take(&mut self, envelope: &Envelope, data: &[u8]) {
        let capacity = self.buffer.size();
        let taken = capacity.min(data.len());
        self.buffer.write(0, &data[..taken]);
        let mut status =
            MPI_Status { MPI_SOURCE: envelope.source, MPI_TAG: envelope.tag, ..MPI_Status::EMPTY };
        status.set_count_bytes(taken as u64);
        let mut error = None;
        if data.len() > capacity {
            let truncated = truncated(envelope, data.len() as u64, capacity);
            status.MPI_ERROR = truncated.class;
            error = Some(truncated);
        }
        self.outcome = Outcome::Done(status, error);
    }
}

impl Core {
    /// Makes the waiting direct receive a request, for a message whose data has to be fetched.
    pub(super) fn direct_request(&mut self) -> Option<u32> {
        let buffer = self.direct.as_mut()?.buffer.take();
        let request = self.new_request(buffer, false);
        if let Some(direct) = &mut self.direct {
            direct.outcome = Outcome::Request(request);
        }
        Some(request)
    }
}

impl Engine {
    /// Sends contiguous data into the ring at once, if there is one with room and nothing waits before it.
    #[inline]
    pub(super) fn send_at_once(&mut self, to: u32, envelope: &Envelope, at: *const u8, len: usize) -> bool {
        let core = &mut self.core;
        if to == core.rank || len > core.ring_eager {
            return false;
        }
        let Some(peer) = core.peers.get_mut(to as usize) else { return false };
        let cost = cost(len);
        if !peer.queue.is_empty() || cost > peer.credit {
            return false;
        }
        let Some(ivc) = self.links.ring(to) else { return false };
        let header =
            Header { envelope: *envelope, sequence: peer.next_out, ..Header::control(Kind::Eager, 0) };
        // SAFETY: the caller of the send keeps `len` bytes from `at` readable; `ring_eager` is what every ring takes.
        if !unsafe { ivc.try_bytes(to, &header, at, len) } {
            return false;
        }
        peer.next_out = peer.next_out.wrapping_add(1);
        peer.credit -= cost;
        self.links.count();
        crate::node::wake(to);
        true
    }

    /// Receives a message, blocking. The status, and the error if it was truncated.
    pub fn receive_blocking(
        &mut self,
        pattern: &Pattern,
        buffer: Buffer,
    ) -> Result<(MPI_Status, Option<MpiError>)> {
        if self.core.matcher.has_unexpected() && self.core.has(pattern) {
            let request = self.receive(pattern, buffer)?;
            return self.wait_and_finish(request);
        }
        self.core.direct = Some(Direct { pattern: *pattern, buffer, outcome: Outcome::Waiting });
        for _ in 0..LOOKS {
            let happened = self.progress().inspect_err(|_| self.core.direct = None)?;
            if happened {
                match self.core.direct.as_ref().map(|direct| &direct.outcome) {
                    Some(Outcome::Waiting) => {}
                    _ => break,
                }
            } else {
                std::hint::spin_loop();
            }
        }
        let Some(direct) = self.core.direct.take() else { return Ok((MPI_Status::EMPTY, None)) };
        match direct.outcome {
            Outcome::Done(status, error) => Ok((status, error)),
            Outcome::Request(request) => self.wait_and_finish(request),
            Outcome::Waiting => {
                let request = self.receive(pattern, direct.buffer)?;
                self.wait_and_finish(request)
            }
        }
    }

    fn wait_and_finish(&mut self, request: u32) -> Result<(MPI_Status, Option<MpiError>)> {
        self.wait(request)?;
        let status = self.request(request).map_or(MPI_Status::EMPTY, |request| request.status);
        Ok((status, self.finish(request).err()))
    }
}
