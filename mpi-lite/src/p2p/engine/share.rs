//! Large rendezvous between ranks of a host: both sides copy, chunk by chunk, from the sender's memory to the receiver's
//! (see [`unirank_ivc::desk`]). A sender that is not in MPI at the time does not help, and is not waited for.

use super::super::header::{Header, Kind};
use super::super::peer::Outgoing;
use super::super::request::State;
use super::links::Sent;
use super::{Core, Links};
use crate::error::Result;
use crate::node;
use crate::transport::Payload;
use unirank_ivc::desk::{Ticket, chunk_len};

/// From how many bytes on the sender is asked to help: below, the copy is over before it could begin
/// (`unirank bench compare`, latency of 64 KiB).
pub const SHARED: usize = 32 << 10;

/// The same with data on the way in both directions: both ranks have enough to copy then, and below this each takes what is
/// its own (32 messages each way at a time, two VMs: 64 KiB 37 GB/s alone, 33 shared; 1 MiB 22 to 31 alone, 34 shared).
const SHARED_BOTH_WAYS: usize = 256 << 10;

/// A receive by a copy that both sides work on.
pub struct Sharing {
    from: u32,
    /// The sender's request.
    sender: u64,
    source: u64,
    target: *mut u8,
    total: usize,
    ticket: Ticket,
    announced: bool,
    copied: u32,
}

/// A copy of a send request's data that the receiver has asked for help with.
#[derive(Clone, Copy)]
pub struct Helping {
    ticket: Ticket,
    source: *const u8,
    target: u64,
    total: usize,
}

/// Number of chunks of a copy.
fn chunks(total: usize) -> u32 {
    total.div_ceil(chunk_len(total)) as u32
}

/// Offset and bytes of a chunk.
fn part(total: usize, chunk: u32) -> (usize, usize) {
    let len = chunk_len(total);
    let offset = chunk as usize * len;
    (offset, len.min(total - offset))
}

impl Core {
    /// Starts a shared copy for a matched message, if it is worth it and possible.
    pub(super) fn share(&mut self, request: u32, from: u32, header: &Header, total: usize) -> bool {
        let Some(entry) = self.requests.get_mut(request) else { return false };
        let peer = &mut self.peers[from as usize];
        let (Some(target), false) = (entry.buffer.address(0), total < SHARED || peer.desk_is_open) else {
            return false;
        };
        let is_shared_both_ways = total >= SHARED_BOTH_WAYS && !node::is_read_by_calls(from);
        if !self.by_ring[from as usize] || peer.offered > 0 && !is_shared_both_ways {
            return false;
        }
        peer.desk_is_open = true;
        peer.ticket = peer.ticket.wrapping_add(1).max(1);
        entry.state = State::Sharing(Box::new(Sharing {
            from,
            sender: header.token,
            source: header.address,
            target,
            total,
            ticket: Ticket(peer.ticket),
            announced: false,
            copied: 0,
        }));
        self.enqueue(from, Outgoing::Share(request));
        true
    }

    /// Opens the desk, asks the sender for help, and copies until no chunk is left. False: there was no room to ask.
    pub(super) fn try_share(&mut self, links: &mut Links, request: u32) -> Result<bool> {
        let Some(entry) = self.requests.get_mut(request) else { return Ok(true) };
        let State::Sharing(sharing) = &mut entry.state else { return Ok(true) };
        let Some(desk) = links.ivc.as_ref().and_then(|ivc| ivc.desk_from(sharing.from)) else {
            return Ok(true);
        };
        if !sharing.announced {
            desk.open(sharing.ticket);
            let help = Header {
                size: sharing.total as u64,
                address: sharing.target as u64,
                slot: sharing.ticket.0,
                ..Header::control(Kind::Help, sharing.sender)
            };
            if links.try_send(sharing.from, &help, Payload::None)? == Sent::No {
                return Ok(false);
            }
            sharing.announced = true;
        }
        while let Some(chunk) = desk.take(sharing.ticket, chunks(sharing.total)) {
            let (offset, len) = part(sharing.total, chunk);
            // SAFETY: the receive's buffer has `total` bytes, which are the library's until it is complete.
            unsafe {
                node::read(sharing.from, sharing.source + offset as u64, sharing.target.add(offset), len)?
            };
            sharing.copied += 1;
        }
        if !self.finish_share(links, request) {
            self.sharing.push(request);
        }
        Ok(true)
    }

    /// Ends a shared copy if the sender has reported the rest.
    fn finish_share(&mut self, links: &Links, request: u32) -> bool {
        let Some(entry) = self.requests.get_mut(request) else { return true };
        let State::Sharing(sharing) = &entry.state else { return true };
        let desk = links.ivc.as_ref().and_then(|ivc| ivc.desk_from(sharing.from));
        let reported = desk.map_or(0, |desk| desk.reported(sharing.ticket));
        if sharing.copied.saturating_add(reported) < chunks(sharing.total) {
            return false;
        }
        let (from, sender) = (sharing.from, sharing.sender);
        self.peers[from as usize].desk_is_open = false;
        self.control(from, Header::control(Kind::Fin, sender));
        self.complete(request);
        true
    }

    /// Ends the shared copies whose senders have reported; true if there were any.
    pub(super) fn look_at_shares(&mut self, links: &Links) -> bool {
        let mut waiting = std::mem::take(&mut self.sharing);
        let before = waiting.len();
        waiting.retain(|&request| !self.finish_share(links, request));
        let happened = waiting.len() < before;
        self.sharing.append(&mut waiting);
        happened
    }

    /// The receiver of a send request asks for help with the copy.
    pub(super) fn help(&mut self, from: u32, header: &Header) {
        let Some((_, entry)) = self.by_token(header.token) else { return };
        let total = header.size as usize;
        let (State::Offered, Some(source)) = (&entry.state, entry.buffer.address(0)) else { return };
        if total > entry.buffer.size() || total < SHARED {
            return;
        }
        let helping = Helping { ticket: Ticket(header.slot), source, target: header.address, total };
        self.enqueue(from, Outgoing::Help(helping));
    }

    /// Copies chunks into the receiver's memory until none is left.
    pub(super) fn try_help(&mut self, links: &Links, to: u32, helping: &Helping) -> Result<bool> {
        let Helping { ticket, source, target, total } = *helping;
        let Some(desk) = links.ivc.as_ref().and_then(|ivc| ivc.desk_to(to)) else { return Ok(true) };
        if !node::can_write(to) {
            return Ok(true);
        }
        let mut copied = 0;
        while let Some(chunk) = desk.take(ticket, chunks(total)) {
            let (offset, len) = part(total, chunk);
            // SAFETY: a chunk was there, so the receive is not complete, and neither is the send: its buffer is readable.
            unsafe { node::write(to, target + offset as u64, source.add(offset), len)? };
            copied += 1;
            desk.report(ticket, copied);
        }
        if copied > 0 {
            node::wake(to);
        }
        Ok(true)
    }
}
