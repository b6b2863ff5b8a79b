//! Entries in arrival order, found by key: hash bins of doubly linked lists.

use super::Key;
use crate::p2p::slab::Slab;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Multiplicative hashing of the three numbers of a key; keys come from ranks of the same job, which trust each other.
#[derive(Default)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.write_u32(u32::from(*b)));
    }
    fn write_u32(&mut self, value: u32) {
        self.0 = (self.0.rotate_left(5) ^ u64::from(value)).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    fn write_i32(&mut self, value: i32) {
        self.write_u32(value as u32);
    }
}

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Links {
    prev: u32,
    next: u32,
}

struct Ends {
    head: u32,
    tail: u32,
}

struct Entry<T, const K: usize> {
    keys: [Key; K],
    links: [Links; K],
    value: T,
}

/// Each entry is in the lists of `K` different keys; insertion appends, removal is from anywhere and constant-time.
pub struct Bins<T, const K: usize> {
    entries: Slab<Entry<T, K>>,
    lists: HashMap<Key, Ends, BuildHasherDefault<KeyHasher>>,
}

impl<T, const K: usize> Default for Bins<T, K> {
    fn default() -> Self {
        Self { entries: Slab::default(), lists: HashMap::default() }
    }
}

impl<T, const K: usize> Bins<T, K> {
    /// Appends `value` to the lists of all `keys`.
    pub fn insert(&mut self, keys: [Key; K], value: T) -> u32 {
        let id = self.entries.insert(Entry { keys, links: [Links { prev: NONE, next: NONE }; K], value });
        for (lane, key) in keys.iter().enumerate() {
            let ends = self.lists.entry(*key).or_insert(Ends { head: id, tail: NONE });
            let prev = std::mem::replace(&mut ends.tail, id);
            if let Some(entry) = self.entries.get_mut(id) {
                entry.links[lane].prev = prev;
            }
            if let Some(before) = self.entries.get_mut(prev) {
                before.links[lane].next = id;
            }
        }
        id
    }

    /// The oldest entry under `key`.
    pub fn front(&self, key: &Key) -> Option<(u32, &T)> {
        let id = self.lists.get(key)?.head;
        self.entries.get(id).map(|entry| (id, &entry.value))
    }

    /// Takes an entry out of all its lists.
    pub fn remove(&mut self, id: u32) -> Option<T> {
        let entry = self.entries.remove(id)?;
        for (lane, key) in entry.keys.iter().enumerate() {
            let Links { prev, next } = entry.links[lane];
            if prev == NONE && next == NONE {
                self.lists.remove(key);
                continue;
            }
            match self.entries.get_mut(prev) {
                Some(before) => before.links[lane].next = next,
                None => self.set_end(key, |ends| ends.head = next),
            }
            match self.entries.get_mut(next) {
                Some(after) => after.links[lane].prev = prev,
                None => self.set_end(key, |ends| ends.tail = prev),
            }
        }
        Some(entry.value)
    }

    fn set_end(&mut self, key: &Key, set: impl FnOnce(&mut Ends)) {
        if let Some(ends) = self.lists.get_mut(key) {
            set(ends);
        }
    }

    /// All entries, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|entry| &entry.value)
    }

    /// Number of entries.
    pub fn count(&self) -> usize {
        self.entries.count()
    }
}
