//! Sends and receives that need no request: the data goes into the ring at once, or from the ring to its place.
//!
//! A blocking receive that finds no message waits with its arguments in [`Direct`]: it is the youngest posted receive, so a
//! message that no older one takes and that fits it is copied straight to its place.

use super::super::buffer::Buffer;
use super::super::matching::{Envelope, Pattern};
use super::super::peer::{Peer, cost};
use super::super::request::{Asked, fits};
use super::arrival::put_small;
use super::{Core, Engine};
use crate::abi::MPI_Status;
use crate::error::{MpiError, Result};
use crate::node;
use crate::observe;
use crate::threads;
use crate::transport::ivc::{Data, Ivc, decode_small};

/// How often a blocking receive looks before it becomes a request.
const LOOKS: u32 = 20_000;
/// The same when the sender may be waiting for the processor, or other threads for MPI.
const CROWDED_LOOKS: u32 = 200;
/// How many messages of each ring a receive takes when it is started.
const AT_ONCE: usize = 2;
/// How often it looks at the rings alone before everything else gets its turn.
const RING_LOOKS: u32 = 32;

/// From how many bytes on a blocking send offers its data instead of copying it into the ring (half round trip of 1 KiB:
/// 0.26 us copied twice, 0.13 us offered; `unirank bench compare`).
const OFFERED: usize = 256;
/// How often a sender looks whether its offer was taken: one or two microseconds. A receiver that is in MPI needs less.
const PATIENCE: u32 = 2000;
/// How many sends make no offer after one that was not taken in that time.
const WITHOUT_OFFERS: u32 = 64;

/// A blocking receive without a request.
#[derive(Clone, Copy)]
pub(super) struct Direct {
    pattern: Pattern,
    at: *mut u8,
    len: usize,
    outcome: Outcome,
}

/// What has become of it.
#[derive(Clone, Copy)]
enum Outcome {
    /// No message yet.
    Waiting,
    /// It is complete: the envelope, and the bytes of the message, which may be more than there was room for.
    Done(Envelope, usize),
    /// A message was matched whose data has to be fetched, by this request.
    Request(u32),
}

/// A receive that was started.
pub enum Started {
    /// It is complete: the envelope, and the bytes of the message.
    Complete(Envelope, usize),
    /// It is this request.
    Request(u32),
}

/// How a quick receive ended.
pub enum Quick {
    /// Complete.
    Done(MPI_Status),
    /// It has become a request.
    Matched(u32),
    /// Not done: the general way has to be taken.
    Refused,
    /// Failed.
    Failed(MpiError),
}

impl Direct {
    /// Whether it takes the message.
    #[inline]
    pub(super) fn accepts(&self, envelope: &Envelope) -> bool {
        matches!(self.outcome, Outcome::Waiting) && self.pattern.accepts(envelope)
    }

    /// Puts eager data to its place.
    #[inline]
    pub(super) fn take(&mut self, envelope: &Envelope, data: &Data<'_>) {
        // SAFETY: the caller of the receive keeps `len` bytes from `at` writable.
        unsafe { data.copy_to(self.at, self.len.min(data.size())) };
        self.outcome = Outcome::Done(*envelope, data.size());
    }
}

impl Core {
    /// Makes the waiting direct receive a request, for a message whose data has to be fetched.
    pub(super) fn direct_request(&mut self) -> Option<u32> {
        let Direct { pattern, at, len, .. } = self.direct?;
        let request = self.new_request(Buffer::Bytes { at, len }, false, Asked::receive(&pattern));
        if let Some(direct) = &mut self.direct {
            direct.outcome = Outcome::Request(request);
        }
        Some(request)
    }
}

impl Engine {
    /// Sends contiguous data into the ring at once, if there is one with room and nothing waits before it.
    ///
    /// # Safety
    /// `len` bytes from `at` are readable.
    #[inline]
    pub unsafe fn send_at_once(&mut self, to: u32, envelope: &Envelope, at: *const u8, len: usize) -> bool {
        let core = &mut self.core;
        if to == core.rank || len > core.ring_eager || core.failed.is_some() {
            return false;
        }
        let Some(peer) = core.peers.get_mut(to as usize) else { return false };
        let cost = cost(len);
        if !peer.queue.is_empty() || cost > peer.credit {
            return false;
        }
        let Some(ivc) = self.links.next_ring() else { return false };
        // SAFETY: the caller's promise; `ring_eager` is what every ring takes.
        if !unsafe { ivc.send_eager(to, envelope, peer.next_out, at, len) } {
            return false;
        }
        observe::sent_at_once(to, envelope, peer.next_out, len);
        peer.next_out = peer.next_out.wrapping_add(1);
        peer.credit -= cost;
        self.links.count();
        true
    }

