//! Small messages, whose data is in their slot: taken with much less work than any other.

use super::{INLINE, Receiver, Slot};
use crate::sync::Ordering;

/// A message whose data is in its slot, left there: two words, which stay in registers.
#[derive(Clone, Copy)]
pub struct Small<'m> {
    slot: &'m Slot,
    word: u64,
}

impl Small<'_> {
    /// The user's kind.
    #[inline(always)]
    pub fn kind(&self) -> u8 {
        (self.word >> 32) as u8
    }

    /// The user's flags.
    #[inline(always)]
    pub fn flags(&self) -> u8 {
        (self.word >> 40) as u8
    }

    /// The user's words.
    #[inline(always)]
    pub fn words(&self) -> [u64; 2] {
        [1, 2].map(|at| self.slot.words[at].load(Ordering::Relaxed))
    }

    /// Bytes of data, at most [`INLINE`].
    #[inline(always)]
    pub fn size(&self) -> usize {
        (self.word >> 48) as usize
    }

    /// The first eight bytes of the data; what is beyond its length is arbitrary.
    #[inline(always)]
    pub fn first(&self) -> u64 {
        self.slot.words[3].load(Ordering::Relaxed)
    }

    /// The data as words; what is beyond its length is arbitrary.
    #[inline]
    pub fn data(&self) -> [u64; 5] {
        core::array::from_fn(|at| self.slot.words[3 + at].load(Ordering::Relaxed))
    }
}

impl<'a> Receiver<'a> {
    /// The message in front if it is a small one. Much less work than [`Self::peek`].
    #[inline(always)]
    pub fn small(&self) -> Option<Small<'a>> {
        let slot = self.slot();
        let word = slot.words[0].load(Ordering::Acquire);
        if word as u32 != (self.next + 1) as u32 {
            return None;
        }
        self.prefetch();
        (word >> 48 <= INLINE as u64).then_some(Small { slot, word })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::{Head, Sender};
    use super::*;
    use crate::region::testing::region;
    use std::vec::Vec;

    #[test]
    fn small_messages_come_whole_and_all_others_are_left() {
        let region = region(2, 0);
        let offset = region.make_ring(0, 1).unwrap();
        // SAFETY: the test's region is never given back.
        let (ring, same) = unsafe { (region.ring(offset).unwrap(), region.ring(offset).unwrap()) };
        let (mut sender, mut receiver) = (Sender::new(ring), Receiver::new(same));
        let head = Head { kind: 7, flags: 9, words: [11, 12] };
        assert!(receiver.small().is_none(), "an empty ring");
        for len in 0..=INLINE {
            let sent: Vec<u8> = (0..len as u8).collect();
            assert!(sender.send(head, &sent));
            let small = receiver.small().expect("a small message");
            assert_eq!((small.kind(), small.flags(), small.words(), small.size()), (7, 9, [11, 12], len));
            let bytes: Vec<u8> = small.data().iter().flat_map(|word| word.to_ne_bytes()).collect();
            assert_eq!(bytes[..len], sent);
            assert!(len == 0 || small.first().to_ne_bytes()[0] == sent[0]);
            receiver.pop_small();
        }
        assert!(sender.send_long(head, 100, |at| {
            // SAFETY: the ring gives room for that many bytes.
            unsafe { at.write_bytes(1, 100) }
        }));
        assert!(receiver.small().is_none(), "data in the payload");
        assert!(receiver.peek().unwrap().is_some());
        receiver.pop();
        assert!(sender.offer(head, 4096, 100).is_some());
        assert!(receiver.small().is_none(), "an offer");
    }
}
