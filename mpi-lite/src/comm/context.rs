//! Contexts: the numbers that keep the messages of communicators apart.
//!
//! The processes that make a communicator agree on an [`Id`] which none of them uses. Each has a set of
//! free small ids; they intersect their sets and take the smallest. When nothing is left they
//! take the largest of their counters, so that the number of communicators has no limit. A small id is free again
//! when the last owner of the communicator lets go of it.

use super::Comm;
use super::wire;
use crate::datatype;
use crate::error::Result;
use crate::per_rank::per_rank;
use std::cell::RefCell;

/// Ids that are managed as a set.
const SMALL: usize = 1024;
const WORDS: usize = SMALL / 64;

struct Free {
    /// Bit set: the id is free here.
    small: [u64; WORDS],
    /// All ids from here on are free here.
    next: u32,
}

per_rank! {
    static FREE: RefCell<Free> = RefCell::new(Free { small: [u64::MAX; WORDS], next: SMALL as u32 });
}

/// A pair of contexts, owned by one communicator.
#[derive(Debug, PartialEq, Eq)]
pub struct Id(u32);

impl Id {
    /// Context of point-to-point messages: even.
    pub fn point_to_point(&self) -> u32 {
        self.0 * 2
    }

    /// Context of collectives: odd.
    pub fn collective(&self) -> u32 {
        self.0 * 2 + 1
    }

    fn take(id: u32) -> Self {
        FREE.with(|f| {
            let mut free = f.borrow_mut();
            match free.small.get_mut(id as usize / 64) {
                Some(word) => *word &= !(1 << (id % 64)),
                None => free.next = free.next.max(id + 1),
            }
        });
        Self(id)
    }
}

impl Drop for Id {
    fn drop(&mut self) {
        FREE.with(|f| {
            if let Some(word) = f.borrow_mut().small.get_mut(self.0 as usize / 64) {
                *word |= 1 << (self.0 % 64);
            }
        });
    }
}

/// The ids of `MPI_COMM_WORLD` and `MPI_COMM_SELF`, which need no agreement; all others are free.
pub(super) fn start() -> [Id; 2] {
    FREE.with(|f| *f.borrow_mut() = Free { small: [u64::MAX; WORDS], next: SMALL as u32 });
    [Id::take(0), Id::take(1)]
}

const WIRE_BYTES: usize = SMALL / 8 + 4;

impl Free {
    fn encode(&self) -> [u8; WIRE_BYTES] {
        let mut bytes = [0; WIRE_BYTES];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(self.small) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        bytes[WIRE_BYTES - 4..].copy_from_slice(&self.next.to_le_bytes());
        bytes
    }

    fn meet(&mut self, bytes: &[u8; WIRE_BYTES]) {
        for (word, chunk) in self.small.iter_mut().zip(bytes.chunks_exact(8)) {
            let mut other = [0; 8];
            other.copy_from_slice(chunk);
            *word &= u64::from_le_bytes(other);
        }
        let mut other = [0; 4];
        other.copy_from_slice(&bytes[WIRE_BYTES - 4..]);
        self.next = self.next.max(u32::from_le_bytes(other));
    }

    fn choose(&self) -> u32 {
        let word = self.small.iter().position(|&word| word != 0);
        word.map_or(self.next, |w| w as u32 * 64 + self.small[w].trailing_zeros())
    }
}

/// A process beyond the communicator with which the first of the parties agrees for all of them.
pub(super) struct Beyond<'a> {
    pub comm: &'a Comm,
    /// A peer of this process in `comm`.
    pub rank: usize,
    pub tag: i32,
}

