//! Who gets which part of the region's heap: blocks of 4 KiB times a power of two, with a free list for each size.
//!
//! Far from any fast path: rings, segments and windows are made once. One rank at a time changes the lists, under a
//! lock word that names it; a rank that dies with the lock takes its job down anyway, so waiting for it is bounded.
//! Every offset that comes out of the region is checked before it is used.

use core::fmt;
use core::sync::atomic::Ordering;

use crate::layout::{PAGE, field};
use crate::region::JobRegion;

/// Sizes: class `c` has `PAGE << c` bytes.
const CLASSES: u32 = 30;
/// Tries to take the lock, with a pause between them: some seconds.
const PATIENCE: u32 = 50_000_000;

/// Why there is no block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeapError {
    /// The heap has no such piece left.
    Full {
        /// Bytes that were asked for.
        wanted: u64,
    },
    /// A rank keeps the lock.
    Locked {
        /// That rank.
        by: u32,
    },
    /// A list leads out of the heap.
    Damaged,
}

impl fmt::Display for HeapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { wanted } => {
                write!(
                    f,
                    "the job region has no room for {wanted} bytes more (choose more with unirank run --shared)"
                )
            }
            Self::Locked { by } => write!(f, "rank {by} does not give the job region's heap back"),
            Self::Damaged => write!(f, "the job region's heap is damaged: a rank has written into it"),
        }
    }
}

impl core::error::Error for HeapError {}

/// The smallest class that holds so many bytes.
fn class_of(bytes: u64) -> Option<u32> {
    let pages = bytes.max(1).div_ceil(PAGE).checked_next_power_of_two()?;
    let class = pages.trailing_zeros();
    (class < CLASSES).then_some(class)
}

impl JobRegion {
    fn locked<T>(&self, rank: u32, f: impl FnOnce() -> Result<T, HeapError>) -> Result<T, HeapError> {
        let lock = self.word32(field::HEAP_LOCK as u64);
        for _ in 0..PATIENCE {
            if lock.compare_exchange_weak(0, rank + 1, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                let result = f();
                lock.store(0, Ordering::Release);
                return result;
            }
            core::hint::spin_loop();
        }
        Err(HeapError::Locked { by: lock.load(Ordering::Relaxed).wrapping_sub(1) })
    }

    fn is_block(&self, offset: u64, class: u32) -> bool {
        let layout = self.layout();
        offset >= layout.heap
            && offset % PAGE == 0
            && offset.checked_add(PAGE << class).is_some_and(|end| end <= layout.len)
    }

    /// A block of at least `bytes` bytes for `rank`; its offset. Its content is zero only if it was never used before.
    pub fn allocate(&self, rank: u32, bytes: u64) -> Result<u64, HeapError> {
        let full = HeapError::Full { wanted: bytes };
        let class = class_of(bytes).ok_or(full)?;
        self.locked(rank, || {
            let head = self.word64(field::HEAP_FREE as u64 + 8 * u64::from(class));
            let first = head.load(Ordering::Relaxed);
            if first != 0 {
                if !self.is_block(first, class) {
                    return Err(HeapError::Damaged);
                }
                head.store(self.word64(first).load(Ordering::Relaxed), Ordering::Relaxed);
                return Ok(first);
            }
            let next = self.word64(field::HEAP_NEXT as u64);
            let start = next.load(Ordering::Relaxed);
            if start < self.layout().heap || start % PAGE != 0 {
                return Err(HeapError::Damaged);
            }
            if !self.is_block(start, class) {
                return Err(full);
            }
            next.store(start + (PAGE << class), Ordering::Relaxed);
            Ok(start)
        })
    }

    /// Gives a block back that [`Self::allocate`] gave for as many bytes. Nobody uses it any more.
    pub fn release(&self, rank: u32, offset: u64, bytes: u64) -> Result<(), HeapError> {
        let class =
            class_of(bytes).filter(|&class| self.is_block(offset, class)).ok_or(HeapError::Damaged)?;
        self.locked(rank, || {
            let head = self.word64(field::HEAP_FREE as u64 + 8 * u64::from(class));
            self.word64(offset).store(head.load(Ordering::Relaxed), Ordering::Relaxed);
            head.store(offset, Ordering::Relaxed);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::testing::region;
    use std::vec::Vec;

    #[test]
    fn blocks_are_disjoint_and_come_back() {
        let region = region(2, 1 << 20);
        let sizes = [1, 4096, 4097, 70_000, 5];
        let mut blocks: Vec<(u64, u64)> = sizes.map(|size| (region.allocate(0, size).unwrap(), size)).into();
        let again = blocks[3];
        region.release(1, again.0, again.1).unwrap();
        assert_eq!(region.allocate(1, 65_537), Ok(again.0));
        blocks.sort_unstable();
        assert!(blocks.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0));
    }

    #[test]
    fn a_full_heap_says_so_and_goes_on() {
        let region = region(1, 0);
        assert_eq!(region.allocate(0, 1 << 40), Err(HeapError::Full { wanted: 1 << 40 }));
        assert_eq!(region.allocate(0, u64::MAX), Err(HeapError::Full { wanted: u64::MAX }));
        let mut count = 0;
        while region.allocate(0, 4096).is_ok() {
            count += 1;
        }
        assert_eq!(count, (region.layout().len - region.layout().heap) / PAGE);
    }

    #[test]
    fn garbage_in_the_lists_is_noticed() {
        let region = region(1, 1 << 20);
        let block = region.allocate(0, 1).unwrap();
        region.release(0, block, 1).unwrap();
        let free = region.word64(field::HEAP_FREE as u64);
        for bad in [1, 4096, block + 1, region.layout().len, u64::MAX - 4095] {
            free.store(bad, Ordering::Relaxed);
            assert_eq!(region.allocate(0, 1), Err(HeapError::Damaged), "{bad:#x}");
        }
        free.store(0, Ordering::Relaxed);
        region.word64(field::HEAP_NEXT as u64).store(7, Ordering::Relaxed);
        assert_eq!(region.allocate(0, 1), Err(HeapError::Damaged));
        assert_eq!(region.release(0, 0, 1), Err(HeapError::Damaged));
    }

    #[test]
    fn ranks_allocate_at_the_same_time() {
        let region = region(4, 16 << 20);
        let taken: Vec<u64> = std::thread::scope(|scope| {
            let run =
                |rank| move || (0..200).map(|_| region.allocate(rank, 4096).unwrap()).collect::<Vec<_>>();
            let threads: Vec<_> = (0..4).map(|rank| scope.spawn(run(rank))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let mut sorted = taken.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 800);
    }
}
