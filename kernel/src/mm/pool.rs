//! The kernel's own pages: page tables, kernel heap, device queues, stacks.
//!
//! Free runs are linked through their first bytes, in address order, first fit. The pool begins with the low 640 KiB that
//! no program uses and grows by chunks of RAM.

use core::ptr::{NonNull, null_mut};

/// Bytes of a page.
pub const PAGE: usize = 4096;

/// A run of free pages, at its own address.
struct Run {
    next: *mut Run,
    pages: usize,
}

/// A pool of pages.
pub struct Pool {
    head: *mut Run,
    free: usize,
    total: usize,
}

impl Pool {
    /// A pool without pages.
    pub const fn new() -> Self {
        Self { head: null_mut(), free: 0, total: 0 }
    }

    /// Pages nobody has.
    pub fn free_pages(&self) -> usize {
        self.free
    }

    /// Pages the pool was ever given.
    pub fn total_pages(&self) -> usize {
        self.total
    }

    /// Gives the pool memory.
    ///
    /// # Safety
    /// The pages are mapped, writable, aligned, and nobody else's.
    pub unsafe fn add(&mut self, start: NonNull<u8>, pages: usize) {
        self.total += pages;
        // SAFETY: the caller's promise.
        unsafe { self.release(start, pages) };
    }

    /// Takes back pages.
    ///
    /// # Safety
    /// They come from [`Pool::take`] or are new, as in [`Pool::add`]; nobody uses them any more.
    pub unsafe fn release(&mut self, start: NonNull<u8>, pages: usize) {
        if pages == 0 {
            return;
        }
        debug_assert!(start.as_ptr() as usize % PAGE == 0);
        self.free += pages;
        let run = start.as_ptr().cast::<Run>();
        let end = |run: *mut Run, pages: usize| run.addr() + pages * PAGE;
        // SAFETY: every run in the list is free, mapped memory that begins with a `Run`.
        unsafe {
            let mut before = null_mut::<Run>();
            let mut after = self.head;
            while !after.is_null() && after < run {
                before = after;
                after = (*after).next;
            }
            run.write(Run { next: after, pages });
            if !after.is_null() && end(run, pages) == after.addr() {
                (*run).pages += (*after).pages;
                (*run).next = (*after).next;
            }
            if before.is_null() {
                self.head = run;
            } else if end(before, (*before).pages) == run.addr() {
                (*before).pages += (*run).pages;
                (*before).next = (*run).next;
            } else {
                (*before).next = run;
            }
        }
    }

    /// Adjacent pages, with whatever content.
    pub fn take(&mut self, pages: usize) -> Option<NonNull<u8>> {
        let mut link: *mut *mut Run = &mut self.head;
        // SAFETY: as in `release`.
        unsafe {
            while !(*link).is_null() {
                let run = *link;
                if (*run).pages >= pages {
                    let rest = (*run).pages - pages;
                    if rest == 0 {
                        *link = (*run).next;
                    } else {
                        // The low end goes, so that the rest keeps its place in the order.
                        let remaining = run.byte_add(pages * PAGE);
                        remaining.write(Run { next: (*run).next, pages: rest });
                        *link = remaining;
                    }
                    self.free -= pages;
                    return NonNull::new(run.cast());
                }
                link = &raw mut (*run).next;
            }
        }
        None
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::alloc::{Layout, alloc};

    fn memory(pages: usize) -> NonNull<u8> {
        // SAFETY: the layout is not empty.
        NonNull::new(unsafe { alloc(Layout::from_size_align(pages * PAGE, PAGE).unwrap()) }).unwrap()
    }

    fn pool(pages: usize) -> Pool {
        let mut pool = Pool::new();
        // SAFETY: fresh memory.
        unsafe { pool.add(memory(pages), pages) };
        pool
    }

    #[test]
    fn released_runs_join_in_any_order() {
        let mut pool = pool(64);
        let mut taken: Vec<_> = (0..16).map(|_| pool.take(4).unwrap()).collect();
        assert_eq!(pool.free_pages(), 0);
        assert!(pool.take(1).is_none());
        taken.swap(1, 9);
        taken.swap(3, 14);
        for run in taken {
            // SAFETY: taken above.
            unsafe { pool.release(run, 4) };
        }
        assert_eq!(pool.free_pages(), 64);
        assert!(pool.take(64).is_some(), "one run again");
    }

    #[test]
    fn runs_never_overlap() {
        let mut pool = pool(128);
        let mut held: Vec<(NonNull<u8>, usize)> = Vec::new();
        let mut state = 7u64;
        for step in 0..5000u64 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(step);
            let pages = 1 + (state >> 40) as usize % 9;
            let run = if state >> 60 < 9 { pool.take(pages) } else { None };
            if let Some(run) = run {
                for &(other, n) in &held {
                    let (a, b) = (run.as_ptr() as usize, other.as_ptr() as usize);
                    assert!(a + pages * PAGE <= b || b + n * PAGE <= a);
                }
                // SAFETY: ours now.
                unsafe { run.write_bytes(0xa5, pages * PAGE) };
                held.push((run, pages));
            } else if !held.is_empty() {
                let (run, pages) = held.swap_remove((state >> 20) as usize % held.len());
                // SAFETY: taken above.
                unsafe { pool.release(run, pages) };
            }
        }
        assert_eq!(pool.free_pages(), 128 - held.iter().map(|h| h.1).sum::<usize>());
    }
}
