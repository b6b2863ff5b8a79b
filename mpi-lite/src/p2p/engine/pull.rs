//! Rendezvous: the receiver reads the data out of the sender's memory.

use super::super::header::{Header, Kind, PACKED, STREAM, VIA_RING};
use super::super::peer::Outgoing;
use super::super::pieces::{PIECE, PIECES};
use super::super::request::{Packing, Pulling, State};
use super::runs::RUNS;
use super::{Core, Links, Reading};
use crate::error::Result;
use crate::node;
use crate::observe::{self, Fetch};
use crate::transport::{MAX_READ, Read};

/// A part of a message to be read: from where, and how much.
pub(super) struct Part {
    pub remote: u64,
    pub key: u32,
    pub offset: usize,
    pub len: usize,
    pub slot: u32,
}

/// From how many bytes on a copy out of a mapped window lasts (see [`Due`]); with a system call any does.
const LASTS: usize = 32 << 10;

/// A matched message that is to be copied. What lasts is done one at a time, where progress is made, not where an operation is
/// started: the other rank cannot read what this one has not sent yet, and should not wait meanwhile (64 messages each way at a
/// time, two VMs: 64 KiB 52 and 75 GB/s, 1 MiB 43 and 61; two processes: 12 and 20, 13 and 25).
pub(super) struct Due {
    request: u32,
    from: u32,
    header: Header,
    total: usize,
}

impl Core {
    /// Starts to fetch the data of a matched rendezvous message.
    pub(super) fn pull(&mut self, request: u32, from: u32, header: &Header) {
        let total = self.matched(request, &header.envelope, header.size);
        let is_packed = header.flags & PACKED != 0;
        let reads_runs = is_packed && self.reads_runs(request, from, header);
        let way = self.way(from, header, total, reads_runs || !is_packed);
        observe::fetched(way, total);
        if total == 0 {
            self.control(from, Header::control(Kind::Fin, header.token));
            self.complete(request);
            return;
        }
        if way == Fetch::Stream {
            return self.ask_for_stream(request, from, header, total);
        }
        let Some(entry) = self.requests.get_mut(request) else { return };
        if way == Fetch::Window && !is_packed {
            entry.state = State::Due;
            let due = Due { request, from, header: *header, total };
            if total >= LASTS || node::is_read_by_calls(from) {
                self.due.push_back(due);
            } else {
                self.copy(&due);
            }
            return;
        }
        entry.state = State::Pulling(Box::new(Pulling { total, ..Pulling::new(from, header) }));
        match () {
            () if reads_runs => self.read_runs(request, from, header),
            () if is_packed => self.ask_for_pieces(request),
            () => self.start_reading(request, total),
        }
    }

    /// Copies the next message that is due; false if there is none.
    #[inline]
    pub(super) fn copy_next(&mut self) -> bool {
        let next = self.due.pop_front();
        next.is_some_and(|due| {
            self.copy(&due);
            true
        })
    }

    /// Copies contiguous data of a rank whose memory can be reached.
    fn copy(&mut self, due: &Due) {
        let Due { request, from, header, total } = due;
        if self.share(*request, *from, header, *total) || self.copy_mapped(*request, *from, header, *total) {
            return;
        }
        if let Some(entry) = self.requests.get_mut(*request) {
            entry.state = State::Pulling(Box::new(Pulling { total: *total, ..Pulling::new(*from, header) }));
            self.start_reading(*request, *total);
        }
    }

    /// Asks for the first parts of contiguous remote data: of a contiguous buffer for as few as the adapter can read, of a
    /// scattered one for as many as there are slots.
    fn start_reading(&mut self, request: u32, total: usize) {
        let is_dense = self.requests.get(request).is_some_and(|entry| entry.buffer.address(0).is_some());
        let parts = if is_dense { total.div_ceil(MAX_READ as usize) } else { PIECES };
        (0..parts).for_each(|part| self.pull_next(request, part as u32));
    }

