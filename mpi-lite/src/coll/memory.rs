//! Memory of collectives: typed buffers, local copies, packed blocks, scratch elements.

use crate::abi::MPI_ERR_TRUNCATE;
use crate::datatype::{Datatype, Packer};
use crate::error::{Result, err};
use smallvec::{SmallVec, smallvec};

/// A typed buffer to send from.
#[derive(Clone, Copy)]
pub struct Send<'a> {
    /// Address as the program gave it; data starts at the type's true lower bound.
    pub at: *const u8,
    /// Number of elements.
    pub count: usize,
    /// Type of an element.
    pub dt: &'a Datatype,
}

/// A typed buffer to receive into.
#[derive(Clone, Copy)]
pub struct Receive<'a> {
    /// Address as the program gave it.
    pub at: *mut u8,
    /// Room, in elements.
    pub count: usize,
    /// Type of an element.
    pub dt: &'a Datatype,
}

impl<'a> Send<'a> {
    /// Message bytes.
    pub fn bytes(&self) -> usize {
        self.count * self.dt.size()
    }

    /// `count` elements which start `first` elements (or displacements) further on.
    pub fn part(&self, first: isize, count: usize) -> Self {
        Self { at: self.at.wrapping_offset(first.wrapping_mul(self.dt.extent())), count, dt: self.dt }
    }

    /// `count` elements at a byte displacement, of another type.
    pub fn at_byte(&self, offset: isize, count: usize, dt: &'a Datatype) -> Self {
        Self { at: self.at.wrapping_offset(offset), count, dt }
    }
}

impl<'a> Receive<'a> {
    /// Message bytes that fit.
    pub fn bytes(&self) -> usize {
        self.count * self.dt.size()
    }

    /// Room for `count` elements which starts `first` elements further on.
    pub fn part(&self, first: isize, count: usize) -> Self {
        Self { at: self.at.wrapping_offset(first.wrapping_mul(self.dt.extent())), count, dt: self.dt }
    }

    /// `count` elements at a byte displacement, of another type.
    pub fn at_byte(&self, offset: isize, count: usize, dt: &'a Datatype) -> Self {
        Self { at: self.at.wrapping_offset(offset), count, dt }
    }

    /// The same memory, to be sent.
    pub fn as_send(&self) -> Send<'a> {
        Send { at: self.at, count: self.count, dt: self.dt }
    }
}

fn check_room(from: usize, room: usize) -> Result<()> {
    if from > room {
        return err(MPI_ERR_TRUNCATE, format!("{from} bytes of this rank's own data for room of {room}"));
    }
    Ok(())
}

/// Copies typed data to a typed place on the same rank; as much as fits.
///
/// # Safety
/// The data are readable, the room is writable, and they do not overlap.
pub unsafe fn copy(data: Send<'_>, room: Receive<'_>) -> Result<()> {
    let bytes = data.bytes().min(room.bytes());
    match (data.dt.contiguous_bytes(data.count), room.dt.contiguous_bytes(room.count)) {
        (Some((from, _)), Some((to, _))) => {
            let (from, to) = (data.at.wrapping_offset(from), room.at.wrapping_offset(to));
            if bytes > 0 {
                // SAFETY: the caller's promise, for the dense blocks which the types describe.
                unsafe { std::ptr::copy_nonoverlapping(from, to, bytes) };
            }
        }
        _ => {
            // SAFETY: the caller's promise; packing only reads.
            let mut from = unsafe { Packer::new(data.dt, data.count, data.at.cast_mut()) };
            // SAFETY: the caller's promise.
            let mut to = unsafe { Packer::new(room.dt, room.count, room.at) };
            let mut left = bytes;
            let mut buffer = vec![0; left.min(64 << 10)];
            while left > 0 {
                let n = left.min(buffer.len());
                from.pack(&mut buffer[..n]);
                to.unpack(&buffer[..n]);
                left -= n;
            }
        }
    }
    check_room(data.bytes(), room.bytes())
}

