//! The kernel's heap: size classes of powers of two in pages of the pool; larger blocks are pages themselves.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{NonNull, null_mut};

use super::pool::PAGE;
use crate::cell::KernelCell;

const SMALLEST: usize = 16;
const LARGEST: usize = 2048;
const CLASSES: usize = (LARGEST / SMALLEST).ilog2() as usize + 1;

/// Source of pages of a heap.
pub trait Pages {
    /// Adjacent pages with whatever content.
    fn take(&self, pages: usize) -> Option<NonNull<u8>>;
    /// Takes pages back.
    ///
    /// # Safety
    /// They come from `take` and nobody uses them any more.
    unsafe fn release(&self, start: NonNull<u8>, pages: usize);
}

/// A heap over pages. Pages of small blocks are kept for their class.
pub struct Heap<P> {
    pages: P,
    free: KernelCell<[*mut FreeBlock; CLASSES]>,
}

struct FreeBlock {
    next: *mut FreeBlock,
}

impl<P: Pages> Heap<P> {
    /// An empty heap.
    pub const fn new(pages: P) -> Self {
        Self { pages, free: KernelCell::new([null_mut(); CLASSES]) }
    }

    /// Class and block size for a layout; None for what takes whole pages.
    fn class(layout: Layout) -> Option<(usize, usize)> {
        let size = layout.size().max(layout.align()).max(SMALLEST).next_power_of_two();
        (size <= LARGEST).then(|| ((size / SMALLEST).ilog2() as usize, size))
    }
}

// SAFETY: blocks of a class are disjoint, aligned to their size, and handed out once until freed.
unsafe impl<P: Pages> GlobalAlloc for Heap<P> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((class, size)) = Self::class(layout) else {
            if layout.align() > PAGE {
                return null_mut();
            }
            return self.pages.take(layout.size().div_ceil(PAGE)).map_or(null_mut(), NonNull::as_ptr);
        };
        let mut free = self.free.borrow();
        if free[class].is_null() {
            let Some(page) = self.pages.take(1) else { return null_mut() };
            for offset in (0..PAGE).step_by(size) {
                // SAFETY: inside the page just taken, aligned to the block size.
                unsafe {
                    let block = page.as_ptr().add(offset).cast::<FreeBlock>();
                    block.write(FreeBlock { next: free[class] });
                    free[class] = block;
                }
            }
        }
        let block = free[class];
        // SAFETY: a free block begins with its link.
        free[class] = unsafe { (*block).next };
        block.cast()
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        match Self::class(layout) {
            Some((class, _)) => {
                let mut free = self.free.borrow();
                let block = pointer.cast::<FreeBlock>();
                // SAFETY: the block is the caller's to give back and large enough for the link.
                unsafe { block.write(FreeBlock { next: free[class] }) };
                free[class] = block;
            }
            None => {
                if let Some(start) = NonNull::new(pointer) {
                    // SAFETY: taken in `alloc` with the same layout.
                    unsafe { self.pages.release(start, layout.size().div_ceil(PAGE)) };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Host;
    impl Pages for Host {
        fn take(&self, pages: usize) -> Option<NonNull<u8>> {
            // SAFETY: not empty.
            NonNull::new(unsafe { std::alloc::alloc(Layout::from_size_align(pages * PAGE, PAGE).unwrap()) })
        }
        unsafe fn release(&self, start: NonNull<u8>, pages: usize) {
            // SAFETY: from `take`.
            unsafe {
                std::alloc::dealloc(start.as_ptr(), Layout::from_size_align(pages * PAGE, PAGE).unwrap())
            }
        }
    }

    #[test]
    fn blocks_are_aligned_disjoint_and_reused() {
        let heap = Heap::new(Host);
        let mut held = Vec::new();
        for i in 0..2000usize {
            let layout = Layout::from_size_align(1 + i * 7 % 5000, 1 << (i % 8)).unwrap();
            // SAFETY: the layout is not empty; blocks are used within their size.
            unsafe {
                let block = heap.alloc(layout);
                assert!(!block.is_null() && block as usize % layout.align() == 0);
                block.write_bytes(i as u8, layout.size());
                held.push((block, layout, i as u8));
            }
        }
        for &(block, layout, fill) in &held {
            // SAFETY: allocated above.
            let bytes = unsafe { core::slice::from_raw_parts(block, layout.size()) };
            assert!(bytes.iter().all(|&b| b == fill));
        }
        for (block, layout, _) in held {
            // SAFETY: allocated above, once.
            unsafe { heap.dealloc(block, layout) };
        }
        let layout = Layout::from_size_align(24, 8).unwrap();
        // SAFETY: as above.
        unsafe {
            let first = heap.alloc(layout);
            heap.dealloc(first, layout);
            assert_eq!(heap.alloc(layout), first);
        }
    }
}
