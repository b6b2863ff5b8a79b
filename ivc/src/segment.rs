//! Segments: the shared area of the members of one communicator on one host, for collectives without messages.
//!
//! # Memory
//! A block of the region's heap:
//!
//! | offset | what | who writes |
//! |---|---|---|
//! | 0x00 | u64: members that wait for others to finish ([`Seat::want`]) | all, with read-modify-write |
//! | 0x40 | u64: members that have left ([`Segment::leave`]) | all, with read-modify-write |
//! | 0x80 | for each member [`SLOTS`] lines and a status line | that member |
//! | behind | for each member two slices of as many bytes | that member |
//!
//! A line is a cache line: a *stamp* (phase in the upper 48 bits, the user's tag in the lower 16) and [`INLINE`] bytes of
//! data, so that a small contribution costs the transfer of one line. The status line tells what its member has finished.
//!
//! # Protocol
//! Members take part in the same *phases*, counted from 1. In a phase some of them publish their line, and those that need it wait
//! for its stamp. A phase is finished when its member reads nothing of it any more. A line is used again [`SLOTS`]
//! phases later, and only when all others have finished the earlier phase: mostly that is known without a look, as who
//! publishes in a phase has finished the one before ([`Seat::met`]). The same rule guards slices ([`Seat::settled`]).
//! Each line has one writer; the stamp is written last, with release, and read first, with acquire.

use core::cell::Cell;
use core::ptr::NonNull;

use crate::region::JobRegion;
use crate::sync::{AtomicU64, Ordering};

#[cfg(all(test, loom))]
mod proofs;
#[cfg(all(test, not(loom)))]
mod tests;

/// Lines of a member: so many phases a writer may be ahead.
pub const SLOTS: usize = 4;
/// Words of data in a line.
pub const WORDS: usize = 7;
/// Bytes of data in a line.
pub const INLINE: usize = 8 * WORDS;
/// Slices of a member.
pub const SLICES: usize = 2;
/// Most members of a segment.
pub const MAX_MEMBERS: usize = 1024;

const HEAD: usize = 0x80;
const TAG_BITS: u32 = 16;

/// A line.
#[repr(C, align(64))]
struct Line {
    stamp: AtomicU64,
    words: [AtomicU64; WORDS],
}

/// What a member tells besides.
#[repr(C, align(128))]
struct Status {
    /// It has finished all phases up to this one.
    finished: AtomicU64,
    /// It waits until all others have finished this phase; 0 for none.
    wants: AtomicU64,
}

/// The control lines of a member. Processors fetch lines in pairs: no pair is two members'.
#[repr(C, align(128))]
pub struct Control {
    lines: [Line; SLOTS],
    status: Status,
}

/// A word in a line of its own.
#[repr(C, align(64))]
struct Word(AtomicU64);

/// The start of a segment.
#[repr(C)]
pub struct Head {
    waiting: Word,
    left: Word,
}

/// A line that holds another phase than it can: its member has written garbage, or is in a job of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Garbage {
    /// The phase it holds.
    pub found: u64,
    /// The phase it should hold.
    pub wanted: u64,
}

/// A member's place at a segment: phases and lines.
pub struct Seat<'a> {
    head: &'a Head,
    controls: &'a [Control],
    me: usize,
    /// The last phase begun.
    phase: Cell<u64>,
    /// All others have finished this phase, as far as is known.
    settled: Cell<u64>,
}

impl<'a> Seat<'a> {
    /// The seat of member `me`. No phase has begun.
    pub fn new(head: &'a Head, controls: &'a [Control], me: usize) -> Self {
        assert!(me < controls.len());
        Seat { head, controls, me, phase: Cell::new(0), settled: Cell::new(0) }
    }

    /// Members.
    pub fn members(&self) -> usize {
        self.controls.len()
    }

    /// This member's number.
    pub fn me(&self) -> usize {
        self.me
    }

    /// Begins the next phase.
    #[inline]
    pub fn begin(&self) -> u64 {
        self.phase.set(self.phase.get() + 1);
        self.phase.get()
    }

    /// Whether all others have finished `phase`. True at once if that is known.
    #[inline]
    pub fn settled(&self, phase: u64) -> bool {
        phase <= self.settled.get() || self.look_who_finished(phase)
    }

    #[cold]
    fn look_who_finished(&self, phase: u64) -> bool {
        let others = (0..self.members()).filter(|member| *member != self.me);
        let least = others.map(|member| self.finished(member)).min().unwrap_or(u64::MAX);
        self.settled.set(self.settled.get().max(least));
        phase <= least
    }

    /// The phase up to which others must have finished before this member's line of `phase` may be written.
    #[inline]
    pub fn before(&self, phase: u64) -> u64 {
        phase.saturating_sub(SLOTS as u64)
    }

    /// Publishes this member's line of `phase` with as many words of data. [`Self::settled`] held for [`Self::before`].
    #[inline]
    pub fn publish(&self, phase: u64, tag: u16, words: &[u64]) {
        debug_assert!(self.before(phase) <= self.settled.get());
        let line = &self.controls[self.me].lines[phase as usize % SLOTS];
        for (place, word) in line.words.iter().zip(words) {
            place.store(*word, Ordering::Relaxed);
        }
        line.stamp.store(phase << TAG_BITS | u64::from(tag), Ordering::Release);
    }

