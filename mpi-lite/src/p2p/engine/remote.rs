//! One-sided accesses: they take their turn in the peer's queue, like reads.

use super::super::peer::Outgoing;
use super::{Core, Engine};
use crate::check::silence::Silence;
use crate::error::Result;
use crate::transport::remote::{REMOTE, Remote};
use std::cell::Cell;
use std::ptr::NonNull;
use std::rc::Rc;

impl Engine {
    /// Starts an access; `left` goes up by one now and down by one when it is done.
    pub fn access(&mut self, mut access: Remote, left: &Rc<Cell<u32>>) -> Result<()> {
        if let Some(error) = &self.core.failed {
            return Err(error.clone());
        }
        left.set(left.get() + 1);
        access.token = u64::from(self.core.flights.insert(left.clone())) | REMOTE;
        let to = access.to;
        self.core.enqueue(to, Outgoing::Remote(access));
        self.flush()
    }

    /// Whether ranks on this host use each other's memory by load and store.
    pub fn shares_memory(&self) -> bool {
        self.core.shares_memory
    }

    /// As [`crate::transport::Channel::window_key`].
    pub fn window_key(&mut self) -> Result<u32> {
        self.links.channel.window_key()
    }

    /// As [`crate::transport::Channel::window_memory`].
    pub fn window_memory(&mut self, bytes: usize) -> Result<NonNull<u8>> {
        self.links.channel.window_memory(bytes)
    }

    /// Progress, or a sleep of so many nanoseconds if there is nothing to do, in a wait that began then.
    pub fn pause(&mut self, ns: u64, began_ns: u64, silence: &mut Silence) -> Result<()> {
        if !self.progress()? && !self.nap(ns, |_| false)? {
            silence.lasts(self.now_ns().saturating_sub(began_ns), &self.core);
        }
        Ok(())
    }
}

impl Core {
    /// An access is done.
    pub(super) fn landed(&mut self, flight: u32) {
        if let Some(left) = self.flights.remove(flight) {
            left.set(left.get() - 1);
        }
    }
}
