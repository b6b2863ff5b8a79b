//! First-fit allocator for a DMA arena. Its books are private memory: the arena itself holds only what was asked for.

use alloc::vec::Vec;
use core::alloc::Layout;

/// Free ranges of `[0, len)`, ordered, never adjacent.
pub struct Arena {
    free: Vec<Range>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Range {
    start: usize,
    end: usize,
}

impl Arena {
    /// An arena of `len` bytes, all free.
    pub fn new(len: usize) -> Arena {
        Arena { free: if len == 0 { Vec::new() } else { [Range { start: 0, end: len }].to_vec() } }
    }

    /// Offset of `layout.size()` free bytes (at least one), aligned; the start of the arena is taken to be page-aligned.
    pub fn alloc(&mut self, layout: Layout) -> Option<usize> {
        let size = layout.size().max(1);
        for index in 0..self.free.len() {
            let range = self.free[index];
            let start = range.start.checked_next_multiple_of(layout.align())?;
            let Some(end) = start.checked_add(size).filter(|end| *end <= range.end) else { continue };
            self.free.remove(index);
            for rest in [Range { start: end, end: range.end }, Range { start: range.start, end: start }] {
                if rest.start < rest.end {
                    self.free.insert(index, rest);
                }
            }
            return Some(start);
        }
        None
    }

    /// Takes back what `alloc` gave for this layout.
    pub fn free(&mut self, start: usize, layout: Layout) {
        let mut range = Range { start, end: start + layout.size().max(1) };
        let mut index = self.free.partition_point(|other| other.start < start);
        if self.free.get(index).is_some_and(|after| after.start == range.end) {
            range.end = self.free.remove(index).end;
        }
        if index > 0 && self.free[index - 1].end == range.start {
            index -= 1;
            range.start = self.free.remove(index).start;
        }
        self.free.insert(index, range);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    #[test]
    fn ranges_are_aligned_disjoint_and_merge_again() {
        let mut arena = Arena::new(1 << 16);
        let mut seed = 1u64;
        let mut live: Vec<(usize, Layout)> = Vec::new();
        for _ in 0..5000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let random = (seed >> 33) as usize;
            if random % 3 == 0 && !live.is_empty() {
                let (start, layout) = live.swap_remove(random % live.len());
                arena.free(start, layout);
                continue;
            }
            let layout = layout(random % 3000 + 1, 1 << (random % 9));
            let Some(start) = arena.alloc(layout) else { continue };
            assert_eq!(start % layout.align(), 0);
            assert!(start + layout.size() <= 1 << 16);
            for (other, size) in live.iter().map(|(start, layout)| (*start, layout.size())) {
                assert!(start + layout.size() <= other || other + size <= start);
            }
            live.push((start, layout));
        }
        for (start, layout) in live {
            arena.free(start, layout);
        }
        assert_eq!(arena.free, [Range { start: 0, end: 1 << 16 }]);
    }

    #[test]
    fn full_arena_says_so() {
        let mut arena = Arena::new(128);
        assert_eq!(arena.alloc(layout(128, 64)), Some(0));
        assert_eq!(arena.alloc(layout(1, 1)), None);
        assert_eq!(Arena::new(0).alloc(layout(1, 1)), None);
    }
}
