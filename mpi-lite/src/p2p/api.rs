//! The operations that collectives and the C functions build on, on this process's engine.

use super::buffer::Buffer;
pub use super::engine::Collected;
use super::engine::{Engine, EngineQuick, Started as EngineStarted, Taken};
use super::matching::{Envelope, Pattern};
use super::waiting::{progress, until, wait};
use super::{bsend, request};
use crate::Result;
use crate::abi::{MPI_ERR_OTHER, MPI_Status};
use crate::check::TypeCode;
use crate::datatype::Datatype;
use crate::error::{MpiError, err};
use crate::fiber;
use crate::per_rank::per_rank;
use std::cell::RefCell;

per_rank! { static ENGINE: RefCell<Option<Engine>> = RefCell::new(None); }

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
    /// Completes when the receiver has matched, too.
    Synchronous,
    /// The receive is posted already, says the caller.
    Ready,
    /// Takes a copy into the attached buffer.
    Buffered,
}

/// An operation under way. Dropping it unwaited is `MPI_Request_free`: the operation completes by itself.
#[must_use]
#[derive(PartialEq, Eq, Debug)]
pub struct Req(pub(super) u32);

/// Names a request for a wait; that it exists as long is its owner's business.
#[derive(Clone, Copy)]
pub struct Watched(pub(super) u32);

/// Number of the request of an operation that was complete from the start.
const COMPLETE: u32 = u32::MAX;

impl Req {
    /// The request of that number; none is one that is done.
    fn of(number: Option<u32>) -> Self {
        Self(number.unwrap_or(COMPLETE))
    }

    /// For [`wait_watched`].
    pub const fn watch(&self) -> Watched {
        Watched(self.0)
    }

    /// A request that is done, with an empty status.
    pub const fn complete() -> Self {
        Self(COMPLETE)
    }
}

impl Drop for Req {
    fn drop(&mut self) {
        if self.0 == COMPLETE {
            return;
        }
        ENGINE.with(|engine| {
            if let Some(engine) = engine.borrow_mut().as_mut() {
                engine.detach(self.0);
            }
        });
    }
}

/// A message that a matched probe took: only [`imrecv`] gets it now.
pub struct Message(Taken);

/// Makes `engine` this process's engine, or takes it away.
pub fn install(engine: Option<Engine>) {
    ENGINE.with(|cell| *cell.borrow_mut() = engine);
}

/// Whether this process has an engine.
pub fn is_installed() -> bool {
    ENGINE.with(|cell| cell.borrow().is_some())
}

/// Runs `f` on this process's engine.
pub(super) fn with<T>(f: impl FnOnce(&mut Engine) -> Result<T>) -> Result<T> {
    ENGINE.with(|engine| match engine.borrow_mut().as_mut() {
        Some(engine) => f(engine),
        None => err(MPI_ERR_OTHER, "called outside of MPI_Init and MPI_Finalize"),
    })
}

fn pattern(context: u32, source: Source, tag: Option<i32>, types: TypeCode) -> Pattern {
    let source = match source {
        Source::Any => None,
        Source::Rank(peer) => Some(peer.rank),
    };
    Pattern { context, source, tag, types }
}

/// The pattern of numbers as programs give them: negative ones are wildcards.
#[inline]
fn pattern_of(context: u32, source: i32, tag: i32, types: TypeCode) -> Pattern {
    let wild = |number: i32| (number >= 0).then_some(number);
    Pattern { context, source: wild(source), tag: wild(tag), types }
}

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
    let envelope = Envelope { context: ctx, source: me, tag, types: dt.code() };
    // SAFETY: the caller's promise; a send only reads the buffer.
    let buffer = unsafe { Buffer::new(buf.cast_mut(), count, dt)? };
    match mode {
        SendMode::Buffered => bsend::with_process(|process| process.send(dest.world, envelope, buffer)),
        _ => with(|engine| engine.send(dest.world, envelope, buffer, mode == SendMode::Synchronous))
            .map(Req::of),
    }
}

