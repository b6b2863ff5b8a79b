//! Memory of the library OS itself when the program has used up the rest.
//!
//! Calls that leave something behind (an open file, a thread, a name) or that take a large buffer ask for room first, and
//! fail with an error if there is none. What they ask for leaves [`HEADROOM`] to the calls that only need memory while they
//! run: those to write a message, to close, to unmap and to end, above all.

use alloc::vec;
use alloc::vec::Vec;

use super::{MEMORY, PAGE, POOL, RESERVE};
use crate::errno::{Errno, Result};

/// Pages of the pool that only passing needs may use.
pub(super) const HEADROOM: usize = 48;

/// `ENOMEM` unless the library OS can have so many bytes for longer.
pub fn room(bytes: usize) -> Result<()> {
    let pages = bytes.div_ceil(PAGE as usize) + HEADROOM + RESERVE;
    if POOL.borrow().free_pages() >= pages {
        return Ok(());
    }
    let mut memory = MEMORY.borrow();
    // Before the tables are made there is no reserve to keep.
    if memory.tables.is_none() || memory.grow_pool(pages).is_ok() {
        return Ok(());
    }
    if !core::mem::replace(&mut memory.told_no_room, true) {
        note!(
            "out of memory: the program has all of the VM's {} MiB, and the library OS needs some for what the program asks of it: such calls fail with ENOMEM (choose more with --mem)",
            memory.ram.total().div_ceil(1 << 20)
        );
    }
    Err(Errno::ENOMEM)
}

/// A buffer of zeros for the time of a call: of `most` bytes, or of what there is, down to a page.
pub fn buffer(most: usize) -> Vec<u8> {
    let small = PAGE as usize;
    let large = if most > small { zeros(most, small) } else { None };
    large.unwrap_or_else(|| vec![0; most.min(small)])
}

/// A buffer of zeros of `most` bytes, or else the largest half, quarter and so on that there is room for, `least` at least.
pub fn zeros(most: usize, least: usize) -> Option<Vec<u8>> {
    let mut len = most;
    while len >= least {
        let mut buffer = Vec::new();
        if room(len).is_ok() && buffer.try_reserve_exact(len).is_ok() {
            buffer.resize(len, 0);
            return Some(buffer);
        }
        len /= 2;
    }
    None
}

/// Makes room in a list for so many bytes; `ENOMEM` if there is none.
pub fn reserve(list: &mut Vec<u8>, more: usize) -> Result<()> {
    let needed = list.len() + more;
    if needed <= list.capacity() {
        return Ok(());
    }
    // Twice as much as there is keeps the cost of growth low, as long as that can be had.
    if room(needed.max(2 * list.capacity())).is_ok() && list.try_reserve(more).is_ok() {
        return Ok(());
    }
    room(needed)?;
    list.try_reserve_exact(more).map_err(|_| Errno::ENOMEM)
}
