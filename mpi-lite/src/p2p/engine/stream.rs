//! Rendezvous in which the sender brings the data, once the receiver has matched: without windows, and when the data is
//! scattered at the sender, which alone knows where it lies.
//!
//! It packs straight to the receiver's place for it, if that is contiguous and in a window that may be written; else part after
//! part into its ring, out of which the receiver takes it to its place. So both ranks are at work, and in their caches. (64 KiB
//! and 1 MiB of doubles with gaps of a double, two VMs: 22 and 27 GB/s to one place and 6.8 and 7.6 into the ring, against 5.2
//! and 6.1, or 4.3 and 2.5, through two pieces of 128 KiB that the sender packs and the receiver reads;
//! `unirank bench compare --only derived`.)

use super::super::header::{Header, Kind, STREAM};
use super::super::peer::Outgoing;
use super::super::request::{Packing, Pulling, Request, State};
use super::{Core, Links};
use crate::error::Result;
use crate::node;
use crate::transport::Payload;

impl Core {
    /// Asks the sender of a matched message for its data.
    pub(super) fn ask_for_stream(&mut self, request: u32, from: u32, header: &Header, total: usize) {
        let token = self.token(request);
        let Some(entry) = self.requests.get_mut(request) else { return };
        entry.state = State::Pulling(Box::new(Pulling { total, ..Pulling::new(from, header) }));
        let clear = Header {
            size: total as u64,
            address: entry.buffer.address(0).map_or(0, |at| at as u64),
            other: token,
            flags: STREAM,
            ..Header::control(Kind::Clear, header.token)
        };
        self.control(from, clear);
    }

    /// The receiver wants the data of a send request.
    pub(super) fn start_stream(&mut self, from: u32, header: &Header) {
        let Some((request, entry)) = self.by_token(header.token).filter(|(_, entry)| entry.send) else {
            return self.not_asked_for(from, header);
        };
        let total = (header.size as usize).min(entry.buffer.size());
        let place = (header.address != 0).then(|| node::direct(from, header.address, total as u64, true));
        if let Some(place) = place.flatten() {
            // SAFETY: the receiver has `total` bytes at that address, which are this rank's until it is told.
            entry.buffer.read(0, unsafe { std::slice::from_raw_parts_mut(place, total) });
            self.control(from, Header::control(Kind::Placed, header.other));
            self.complete(request);
            return;
        }
        let packing =
            Packing { to: from, receiver: header.other, total, packed: 0, read: 0, slots: Vec::new() };
        let before = std::mem::replace(&mut entry.state, State::Packing(Box::new(packing)));
        self.withdraw_offer(from, matches!(before, State::Offered));
        self.enqueue(from, Outgoing::Stream(request));
    }

    /// Sends as many parts as there is room for. True when all are sent: the request is complete then.
    pub(super) fn try_stream(&mut self, links: &mut Links, to: u32, request: u32) -> Result<bool> {
        let most = links.ivc.as_ref().map_or(0, |ivc| ivc.max_len());
        loop {
            let Some(entry) = self.requests.get_mut(request) else { return Ok(true) };
            let State::Packing(packing) = &mut entry.state else { return Ok(true) };
            let offset = packing.packed;
            let len = most.min(packing.total - offset);
            if len == 0 {
                self.complete(request);
                return Ok(true);
            }
            let header = Header { other: offset as u64, ..Header::control(Kind::Data, packing.receiver) };
            let buffer = &mut entry.buffer;
            let data = Payload::Fill(len, &mut |out: &mut [u8]| _ = buffer.read(offset, out));
            if links.try_send(to, &header, data)? == super::links::Sent::No {
                return Ok(false);
            }
            packing.packed += len;
        }
    }

    /// The sender has packed the data to its place.
    pub(super) fn placed(&mut self, from: u32, header: &Header) {
        match self.by_token(header.token) {
            Some((request, Request { state: State::Pulling(pulling), .. })) if pulling.from == from => {
                self.complete(request);
            }
            _ => self.not_asked_for(from, header),
        }
    }

    /// A part of the data of a receive request.
    pub(super) fn data(&mut self, from: u32, header: &Header, data: &[u8]) {
        let Some((request, entry)) = self.by_token(header.token) else {
            return self.not_asked_for(from, header);
        };
        let State::Pulling(pulling) = &mut entry.state else { return self.not_asked_for(from, header) };
        let fits = usize::try_from(header.other)
            .ok()
            .and_then(|offset| offset.checked_add(data.len()))
            .is_some_and(|end| end <= pulling.total);
        if from != pulling.from || !fits {
            return self.not_asked_for(from, header);
        }
        entry.buffer.write(header.other as usize, data);
        pulling.done += data.len();
        if pulling.done >= pulling.total {
            self.complete(request);
        }
    }
}
