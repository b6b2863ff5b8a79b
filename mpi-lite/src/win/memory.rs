//! Where the memory that a window brings along comes from.

use crate::abi::MPI_ERR_NO_MEM;
use crate::error::{MpiError, Result};
use crate::p2p::remote;
use crate::per_rank::per_rank;
use crate::{init, node};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::RefCell;
use std::ptr::NonNull;
use unirank_ivc::JobRegion;

/// Memory of a window; given back when dropped.
pub enum Memory {
    /// The rank's own.
    Own {
        /// First byte.
        start: NonNull<u8>,
        /// As allocated.
        layout: Layout,
    },
    /// Of the job region, which all ranks of the host map.
    Region {
        /// The region.
        region: JobRegion,
        /// Where it lies there.
        offset: u64,
        /// Bytes asked for.
        len: u64,
    },
    /// A control block in memory that the adapter maps.
    Adapter(NonNull<u8>),
}

per_rank! { static SPARE: RefCell<Vec<NonNull<u8>>> = const { RefCell::new(Vec::new()) }; }

fn none_left(len: usize) -> MpiError {
    let text = format!("rank {}: no memory for {len} bytes of a window", init::world().rank);
    MpiError::new(MPI_ERR_NO_MEM, text)
}

impl Memory {
    /// Zeroed memory of the rank's own, page-aligned.
    pub fn own(len: usize) -> Result<Self> {
        let layout = Layout::from_size_align(len.max(1), 4096).map_err(|_| none_left(len))?;
        // SAFETY: the size is not zero.
        match NonNull::new(unsafe { alloc_zeroed(layout) }) {
            Some(start) => Ok(Self::Own { start, layout }),
            None => Err(none_left(len)),
        }
    }

    /// Zeroed memory of the job region; none, with the reason, if it has none left.
    pub fn shared(region: JobRegion, len: u64) -> std::result::Result<Self, String> {
        let rank = node::local(init::world().rank).ok_or("this rank has no place in the job region")?;
        let offset = region.allocate(rank, len).map_err(|error| error.to_string())?;
        let memory = Self::Region { region, offset, len };
        let start = region.bytes(offset, len).ok_or("the job region's heap gave memory outside of it")?;
        // SAFETY: the heap has just given it to this rank alone.
        unsafe { start.as_ptr().write_bytes(0, len as usize) };
        Ok(memory)
    }

    /// A zeroed control block on which the adapter's atomics and the processor's are atomic with each other.
    pub fn adapter(len: usize) -> Result<Self> {
        let start = match SPARE.with(|spare| spare.borrow_mut().pop()) {
            Some(start) => start,
            None => remote::memory(len)?,
        };
        // SAFETY: this rank's alone until its address is told; all blocks are of one size.
        unsafe { start.as_ptr().write_bytes(0, len) };
        Ok(Self::Adapter(start))
    }

    /// Its first byte.
    pub fn start(&self) -> *mut u8 {
        match self {
            Self::Own { start, .. } | Self::Adapter(start) => start.as_ptr(),
            Self::Region { region, offset, len } => {
                region.bytes(*offset, *len).map_or(std::ptr::null_mut(), NonNull::as_ptr)
            }
        }
    }

    /// Its offset, if it lies in the job region.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Region { offset, .. } => Some(*offset),
            Self::Own { .. } | Self::Adapter(_) => None,
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        match *self {
            // SAFETY: allocated with this layout; the window has ended on all ranks.
            Self::Own { start, layout } => unsafe { dealloc(start.as_ptr(), layout) },
            Self::Region { region, offset, len } => {
                let rank = node::local(init::world().rank).unwrap_or(0);
                if let Err(error) = region.release(rank, offset, len) {
                    eprintln!("unirank: rank {rank}: giving a window's memory back: {error}");
                }
            }
            Self::Adapter(start) => SPARE.with(|spare| spare.borrow_mut().push(start)),
        }
    }
}
