//! All-to-all of a team, with blocks of as many bytes.

use super::super::memory::{self, Receive, Send};
use super::team::{Inline, Reach, Step, Team};
use crate::datatype::Packer;
use crate::error::Result;
use unirank_ivc::segment::INLINE;

/// From so many bytes per block on members copy straight from each other's buffers.
const DIRECT: usize = 4 << 10;

/// The address of the first block, if all are dense and one after the other.
fn dense_row(sends: &[Send<'_>], bytes: usize) -> Option<*const u8> {
    let start = |send: &Send<'_>| {
        let (offset, _) = send.dt.contiguous_bytes(send.count)?;
        Some(send.at.wrapping_offset(offset))
    };
    let first = start(&sends[0])?;
    let in_place = |(i, send)| start(send) == Some(first.wrapping_add(i * bytes));
    sends.iter().enumerate().all(in_place).then_some(first)
}

impl Team {
    /// Sends `sends[m]` to member m and receives from it into `rooms[m]`; each block has so many bytes.
    ///
    /// # Safety
    /// The sends are readable, the rooms writable memory of the program; they do not overlap.
    pub(super) unsafe fn alltoall(
        &self,
        sends: &[Send<'_>],
        rooms: &[Receive<'_>],
        bytes: usize,
    ) -> Result<()> {
        let tag = Step::Alltoall.tag(bytes);
        let me = self.me();
        // SAFETY: the caller's promise, here and below.
        unsafe {
            let own = memory::copy(sends[me], rooms[me]);
            if bytes * self.size() <= INLINE {
                return own.and(self.alltoall_inline(sends, rooms, bytes, tag));
            }
            if bytes >= DIRECT
                && self.reach >= Reach::Copy
                && self.alltoall_direct(sends, rooms, bytes, tag)?
            {
                return own;
            }
            own.and(self.alltoall_slices(sends, rooms, bytes, tag))
        }
    }

    /// # Safety
    /// As [`Self::alltoall`].
    unsafe fn alltoall_inline(
        &self,
        sends: &[Send<'_>],
        rooms: &[Receive<'_>],
        bytes: usize,
        tag: u16,
    ) -> Result<()> {
        let phase = self.begin()?;
        let (all, me) = (bytes * self.size(), self.me());
        let mut data = Inline::EMPTY;
        // SAFETY: the blocks of all members fit.
        let row = unsafe { std::slice::from_raw_parts_mut(data.at(), all) };
        for (send, place) in sends.iter().zip(row.chunks_exact_mut(bytes.max(1))) {
            // SAFETY: the caller's promise.
            unsafe { memory::pack(*send, place)? };
        }
        self.publish(phase, tag, data.words(all))?;
        self.meet(phase, tag)?;
        let mut outcome = Ok(());
        for member in (0..self.size()).filter(|member| *member != me) {
            let mut data = self.line(member, phase, all);
            // SAFETY: as above.
            let row = unsafe { std::slice::from_raw_parts(data.at(), all) };
            // SAFETY: the caller's promise.
            outcome = outcome.and(unsafe { memory::unpack(&row[me * bytes..][..bytes], rooms[member]) });
        }
        self.finish(phase);
        outcome
    }

    /// A slice has a part for each member.
    ///
    /// # Safety
    /// As [`Self::alltoall`].
    unsafe fn alltoall_slices(
        &self,
        sends: &[Send<'_>],
        rooms: &[Receive<'_>],
        bytes: usize,
        tag: u16,
    ) -> Result<()> {
        let me = self.me();
        // At least 64 bytes: slices have 4 KiB or more, and teams that use this are small (see the table).
        let part = self.segment.slice_len() / self.size() / 64 * 64;
        // SAFETY: the caller's promise; packing only reads.
        let mut from: Vec<Packer> =
            sends.iter().map(|s| unsafe { Packer::new(s.dt, s.count, s.at.cast_mut()) }).collect();
        // SAFETY: the caller's promise.
        let mut to: Vec<Packer> = rooms.iter().map(|r| unsafe { Packer::new(r.dt, r.count, r.at) }).collect();
        for done in (0..bytes).step_by(part) {
            let piece = part.min(bytes - done);
            let phase = self.begin()?;
            let slice = self.slice(phase)?;
            for (member, packer) in from.iter_mut().enumerate() {
                // SAFETY: this member's slice, which nobody reads now.
                packer.pack(unsafe {
                    std::slice::from_raw_parts_mut(slice.at.wrapping_add(member * part), piece)
                });
            }
            self.publish(phase, tag, &[slice.number as u64])?;
            self.meet(phase, tag)?;
            for (member, packer) in to.iter_mut().enumerate().filter(|(member, _)| *member != me) {
                let at = self.published_slice(member, phase).wrapping_add(me * part);
                // SAFETY: the member writes its slice again when this phase is finished.
                packer.unpack(unsafe { std::slice::from_raw_parts(at, piece) });
            }
            self.finish(phase);
        }
        Ok(())
    }

    /// # Safety
    /// As [`Self::alltoall`].
    unsafe fn alltoall_direct(
        &self,
        sends: &[Send<'_>],
        rooms: &[Receive<'_>],
        bytes: usize,
        tag: u16,
    ) -> Result<bool> {
        let me = self.me();
        let mine = dense_row(sends, bytes).map_or(0, |at| self.address(at));
        let Some(addresses) = self.exchange_addresses(tag, mine)? else { return Ok(false) };
        for distance in 1..self.size() {
            // Not all from the same one at the same time.
            let member = (me + distance) % self.size();
            let at = addresses[member].wrapping_add((me * bytes) as u64);
            // SAFETY: the caller's promise, for all members; their blocks stay until all are done.
            unsafe { self.fetch(member, at, rooms[member])? };
        }
        self.all_done(tag)?;
        Ok(true)
    }
}
