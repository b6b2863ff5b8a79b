//! Reductions of a team: elements of all members, combined in the order of ranks.
//!
//! *Inline*: all members combine all contributions, so one line of each is all that moves. *Sliced*: each piece of the
//! vector is shared out, a member combines its share of all contributions, and takes the other shares. *Direct*: the
//! same in the program's buffers, all at once.

use super::super::memory::{self, Receive, Send, shares, starts};
use super::super::reduce::Reduction;
use super::team::{Inline, Reach, Step, Team};
use crate::datatype::Datatype;
use crate::error::Result;
use std::mem::MaybeUninit;
use unirank_ivc::segment::INLINE;

/// Bytes that are combined at a time: they stay in the first cache.
const BLOCK: usize = 4096;
/// Up to so many bytes all members combine all.
const EVERYBODY: usize = 1024;
/// From so many bytes on members work on each other's buffers.
const DIRECT: usize = 16 << 10;

/// Where the data of a few elements are, gaps included.
#[derive(Clone, Copy)]
struct Image {
    low: isize,
    len: usize,
    /// Without gaps.
    dense: bool,
}

/// Copies a few bytes; a number without a call.
///
/// # Safety
/// As `copy_nonoverlapping`.
#[inline(always)]
unsafe fn copy_few(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if len == 8 {
            to.cast::<u64>().write_unaligned(from.cast::<u64>().read_unaligned());
        } else {
            from.copy_to_nonoverlapping(to, len);
        }
    }
}

impl Image {
    /// That of `count` elements, if it fits a line.
    #[inline]
    fn of(dt: &Datatype, count: usize) -> Option<Self> {
        let (low, len, dense) = match dt.contiguous_bytes(count) {
            Some((low, len)) => (low, len, true),
            None => {
                let (low, high) = dt.span(count).ok()?;
                (low, (high - low) as usize, false)
            }
        };
        (len <= INLINE).then_some(Self { low, len, dense })
    }

    /// A copy of the elements at `from`.
    ///
    /// # Safety
    /// They are readable.
    #[inline]
    unsafe fn read(self, from: *const u8) -> Inline {
        let mut data = Inline::EMPTY;
        // SAFETY: the caller's promise; as many bytes fit.
        unsafe { copy_few(from.wrapping_offset(self.low), data.at(), self.len) };
        data
    }

    /// The address of elements whose data are in `data`.
    fn elements(self, data: &mut Inline) -> *mut u8 {
        data.at().wrapping_offset(-self.low)
    }
}

/// Whether a team can reduce so many elements of that type.
pub(crate) fn fits(dt: &Datatype, count: usize) -> bool {
    let dense = dt.contiguous_bytes(count).is_some_and(|(low, _)| low == 0);
    dense && dt.extent() <= BLOCK as isize || Image::of(dt, count).is_some()
}

/// Contribution and type of one call.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub mine: *const u8,
    pub count: usize,
    pub what: Reduction<'a>,
}

impl Call<'_> {
    fn bytes(&self) -> usize {
        self.count * self.what.dt.size()
    }

    /// The tag of its phases: all have to agree on length, type and operation.
    fn tag(&self, step: Step) -> u16 {
        // Operations of the program have another handle at each rank.
        let op = self.what.op.predefined().map_or(0, |op| op.0 as u16);
        step.tag_of(self.bytes(), op << 8 | u16::from(self.what.dt.code().to_wire()))
    }

    /// Bytes up to an element; elements are dense where this is used.
    fn at(&self, element: usize) -> usize {
        element * self.what.dt.size()
    }
}

/// Elements of a call: the first, and how many.
type Range = std::ops::Range<usize>;

impl Team {
    /// Combines the elements of all members at `root`, whose `result` may be its contribution.
    ///
    /// # Safety
    /// The contribution is readable, the result (only at the root) writable; they are the same or do not overlap.
    pub(super) unsafe fn reduce(
        &self,
        call: Call<'_>,
        result: Option<Receive<'_>>,
        root: usize,
    ) -> Result<()> {
        // SAFETY: the caller's promise, here and below.
        unsafe {
            if let Some(image) = Image::of(call.what.dt, call.count) {
                return self.reduce_inline(call, image, result, root);
            }
            let to = result.map(|room| room.at);
            if call.bytes() >= DIRECT && self.reach == Reach::Write && self.reduce_direct(call, to, root)? {
                return Ok(());
            }
            self.reduce_slices(call, to, root)
        }
    }

