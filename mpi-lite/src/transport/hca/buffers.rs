//! Message buffers in memory that the adapter reads and writes.

use crate::Result;
use crate::abi::MPI_ERR_NO_MEM;
use crate::error::err;
use std::alloc::Layout;
use std::ptr::NonNull;
use unirank_hca::{Lkey, Platform, Sge};

/// Buffers in a block: half a MiB of the usual size. A small VM has its free memory in pieces.
const IN_BLOCK: u32 = 64;

/// Equal buffers.
///
/// They are never given back: the adapter can never write into memory that is somebody else's by then, even when the host
/// failed to destroy a queue.
pub struct Buffers {
    blocks: Vec<NonNull<u8>>,
    size: usize,
    count: u32,
    lkey: Lkey,
}

impl Buffers {
    /// `count` buffers of `size` bytes; a multiple of 64.
    pub fn new(platform: &dyn Platform, lkey: Lkey, count: u32, size: usize) -> Result<Self> {
        let block = |first: u32| {
            let bytes = size * IN_BLOCK.min(count - first) as usize;
            platform.alloc_dma(Layout::from_size_align(bytes, 4096).ok()?)
        };
        match (0..count).step_by(IN_BLOCK as usize).map(block).collect() {
            Some(blocks) => Ok(Self { blocks, size, count, lkey }),
            None => err(MPI_ERR_NO_MEM, format!("no memory for {count} message buffers of {size} bytes")),
        }
    }

    /// Number of buffers.
    pub fn count(&self) -> u32 {
        self.count
    }

    fn at(&self, index: u32) -> *mut u8 {
        assert!(index < self.count, "message buffer {index} of {}", self.count);
        let (block, place) = (index / IN_BLOCK, index % IN_BLOCK);
        // SAFETY: the buffer lies in its block.
        unsafe { self.blocks[block as usize].as_ptr().add(place as usize * self.size) }
    }

    /// The whole buffer, for the adapter.
    pub fn sge(&self, index: u32) -> Sge {
        self.part(index, self.size)
    }

    /// The first `len` bytes of the buffer, for the adapter.
    pub fn part(&self, index: u32, len: usize) -> Sge {
        Sge::new(self.at(index), len.min(self.size) as u32, self.lkey)
    }

    /// The first `len` bytes of a buffer which the adapter does not use now.
    pub fn bytes(&self, index: u32, len: usize) -> &[u8] {
        // SAFETY: inside a block, initialised (it came zeroed); the adapter has given the buffer back.
        unsafe { std::slice::from_raw_parts(self.at(index), len.min(self.size)) }
    }

    /// As [`Self::bytes`], to be filled.
    pub fn bytes_mut(&mut self, index: u32, len: usize) -> &mut [u8] {
        // SAFETY: as in `bytes`; `&mut self` makes this the only slice.
        unsafe { std::slice::from_raw_parts_mut(self.at(index), len.min(self.size)) }
    }
}
