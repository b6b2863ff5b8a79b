//! Windows: memory of one rank that others use without its help (MPI 5.0, chapter 12).
//!
//! | file | question |
//! |---|---|
//! | [`create`] | how do ranks make a window together, and end it? |
//! | [`memory`] | where does the memory that a window brings along come from? |
//! | [`place`] | how is one piece of a rank's memory read, written and changed? |
//! | [`control`] | which words do ranks synchronise through? |
//! | [`epoch`] | may this rank use that target's memory now? |
//! | [`active`] | fence, and post, start, complete, wait |
//! | [`lock`] | lock, unlock, flush |
//! | [`range`] | does the access lie in the target's part of the window? |
//! | [`transfer`] | put and get |
//! | [`accumulate`] | the accumulate family, and [`atomic`], its form without a lock |
//! | [`hot`] | what does a call touch when all is well? |
//! | [`flight`] | what is under way to a target? |
//! | [`dynamic`] | which memory is attached to a dynamic window? |
//!
//! # Reach
//! A target's memory is reached *directly*, by loads and stores; or, between processes on one host, by copies that the system
//! makes; or through the adapter, by RDMA. Which one is found out when the window is made (for dynamic windows at each access). In all forms the target's processor takes no part in an
//! access, nor in a lock. All forms also do what the accesses of one rank to itself do, so they mix in one window.
//!
//! # Completion
//! A direct access is complete when its call returns. One through the adapter is complete when it is reported; until then it is
//! in the target's list of flights, and a flush, or the end of the epoch, waits for it.

pub mod accumulate;
pub mod active;
pub mod atomic;
pub mod control;
pub mod create;
pub mod dynamic;
pub mod epoch;
pub mod flight;
pub mod hints;
pub mod hot;
pub mod lock;
pub mod memory;
pub mod place;
pub mod range;
pub mod transfer;

#[cfg(test)]
mod tests;

use crate::abi::{
    MPI_COMM_SELF, MPI_ERR_RANK, MPI_ERR_WIN, MPI_Errhandler, MPI_MAX_OBJECT_NAME, MPI_WIN_NULL, MPI_Win,
};
use crate::attr::Attributes;
use crate::comm::Comm;
use crate::errhandler::{self, Guarded};
use crate::error::{Result, err};
use crate::handle::{Kind, Table};
use crate::info::Info;
use crate::p2p::Req;
use crate::per_rank::per_rank;
use crate::threads;
use epoch::{Access, Everyone};
use flight::Flights;
use memory::Memory;
use place::Place;
use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::rc::Rc;

/// One rank's part of a window, as this rank sees it.
pub struct Target {
    /// Its rank in `MPI_COMM_WORLD`.
    pub world: u32,
    /// Whose memory it is, as rank in `MPI_COMM_WORLD`: another's, if the window was made of a part of a shared window.
    pub owner: u32,
    /// Where its memory starts, for loads and stores; null if there is no such way, and in dynamic windows.
    pub direct: *mut u8,
    /// Bytes of its memory; 0 in dynamic windows.
    pub size: u64,
    /// Bytes of one unit of displacement.
    pub unit: i64,
    /// Its memory is copied by the system when there is no direct way.
    pub by_process: bool,
    /// Where its memory starts, by its own address.
    pub address: u64,
    /// Key of its memory for the adapter.
    pub key: u32,
    /// Its control block.
    pub control: Place,
    /// What this rank may do there, by its own lock or start.
    pub access: Cell<Access>,
    /// What is under way to it.
    pub flights: Flights,
}

/// A window.
pub struct Window {
    handle: Cell<MPI_Win>,
    /// A communicator of its own, of the same processes.
    pub comm: Rc<Comm>,
    /// `MPI_WIN_FLAVOR_*`.
    pub flavor: c_int,
    /// This rank's own memory, as the program knows it.
    pub base: *mut u8,
    /// This rank's part first asked for in bytes.
    pub size: isize,
    /// The parts, by rank.
    pub targets: Box<[Target]>,
    /// Every rank reaches every part directly: element-wise atomics of the processor are enough.
    pub uniform: bool,
    /// What this rank may do everywhere.
    pub everyone: Cell<Everyone>,
    /// Targets of the access epoch that `MPI_Win_start` opened.
    pub started: RefCell<Option<Vec<usize>>>,
    /// Origins of the exposure epoch that `MPI_Win_post` opened: their words that they are done.
    pub exposed: RefCell<Option<Vec<Req>>>,
    /// Targets that this rank has locked one by one.
    pub locks: Cell<usize>,
    /// Flushes since others' messages were last looked at.
    pub flushes: Cell<u32>,
    /// Start and length of what is attached to a dynamic window here.
    pub attached: RefCell<Vec<(u64, u64)>>,
    /// What the window allocated.
    pub memory: RefCell<Vec<Memory>>,
    errhandler: Cell<MPI_Errhandler>,
    /// Values which the program attached.
    pub attributes: Attributes,
    /// Numbers behind the predefined attributes, as C sees them.
    pub numbers: hints::Numbers,
    name: RefCell<String>,
    /// Hints which the program gave.
    pub info: RefCell<Info>,
}

