//! Where rings lie in the job region, and how they are made and found.

use core::sync::atomic::Ordering;

use super::{Control, PAYLOAD_AT, Payload, Ring, SLOTS, SLOTS_AT, Slot};
use crate::heap::HeapError;
use crate::region::JobRegion;

impl JobRegion {
    /// Makes an empty ring from `from` to `to`, which nobody knows yet; its offset.
    pub fn make_ring(&self, from: u32, to: u32) -> Result<u64, HeapError> {
        debug_assert!(from != to);
        let bytes = u64::from(self.layout().ring);
        let offset = self.allocate(from, bytes)?;
        let Some(start) = self.bytes(offset, bytes) else { return Err(HeapError::Damaged) };
        // SAFETY: a block of the heap, this rank's from here on. The payload need not be zero.
        unsafe { start.as_ptr().write_bytes(0, PAYLOAD_AT as usize) };
        Ok(offset)
    }

    /// Tells `to` of the ring from `from`.
    pub fn publish_ring(&self, from: u32, to: u32, offset: u64) {
        self.ring_entry(from, to).store((offset / 64) as u32, Ordering::Release);
        self.page(to).rings().fetch_add(1, Ordering::Release);
    }

    /// The ring at `offset`; none if it does not lie in the heap.
    ///
    /// # Safety
    /// The region stays mapped for the rest of the process's life. One sender and one receiver are made of the ring.
    pub unsafe fn ring(&self, offset: u64) -> Option<Ring<'static>> {
        let bytes = u64::from(self.layout().ring);
        if offset < self.layout().heap || offset % 4096 != 0 {
            return None;
        }
        let start = self.bytes(offset, bytes)?.as_ptr();
        // SAFETY: the block is mapped for ever by the caller's promise, aligned to a page, and long enough: slots and
        // control lines are atomic words, for which every content is valid; the payload is used as the protocol says.
        unsafe {
            let control = &*start.cast::<Control>();
            let slots = core::slice::from_raw_parts(start.add(SLOTS_AT as usize).cast::<Slot>(), SLOTS);
            let payload = Payload::new(start.add(PAYLOAD_AT as usize), (bytes - PAYLOAD_AT) as usize);
            Some(Ring::new(control, slots, payload))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::testing::region;
    use crate::ring::{Head, Receiver, Sender};

    #[test]
    fn a_ring_is_made_published_and_found() {
        let region = region(2, 0);
        let offset = region.make_ring(0, 1).unwrap();
        assert_eq!(region.ring_entry(0, 1).load(Ordering::Relaxed), 0);
        region.publish_ring(0, 1, offset);
        assert_eq!(region.page(1).rings().load(Ordering::Relaxed), 1);
        let found = u64::from(region.ring_entry(0, 1).load(Ordering::Relaxed)) * 64;
        // SAFETY: the test's region is never given back.
        let (ring, same) = unsafe { (region.ring(offset).unwrap(), region.ring(found).unwrap()) };
        assert!(Sender::new(ring).send(Head { kind: 3, flags: 4, words: [5, 6] }, b"hello"));
        assert_eq!(Receiver::new(same).peek().unwrap().map(|m| (m.head.kind, m.len)), Some((3, 5)));
    }

    #[test]
    fn places_outside_of_the_heap_are_none() {
        let region = region(2, 0);
        let layout = *region.layout();
        for offset in [0, layout.pages, layout.heap + 1, layout.len - 4096, layout.len, u64::MAX - 4095] {
            // SAFETY: the test's region is never given back.
            assert!(unsafe { region.ring(offset) }.is_none(), "{offset:#x}");
        }
    }
}
