//! Rings: messages from one rank to another, with one writer and one reader.
//!
//! # Memory
//! A ring is a block of the region's heap of [`Layout::ring`](crate::Layout) bytes:
//!
//! | offset | what | who writes |
//! |---|---|---|
//! | 0x000 | u64: slots taken out, u64: end of the payload taken out | receiver |
//! | 0x040 | u64: credit given back ([`Receiver::give_credit`]), u64: messages up to the last offer that was taken | receiver |
//! | 0x080 | the *desk*: a large copy that both sides work on ([`crate::desk`]) | both |
//! | 0x1000 | 128 slots of 64 bytes | sender |
//! | 0x3000 | payload of messages that do not fit a slot | sender |
//!
//! A slot is one cache line, and a small message is one slot: it costs the transfer of one line.
//!
//! | word | bits | what |
//! |---|---|---|
//! | 0 | 0..32 | *stamp*: number of the slot's use plus one; a slot is full when its stamp is the one that is due |
//! | 0 | 32..40, 40..48 | kind and flags of the message, the user's |
//! | 0 | 48..64 | bytes of data in the slot, or 0xffff: they are in the payload, or 0xfffe: they are *offered* |
//! | 1, 2 | | two words of the user's |
//! | 3..8 | | data, or where it is in the payload (a running position) or in the sender's memory, and its length |
//!
//! # Offers
//! A sender that waits in its call anyway, and whose memory the receiver can read, offers its data where it lies: the
//! receiver copies it once and tells so ([`Sender::is_taken`]). A sender that does not want to wait any longer copies the data
//! to memory that stays, writes that place into word 7, and lets its user go on. The receiver looks at word 7 before and
//! after it copies: while it is 0 the data is what was offered, for the sender's user changes it only later, and
//! stores become visible in order. If it is not, the data is copied from the new place.
//!
//! # Protocol
//! The sender writes word 0 last, with release; the receiver reads it with acquire. Stamps never repeat within 2^32 uses,
//! so slots need no clearing, and the sender needs no look at the receiver's progress until its own count says that the ring
//! may be full. The receiver tells its progress when a quarter of the slots or of the payload was taken out. There is no
//! atomic read-modify-write. A message in the payload never wraps around its end, and takes whole lines.
//!
//! What a receiver reads is checked: garbage gives [`Garbage`], never an access outside of the ring.

mod front;
#[cfg(not(loom))]
mod place;
mod small;

use crate::desk::Desk;
use crate::sync::{AtomicU64, Ordering, Payload};
pub use small::Small;

/// Slots of a ring.
pub const SLOTS: usize = 128;
/// Bytes of data that fit a slot.
pub const INLINE: usize = 40;
/// Offset of the slots.
pub const SLOTS_AT: u64 = 0x1000;
/// Offset of the payload.
pub const PAYLOAD_AT: u64 = SLOTS_AT + 64 * SLOTS as u64;

const LINE: u64 = 64;
/// How many slots ahead a receiver asks for.
#[cfg(all(target_arch = "x86_64", not(loom)))]
const AHEAD: usize = 8;
const IN_PAYLOAD: u64 = 0xffff;
const OFFERED: u64 = 0xfffe;
/// Word of a slot with the new place of offered data.
const MOVED: usize = 7;

/// Most bytes of one message in a ring of so many bytes: a quarter of the payload, so that one always fits once the
/// receiver has told its progress.
pub const fn max_len(ring: u32) -> usize {
    (ring as usize - PAYLOAD_AT as usize) / 4
}

/// One line of a ring.
#[repr(C, align(64))]
pub struct Slot {
    words: [AtomicU64; 8],
}

/// The receiver's progress.
#[repr(C, align(64))]
pub struct Progress {
    /// Slots taken out.
    slots: AtomicU64,
    /// End of the payload taken out, a running position.
    payload: AtomicU64,
}

/// What comes back to the sender besides, in a line of its own.
#[repr(C, align(64))]
pub struct Returned {
    /// Eager bytes given back.
    credit: AtomicU64,
    /// Messages taken out up to the last offer.
    offers: AtomicU64,
}

/// The control lines of a ring.
#[repr(C)]
pub struct Control {
    progress: Progress,
    returned: Returned,
    desk: Desk,
}

