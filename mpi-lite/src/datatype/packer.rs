//! Resumable packing and unpacking of a typed buffer.

use super::Datatype;
use super::blocks::{Pack, Unpack};
use super::copy;
use super::layout::{self, Node};

/// Streams the message bytes of `count` elements out of, or into, a user buffer, in pieces of any size and from any place.
///
/// The state is the number of the next message byte; everything else follows from the layout.
#[derive(Clone)]
pub struct Packer {
    root: Node,
    base: *mut u8,
    position: u64,
}

impl Packer {
    /// A packer at byte 0 of `count` elements of `dt` at `buf` (`MPI_BOTTOM` is the null pointer).
    ///
    /// More than 2^63 message bytes are not possible: check with [`Datatype::packed_size`] first. Beyond it the packer is empty.
    ///
    /// # Safety
    /// 1. While the packer is used, the blocks that the elements cover from `buf` are valid, for writing if it unpacks.
    /// 2. Slices given to `pack` and `unpack` do not overlap them.
    pub unsafe fn new(dt: &Datatype, count: usize, buf: *mut u8) -> Self {
        let root = layout::repeat(dt.layout(), count as u64, dt.extent() as i64).unwrap_or(Node::EMPTY);
        Self { root, base: buf, position: 0 }
    }

    /// Message bytes of all elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.root.size as usize
    }

    /// Whether there are no message bytes at all.
    pub fn is_empty(&self) -> bool {
        self.root.size == 0
    }

    /// The next message byte to be packed or unpacked.
    #[inline]
    pub fn position(&self) -> usize {
        self.position as usize
    }

    /// Message bytes from the position to the end.
    #[inline]
    pub fn remaining(&self) -> usize {
        (self.root.size - self.position) as usize
    }

    /// Continues at message byte `byte`, or at the end if there are fewer.
    #[inline]
    pub fn seek(&mut self, byte: usize) {
        self.position = self.root.size.min(byte as u64);
    }

    /// The end of a piece of at most `len` bytes.
    #[inline]
    fn end(&self, len: usize) -> u64 {
        self.position + (len as u64).min(self.root.size - self.position)
    }

    /// Fills `message` with the next bytes; says how many there were.
    pub fn pack(&mut self, message: &mut [u8]) -> usize {
        let (from, to) = (self.position, self.end(message.len()));
        // SAFETY: `from <= to <= size`; the blocks are valid (`new`), the slice is at least that long.
        unsafe { copy::range::<Pack>(&self.root, self.base, message.as_mut_ptr(), from, to) };
        self.position = to;
        (to - from) as usize
    }

    /// Puts the next bytes, from `message`, in their places; says how many had one.
    pub fn unpack(&mut self, message: &[u8]) -> usize {
        let (from, to) = (self.position, self.end(message.len()));
        // SAFETY: as in `pack`; `Unpack` only reads the message.
        unsafe { copy::range::<Unpack>(&self.root, self.base, message.as_ptr().cast_mut(), from, to) };
        self.position = to;
        (to - from) as usize
    }

    /// The next dense piece of the user buffer, of at most `max` bytes, and moves past it: for copies without a message
    /// in between. None at the end.
    pub fn next_run(&mut self, max: usize) -> Option<(*mut u8, usize)> {
        if self.position == self.root.size || max == 0 {
            return None;
        }
        let (offset, len) = copy::locate(&self.root, self.position);
        let len = len.min(max as u64);
        self.position += len;
        Some((self.base.wrapping_offset(offset as isize), len as usize))
    }
}
