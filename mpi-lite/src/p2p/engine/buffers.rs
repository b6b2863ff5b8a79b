//! Which buffers do the program's operations use that are under way? See [`crate::check::overlap`].

use super::super::buffer::Buffer;
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
    pub(super) fn check_receive(&mut self, request: u32) -> Result<()> {
        let level = check::level();
        if level == Level::Off {
            return Ok(());
        }
        let Some(span) = self.span(request) else { return Ok(()) };
        let requests = &self.requests;
        let found = self.spans.receive(span, level == Level::Strict, |span| is_live(requests, span));
        found.map_or(Ok(()), |other| Err(self.overlap(span, other)))
    }

    /// A send cannot be done at once: is its buffer received into?
    pub(super) fn check_send(&mut self, request: u32) -> Result<()> {
        let level = check::level();
        if level == Level::Off {
            return Ok(());
        }
        let Some(span) = self.span(request) else { return Ok(()) };
        let requests = &self.requests;
        let found = self.spans.sends(&span, level == Level::Strict, |span| is_live(requests, span));
        found.map_or(Ok(()), |other| Err(self.overlap(span, other)))
    }

    /// A send is not done yet: its buffer is in use.
    pub(super) fn note_send(&mut self, request: u32) {
        if check::level() == Level::Off || self.is_done(request) {
            return;
        }
        let requests = &self.requests;
        if let Some(span) = self.span(request) {
            self.spans.add_send(span, |span| is_live(requests, span));
        }
    }

    /// The contiguous buffer of an operation of the program.
    #[inline]
    fn span(&self, request: u32) -> Option<Span> {
        let Request { buffer, asked, generation, .. } = self.requests.get(request)?;
        match *buffer {
            Buffer::Bytes { at, len } if !comm::is_collective(asked.context) => {
                let start = at as usize;
                Some(Span { start, end: start + len, request: (request, *generation) })
            }
            _ => None,
        }
    }

    #[cold]
    fn overlap(&self, span: Span, other: Span) -> MpiError {
        let described = |span: Span| {
            let request = self.requests.get(span.request.0);
            request.map_or(("operation", String::new()), |request| {
                (if request.send { "send" } else { "receive" }, request.asked.describe(request.send))
            })
        };
        let ((what, whom), (kind, with)) = (described(span), described(other));
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

#[inline]
fn is_live(requests: &Slab<Request>, span: &Span) -> bool {
    let (request, generation) = span.request;
    requests.get(request).is_some_and(|request| request.generation == generation && !request.is_done())
}