/// What a message is besides its data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// The user's.
    pub kind: u8,
    /// The user's.
    pub flags: u8,
    /// The user's.
    pub words: [u64; 2],
}

/// What the sender wrote is no message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Garbage;

/// Where a ring is. Both sides make theirs from it.
#[derive(Clone)]
pub struct Ring<'a> {
    control: &'a Control,
    slots: &'a [Slot],
    payload: Payload,
}

impl<'a> Ring<'a> {
    /// A ring of these parts.
    pub fn new(control: &'a Control, slots: &'a [Slot], payload: Payload) -> Ring<'a> {
        assert!(slots.len().is_power_of_two() && slots.len() >= 4);
        Ring { control, slots, payload }
    }
}

/// The sending side.
pub struct Sender<'a> {
    ring: Ring<'a>,
    /// Messages sent.
    next: u64,
    /// The receiver had taken out so many when last looked.
    taken: u64,
    /// Where the next payload goes, a running position.
    end: u64,
    /// Up to here the payload was free when last looked.
    free: u64,
}

/// A message that lies in the ring.
pub struct Message<'m> {
    /// What it is.
    pub head: Head,
    /// Bytes of data.
    pub len: usize,
    words: [u64; 5],
    place: Place<'m>,
}

/// Where a message's data is.
enum Place<'m> {
    Slot,
    Payload(&'m Payload, usize),
    Offered(&'m Slot),
}

/// Data that the sender offers in its own memory.
#[derive(Clone, Copy)]
pub struct Offer<'m> {
    /// Where it was offered.
    pub address: u64,
    slot: &'m Slot,
}

impl Offer<'_> {
    /// Its new place, when it has been moved.
    #[inline]
    pub fn moved(&self) -> Option<u64> {
        match self.slot.words[MOVED].load(Ordering::Acquire) {
            0 => None,
            address => Some(address),
        }
    }
}

impl Message<'_> {
    /// The offer, if the data is not in the ring.
    #[inline]
    pub fn offer(&self) -> Option<Offer<'_>> {
        match self.place {
            Place::Offered(slot) => Some(Offer { address: self.words[0], slot }),
            _ => None,
        }
    }

    /// Gives `f` the address of the data; of an offer, an address without bytes.
    #[inline]
    pub fn with_data<R>(&self, f: impl FnOnce(*const u8) -> R) -> R {
        match self.place {
            Place::Slot | Place::Offered(_) => f(self.words.as_ptr().cast()),
            Place::Payload(payload, at) => payload.with(at, self.len, f),
        }
    }

    /// The data as words, when it is in the slot; what is beyond its length is arbitrary.
    #[inline]
    pub fn words(&self) -> &[u64; 5] {
        &self.words
    }
}

impl<'a> Sender<'a> {
    /// The sender of a new ring.
    pub fn new(ring: Ring<'a>) -> Sender<'a> {
        let free = ring.payload.len() as u64;
        Sender { ring, next: 0, taken: 0, end: 0, free }
    }

    /// Most bytes of one message, see [`max_len`].
    pub fn max_len(&self) -> usize {
        self.ring.payload.len() / 4
    }

    /// The ring's desk.
    pub fn desk(&self) -> &'a Desk {
        &self.ring.control.desk
    }

    /// Messages sent.
    pub fn sent(&self) -> u64 {
        self.next
    }

    /// Whether there is a free slot.
    #[inline]
    pub fn has_slot(&mut self) -> bool {
        if self.next - self.taken < self.ring.slots.len() as u64 {
            return true;
        }
        self.look();
        self.next - self.taken < self.ring.slots.len() as u64
    }

    /// Learns what the receiver has taken out. Numbers that cannot be are ignored: they would only hurt this side.
    #[cold]
    fn look(&mut self) {
        let taken = self.ring.control.progress.slots.load(Ordering::Acquire);
        if taken <= self.next && taken > self.taken {
            self.taken = taken;
        }
        let free = self.ring.control.progress.payload.load(Ordering::Acquire);
        if free <= self.end {
            self.free = self.free.max(free + self.ring.payload.len() as u64);
        }
    }

    /// Credit given back in all.
    pub fn credit(&self) -> u64 {
        self.ring.control.returned.credit.load(Ordering::Relaxed)
    }

