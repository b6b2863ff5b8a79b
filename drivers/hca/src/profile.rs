//! Samples of where a rank's program was, counted by call stack: a table in the rank's RAM that the runner reads when the
//! rank is gone.
//!
//! The library OS tells address and length on the control console when it starts to sample. The table is words of 64
//! bits, little-endian:
//!
//! | words | content |
//! |---|---|
//! | 0 to 7 | magic; version and samples per second (upper half); slots; words for stacks; samples; samples there was no room for; words of stacks in use; zero |
//! | 3 per slot | hash of the stack, 0 for a free slot; samples; first word of the stack and its length (upper half) |
//! | the rest | stacks: addresses, the innermost first, which may be [`LIBRARY_OS`] |
//!
//! A stack is looked up by open addressing. It never moves, and the table never grows: what finds no room is counted.

use alloc::vec::Vec;
use core::fmt;

/// `UNIRPF\0\0`, little-endian.
const MAGIC: u64 = u64::from_le_bytes(*b"UNIRPF\0\0");
/// Version of the table.
pub const VERSION: u32 = 1;
const HEADER: usize = 8;
const SLOT: usize = 3;
/// Words per slot of a new table, its share of the stacks included.
const WORDS_PER_SLOT: usize = 16;
/// Slots looked at before a stack has no room.
const PROBES: usize = 64;
/// Deepest stack that is kept, addresses.
pub const DEEPEST: usize = 64;
/// Innermost "address" of a sample that met the library OS; the next one is where the program called it.
pub const LIBRARY_OS: u64 = u64::MAX;
/// Most samples a second.
pub const MOST_HZ: u32 = 10_000;
/// Largest table that is read, bytes.
pub const MOST: usize = 64 << 20;

/// Indices of the header's words.
mod at {
    pub const KIND: usize = 1;
    pub const SLOTS: usize = 2;
    pub const ROOM: usize = 3;
    pub const SAMPLES: usize = 4;
    pub const DROPPED: usize = 5;
    pub const USED: usize = 6;
}

/// A table in the making.
#[derive(Debug)]
pub struct Table<'a> {
    words: &'a mut [u64],
    slots: usize,
}

impl<'a> Table<'a> {
    /// An empty table in this memory, which must have a few hundred words at least: `None` with less.
    pub fn new(words: &'a mut [u64], hz: u32) -> Option<Self> {
        let slots = words.len().checked_sub(HEADER)? / WORDS_PER_SLOT;
        if slots < PROBES || size_of_val(words) > MOST {
            return None;
        }
        words.fill(0);
        words[0] = MAGIC;
        words[at::KIND] = u64::from(VERSION) | u64::from(hz) << 32;
        words[at::SLOTS] = slots as u64;
        words[at::ROOM] = (words.len() - HEADER - SLOT * slots) as u64;
        Some(Self { words, slots })
    }

    /// Counts a sample with this stack, of which [`DEEPEST`] addresses are kept.
    pub fn add(&mut self, stack: &[u64]) {
        let stack = &stack[..stack.len().min(DEEPEST)];
        self.words[at::SAMPLES] += 1;
        let hash = hash(stack);
        let first = hash as usize % self.slots;
        for probe in 0..PROBES {
            let slot = HEADER + SLOT * ((first + probe) % self.slots);
            if self.words[slot] == hash && self.stack_at(slot) == stack {
                self.words[slot + 1] += 1;
                return;
            }
            if self.words[slot] == 0 {
                if self.keep(slot, hash, stack) {
                    return;
                }
                break;
            }
        }
        self.words[at::DROPPED] += 1;
    }

    fn stack_at(&self, slot: usize) -> &[u64] {
        let place = self.words[slot + 2];
        &self.stacks()[place as u32 as usize..][..(place >> 32) as usize]
    }

    fn stacks(&self) -> &[u64] {
        &self.words[HEADER + SLOT * self.slots..]
    }

    /// Puts a new stack into a free slot, if there is room.
    fn keep(&mut self, slot: usize, hash: u64, stack: &[u64]) -> bool {
        let used = self.words[at::USED] as usize;
        let from = HEADER + SLOT * self.slots + used;
        let Some(to) = self.words.get_mut(from..from + stack.len()) else { return false };
        to.copy_from_slice(stack);
        self.words[at::USED] += stack.len() as u64;
        self.words[slot..slot + SLOT].copy_from_slice(&[hash, 1, used as u64 | (stack.len() as u64) << 32]);
        true
    }
}

