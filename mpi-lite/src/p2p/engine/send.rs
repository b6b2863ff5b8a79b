//! Starting sends.

use super::super::buffer::Buffer;
use super::super::header::{Header, Kind, PACKED};
use super::super::held::Held;
use super::super::matching::Envelope;
use super::super::peer::{Outgoing, cost};
use super::super::request::{Asked, State};
use super::{Core, Engine, Links, Unexpected};
use crate::error::Result;
use crate::{observe, threads};

impl Engine {
    /// Starts a send to the rank `to` in `MPI_COMM_WORLD`; `synchronous` sends complete only when matched.
    /// None: it is complete.
    pub fn send(
        &mut self,
        to: u32,
        envelope: Envelope,
        buffer: Buffer,
        synchronous: bool,
    ) -> Result<Option<u32>> {
        if let Some(error) = &self.core.failed {
            return Err(error.clone());
        }
        if let (Buffer::Bytes { at, len }, false) = (&buffer, synchronous) {
            // SAFETY: whoever made the buffer keeps it readable until the send is complete.
            let sent = unsafe { self.send_at_once(to, &envelope, *at, *len) };
            if sent {
                return Ok(None);
            }
        }
        let request = self.core.new_request(buffer, true, Asked::send(to, &envelope));
        if let Err(error) = self.core.check_send(request) {
            self.core.requests.remove(request);
            return Err(error);
        }
        if to == self.core.rank {
            self.core.send_to_self(request, envelope, synchronous);
            self.core.note_send(request);
            return Ok(Some(request));
        }
        let item = self.core.first_message(&mut self.links, to, request, envelope, synchronous);
        let waits = !self.core.peers[to as usize].queue.is_empty();
        if waits || !self.core.try_outgoing(&mut self.links, to, &item)? {
            self.core.enqueue(to, item);
        }
        self.core.note_send(request);
        Ok(Some(request))
    }
}

impl Core {
    /// The message that starts a send: eager or rendezvous. Takes credit and a sequence number.
    fn first_message(
        &mut self,
        links: &mut Links,
        to: u32,
        request: u32,
        envelope: Envelope,
        synchronous: bool,
    ) -> Outgoing {
        let token = self.token(request);
        let key = self.memory_key;
        let by_ring = links.ring(to).is_some();
        let eager_limit = if by_ring { self.ring_eager } else { self.eager_limit };
        self.collect_credit(links, to);
        let peer = &mut self.peers[to as usize];
        let sequence = peer.next_out;
        peer.next_out = sequence.wrapping_add(1);
        let Some(entry) = self.requests.get_mut(request) else {
            return Outgoing::Control(Header::control(Kind::Credit, 0));
        };
        let size = entry.buffer.size();
        // A ring has no room for the token of a synchronous send; the receiver ends a rendezvous with `Fin` anyway.
        if size <= eager_limit && cost(size) <= peer.credit && !(by_ring && synchronous) {
            peer.credit -= cost(size);
            let token = if synchronous { token } else { 0 };
            return Outgoing::Eager(
                Header { envelope, sequence, ..Header::control(Kind::Eager, token) },
                request,
            );
        }
        entry.state = State::AwaitFin;
        let (mut address, mut flags, mut other) = (0, 0, 0);
        if let Some(at) = entry.buffer.address(0) {
            address = at as u64;
            entry.state = State::Offered;
            peer.offered += 1;
        } else {
            flags = PACKED;
            if let Some(runs) = entry.buffer.runs() {
                (address, other) = (runs.as_ptr() as u64, runs.len() as u64);
                entry.state = State::AwaitFinOfRuns(runs);
            }
        }
        let size = size as u64;
        let header = Header {
            envelope,
            sequence,
            size,
            address,
            key,
            flags,
            other,
            ..Header::control(Kind::Rendezvous, token)
        };
        Outgoing::Control(header)
    }

    /// Adds the credit that has come back through the ring.
    fn collect_credit(&mut self, links: &mut Links, to: u32) {
        let Some(ivc) = &mut links.ivc else { return };
        let (returned, peer) = (ivc.credit_of(to), &mut self.peers[to as usize]);
        let new = returned.saturating_sub(peer.returned);
        peer.returned += new;
        peer.credit = peer.credit.saturating_add(u32::try_from(new).unwrap_or(u32::MAX)).min(self.window);
    }

    /// The channel has taken the data of an eager send.
    pub(super) fn eager_sent(&mut self, request: u32, synchronous: bool) {
        if synchronous {
            if let Some(entry) = self.requests.get_mut(request) {
                entry.state = State::AwaitFin;
            }
        } else {
            self.complete(request);
        }
    }

    fn send_to_self(&mut self, request: u32, envelope: Envelope, synchronous: bool) {
        observe::sent_to_self(self.requests.get(request).map_or(0, |entry| entry.buffer.size()));
        if let Some(receive) = self.matcher.arrive(&envelope) {
            self.copy_own(receive, &envelope, request);
            return;
        }
        let (eager_limit, credit) = (self.eager_limit, self.own_credit);
        let Some(entry) = self.requests.get_mut(request) else { return };
        let len = entry.buffer.size();
        observe::unexpected(len, self.matcher.lens().1 + 1);
        if !synchronous && len <= eager_limit && cost(len) <= credit {
            let mut data = vec![0; len].into_boxed_slice();
            entry.buffer.read(0, &mut data);
            let data = Held::Long(data);
            self.own_credit -= cost(len);
            self.matcher.keep(&envelope, Unexpected::Eager { from: self.rank, token: 0, data });
            self.complete(request);
        } else {
            entry.state = State::AwaitFin;
            threads::happened();
            self.matcher.keep(&envelope, Unexpected::Own { send: request, len });
        }
    }

    /// Completes a receive with the data of a send of the same rank, and both requests.
    pub(super) fn copy_own(&mut self, receive: u32, envelope: &Envelope, send: u32) {
        let Some(mut from) = self.requests.get_mut(send).map(|entry| entry.buffer.take()) else { return };
        self.matched(receive, envelope, from.size() as u64);
        if let Some(entry) = self.requests.get_mut(receive) {
            entry.buffer.copy_from(&mut from);
        }
        self.complete(send);
        self.complete(receive);
    }
}