    /// As [`Self::send_at_once`] for a send that may wait a little: data of some length is offered where it lies, and copied
    /// once, by the receiver, when it is there to do so.
    ///
    /// # Safety
    /// As [`Self::send_at_once`].
    #[inline]
    pub unsafe fn send_blocking(&mut self, to: u32, envelope: &Envelope, at: *const u8, len: usize) -> bool {
        if len < OFFERED || !self.offers_to(to) {
            // SAFETY: the caller's promise.
            return unsafe { self.send_at_once(to, envelope, at, len) };
        }
        // SAFETY: the caller's promise.
        unsafe { self.send_offered(to, envelope, at, len) }
    }

    /// Whether data is offered to `to` now.
    #[inline]
    fn offers_to(&mut self, to: u32) -> bool {
        match self.core.peers.get_mut(to as usize) {
            Some(peer) if peer.no_offers > 0 => {
                peer.no_offers -= 1;
                false
            }
            Some(peer) => peer.reads_here,
            None => false,
        }
    }

    /// # Safety
    /// As [`Self::send_at_once`].
    unsafe fn send_offered(&mut self, to: u32, envelope: &Envelope, at: *const u8, len: usize) -> bool {
        let core = &mut self.core;
        if to == core.rank || len > core.ring_eager || core.failed.is_some() || !node::is_own(at, len) {
            return false;
        }
        let peer = &mut core.peers[to as usize];
        let cost = cost(len);
        if !peer.queue.is_empty() || cost > peer.credit {
            return false;
        }
        let Some(ivc) = self.links.next_ring() else { return false };
        let Some(offer) = ivc.offer(to, envelope, peer.next_out, at, len) else { return false };
        observe::sent_at_once(to, envelope, peer.next_out, len);
        peer.next_out = peer.next_out.wrapping_add(1);
        peer.credit -= cost;
        if !(0..PATIENCE).any(|_| ivc.is_taken(to, offer)) {
            // SAFETY: the caller's promise.
            let copy: Box<[u8]> = unsafe { std::slice::from_raw_parts(at, len) }.into();
            ivc.move_offer(to, offer, copy.as_ptr());
            peer.moved.push_back((offer, copy));
            peer.no_offers = WITHOUT_OFFERS;
        }
        while peer.moved.front().is_some_and(|(moved, _)| ivc.is_taken(to, *moved)) {
            peer.moved.pop_front();
        }
        self.links.count();
        true
    }

    /// Whether all data that was offered and moved has been taken.
    pub(super) fn all_offers_taken(&self) -> bool {
        let Some(ivc) = &self.links.ivc else { return true };
        let taken = |(to, peer): (usize, &Peer)| {
            peer.moved.back().is_none_or(|(offer, _)| ivc.is_taken(to as u32, *offer))
        };
        self.core.peers.iter().enumerate().all(taken)
    }

    /// Starts a receive into contiguous memory. It is complete at once if its message lies in a ring already: then it needs
    /// no place in the queues. Those before it are taken to where they belong, but few, so that a rank that starts its
    /// receives as fast as the messages come keeps up with them.
    ///
    /// # Safety
    /// `len` bytes from `at` are writable until the receive is complete.
    #[inline(always)]
    pub unsafe fn start_receive(
        &mut self,
        from: Option<u32>,
        pattern: &Pattern,
        at: *mut u8,
        len: usize,
    ) -> Result<Started> {
        // SAFETY: the caller's promise.
        unsafe {
            if self.core.failed.is_none() && !self.core.has(pattern) {
                if let Some((envelope, size)) = self.take_small(from, pattern, at, len) {
                    return Ok(Started::Complete(envelope, size));
                }
            }
            self.start_any_receive(pattern, at, len)
        }
    }

    /// As [`Self::start_receive`], for any message.
    ///
    /// # Safety
    /// As [`Self::start_receive`].
    #[inline(never)]
    unsafe fn start_any_receive(&mut self, pattern: &Pattern, at: *mut u8, len: usize) -> Result<Started> {
        let is_ready = self.links.ivc.as_ref().is_some_and(Ivc::is_ready);
        if is_ready && self.core.failed.is_none() && !self.core.has(pattern) {
            self.core.direct = Some(Direct { pattern: *pattern, at, len, outcome: Outcome::Waiting });
            let looked = self.look_at_rings(AT_ONCE).and_then(|_| self.flush());
            let direct = self.core.direct.take();
            looked?;
            match direct.map(|direct| direct.outcome) {
                Some(Outcome::Done(envelope, size)) if fits(&envelope, size, pattern.types, len) => {
                    return Ok(Started::Complete(envelope, size));
                }
                Some(Outcome::Done(envelope, size)) => {
                    return Ok(Started::Request(self.failed_request(pattern, &envelope, size, len)));
                }
                Some(Outcome::Request(request)) => return Ok(Started::Request(request)),
                Some(Outcome::Waiting) | None => {}
            }
        }
        self.receive(pattern, Buffer::Bytes { at, len }).map(Started::Request)
    }