    /// Asks a sender to pack its data.
    pub(super) fn ask_for_pieces(&mut self, request: u32) {
        let other = self.token(request);
        let Some(entry) = self.requests.get_mut(request) else { return };
        let State::Pulling(pulling) = &mut entry.state else { return };
        pulling.packed = true;
        let clear = Header::control(Kind::Clear, pulling.sender);
        let (from, size) = (pulling.from, pulling.total as u64);
        self.control(from, Header { size, other, ..clear });
    }

    /// How the data will come; `is_read` says that it is to be read where the sender has it.
    fn way(&self, from: u32, header: &Header, total: usize, is_read: bool) -> Fetch {
        let by_ring = self.shares_memory && header.flags & VIA_RING != 0;
        let is_near = self.shares_memory && node::can_read(from);
        match () {
            () if by_ring && !(is_near && is_read) && total > 0 => Fetch::Stream,
            () if is_near || by_ring => Fetch::Window,
            () => Fetch::Adapter,
        }
    }

    /// Copies the data straight from the sender's memory, if that is mapped here.
    fn copy_mapped(&mut self, request: u32, from: u32, header: &Header, total: usize) -> bool {
        let Some(source) = node::direct(from, header.address, total as u64, false) else { return false };
        let Some(entry) = self.requests.get_mut(request) else { return false };
        match entry.buffer.address(0) {
            // SAFETY: the window is mapped over these bytes, and the sender leaves its buffer alone until `Fin`; the buffer has
            // room for `total` bytes.
            Some(target) => unsafe { unirank_ivc::copy::copy(target, source, total) },
            // SAFETY: as above.
            None => _ = entry.buffer.write(0, unsafe { std::slice::from_raw_parts(source, total) }),
        }
        self.control(from, Header::control(Kind::Fin, header.token));
        self.complete(request);
        true
    }

    /// Carries out a read: by load and store where the sender's memory can be reached, else through the adapter.
    pub(super) fn try_read(&mut self, links: &mut Links, read: &Read) -> Result<bool> {
        if !(self.shares_memory && node::can_read(read.from)) {
            links.channel_busy = true;
            return links.channel.try_read(read);
        }
        // SAFETY: the engine keeps the local memory valid and unused until the read is done.
        unsafe { node::read(read.from, read.remote, read.local, read.len as usize)? };
        self.read_done(read.token as u32);
        Ok(true)
    }

    /// Asks for the next part of contiguous remote data, if there is more.
    fn pull_next(&mut self, request: u32, slot: u32) {
        let Some(entry) = self.requests.get_mut(request) else { return };
        let most = if entry.buffer.address(0).is_some() { MAX_READ as usize } else { PIECE };
        let State::Pulling(pulling) = &mut entry.state else { return };
        let offset = pulling.started;
        let len = most.min(pulling.total - offset);
        if len == 0 {
            return;
        }
        pulling.started += len;
        let part = Part { remote: pulling.remote + offset as u64, key: pulling.key, offset, len, slot };
        self.read_part(request, &part);
    }

    /// Queues the read of one part, to its place or into a piece.
    pub(super) fn read_part(&mut self, request: u32, part: &Part) {
        let Some(entry) = self.requests.get_mut(request) else { return };
        let State::Pulling(pulling) = &mut entry.state else { return };
        let local = match entry.buffer.address(part.offset) {
            Some(local) => local,
            None => {
                let slots = &mut pulling.slots;
                while slots.len() <= part.slot as usize {
                    slots.push(self.pieces.take());
                }
                slots[part.slot as usize].as_mut_ptr()
            }
        };
        let from = pulling.from;
        let Part { remote, key, offset, len, slot } = *part;
        let token = self.readings.insert(Reading { request, offset, len, slot });
        let read = Read { from, remote, key, local, len: len as u64, token: u64::from(token) };
        self.enqueue(from, Outgoing::Read(read));
    }

