//! Messages to ranks of the same host, through rings in the job region.
//!
//! A ring to a rank is made at the first message to it. When the region's heap has no room for one, the rank is reached
//! through the adapter instead; that is said once.

mod data;
mod wire;

pub use data::Data;
pub use unirank_ivc::ring::OfferId;
pub use wire::decode_small;

use crate::Result;
use crate::abi::MPI_ERR_INTERN;
use crate::error::MpiError;
use crate::node;
use crate::p2p::header::Header;
use crate::p2p::matching::Envelope;
use crate::transport::Payload;
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};
use unirank_ivc::JobRegion;
use unirank_ivc::desk::Desk;
use unirank_ivc::page::Sleep;
use unirank_ivc::ring::{Message, Receiver, Sender, Small};

/// The way to one other rank.
enum Out {
    /// Never used.
    Untried,
    /// A ring.
    Ring(Box<Sender<'static>>),
    /// There is no room for one.
    None,
}

/// A ring from another rank.
struct In {
    from: u32,
    ring: Receiver<'static>,
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// It was taken.
    More,
    /// It was taken, and was what somebody waited for: the others can wait.
    Enough,
    /// It is none.
    Garbage,
}

/// Who takes messages out of rings.
pub trait Sink {
    /// A small message of `from`. False: nothing has happened, it is to come as an arrival.
    fn small(&mut self, from: u32, small: Small<'_>) -> bool;
    /// A message of `from`.
    fn arrive(&mut self, from: u32, arrival: &Arrival<'_>) -> Taken;
}

/// A message that lies in a ring.
pub struct Arrival<'m>(Message<'m>, u32);

impl Arrival<'_> {
    /// Its header; none if it is no message of the library's.
    #[inline]
    pub fn header(&self) -> Option<Header> {
        wire::decode(&self.0)
    }

    /// Envelope and sequence number of an eager message; none for others.
    #[inline]
    pub fn eager(&self) -> Option<(Envelope, u32)> {
        wire::decode_eager(&self.0.head)
    }

    /// Gives `f` its data. None: it is offered, or was moved, to a place that the sender does not have.
    #[inline]
    pub fn with_data<R>(&self, f: impl FnOnce(&Data<'_>) -> R) -> Option<R> {
        let len = self.0.len;
        if let Some(offer) = self.0.offer() {
            let at = node::direct(self.1, offer.address, len as u64, false)?;
            let lost = Cell::new(false);
            let taken = f(&Data::Offered { from: self.1, at, len, offer, lost: &lost });
            return (!lost.get()).then_some(taken);
        }
        Some(self.0.with_data(|at| {
            // SAFETY: the message has `len` bytes, which the sender leaves alone until it is taken out.
            f(&Data::Bytes(unsafe { std::slice::from_raw_parts(at, len) }))
        }))
    }
}

/// The rings of this rank.
pub struct Ivc {
    region: JobRegion,
    me: u32,
    out: Vec<Out>,
    incoming: Vec<In>,
    /// Where the ring from each rank is in `incoming`.
    places: Vec<Option<usize>>,
    /// Rings to this rank that were published when last looked.
    published: u32,
    /// Rings to this rank that are published.
    rings: &'static AtomicU32,
    /// How each rank waits.
    sleeps: Vec<&'static AtomicU32>,
}

fn garbage(from: u32, what: &str) -> MpiError {
    let text = format!(
        "rank {from} has written {what} into its ring: its memory is corrupt, or its version another"
    );
    MpiError::new(MPI_ERR_INTERN, text)
}

impl Ivc {
    /// The rings of rank `me`, none yet.
    ///
    /// # Safety
    /// The region stays mapped as long as the rings are used.
    pub unsafe fn new(region: JobRegion, me: u32) -> Self {
        let n = region.layout().ranks as usize;
        let out = (0..n).map(|_| Out::Untried).collect();
        // SAFETY: the caller's promise, see above.
        let forever = |word: &AtomicU32| unsafe { &*std::ptr::from_ref(word) };
        let sleeps = (0..n as u32).map(|rank| forever(region.page(rank).sleep())).collect();
        let rings = forever(region.page(me).rings());
        Self { region, me, out, incoming: Vec::new(), places: vec![None; n], published: 0, rings, sleeps }
    }

    /// Whether there is, or can be, a ring to `to`.
    pub fn reaches(&mut self, to: u32) -> bool {
        self.sender(to).is_some()
    }

