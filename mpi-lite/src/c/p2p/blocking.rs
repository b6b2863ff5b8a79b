//! Blocking sends and receives.

use super::{put_outcome, quick};
use crate::Result;
use crate::abi::*;
use crate::datatype::{self, Packer};
use crate::mpi_fn;
use crate::p2p::{self, SendMode};
use crate::request::{Outcome, Pending, Receive, Send, outcome};
use std::ffi::{c_int, c_void};

/// Waits for an operation that no handle names.
fn complete(pending: Pending) -> Result<Outcome> {
    match pending {
        Pending::Active(req) => {
            p2p::wait_done(&req)?;
            Ok(outcome(req, None))
        }
        Pending::Pair(pair) => {
            pair.wait()?;
            Ok(pair.outcome(None))
        }
        Pending::Complete(status) => Ok(Outcome { status, ..Outcome::EMPTY }),
        _ => Ok(Outcome::EMPTY),
    }
}

/// Waits for a receive that has become a request.
///
/// # Safety
/// The status is null or writable.
pub(super) unsafe fn finish(req: p2p::Req, status: *mut MPI_Status) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe { put_outcome(status, complete(Pending::Active(req))?) }
}

/// # Safety
/// The buffer is readable.
unsafe fn send(
    buf: *const c_void,
    count: i64,
    datatype: MPI_Datatype,
    dest: c_int,
    tag: c_int,
    comm: MPI_Comm,
    mode: SendMode,
) -> Result<()> {
    if matches!(mode, SendMode::Standard | SendMode::Ready) {
        // SAFETY: the caller's promise.
        let sent = unsafe { quick::send(true, buf, count, datatype, dest, tag, comm) };
        if sent {
            return Ok(());
        }
    }
    let send = Send::new(buf, count, datatype, dest, tag, comm, mode)?;
    // SAFETY: the caller's promise; the send is complete before this returns.
    let pending = unsafe { send.start()? };
    complete(pending)?.error.map_or(Ok(()), Err)
}

/// # Safety
/// The buffer is writable, the status null or writable.
unsafe fn receive(receive: &Receive, status: *mut MPI_Status) -> Result<()> {
    // SAFETY: the caller's promise; the receive is complete before this returns.
    unsafe {
        let pending = receive.start()?;
        put_outcome(status, complete(pending)?)
    }
}

/// Starts the receive first, so that two ranks which exchange large messages meet.
///
/// # Safety
/// Buffers and status are valid, and the buffers disjoint.
unsafe fn exchange(send: &Send, receive: &Receive, status: *mut MPI_Status) -> Result<()> {
    // SAFETY: the caller's promise; both operations are complete before this returns.
    unsafe {
        let receiving = receive.start()?;
        let sent = complete(send.start()?)?;
        let received = put_outcome(status, complete(receiving)?);
        sent.error.map_or(received, Err)
    }
}

/// # Safety
/// Buffer and status are valid.
unsafe fn replace(
    buf: *mut c_void,
    count: i64,
    datatype: MPI_Datatype,
    dest: (c_int, c_int),
    source: (c_int, c_int),
    comm: MPI_Comm,
    status: *mut MPI_Status,
) -> Result<()> {
    let receive = Receive::new(buf, count, datatype, source.0, source.1, comm)?;
    let dt = datatype::get(datatype)?;
    let mut copy = vec![0u8; dt.packed_size(count as usize)?];
    // SAFETY: the caller's promise; the copy is our own memory.
    unsafe {
        Packer::new(&dt, count as usize, buf.cast()).pack(&mut copy);
        let bytes = copy.len() as i64;
        let send =
            Send::new(copy.as_ptr().cast(), bytes, MPI_BYTE, dest.0, dest.1, comm, SendMode::Standard)?;
        exchange(&send, &receive, status)
    }
}

macro_rules! blocking_sends {
    ($($name:ident, $large:ident, $mode:ident;)*) => { mpi_fn! { $(
        /// Sends in the mode that the name says.
        large fn $name, $large(buf: *const c_void, count: Count, datatype: MPI_Datatype, dest: c_int, tag: c_int, comm: MPI_Comm)
            on comm {
            // SAFETY: the program gives a readable buffer of that count and type.
            unsafe { send(buf, i64::from(count), datatype, dest, tag, comm, SendMode::$mode) }
        }
    )* } };
}

blocking_sends! {
    MPI_Send, MPI_Send_c, Standard;
    MPI_Bsend, MPI_Bsend_c, Buffered;
    MPI_Ssend, MPI_Ssend_c, Synchronous;
    MPI_Rsend, MPI_Rsend_c, Ready;
}

mpi_fn! {
    /// Receives a message.
    large fn MPI_Recv, MPI_Recv_c(buf: *mut c_void, count: Count, datatype: MPI_Datatype, source: c_int, tag: c_int, comm: MPI_Comm, status: *mut MPI_Status)
        on comm {
        // SAFETY: as below.
        if let Some(done) = unsafe { quick::receive(buf, i64::from(count), datatype, source, tag, comm, status) } {
            return done;
        }
        let arguments = Receive::new(buf, i64::from(count), datatype, source, tag, comm)?;
        // SAFETY: the program gives a writable buffer of that count and type, and a status or MPI_STATUS_IGNORE.
        unsafe { receive(&arguments, status) }
    }

    /// Sends one message and receives another.
    large fn MPI_Sendrecv, MPI_Sendrecv_c(
        sendbuf: *const c_void, sendcount: Count, sendtype: MPI_Datatype, dest: c_int, sendtag: c_int,
        recvbuf: *mut c_void, recvcount: Count, recvtype: MPI_Datatype, source: c_int, recvtag: c_int,
        comm: MPI_Comm, status: *mut MPI_Status
    ) on comm {
        let send = Send::new(sendbuf, i64::from(sendcount), sendtype, dest, sendtag, comm, SendMode::Standard)?;
        let receive = Receive::new(recvbuf, i64::from(recvcount), recvtype, source, recvtag, comm)?;
        // SAFETY: the program gives disjoint buffers of these counts and types, and a status or MPI_STATUS_IGNORE.
        unsafe { exchange(&send, &receive, status) }
    }

    /// Sends a message and receives another into the same buffer.
    large fn MPI_Sendrecv_replace, MPI_Sendrecv_replace_c(
        buf: *mut c_void, count: Count, datatype: MPI_Datatype, dest: c_int, sendtag: c_int, source: c_int, recvtag: c_int,
        comm: MPI_Comm, status: *mut MPI_Status
    ) on comm {
        // SAFETY: the program gives a buffer of that count and type, and a status or MPI_STATUS_IGNORE.
        unsafe { replace(buf, i64::from(count), datatype, (dest, sendtag), (source, recvtag), comm, status) }
    }

    /// Receives a message that a matched probe found.
    large fn MPI_Mrecv, MPI_Mrecv_c(buf: *mut c_void, count: Count, datatype: MPI_Datatype, message: *mut MPI_Message, status: *mut MPI_Status)
        on (super::probe::comm_of(message)) {
        // SAFETY: the program gives a buffer of that count and type, a message and a status or MPI_STATUS_IGNORE.
        unsafe {
            let (_comm, pending) = super::probe::receive(buf, i64::from(count), datatype, message)?;
            put_outcome(status, complete(pending)?)
        }
    }
}
