//! The members of a communicator on one host: their segment, and the steps of which collectives are made.

use super::super::memory::{self, Receive};
use crate::abi::{MPI_ERR_INTERN, MPI_ERR_OTHER};
use crate::check;
use crate::error::{MpiError, Result, err};
use crate::{node, p2p};
use std::cell::Cell;
use unirank_ivc::JobRegion;
use unirank_ivc::page::RankPage;
use unirank_ivc::segment::{Garbage, INLINE, SLICES, Seat, Segment};

/// So many phases may pass without a look at messages.
const SERVE_EVERY: u64 = 32;

/// How members reach each other's memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Reach {
    /// Not by all of them.
    No,
    /// All can copy from that of all.
    Copy,
    /// All can read it where it is.
    Read,
    /// All can write it, too.
    Write,
}

/// What a phase is for; in the tag of its lines, so that ranks that disagree notice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Barrier = 1,
    Bcast,
    Reduce,
    Allreduce,
    Allgather,
    Alltoall,
}

impl Step {
    /// The tag of a phase of a collective with so many bytes.
    #[inline]
    pub fn tag(self, bytes: usize) -> u16 {
        self.tag_of(bytes, 0)
    }

    /// The same when ranks have to agree on more than the length: `detail` is what they have to agree on.
    #[inline]
    pub fn tag_of(self, bytes: usize, detail: u16) -> u16 {
        // The upper bits of a product with the golden ratio depend on all bits of the length.
        let hash = (bytes as u64 ^ u64::from(detail) << 48).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52;
        (self as u16) << 12 | hash as u16
    }

    /// The collective of a tag, in words.
    fn name(tag: u16) -> &'static str {
        match tag >> 12 {
            1 => "a barrier",
            2 => "a broadcast",
            3 => "a reduction to one rank",
            4 => "a reduction to all",
            5 => "an exchange of blocks with all (allgather)",
            6 => "an exchange of blocks by pairs (alltoall)",
            _ => "an unknown one",
        }
    }
}

/// A block of memory for inline data, aligned for any C type.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(super) struct Inline(pub [u64; 8]);

impl Inline {
    pub const EMPTY: Inline = Inline([0; 8]);

    pub fn at(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }

    /// The words that hold so many bytes.
    pub fn words(&self, bytes: usize) -> &[u64] {
        &self.0[..bytes.min(INLINE).div_ceil(8)]
    }

    pub fn words_mut(&mut self, bytes: usize) -> &mut [u64] {
        &mut self.0[..bytes.min(INLINE).div_ceil(8)]
    }
}

/// A slice that this member may write.
pub(super) struct Slice {
    /// Which of the two.
    pub number: usize,
    pub at: *mut u8,
}

/// The members on one host, as one of them sees them. Members are numbered by their order in the communicator.
pub(super) struct Team {
    pub segment: Segment,
    region: JobRegion,
    pub offset: u64,
    /// This rank's number in the region.
    number: u32,
    /// By member: rank in `MPI_COMM_WORLD`.
    pub worlds: Vec<u32>,
    /// By member: where it says how it waits.
    pub pages: Vec<RankPage>,
    pub reach: Reach,
    next_slice: Cell<usize>,
    /// By slice: the phase in which others read it last.
    used: [Cell<u64>; SLICES],
}

impl Team {
    /// Member `me` of those that are `worlds` in `MPI_COMM_WORLD`, at the segment which one of them has made for them.
    pub fn open(region: JobRegion, offset: u64, worlds: Vec<u32>, me: usize, reach: Reach) -> Result<Self> {
        // SAFETY: the region stays mapped until the process ends; the member that gave the offset has formatted the block
        // for these members, whose numbers are their places among `worlds`.
        let segment = unsafe { Segment::open(&region, offset, worlds.len(), me) };
        let numbers: Option<Vec<u32>> = worlds.iter().map(|world| node::local(*world)).collect();
        let (Some(segment), Some(numbers)) = (segment, numbers) else {
            let text = format!("rank {} has made a segment at {offset:#x}, where none can be", worlds[0]);
            return err(MPI_ERR_INTERN, text);
        };
        let pages = numbers.iter().map(|number| region.page(*number)).collect();
        Ok(Self {
            segment,
            region,
            offset,
            number: numbers[me],
            worlds,
            pages,
            reach,
            next_slice: Cell::new(0),
            used: [Cell::new(0), Cell::new(0)],
        })
    }

