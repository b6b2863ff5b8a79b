//! The desk of a ring: a large copy from the sender's memory to the receiver's that both of them work on.
//!
//! The receiver opens the desk under a *ticket* and tells the sender of it; then each takes the next *chunk* that nobody
//! has taken, and copies it, until there is none left. The receiver is done when its own chunks and those that the sender
//! has reported make up the whole. A sender that comes late finds no chunk, or another ticket, and leaves.
//!
//! Taking a chunk is the only atomic read-modify-write of a ring: one for some ten microseconds of copying.

use crate::sync::{AtomicU64, Ordering};

/// Fewest and most bytes of a chunk.
const CHUNKS: core::ops::RangeInclusive<usize> = 16 << 10..=256 << 10;

/// Bytes of a chunk of a copy of `len` bytes, the last of which may be shorter. Both sides compute it.
pub const fn chunk_len(len: usize) -> usize {
    let wanted = (len / 16).next_multiple_of(4096);
    if wanted < *CHUNKS.start() {
        *CHUNKS.start()
    } else if wanted > *CHUNKS.end() {
        *CHUNKS.end()
    } else {
        wanted
    }
}

/// Which chunk is next, and how many the sender has copied.
#[repr(C)]
pub struct Desk {
    /// Ticket << 32 | next chunk.
    next: Line,
    /// Ticket << 32 | chunks the sender has copied; the sender alone writes it.
    copied: Line,
}

#[repr(C, align(64))]
struct Line(AtomicU64);

/// Number of a copy on a desk; not 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket(pub u32);

impl Ticket {
    const fn with(self, low: u32) -> u64 {
        (self.0 as u64) << 32 | low as u64
    }
}

impl Desk {
    /// A desk that was never open.
    #[cfg(any(test, loom))]
    pub(crate) fn new() -> Desk {
        Desk { next: Line(AtomicU64::new(0)), copied: Line(AtomicU64::new(0)) }
    }

    /// Receiver: opens the desk for the next copy. The one before is complete.
    pub fn open(&self, ticket: Ticket) {
        self.next.0.store(ticket.with(0), Ordering::Release);
    }

    /// Takes the next of `chunks` chunks; none if all are taken, or the desk is open for another copy.
    pub fn take(&self, ticket: Ticket, chunks: u32) -> Option<u32> {
        let mut now = self.next.0.load(Ordering::Acquire);
        loop {
            let chunk = now as u32;
            if now >> 32 != u64::from(ticket.0) || chunk >= chunks {
                return None;
            }
            match self.next.0.compare_exchange_weak(
                now,
                ticket.with(chunk + 1),
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(chunk),
                Err(found) => now = found,
            }
        }
    }

    /// Sender: reports that it has copied so many chunks of this copy.
    pub fn report(&self, ticket: Ticket, copied: u32) {
        self.copied.0.store(ticket.with(copied), Ordering::Release);
    }

    /// Receiver: chunks of this copy that the sender has reported.
    pub fn reported(&self, ticket: Ticket) -> u32 {
        let copied = self.copied.0.load(Ordering::Acquire);
        if copied >> 32 == u64::from(ticket.0) { copied as u32 } else { 0 }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_chunk_is_taken_once_and_other_tickets_get_none() {
        let desk = Desk::new();
        assert_eq!(desk.take(Ticket(1), 3), None);
        desk.open(Ticket(1));
        assert_eq!((desk.take(Ticket(1), 3), desk.take(Ticket(2), 3)), (Some(0), None));
        assert_eq!(
            (desk.take(Ticket(1), 3), desk.take(Ticket(1), 3), desk.take(Ticket(1), 3)),
            (Some(1), Some(2), None)
        );
        desk.report(Ticket(1), 2);
        assert_eq!((desk.reported(Ticket(1)), desk.reported(Ticket(2))), (2, 0));
        desk.open(Ticket(2));
        assert_eq!((desk.take(Ticket(1), 3), desk.take(Ticket(2), 3)), (None, Some(0)));
    }

    #[test]
    fn chunks_are_pages_within_bounds() {
        for len in [1, 64 << 10, 100_000, 1 << 20, 3 << 20, 1 << 30] {
            let chunk = chunk_len(len);
            assert!(chunk % 4096 == 0 && CHUNKS.contains(&chunk));
        }
        assert_eq!(chunk_len(1 << 20), 64 << 10);
    }
}

#[cfg(all(test, loom))]
mod proofs {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::thread;
    use std::sync::Arc;

    struct Shared {
        desk: Desk,
        chunks: [UnsafeCell<u32>; 2],
    }

    /// Both sides work on two copies, one after the other: each chunk of each copy is written once, and the receiver sees
    /// all of them when it counts them complete. loom's cells find two writers, and reads that no order protects.
    #[test]
    fn both_sides_copy_every_chunk_once() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let shared =
                Arc::new(Shared { desk: Desk::new(), chunks: [UnsafeCell::new(0), UnsafeCell::new(0)] });
            let other = shared.clone();
            let sender = thread::spawn(move || {
                for ticket in [Ticket(1), Ticket(2)] {
                    let mut copied = 0;
                    while let Some(chunk) = other.desk.take(ticket, 2) {
                        // SAFETY: loom checks that nobody else is there.
                        other.chunks[chunk as usize].with_mut(|at| unsafe { *at += ticket.0 });
                        copied += 1;
                        other.desk.report(ticket, copied);
                    }
                }
            });
            for ticket in [Ticket(1), Ticket(2)] {
                shared.desk.open(ticket);
                let mut copied = 0;
                while let Some(chunk) = shared.desk.take(ticket, 2) {
                    // SAFETY: as above.
                    shared.chunks[chunk as usize].with_mut(|at| unsafe { *at += ticket.0 });
                    copied += 1;
                }
                while copied + shared.desk.reported(ticket) < 2 {
                    thread::yield_now();
                }
                for chunk in &shared.chunks {
                    // SAFETY: as above.
                    let found = chunk.with(|at| unsafe { *at });
                    assert_eq!(found, [1, 3][ticket.0 as usize - 1]);
                }
            }
            sender.join().unwrap();
        });
    }
}