    /// A read is complete: its bytes go to their place, and the next part or the end follows.
    pub(super) fn read_done(&mut self, token: u32) {
        let Some(Reading { request, offset, len, slot }) = self.readings.remove(token) else { return };
        if slot == RUNS {
            return self.runs_are_there(request);
        }
        let Some(entry) = self.requests.get_mut(request) else { return };
        let State::Pulling(pulling) = &mut entry.state else { return };
        if let Some(piece) = pulling.slots.get(slot as usize) {
            entry.buffer.write(offset, &piece[..len]);
        }
        pulling.done += len;
        let (from, sender, packed) = (pulling.from, pulling.sender, pulling.packed);
        let finished = pulling.done == pulling.total;
        if packed {
            self.control(from, Header { slot, ..Header::control(Kind::PieceRead, sender) });
        } else if finished {
            self.control(from, Header::control(Kind::Fin, sender));
        } else {
            self.pull_next(request, slot);
        }
        if finished {
            self.complete(request);
        }
    }

    /// The receiver is ready for packed pieces.
    pub(super) fn clear(&mut self, from: u32, header: &Header) {
        if header.flags & STREAM != 0 {
            self.start_stream(from, header);
            return;
        }
        let pieces = self.pieces.clone();
        let Some((request, entry)) = self.by_token(header.token).filter(|(_, entry)| entry.send) else {
            return self.not_asked_for(from, header);
        };
        let total = (header.size as usize).min(entry.buffer.size());
        let slots = (0..PIECES).map(|_| (pieces.take(), 0)).collect();
        let packing = Packing { to: from, receiver: header.other, total, packed: 0, read: 0, slots };
        entry.state = State::Packing(Box::new(packing));
        (0..PIECES).for_each(|slot| self.pack_next(request, slot));
    }

    /// Packs the next piece into `slot` and announces it, if there is more.
    fn pack_next(&mut self, request: u32, slot: usize) {
        let key = self.memory_key;
        let Some(entry) = self.requests.get_mut(request) else { return };
        let State::Packing(packing) = &mut entry.state else { return };
        let offset = packing.packed;
        let len = PIECE.min(packing.total - offset);
        let (piece, filled) = &mut packing.slots[slot];
        *filled = len;
        if len == 0 {
            return;
        }
        entry.buffer.read(offset, &mut piece[..len]);
        packing.packed += len;
        let announced = Header {
            size: len as u64,
            address: piece.as_ptr() as u64,
            other: offset as u64,
            key,
            slot: slot as u32,
            ..Header::control(Kind::Piece, packing.receiver)
        };
        let to = packing.to;
        self.control(to, announced);
    }

    /// A packed piece waits at the sender.
    pub(super) fn piece(&mut self, from: u32, header: &Header) {
        let Some((request, entry)) = self.by_token(header.token) else {
            return self.not_asked_for(from, header);
        };
        let State::Pulling(pulling) = &entry.state else { return self.not_asked_for(from, header) };
        let (offset, len) = (header.other as usize, header.size as usize);
        let fits = offset.checked_add(len).is_some_and(|end| end <= pulling.total) && len <= PIECE;
        if from != pulling.from || !fits || header.slot as usize >= PIECES {
            return self.not_asked_for(from, header);
        }
        let part = Part { remote: header.address, key: header.key, offset, len, slot: header.slot };
        self.read_part(request, &part);
    }

    /// The receiver has read a piece: its buffer takes the next one.
    pub(super) fn piece_read(&mut self, from: u32, header: &Header) {
        let Some((request, entry)) = self.by_token(header.token) else {
            return self.not_asked_for(from, header);
        };
        let State::Packing(packing) = &mut entry.state else { return self.not_asked_for(from, header) };
        let slot = header.slot as usize;
        let Some((_, filled)) = packing.slots.get(slot) else { return self.not_asked_for(from, header) };
        packing.read += *filled;
        if packing.read == packing.total {
            self.complete(request);
        } else {
            self.pack_next(request, slot);
        }
    }
}
