//! Handles: the numbers which C and Fortran programs hold for MPI objects.
//!
//! Predefined objects have the small constants of the MPI ABI (below 0x400). All others live in a [`Table`] and
//! their handle is a number from 0x0800_0000 to 0x7fff_ffff, made of
//!
//! | bits | field |
//! |---|---|
//! | 27..31 | kind of object, see [`Kind`]: a group passed as a communicator is noticed |
//! | 21..27 | generation, changed whenever a slot is freed: a stale handle is noticed |
//! | 0..21 | slot |
//!
//! A freed slot waits until [`RESTING`] others have been freed after it. So a stale handle is told from all that come after it for
//! at least 64 times as many objects of its kind; then its number returns.
//!
//! The number fits a Fortran `INTEGER` and a C `int`, so `MPI_Comm_toint` and its kin are the identity
//! ([`to_int`], [`from_int`]) and give the ABI's constants for predefined objects.

use crate::abi::MPI_ERR_INTERN;
use crate::error::{MpiError, Result};

/// What an object is; the upper bits of its handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Communicator.
    Comm = 1,
    /// Group.
    Group = 2,
    /// Derived datatype.
    Datatype = 3,
    /// User-defined operation.
    Op = 4,
    /// Request.
    Request = 5,
    /// Matched message.
    Message = 6,
    /// User-defined error handler.
    Errhandler = 7,
    /// Info object.
    Info = 8,
    /// Window.
    Win = 9,
    /// File.
    File = 10,
    /// Session.
    Session = 11,
    /// Attribute key; these are ints in the C interface, too.
    Keyval = 12,
}

const SLOT_BITS: u32 = 21;
const GENERATION_BITS: u32 = 6;
const KIND_SHIFT: u32 = SLOT_BITS + GENERATION_BITS;
/// One less than the bits can tell: the last number of each kind is free for its own use.
const MAX_SLOTS: usize = (1 << SLOT_BITS) - 1;
const NONE: u32 = u32::MAX;
/// So many freed slots rest before the first of them is used again.
pub const RESTING: usize = 32;

enum Entry<T> {
    Free { next: u32 },
    Used(T),
}

struct Slot<T> {
    generation: u8,
    entry: Entry<T>,
}

impl Kind {
    /// A handle of the kind that no table gives.
    pub const fn spare_handle(self) -> usize {
        ((self as usize + 1) << KIND_SHIFT) - 1
    }
}

/// The kind of object that a handle is of, whether it exists or not; none for predefined ones.
pub fn kind_of(handle: usize) -> Option<Kind> {
    use Kind::*;
    let all = [Comm, Group, Datatype, Op, Request, Message, Errhandler, Info, Win, File, Session, Keyval];
    all.into_iter().find(|kind| handle >> KIND_SHIFT == *kind as usize)
}

/// Objects of one kind by handle.
pub struct Table<T> {
    kind: Kind,
    slots: Vec<Slot<T>>,
    /// The free slot that has rested longest, the one freed last, and how many there are.
    free: u32,
    last: u32,
    resting: usize,
    used: usize,
}

impl<T> Table<T> {
    /// An empty table.
    pub const fn new(kind: Kind) -> Self {
        Self { kind, slots: Vec::new(), free: NONE, last: NONE, resting: 0, used: 0 }
    }

    /// Stores `value` and gives its handle. Fails when two million objects of the kind exist.
    #[inline(always)]
    pub fn insert(&mut self, value: T) -> Result<usize> {
        let index = if self.resting > RESTING { self.free as usize } else { self.grow()? };
        let slot = &mut self.slots[index];
        if let Entry::Free { next } = slot.entry {
            if index == self.free as usize {
                self.free = next;
                self.resting -= 1;
            }
        }
        slot.entry = Entry::Used(value);
        self.used += 1;
        Ok((self.kind as usize) << KIND_SHIFT | usize::from(slot.generation) << SLOT_BITS | index)
    }

    /// Makes a slot; takes one that rests when there is no room for more.
    #[cold]
    fn grow(&mut self) -> Result<usize> {
        if self.slots.len() >= MAX_SLOTS && self.resting > 0 {
            return Ok(self.free as usize);
        }
        if self.slots.len() >= MAX_SLOTS {
            let text = format!("more than {MAX_SLOTS} objects of kind {:?}; free some", self.kind);
            return Err(MpiError::new(MPI_ERR_INTERN, text));
        }
        self.slots.push(Slot { generation: 0, entry: Entry::Free { next: NONE } });
        Ok(self.slots.len() - 1)
    }

    /// The slot of `handle`, when the handle is of this kind and generation.
    #[inline]
    fn index(&self, handle: usize) -> Option<usize> {
        if handle >> KIND_SHIFT != self.kind as usize {
            return None;
        }
        let index = handle & ((1 << SLOT_BITS) - 1);
        let generation = (handle >> SLOT_BITS & ((1 << GENERATION_BITS) - 1)) as u8;
        (self.slots.get(index)?.generation == generation).then_some(index)
    }

    /// The object of `handle`; none for a predefined, freed or foreign handle.
    #[inline]
    pub fn get(&self, handle: usize) -> Option<&T> {
        match &self.slots[self.index(handle)?].entry {
            Entry::Used(value) => Some(value),
            Entry::Free { .. } => None,
        }
    }

    /// The object of `handle`, to be changed.
    #[inline]
    pub fn get_mut(&mut self, handle: usize) -> Option<&mut T> {
        let index = self.index(handle)?;
        match &mut self.slots[index].entry {
            Entry::Used(value) => Some(value),
            Entry::Free { .. } => None,
        }
    }

