//! Sessions: MPI without `MPI_COMM_WORLD` (MPI 5.0, section 11.3).
//!
//! A session names sets of processes, of which the program makes groups and, of these, communicators. The first
//! session, or `MPI_Init`, starts the library and the last one to end lets it rest (see [`crate::init`]); it can start again.
//!
//! # Agreement without a communicator
//! The members of a group agree on the contexts of their communicator by messages on a context that no communicator has.
//! Their tag is made of the string tag and the members, so that different groups and tags do not meet; the same group
//! with the same string tag agrees in the order of its calls, as the standard asks.

mod create;
mod psets;
#[cfg(test)]
mod tests;

pub use create::{create_from_group, create_from_groups};
pub use psets::{group, names, size_of};

use crate::Result;
use crate::abi::*;
use crate::errhandler::{self, Guarded};
use crate::error::{MpiError, err};
use crate::handle::{Kind, Table};
use crate::info::Info;
use crate::init;
use crate::p2p::bsend::Attachment;
use crate::per_rank::per_rank;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// An open session.
pub struct Session {
    errhandler: Cell<MPI_Errhandler>,
    thread_level: i32,
    /// Where the program may attach a buffer for buffered sends.
    pub buffer: Attachment,
}

per_rank! {
    static SESSIONS: RefCell<Table<Rc<Session>>> = RefCell::new(Table::new(Kind::Session));
}

/// Names of the levels of thread support.
const LEVELS: [(&str, i32); 4] = [
    ("MPI_THREAD_SINGLE", MPI_THREAD_SINGLE),
    ("MPI_THREAD_FUNNELED", MPI_THREAD_FUNNELED),
    ("MPI_THREAD_SERIALIZED", MPI_THREAD_SERIALIZED),
    ("MPI_THREAD_MULTIPLE", MPI_THREAD_MULTIPLE),
];

/// `MPI_Session_init`. Without the key `thread_level` the session gets no more than it needs.
pub fn open(hints: &Info, handler: MPI_Errhandler) -> Result<MPI_Session> {
    errhandler::check(handler)?;
    let wanted = match hints.value("thread_level")? {
        None => MPI_THREAD_SINGLE,
        Some(name) => match LEVELS.iter().find(|(level, _)| *level == name) {
            Some((_, level)) => *level,
            None => return err(MPI_ERR_INFO_VALUE, format!("\"{name}\" is not a level of thread support")),
        },
    };
    let thread_level = init::open_session(wanted)?;
    errhandler::retain(handler);
    let session = Session { errhandler: Cell::new(handler), thread_level, buffer: Attachment::default() };
    SESSIONS.with(|table| table.borrow_mut().insert(Rc::new(session))).map(MPI_Session)
}

/// The session of a handle.
pub fn get(handle: MPI_Session) -> Result<Rc<Session>> {
    match SESSIONS.with(|table| table.borrow().get(handle.0).cloned()) {
        Some(session) => Ok(session),
        None if handle == MPI_SESSION_NULL => err(MPI_ERR_SESSION, "the session is MPI_SESSION_NULL"),
        None => err(MPI_ERR_SESSION, format!("invalid or finalised session handle {:#x}", handle.0)),
    }
}

/// `MPI_Session_finalize`.
pub fn close(handle: &mut MPI_Session) -> Result<()> {
    let session = get(*handle)?;
    session.buffer.detach()?;
    SESSIONS.with(|table| table.borrow_mut().remove(handle.0));
    *handle = MPI_SESSION_NULL;
    init::close_session()
}

impl Session {
    /// What the session was made with.
    pub fn info(&self) -> Result<Info> {
        let mut info = Info::default();
        let name = LEVELS.iter().find(|(_, level)| *level == self.thread_level).map_or("", |(name, _)| name);
        info.set("thread_level", name)?;
        Ok(info)
    }

    /// The error handler; the caller gets no reference of its own.
    pub fn errhandler(&self) -> MPI_Errhandler {
        self.errhandler.get()
    }

    /// Attaches an error handler.
    pub fn set_errhandler(&self, handler: MPI_Errhandler) -> Result<()> {
        errhandler::attach(&self.errhandler, handler)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        errhandler::release(self.errhandler.get());
    }
}

impl Guarded for MPI_Session {
    fn handler(self) -> (usize, MPI_Errhandler) {
        match get(self) {
            Ok(session) => (self.0, session.errhandler()),
            Err(MpiError { .. }) => MPI_COMM_SELF.handler(),
        }
    }
}