per_rank! { static WINDOWS: RefCell<Table<Rc<Window>>> = const { RefCell::new(Table::new(Kind::Win)) }; }

/// The window of a handle.
pub fn get(handle: MPI_Win) -> Result<Rc<Window>> {
    WINDOWS.with(|t| t.borrow().get(handle.0).cloned()).map_or_else(|| invalid(handle), Ok)
}

/// Runs `f` on the window of a handle, which stays borrowed: `f` must neither make nor free windows nor call the program.
#[inline]
pub fn with<T>(handle: MPI_Win, f: impl FnOnce(&Window) -> Result<T>) -> Result<T> {
    if threads::is_multiple() {
        // Other threads make windows while this one waits.
        return f(&*get(handle)?);
    }
    WINDOWS.with(|t| match t.borrow().get(handle.0) {
        Some(window) => {
            hot::remember(window);
            f(window)
        }
        None => invalid(handle),
    })
}

#[cold]
fn invalid<T>(handle: MPI_Win) -> Result<T> {
    crate::init::require_running()?;
    if handle == MPI_WIN_NULL {
        return err(MPI_ERR_WIN, "the window is MPI_WIN_NULL");
    }
    err(MPI_ERR_WIN, format!("invalid or freed window handle {:#x}", handle.0))
}

/// How many the program has not freed.
pub fn in_use() -> usize {
    WINDOWS.with(|table| table.borrow().len())
}

impl Guarded for MPI_Win {
    fn handler(self) -> (usize, MPI_Errhandler) {
        match WINDOWS.with(|t| t.borrow().get(self.0).map(|window| window.errhandler.get())) {
            Some(handler) => (self.0, handler),
            // Without a window the error belongs to MPI_COMM_SELF (MPI 5.0, section 9.3).
            None => MPI_COMM_SELF.handler(),
        }
    }

    fn raw(self) -> usize {
        self.0
    }
}

impl Window {
    /// The handle by which the program knows it.
    pub fn handle(&self) -> MPI_Win {
        self.handle.get()
    }

    /// The part of the rank that the program named; `MPI_PROC_NULL` is the caller's.
    #[inline]
    pub fn target(&self, rank: c_int) -> Result<&Target> {
        match self.targets.get(rank as usize) {
            Some(target) if rank >= 0 => Ok(target),
            _ => self.no_such_rank(rank),
        }
    }

    #[cold]
    fn no_such_rank<T>(&self, rank: c_int) -> Result<T> {
        err(MPI_ERR_RANK, format!("invalid rank {rank} in {}", self.describe()))
    }

    /// This rank's own part.
    pub fn own(&self) -> &Target {
        &self.targets[self.comm.rank()]
    }

    /// For messages: name, or handle if it has none, and number of ranks.
    pub fn describe(&self) -> String {
        let name = self.name.borrow();
        if name.is_empty() {
            return format!("window {:#x} of {} ranks", self.handle.get().0, self.targets.len());
        }
        format!("window {name} of {} ranks", self.targets.len())
    }

    /// The name which the program gave it.
    pub fn name(&self) -> String {
        self.name.borrow().clone()
    }

    /// `MPI_Win_set_name`; what exceeds `MPI_MAX_OBJECT_NAME` is cut off.
    pub fn set_name(&self, name: &str) {
        let mut end = name.len().min(MPI_MAX_OBJECT_NAME as usize - 1);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name[..end].clone_into(&mut self.name.borrow_mut());
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

impl Drop for Window {
    fn drop(&mut self) {
        errhandler::release(self.errhandler.get());
    }
}
