//! Non-blocking sends and receives.

use super::quick;
use crate::Result;
use crate::abi::*;
use crate::datatype::{self, Packer};
use crate::mpi_fn;
use crate::p2p::SendMode;
use crate::request::{self, Pair, Pending, Receive, Send};
use std::ffi::{c_int, c_void};

/// # Safety
/// The buffer is readable until the request is complete; `request` is writable.
unsafe fn start(send: &Send, request: *mut MPI_Request) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe {
        let pending = send.start()?;
        *request = request::insert(send.comm.clone(), pending)?;
    }
    Ok(())
}

/// # Safety
/// The buffers are valid until the request is complete, and disjoint; `send` may be from `copy`. `request` is writable.
unsafe fn start_both(send: &Send, receive: &Receive, copy: Vec<u8>, request: *mut MPI_Request) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe {
        let pair = Pair::start(send, receive, copy)?;
        *request = request::insert(send.comm.clone(), Pending::Pair(Box::new(pair)))?;
    }
    Ok(())
}

macro_rules! nonblocking_sends {
    ($($name:ident, $large:ident, $mode:ident;)*) => { mpi_fn! { $(
        /// Starts a send in the mode that the name says.
        large fn $name, $large(
            buf: *const c_void, count: Count, datatype: MPI_Datatype, dest: c_int, tag: c_int, comm: MPI_Comm, request: *mut MPI_Request
        ) on comm {
            // SAFETY: the program gives a readable buffer and room for the request.
            unsafe {
                if matches!(SendMode::$mode, SendMode::Standard | SendMode::Ready)
                    && quick::send(false, buf, i64::from(count), datatype, dest, tag, comm)
                {
                    *request = request::COMPLETE;
                    return Ok(());
                }
            }
            let send = Send::new(buf, i64::from(count), datatype, dest, tag, comm, SendMode::$mode)?;
            // SAFETY: the program keeps the buffer until the request is complete.
            unsafe { start(&send, request) }
        }
    )* } };
}

nonblocking_sends! {
    MPI_Isend, MPI_Isend_c, Standard;
    MPI_Ibsend, MPI_Ibsend_c, Buffered;
    MPI_Issend, MPI_Issend_c, Synchronous;
    MPI_Irsend, MPI_Irsend_c, Ready;
}

mpi_fn! {
    /// Starts a receive.
    large fn MPI_Irecv, MPI_Irecv_c(
        buf: *mut c_void, count: Count, datatype: MPI_Datatype, source: c_int, tag: c_int, comm: MPI_Comm, request: *mut MPI_Request
    ) on comm {
        // SAFETY: the program keeps the buffer until the request is complete.
        let started = unsafe { quick::start_receive(buf, i64::from(count), datatype, source, tag, comm, request) };
        if let Some(outcome) = started {
            return outcome;
        }
        let receive = Receive::new(buf, i64::from(count), datatype, source, tag, comm)?;
        // SAFETY: the program keeps the buffer until the request is complete.
        unsafe {
            let pending = receive.start()?;
            *request = request::insert(receive.comm, pending)?;
        }
        Ok(())
    }

    /// Starts the receive of a message that a matched probe found.
    large fn MPI_Imrecv, MPI_Imrecv_c(
        buf: *mut c_void, count: Count, datatype: MPI_Datatype, message: *mut MPI_Message, request: *mut MPI_Request
    ) on (super::probe::comm_of(message)) {
        // SAFETY: the program keeps the buffer until the request is complete, and gives a message.
        unsafe {
            let (comm, pending) = super::probe::receive(buf, i64::from(count), datatype, message)?;
            *request = request::insert(comm, pending)?;
        }
        Ok(())
    }
}

mpi_fn! {
    /// Starts to send one message and to receive another.
    large fn MPI_Isendrecv, MPI_Isendrecv_c(
        sendbuf: *const c_void, sendcount: Count, sendtype: MPI_Datatype, dest: c_int, sendtag: c_int,
        recvbuf: *mut c_void, recvcount: Count, recvtype: MPI_Datatype, source: c_int, recvtag: c_int,
        comm: MPI_Comm, request: *mut MPI_Request
    ) on comm {
        let send = Send::new(sendbuf, i64::from(sendcount), sendtype, dest, sendtag, comm, SendMode::Standard)?;
        let receive = Receive::new(recvbuf, i64::from(recvcount), recvtype, source, recvtag, comm)?;
        // SAFETY: the program keeps both buffers until the request is complete.
        unsafe { start_both(&send, &receive, Vec::new(), request) }
    }

    /// Starts to send a message and to receive another into the same buffer.
    large fn MPI_Isendrecv_replace, MPI_Isendrecv_replace_c(
        buf: *mut c_void, count: Count, datatype: MPI_Datatype, dest: c_int, sendtag: c_int, source: c_int, recvtag: c_int,
        comm: MPI_Comm, request: *mut MPI_Request
    ) on comm {
        let receive = Receive::new(buf, i64::from(count), datatype, source, recvtag, comm)?;
        let (dt, count) = (datatype::get(datatype)?, request::count(i64::from(count))?);
        let mut copy = vec![0u8; dt.packed_size(count)?];
        // SAFETY: the program gives a buffer of that count and type, and keeps it until the request is complete.
        unsafe {
            Packer::new(&dt, count, buf.cast()).pack(&mut copy);
            let bytes = copy.len() as i64;
            let send = Send::new(copy.as_ptr().cast(), bytes, MPI_BYTE, dest, sendtag, comm, SendMode::Standard)?;
            start_both(&send, &receive, copy, request)
        }
    }
}