    /// Combines the elements of all members at all.
    ///
    /// # Safety
    /// The contribution is readable, the result writable; they are the same or do not overlap.
    #[inline]
    pub(super) unsafe fn allreduce(&self, call: Call<'_>, result: Receive<'_>) -> Result<()> {
        // SAFETY: the caller's promise, here and below.
        unsafe {
            if let Some(image) = Image::of(call.what.dt, call.count) {
                return self.allreduce_inline(call, image, result);
            }
            if call.bytes() >= DIRECT
                && self.reach >= Reach::Read
                && self.allreduce_direct(call, result.at)?
            {
                return Ok(());
            }
            self.allreduce_slices(call, result.at)
        }
    }

    /// Combines inline contributions of all: `own` and those in the lines of `phase`.
    ///
    /// # Safety
    /// `result` is writable.
    #[inline]
    unsafe fn combine_lines(
        &self,
        call: Call<'_>,
        image: Image,
        own: Inline,
        phase: u64,
        result: Receive<'_>,
    ) -> Result<()> {
        let of = |member: usize| if member == self.me() { own } else { self.line(member, phase, image.len) };
        let mut all = of(self.size() - 1);
        for member in (0..self.size() - 1).rev() {
            let mut left = of(member);
            let (left, right) = (image.elements(&mut left), image.elements(&mut all));
            // SAFETY: both hold the elements.
            unsafe { call.what.op.apply(left, right, call.count, call.what.dt)? };
        }
        let from = Send { at: image.elements(&mut all), count: call.count, dt: call.what.dt };
        // SAFETY: the caller's promise; the combined elements are our own.
        unsafe {
            if !image.dense {
                return memory::copy(from, result);
            }
            copy_few(all.at(), result.at.wrapping_offset(image.low), image.len);
        }
        Ok(())
    }

    /// # Safety
    /// As [`Self::allreduce`].
    #[inline]
    unsafe fn allreduce_inline(&self, call: Call<'_>, image: Image, result: Receive<'_>) -> Result<()> {
        let (phase, tag) = (self.begin()?, call.tag(Step::Allreduce));
        // SAFETY: the caller's promise.
        let own = unsafe { image.read(call.mine) };
        self.publish(phase, tag, own.words(image.len))?;
        self.meet(phase, tag)?;
        // SAFETY: the caller's promise.
        let outcome = unsafe { self.combine_lines(call, image, own, phase, result) };
        self.finish(phase);
        outcome
    }

    /// # Safety
    /// As [`Self::reduce`].
    unsafe fn reduce_inline(
        &self,
        call: Call<'_>,
        image: Image,
        result: Option<Receive<'_>>,
        root: usize,
    ) -> Result<()> {
        let (phase, tag) = (self.begin()?, call.tag(Step::Reduce));
        // SAFETY: the caller's promise.
        let own = unsafe { image.read(call.mine) };
        let outcome = match result {
            Some(result) => {
                self.gather(phase, tag)?;
                // SAFETY: the caller's promise.
                unsafe { self.combine_lines(call, image, own, phase, result) }
            }
            None => {
                self.publish(phase, tag, own.words(image.len))?;
                self.wake_if_last(root, phase);
                Ok(())
            }
        };
        self.finish(phase);
        outcome
    }

    /// Combines elements `range` of all members into `to`, a block at a time; `source` says where a member's elements of the call
    /// begin, `to` where the first of the range goes. It may be where one of the sources has it.
    ///
    /// # Safety
    /// Sources are readable and `to` is writable for the range; elements are dense.
    unsafe fn fold(
        &self,
        call: Call<'_>,
        range: Range,
        source: impl Fn(usize) -> *const u8,
        to: *mut u8,
    ) -> Result<()> {
        let mut block = MaybeUninit::<[u128; BLOCK / 16]>::uninit();
        let block = block.as_mut_ptr().cast::<u8>();
        let most = (BLOCK / call.what.dt.size().max(1)).max(1);
        let mut first = range.start;
        while first < range.end {
            let n = most.min(range.end - first);
            let (at, bytes) = (call.at(first), call.at(n));
            let last = source(self.size() - 1).wrapping_add(at);
            // SAFETY: the caller's promise; the block has room for `n` elements.
            unsafe {
                last.copy_to_nonoverlapping(block, bytes);
                for member in (0..self.size() - 1).rev() {
                    let left = source(member).wrapping_add(at);
                    call.what.op.apply(left, block, n, call.what.dt)?;
                }
                block.copy_to_nonoverlapping(to.wrapping_add(at - call.at(range.start)), bytes);
            }
            first += n;
        }
        Ok(())
    }

