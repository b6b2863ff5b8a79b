//! What is under way to a target through the adapter.

use crate::datatype::Packer;
use crate::error::Result;
use crate::p2p::remote;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// Operations that may be under way to one target: beyond it a new one waits for the oldest.
const MOST: usize = 256;

/// An operation under way.
pub struct Flight {
    /// Accesses that are not done.
    pub left: Rc<Cell<u32>>,
    /// Bytes that the adapter reads or writes instead of the program's buffer.
    pub bytes: Box<[u8]>,
    /// Where these go in the end.
    pub unpack: Option<Packer>,
}

impl Flight {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { left: Rc::default(), bytes: Box::default(), unpack: None }
    }

    /// Waits until it is done and puts what it brought in its place.
    pub fn land(mut self) -> Result<()> {
        if let Err(error) = remote::wait(&self.left) {
            // The adapter may still use the bytes.
            std::mem::forget(std::mem::take(&mut self.bytes));
            return Err(error);
        }
        if let Some(mut packer) = self.unpack.take() {
            packer.unpack(&self.bytes);
        }
        Ok(())
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.left.get() > 0 {
            std::mem::forget(std::mem::take(&mut self.bytes));
        }
    }
}

impl Default for Flight {
    fn default() -> Self {
        Self::new()
    }
}

/// Operations under way to one target, oldest first.
#[derive(Default)]
pub struct Flights {
    list: RefCell<VecDeque<Flight>>,
    count: Cell<usize>,
}

impl Flights {
    /// Whether there are none.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.count.get() == 0
    }

    /// Adds one; makes room first.
    pub fn add(&self, flight: Flight) -> Result<()> {
        let done = |flights: &VecDeque<Flight>| flights.front().is_some_and(|first| first.left.get() == 0);
        while done(&self.list.borrow()) || self.count.get() >= MOST {
            self.land_first()?;
        }
        self.list.borrow_mut().push_back(flight);
        self.count.set(self.count.get() + 1);
        Ok(())
    }

    fn land_first(&self) -> Result<()> {
        let first = self.list.borrow_mut().pop_front();
        self.count.set(self.list.borrow().len());
        first.map_or(Ok(()), Flight::land)
    }

    /// Waits for all.
    pub fn land(&self) -> Result<()> {
        while !self.is_empty() {
            self.land_first()?;
        }
        Ok(())
    }
}