    /// Takes the object out; its handle is invalid from here on.
    pub fn remove(&mut self, handle: usize) -> Option<T> {
        let index = self.index(handle)?;
        let slot = &mut self.slots[index];
        if matches!(slot.entry, Entry::Free { .. }) {
            return None;
        }
        let Entry::Used(value) = std::mem::replace(&mut slot.entry, Entry::Free { next: NONE }) else {
            return None;
        };
        self.rest(index);
        Some(value)
    }

    /// Drops the object in its place, which costs less than taking it out.
    #[inline]
    pub fn discard(&mut self, handle: usize) {
        let used = self.index(handle).filter(|index| matches!(self.slots[*index].entry, Entry::Used(_)));
        if let Some(index) = used {
            self.slots[index].entry = Entry::Free { next: NONE };
            self.rest(index);
        }
    }

    /// A slot was freed.
    #[inline]
    fn rest(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        slot.generation = (slot.generation + 1) & ((1 << GENERATION_BITS) - 1);
        match self.slots.get_mut(self.last as usize).filter(|_| self.resting > 0) {
            Some(last) => last.entry = Entry::Free { next: index as u32 },
            None => self.free = index as u32,
        }
        self.last = index as u32;
        self.resting += 1;
        self.used -= 1;
    }

    /// Number of objects.
    pub fn len(&self) -> usize {
        self.used
    }

    /// Whether no object exists.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// All objects with their handles.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        let kind = (self.kind as usize) << KIND_SHIFT;
        self.slots.iter().enumerate().filter_map(move |(index, slot)| match &slot.entry {
            Entry::Used(value) => Some((kind | usize::from(slot.generation) << SLOT_BITS | index, value)),
            Entry::Free { .. } => None,
        })
    }
}

/// The Fortran number of a handle (`MPI_Comm_toint`, `MPI_Comm_c2f` and so on).
#[inline]
pub fn to_int(handle: usize) -> i32 {
    handle as u32 as i32
}

/// The handle of a Fortran number. A negative number gives a handle that no object has.
#[inline]
pub fn from_int(number: i32) -> usize {
    number as isize as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_handle_is_not_found_even_when_its_slot_is_used_again() -> Result<()> {
        let mut table = Table::new(Kind::Comm);
        let a = table.insert("a")?;
        assert_eq!(table.get(a), Some(&"a"));
        assert_eq!(table.remove(a), Some("a"));
        table.discard(a);
        assert!(table.is_empty());
        let b = table.insert("b")?;
        assert_ne!(a, b);
        assert_eq!(table.remove(a), None);
        assert_eq!((table.get(a), table.get(b)), (None, Some(&"b")));
        assert_eq!(table.len(), 1);
        Ok(())
    }

    #[test]
    fn a_stale_handle_stays_stale_for_thousands_of_objects() -> Result<()> {
        let mut table = Table::new(Kind::Request);
        let stale = table.insert(0)?;
        table.remove(stale);
        for n in 1..64 * RESTING {
            let handle = table.insert(n)?;
            assert_eq!((table.get(stale), table.get(handle)), (None, Some(&n)), "after {n} objects");
            table.remove(handle);
        }
        assert!(table.slots.len() <= RESTING + 2 && table.is_empty());
        Ok(())
    }

    #[test]
    fn many_at_once_and_freed_in_any_order_are_all_found_again() -> Result<()> {
        let mut table = Table::new(Kind::Info);
        for round in 0..5 {
            let handles = (0..200).map(|i| table.insert(i)).collect::<Result<Vec<_>>>()?;
            for step in 0..200 {
                let place = step * 77 % 200;
                assert_eq!(table.remove(handles[place]), Some(place), "round {round}");
            }
        }
        assert!(table.is_empty() && table.slots.len() <= 200 + RESTING + 1);
        Ok(())
    }

    #[test]
    fn kinds_do_not_mix_and_numbers_fit_an_int() -> Result<()> {
        let mut comms = Table::new(Kind::Comm);
        let mut keys = Table::new(Kind::Keyval);
        let (comm, key) = (comms.insert(1)?, keys.insert(2)?);
        assert_eq!((comms.get(key), keys.get(comm)), (None, None));
        assert!(comm > 0x1000 && i32::try_from(key).is_ok());
        assert_eq!(from_int(to_int(key)), key);
        assert_eq!(comms.get(from_int(-1)), None);
        assert_eq!(
            (kind_of(comm), kind_of(key), kind_of(0x101)),
            (Some(Kind::Comm), Some(Kind::Keyval), None)
        );
        Ok(())
    }

    #[test]
    fn no_table_gives_the_spare_handle() -> Result<()> {
        let mut table = Table::new(Kind::Request);
        let handle = table.insert(0)?;
        let spare = Kind::Request.spare_handle();
        assert_eq!(table.get(spare), None);
        assert_eq!((spare >> KIND_SHIFT, spare & ((1 << SLOT_BITS) - 1)), (handle >> KIND_SHIFT, MAX_SLOTS));
        Ok(())
    }

    #[test]
    fn iteration_gives_live_handles_only() -> Result<()> {
        let mut table = Table::new(Kind::Info);
        let handles = (0..5).map(|i| table.insert(i)).collect::<Result<Vec<_>>>()?;
        table.remove(handles[2]);
        assert_eq!(
            table.iter().map(|(h, v)| (h, *v)).collect::<Vec<_>>(),
            [(handles[0], 0), (handles[1], 1), (handles[3], 3), (handles[4], 4)]
        );
        Ok(())
    }
}
