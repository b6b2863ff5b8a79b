//! A view of the job region: the only place where offsets become pointers.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::layout::{Layout, MAGIC, PAGE, RegionError, VERSION, field};

/// The job region, mapped. Copies are cheap and see the same memory.
#[derive(Clone, Copy, Debug)]
pub struct JobRegion {
    base: NonNull<u8>,
    layout: Layout,
}

// SAFETY: what the view itself reads and writes are atomic words; pointers it gives out are for their users to share rightly.
unsafe impl Send for JobRegion {}
// SAFETY: as above.
unsafe impl Sync for JobRegion {}

impl JobRegion {
    /// Writes the header of an empty region into zeroed memory.
    ///
    /// # Safety
    /// `base` is page-aligned; `layout.len` bytes from it are zero, mapped readable and writable while the view or a copy
    /// of it is used, and nobody else uses them yet.
    pub unsafe fn format(base: NonNull<u8>, layout: Layout) -> JobRegion {
        let region = JobRegion { base, layout };
        let long = |at, value| region.word64(at).store(value, Ordering::Relaxed);
        let short = |at, value| region.word32(at).store(value, Ordering::Relaxed);
        short(field::VERSION as u64, VERSION);
        short(field::RANKS as u64, layout.ranks);
        long(field::LEN as u64, layout.len);
        long(field::JOB as u64, layout.job);
        long(field::PAGES as u64, layout.pages);
        long(field::DIRECTORY as u64, layout.directory);
        long(field::TRACE as u64, layout.trace);
        long(field::TRACE_LEN as u64, layout.trace_len);
        long(field::HEAP as u64, layout.heap);
        short(field::RING as u64, layout.ring);
        long(field::HEAP_NEXT as u64, layout.heap);
        region.word64(field::MAGIC as u64).store(MAGIC, Ordering::Release);
        region
    }

    /// Opens a region that somebody has formatted.
    ///
    /// # Safety
    /// `base` is page-aligned, and `mapped` bytes from it are mapped readable and writable while the view or a copy of it
    /// is used. Others access them atomically, or as the rings' protocol says.
    pub unsafe fn open(base: NonNull<u8>, mapped: u64) -> Result<JobRegion, RegionError> {
        if mapped < PAGE {
            return Err(RegionError::Length { found: mapped, wanted: PAGE });
        }
        let layout = Layout {
            ranks: 0,
            len: mapped,
            job: 0,
            pages: 0,
            directory: 0,
            trace: 0,
            trace_len: 0,
            heap: 0,
            ring: 0,
        };
        let header = JobRegion { base, layout };
        let long = |at: usize| header.word64(at as u64).load(Ordering::Acquire);
        let short = |at: usize| header.word32(at as u64).load(Ordering::Acquire);
        if long(field::MAGIC) != MAGIC {
            return Err(RegionError::Magic(long(field::MAGIC)));
        }
        if short(field::VERSION) != VERSION {
            return Err(RegionError::Version(short(field::VERSION)));
        }
        let layout = Layout {
            ranks: short(field::RANKS),
            len: long(field::LEN),
            job: long(field::JOB),
            pages: long(field::PAGES),
            directory: long(field::DIRECTORY),
            trace: long(field::TRACE),
            trace_len: long(field::TRACE_LEN),
            heap: long(field::HEAP),
            ring: short(field::RING),
        };
        Ok(JobRegion { base, layout: layout.check(mapped)? })
    }

    /// Where its parts are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// `len` bytes from `offset` on; none if they do not lie in the region behind its header.
    pub fn bytes(&self, offset: u64, len: u64) -> Option<NonNull<u8>> {
        let end = offset.checked_add(len)?;
        if offset < PAGE || end > self.layout.len {
            return None;
        }
        // SAFETY: inside the mapping that `open` and `format` are promised.
        Some(unsafe { self.base.add(offset as usize) })
    }