    /// Pieces that fit a slice.
    fn pieces(&self, call: Call<'_>) -> impl Iterator<Item = Range> + use<> {
        let most = (self.segment.slice_len() / call.what.dt.size().max(1)).max(1);
        let count = call.count;
        (0..count).step_by(most).map(move |first| first..(first + most).min(count))
    }

    /// Puts a piece of the contribution into a slice and publishes it. The slice's address.
    ///
    /// # Safety
    /// The contribution is readable.
    unsafe fn offer(
        &self,
        call: Call<'_>,
        piece: &Range,
        phase: u64,
        tag: u16,
    ) -> Result<super::team::Slice> {
        let slice = self.slice(phase)?;
        // SAFETY: the caller's promise; the piece fits the slice, which nobody else uses now.
        unsafe {
            let from = call.mine.wrapping_add(call.at(piece.start));
            from.copy_to_nonoverlapping(slice.at, call.at(piece.len()));
        }
        self.publish(phase, tag, &[slice.number as u64])?;
        Ok(slice)
    }

    /// Non-roots offer pieces and go on; the root combines them.
    ///
    /// # Safety
    /// As [`Self::reduce`].
    unsafe fn reduce_slices(&self, call: Call<'_>, result: Option<*mut u8>, root: usize) -> Result<()> {
        let tag = call.tag(Step::Reduce);
        for piece in self.pieces(call) {
            let phase = self.begin()?;
            match result {
                None => {
                    // SAFETY: the caller's promise.
                    unsafe { self.offer(call, &piece, phase, tag)? };
                    self.wake_if_last(root, phase);
                }
                Some(result) => {
                    self.gather(phase, tag)?;
                    let mine = call.mine.wrapping_add(call.at(piece.start));
                    let source = |member: usize| match member == self.me() {
                        true => mine,
                        false => self.published_slice(member, phase).cast_const(),
                    };
                    let to = result.wrapping_add(call.at(piece.start));
                    // SAFETY: the caller's promise; slices are not written before this phase is finished.
                    unsafe { self.fold(call, 0..piece.len(), source, to)? };
                }
            }
            self.finish(phase);
        }
        Ok(())
    }

    /// # Safety
    /// As [`Self::allreduce`].
    unsafe fn allreduce_slices(&self, call: Call<'_>, result: *mut u8) -> Result<()> {
        let tag = call.tag(Step::Allreduce);
        for piece in self.pieces(call) {
            let phase = self.begin()?;
            // SAFETY: the caller's promise.
            let slice = unsafe { self.offer(call, &piece, phase, tag)? };
            self.meet(phase, tag)?;
            let source = |member: usize| self.published_slice(member, phase).cast_const();
            let to = result.wrapping_add(call.at(piece.start));
            if call.at(piece.len()) <= EVERYBODY {
                // SAFETY: the caller's promise; slices are not written before this phase is finished.
                unsafe { self.fold(call, 0..piece.len(), source, to)? };
                self.finish(phase);
                continue;
            }
            let starts = starts(shares(piece.len(), self.size()));
            let share = |member: usize| (call.at(starts[member]), call.at(starts[member + 1]));
            let me = self.me();
            let (at, end) = share(me);
            // SAFETY: as above; nobody else reads this member's share of its slice before the next phase.
            unsafe {
                self.fold(call, starts[me]..starts[me + 1], source, to.wrapping_add(at))?;
                to.wrapping_add(at).copy_to_nonoverlapping(slice.at.wrapping_add(at), end - at);
            }
            self.finish(phase);
            let second = self.begin()?;
            self.keep(&slice, second);
            self.publish(second, tag, &[slice.number as u64])?;
            self.meet(second, tag)?;
            for member in (0..self.size()).filter(|member| *member != me) {
                let (at, end) = share(member);
                let from = self.published_slice(member, second).wrapping_add(at);
                // SAFETY: as above; the member has combined its share.
                unsafe { from.copy_to_nonoverlapping(to.wrapping_add(at), end - at) };
            }
            self.finish(second);
        }
        Ok(())
    }