/// Never 0.
fn hash(stack: &[u64]) -> u64 {
    let mix = |hash: u64, &word: &u64| (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    stack.iter().fold(stack.len() as u64 + 1, mix) | 1
}

/// What a table says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Samples per second that were wanted.
    pub hz: u32,
    /// Stacks, the innermost address first, and how often each was seen.
    pub stacks: Vec<(Vec<u64>, u64)>,
    /// Samples there was no room for.
    pub dropped: u64,
}

/// Why bytes are no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It does not begin as one.
    Magic,
    /// It is of another version.
    Version(u32),
    /// Its lengths contradict each other.
    Length,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => write!(f, "it does not begin as a table of samples"),
            Self::Version(version) => write!(f, "it is of version {version}, not {VERSION}"),
            Self::Length => write!(f, "its lengths contradict each other"),
        }
    }
}

impl Profile {
    /// Reads a table, which may be anything. A slot that points outside of the stacks is an error.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let words: Vec<u64> = bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let word = |i: usize| words.get(i).copied().unwrap_or(0);
        if words.len() < HEADER || word(0) != MAGIC {
            return Err(Error::Magic);
        }
        let version = word(at::KIND) as u32;
        if version != VERSION {
            return Err(Error::Version(version));
        }
        let slots = usize::try_from(word(at::SLOTS)).ok().filter(|&slots| slots <= words.len() / SLOT);
        let slots = slots.ok_or(Error::Length)?;
        let (slots, stacks) = words[HEADER..].split_at_checked(SLOT * slots).ok_or(Error::Length)?;
        if stacks.len() as u64 != word(at::ROOM) {
            return Err(Error::Length);
        }
        let mut profile =
            Self { hz: (word(at::KIND) >> 32) as u32, stacks: Vec::new(), dropped: word(at::DROPPED) };
        for slot in slots.chunks_exact(SLOT).filter(|slot| slot[0] != 0) {
            let (from, len) = (slot[2] as u32 as usize, (slot[2] >> 32) as usize);
            let stack = stacks.get(from..).and_then(|rest| rest.get(..len)).filter(|_| len <= DEEPEST);
            profile.stacks.push((stack.ok_or(Error::Length)?.to_vec(), slot[1]));
        }
        Ok(profile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    fn bytes(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn equal_stacks_are_counted_together() {
        let mut words = vec![7; 4096];
        let mut table = Table::new(&mut words, 99).unwrap();
        for _ in 0..3 {
            table.add(&[1, 2, 3]);
        }
        table.add(&[1, 2]);
        table.add(&[]);
        table.add(&[5; 100]);
        let mut profile = Profile::decode(&bytes(&words)).unwrap();
        profile.stacks.sort();
        let deep = vec![5; DEEPEST];
        assert_eq!(profile.stacks, [(vec![], 1), (vec![1, 2], 1), (vec![1, 2, 3], 3), (deep, 1)]);
        assert_eq!((profile.hz, profile.dropped), (99, 0));
    }

    #[test]
    fn a_full_table_counts_what_it_drops() {
        let mut words = vec![0; HEADER + WORDS_PER_SLOT * PROBES];
        let mut table = Table::new(&mut words, 1).unwrap();
        (0..10_000).for_each(|n| table.add(&[n, n + 1, n + 2, n + 3]));
        let profile = Profile::decode(&bytes(&words)).unwrap();
        let kept: u64 = profile.stacks.iter().map(|(_, count)| count).sum();
        assert_eq!(kept + profile.dropped, 10_000);
        assert_eq!(kept, PROBES as u64, "every slot is used");
        assert!(Table::new(&mut [0; 100], 1).is_none());
    }

    #[test]
    fn nonsense_is_an_error_and_never_a_panic() {
        let mut words = vec![0; 4096];
        Table::new(&mut words, 99).unwrap().add(&[1, 2, 3]);
        let slot = (HEADER..).step_by(SLOT).find(|&slot| words[slot] != 0).unwrap();
        for (i, value, error) in [
            (0, 1, Error::Magic),
            (1, 2, Error::Version(2)),
            (at::SLOTS, u64::MAX, Error::Length),
            (at::SLOTS, 4096, Error::Length),
            (at::ROOM, 0, Error::Length),
            (slot + 2, u64::MAX, Error::Length),
            (slot + 2, 65 << 32, Error::Length),
            (slot + 2, 1 << 32 | 0xffff_ffff, Error::Length),
        ] {
            let mut damaged = words.clone();
            damaged[i] = value;
            assert_eq!(Profile::decode(&bytes(&damaged)), Err(error), "word {i}");
        }
        assert_eq!(Profile::decode(&[]), Err(Error::Magic));
        assert_eq!(Profile::decode(&bytes(&words)[..1000]), Err(Error::Length));
    }
}
