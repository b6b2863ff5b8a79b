//! Messages to ranks of the same host, through rings in the job region.
//!
//! A ring to a rank is made at the first message to it. When the region's heap has no room for one, the rank is reached
//! through the adapter instead; that is said once.

mod wire;

use crate::Result;
use crate::abi::MPI_ERR_INTERN;
use crate::error::MpiError;
use crate::node;
use crate::p2p::header::Header;
use crate::transport::Payload;
use std::sync::atomic::Ordering;
use unirank_ivc::JobRegion;
use unirank_ivc::ring::{Receiver, Sender};

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
}

fn garbage(from: u32, what: &str) -> MpiError {
    let text = format!(
        "rank {from} has written {what} into its ring: its memory is corrupt, or its version another"
    );
    MpiError::new(MPI_ERR_INTERN, text)
}

impl Ivc {
    /// The rings of rank `me`, none yet. The region stays mapped for the rest of the process's life.
    pub fn new(region: JobRegion, me: u32) -> Self {
        let n = region.layout().ranks as usize;
        let out = (0..n).map(|_| Out::Untried).collect();
        Self { region, me, out, incoming: Vec::new(), places: vec![None; n], published: 0 }
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

    /// Sends eager data that lies in one piece. False: the ring has no room now, or there is none.
    ///
    /// # Safety
    /// `len` bytes from `at` are readable; no more than [`Self::max_len`].
    #[inline]
    pub unsafe fn try_bytes(&mut self, to: u32, header: &Header, at: *const u8, len: usize) -> bool {
        let Some(sender) = self.sender(to) else { return false };
        let (head, _) = wire::encode(header);
        if len <= unirank_ivc::ring::INLINE {
            // SAFETY: the caller's promise; an empty message may come without an address.
            let data = if len == 0 { &[][..] } else { unsafe { std::slice::from_raw_parts(at, len) } };
            return sender.send(head, data);
        }
        // SAFETY: the caller's promise; the ring gives room for `len` bytes, which are no one's.
        sender.send_long(head, len, |to| unsafe { to.copy_from_nonoverlapping(at, len) })
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

    /// Looks for rings that were published since the last look.
    #[inline]
    fn discover(&mut self) -> Result<()> {
        let published = self.region.page(self.me).rings().load(Ordering::Acquire);
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

    /// Gives `sink` the messages that lie in the rings, some of each: sender, header, data.
    #[inline]
    pub fn poll(&mut self, mut sink: impl FnMut(u32, &mut Header, &[u8])) -> Result<bool> {
        /// Messages taken from one ring before the next one's turn.
        const TURN: usize = 64;
        self.discover()?;
        let mut happened = false;
        for In { from, ring } in &mut self.incoming {
            for _ in 0..TURN {
                if !ring.is_ready() {
                    break;
                }
                let Some(message) = ring.peek().map_err(|_| garbage(*from, "what is no message"))? else {
                    break;
                };
                let mut header =
                    wire::decode(&message).ok_or_else(|| garbage(*from, "an unknown message"))?;
                message.with_data(|at| {
                    // SAFETY: the message has `len` bytes, which the sender leaves alone until it is taken out.
                    sink(*from, &mut header, unsafe { std::slice::from_raw_parts(at, message.len) });
                });
                if ring.pop() {
                    node::wake(*from);
                }
                happened = true;
            }
        }
        Ok(happened)
    }
}
