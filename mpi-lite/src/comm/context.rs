//! Contexts: the numbers that keep the messages of communicators apart.
//!
//! The processes that make a communicator agree on an [`Id`] which none of them uses. Each has a set of
//! free small ids; they intersect their sets and take the smallest. A small id is free again when the last owner of the
//! communicator lets go of it.
//!
//! A process may take part in several agreements at a time (several threads, or `MPI_Comm_idup`), and they may end in any
//! order, so it lends its set to the first of them and gives the others none. When nothing is left, the first process of an
//! agreement says a number that nobody has used: its own share of all larger ids, one after the other. No agreement ever
//! waits for another one, which some process may begin only after this one.

use super::Comm;
use super::wire;
use crate::abi::MPI_ERR_INTERN;
use crate::datatype;
use crate::error::{Result, err};
use crate::per_rank::per_rank;
use std::cell::RefCell;

/// Ids that are managed as a set.
const SMALL: usize = 1024;
const WORDS: usize = SMALL / 64;

struct Free {
    /// Bit set: the id is free here.
    small: [u64; WORDS],
    /// An agreement has the set, and will take an id out of it or none.
    lent: bool,
    /// How many large ids this process has said.
    said: u32,
}

per_rank! {
    static FREE: RefCell<Free> = RefCell::new(Free { small: [u64::MAX; WORDS], lent: false, said: 0 });
}

/// Ids end here: contexts are two for each, the last ones have other uses, and the upper half is that of partitions.
const END: u32 = (1 << 30) - 8;

