//! Which buffers do the program's operations use that are under way? See [`crate::check::overlap`].

use super::super::buffer::Buffer;
use super::super::request::Asked;
use super::super::slab::Slab;
use super::{Core, Request};
use crate::abi::MPI_ERR_BUFFER;
use crate::check::overlap::Span;
use crate::check::{self, Level};
use crate::comm;
use crate::error::{MpiError, Result};

impl Core {
    /// A receive has found no message: its buffer is in use from here on. Fails if something uses it already.
    #[inline]
    pub(super) fn check_receive(&mut self, buffer: &Buffer, asked: &Asked) -> Result<()> {
        let level = check::level();
        if level == Level::Off {
            return Ok(());
        }
        let next = (self.requests.next(), self.next_generation());
        let Some(span) = span(next, buffer, asked) else { return Ok(()) };
        let requests = &self.requests;
        let found = self.spans.receive(span, level == Level::Strict, |span| is_live(requests, span));
        found.map_or(Ok(()), |other| Err(self.overlap(span, false, asked, other)))
    }

    /// A send cannot be done at once: is its buffer received into?
    pub(super) fn check_send(&mut self, request: u32) -> Result<()> {
        let level = check::level();
        if level == Level::Off {
            return Ok(());
        }
        let Some(entry) = self.requests.get(request) else { return Ok(()) };
        let Some(span) = entry.span(request) else { return Ok(()) };
        let requests = &self.requests;
        let found = self.spans.sends(&span, level == Level::Strict, |span| is_live(requests, span));
        found.map_or(Ok(()), |other| Err(self.overlap(span, true, &entry.asked, other)))
    }

    /// A send is not done yet: its buffer is in use.
    pub(super) fn note_send(&mut self, request: u32) {
        if check::level() == Level::Off || self.is_done(request) {
            return;
        }
        let requests = &self.requests;
        if let Some(span) = requests.get(request).and_then(|entry| entry.span(request)) {
            self.spans.add_send(span, |span| is_live(requests, span));
        }
    }

    #[cold]
    fn overlap(&self, span: Span, send: bool, asked: &Asked, other: Span) -> MpiError {
        let describe =
            |send: bool, asked: &Asked| (if send { "send" } else { "receive" }, asked.describe(send));
        let (what, whom) = describe(send, asked);
        let request = self.requests.get(other.request.0);
        let (kind, with) =
            request.map_or(("operation", String::new()), |request| describe(request.send, &request.asked));
        let text = format!(
            "the buffer of the {what} {whom} ({} bytes at {:#x}) overlaps that of the {kind} {with} ({} bytes at {:#x}), which is not complete",
            span.end - span.start,
            span.start,
            other.end - other.start,
            other.start,
        );
        MpiError::new(MPI_ERR_BUFFER, text)
    }
}

/// The buffer of an operation of the program, if it is contiguous. `request` is its number and generation.
#[inline]
fn span(request: (u32, u32), buffer: &Buffer, asked: &Asked) -> Option<Span> {
    match *buffer {
        Buffer::Bytes { at, len } if !comm::is_collective(asked.context) => {
            let start = at as usize;
            Some(Span { start, end: start + len, request })
        }
        _ => None,
    }
}

impl Request {
    fn span(&self, number: u32) -> Option<Span> {
        span((number, self.generation), &self.buffer, &self.asked)
    }
}

#[inline]
fn is_live(requests: &Slab<Request>, span: &Span) -> bool {
    let (request, generation) = span.request;
    requests.get(request).is_some_and(|request| request.generation == generation && !request.is_done())
}