    /// The tag of a member's line of `phase`; none while it is not published.
    #[inline]
    pub fn look(&self, member: usize, phase: u64) -> Result<Option<u16>, Garbage> {
        let stamp = self.controls[member].lines[phase as usize % SLOTS].stamp.load(Ordering::Acquire);
        let found = stamp >> TAG_BITS;
        if found == phase {
            return Ok(Some(stamp as u16));
        }
        // What it held before is `SLOTS` phases older, or more.
        if found > phase || (phase - found) % SLOTS as u64 != 0 && found != 0 {
            return Err(Garbage { found, wanted: phase });
        }
        Ok(None)
    }

    /// Copies the first words of a member's line of `phase`, which [`Self::look`] has found.
    #[inline]
    pub fn read(&self, member: usize, phase: u64, words: &mut [u64]) {
        let line = &self.controls[member].lines[phase as usize % SLOTS];
        for (word, place) in words.iter_mut().zip(&line.words) {
            *word = place.load(Ordering::Relaxed);
        }
    }

    /// This member has found the lines of all others of `phase`: they have finished the one before.
    #[inline]
    pub fn met(&self, phase: u64) {
        self.settled.set(self.settled.get().max(phase - 1));
    }

    /// This member reads nothing of `phase` any more.
    #[inline]
    pub fn finish(&self, phase: u64) {
        self.controls[self.me].status.finished.store(phase, Ordering::Release);
    }

    /// The phase up to which a member has finished.
    #[inline]
    pub fn finished(&self, member: usize) -> u64 {
        self.controls[member].status.finished.load(Ordering::Acquire)
    }

    /// Tells the others that this member waits until they have finished `phase`; end it with [`Self::unwant`].
    pub fn want(&self, phase: u64) {
        self.controls[self.me].status.wants.store(phase, Ordering::Relaxed);
        self.head.waiting.0.fetch_add(1, Ordering::SeqCst);
    }

    /// This member waits no longer.
    pub fn unwant(&self) {
        self.controls[self.me].status.wants.store(0, Ordering::Relaxed);
        self.head.waiting.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether a member wants others to finish.
    #[inline]
    pub fn somebody_wants(&self) -> bool {
        self.head.waiting.0.load(Ordering::Relaxed) != 0
    }

    /// Whether what a member wants is the case: then it may have to be woken.
    pub fn is_served(&self, member: usize) -> bool {
        let wants = self.controls[member].status.wants.load(Ordering::Relaxed);
        wants != 0 && (0..self.members()).all(|other| other == member || self.finished(other) >= wants)
    }
}

/// A segment as one member sees it.
pub struct Segment {
    seat: Seat<'static>,
    slices: NonNull<u8>,
    slice: usize,
}

/// Bytes in front of the slices.
const fn controls_end(members: usize) -> usize {
    HEAD + members * size_of::<Control>()
}

impl Segment {
    /// Bytes of a segment: a power of two, as the heap gives. Up to 32 members get slices of nearly 64 KiB, more get
    /// shorter ones.
    pub fn bytes(members: usize) -> u64 {
        let slices = (128 << 10) * members.clamp(2, 32).max(members / 8);
        slices.next_power_of_two() as u64
    }

    /// Makes the block at `offset` a segment that nobody has used. None if there is no such block.
    pub fn format(region: &JobRegion, offset: u64, members: usize) -> Option<()> {
        if members > MAX_MEMBERS || offset % 128 != 0 {
            return None;
        }
        region.bytes(offset, Self::bytes(members))?;
        for word in 0..controls_end(members) as u64 / 8 {
            region.word64(offset + 8 * word).store(0, core::sync::atomic::Ordering::Relaxed);
        }
        Some(())
    }

    /// Member `me`'s view of the segment at `offset`. None if there cannot be one.
    ///
    /// # Safety
    /// 1. The region stays mapped as long as the view is used.
    /// 2. The block was formatted for so many members, and only members use it, each with a number of its own.
    pub unsafe fn open(region: &JobRegion, offset: u64, members: usize, me: usize) -> Option<Segment> {
        if members > MAX_MEMBERS || me >= members || offset % 128 != 0 {
            return None;
        }
        let bytes = Self::bytes(members);
        let base = region.bytes(offset, bytes)?;
        let first = controls_end(members);
        let slice = (bytes as usize - first) / (SLICES * members) / 64 * 64;
        // SAFETY: inside the block, which is mapped and aligned (1, 2); all access to controls is atomic.
        let (head, controls, slices) = unsafe {
            let controls = base.add(HEAD).cast::<Control>();
            (
                base.cast::<Head>().as_ref(),
                core::slice::from_raw_parts(controls.as_ptr(), members),
                base.add(first),
            )
        };
        Some(Segment { seat: Seat::new(head, controls, me), slices, slice })
    }

    /// Phases and lines.
    #[inline]
    pub fn seat(&self) -> &Seat<'static> {
        &self.seat
    }

    /// Bytes of a slice.
    pub fn slice_len(&self) -> usize {
        self.slice
    }

    /// A member's slice: [`Self::slice_len`] bytes, written by that member only.
    ///
    /// # Panics
    /// If there is none of that number.
    pub fn slice(&self, member: usize, number: usize) -> *mut u8 {
        assert!(member < self.seat.members() && number < SLICES);
        self.slices.as_ptr().wrapping_add((member * SLICES + number) * self.slice)
    }

    /// This member uses the segment no more. True for the last one, who gives the block back.
    pub fn leave(&self) -> bool {
        self.seat.head.left.0.fetch_add(1, Ordering::AcqRel) + 1 == self.seat.members() as u64
    }
}
