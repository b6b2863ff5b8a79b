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
    pub(super) fn check_receive(&mut self, request: u32) -> Result<()> {
        let level = check::level();
        let Some((span, asked)) = self.span(request).filter(|_| level != Level::Off) else { return Ok(()) };
        let requests = &self.requests;
        let found = self.spans.receive(span, level == Level::Strict, |span| is_live(requests, span));
        found.map_or(Ok(()), |other| Err(self.overlap("receive", &asked, span, other)))
    }

    /// A send cannot be done at once: is its buffer received into?
    pub(super) fn check_send(&mut self, request: u32) -> Result<()> {
        let level = check::level();
        let Some((span, asked)) = self.span(request).filter(|_| level != Level::Off) else { return Ok(()) };
        let requests = &self.requests;
        let found = self.spans.sends(&span, |span| is_live(requests, span));
        found.map_or(Ok(()), |other| Err(self.overlap("send", &asked, span, other)))
    }

    /// A send is not done yet: its buffer is in use.
    pub(super) fn note_send(&mut self, request: u32) {
        let Some((span, _)) = self.span(request) else { return };
        let requests = &self.requests;
        if is_live(requests, &span) {
            self.spans.add_send(span, |span| is_live(requests, span));
        }
    }

    /// The contiguous buffer of an operation of the program.
    #[inline]
    fn span(&self, request: u32) -> Option<(Span, Asked)> {
        let Request { buffer, asked, generation, .. } = self.requests.get(request)?;
        match *buffer {
            Buffer::Bytes { at, len } if !comm::is_collective(asked.context) => {
                let start = at as usize;
                Some((Span { start, end: start + len, request: (request, *generation) }, *asked))
            }
            _ => None,
        }
    }

    #[cold]
    fn overlap(&self, what: &str, asked: &Asked, span: Span, other: Span) -> MpiError {
        let there = self.requests.get(other.request.0);
        let (kind, with) = there.map_or(("operation", String::new()), |request| {
            (if request.send { "send" } else { "receive" }, request.asked.describe(request.send))
        });
        let text = format!(
            "the buffer of the {what} {} ({} bytes at {:#x}) overlaps that of the {kind} {with} ({} bytes at {:#x}), which is not complete",
            asked.describe(what == "send"),
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