    /// The offset of a pointer into the region; none for another pointer.
    pub fn offset_of(&self, pointer: *const u8) -> Option<u64> {
        let offset = (pointer as u64).checked_sub(self.base.as_ptr() as u64)?;
        (offset < self.layout.len).then_some(offset)
    }

    /// The 32-bit word at an offset.
    ///
    /// # Panics
    /// If it is not aligned or not in the region.
    pub fn word32(&self, offset: u64) -> &AtomicU32 {
        assert!(offset % 4 == 0 && offset + 4 <= self.layout.len, "word at {offset:#x}");
        // SAFETY: aligned and inside the mapping that `open` and `format` are promised; all access is atomic.
        unsafe { self.base.add(offset as usize).cast::<AtomicU32>().as_ref() }
    }

    /// The 64-bit word at an offset.
    ///
    /// # Panics
    /// If it is not aligned or not in the region.
    pub fn word64(&self, offset: u64) -> &AtomicU64 {
        assert!(offset % 8 == 0 && offset + 8 <= self.layout.len, "word at {offset:#x}");
        // SAFETY: as in `word32`.
        unsafe { self.base.add(offset as usize).cast::<AtomicU64>().as_ref() }
    }

    /// The directory's entry for the ring from `from` to `to`: its offset divided by 64, or 0.
    ///
    /// # Panics
    /// If a rank is not one of the region's.
    pub fn ring_entry(&self, from: u32, to: u32) -> &AtomicU32 {
        let n = self.layout.ranks;
        assert!(from < n && to < n, "ring from rank {from} to {to} of {n}");
        // Rows by receiver: it looks at all of them.
        self.word32(self.layout.directory + 4 * (u64::from(to) * u64::from(n) + u64::from(from)))
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use std::alloc::{Layout as Block, alloc_zeroed, handle_alloc_error};

    /// A formatted region in memory of this process, which is never given back.
    pub fn region(ranks: u32, shared: u64) -> JobRegion {
        region_of(Layout::new(1, ranks, 0, shared))
    }

    /// One of that layout.
    pub fn region_of(layout: Layout) -> JobRegion {
        let block = Block::from_size_align(layout.len as usize, 4096).unwrap();
        // SAFETY: the size is not zero; the block is zeroed, ours alone, and never freed.
        unsafe {
            let Some(base) = NonNull::new(alloc_zeroed(block)) else { handle_alloc_error(block) };
            JobRegion::format(base, layout)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_was_formatted_and_nothing_else() {
        let region = testing::region(3, 0);
        let (base, len) = (region.base, region.layout.len);
        // SAFETY: `testing::region` keeps the memory for ever.
        let open = |mapped| unsafe { JobRegion::open(base, mapped) };
        assert_eq!(open(len).map(|r| r.layout), Ok(region.layout));
        assert_eq!(open(len / 2).map(|r| r.layout), Err(RegionError::Length { found: len / 2, wanted: len }));
        assert!(matches!(open(100), Err(RegionError::Length { .. })));
        region.word32(field::VERSION as u64).store(2, Ordering::Relaxed);
        assert_eq!(open(len).map(|r| r.layout), Err(RegionError::Version(2)));
        region.word64(field::MAGIC as u64).store(5, Ordering::Relaxed);
        assert_eq!(open(len).map(|r| r.layout), Err(RegionError::Magic(5)));
    }

    #[test]
    fn bytes_outside_are_not_given() {
        let region = testing::region(2, 0);
        let len = region.layout.len;
        assert!(region.bytes(PAGE, len - PAGE).is_some() && region.bytes(len, 0).is_some());
        for (offset, bytes) in
            [(0, 8), (PAGE - 1, 1), (PAGE, len), (len, 1), (u64::MAX, 2), (len - 1, u64::MAX)]
        {
            assert_eq!(region.bytes(offset, bytes), None);
        }
        let inside = region.bytes(8192, 1).unwrap();
        assert_eq!(region.offset_of(inside.as_ptr()), Some(8192));
        assert_eq!(region.offset_of(&raw const len as *const u8), None);
    }
}