/// Starts a buffered send from a buffer that was attached somewhere; other arguments as for [`isend`].
///
/// # Safety
/// `buf` must be readable for that many elements.
pub unsafe fn ibsend(
    from: &bsend::Attachment,
    ctx: u32,
    buf: *const u8,
    count: usize,
    dt: &Datatype,
    dest: Peer,
    me: i32,
    tag: i32,
) -> Result<Req> {
    // SAFETY: the caller's promise; a send only reads the buffer.
    let buffer = unsafe { Buffer::new(buf.cast_mut(), count, dt)? };
    from.send(dest.world, Envelope { context: ctx, source: me, tag, types: dt.code() }, buffer)
}

/// Starts a send of bytes the library itself holds.
pub(super) fn isend_buffer(to: u32, envelope: Envelope, buffer: Buffer) -> Result<Req> {
    with(|engine| engine.send(to, envelope, buffer, false)).map(Req::of)
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
    // SAFETY: the caller's promise.
    let buffer = unsafe { Buffer::new(buf, count, dt)? };
    with(|engine| engine.receive(&pattern(ctx, source, tag, dt.code()), buffer)).map(Req)
}

/// Starts the receive of a message that [`improbe`] took.
///
/// # Safety
/// As [`irecv`].
pub unsafe fn imrecv(message: Message, buf: *mut u8, count: usize, dt: &Datatype) -> Result<Req> {
    // SAFETY: the caller's promise.
    let buffer = unsafe { Buffer::new(buf, count, dt)? };
    with(|engine| engine.receive_message(message.0, buffer, dt.code())).map(Req)
}

/// The outcome of a request that is done.
pub fn finish(req: Req) -> Result<MPI_Status> {
    let outcome = with(|engine| engine.finish(req.0));
    std::mem::forget(req);
    outcome
}

/// How [`receive_quickly`] ended.
pub enum Quick {
    /// Complete.
    Done(MPI_Status),
    /// It has become a request, to be waited for.
    Matched(Req),
    /// Not done, and nothing has happened: take the general way.
    Refused,
    /// Failed.
    Failed(MpiError),
}

/// Sends contiguous data at once if a ring takes it at once. False: nothing has happened.
///
/// # Safety
/// `len` bytes from `at` are readable.
#[inline(always)]
pub unsafe fn send_at_once(
    ctx: u32,
    at: *const u8,
    len: usize,
    types: TypeCode,
    world: u32,
    me: i32,
    tag: i32,
) -> bool {
    ENGINE.with(|engine| match engine.borrow_mut().as_mut() {
        // SAFETY: the caller's promise.
        Some(engine) => unsafe {
            engine.send_at_once(world, &Envelope { context: ctx, source: me, tag, types }, at, len)
        },
        None => false,
    })
}

/// As [`send_at_once`], for a send that may wait a little for the receiver.
///
/// # Safety
/// As [`send_at_once`].
#[inline(always)]
pub unsafe fn send_blocking(
    ctx: u32,
    at: *const u8,
    len: usize,
    types: TypeCode,
    world: u32,
    me: i32,
    tag: i32,
) -> bool {
    ENGINE.with(|engine| match engine.borrow_mut().as_mut() {
        // SAFETY: the caller's promise.
        Some(engine) => unsafe {
            engine.send_blocking(world, &Envelope { context: ctx, source: me, tag, types }, at, len)
        },
        None => false,
    })
}

/// A receive that was started.
pub enum Started {
    /// It is complete: the envelope, and the bytes of the message.
    Complete(Envelope, usize),
    /// It is under way.
    Active(Req),
}

/// Starts a receive into contiguous memory. `from` is the rank in `MPI_COMM_WORLD` of `source`; negative numbers are
/// wildcards.
///
/// # Safety
/// `len` bytes from `at` are writable until the request completes.
#[inline]
pub unsafe fn start_receive(
    ctx: u32,
    at: *mut u8,
    len: usize,
    types: TypeCode,
    from: Option<u32>,
    source: i32,
    tag: i32,
) -> Result<Started> {
    let pattern = pattern_of(ctx, source, tag, types);
    // SAFETY: the caller's promise.
    with(|engine| match unsafe { engine.start_receive(from, &pattern, at, len)? } {
        EngineStarted::Complete(envelope, size) => Ok(Started::Complete(envelope, size)),
        EngineStarted::Request(request) => Ok(Started::Active(Req(request))),
    })
}

