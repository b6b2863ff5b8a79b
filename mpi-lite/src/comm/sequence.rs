//! Tags on the collective context of a communicator.
//!
//! | tags | messages |
//! |---|---|
//! | small | blocking collectives, a tag for each kind ([`crate::coll::choose::Collective`]) |
//! | 2^20 | the agreement on the context of a new communicator |
//! | from 2^24 on | non-blocking collectives, a tag for each operation |
//! | from 2^26 on | persistent collectives, a tag for each request |
//! | from 2^30 on | `MPI_Comm_create_group`, and `MPI_Intercomm_create` on the peer communicator |
//!
//! All members start non-blocking collectives on a communicator in the same order, and make persistent requests so, but
//! may start these in any. So counting gives all members the same tags.

use std::cell::Cell;

const STARTED: u32 = 1 << 24;
const PREPARED: u32 = 1 << 26;
/// After so many operations a tag comes again. The messages of two that have the same tag are in order.
const ROUND: u32 = 1 << 22;

/// How many operations a communicator has had.
#[derive(Default)]
pub struct Sequence {
    started: Cell<u32>,
    prepared: Cell<u32>,
}

fn next(count: &Cell<u32>, first: u32) -> i32 {
    let number = count.get();
    count.set((number + 1) % ROUND);
    (first + number) as i32
}

impl Sequence {
    /// The tag of the next non-blocking collective.
    pub fn started(&self) -> i32 {
        next(&self.started, STARTED)
    }

    /// The tag of the next persistent collective.
    pub fn prepared(&self) -> i32 {
        next(&self.prepared, PREPARED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_again_after_a_round_and_kinds_do_not_mix() {
        let sequence = Sequence::default();
        assert_eq!((sequence.started(), sequence.started()), (1 << 24, (1 << 24) + 1));
        assert_eq!(sequence.prepared(), 1 << 26);
        sequence.started.set(ROUND - 1);
        assert_eq!((sequence.started(), sequence.started()), ((1 << 24) + (1 << 22) - 1, 1 << 24));
        const { assert!(STARTED + ROUND <= PREPARED && PREPARED + ROUND <= 1 << 30) };
    }
}
