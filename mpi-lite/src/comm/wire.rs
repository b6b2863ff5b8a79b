//! How the messages of collectives travel: on the collective context of a communicator, through [`crate::p2p`].
//!
//! In unit tests of the layers above, each thread is a rank and messages go through the fake network instead.

use super::Comm;
use crate::datatype::Datatype;
use crate::error::Result;
use crate::p2p::{self, SendMode, Source};

/// An operation under way.
#[must_use]
pub struct Pending(Inner);

enum Inner {
    Real(p2p::Req),
    #[cfg(test)]
    Fake(super::fake::Pending),
}

/// Starts a send of `count` elements to a rank of `comm`.
///
/// # Safety
/// `buf` must be readable for that many elements until the operation is done.
pub unsafe fn start_send(
    comm: &Comm,
    to: usize,
    tag: i32,
    buf: *const u8,
    count: usize,
    dt: &Datatype,
) -> Result<Pending> {
    #[cfg(test)]
    if super::fake::active() {
        // SAFETY: the caller's promise.
        return unsafe { super::fake::start_send(comm, to, tag, buf, count, dt) }
            .map(|p| Pending(Inner::Fake(p)));
    }
    let (context, me) = (comm.collective_context(), comm.rank() as i32);
    // SAFETY: the caller's promise.
    let req = unsafe { p2p::isend(context, buf, count, dt, comm.member(to), me, tag, SendMode::Standard)? };
    Ok(Pending(Inner::Real(req)))
}

/// Starts a receive of at most `count` elements from a rank of `comm`.
///
/// # Safety
/// `buf` must be writable for that many elements until the operation is done.
pub unsafe fn start_receive(
    comm: &Comm,
    from: usize,
    tag: i32,
    buf: *mut u8,
    count: usize,
    dt: &Datatype,
) -> Result<Pending> {
    #[cfg(test)]
    if super::fake::active() {
        // SAFETY: the caller's promise.
        return unsafe { super::fake::start_receive(comm, from, tag, buf, count, dt) }
            .map(|p| Pending(Inner::Fake(p)));
    }
    let source = Source::Rank(comm.member(from));
    // SAFETY: the caller's promise.
    let req = unsafe { p2p::irecv(comm.collective_context(), buf, count, dt, source, Some(tag))? };
    Ok(Pending(Inner::Real(req)))
}

/// Completes an operation; for a receive, the number of bytes that came.
pub fn finish(pending: Pending) -> Result<usize> {
    match pending.0 {
        Inner::Real(req) => p2p::wait(req).map(|status| status.count_bytes() as usize),
        #[cfg(test)]
        Inner::Fake(pending) => super::fake::finish(pending),
    }
}

/// Completes all of them; the first error is returned when all are done.
pub fn finish_all(all: impl IntoIterator<Item = Pending>) -> Result<()> {
    let mut first = Ok(());
    for pending in all {
        let done = finish(pending).map(|_| ());
        first = first.and(done);
    }
    first
}

/// Sends bytes and waits until they may be reused.
pub fn send_bytes(comm: &Comm, to: usize, tag: i32, bytes: &[u8]) -> Result<()> {
    // SAFETY: the slice outlives the operation.
    let pending =
        unsafe { start_send(comm, to, tag, bytes.as_ptr(), bytes.len(), &crate::datatype::byte())? };
    finish(pending).map(|_| ())
}

/// Receives at most `bytes.len()` bytes; how many came.
pub fn receive_bytes(comm: &Comm, from: usize, tag: i32, bytes: &mut [u8]) -> Result<usize> {
    let byte = crate::datatype::byte();
    // SAFETY: the slice outlives the operation.
    finish(unsafe { start_receive(comm, from, tag, bytes.as_mut_ptr(), bytes.len(), &byte)? })
}
