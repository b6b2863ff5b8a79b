//! The table of requests: making them, naming them to other ranks, completing them, taking them out.

use super::super::buffer::Buffer;
use super::super::matching::Envelope;
use super::super::request::{Asked, Request, State};
use super::{Core, Engine};
use crate::abi::MPI_Status;
use crate::error::Result;
use crate::threads;

/// What [`Engine::collect`] found.
pub enum Collected {
    /// The request was complete without an error, and is gone.
    Well(MPI_Status),
    /// It is under way.
    NotYet,
    /// It has an error to tell.
    Failed,
}

impl Engine {
    /// The request of that number.
    pub fn request(&self, request: u32) -> Option<&Request> {
        self.core.requests.get(request)
    }

    /// Takes a complete request out and gives its outcome.
    pub fn finish(&mut self, request: u32) -> Result<MPI_Status> {
        let Some(entry) = self.core.requests.get_mut(request) else { return Ok(MPI_Status::EMPTY) };
        let outcome = entry.error.take().map_or(Ok(entry.status), |error| Err(*error));
        self.core.requests.discard(request);
        outcome
    }

    /// The same if it is complete and has no error to tell.
    #[inline]
    pub fn collect(&mut self, request: u32) -> Collected {
        let status = match self.core.requests.get(request) {
            None => return Collected::Well(MPI_Status::EMPTY),
            Some(entry) if !entry.is_done() => return Collected::NotYet,
            Some(entry) if entry.error.is_some() => return Collected::Failed,
            Some(entry) => entry.status,
        };
        self.core.requests.discard(request);
        Collected::Well(status)
    }

    /// Nobody will wait for the request: it completes by itself.
    pub fn detach(&mut self, request: u32) {
        let Some(entry) = self.core.requests.get_mut(request) else { return };
        if entry.is_done() {
            self.core.requests.remove(request);
        } else {
            entry.detached = true;
        }
    }
}

impl Core {
    pub(super) fn new_request(&mut self, buffer: Buffer, send: bool, asked: Asked) -> u32 {
        self.request_in(State::Queued, buffer, send, asked)
    }

    #[inline(always)]
    pub(super) fn request_in(&mut self, state: State, buffer: Buffer, send: bool, asked: Asked) -> u32 {
        self.generation = self.next_generation();
        self.requests.insert(Request {
            generation: self.generation,
            buffer,
            state,
            status: MPI_Status::EMPTY,
            error: None,
            detached: false,
            send,
            asked,
        })
    }

    /// That of the next request.
    #[inline]
    pub(super) fn next_generation(&self) -> u32 {
        self.generation.wrapping_add(1).max(1)
    }

    /// The name under which other ranks refer to a request.
    pub(super) fn token(&self, request: u32) -> u64 {
        let generation = self.requests.get(request).map_or(0, |entry| entry.generation);
        u64::from(generation) << 32 | u64::from(request)
    }

    /// The request that another rank refers to.
    pub(super) fn by_token(&mut self, token: u64) -> Option<(u32, &mut Request)> {
        let request = token as u32;
        let entry = self.requests.get_mut(request)?;
        (u64::from(entry.generation) == token >> 32).then_some((request, entry))
    }

    #[inline]
    pub(super) fn complete(&mut self, request: u32) {
        let Some(entry) = self.requests.get_mut(request) else { return };
        entry.advance(State::Done);
        threads::completed(request);
        if entry.detached {
            self.requests.remove(request);
        }
    }

    /// Sets what the receiver will be told; gives the bytes to take.
    pub(super) fn matched(&mut self, request: u32, envelope: &Envelope, size: u64) -> usize {
        self.requests.get_mut(request).map_or(0, |entry| entry.matched(envelope, size))
    }
}
