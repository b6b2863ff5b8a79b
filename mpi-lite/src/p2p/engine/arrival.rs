//! Messages from other ranks.

use super::super::buffer::Buffer;
use super::super::header::{Header, Kind, VIA_RING};
use super::super::matching::Envelope;
use super::super::peer::cost;
use super::super::request::{State, fits};
use super::{Core, Unexpected};
use crate::abi::{MPI_ERR_INTERN, MPI_Status};
use crate::error::MpiError;
use crate::observe;
use crate::transport::ivc::{Arrival, Data, Sink, Taken, decode_small};
use unirank_ivc::ring::{INLINE, Small};

impl Sink for Core {
    /// Takes the next message of `from` to the receive that was posted for it. The short way of [`Core::match_eager`].
    #[inline]
    fn small(&mut self, from: u32, small: Small<'_>) -> bool {
        let size = small.size();
        // Data that costs credit goes the way on which credit comes back.
        if self.matcher.is_idle() || cost(size) > 0 {
            return false;
        }
        let Some((envelope, sequence)) = decode_small(small) else { return false };
        let peer = &mut self.peers[from as usize];
        if sequence != peer.next_in || !peer.early.is_empty() {
            return false;
        }
        let Some(receive) = self.matcher.arrive(&envelope) else { return false };
        peer.next_in = sequence.wrapping_add(1);
        self.by_ring[from as usize] = true;
        observe::received_at_once(from, &envelope, sequence, size);
        if let Some(entry) = self.requests.get_mut(receive) {
            match entry.buffer {
                Buffer::Bytes { at, len } if fits(&envelope, size, entry.asked.types, len) => {
                    entry.status = MPI_Status::received(envelope.source, envelope.tag, size as u64);
                    // SAFETY: the buffer has room for it.
                    unsafe { put_small(small, at) };
                    self.complete(receive);
                }
                _ => {
                    let mut bytes = [0; INLINE];
                    // SAFETY: a small message is no longer.
                    unsafe { put_small(small, bytes.as_mut_ptr()) };
                    self.receive_eager(receive, &envelope, from, 0, &Data::Bytes(&bytes[..size]));
                }
            }
        }
        true
    }

    #[inline]
    fn arrive(&mut self, from: u32, arrival: &Arrival<'_>) -> Taken {
        self.arrive_by_ring(from, arrival)
    }
}

/// Copies the data of a small message.
///
/// # Safety
/// As many bytes as it has from `at` are writable.
#[inline(always)]
pub(super) unsafe fn put_small(small: Small<'_>, at: *mut u8) {
    // SAFETY: the caller's promise; there are no more than `INLINE` bytes.
    unsafe {
        if small.size() == 8 {
            at.cast::<u64>().write_unaligned(small.first());
        } else {
            let data = small.data();
            at.copy_from_nonoverlapping(data.as_ptr().cast(), small.size());
        }
    }
}

impl Core {
    /// Takes a message of `from` that came through the adapter.
    pub(super) fn message(&mut self, from: u32, bytes: &[u8]) {
        let decoded = Header::decode(bytes);
        let (Some((header, data)), true) = (decoded, (from as usize) < self.peers.len()) else {
            let text = format!(
                "rank {from} sent {} bytes which are no message of this version of unirank",
                bytes.len()
            );
            self.failed.get_or_insert(MpiError::new(MPI_ERR_INTERN, text));
            return;
        };
        self.arrive(from, &header, data);
    }

    /// Takes a message of `from` that came through its ring.
    #[inline]
    pub(super) fn arrive_by_ring(&mut self, from: u32, arrival: &Arrival<'_>) -> Taken {
        self.by_ring[from as usize] = true;
        if let Some((envelope, sequence)) = arrival.eager() {
            let peer = &mut self.peers[from as usize];
            if sequence == peer.next_in && peer.early.is_empty() {
                peer.next_in = sequence.wrapping_add(1);
                return arrival
                    .with_data(|data| {
                        observe::received_at_once(from, &envelope, sequence, data.size());
                        self.match_eager(from, &envelope, data)
                    })
                    .unwrap_or(Taken::Garbage);
            }
        }
        let Some(mut header) = arrival.header() else { return Taken::Garbage };
        header.flags |= VIA_RING;
        let arrived = arrival.with_data(|data| data.with_bytes(|bytes| self.arrive(from, &header, bytes)));
        if arrived.is_some() { Taken::More } else { Taken::Garbage }
    }

