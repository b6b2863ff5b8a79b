//! Broadcast of a team.

use super::super::memory::{Receive, dense};
use super::team::{Inline, Reach, Step, Team};
use crate::datatype::Packer;
use crate::error::Result;
use unirank_ivc::segment::INLINE;

/// From so many bytes on members copy straight from the root's buffer.
const DIRECT: usize = 16 << 10;

impl Team {
    /// Copies the root's buffer to all.
    ///
    /// # Safety
    /// `buffer` is writable (at the root: readable) memory of the program.
    pub(super) unsafe fn bcast(&self, buffer: Receive<'_>, root: usize) -> Result<()> {
        let bytes = buffer.bytes();
        if bytes <= INLINE {
            // SAFETY: the caller's promise.
            return unsafe { self.bcast_inline(buffer, root) };
        }
        // SAFETY: the caller's promise.
        if bytes >= DIRECT && self.reach >= Reach::Copy && unsafe { self.bcast_direct(buffer, root)? } {
            return Ok(());
        }
        // SAFETY: the caller's promise.
        unsafe { self.bcast_slices(buffer, root) }
    }

    /// # Safety
    /// As [`Self::bcast`].
    unsafe fn bcast_inline(&self, buffer: Receive<'_>, root: usize) -> Result<()> {
        let bytes = buffer.bytes();
        let (phase, tag) = (self.begin()?, Step::Bcast.tag_of(bytes, root as u16 + 1));
        // SAFETY: the caller's promise.
        let mut packer = unsafe { Packer::new(buffer.dt, buffer.count, buffer.at) };
        if self.me() == root {
            let mut data = Inline::EMPTY;
            // SAFETY: as many bytes fit.
            packer.pack(unsafe { std::slice::from_raw_parts_mut(data.at(), bytes) });
            self.publish(phase, tag, data.words(bytes))?;
            self.wake_for(phase);
        } else {
            self.hear(root, phase, tag)?;
            let mut data = self.line(root, phase, bytes);
            // SAFETY: as many bytes fit.
            packer.unpack(unsafe { std::slice::from_raw_parts(data.at(), bytes) });
        }
        self.finish(phase);
        Ok(())
    }

    /// False if the root's buffer cannot be reached; nothing was copied then.
    ///
    /// # Safety
    /// As [`Self::bcast`].
    unsafe fn bcast_direct(&self, buffer: Receive<'_>, root: usize) -> Result<bool> {
        let bytes = buffer.bytes();
        let (phase, tag) = (self.begin()?, Step::Bcast.tag_of(bytes, root as u16 + 1));
        if self.me() == root {
            // SAFETY: the caller's promise; it is only read.
            let address = unsafe { dense(buffer) }.map_or(0, |data| self.address(data.as_ptr()));
            self.publish(phase, tag, &[address])?;
            self.wake_for(phase);
            self.finish(phase);
            if address != 0 {
                // The buffer is the program's again when all have read it.
                self.until_settled(phase)?;
            }
            return Ok(address != 0);
        }
        self.hear(root, phase, tag)?;
        let address = self.line(root, phase, 8).0[0];
        if address != 0 {
            // SAFETY: the caller's promise; the root's buffer stays unchanged until the phase is finished.
            unsafe { self.fetch(root, address, buffer)? };
        }
        self.finish(phase);
        Ok(address != 0)
    }

    /// # Safety
    /// As [`Self::bcast`].
    unsafe fn bcast_slices(&self, buffer: Receive<'_>, root: usize) -> Result<()> {
        let bytes = buffer.bytes();
        let tag = Step::Bcast.tag_of(bytes, root as u16 + 1);
        // SAFETY: the caller's promise.
        let mut packer = unsafe { Packer::new(buffer.dt, buffer.count, buffer.at) };
        let mut done = 0;
        while done < bytes {
            let piece = (bytes - done).min(self.segment.slice_len());
            let phase = self.begin()?;
            if self.me() == root {
                let slice = self.slice(phase)?;
                // SAFETY: this member's slice, which nobody reads now.
                packer.pack(unsafe { std::slice::from_raw_parts_mut(slice.at, piece) });
                self.publish(phase, tag, &[slice.number as u64])?;
                self.wake_for(phase);
            } else {
                self.hear(root, phase, tag)?;
                let from = self.published_slice(root, phase);
                // SAFETY: the root writes its slice again when this phase is finished.
                packer.unpack(unsafe { std::slice::from_raw_parts(from, piece) });
            }
            self.finish(phase);
            done += piece;
        }
        Ok(())
    }

    /// The slice that a member's line of that phase names.
    pub(super) fn published_slice(&self, member: usize, phase: u64) -> *mut u8 {
        let number = self.line(member, phase, 8).0[0];
        self.segment.slice(member, (number & 1) as usize)
    }
}