/// Packs typed data into `bytes`; as much as fits.
///
/// # Safety
/// The data are readable and do not overlap `bytes`.
#[inline]
pub unsafe fn pack(data: Send<'_>, bytes: &mut [u8]) -> Result<()> {
    // SAFETY: the caller's promise; packing only reads.
    match unsafe { dense_data(data) } {
        Some(data) => {
            let n = bytes.len().min(data.len());
            bytes[..n].copy_from_slice(&data[..n]);
        }
        // SAFETY: as above.
        None => _ = unsafe { Packer::new(data.dt, data.count, data.at.cast_mut()) }.pack(bytes),
    }
    check_room(data.bytes(), bytes.len())
}

/// Unpacks `bytes` into a typed place; as much as fits.
///
/// # Safety
/// The room is writable and does not overlap `bytes`.
#[inline]
pub unsafe fn unpack(bytes: &[u8], room: Receive<'_>) -> Result<()> {
    let n = bytes.len().min(room.bytes());
    // SAFETY: the caller's promise.
    match unsafe { dense(room) } {
        Some(room) => room[..n].copy_from_slice(&bytes[..n]),
        // SAFETY: as above.
        None => _ = unsafe { Packer::new(room.dt, room.count, room.at) }.unpack(&bytes[..n]),
    }
    check_room(bytes.len(), room.bytes())
}

/// The dense bytes of a typed place, if it is dense.
///
/// # Safety
/// The memory is valid, initialised, and used through the slice only while it lives.
pub unsafe fn dense<'a>(room: Receive<'_>) -> Option<&'a mut [u8]> {
    let (offset, len) = room.dt.contiguous_bytes(room.count)?;
    if len == 0 {
        return Some(&mut []);
    }
    // SAFETY: the caller's promise, for the dense block which the type describes.
    Some(unsafe { std::slice::from_raw_parts_mut(room.at.wrapping_offset(offset), len) })
}

/// The dense bytes of typed data, if they are dense.
///
/// # Safety
/// The data are readable, initialised, and unchanged while the slice lives.
pub unsafe fn dense_data<'a>(data: Send<'_>) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise; nobody writes through the slice.
    unsafe { dense(Receive { at: data.at.cast_mut(), count: data.count, dt: data.dt }) }.map(|bytes| &*bytes)
}

/// Scratch memory for `count` elements in the layout of their type, aligned for any C type.
pub struct Scratch<'a> {
    memory: Vec<u128>,
    origin: isize,
    count: usize,
    dt: &'a Datatype,
}

impl<'a> Scratch<'a> {
    /// Zeroed scratch memory.
    pub fn new(count: usize, dt: &'a Datatype) -> Self {
        let steps = (count as isize - 1).max(0);
        // With a negative extent the elements go down from the first one.
        let (down, up) = ((steps * dt.extent()).min(0), (steps * dt.extent()).max(0));
        let bytes = if count == 0 { 0 } else { up - down + dt.true_extent() };
        let memory = vec![0; (bytes as usize).div_ceil(16)];
        Self { memory, origin: -down - dt.true_lb(), count, dt }
    }

    /// The elements, to be written.
    pub fn room(&mut self) -> Receive<'a> {
        let at = self.memory.as_mut_ptr().cast::<u8>().wrapping_offset(self.origin);
        Receive { at, count: self.count, dt: self.dt }
    }

    /// The elements, to be read.
    pub fn data(&self) -> Send<'a> {
        let at = self.memory.as_ptr().cast::<u8>().wrapping_offset(self.origin);
        Send { at, count: self.count, dt: self.dt }
    }
}

/// A list with an entry for each rank, on the stack when they are few.
pub type ByRank<T> = SmallVec<[T; 9]>;

/// Where each of `lengths` starts when they follow each other, and the end of the last.
pub fn starts(lengths: impl IntoIterator<Item = usize>) -> ByRank<usize> {
    let mut sum = 0;
    let mut starts = smallvec![0];
    starts.extend(lengths.into_iter().map(|n| {
        sum += n;
        sum
    }));
    starts
}

/// Splits `count` elements over `parts`: sizes differ by one at most.
pub fn shares(count: usize, parts: usize) -> Vec<usize> {
    (0..parts).map(|i| count / parts + usize::from(i < count % parts)).collect()
}

/// The largest power of two that is at most `n` (which is at least 1).
pub fn power_of_two_below(n: usize) -> usize {
    1 << n.ilog2()
}
