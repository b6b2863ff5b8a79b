//! Whether a ring in which no message lies can still bring one.

use super::{Garbage, Receiver};
use crate::sync::Ordering;

impl Receiver<'_> {
    /// Fails if the slot in front holds neither the next message nor what it held when that is still to come: a receiver
    /// would wait for it for ever. For those who are about to sleep; [`Self::peek`] tells when there is a message.
    pub fn check(&self) -> Result<(), Garbage> {
        let slots = self.ring.slots.len() as u64;
        let found = self.slot().words[0].load(Ordering::Relaxed) as u32;
        let due = (self.next + 1) as u32;
        let before = if self.next < slots { 0 } else { due.wrapping_sub(slots as u32) };
        if found == due || found == before { Ok(()) } else { Err(Garbage) }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::{Head, SLOTS, Sender};
    use super::*;
    use crate::region::testing::region;

    #[test]
    fn only_the_next_message_and_the_one_before_it_may_lie_in_front() {
        let region = region(2, 0);
        let offset = region.make_ring(0, 1).unwrap();
        // SAFETY: the test's region is never given back.
        let (ring, same) = unsafe { (region.ring(offset).unwrap(), region.ring(offset).unwrap()) };
        let (mut sender, mut receiver) = (Sender::new(ring), Receiver::new(same));
        let head = Head { kind: 1, flags: 0, words: [0; 2] };
        for _ in 0..2 * SLOTS + 3 {
            assert_eq!(receiver.check(), Ok(()), "before the message");
            assert!(sender.send(head, b"x"));
            assert_eq!(receiver.check(), Ok(()), "with the message");
            assert!(receiver.peek().unwrap().is_some());
            receiver.pop();
        }
        let front = &receiver.slot().words[0];
        let held = front.load(Ordering::Relaxed);
        for garbage in [0, held + 1, held + 2 * SLOTS as u64, u64::from(u32::MAX)] {
            front.store(garbage, Ordering::Relaxed);
            assert_eq!(receiver.check(), Err(Garbage), "{garbage}");
        }
    }
}