    /// Takes the next message of `from`, with its data. The short way of what [`Self::arrive`] does.
    #[inline]
    fn match_eager(&mut self, from: u32, envelope: &Envelope, data: &Data<'_>) -> Taken {
        if let Some(receive) = self.matcher.arrive(envelope) {
            self.receive_eager(receive, envelope, from, 0, data);
            return Taken::More;
        }
        match &mut self.direct {
            Some(direct) if direct.accepts(envelope) => {
                direct.take(envelope, data);
                self.consumed(from, data.size());
                Taken::Enough
            }
            _ => {
                observe::unexpected(data.size(), self.matcher.lens().1 + 1);
                let data = data.with_bytes(|bytes| bytes.into());
                self.matcher.keep(envelope, Unexpected::Eager { from, token: 0, data });
                Taken::More
            }
        }
    }

    /// Takes a message of `from`, whichever way it came.
    #[inline]
    pub(super) fn arrive(&mut self, from: u32, header: &Header, data: &[u8]) {
        let peer = &mut self.peers[from as usize];
        peer.credit = peer.credit.saturating_add(header.credit);
        match header.kind {
            Kind::Eager | Kind::Rendezvous => {
                if header.sequence != peer.next_in {
                    self.keep_early(from, header, data);
                    return;
                }
                self.in_order(from, header, data);
            }
            Kind::Credit => {}
            Kind::Fin => match self.by_token(header.token) {
                Some((request, entry)) if entry.send => {
                    let was_offered = matches!(entry.state, State::Offered);
                    self.withdraw_offer(from, was_offered);
                    self.complete(request);
                }
                _ => self.not_asked_for(from, header),
            },
            Kind::Clear => self.clear(from, header),
            Kind::Piece => self.piece(from, header),
            Kind::PieceRead => self.piece_read(from, header),
            Kind::Data => self.data(from, header, data),
            Kind::Help => self.help(from, header),
            Kind::Placed => self.placed(from, header),
        }
    }

    /// The data of a send to `to` will not be read where it lies, or has been.
    pub(super) fn withdraw_offer(&mut self, to: u32, was_offered: bool) {
        let offered = &mut self.peers[to as usize].offered;
        *offered = offered.saturating_sub(u32::from(was_offered));
    }

    /// Matches the next message of `from`, and those that came early and follow it.
    fn in_order(&mut self, from: u32, header: &Header, data: &[u8]) {
        self.match_message(from, header, data);
        loop {
            let peer = &mut self.peers[from as usize];
            peer.next_in = peer.next_in.wrapping_add(1);
            if peer.early.is_empty() {
                return;
            }
            let Some((header, data)) = peer.early.remove(&peer.next_in) else { return };
            self.match_message(from, &header, &data);
        }
    }

    fn match_message(&mut self, from: u32, header: &Header, data: &[u8]) {
        let envelope = &header.envelope;
        observe::received(from, header, data.len());
        let mut receive = self.matcher.arrive(envelope);
        if receive.is_none() && self.direct.as_ref().is_some_and(|direct| direct.accepts(envelope)) {
            if header.kind == Kind::Eager && header.token == 0 {
                if let Some(direct) = &mut self.direct {
                    direct.take(envelope, &Data::Bytes(data));
                }
                self.consumed(from, data.len());
                return;
            }
            receive = self.direct_request();
        }
        if receive.is_none() {
            // A rendezvous brings no data yet, only what its header says.
            let len = if header.kind == Kind::Eager { data.len() } else { 0 };
            observe::unexpected(len, self.matcher.lens().1 + 1);
        }
        match (receive, header.kind) {
            (Some(receive), Kind::Eager) => {
                self.receive_eager(receive, envelope, from, header.token, &Data::Bytes(data));
            }
            (Some(receive), _) => self.pull(receive, from, header),
            (None, Kind::Eager) => {
                let message = Unexpected::Eager { from, token: header.token, data: data.into() };
                self.matcher.keep(envelope, message);
            }
            (None, _) => self.matcher.keep(envelope, Unexpected::Rendezvous { from, header: *header }),
        }
    }
}