    #[inline]
    pub fn seat(&self) -> &Seat<'static> {
        self.segment.seat()
    }

    #[inline]
    pub fn size(&self) -> usize {
        self.seat().members()
    }

    #[inline]
    pub fn me(&self) -> usize {
        self.seat().me()
    }

    /// Begins a phase.
    #[inline]
    pub fn begin(&self) -> Result<u64> {
        let phase = self.seat().begin();
        if phase % SERVE_EVERY == 0 {
            // Neighbours that are always there would keep this rank from its messages.
            p2p::serve()?;
        }
        Ok(phase)
    }

    /// Publishes this member's line.
    #[inline]
    pub fn publish(&self, phase: u64, tag: u16, words: &[u64]) -> Result<()> {
        let seat = self.seat();
        self.until_settled(seat.before(phase))?;
        seat.publish(phase, tag, words);
        Ok(())
    }

    /// Whether a member has published its line of that phase; an error if it is in another collective.
    #[inline]
    pub fn has_come(&self, member: usize, phase: u64, tag: u16) -> Result<bool> {
        match self.seat().look(member, phase) {
            Ok(None) => Ok(false),
            Ok(Some(found)) if found == tag => Ok(true),
            Ok(Some(found)) => Err(self.mismatch(member, found, tag)),
            Err(garbage) => Err(self.garbage(member, garbage)),
        }
    }

    #[cold]
    fn mismatch(&self, member: usize, theirs: u16, mine: u16) -> MpiError {
        let (rank, me) = (self.worlds[member], self.worlds[self.me()]);
        let place = check::current::get().numbered();
        let text = if theirs >> 12 == mine >> 12 {
            format!(
                "rank {rank} calls the same collective as rank {me} with another length, root, type or operation ({place})"
            )
        } else {
            let (theirs, mine) = (Step::name(theirs), Step::name(mine));
            format!(
                "rank {rank} takes part in another collective than rank {me}: in {theirs}, not in {mine} ({place})"
            )
        };
        MpiError::new(MPI_ERR_OTHER, text)
    }

    #[cold]
    pub fn garbage(&self, member: usize, garbage: Garbage) -> MpiError {
        let Garbage { found, wanted } = garbage;
        let rank = self.worlds[member];
        let text = format!("rank {rank} has written garbage for others: phase {found}, wanted {wanted}");
        MpiError::new(MPI_ERR_INTERN, text)
    }

    /// The first words of a member's line.
    #[inline]
    pub fn line(&self, member: usize, phase: u64, bytes: usize) -> Inline {
        let mut data = Inline::EMPTY;
        self.seat().read(member, phase, data.words_mut(bytes));
        data
    }

    /// A slice of this member which others read in this phase.
    pub fn slice(&self, phase: u64) -> Result<Slice> {
        let number = self.next_slice.get();
        self.next_slice.set((number + 1) % SLICES);
        self.until_settled(self.used[number].get())?;
        self.used[number].set(phase);
        Ok(Slice { number, at: self.segment.slice(self.me(), number) })
    }

    /// A slice stays in use until the others have finished a later phase.
    pub fn keep(&self, slice: &Slice, phase: u64) {
        self.used[slice.number].set(phase);
    }

    /// The address under which others reach this rank's buffer; 0 if they cannot.
    pub fn address(&self, buffer: *const u8) -> u64 {
        // Shared windows lie in the job region, which is at another place in every rank.
        if self.reach == Reach::No || self.region.offset_of(buffer).is_some() { 0 } else { buffer as u64 }
    }

    /// Copies what a member has at `address` to a typed place.
    ///
    /// # Safety
    /// The room is writable; the member's memory stays unchanged meanwhile.
    pub unsafe fn fetch(&self, member: usize, address: u64, room: Receive<'_>) -> Result<()> {
        let (rank, bytes) = (self.worlds[member], room.bytes());
        // SAFETY: the caller's promise, here and below; our own copy has as many bytes.
        unsafe {
            if let Some(to) = memory::dense(room) {
                return node::read(rank, address, to.as_mut_ptr(), bytes);
            }
            let mut copy = vec![0; bytes];
            node::read(rank, address, copy.as_mut_ptr(), bytes)?;
            memory::unpack(&copy, room)
        }
    }

    /// Where this rank sees memory of a member.
    pub fn direct(&self, member: usize, address: u64, bytes: usize, write: bool) -> Result<*mut u8> {
        if member == self.me() {
            return Ok(address as *mut u8);
        }
        let rank = self.worlds[member];
        node::direct(rank, address, bytes as u64, write).ok_or_else(|| {
            let text =
                format!("rank {rank} offers {bytes} bytes at {address:#x}, which is not in its memory");
            MpiError::new(MPI_ERR_INTERN, text)
        })
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        if self.segment.leave() {
            let bytes = Segment::bytes(self.size());
            if let Err(error) = self.region.release(self.number, self.offset, bytes) {
                eprintln!("unirank: rank {}: {error}", self.worlds[self.me()]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_differ_by_collective_and_length() {
        assert_ne!(Step::Bcast.tag(8), Step::Reduce.tag(8));
        assert_ne!(Step::Bcast.tag_of(8, 1), Step::Bcast.tag_of(8, 2));
        assert_ne!(Step::name(Step::Barrier.tag(0)), Step::name(Step::Bcast.tag(0)));
        for (a, b) in [(8, 16), (4096, 8192), (4096, 1), (1 << 24, 1 << 12), (0, 1 << 30)] {
            assert_ne!(Step::Bcast.tag(a), Step::Bcast.tag(b), "{a} {b}");
        }
    }
}
