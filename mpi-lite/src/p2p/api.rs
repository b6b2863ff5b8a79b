//! The operations that collectives and the C functions build on.

use crate::Result;
use crate::abi::MPI_Status;
use crate::datatype::Datatype;

/// A process, seen from a communicator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Rank in the communicator: what matching compares.
    pub rank: i32,
    /// Rank in `MPI_COMM_WORLD`: where to send.
    pub world: u32,
}

/// From whom a receive takes messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// `MPI_ANY_SOURCE`.
    Any,
    /// One process.
    Rank(Peer),
}

/// The four send modes (MPI 5.0, section 3.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SendMode {
    /// Completes when the buffer may be reused.
    Standard,
    /// Completes when the receive has matched, too.
    Synchronous,
    /// The receive is posted already, says the caller.
    Ready,
    /// Takes a copy into the attached buffer.
    Buffered,
}

/// An operation under way. Dropping it unwaited is `MPI_Request_free`: the operation completes by itself.
#[must_use]
pub struct Req(#[allow(dead_code, reason = "filled next")] u64);

/// Starts a send of `count` elements of `dt` to `dest` in context `ctx` by rank `me` of the communicator.
///
/// # Safety
/// `buf` must be readable for that many elements until the request completes.
pub unsafe fn isend(
    ctx: u32,
    buf: *const u8,
    count: usize,
    dt: &Datatype,
    dest: Peer,
    me: i32,
    tag: i32,
    mode: SendMode,
) -> Result<Req> {
    let _ = (ctx, buf, count, dt, dest, me, tag, mode);
    Ok(Req(0))
}

/// Starts a receive of at most `count` elements of `dt` in context `ctx`; `tag` is `None` for `MPI_ANY_TAG`.
///
/// # Safety
/// `buf` must be writable for that many elements until the request completes.
pub unsafe fn irecv(
    ctx: u32,
    buf: *mut u8,
    count: usize,
    dt: &Datatype,
    source: Source,
    tag: Option<i32>,
) -> Result<Req> {
    let _ = (ctx, buf, count, dt, source, tag);
    Ok(Req(0))
}

/// Completes `req`, blocking until it is done. The status holds source (rank in the communicator), tag and bytes.
pub fn wait(req: Req) -> Result<MPI_Status> {
    let _ = req;
    Ok(MPI_Status::EMPTY)
}

/// Completes all of `reqs`; the first error is returned after all are done.
pub fn wait_all(reqs: impl IntoIterator<Item = Req>) -> Result<()> {
    let mut first = Ok(());
    for req in reqs {
        let done = wait(req).map(|_| ());
        first = first.and(done);
    }
    first
}

/// Whether `req` is done, after some progress; [`wait`] then returns at once.
pub fn test(req: &Req) -> bool {
    let _ = req;
    true
}

/// Blocking standard send.
///
/// # Safety
/// As [`isend`].
pub unsafe fn send(
    ctx: u32,
    buf: *const u8,
    count: usize,
    dt: &Datatype,
    dest: Peer,
    me: i32,
    tag: i32,
) -> Result<()> {
    // SAFETY: the caller's promise; the request is complete before this returns.
    let req = unsafe { isend(ctx, buf, count, dt, dest, me, tag, SendMode::Standard)? };
    wait(req).map(|_| ())
}

/// Blocking receive.
///
/// # Safety
/// As [`irecv`].
pub unsafe fn recv(
    ctx: u32,
    buf: *mut u8,
    count: usize,
    dt: &Datatype,
    source: Source,
    tag: Option<i32>,
) -> Result<MPI_Status> {
    // SAFETY: the caller's promise; the request is complete before this returns.
    let req = unsafe { irecv(ctx, buf, count, dt, source, tag)? };
    wait(req)
}

/// Looks for a message without receiving it, after some progress.
pub fn iprobe(ctx: u32, source: Source, tag: Option<i32>) -> Result<Option<MPI_Status>> {
    let _ = (ctx, source, tag);
    Ok(None)
}

/// Lets the transport work; never blocks.
pub fn progress() {}

/// Lets the transport work, and sleeps until there is something to do if there was nothing.
pub fn progress_blocking() {}