    /// The ring to `to`, made if it was never used.
    #[inline]
    fn sender(&mut self, to: u32) -> Option<&mut Sender<'static>> {
        if matches!(self.out.get(to as usize)?, Out::Untried) {
            self.out[to as usize] = self.make(to);
        }
        match &mut self.out[to as usize] {
            Out::Ring(sender) => Some(sender),
            _ => None,
        }
    }

    #[cold]
    fn make(&mut self, to: u32) -> Out {
        if to == self.me {
            return Out::None;
        }
        match self.region.make_ring(self.me, to) {
            // SAFETY: the region stays mapped; `make_ring` gave this ring's sending side to this rank alone.
            Ok(offset) => match unsafe { self.region.ring(offset) } {
                Some(ring) => {
                    self.region.publish_ring(self.me, to, offset);
                    Out::Ring(Box::new(Sender::new(ring)))
                }
                None => Out::None,
            },
            Err(error) => {
                node::announce(&format!("rank {}: messages to rank {to} take the adapter: {error}", self.me));
                Out::None
            }
        }
    }

    /// Bytes of data that a message may have.
    pub fn max_len(&self) -> usize {
        unirank_ivc::ring::max_len(self.region.layout().ring)
    }

    /// Sends eager data that lies in one piece, and wakes the receiver if it sleeps. False: the ring has no room now, or
    /// there is none.
    ///
    /// # Safety
    /// `len` bytes from `at` are readable; no more than [`Self::max_len`].
    #[inline]
    pub unsafe fn send_eager(
        &mut self,
        to: u32,
        envelope: &Envelope,
        sequence: u32,
        at: *const u8,
        len: usize,
    ) -> bool {
        let Some(sender) = self.sender(to) else { return false };
        let head = wire::eager(envelope, sequence);
        let sent = if len <= unirank_ivc::ring::INLINE {
            // SAFETY: the caller's promise; an empty message may come without an address.
            let data = if len == 0 { &[][..] } else { unsafe { std::slice::from_raw_parts(at, len) } };
            sender.send(head, data)
        } else {
            // SAFETY: the caller's promise; the ring gives room for `len` bytes, which are no one's.
            sender.send_long(head, len, |to| unsafe { unirank_ivc::copy::copy(to, at, len) })
        };
        if sent && self.sleeps[to as usize].load(Ordering::Relaxed) != Sleep::Awake as u32 {
            node::wake(to);
        }
        sent
    }

    /// Offers `len` bytes at `at` to `to`, and wakes it if it sleeps. None: the ring has no room now, or there is none.
    #[inline]
    pub fn offer(
        &mut self,
        to: u32,
        envelope: &Envelope,
        sequence: u32,
        at: *const u8,
        len: usize,
    ) -> Option<OfferId> {
        let offer = self.sender(to)?.offer(wire::eager(envelope, sequence), at as u64, len)?;
        if self.sleeps[to as usize].load(Ordering::Relaxed) != Sleep::Awake as u32 {
            node::wake(to);
        }
        Some(offer)
    }

    /// Whether `to` has taken the data of an offer.
    #[inline]
    pub fn is_taken(&self, to: u32, offer: OfferId) -> bool {
        match self.out.get(to as usize) {
            Some(Out::Ring(sender)) => sender.is_taken(offer),
            _ => true,
        }
    }

    /// Tells `to` that the data of the last message to it, an offer, lies at `at` now.
    pub fn move_offer(&mut self, to: u32, offer: OfferId, at: *const u8) {
        if let Some(sender) = self.sender(to) {
            sender.move_offer(offer, at as u64);
        }
    }

    /// Whether a message lies in some ring, or a ring may be new.
    #[inline]
    pub fn is_ready(&self) -> bool {
        self.incoming.iter().any(|from| from.ring.is_ready())
            || self.rings.load(Ordering::Relaxed) != self.published
    }

    /// Fails if something lies in front of a ring that neither is a message nor leaves room for one.
    pub fn check(&self) -> Result<()> {
        let broken = self.incoming.iter().find(|from| from.ring.check().is_err());
        broken.map_or(Ok(()), |from| Err(garbage(from.from, "what can never be a message")))
    }