impl Beyond<'_> {
    /// Sends `data` and receives into `room`; how many bytes came.
    pub fn exchange(&self, data: &[u8], room: &mut [u8]) -> Result<usize> {
        let byte = datatype::byte();
        let Self { comm, rank, tag } = *self;
        // SAFETY: the slices outlive the operations, which end here unless the first could not start.
        unsafe {
            let receive = wire::start_receive(comm, rank, tag, room.as_mut_ptr(), room.len(), &byte)?;
            let send = wire::start_send(comm, rank, tag, data.as_ptr(), data.len(), &byte);
            let received = wire::finish(receive);
            send.and_then(wire::finish).and(received)
        }
    }
}

/// Which processes of a communicator agree, and how their messages are told from others on its collective context.
pub(super) struct Parties<'a> {
    pub comm: &'a Comm,
    /// Ranks in `comm`; this process is among them.
    pub ranks: &'a [usize],
    pub tag: i32,
}

impl Parties<'_> {
    /// Agrees on an id; this process owns it, if it is to be `member` of the new communicator.
    pub fn agree(&self, member: bool) -> Result<Option<Id>> {
        let id = self.combine(None)?;
        Ok(member.then(|| Id::take(id)))
    }

    /// The same, together with parties beyond: the first of these here knows that of the others.
    pub fn agree_with(&self, beyond: &Beyond<'_>, member: bool) -> Result<Option<Id>> {
        let id = self.combine(Some(beyond))?;
        Ok(member.then(|| Id::take(id)))
    }

    /// Up a binomial tree with the sets, down with the choice.
    fn combine(&self, beyond: Option<&Beyond<'_>>) -> Result<u32> {
        let size = self.ranks.len();
        let me = self.ranks.iter().position(|&r| r == self.comm.rank()).unwrap_or(0);
        let mut mine = FREE.with(|f| {
            let free = f.borrow();
            Free { small: free.small, next: free.next }
        });
        let mut bit = 1;
        while bit < size && me & bit == 0 {
            if me + bit < size {
                let mut bytes = [0; WIRE_BYTES];
                wire::receive_bytes(self.comm, self.ranks[me + bit], self.tag, &mut bytes)?;
                mine.meet(&bytes);
            }
            bit <<= 1;
        }
        if let Some(beyond) = beyond.filter(|_| me == 0) {
            let mut bytes = [0; WIRE_BYTES];
            beyond.exchange(&mine.encode(), &mut bytes)?;
            mine.meet(&bytes);
        }
        let mut choice = mine.choose().to_le_bytes();
        if me != 0 {
            let parent = self.ranks[me - bit];
            wire::send_bytes(self.comm, parent, self.tag, &mine.encode())?;
            wire::receive_bytes(self.comm, parent, self.tag, &mut choice)?;
        }
        while bit > 1 {
            bit >>= 1;
            if me + bit < size {
                wire::send_bytes(self.comm, self.ranks[me + bit], self.tag, &choice)?;
            }
        }
        Ok(u32::from_le_bytes(choice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_common_id_is_taken_and_freed_again() {
        let [world, own] = start();
        let third = Id::take(FREE.with(|f| f.borrow().choose()));
        assert_eq!((world.0, own.0, third.0), (0, 1, 2));
        assert_eq!((third.point_to_point(), third.collective()), (4, 5));
        let fourth = Id::take(FREE.with(|f| f.borrow().choose()));
        assert_eq!(fourth.0, 3);
        drop(third);
        assert_eq!(FREE.with(|f| f.borrow().choose()), 2);
    }

    #[test]
    fn sets_meet_and_counters_take_over_when_they_are_empty() {
        let mut mine = Free { small: [u64::MAX; WORDS], next: 1030 };
        mine.small[0] = 0b1010;
        let mut other = Free { small: [0; WORDS], next: 2000 };
        other.small[0] = 0b1000;
        mine.meet(&other.encode());
        assert_eq!(mine.choose(), 3);
        other.small[0] = 0;
        mine.meet(&other.encode());
        assert_eq!(mine.choose(), 2000);
        let taken = Id::take(2000);
        assert_eq!(FREE.with(|f| f.borrow().next), 2001);
        drop(taken);
    }
}
