//! Checked arguments of sends and receives, ready to be started any number of times.

use super::Pending;
use crate::Result;
use crate::abi::*;
use crate::comm::{self, Comm};
use crate::datatype::{self, Datatype};
use crate::error::err;
use crate::p2p::{self, Peer, SendMode, Source};
use std::ffi::c_void;
use std::rc::Rc;

/// A count of the program.
pub fn count(count: i64) -> Result<usize> {
    match usize::try_from(count) {
        Ok(count) => Ok(count),
        Err(_) => err(MPI_ERR_COUNT, format!("negative count {count}")),
    }
}

/// The type of a message; with `MPI_PROC_NULL`, where none moves, the null type will do, as in other implementations.
fn message_type(datatype: MPI_Datatype, partner: i32) -> Result<Datatype> {
    if partner == MPI_PROC_NULL && datatype == MPI_DATATYPE_NULL {
        return Ok(datatype::byte());
    }
    datatype::get(datatype)
}

/// Arguments of a send.
#[derive(Clone)]
pub struct Send {
    /// Communicator.
    pub comm: Rc<Comm>,
    buf: *const u8,
    count: usize,
    dt: Datatype,
    /// None for `MPI_PROC_NULL`.
    dest: Option<Peer>,
    tag: i32,
    mode: SendMode,
}

impl Send {
    /// Checks arguments in the order of the C functions.
    pub fn new(
        buf: *const c_void,
        count: i64,
        datatype: MPI_Datatype,
        dest: i32,
        tag: i32,
        comm: MPI_Comm,
        mode: SendMode,
    ) -> Result<Self> {
        let comm = comm::get(comm)?;
        let count = self::count(count)?;
        let dt = message_type(datatype, dest)?;
        let dest = if dest == MPI_PROC_NULL { None } else { Some(comm.peer(dest)?) };
        if tag < 0 {
            return err(MPI_ERR_TAG, format!("invalid tag {tag} for a send: tags are 0 to MPI_TAG_UB"));
        }
        Ok(Self { comm, buf: buf.cast(), count, dt, dest, tag, mode })
    }

    /// Starts the send.
    ///
    /// # Safety
    /// The buffer is readable until the operation is complete.
    pub unsafe fn start(&self) -> Result<Pending> {
        let Some(dest) = self.dest else { return Ok(Pending::Complete(MPI_Status::EMPTY)) };
        let Self { comm, buf, count, dt, tag, mode, .. } = self;
        let (context, me) = (comm.context(), comm.rank() as i32);
        // SAFETY: the caller's promise.
        let req = unsafe {
            match mode {
                SendMode::Buffered => {
                    comm.with_buffer(|buffer| p2p::ibsend(buffer, context, *buf, *count, dt, dest, me, *tag))?
                }
                _ => p2p::isend(context, *buf, *count, dt, dest, me, *tag, *mode)?,
            }
        };
        Ok(Pending::Active(req))
    }
}

/// From whom and with which tag; none when the source is `MPI_PROC_NULL`.
pub fn selection(comm: &Comm, source: i32, tag: i32) -> Result<Option<(Source, Option<i32>)>> {
    let source = match source {
        MPI_PROC_NULL => return Ok(None),
        MPI_ANY_SOURCE => Source::Any,
        rank => Source::Rank(comm.peer(rank)?),
    };
    match tag {
        MPI_ANY_TAG => Ok(Some((source, None))),
        0.. => Ok(Some((source, Some(tag)))),
        _ => err(MPI_ERR_TAG, format!("invalid tag {tag} for a receive: MPI_ANY_TAG or 0 to MPI_TAG_UB")),
    }
}

/// Arguments of a receive.
#[derive(Clone)]
pub struct Receive {
    /// Communicator.
    pub comm: Rc<Comm>,
    buf: *mut u8,
    count: usize,
    dt: Datatype,
    /// None for `MPI_PROC_NULL`.
    from: Option<(Source, Option<i32>)>,
}

impl Receive {
    /// Checks arguments in the order of the C functions.
    pub fn new(
        buf: *mut c_void,
        count: i64,
        datatype: MPI_Datatype,
        source: i32,
        tag: i32,
        comm: MPI_Comm,
    ) -> Result<Self> {
        let comm = comm::get(comm)?;
        let count = self::count(count)?;
        let dt = message_type(datatype, source)?;
        let from = selection(&comm, source, tag)?;
        Ok(Self { comm, buf: buf.cast(), count, dt, from })
    }

    /// Starts the receive.
    ///
    /// # Safety
    /// The buffer is writable and otherwise unused until the operation is complete.
    pub unsafe fn start(&self) -> Result<Pending> {
        let Some((source, tag)) = self.from else { return Ok(Pending::Complete(MPI_Status::PROC_NULL)) };
        let Self { comm, buf, count, dt, .. } = self;
        // SAFETY: the caller's promise.
        let req = unsafe { p2p::irecv(comm.context(), *buf, *count, dt, source, tag)? };
        Ok(Pending::Active(req))
    }
}