/// See [`Id::meeting`].
const MEETING: u32 = (1 << 31) - 2;

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

    /// Of the messages that make communicators without one: no communicator gets it.
    pub fn meeting() -> Self {
        Self(MEETING)
    }

    fn take(id: u32) -> Self {
        FREE.with(|f| {
            let mut free = f.borrow_mut();
            if let Some(word) = free.small.get_mut(id as usize / 64) {
                *word &= !(1 << (id % 64));
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
    [Id::take(0), Id::take(1)]
}

const WIRE_BYTES: usize = SMALL / 8;

/// A set of small ids.
#[derive(Clone, Copy)]
struct Set([u64; WORDS]);

impl Set {
    fn encode(&self) -> [u8; WIRE_BYTES] {
        let mut bytes = [0; WIRE_BYTES];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(self.0) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    fn meet(&mut self, bytes: &[u8; WIRE_BYTES]) {
        for (word, chunk) in self.0.iter_mut().zip(bytes.chunks_exact(8)) {
            let mut other = [0; 8];
            other.copy_from_slice(chunk);
            *word &= u64::from_le_bytes(other);
        }
    }

    fn smallest(&self) -> Option<u32> {
        let word = self.0.iter().position(|&word| word != 0)?;
        Some(word as u32 * 64 + self.0[word].trailing_zeros())
    }
}

/// The free ids of this process, for one agreement. They come back when it is over.
struct Loan {
    set: Set,
    lent: bool,
}

impl Loan {
    fn take() -> Self {
        FREE.with(|f| {
            let mut free = f.borrow_mut();
            let lent = !std::mem::replace(&mut free.lent, true);
            Self { set: Set(if lent { free.small } else { [0; WORDS] }), lent }
        })
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if self.lent {
            FREE.with(|f| f.borrow_mut().lent = false);
        }
    }
}

/// A large id that no process has said before.
fn say(me: u32, processes: u32) -> Result<u32> {
    let share = (END - SMALL as u32) / processes;
    let said = FREE.with(|f| {
        let mut free = f.borrow_mut();
        free.said += 1;
        free.said - 1
    });
    if said >= share {
        return err(MPI_ERR_INTERN, format!("no context is left after {share} communicators beyond {SMALL}"));
    }
    Ok(SMALL as u32 + me * share + said)
}

/// A process beyond the communicator with which the first of the parties agrees for all of them.
pub(crate) struct Beyond<'a> {
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

    /// The id for this side and that beyond, of which the one with the lower process says a large one if it must.
    fn choose(&self, mut mine: Set) -> Result<u32> {
        let mut bytes = [0; WIRE_BYTES];
        self.exchange(&mine.encode(), &mut bytes)?;
        mine.meet(&bytes);
        if let Some(id) = mine.smallest() {
            return Ok(id);
        }
        let says = super::me()? < self.comm.member(self.rank).world;
        let said = if says { say_next() } else { Ok(0) };
        let mut theirs = [0; 4];
        // An id of 0 says that there is none.
        self.exchange(&said.as_ref().map_or(0, |id| *id).to_le_bytes(), &mut theirs)?;
        let id = if says { said? } else { u32::from_le_bytes(theirs) };
        if id == 0 { err(MPI_ERR_INTERN, "the other group has no context left") } else { Ok(id) }
    }
}

/// The next large id of this process.
fn say_next() -> Result<u32> {
    say(super::me()?, super::processes()?)
}

/// Which processes of a communicator agree, and how their messages are told from others on its collective context.
pub(crate) struct Parties<'a> {
    pub comm: &'a Comm,
    /// Ranks in `comm`; this process is among them.
    pub ranks: &'a [usize],
    pub tag: i32,
}

impl Parties<'_> {
    /// Agrees on an id; this process owns it, if it is to be `member` of the new communicator.
    pub fn agree(&self, member: bool) -> Result<Option<Id>> {
        self.agree_by(member, |mine| mine.smallest().map_or_else(say_next, Ok))
    }

    /// The same, together with parties beyond: the first of these here knows that of the others.
    pub fn agree_with(&self, beyond: &Beyond<'_>, member: bool) -> Result<Option<Id>> {
        self.agree_by(member, |mine| beyond.choose(mine))
    }

    fn agree_by(&self, member: bool, choose: impl FnOnce(Set) -> Result<u32>) -> Result<Option<Id>> {
        let loan = Loan::take();
        let id = self.combine(loan.set, choose)?;
        let id = member.then(|| Id::take(id));
        drop(loan);
        Ok(id)
    }

    /// Up a binomial tree with the sets, down with the choice.
    fn combine(&self, mut mine: Set, choose: impl FnOnce(Set) -> Result<u32>) -> Result<u32> {
        let size = self.ranks.len();
        let me = self.ranks.iter().position(|&r| r == self.comm.rank()).unwrap_or(0);
        let mut bit = 1;
        while bit < size && me & bit == 0 {
            if me + bit < size {
                let mut bytes = [0; WIRE_BYTES];
                wire::receive_bytes(self.comm, self.ranks[me + bit], self.tag, &mut bytes)?;
                mine.meet(&bytes);
            }
            bit <<= 1;
        }
        let mut choice = [0; 4];
        if me == 0 {
            choice = choose(mine)?.to_le_bytes();
        } else {
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

    fn free() -> Set {
        FREE.with(|f| Set(f.borrow().small))
    }

    #[test]
    fn the_smallest_common_id_is_taken_and_freed_again() {
        let [world, own] = start();
        let third = Id::take(free().smallest().expect("one is free"));
        assert_eq!((world.0, own.0, third.0), (0, 1, 2));
        assert_eq!((third.point_to_point(), third.collective()), (4, 5));
        let fourth = Id::take(free().smallest().expect("one is free"));
        assert_eq!(fourth.0, 3);
        drop(third);
        assert_eq!(free().smallest(), Some(2));
    }

    #[test]
    fn sets_meet() {
        let mut mine = Set([u64::MAX; WORDS]);
        mine.0[0] = 0b1010;
        let mut other = Set([0; WORDS]);
        other.0[0] = 0b1000;
        mine.meet(&other.encode());
        assert_eq!(mine.smallest(), Some(3));
        mine.meet(&Set([0; WORDS]).encode());
        assert_eq!(mine.smallest(), None);
    }

    #[test]
    fn only_one_agreement_has_the_set_and_processes_say_different_numbers() -> Result<()> {
        let [_world, _own] = start();
        let first = Loan::take();
        let second = Loan::take();
        assert_eq!((first.set.smallest(), second.set.smallest()), (Some(2), None));
        drop(second);
        assert_eq!(Loan::take().set.smallest(), None);
        drop(first);
        assert_eq!(Loan::take().set.smallest(), Some(2));
        let share = (END - SMALL as u32) / 3;
        assert_eq!((say(0, 3)?, say(0, 3)?, say(2, 3)?), (1024, 1025, 1024 + 2 * share + 2));
        FREE.with(|f| f.borrow_mut().said = share);
        assert_eq!(say(0, 3).map_err(|e| e.class), Err(MPI_ERR_INTERN));
        let large = Id::take(5000);
        drop(large);
        assert_eq!(free().smallest(), Some(2));
        Ok(())
    }
}
