//! The short way of small messages: arguments that need no object to be made of them go straight to the ring or come
//! straight from it. Whatever is unusual (a derived type, a wildcard process, an error) is refused here and takes the general way,
//! which also says what is wrong.

use crate::abi::{MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_Comm, MPI_Datatype, MPI_Request, MPI_Status};
use crate::check::TypeCode;
use crate::comm::{self, Comm};
use crate::p2p::{self, Quick, Started};
use crate::request::{self, Pending};
use crate::{Result, datatype, node};
use std::ffi::c_void;
use std::rc::Rc;

/// Bytes of `count` elements of a dense predefined type, and what they are; none for anything else.
#[inline]
fn bytes(buf: *const c_void, count: i64, datatype: MPI_Datatype) -> Option<(usize, TypeCode)> {
    let (size, types) = datatype::dense(datatype)?;
    let len = usize::try_from(count).ok()?.checked_mul(size)?;
    if buf.is_null() && len > 0 { None } else { Some((len, types)) }
}

/// As [`bytes`] for a receive, whose data others may have to put there.
#[inline]
fn room(buf: *const c_void, count: i64, datatype: MPI_Datatype) -> Option<(usize, TypeCode)> {
    bytes(buf, count, datatype).filter(|&(len, _)| node::is_own(buf.cast(), len))
}

/// Sends at once what a ring takes at once, or the receiver in the time that a blocking send may take. False: take the
/// general way.
///
/// # Safety
/// The buffer is readable.
#[inline]
pub unsafe fn send(
    may_wait: bool,
    buf: *const c_void,
    count: i64,
    datatype: MPI_Datatype,
    dest: i32,
    tag: i32,
    comm: MPI_Comm,
) -> bool {
    let Some((len, types)) = bytes(buf, count, datatype) else { return false };
    if tag < 0 || dest < 0 {
        return false;
    }
    comm::look(comm, |comm| {
        let Some(&world) = comm.peers().members().get(dest as usize) else { return false };
        // SAFETY: the caller's promise.
        unsafe {
            let send = if may_wait { p2p::send_blocking } else { p2p::send_at_once };
            send(comm.context(), buf.cast(), len, types, world, comm.rank() as i32, tag)
        }
    })
    .unwrap_or(false)
}

/// Where a receive comes from.
struct Origin {
    context: u32,
    /// Rank in `MPI_COMM_WORLD`; none is a wildcard.
    from: Option<u32>,
}

/// The origin for arguments that need no general way.
#[inline]
fn origin(comm: &Comm, source: i32, tag: i32) -> Option<Origin> {
    if tag < 0 && tag != MPI_ANY_TAG {
        return None;
    }
    let from = match source {
        MPI_ANY_SOURCE => None,
        _ => Some(*comm.peers().members().get(usize::try_from(source).ok()?)?),
    };
    Some(Origin { context: comm.context(), from })
}

/// Starts a receive. None: take the general way; nothing has happened then.
///
/// # Safety
/// The buffer is writable until the operation is complete, and so is `request` now.
#[inline(never)]
pub unsafe fn start_receive(
    buf: *mut c_void,
    count: i64,
    datatype: MPI_Datatype,
    source: i32,
    tag: i32,
    comm: MPI_Comm,
    request: *mut MPI_Request,
) -> Option<Result<()>> {
    let (len, types) = room(buf, count, datatype)?;
    comm::look(comm, |comm| {
        let Origin { context, from } = origin(comm, source, tag)?;
        // SAFETY: the caller's promise.
        let started = unsafe { p2p::start_receive(context, buf.cast(), len, types, from, source, tag) };
        let inserted = match started {
            Ok(Started::Complete(envelope, size)) => request::insert_received(comm, &envelope, size),
            Ok(Started::Active(req)) => request::insert(Rc::clone(comm), Pending::Active(req)),
            Err(error) => Err(error),
        };
        // SAFETY: the caller's promise.
        Some(inserted.map(|handle| unsafe { *request = handle }))
    })?
}

/// Receives a message, blocking. None: take the general way; nothing has happened then.
///
/// # Safety
/// The buffer is writable; the status is null or writable.
#[inline]
pub unsafe fn receive(
    buf: *mut c_void,
    count: i64,
    datatype: MPI_Datatype,
    source: i32,
    tag: i32,
    comm: MPI_Comm,
    status: *mut MPI_Status,
) -> Option<Result<()>> {
    let (len, types) = room(buf, count, datatype)?;
    let Origin { context, from } = comm::look(comm, |comm| origin(comm, source, tag))??;
    // SAFETY: the caller's promise.
    match unsafe { p2p::receive_quickly(context, buf.cast(), len, types, from, source, tag) } {
        Quick::Done(found) => {
            // SAFETY: the caller's promise.
            unsafe { super::put_status(status, &found) };
            Some(Ok(()))
        }
        // SAFETY: the caller's promise.
        Quick::Matched(req) => Some(unsafe { super::blocking::finish(req, status) }),
        Quick::Refused => None,
        Quick::Failed(error) => Some(Err(error)),
    }
}
