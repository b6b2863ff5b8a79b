//! Starting receives, probing, cancelling.

use super::super::buffer::Buffer;
use super::super::header::{Header, Kind};
use super::super::matching::{Envelope, Pattern};
use super::super::peer::cost;
use super::super::request::{Asked, State};
use super::{Core, Engine, Unexpected};
use crate::abi::MPI_Status;
use crate::check::TypeCode;
use crate::error::Result;
use crate::observe;
use crate::transport::ivc::Data;

/// A message taken out of the unexpected queue by a matched probe.
pub struct Taken {
    envelope: Envelope,
    message: Unexpected,
}

impl Engine {
    /// Starts a receive.
    #[inline(always)]
    pub fn receive(&mut self, pattern: &Pattern, buffer: Buffer) -> Result<u32> {
        let asked = Asked::receive(pattern);
        if let Some((envelope, message)) = self.core.matcher.take(pattern) {
            let request = self.core.new_request(buffer, false, asked);
            self.receive_taken(request, &envelope, message)?;
            return Ok(request);
        }
        self.core.check_receive(&buffer, &asked)?;
        let id = self.core.matcher.post(pattern, self.core.requests.next());
        Ok(self.core.request_in(State::Posted(id), buffer, false, asked))
    }

    /// Starts the receive of a message that a matched probe took.
    pub fn receive_message(&mut self, taken: Taken, buffer: Buffer, types: TypeCode) -> Result<u32> {
        let request = self.core.new_request(buffer, false, Asked::message(&taken.envelope, types));
        self.receive_taken(request, &taken.envelope, taken.message)?;
        Ok(request)
    }

    fn receive_taken(&mut self, request: u32, envelope: &Envelope, message: Unexpected) -> Result<()> {
        match message {
            Unexpected::Eager { from, token, data } => {
                observe::taken(from, envelope, data.len() as u64);
                self.core.receive_eager(request, envelope, from, token, &Data::Bytes(&data));
            }
            Unexpected::Rendezvous { from, header } => {
                observe::taken(from, envelope, header.size);
                self.core.pull(request, from, &header);
            }
            Unexpected::Own { send, .. } => self.core.copy_own(request, envelope, send),
        }
        self.flush()
    }

    /// The envelope and size of the earliest message that fits, as a status. The message stays.
    pub fn peek(&self, pattern: &Pattern) -> Option<MPI_Status> {
        self.core.matcher.peek(pattern).map(|(envelope, message)| status_of(envelope, message))
    }

    /// Takes the earliest message that fits.
    pub fn take(&mut self, pattern: &Pattern) -> Option<(MPI_Status, Taken)> {
        let (envelope, message) = self.core.matcher.take(pattern)?;
        Some((status_of(&envelope, &message), Taken { envelope, message }))
    }

    /// Withdraws a receive that has not matched; other requests complete as if nothing had been asked.
    pub fn cancel(&mut self, request: u32) {
        let Some(entry) = self.core.requests.get_mut(request) else { return };
        if let State::Posted(id) = entry.state {
            entry.status.set_cancelled(true);
            self.core.matcher.withdraw(id);
            self.core.complete(request);
        }
    }
}

fn status_of(envelope: &Envelope, message: &Unexpected) -> MPI_Status {
    MPI_Status::received(envelope.source, envelope.tag, message.size())
}

impl Core {
    /// As [`Self::has`], for a blocking probe, which can be reported.
    pub fn probe(&mut self, pattern: &Pattern) -> bool {
        let found = self.has(pattern);
        self.probing = (!found).then(|| Asked::receive(pattern));
        found
    }

    /// Whether an unexpected message fits.
    pub fn has(&self, pattern: &Pattern) -> bool {
        self.matcher.has_unexpected() && self.matcher.peek(pattern).is_some()
    }

    /// Completes a receive with eager data.
    #[inline]
    pub(super) fn receive_eager(
        &mut self,
        request: u32,
        envelope: &Envelope,
        from: u32,
        token: u64,
        data: &Data<'_>,
    ) {
        if let Some(entry) = self.requests.get_mut(request) {
            let taken = entry.matched(envelope, data.size() as u64);
            match entry.buffer.address(0) {
                // SAFETY: the buffer has room for what it takes.
                Some(at) => unsafe { data.copy_to(at, taken) },
                None => data.with_bytes(|bytes| _ = entry.buffer.write(0, &bytes[..taken])),
            }
            self.complete(request);
        }
        self.consumed(from, data.size());
        if token != 0 {
            self.control(from, Header::control(Kind::Fin, token));
        }
    }

    /// Eager data of `from` has left the queues: its credit goes back.
    #[inline]
    pub(super) fn consumed(&mut self, from: u32, len: usize) {
        if cost(len) > 0 {
            self.give_credit(from, len);
        }
    }

    fn give_credit(&mut self, from: u32, len: usize) {
        if from == self.rank {
            self.own_credit += cost(len);
            return;
        }
        let half = self.window / 2;
        let peer = &mut self.peers[from as usize];
        peer.owed += cost(len);
        if self.by_ring[from as usize] {
            // Told in the ring at the next look; see `Engine::give_credits`.
            if peer.owed == cost(len) {
                self.creditors.push(from);
            }
            return;
        }
        if peer.owed >= half && !peer.returning {
            peer.returning = true;
            self.control(from, Header::control(Kind::Credit, 0));
        }
    }
}
