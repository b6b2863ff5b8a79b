//! One collective call's view of the communicator: who am I, and messages under the call's tag.

use super::memory::{Receive, Send};
use crate::comm::Comm;
use crate::comm::wire::{self, Pending};
use crate::datatype::{self, Datatype};
use crate::error::Result;
use crate::fiber;

/// A communicator and the tag of a collective. Messages between two ranks arrive in order, so one tag per kind of
/// collective is enough; a program that calls different collectives on different ranks gets stuck, not wrong data.
/// A collective that runs beside others, in a fiber, has a tag of its own.
#[derive(Clone, Copy)]
pub(crate) struct Link<'a> {
    pub comm: &'a Comm,
    pub tag: i32,
    pub rank: usize,
    pub size: usize,
}

impl<'a> Link<'a> {
    pub fn new(comm: &'a Comm, collective: super::choose::Collective) -> Self {
        let tag = fiber::tag().unwrap_or(collective as i32);
        Self { comm, tag, rank: comm.rank(), size: comm.size() }
    }

    /// The rank `distance` behind this one, around the ring.
    pub fn after(&self, distance: usize) -> usize {
        (self.rank + distance) % self.size
    }

    /// The rank `distance` before this one, around the ring.
    pub fn before(&self, distance: usize) -> usize {
        (self.rank + self.size - distance % self.size) % self.size
    }

    /// Starts a send.
    ///
    /// # Safety
    /// The memory of `data` stays readable until the operation is finished.
    pub unsafe fn start_send(&self, to: usize, data: Send<'_>) -> Result<Pending> {
        // SAFETY: the caller's promise.
        unsafe { wire::start_send(self.comm, to, self.tag, data.at, data.count, data.dt) }
    }

    /// Starts a receive.
    ///
    /// # Safety
    /// The memory of `room` stays writable until the operation is finished.
    pub unsafe fn start_receive(&self, from: usize, room: Receive<'_>) -> Result<Pending> {
        // SAFETY: the caller's promise.
        unsafe { wire::start_receive(self.comm, from, self.tag, room.at, room.count, room.dt) }
    }

    /// Sends and waits.
    ///
    /// # Safety
    /// The memory of `data` is readable.
    pub unsafe fn send(&self, to: usize, data: Send<'_>) -> Result<()> {
        // SAFETY: the caller's promise; the operation ends here.
        wire::finish(unsafe { self.start_send(to, data)? }).map(|_| ())
    }

    /// Receives and waits; the number of bytes that came.
    ///
    /// # Safety
    /// The memory of `room` is writable.
    pub unsafe fn receive(&self, from: usize, room: Receive<'_>) -> Result<usize> {
        // SAFETY: the caller's promise; the operation ends here.
        wire::finish(unsafe { self.start_receive(from, room)? })
    }

    /// Sends to one rank while receiving from another (or the same).
    ///
    /// # Safety
    /// The memory of `data` is readable, that of `room` writable, and they do not overlap.
    pub unsafe fn exchange(&self, to: usize, data: Send<'_>, from: usize, room: Receive<'_>) -> Result<()> {
        // SAFETY: the caller's promise; both operations end here.
        let receive = unsafe { self.start_receive(from, room)? };
        // SAFETY: as above.
        let send = unsafe { self.start_send(to, data) };
        let received = wire::finish(receive).map(|_| ());
        received.and(send.and_then(wire::finish).map(|_| ()))
    }

    /// Sends bytes and waits.
    pub fn send_bytes(&self, to: usize, bytes: &[u8]) -> Result<()> {
        wire::send_bytes(self.comm, to, self.tag, bytes)
    }

    /// Receives bytes and waits; how many came.
    pub fn receive_bytes(&self, from: usize, bytes: &mut [u8]) -> Result<usize> {
        wire::receive_bytes(self.comm, from, self.tag, bytes)
    }

    /// Sends bytes to one rank while receiving from another.
    pub fn exchange_bytes(&self, to: usize, data: &[u8], from: usize, room: &mut [u8]) -> Result<()> {
        let byte: Datatype = datatype::byte();
        let data = Send { at: data.as_ptr(), count: data.len(), dt: &byte };
        let room = Receive { at: room.as_mut_ptr(), count: room.len(), dt: &byte };
        // SAFETY: a shared and an exclusive slice are valid and do not overlap.
        unsafe { self.exchange(to, data, from, room) }
    }
}
