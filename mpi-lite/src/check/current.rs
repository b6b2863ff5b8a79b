//! In which MPI function is this rank, and on what? Noted at every entry, for those who report later: two stores.

use crate::abi::MPI_Comm;
use crate::comm::{self, Comm};
use crate::handle::{self, Kind};
use crate::per_rank::per_rank;
use std::cell::Cell;
use std::rc::Rc;

/// The function that the program called last.
#[derive(Clone, Copy, Debug)]
pub struct Current {
    /// Its name.
    pub name: &'static str,
    /// Handle of the object whose error handler it uses.
    object: usize,
    /// Whether it is a collective with a number.
    pub collective: bool,
}

per_rank! { static CURRENT: Cell<Current> = const { Cell::new(Current { name: "", object: 0, collective: false }) }; }

/// A function begins on the object of that handle.
#[inline(always)]
pub fn enter(name: &'static str, object: usize, collective: bool) {
    CURRENT.with(|cell| cell.set(Current { name, object, collective }));
    if collective {
        comm::look(MPI_Comm(object), |comm| comm.collectives.set(comm.collectives.get().wrapping_add(1)));
    }
}

/// The function that the program called last.
pub fn get() -> Current {
    CURRENT.with(Cell::get)
}

impl Current {
    /// The communicator that it works on, if it is one.
    pub fn comm(&self) -> Option<Rc<Comm>> {
        comm::get(MPI_Comm(self.object)).ok()
    }

    /// Which collective on which communicator this is, in words.
    pub fn numbered(&self) -> String {
        match self.comm().filter(|_| self.collective) {
            Some(comm) => format!("collective number {} on {}", comm.collectives.get(), comm.describe()),
            None => self.place(),
        }
    }

    /// On what it works, in words.
    pub fn place(&self) -> String {
        match (self.comm(), handle::kind_of(self.object)) {
            (Some(comm), _) => comm.describe(),
            (_, Some(Kind::Win)) => format!("window {:#x}", self.object),
            (_, Some(Kind::File)) => format!("file {:#x}", self.object),
            _ => "no communicator".into(),
        }
    }
}