/// Receives a message into contiguous memory, blocking; arguments as for [`start_receive`].
///
/// # Safety
/// `len` bytes from `at` are writable.
#[inline]
pub unsafe fn receive_quickly(
    ctx: u32,
    at: *mut u8,
    len: usize,
    types: TypeCode,
    from: Option<u32>,
    source: i32,
    tag: i32,
) -> Quick {
    if fiber::are_under_way() {
        // They go on between turns only.
        return Quick::Refused;
    }
    let pattern = pattern_of(ctx, source, tag, types);
    ENGINE.with(|engine| match engine.borrow_mut().as_mut() {
        // SAFETY: the caller's promise.
        Some(engine) => match unsafe { engine.receive_quickly(from, &pattern, at, len) } {
            EngineQuick::Done(status) => Quick::Done(status),
            EngineQuick::Matched(request) => Quick::Matched(Req(request)),
            EngineQuick::Refused => Quick::Refused,
            EngineQuick::Failed(error) => Quick::Failed(error),
        },
        None => Quick::Refused,
    })
}

/// Whether `req` is done, without progress.
pub fn is_done(req: &Req) -> bool {
    with(|engine| Ok(engine.request(req.0).is_none_or(request::Request::is_done))).unwrap_or(true)
}

/// Takes the status of `req` if it is done and has no error to tell; `req` is then one that is done.
#[inline]
pub fn collect(req: &mut Req) -> Collected {
    let found = match req.0 {
        COMPLETE => Collected::Well(MPI_Status::EMPTY),
        number => with(|engine| Ok(engine.collect(number))).unwrap_or(Collected::Failed),
    };
    if matches!(found, Collected::Well(_)) {
        req.0 = COMPLETE;
    }
    found
}

/// Whether `req` is done, after some progress if it was not; [`wait`] then returns at once.
pub fn test(req: &Req) -> Result<bool> {
    if !is_done(req) {
        progress()?;
    }
    Ok(is_done(req))
}

/// The status of a request that is done, which stays.
pub fn status(req: &Req) -> MPI_Status {
    with(|engine| Ok(engine.request(req.0).map_or(MPI_Status::EMPTY, |request| request.status)))
        .unwrap_or(MPI_Status::EMPTY)
}

/// Withdraws a receive that has not matched. Anything else completes as usual.
pub fn cancel(req: &Req) -> Result<()> {
    with(|engine| {
        engine.cancel(req.0);
        Ok(())
    })
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
    let pattern = pattern(ctx, source, tag, TypeCode::ANY);
    let peek = || with(|engine| Ok(engine.peek(&pattern)));
    if let Some(status) = peek()? {
        return Ok(Some(status));
    }
    progress()?;
    peek()
}

/// Blocks until there is a message, which stays.
pub fn probe(ctx: u32, source: Source, tag: Option<i32>) -> Result<MPI_Status> {
    let pattern = pattern(ctx, source, tag, TypeCode::ANY);
    loop {
        until(|core| core.probe(&pattern))?;
        // Another thread may have taken it.
        if let Some(status) = with(|engine| Ok(engine.peek(&pattern)))? {
            return Ok(status);
        }
    }
}

/// Takes a message if there is one, after some progress.
pub fn improbe(ctx: u32, source: Source, tag: Option<i32>) -> Result<Option<(MPI_Status, Message)>> {
    let pattern = pattern(ctx, source, tag, TypeCode::ANY);
    if with(|engine| Ok(engine.peek(&pattern)))?.is_none() {
        progress()?;
    }
    with(|engine| Ok(engine.take(&pattern).map(|(status, taken)| (status, Message(taken)))))
}

/// Blocks until there is a message and takes it.
pub fn mprobe(ctx: u32, source: Source, tag: Option<i32>) -> Result<(MPI_Status, Message)> {
    loop {
        probe(ctx, source, tag)?;
        if let Some(found) = improbe(ctx, source, tag)? {
            return Ok(found);
        }
    }
}
