//! Rendezvous without windows: the sender itself sends the data, part after part through its ring, once the receiver has
//! matched. One copy more than through a window, and any kind of buffer on both sides.

use super::super::header::{Header, Kind, STREAM};
use super::super::peer::Outgoing;
use super::super::request::{Packing, Pulling, State};
use super::{Core, Links};
use crate::error::Result;
use crate::transport::Payload;

impl Core {
    /// Asks the sender of a matched message for its data.
    pub(super) fn ask_for_stream(&mut self, request: u32, from: u32, header: &Header, total: usize) {
        let token = self.token(request);
        let Some(entry) = self.requests.get_mut(request) else { return };
        entry.state = State::Pulling(Box::new(Pulling { total, ..Pulling::new(from, header) }));
        let clear = Header {
            size: total as u64,
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