    #[inline]
    fn publish(&mut self, head: Head, mark: u64) {
        let slot = &self.ring.slots[self.next as usize & (self.ring.slots.len() - 1)];
        slot.words[1].store(head.words[0], Ordering::Relaxed);
        slot.words[2].store(head.words[1], Ordering::Relaxed);
        self.next += 1;
        let stamp = self.next & 0xffff_ffff;
        let word = stamp | u64::from(head.kind) << 32 | u64::from(head.flags) << 40 | mark << 48;
        slot.words[0].store(word, Ordering::Release);
    }

    /// Sends a message whose data fits the slot. False: the ring is full.
    ///
    /// # Panics
    /// If it does not fit.
    #[inline]
    pub fn send(&mut self, head: Head, data: &[u8]) -> bool {
        if !self.has_slot() {
            return false;
        }
        assert!(data.len() <= INLINE);
        let slot = &self.ring.slots[self.next as usize & (self.ring.slots.len() - 1)];
        let mut chunks = data.chunks_exact(8);
        let mut at = 3;
        for chunk in &mut chunks {
            let word = u64::from_ne_bytes(chunk.try_into().unwrap_or_default());
            slot.words[at].store(word, Ordering::Relaxed);
            at += 1;
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let word = rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
            slot.words[at].store(word, Ordering::Relaxed);
        }
        self.publish(head, data.len() as u64);
        true
    }

    /// Sends a message of `len` bytes through the payload; `fill` writes them all. False: the ring is full.
    ///
    /// # Panics
    /// If `len` is more than [`Self::max_len`].
    #[inline]
    pub fn send_long(&mut self, head: Head, len: usize, fill: impl FnOnce(*mut u8)) -> bool {
        let size = self.ring.payload.len() as u64;
        assert!(len <= self.max_len());
        if !self.has_slot() {
            return false;
        }
        let wanted = (len as u64).next_multiple_of(LINE);
        let at = self.end % size;
        let start = if at + wanted <= size { self.end } else { self.end + (size - at) };
        if start + wanted > self.free {
            self.look();
            if start + wanted > self.free {
                return false;
            }
        }
        self.ring.payload.with_mut((start % size) as usize, len, fill);
        self.end = start + wanted;
        let slot = &self.ring.slots[self.next as usize & (self.ring.slots.len() - 1)];
        slot.words[3].store(start, Ordering::Relaxed);
        slot.words[4].store(len as u64, Ordering::Relaxed);
        self.publish(head, IN_PAYLOAD);
        true
    }
}

/// Names an offer to its sender.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct OfferId(u64);

impl Sender<'_> {
    /// Sends a message whose `len` bytes stay at `address` of this rank's memory until they are taken. None: the ring is
    /// full.
    #[inline]
    pub fn offer(&mut self, head: Head, address: u64, len: usize) -> Option<OfferId> {
        if !self.has_slot() {
            return None;
        }
        let slot = &self.ring.slots[self.next as usize & (self.ring.slots.len() - 1)];
        slot.words[3].store(address, Ordering::Relaxed);
        slot.words[4].store(len as u64, Ordering::Relaxed);
        slot.words[MOVED].store(0, Ordering::Relaxed);
        self.publish(head, OFFERED);
        Some(OfferId(self.next))
    }

    /// Whether the receiver has taken the data of the offer.
    #[inline]
    pub fn is_taken(&self, offer: OfferId) -> bool {
        self.ring.control.returned.offers.load(Ordering::Acquire) >= offer.0
    }

    /// Tells that the data of the last message, an offer, lies at `address` now, where it stays until it is taken.
    pub fn move_offer(&mut self, offer: OfferId, address: u64) {
        debug_assert!(offer.0 == self.next && address != 0);
        let slot = &self.ring.slots[(offer.0 - 1) as usize & (self.ring.slots.len() - 1)];
        slot.words[MOVED].store(address, Ordering::Release);
    }
}

/// The receiving side.
pub struct Receiver<'a> {
    ring: Ring<'a>,
    /// Messages taken out.
    next: u64,
    /// As the sender was told.
    told: u64,
    /// End of the payload taken out.
    end: u64,
    /// As the sender was told.
    told_end: u64,
    /// End of the payload of the message that lies in front.
    front_end: u64,
    /// The message that lies in front is an offer.
    front_is_offer: bool,
    credit: u64,
}