    /// Publishes two addresses and learns those of all; none if one of them cannot be reached.
    fn addresses(&self, tag: u16, mine: [u64; 2]) -> Result<Option<Vec<[u64; 2]>>> {
        let phase = self.begin()?;
        self.publish(phase, tag, &mine)?;
        self.meet(phase, tag)?;
        let of = |member: usize| {
            let line = self.line(member, phase, 16).0;
            [line[0], line[1]]
        };
        let all: Vec<[u64; 2]> = (0..self.size()).map(of).collect();
        self.finish(phase);
        Ok(all.iter().all(|both| both[0] != 0 && both[1] != 0).then_some(all))
    }

    /// Waits until all have come so far.
    fn join(&self, tag: u16) -> Result<()> {
        let phase = self.begin()?;
        self.publish(phase, tag, &[])?;
        self.meet(phase, tag)?;
        self.finish(phase);
        Ok(())
    }

    /// Where this rank sees the contributions of all.
    fn contributions(&self, call: Call<'_>, addresses: &[[u64; 2]]) -> Result<Vec<*const u8>> {
        let of = |(member, both): (usize, &[u64; 2])| {
            self.direct(member, both[0], call.bytes(), false).map(|at| at.cast_const())
        };
        addresses.iter().enumerate().map(of).collect()
    }

    /// Each member combines its share in its result and takes the other shares from the others' results. False if
    /// buffers cannot be reached.
    ///
    /// # Safety
    /// As [`Self::allreduce`].
    unsafe fn allreduce_direct(&self, call: Call<'_>, result: *mut u8) -> Result<bool> {
        let tag = call.tag(Step::Allreduce);
        let mine = [self.address(call.mine), self.address(result)];
        let Some(addresses) = self.addresses(tag, mine)? else { return Ok(false) };
        let sources = self.contributions(call, &addresses)?;
        let starts = starts(shares(call.count, self.size()));
        let range = |member: usize| starts[member]..starts[member + 1];
        let me = self.me();
        let to = result.wrapping_add(call.at(starts[me]));
        // SAFETY: the caller's promise, for all members: buffers are theirs until the last phase, and each writes its share of
        // its result only, of which nobody else reads the contribution any more once it is combined.
        unsafe { self.fold(call, range(me), |member| sources[member], to)? };
        self.join(tag)?;
        for member in (0..self.size()).filter(|member| *member != me) {
            let (at, bytes) = (call.at(starts[member]), call.at(range(member).len()));
            let from = self.direct(member, addresses[member][1].wrapping_add(at as u64), bytes, false)?;
            // SAFETY: as above; the member has combined its share.
            unsafe { from.copy_to_nonoverlapping(result.wrapping_add(at), bytes) };
        }
        self.join(tag)?;
        Ok(true)
    }

    /// Each member combines its share, straight into the root's result. False if buffers cannot be reached.
    ///
    /// # Safety
    /// As [`Self::reduce`].
    unsafe fn reduce_direct(&self, call: Call<'_>, result: Option<*mut u8>, root: usize) -> Result<bool> {
        let tag = call.tag(Step::Reduce);
        let room = result.map_or(1, |at| self.address(at));
        let Some(addresses) = self.addresses(tag, [self.address(call.mine), room])? else {
            return Ok(false);
        };
        let sources = self.contributions(call, &addresses)?;
        let starts = starts(shares(call.count, self.size()));
        let (start, end) = (starts[self.me()], starts[self.me() + 1]);
        let at = addresses[root][1].wrapping_add(call.at(start) as u64);
        let to = self.direct(root, at, call.at(end - start), true)?;
        // SAFETY: the caller's promise, for all members; nobody else uses this share of the root's buffers.
        unsafe { self.fold(call, start..end, |member| sources[member], to)? };
        self.join(tag)?;
        Ok(true)
    }

    /// As [`Self::addresses`], for one buffer each.
    pub(super) fn exchange_addresses(&self, tag: u16, mine: u64) -> Result<Option<Vec<u64>>> {
        Ok(self.addresses(tag, [mine, 1])?.map(|all| all.into_iter().map(|[at, _]| at).collect()))
    }

    /// As [`Self::join`].
    pub(super) fn all_done(&self, tag: u16) -> Result<()> {
        self.join(tag)
    }
}