    /// Receives a message into contiguous memory, blocking.
    ///
    /// # Safety
    /// `len` bytes from `at` are writable.
    pub unsafe fn receive_quickly(
        &mut self,
        from: Option<u32>,
        pattern: &Pattern,
        at: *mut u8,
        len: usize,
    ) -> Quick {
        if self.links.ivc.is_none() || self.core.failed.is_some() {
            return Quick::Refused;
        }
        if self.core.has(pattern) {
            return Quick::Refused;
        }
        self.core.direct = Some(Direct { pattern: *pattern, at, len, outcome: Outcome::Waiting });
        // SAFETY: the caller's promise.
        let outcome = unsafe { self.look_for_direct(from, pattern, at, len) };
        self.core.direct = None;
        match outcome {
            Ok(Outcome::Done(envelope, size)) if fits(&envelope, size, pattern.types, len) => {
                Quick::Done(MPI_Status::received(envelope.source, envelope.tag, size as u64))
            }
            Ok(Outcome::Done(envelope, size)) => {
                Quick::Matched(self.failed_request(pattern, &envelope, size, len))
            }
            Ok(Outcome::Request(request)) => Quick::Matched(request),
            // Nothing came in this time: it becomes a request like any other, and sleeps.
            Ok(Outcome::Waiting) => Quick::Refused,
            Err(error) => Quick::Failed(error),
        }
    }

    /// # Safety
    /// As [`Self::receive_quickly`].
    #[inline]
    unsafe fn look_for_direct(
        &mut self,
        from: Option<u32>,
        pattern: &Pattern,
        at: *mut u8,
        len: usize,
    ) -> Result<Outcome> {
        let mut wait = observe::Wait::default();
        let looks = if self.pace.crowded || threads::is_multiple() { CROWDED_LOOKS } else { LOOKS };
        for look in 1..looks {
            let waiting = self.links.ivc.as_ref().is_some_and(|ivc| !ivc.is_ready());
            if waiting && look % RING_LOOKS != 0 {
                continue;
            }
            // SAFETY: the caller's promise.
            if let Some((envelope, size)) = unsafe { self.take_small(from, pattern, at, len) } {
                return Ok(Outcome::Done(envelope, size));
            }
            wait.look(look);
            if self.progress()? {
                match self.core.direct {
                    Some(Direct { outcome: Outcome::Waiting, .. }) => {}
                    Some(Direct { outcome, .. }) => return Ok(outcome),
                    None => return Ok(Outcome::Waiting),
                }
            }
        }
        Ok(Outcome::Waiting)
    }

    /// Takes the message in front of the ring from `from` to its place, if nothing else is to be done: it is small and eager,
    /// the next one of this sender, fits and has room, and no receive that was posted before could want it. Gives its envelope
    /// and size. What [`Self::look_at_rings`] does with any message is much the longer way.
    ///
    /// # Safety
    /// `len` bytes from `at` are writable.
    #[inline(always)]
    unsafe fn take_small(
        &mut self,
        from: Option<u32>,
        pattern: &Pattern,
        at: *mut u8,
        len: usize,
    ) -> Option<(Envelope, usize)> {
        let core = &mut self.core;
        let from = from.filter(|_| core.matcher.is_idle())?;
        let ivc = self.links.ivc.as_mut()?;
        let (small, place) = ivc.small(from)?;
        let (envelope, sequence) = decode_small(small)?;
        let size = small.size();
        let peer = core.peers.get_mut(from as usize)?;
        let is_next = sequence == peer.next_in && peer.early.is_empty();
        // One that costs credit goes the way on which credit comes back.
        if !is_next
            || !fits(&envelope, size, pattern.types, len)
            || cost(size) > 0
            || !pattern.accepts(&envelope)
        {
            return None;
        }
        peer.next_in = sequence.wrapping_add(1);
        // SAFETY: the caller's promise.
        unsafe { put_small(small, at) };
        ivc.pop_small(place);
        observe::received_at_once(from, &envelope, sequence, size);
        Some((envelope, size))
    }

    /// A complete request that carries the error of a message longer than its buffer, or of another type.
    #[cold]
    fn failed_request(&mut self, pattern: &Pattern, envelope: &Envelope, size: usize, len: usize) -> u32 {
        let buffer = Buffer::Bytes { at: std::ptr::null_mut(), len };
        let request = self.core.new_request(buffer, false, Asked::message(envelope, pattern.types));
        self.core.matched(request, envelope, size as u64);
        self.core.complete(request);
        request
    }
}
