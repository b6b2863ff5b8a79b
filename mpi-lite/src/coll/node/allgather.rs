//! Allgather of a team: packed blocks, each member's to all.

use super::super::memory::Receive;
use super::team::{Inline, Reach, Step, Team};
use crate::datatype;
use crate::error::Result;
use unirank_ivc::segment::INLINE;

/// From so many bytes on few members copy straight from each other's buffers.
const DIRECT: usize = 16 << 10;
/// Members from which on blocks that fit a slice go through it: each is copied once more, but that is little beside what
/// all others copy, it saves a phase, and processes copy from slices without the system (CG with blocks of 32 KiB, 16
/// ranks on two cores, processes 1.09 to 0.65 s, VMs 1.84 to 1.58 s; `unirank bench compare --only crowded`).
const MANY: usize = 4;

impl Team {
    /// Collects blocks: that of member `m` is `bytes[starts[m]..starts[m + 1]]`; this member's is in its place, or in `mine`
    /// and goes there, too.
    pub(super) fn allgather(&self, mine: Option<&[u8]>, bytes: &mut [u8], starts: &[usize]) -> Result<()> {
        let tag = Step::Allgather.tag(bytes.len());
        let longest = (0..self.size()).map(|member| starts[member + 1] - starts[member]).max().unwrap_or(0);
        let put = |bytes: &mut [u8]| {
            if let Some(mine) = mine {
                bytes[starts[self.me()]..starts[self.me() + 1]].copy_from_slice(mine);
            }
        };
        if longest <= INLINE {
            put(bytes);
            return self.allgather_inline(bytes, starts, tag);
        }
        let few = self.size() < MANY;
        let straight = if few { longest >= DIRECT } else { longest > DIRECT.max(self.segment.slice_len()) };
        if straight && self.reach >= Reach::Copy && self.allgather_direct(mine, bytes, starts, tag)? {
            return Ok(());
        }
        put(bytes);
        self.allgather_slices(bytes, starts, longest, tag)
    }

    /// The others, from the next one on: not all members start with the same one.
    fn others(&self) -> impl Iterator<Item = usize> + use<> {
        let (me, size) = (self.me(), self.size());
        (1..size).map(move |distance| (me + distance) % size)
    }

    fn allgather_inline(&self, bytes: &mut [u8], starts: &[usize], tag: u16) -> Result<()> {
        let phase = self.begin()?;
        let mine = &bytes[starts[self.me()]..starts[self.me() + 1]];
        let mut data = Inline::EMPTY;
        // SAFETY: it is no longer than what fits.
        unsafe { mine.as_ptr().copy_to_nonoverlapping(data.at(), mine.len()) };
        self.publish(phase, tag, data.words(mine.len()))?;
        self.meet(phase, tag)?;
        for member in self.others() {
            let room = &mut bytes[starts[member]..starts[member + 1]];
            let mut data = self.line(member, phase, room.len());
            // SAFETY: as above.
            unsafe { data.at().copy_to_nonoverlapping(room.as_mut_ptr(), room.len()) };
        }
        self.finish(phase);
        Ok(())
    }

    fn allgather_slices(&self, bytes: &mut [u8], starts: &[usize], longest: usize, tag: u16) -> Result<()> {
        let most = self.segment.slice_len();
        for done in (0..longest).step_by(most) {
            let piece = |member: usize| {
                let end = starts[member + 1];
                (starts[member] + done).min(end)..(starts[member] + done + most).min(end)
            };
            let phase = self.begin()?;
            let slice = self.slice(phase)?;
            let mine = &bytes[piece(self.me())];
            // SAFETY: this member's slice, which nobody reads now and where the piece fits.
            unsafe { mine.as_ptr().copy_to_nonoverlapping(slice.at, mine.len()) };
            self.publish(phase, tag, &[slice.number as u64])?;
            self.meet(phase, tag)?;
            for member in self.others() {
                let room = &mut bytes[piece(member)];
                let from = self.published_slice(member, phase);
                // SAFETY: the member writes its slice again when this phase is finished.
                unsafe { from.copy_to_nonoverlapping(room.as_mut_ptr(), room.len()) };
            }
            self.finish(phase);
        }
        Ok(())
    }

    /// The others read this member's block from `mine`, if it is there: the program may have had it there for long, while its
    /// place among the blocks is in nobody's cache but this processor's, if at all.
    fn allgather_direct(
        &self,
        mine: Option<&[u8]>,
        bytes: &mut [u8],
        starts: &[usize],
        tag: u16,
    ) -> Result<bool> {
        let own = starts[self.me()]..starts[self.me() + 1];
        let address = self.address(mine.unwrap_or(&bytes[own.clone()]).as_ptr());
        let Some(addresses) = self.exchange_addresses(tag, address)? else { return Ok(false) };
        let byte = datatype::byte();
        for member in self.others() {
            let room = &mut bytes[starts[member]..starts[member + 1]];
            let room = Receive { at: room.as_mut_ptr(), count: room.len(), dt: &byte };
            // SAFETY: a slice of our own; the member's block stays unchanged until all are done.
            unsafe { self.fetch(member, addresses[member], room)? };
        }
        if let Some(mine) = mine {
            bytes[own].copy_from_slice(mine);
        }
        self.all_done(tag)?;
        Ok(true)
    }
}
