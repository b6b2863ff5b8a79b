//! What is below the stack: a network device, or a fake one in tests.

use alloc::vec::Vec;

/// A received frame, and where it lies.
pub enum Frame {
    /// In memory of its own.
    Heap(Vec<u8>),
    /// In a buffer of the device, which wants it back.
    Lent {
        /// The buffer.
        buffer: &'static mut [u8],
        /// Where the frame begins in it.
        start: usize,
        /// Where it ends, within the buffer.
        end: usize,
    },
}

impl Frame {
    /// Its bytes.
    pub fn bytes(&mut self) -> &mut [u8] {
        match self {
            Frame::Heap(bytes) => bytes,
            Frame::Lent { buffer, start, end } => buffer.get_mut(*start..*end).unwrap_or_default(),
        }
    }
}

/// What the other side knows of a received frame's checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// Nothing.
    Unknown,
    /// It is right.
    Checked,
    /// It holds the pseudo header's sum only: the frame never was on a wire.
    Partial,
}

/// What the device does to a frame before it sends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Completes the checksum: where the sum starts, and where it goes from there.
    pub checksum: Option<(u16, u16)>,
    /// Cuts a TCP packet into segments: bytes of data in each, and of the headers before.
    pub segments: Option<(u16, u16)>,
}

/// What a device can do.
#[derive(Clone, Copy, Debug)]
pub struct Abilities {
    /// Its address.
    pub mac: [u8; 6],
    /// Longest IP packet on the wire.
    pub mtu: usize,
    /// [`Work::checksum`].
    pub checksums: bool,
    /// [`Work::segments`].
    pub segments: bool,
}

/// A network device.
pub trait Link {
    /// What it can do.
    fn abilities(&self) -> Abilities;
    /// The next frame that has come.
    fn receive(&mut self) -> Option<(Frame, Checksum)>;
    /// Gives a frame's buffer back.
    fn recycle(&mut self, frame: Frame);
    /// A buffer for a frame to be sent; `None` if all are on their way.
    fn buffer(&mut self) -> Option<&mut [u8]>;
    /// Sends the first `len` bytes of the buffer that [`Link::buffer`] gives.
    fn send(&mut self, len: usize, work: Work);
    /// Tells the device of what was sent.
    fn flush(&mut self);
    /// Whether [`Link::receive`] has something, without asking the device.
    fn pending(&self) -> bool;
    /// Lets the device interrupt when a frame comes or, if `full`, when a buffer gets free.
    fn arm(&mut self, full: bool);
}
