//! Contexts: the numbers that keep the messages of communicators apart.
//!
//! The processes that make a communicator agree on an [`Id`] which none of them uses. Each has a set of
//! free small ids; they intersect their sets and take the smallest. When nothing is left they
//! take the largest of their counters, so that the number of communicators has no limit. A small id is free again
//! when the last owner of the communicator lets go of it.
//!
//! Several threads, or operations that do not block, may agree at the same time over different communicators. One agreement
//! of a process has its set; the others take part without and fail. Whoever failed tries again, and the set goes to the
//! agreement over the communicator with the lowest context: all processes see the same order, so one always succeeds.

use super::Comm;
use super::wire;
use crate::error::Result;
use crate::per_rank::per_rank;
use std::cell::RefCell;

/// Ids that are managed as a set.
const SMALL: usize = 1024;
const WORDS: usize = SMALL / 64;

/// What a process says is free.
struct Free {
    /// Bit set: the id is free here.
    small: [u64; WORDS],
    /// All ids from here on are free here.
    next: u32,
    /// Somebody's set is in use by another agreement: this one fails.
    lent: bool,
}

impl Free {
    const ALL: Self = Self { small: [u64::MAX; WORDS], next: SMALL as u32, lent: false };
}

/// Orders agreements: context and tag of their messages.
type Order = (u32, i32);

/// The set of this process, `lent` while an agreement has it, and the agreements under way.
struct Own {
    free: Free,
    under_way: Vec<Order>,
}

per_rank! {
    static OWN: RefCell<Own> = RefCell::new(Own { free: Free::ALL, under_way: Vec::new() });
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
        OWN.with(|own| {
            let free = &mut own.borrow_mut().free;
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
        OWN.with(|own| {
            if let Some(word) = own.borrow_mut().free.small.get_mut(self.0 as usize / 64) {
                *word |= 1 << (self.0 % 64);
            }
        });
    }
}

/// The ids of `MPI_COMM_WORLD` and `MPI_COMM_SELF`, which need no agreement; all others are free.
pub(super) fn start() -> [Id; 2] {
    OWN.with(|own| *own.borrow_mut() = Own { free: Free::ALL, under_way: Vec::new() });
    [Id::take(0), Id::take(1)]
}

/// The small ids, the counter, and whether the set is lent.
const WIRE_BYTES: usize = SMALL / 8 + 5;
const NEXT_AT: usize = SMALL / 8;
const LENT_AT: usize = NEXT_AT + 4;
/// Told instead of an id when the agreement failed.
const FAILED: u32 = u32::MAX;

impl Free {
    fn encode(&self) -> [u8; WIRE_BYTES] {
        let mut bytes = [0; WIRE_BYTES];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(self.small) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        bytes[NEXT_AT..LENT_AT].copy_from_slice(&self.next.to_le_bytes());
        bytes[LENT_AT] = u8::from(self.lent);
        bytes
    }

    fn meet(&mut self, bytes: &[u8; WIRE_BYTES]) {
        for (word, chunk) in self.small.iter_mut().zip(bytes.chunks_exact(8)) {
            let mut other = [0; 8];
            other.copy_from_slice(chunk);
            *word &= u64::from_le_bytes(other);
        }
        let mut other = [0; 4];
        other.copy_from_slice(&bytes[NEXT_AT..LENT_AT]);
        self.next = self.next.max(u32::from_le_bytes(other));
        self.lent |= bytes[LENT_AT] != 0;
    }

    fn choose(&self) -> u32 {
        if self.lent {
            return FAILED;
        }
        let word = self.small.iter().position(|&word| word != 0);
        word.map_or(self.next, |w| w as u32 * 64 + self.small[w].trailing_zeros())
    }
}

/// An agreement of this process among those under way.
struct Turn(Order);

impl Turn {
    fn queue(order: Order) -> Self {
        OWN.with(|own| own.borrow_mut().under_way.push(order));
        Self(order)
    }

    /// What this process says, and whether this agreement has its set.
    fn set(&self) -> (Free, bool) {
        OWN.with(|own| {
            let own = &mut *own.borrow_mut();
            let set = Free { ..own.free };
            if own.free.lent || own.under_way.iter().any(|other| *other < self.0) {
                return (Free { lent: true, ..set }, false);
            }
            own.free.lent = true;
            (set, true)
        })
    }

    fn give_back(&self) {
        OWN.with(|own| own.borrow_mut().free.lent = false);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        OWN.with(|own| {
            let under_way = &mut own.borrow_mut().under_way;
            if let Some(place) = under_way.iter().position(|order| *order == self.0) {
                under_way.swap_remove(place);
            }
        });
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
        let turn = Turn::queue((self.comm.collective_context(), self.tag));
        loop {
            let (mine, has_set) = turn.set();
            let agreed = self.combine(mine);
            let id = agreed.as_ref().ok().filter(|id| **id != FAILED && member).map(|id| Id::take(*id));
            if has_set {
                turn.give_back();
            }
            if agreed? != FAILED {
                return Ok(id);
            }
        }
    }

    /// Up a binomial tree with the sets, down with the choice.
    fn combine(&self, mut mine: Free) -> Result<u32> {
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

    fn choice() -> u32 {
        OWN.with(|own| own.borrow().free.choose())
    }

    #[test]
    fn one_agreement_has_the_set_and_the_lowest_gets_it_first() {
        let _predefined = start();
        let (high, low) = (Turn::queue((5, 0)), Turn::queue((3, 0)));
        assert!(!high.set().1, "a lower one waits");
        let (set, has_set) = low.set();
        assert!(has_set && set.choose() == 2);
        let another = Turn::queue((1, 0));
        let (set, has_set) = another.set();
        assert!(!has_set && set.choose() == FAILED, "it is lent");
        let mut all = Free::ALL;
        all.meet(&set.encode());
        assert_eq!(all.choose(), FAILED, "all hear of it");
        low.give_back();
        drop(low);
        assert!(another.set().1);
        another.give_back();
        drop(another);
        assert!(high.set().1);
    }

    #[test]
    fn the_smallest_common_id_is_taken_and_freed_again() {
        let [world, own] = start();
        let third = Id::take(choice());
        assert_eq!((world.0, own.0, third.0), (0, 1, 2));
        assert_eq!((third.point_to_point(), third.collective()), (4, 5));
        let fourth = Id::take(choice());
        assert_eq!(fourth.0, 3);
        drop(third);
        assert_eq!(choice(), 2);
    }

    #[test]
    fn sets_meet_and_counters_take_over_when_they_are_empty() {
        let mut mine = Free { next: 1030, ..Free::ALL };
        mine.small[0] = 0b1010;
        let mut other = Free { small: [0; WORDS], next: 2000, lent: false };
        other.small[0] = 0b1000;
        mine.meet(&other.encode());
        assert_eq!(mine.choose(), 3);
        other.small[0] = 0;
        mine.meet(&other.encode());
        assert_eq!(mine.choose(), 2000);
        let taken = Id::take(2000);
        assert_eq!(OWN.with(|own| own.borrow().free.next), 2001);
        drop(taken);
    }
}