impl<'a> Receiver<'a> {
    /// The receiver of a new ring.
    pub fn new(ring: Ring<'a>) -> Receiver<'a> {
        Receiver {
            ring,
            next: 0,
            told: 0,
            end: 0,
            told_end: 0,
            front_end: 0,
            front_is_offer: false,
            credit: 0,
        }
    }

    /// The ring's desk.
    pub fn desk(&self) -> &'a Desk {
        &self.ring.control.desk
    }

    #[inline]
    fn slot(&self) -> &'a Slot {
        &self.ring.slots[self.next as usize & (self.ring.slots.len() - 1)]
    }

    /// Whether a message lies in front.
    #[inline]
    pub fn is_ready(&self) -> bool {
        self.slot().words[0].load(Ordering::Relaxed) as u32 == (self.next + 1) as u32
    }

    /// Asks for a slot some messages ahead: in a stream of messages the lines then come while others are worked on. A slot
    /// that is not written yet is in this side's cache from its last use anyway.
    #[inline]
    fn prefetch(&self) {
        #[cfg(all(target_arch = "x86_64", not(loom)))]
        {
            let ahead = (self.next as usize + AHEAD) & (self.ring.slots.len() - 1);
            let slot = &raw const self.ring.slots[ahead];
            // SAFETY: a prefetch has no effect but on caches.
            unsafe { core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(slot.cast()) };
        }
    }

    /// The message in front, left there.
    #[inline]
    pub fn peek(&mut self) -> Result<Option<Message<'_>>, Garbage> {
        let slot = self.slot();
        let word = slot.words[0].load(Ordering::Acquire);
        if word as u32 != (self.next + 1) as u32 {
            return Ok(None);
        }
        self.prefetch();
        let load = |at: usize| slot.words[at].load(Ordering::Relaxed);
        let head = Head { kind: (word >> 32) as u8, flags: (word >> 40) as u8, words: [load(1), load(2)] };
        let words = core::array::from_fn(|i| load(3 + i));
        let mark = word >> 48;
        self.front_is_offer = mark == OFFERED;
        if mark != IN_PAYLOAD {
            self.front_end = self.end;
            let place = if mark == OFFERED { Place::Offered(slot) } else { Place::Slot };
            let len = if mark == OFFERED { words[1] } else { mark };
            return if mark <= INLINE as u64 || mark == OFFERED && len <= u64::from(u32::MAX) {
                Ok(Some(Message { head, len: len as usize, words, place }))
            } else {
                Err(Garbage)
            };
        }
        let [start, len, ..] = words;
        let size = self.ring.payload.len() as u64;
        let at = start % size;
        if len > size || at % LINE != 0 || at + len > size || start < self.end || start - self.end > size {
            return Err(Garbage);
        }
        self.front_end = start + len.next_multiple_of(LINE);
        let place = Place::Payload(&self.ring.payload, at as usize);
        Ok(Some(Message { head, len: len as usize, words, place }))
    }

    /// Takes the message in front out, after a [`Self::peek`] that gave one. True when the sender was told of the room: it
    /// may sleep because it had none.
    #[inline]
    pub fn pop(&mut self) -> bool {
        if self.front_is_offer {
            self.ring.control.returned.offers.store(self.next + 1, Ordering::Release);
        }
        self.end = self.front_end;
        self.pop_small()
    }

    /// As [`Self::pop`], after a [`Self::small`] that gave one.
    #[inline(always)]
    pub fn pop_small(&mut self) -> bool {
        self.next += 1;
        let slots = self.ring.slots.len() as u64;
        if self.next - self.told >= slots / 4
            || self.end - self.told_end >= self.ring.payload.len() as u64 / 4
        {
            self.tell();
            return true;
        }
        false
    }

    fn tell(&mut self) {
        self.told = self.next;
        self.told_end = self.end;
        // The payload first: a sender that sees the slots free looks at both.
        self.ring.control.progress.payload.store(self.end, Ordering::Release);
        self.ring.control.progress.slots.store(self.next, Ordering::Release);
    }

    /// Gives the sender `bytes` of credit back.
    #[inline]
    pub fn give_credit(&mut self, bytes: u32) {
        self.credit += u64::from(bytes);
        self.ring.control.returned.credit.store(self.credit, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(all(test, loom))]
mod proofs;
