//! Buffers of buffered sends: of the process, of communicators, of sessions (MPI 5.0, section 3.6).

use crate::abi::*;
use crate::c::input::store;
use crate::error::{Result, err};
use crate::init::require_running;
use crate::p2p::bsend::{self, Attachment, Memory};
use crate::request::{self, count};
use crate::{comm, mpi_fn, session};
use std::ffi::c_void;

/// # Safety
/// The program leaves the buffer alone until it has detached it.
unsafe fn attach(to: &Attachment, buffer: *mut c_void, size: i64) -> Result<()> {
    let size = count(size)?;
    let memory: Memory = match std::ptr::eq(buffer, MPI_BUFFER_AUTOMATIC) {
        true => None,
        false => Some((buffer.cast(), size)),
    };
    if memory.is_some_and(|(start, len)| start.is_null() && len > 0) {
        return err(MPI_ERR_BUFFER, format!("null buffer of {size} bytes"));
    }
    // SAFETY: the caller's promise.
    unsafe { to.attach(memory) }
}

/// Gives the buffer back: its length, and its address at the program's place.
fn detach(from: &Attachment, address: *mut c_void) -> Result<usize> {
    let (buffer, len) = match from.detach()? {
        Some(Some((start, len))) => (start.cast(), len),
        Some(None) => (MPI_BUFFER_AUTOMATIC, 0),
        None => (std::ptr::null_mut(), 0),
    };
    // SAFETY: the program gives the address of a pointer.
    unsafe { store("buffer_addr", address.cast::<*mut c_void>(), buffer)? };
    Ok(len)
}

/// A request for the delivery of what is in a buffer now.
fn start_flush(of: &Attachment, request: *mut MPI_Request) -> Result<()> {
    let made = request::insert_activity(None, of.start_flush())?;
    // SAFETY: the program gives a place for the request.
    unsafe { store("request", request, made) }
}

mpi_fn! {
    /// Attaches a buffer, or with `MPI_BUFFER_AUTOMATIC` as much memory as is needed.
    large fn MPI_Buffer_attach, MPI_Buffer_attach_c(buffer: *mut c_void, size: Count) {
        require_running()?;
        // SAFETY: the program leaves the buffer alone until it has detached it.
        bsend::with_process(|process| unsafe { attach(process, buffer, i64::from(size)) })
    }

    /// Waits until all buffered messages are delivered and gives the buffer back.
    large fn MPI_Buffer_detach, MPI_Buffer_detach_c(buffer_addr: *mut c_void, size: *mut Count) {
        require_running()?;
        let len = bsend::with_process(|process| detach(process, buffer_addr))?;
        // SAFETY: the program gives a place for the size.
        unsafe { store("size", size, len.try_into().unwrap_or(MPI_UNDEFINED.into())) }
    }

    /// Waits until all buffered messages are delivered.
    fn MPI_Buffer_flush() {
        require_running()?;
        bsend::with_process(Attachment::flush)
    }

    /// As `MPI_Buffer_flush`, without waiting.
    fn MPI_Buffer_iflush(request: *mut MPI_Request) {
        require_running()?;
        bsend::with_process(|process| start_flush(process, request))
    }
}

mpi_fn! {
    /// Attaches a buffer for the communicator's messages alone.
    large fn MPI_Comm_attach_buffer, MPI_Comm_attach_buffer_c(comm: MPI_Comm, buffer: *mut c_void, size: Count) on comm {
        // SAFETY: the program leaves the buffer alone until it has detached it.
        unsafe { attach(&comm::get(comm)?.buffer, buffer, i64::from(size)) }
    }

    /// Waits until the messages in the communicator's buffer are delivered and gives it back.
    large fn MPI_Comm_detach_buffer, MPI_Comm_detach_buffer_c(comm: MPI_Comm, buffer_addr: *mut c_void, size: *mut Count) on comm {
        let len = detach(&comm::get(comm)?.buffer, buffer_addr)?;
        // SAFETY: the program gives a place for the size.
        unsafe { store("size", size, len.try_into().unwrap_or(MPI_UNDEFINED.into())) }
    }

    /// Waits until the messages in the communicator's buffer are delivered.
    fn MPI_Comm_flush_buffer(comm: MPI_Comm) on comm {
        comm::get(comm)?.buffer.flush()
    }

    /// As `MPI_Comm_flush_buffer`, without waiting.
    fn MPI_Comm_iflush_buffer(comm: MPI_Comm, request: *mut MPI_Request) on comm {
        start_flush(&comm::get(comm)?.buffer, request)
    }
}

mpi_fn! {
    /// Attaches a buffer for the messages of communicators that come from the session.
    large fn MPI_Session_attach_buffer, MPI_Session_attach_buffer_c(session: MPI_Session, buffer: *mut c_void, size: Count) on session {
        // SAFETY: the program leaves the buffer alone until it has detached it.
        unsafe { attach(&session::get(session)?.buffer, buffer, i64::from(size)) }
    }

    /// Waits until the messages in the session's buffer are delivered and gives it back.
    large fn MPI_Session_detach_buffer, MPI_Session_detach_buffer_c(session: MPI_Session, buffer_addr: *mut c_void, size: *mut Count) on session {
        let len = detach(&session::get(session)?.buffer, buffer_addr)?;
        // SAFETY: the program gives a place for the size.
        unsafe { store("size", size, len.try_into().unwrap_or(MPI_UNDEFINED.into())) }
    }

    /// Waits until the messages in the session's buffer are delivered.
    fn MPI_Session_flush_buffer(session: MPI_Session) on session {
        session::get(session)?.buffer.flush()
    }

    /// As `MPI_Session_flush_buffer`, without waiting.
    fn MPI_Session_iflush_buffer(session: MPI_Session, request: *mut MPI_Request) on session {
        start_flush(&session::get(session)?.buffer, request)
    }
}
