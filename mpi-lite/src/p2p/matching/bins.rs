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

/// A list: its key, first and last entry.
struct List {
    key: Key,
    head: u32,
    tail: u32,
}

struct Entry<T, const K: usize> {
    /// The list of each key.
    lists: [u32; K],
    links: [Links; K],
    value: T,
}

/// Each entry is in the lists of `K` different keys; insertion appends, removal is from anywhere and constant-time.
///
/// The list used last in each lane stays when it is empty: programs come back to the same key, which then costs a
/// comparison instead of a look into the hash table.
pub struct Bins<T, const K: usize> {
    entries: Slab<Entry<T, K>>,
    lists: Slab<List>,
    by_key: HashMap<Key, u32, BuildHasherDefault<KeyHasher>>,
    recent: [Option<(Key, u32)>; K],
}

impl<T, const K: usize> Default for Bins<T, K> {
    fn default() -> Self {
        Self {
            entries: Slab::default(),
            lists: Slab::default(),
            by_key: HashMap::default(),
            recent: [None; K],
        }
    }
}

impl<T, const K: usize> Bins<T, K> {
    /// The list of `key` in that lane, made if there is none.
    #[inline]
    fn list(&mut self, lane: usize, key: &Key) -> u32 {
        match self.recent[lane] {
            Some((recent, list)) if recent == *key => list,
            _ => self.other_list(lane, key),
        }
    }

    fn other_list(&mut self, lane: usize, key: &Key) -> u32 {
        let list = match self.by_key.get(key) {
            Some(list) => *list,
            None => {
                let list = self.lists.insert(List { key: *key, head: NONE, tail: NONE });
                self.by_key.insert(*key, list);
                list
            }
        };
        if let Some((_, before)) = self.recent[lane].replace((*key, list)) {
            self.drop_if_empty(before);
        }
        list
    }

    /// Forgets a list without entries, unless it is one that stays.
    fn drop_if_empty(&mut self, list: u32) {
        let stays = self.recent.iter().flatten().any(|(_, recent)| *recent == list);
        if !stays && self.lists.get(list).is_some_and(|list| list.head == NONE) {
            if let Some(List { key, .. }) = self.lists.remove(list) {
                self.by_key.remove(&key);
            }
        }
    }

    /// Appends `value` to the lists of all `keys`.
    #[inline]
    pub fn insert(&mut self, keys: [Key; K], value: T) -> u32 {
        let mut lists = [NONE; K];
        for lane in 0..K {
            lists[lane] = self.list(lane, &keys[lane]);
        }
        let links = [Links { prev: NONE, next: NONE }; K];
        let id = self.entries.insert(Entry { lists, links, value });
        for (lane, list) in lists.into_iter().enumerate() {
            let Some(list) = self.lists.get_mut(list) else { continue };
            let prev = std::mem::replace(&mut list.tail, id);
            if prev == NONE {
                list.head = id;
                continue;
            }
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
    #[inline]
    pub fn front(&self, key: &Key) -> Option<(u32, &T)> {
        if self.entries.count() == 0 {
            return None;
        }
        let id = self.lists.get(self.find(key)?)?.head;
        self.entries.get(id).map(|entry| (id, &entry.value))
    }

    /// Takes an entry out of all its lists.
    #[inline]
    pub fn remove(&mut self, id: u32) -> Option<T> {
        let entry = self.entries.remove(id)?;
        for (lane, at) in entry.lists.into_iter().enumerate() {
            let Links { prev, next } = entry.links[lane];
            match self.entries.get_mut(prev) {
                Some(before) => before.links[lane].next = next,
                None => self.set(at, |list| list.head = next),
            }
            match self.entries.get_mut(next) {
                Some(after) => after.links[lane].prev = prev,
                None => self.set(at, |list| list.tail = prev),
            }
            if prev == NONE && next == NONE {
                let stays = self.recent[lane].is_some_and(|(_, recent)| recent == at);
                if !stays {
                    self.drop_if_empty(at);
                }
            }
        }
        Some(entry.value)
    }

    /// The list of `key`, if there is one.
    #[inline]
    fn find(&self, key: &Key) -> Option<u32> {
        match self.recent.iter().flatten().find(|(recent, _)| recent == key) {
            Some((_, list)) => Some(*list),
            None => self.by_key.get(key).copied(),
        }
    }

    fn set(&mut self, list: u32, set: impl FnOnce(&mut List)) {
        if let Some(list) = self.lists.get_mut(list) {
            set(list);
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

impl<T> Bins<T, 1> {
    /// Takes the oldest entry under `key` out. What [`Self::front`] and [`Self::remove`] do together, with less to look at.
    #[inline]
    pub fn pop(&mut self, key: &Key) -> Option<T> {
        let list = self.find(key)?;
        let head = self.lists.get(list)?.head;
        let Entry { links: [Links { next, .. }], value, .. } = self.entries.remove(head)?;
        self.set(list, |list| list.head = next);
        match self.entries.get_mut(next) {
            Some(after) => after.links[0].prev = NONE,
            None => {
                self.set(list, |list| list.tail = NONE);
                self.drop_if_empty(list);
            }
        }
        Some(value)
    }
}
