//! Objects by number. A freed number is reused as late as possible, so that a stale one is noticed.

use std::collections::VecDeque;

/// Largest number: they are 24 bits in every format.
const MAX_NUMBER: usize = 0x00ff_ffff;
/// Freed numbers that are kept back before the oldest is reused.
const KEEP_BACK: usize = 256;

/// Objects with numbers from 1 on.
#[derive(Debug)]
pub(super) struct Table<T> {
    slots: Vec<Option<T>>,
    free: VecDeque<u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: VecDeque::new() }
    }
}

impl<T> Table<T> {
    /// Adds the object that `make` gives for its number; `None` when numbers are used up.
    pub(super) fn insert(&mut self, make: impl FnOnce(u32) -> T) -> Option<u32> {
        if self.free.len() > KEEP_BACK || self.slots.len() >= MAX_NUMBER {
            let number = self.free.pop_front()?;
            *self.slots.get_mut(number as usize - 1)? = Some(make(number));
            return Some(number);
        }
        let number = self.slots.len() as u32 + 1;
        self.slots.push(Some(make(number)));
        Some(number)
    }

    #[inline]
    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.slots.get((number as usize).wrapping_sub(1))?.as_ref()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.slots.get_mut((number as usize).wrapping_sub(1))?.as_mut()
    }

    /// Removes the object and frees its number.
    pub(super) fn remove(&mut self, number: u32) -> Option<T> {
        let object = self.slots.get_mut((number as usize).wrapping_sub(1))?.take()?;
        self.free.push_back(number);
        Some(object)
    }

    /// Takes the object out for a while; its number stays taken until [`Table::put_back`].
    #[inline]
    pub(super) fn lend(&mut self, number: u32) -> Option<T> {
        self.slots.get_mut((number as usize).wrapping_sub(1))?.take()
    }

    /// Ends what [`Table::lend`] began.
    #[inline]
    pub(super) fn put_back(&mut self, number: u32, object: T) {
        if let Some(slot) = self.slots.get_mut((number as usize).wrapping_sub(1)) {
            *slot = Some(object);
        }
    }

    /// All objects with their numbers.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        self.slots.iter_mut().enumerate().filter_map(|(i, slot)| Some((i as u32 + 1, slot.as_mut()?)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn numbers_start_at_one_and_come_back_late() {
        let mut table = Table::default();
        assert_eq!(table.insert(|n| n), Some(1));
        assert_eq!(table.insert(|n| n), Some(2));
        assert_eq!(table.remove(1), Some(1));
        assert_eq!(table.remove(1), None);
        assert_eq!(table.get(0), None);
        assert_eq!(table.get(1), None);
        let next = table.insert(|n| n).unwrap();
        assert_eq!(next, 3);
        for _ in 0..2000 {
            let n = table.insert(|n| n).unwrap();
            table.remove(n).unwrap();
        }
        assert!(table.slots.len() < 400, "numbers are reused in the end");
    }
}
