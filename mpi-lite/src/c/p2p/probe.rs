//! Looking for messages.

use super::put_status;
use crate::Result;
use crate::abi::*;
use crate::comm::{self, Comm};
use crate::datatype;
use crate::error::err;
use crate::handle::{Kind, Table};
use crate::mpi_fn;
use crate::p2p::{self, Message};
use crate::per_rank::per_rank;
use crate::request::{Pending, count, selection};
use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::rc::Rc;

per_rank! {
    static MESSAGES: RefCell<Table<(Rc<Comm>, Message)>> = RefCell::new(Table::new(Kind::Message));
}

/// The communicator of a message, for errors.
pub(super) fn comm_of(message: *mut MPI_Message) -> MPI_Comm {
    // SAFETY: the program gives a message.
    let handle = unsafe { *message };
    MESSAGES.with(|table| table.borrow().get(handle.0).map_or(MPI_COMM_SELF, |(comm, _)| comm.handle()))
}

fn keep(comm: Rc<Comm>, message: Message) -> Result<MPI_Message> {
    MESSAGES.with(|table| table.borrow_mut().insert((comm, message))).map(MPI_Message)
}

/// Starts the receive of a message; its handle becomes null.
///
/// # Safety
/// The buffer is valid until the operation is complete, and `message` points to a handle.
pub(super) unsafe fn receive(
    buf: *mut c_void,
    elements: i64,
    datatype: MPI_Datatype,
    message: *mut MPI_Message,
) -> Result<(Rc<Comm>, Pending)> {
    let elements = count(elements)?;
    let dt = datatype::get(datatype)?;
    // SAFETY: the caller's promise.
    let handle = unsafe { std::ptr::replace(message, MPI_MESSAGE_NULL) };
    if handle == MPI_MESSAGE_NO_PROC {
        return Ok((comm::get(MPI_COMM_SELF)?, Pending::Complete(MPI_Status::PROC_NULL)));
    }
    let Some((comm, taken)) = MESSAGES.with(|table| table.borrow_mut().remove(handle.0)) else {
        return err(
            MPI_ERR_REQUEST,
            format!("invalid message {:#x}: received already, or never found", handle.0),
        );
    };
    // SAFETY: the caller's promise.
    let req = unsafe { p2p::imrecv(taken, buf.cast(), elements, &dt)? };
    Ok((comm, Pending::Active(req)))
}

/// How many the program has not received.
pub fn in_use() -> usize {
    MESSAGES.with(|table| table.borrow().len())
}

mpi_fn! {
    /// Blocks until there is a message; it stays.
    fn MPI_Probe(source: c_int, tag: c_int, comm: MPI_Comm, status: *mut MPI_Status) on comm {
        let comm = comm::get(comm)?;
        let found = match selection(&comm, source, tag)? {
            Some((source, tag)) => p2p::probe(comm.context(), source, tag)?,
            None => MPI_Status::PROC_NULL,
        };
        // SAFETY: the program gives a status or MPI_STATUS_IGNORE.
        unsafe { put_status(status, &found) };
        Ok(())
    }

    /// Looks for a message; it stays.
    fn MPI_Iprobe(source: c_int, tag: c_int, comm: MPI_Comm, flag: *mut c_int, status: *mut MPI_Status) on comm {
        let comm = comm::get(comm)?;
        let found = match selection(&comm, source, tag)? {
            Some((source, tag)) => p2p::iprobe(comm.context(), source, tag)?,
            None => Some(MPI_Status::PROC_NULL),
        };
        // SAFETY: the program gives a flag, and a status or MPI_STATUS_IGNORE.
        unsafe {
            *flag = c_int::from(found.is_some());
            found.inspect(|found| put_status(status, found));
        }
        Ok(())
    }

    /// Blocks until there is a message and takes it.
    fn MPI_Mprobe(source: c_int, tag: c_int, comm: MPI_Comm, message: *mut MPI_Message, status: *mut MPI_Status) on comm {
        let comm = comm::get(comm)?;
        let (found, handle) = match selection(&comm, source, tag)? {
            Some((source, tag)) => {
                let (found, taken) = p2p::mprobe(comm.context(), source, tag)?;
                (found, keep(comm, taken)?)
            }
            None => (MPI_Status::PROC_NULL, MPI_MESSAGE_NO_PROC),
        };
        // SAFETY: the program gives a message, and a status or MPI_STATUS_IGNORE.
        unsafe {
            *message = handle;
            put_status(status, &found);
        }
        Ok(())
    }

    /// Takes a message if there is one.
    fn MPI_Improbe(source: c_int, tag: c_int, comm: MPI_Comm, flag: *mut c_int, message: *mut MPI_Message, status: *mut MPI_Status) on comm {
        let comm = comm::get(comm)?;
        let found = match selection(&comm, source, tag)? {
            Some((source, tag)) => match p2p::improbe(comm.context(), source, tag)? {
                Some((found, taken)) => Some((found, keep(comm, taken)?)),
                None => None,
            },
            None => Some((MPI_Status::PROC_NULL, MPI_MESSAGE_NO_PROC)),
        };
        // SAFETY: the program gives flag, message, and a status or MPI_STATUS_IGNORE.
        unsafe {
            *flag = c_int::from(found.is_some());
            if let Some((found, handle)) = found {
                *message = handle;
                put_status(status, &found);
            }
        }
        Ok(())
    }
}
