//! Dynamic windows: memory is attached later, and addressed by its address (MPI 5.0, section 12.2.4).
//!
//! What is attached stands in a table in the rank's control block. Origins that can read it by loads check their accesses against it.
//! Through the adapter they do not, since every access would take two reads more; the adapter refuses what is not memory of the rank.

use super::control::{COUNT, OVERFLOW, RANGES, TABLE};
use super::place::Place;
use super::{Target, Window};
use crate::abi::{
    MPI_ERR_ARG, MPI_ERR_RMA_ATTACH, MPI_ERR_RMA_FLAVOR, MPI_ERR_RMA_RANGE, MPI_ERR_SIZE,
    MPI_WIN_FLAVOR_DYNAMIC,
};
use crate::error::{MpiError, Result, err};
use crate::{init, node};
use std::sync::atomic::{AtomicU64, Ordering};

/// A word of a control block that is reached directly.
fn word(block: *mut u8, offset: i64) -> &'static AtomicU64 {
    // SAFETY: control blocks are aligned, stay mapped while their window lives, and all access is atomic.
    unsafe { AtomicU64::from_ptr(block.wrapping_offset(offset as isize).cast()) }
}

/// The attached ranges in a block; none if they are too many to be listed.
fn ranges(block: *mut u8) -> Option<Vec<(u64, u64)>> {
    if word(block, OVERFLOW).load(Ordering::Acquire) != 0 {
        return None;
    }
    let count = word(block, COUNT).load(Ordering::Acquire).min(RANGES as u64) as i64;
    let at = |i: i64| word(block, TABLE + 8 * i).load(Ordering::Relaxed);
    Some((0..count).map(|i| (at(2 * i), at(2 * i + 1))).collect())
}

/// Whether the ranges cover `len` bytes from `start` on; several may, one behind the other.
fn cover(ranges: &[(u64, u64)], start: u64, len: u64) -> bool {
    let (mut start, mut len) = (start, len);
    while len > 0 {
        let here = |&&(at, n): &&(u64, u64)| start >= at && start - at < n;
        let Some((at, n)) = ranges.iter().find(here) else { return false };
        let covered = (n - (start - at)).min(len);
        let Some(next) = start.checked_add(covered) else { return false };
        (start, len) = (next, len - covered);
    }
    true
}

impl Window {
    fn own_block(&self, what: &str) -> Result<*mut u8> {
        if self.flavor != MPI_WIN_FLAVOR_DYNAMIC {
            let text = format!("{what} on {}, which is not dynamic", self.describe());
            return err(MPI_ERR_RMA_FLAVOR, text);
        }
        Ok(self.own().control.address())
    }

    /// Writes the table of what is attached here.
    fn publish(&self, block: *mut u8, all: &[(u64, u64)]) {
        let fits = all.len() <= RANGES;
        word(block, OVERFLOW).store(u64::from(!fits), Ordering::Release);
        if fits {
            for (i, (start, len)) in all.iter().enumerate() {
                word(block, TABLE + 16 * i as i64).store(*start, Ordering::Relaxed);
                word(block, TABLE + 16 * i as i64 + 8).store(*len, Ordering::Relaxed);
            }
            word(block, COUNT).store(all.len() as u64, Ordering::Release);
        }
    }

    /// `MPI_Win_attach`.
    pub fn attach(&self, base: *mut u8, size: isize) -> Result<()> {
        let block = self.own_block("MPI_Win_attach")?;
        let Ok(len) = u64::try_from(size) else { return err(MPI_ERR_SIZE, format!("negative size {size}")) };
        let start = base as u64;
        if base.is_null() && len > 0 {
            return err(MPI_ERR_ARG, format!("null pointer to {len} bytes"));
        }
        let mut all = self.attached.borrow_mut();
        let overlaps = |(at, n): &(u64, u64)| len > 0 && *n > 0 && start < at + n && *at < start + len;
        if let Some((at, n)) = all.iter().find(|range| overlaps(range)) {
            let text = format!(
                "rank {}: {len} bytes at {start:#x} overlap with the {n} bytes at {at:#x}, which are attached already",
                init::world().rank
            );
            return err(MPI_ERR_RMA_ATTACH, text);
        }
        all.push((start, len));
        self.publish(block, &all);
        Ok(())
    }

    /// `MPI_Win_detach`.
    pub fn detach(&self, base: *const u8) -> Result<()> {
        let block = self.own_block("MPI_Win_detach")?;
        let mut all = self.attached.borrow_mut();
        match all.iter().position(|(start, _)| *start == base as u64) {
            Some(at) => {
                all.remove(at);
                self.publish(block, &all);
                Ok(())
            }
            None => err(
                MPI_ERR_RMA_ATTACH,
                format!("rank {}: nothing is attached at {base:p}", init::world().rank),
            ),
        }
    }

    /// Where a buffer that covers bytes `low` to `high` from `address` on is.
    pub(super) fn locate_attached(
        &self,
        target: &Target,
        address: isize,
        low: isize,
        high: isize,
    ) -> Result<Place> {
        let start = address.wrapping_add(low) as u64;
        let len = high.wrapping_sub(low) as u64;
        let not_there = |why: &str| {
            let text = format!(
                "{len} bytes at {start:#x} of rank {} in {}: {why}",
                self.rank_of(target),
                self.describe()
            );
            MpiError::new(MPI_ERR_RMA_RANGE, text)
        };
        if len == 0 {
            return Ok(Place::Direct(std::ptr::without_provenance_mut(address as usize)));
        }
        if let Place::Direct(block) = target.control {
            if ranges(block).is_some_and(|all| !cover(&all, start, len)) {
                return Err(not_there("not attached"));
            }
        }
        if target.world == init::world().rank {
            return Ok(Place::Direct(std::ptr::with_exposed_provenance_mut(address as usize)));
        }
        match node::direct(target.world, start, len, true).filter(|_| self.uniform) {
            Some(pointer) => Ok(Place::Direct(pointer.wrapping_offset(-low))),
            None if target.by_process => Ok(Place::Process { world: target.world, address: address as u64 }),
            None if self.uniform => Err(not_there("not memory of that rank")),
            None => Ok(Place::Remote { world: target.world, address: address as u64, key: target.key }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::cover;

    #[test]
    fn neighbours_cover_together() {
        let ranges = [(100, 50), (200, 10), (150, 20)];
        for (start, len, covered) in [
            (100, 70, true),
            (149, 2, true),
            (169, 1, true),
            (170, 1, false),
            (100, 71, false),
            (99, 2, false),
        ] {
            assert_eq!(cover(&ranges, start, len), covered, "{start} {len}");
        }
        assert!(!cover(&[(u64::MAX - 1, 9)], u64::MAX - 1, 4));
    }
}