    /// Sends a message. False: the ring has no room now.
    pub fn try_send(&mut self, to: u32, header: &Header, data: Payload<'_>) -> bool {
        let Some(sender) = self.sender(to) else { return false };
        let (head, more) = wire::encode(header);
        match (more, data) {
            (Some(words), _) => {
                let mut bytes = [0; 40];
                bytes
                    .chunks_exact_mut(8)
                    .zip(words)
                    .for_each(|(to, word)| to.copy_from_slice(&word.to_ne_bytes()));
                sender.send(head, &bytes)
            }
            (None, Payload::None) => sender.send(head, &[]),
            (None, Payload::Fill(len, fill)) if len <= unirank_ivc::ring::INLINE => {
                if !sender.has_slot() {
                    return false;
                }
                let mut bytes = [0; unirank_ivc::ring::INLINE];
                fill(&mut bytes[..len]);
                sender.send(head, &bytes[..len])
            }
            (None, Payload::Fill(len, fill)) => sender.send_long(head, len, |at| {
                // SAFETY: the ring gives room for `len` bytes, which are this side's until the message is sent.
                fill(unsafe { std::slice::from_raw_parts_mut(at, len) });
            }),
        }
    }

    /// The desk of the ring from `from`.
    pub fn desk_from(&self, from: u32) -> Option<&'static Desk> {
        let place = (*self.places.get(from as usize)?)?;
        Some(self.incoming[place].ring.desk())
    }

    /// The desk of the ring to `to`.
    pub fn desk_to(&self, to: u32) -> Option<&'static Desk> {
        match self.out.get(to as usize)? {
            Out::Ring(sender) => Some(sender.desk()),
            _ => None,
        }
    }

    /// Credit that came back from `to` in all.
    pub fn credit_of(&mut self, to: u32) -> u64 {
        self.sender(to).map_or(0, |sender| sender.credit())
    }

    /// Gives credit back to `from`. False: there is no ring from it.
    #[inline]
    pub fn give_credit(&mut self, from: u32, bytes: u32) -> bool {
        match self.places.get(from as usize) {
            Some(&Some(place)) => {
                self.incoming[place].ring.give_credit(bytes);
                true
            }
            _ => false,
        }
    }

    /// The message in front of the ring from `from` if it is small, with the ring's place for [`Self::pop_small`]. All else is
    /// left to [`Self::poll`].
    #[inline(always)]
    pub fn small(&self, from: u32) -> Option<(Small<'static>, usize)> {
        let place = (*self.places.get(from as usize)?)?;
        Some((self.incoming.get(place)?.ring.small()?, place))
    }

    /// Takes out what [`Self::small`] gave.
    #[inline(always)]
    pub fn pop_small(&mut self, place: usize) {
        let In { from, ring } = &mut self.incoming[place];
        if ring.pop_small() {
            node::wake(*from);
        }
    }

    /// Looks for rings that were published since the last look.
    #[inline]
    fn discover(&mut self) -> Result<()> {
        let published = self.rings.load(Ordering::Acquire);
        if published == self.published { Ok(()) } else { self.open_published(published) }
    }

    #[cold]
    fn open_published(&mut self, published: u32) -> Result<()> {
        for from in 0..self.region.layout().ranks {
            let entry = self.region.ring_entry(from, self.me).load(Ordering::Acquire);
            if entry == 0 || self.places[from as usize].is_some() {
                continue;
            }
            // SAFETY: the region stays mapped; the ring's receiving side is this rank's, and is opened once.
            let ring = unsafe { self.region.ring(u64::from(entry) * 64) };
            let ring = ring.ok_or_else(|| garbage(from, "a place outside of the job region"))?;
            self.places[from as usize] = Some(self.incoming.len());
            self.incoming.push(In { from, ring: Receiver::new(ring) });
        }
        self.published = published;
        Ok(())
    }

    /// Gives `sink` the messages that lie in the rings, up to `turn` of each.
    #[inline]
    pub fn poll(&mut self, turn: usize, sink: &mut impl Sink) -> Result<bool> {
        self.discover()?;
        let mut happened = false;
        for In { from, ring } in &mut self.incoming {
            for _ in 0..turn {
                if !ring.is_ready() {
                    break;
                }
                if ring.small().is_some_and(|small| sink.small(*from, small)) {
                    if ring.pop_small() {
                        node::wake(*from);
                    }
                    happened = true;
                    continue;
                }
                let Some(message) = ring.peek().map_err(|_| garbage(*from, "what is no message"))? else {
                    break;
                };
                let taken = sink.arrive(*from, &Arrival(message, *from));
                if taken == Taken::Garbage {
                    return Err(garbage(*from, "an unknown message"));
                }
                if ring.pop() {
                    node::wake(*from);
                }
                happened = true;
                if taken == Taken::Enough {
                    return Ok(true);
                }
            }
        }
        Ok(happened)
    }
}
