//! The protocol engine of one rank: requests, matching, eager and rendezvous messages, credit.
//!
//! # Protocols
//! *Eager*: data that fits one message goes with its header while the receiver's credit for this sender lasts, and the send is complete.
//! A synchronous send asks for a `Fin` when it is matched.
//!
//! *Rendezvous*: otherwise only a header goes. Once matched, the receiver reads the data from the sender's memory, straight to
//! its place if both sides are contiguous, and ends the send with `Fin`. A scattered receive buffer is filled through two pieces in turn.
//! Scattered data is packed by the sender: on the receiver's host to its place if that is contiguous and mapped, else into the
//! ring ([`stream`]); elsewhere into two pieces in turn, each announced to and read by the receiver.
//!
//! *Credit*: a sender may have [`super::peer::window`] bytes of eager data unconsumed at a receiver; beyond it every send is a rendezvous, unless
//! its data is no longer than a header. So unexpected data at a rank is bounded, and any correct program proceeds. Credit returns with any message, or alone when half the window is owed.
//!
//! # Order
//! Matchable messages are numbered per ordered pair of ranks, and matched in that order even if a channel reorders them.
//!
//! # Progress
//! The channel's callback only changes state and appends to the peers' queues; [`Engine::progress`] then flushes the queues. Nothing recurses.

mod arrival;
mod buffers;
mod early;
mod immediate;
mod links;
mod pull;
mod receive;
mod remote;
mod requests;
mod runs;
mod send;
pub mod share;
mod spin;
mod stream;
mod under_way;
mod wait;

pub use immediate::{Quick as EngineQuick, Started};
use links::Sent;
pub use links::{Choice, Links};
pub use receive::Taken;
pub use requests::Collected;
pub use wait::{Pace, Turn, Waiting};

use super::header::{Header, Kind};
use super::held::Held;
use super::matching::Matcher;
use super::peer::{self, Outgoing, Peer};
use super::pieces::Pieces;
use super::request::{Asked, Request};
use super::slab::Slab;
use crate::check::overlap::Spans;
use crate::error::{MpiError, Result};
use crate::observe;
use crate::threads;
use crate::transport::remote::REMOTE;
use crate::transport::{Event, Payload, Sleeper};
use immediate::Direct;
use pull::Due;
use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

/// Messages taken out of one ring before the next one's turn.
const TURN: usize = 64;

/// A message that no receive was posted for.
pub enum Unexpected {
    /// With its data.
    Eager {
        /// Rank of the sender in `MPI_COMM_WORLD`.
        from: u32,
        /// The sender's request if it waits for a match, otherwise 0.
        token: u64,
        /// The data.
        data: Held,
    },
    /// The data is at the sender.
    Rendezvous {
        /// Rank of the sender in `MPI_COMM_WORLD`.
        from: u32,
        /// Says where.
        header: Header,
    },
    /// Sent to oneself: the data is in that request's buffer.
    Own {
        /// The request.
        send: u32,
        /// Bytes of data.
        len: usize,
    },
}

impl Unexpected {
    /// Bytes of data.
    pub fn size(&self) -> u64 {
        match self {
            Self::Eager { data, .. } => data.len() as u64,
            Self::Rendezvous { header, .. } => header.size,
            Self::Own { len, .. } => *len as u64,
        }
    }
}

/// A read under way and the part of the message that it brings.
struct Reading {
    request: u32,
    offset: usize,
    len: usize,
    slot: u32,
}

/// All of the engine but the channel, so that the channel's callback may change it.
pub struct Core {
    rank: u32,
    matcher: Matcher<u32, Unexpected>,
    requests: Slab<Request>,
    generation: u32,
    peers: Vec<Peer>,
    /// Peers whose queue is not empty.
    backlog: Vec<u32>,
    readings: Slab<Reading>,
    /// Memory for scattered data.
    pieces: Pieces,
    /// One-sided accesses under way: how many of their operation are left.
    flights: Slab<Rc<Cell<u32>>>,
    eager_limit: usize,
    window: u32,
    /// Credit for messages to oneself.
    own_credit: u32,
    memory_key: u32,
    /// Set once: every later wait fails with it.
    failed: Option<MpiError>,
    /// `MPI_Finalize` has begun: ranks may end.
    closing: bool,
    /// Ranks end when they have closed their sessions, while others go on.
    ranks_may_end: bool,
    /// A blocking receive that waits without a request.
    direct: Option<Direct>,
    /// What a blocking probe looks for.
    probing: Option<Asked>,
    /// The buffers of operations under way.
    spans: Spans,
    /// Bytes up to which a message goes into a ring with its data.
    ring_eager: usize,
    /// Ranks of this host are read by load and store, or the system's calls for that.
    shares_memory: bool,
    /// Whether there is a ring from a rank: credit goes back through it.
    by_ring: Vec<bool>,
    /// Receives by shared copies of which the sender has not reported all chunks.
    sharing: Vec<u32>,
    /// Ranks that are owed credit through their ring.
    creditors: Vec<u32>,
    /// Messages to be copied, one at a time.
    due: VecDeque<Due>,
}

/// The engine of one rank.
pub struct Engine {
    core: Core,
    links: Links,
    pace: Pace,
    spin: spin::Spin,
    looks: wait::Looks,
    sleeper: Sleeper,
}

impl Engine {
    /// The engine of `rank` among `size`; `eager_limit` is lowered to what the ways can carry.
    pub fn new(rank: u32, size: u32, links: Links, eager_limit: usize, pace: Pace) -> Self {
        let eager_limit = eager_limit.min(links.channel.max_message() - super::header::SHORT);
        let ring_eager = links.ivc.as_ref().map_or(0, |ivc| ivc.max_len().min(eager_limit));
        let window = peer::window(size, eager_limit);
        let mut core = Core {
            rank,
            matcher: Matcher::default(),
            requests: Slab::default(),
            generation: 0,
            peers: (0..size).map(|_| Peer::new(window)).collect(),
            backlog: Vec::new(),
            readings: Slab::default(),
            pieces: Pieces::default(),
            flights: Slab::default(),
            eager_limit,
            window,
            own_credit: window,
            memory_key: links.channel.memory_key(),
            failed: None,
            closing: false,
            ranks_may_end: false,
            direct: None,
            probing: None,
            spans: Spans::default(),
            ring_eager,
            shares_memory: links.ivc.is_some(),
            by_ring: vec![false; size as usize],
            sharing: Vec::new(),
            creditors: Vec::new(),
            due: VecDeque::new(),
        };
        // Windows are symmetric: who can be read here reads here.
        for (rank, peer) in core.peers.iter_mut().enumerate() {
            peer.reads_here = core.shares_memory && crate::node::direct(rank as u32, 0, 0, false).is_some();
        }
        let spin = spin::Spin::new(pace.spin_ns);
        let sleeper = links.channel.sleeper();
        Self { core, links, pace, spin, looks: wait::Looks::default(), sleeper }
    }

    /// Looks at rings and adapter, and sends what waits. False: nothing happened.
    #[inline]
    pub fn progress(&mut self) -> Result<bool> {
        if let Some(error) = &self.core.failed {
            return Err(error.clone());
        }
        let mut happened = self.look_at_rings(TURN)?;
        if self.links.is_channel_due() {
            happened |= self.poll_channel()?;
        }
        if !self.core.sharing.is_empty() {
            happened |= self.core.look_at_shares(&self.links);
        }
        happened |= self.core.copy_next();
        if happened {
            threads::happened();
        }
        if happened || self.links.waits_for_ring {
            self.flush()?;
        }
        match &self.core.failed {
            Some(error) => Err(error.clone()),
            None => Ok(happened),
        }
    }

    /// Takes up to `turn` messages out of each ring, fewer when one was what somebody waits for.
    #[inline]
    fn look_at_rings(&mut self, turn: usize) -> Result<bool> {
        let Some(ivc) = &mut self.links.ivc else { return Ok(false) };
        let core = &mut self.core;
        let outcome = ivc.poll(turn, core);
        outcome.inspect_err(|error| core.failed = Some(error.clone()))
    }

    fn poll_channel(&mut self) -> Result<bool> {
        let core = &mut self.core;
        let outcome = self.links.channel.poll(&mut |event| core.handle(event));
        outcome.inspect_err(|error| core.failed = Some(error.clone()))
    }

    /// Sends from the peers' queues while there is room.
    #[inline]
    fn flush(&mut self) -> Result<()> {
        if !self.core.creditors.is_empty() {
            self.give_credits();
        }
        if self.core.backlog.is_empty() { Ok(()) } else { self.flush_backlog() }
    }

    /// Gives credit back through rings.
    #[inline]
    fn give_credits(&mut self) {
        let Some(ivc) = &mut self.links.ivc else { return };
        for from in self.core.creditors.drain(..) {
            let owed = std::mem::take(&mut self.core.peers[from as usize].owed);
            ivc.give_credit(from, owed);
        }
    }

    fn flush_backlog(&mut self) -> Result<()> {
        self.links.waits_for_ring = false;
        let mut at = 0;
        while let Some(&to) = self.core.backlog.get(at) {
            if self.core.flush_peer(&mut self.links, to)? {
                self.core.backlog.swap_remove(at);
            } else {
                at += 1;
            }
        }
        Ok(())
    }

    /// Whether the user wants everything to take the adapter.
    pub fn is_adapter_wanted(&self) -> bool {
        self.links.is_adapter_wanted()
    }

    /// Bytes up to which sends may be eager.
    pub fn eager_limit(&self) -> usize {
        self.core.eager_limit
    }

    /// Bytes of eager data in the unexpected queue.
    pub fn unexpected_bytes(&self) -> u64 {
        let held = |(_, message): &(_, Unexpected)| match message {
            Unexpected::Eager { data, .. } => data.len() as u64,
            _ => 0,
        };
        self.core.matcher.unexpected().map(held).sum()
    }

    /// Nanoseconds that a wait polls, at most.
    pub fn spin_ns(&self) -> u64 {
        self.pace.spin_ns
    }

    /// Changes [`Self::spin_ns`].
    pub fn set_spin_ns(&mut self, ns: u64) {
        self.pace.spin_ns = ns;
        self.spin = spin::Spin::new(ns);
    }

    /// Lengths of the posted and the unexpected queue.
    pub fn queue_lens(&self) -> (usize, usize) {
        self.core.matcher.lens()
    }
}

impl Core {
    /// Appends to a peer's queue; it is sent by the next flush.
    fn enqueue(&mut self, to: u32, item: Outgoing) {
        let Some(peer) = self.peers.get_mut(to as usize) else { return };
        if peer.queue.is_empty() {
            self.backlog.push(to);
        }
        peer.queue.push_back(item);
    }

    fn control(&mut self, to: u32, header: Header) {
        self.enqueue(to, Outgoing::Control(header));
    }

    /// Sends from the queue of `to`; true when it is empty.
    fn flush_peer(&mut self, links: &mut Links, to: u32) -> Result<bool> {
        loop {
            let Some(item) = self.peers[to as usize].queue.pop_front() else { return Ok(true) };
            if !self.try_outgoing(links, to, &item)? {
                self.peers[to as usize].queue.push_front(item);
                return Ok(false);
            }
        }
    }

    /// Tries one item; false when the channel has no room.
    fn try_outgoing(&mut self, links: &mut Links, to: u32, item: &Outgoing) -> Result<bool> {
        match item {
            Outgoing::Read(read) => self.try_read(links, read),
            Outgoing::Remote(access) => {
                links.channel_busy = true;
                links.channel.try_remote(access)
            }
            Outgoing::Control(header) => self.try_send(links, to, *header, None),
            Outgoing::Stream(request) => self.try_stream(links, to, *request),
            Outgoing::Share(request) => self.try_share(links, *request),
            Outgoing::Help(helping) => self.try_help(links, to, helping),
            Outgoing::Eager(header, request) => {
                let sent = self.try_send(links, to, *header, Some(*request))?;
                if sent {
                    self.eager_sent(*request, header.token != 0);
                }
                Ok(sent)
            }
        }
    }

    fn try_send(
        &mut self,
        links: &mut Links,
        to: u32,
        mut header: Header,
        data: Option<u32>,
    ) -> Result<bool> {
        let peer = &mut self.peers[to as usize];
        if header.kind == Kind::Credit {
            peer.returning = false;
            if peer.owed == 0 {
                return Ok(true);
            }
        }
        header.credit = peer.owed;
        let buffer = data.and_then(|request| self.requests.get_mut(request)).map(|entry| &mut entry.buffer);
        let sent = match buffer {
            Some(buffer) if buffer.size() > 0 => {
                let len = buffer.size();
                links.try_send(to, &header, Payload::Fill(len, &mut |out| _ = buffer.read(0, out)))?
            }
            _ => links.try_send(to, &header, Payload::None)?,
        };
        if sent != Sent::No {
            let len =
                data.and_then(|request| self.requests.get(request)).map_or(0, |entry| entry.buffer.size());
            observe::sent(to, &header, len, sent == Sent::ByRing);
        }
        if sent == Sent::ByAdapter {
            self.peers[to as usize].owed = 0;
        }
        Ok(sent != Sent::No)
    }

    fn handle(&mut self, event: Event<'_>) {
        match event {
            Event::Message { from, bytes } => self.message(from, bytes),
            Event::ReadDone { token } if token & REMOTE != 0 => self.landed(token as u32),
            Event::ReadDone { token } => self.read_done(token as u32),
            Event::Room => {}
            Event::Gone { rank, reason } => self.gone(rank, reason),
        }
    }

    /// `from` has sent what no rank of this version sends. Ignored, it would leave somebody waiting for ever.
    #[cold]
    fn garbage(&mut self, from: u32, what: &dyn std::fmt::Display) {
        let text = format!("rank {from} has sent {what}: its memory is corrupt, or its version another");
        self.failed.get_or_insert(MpiError::new(crate::abi::MPI_ERR_INTERN, text));
    }

    /// `from` has sent a message about a request that this rank does not have, or not with it, or that does not fit it.
    #[cold]
    fn not_asked_for(&mut self, from: u32, header: &Header) {
        let what = format_args!("a message ({:?}) that does not fit what was asked of it", header.kind);
        self.garbage(from, &what);
    }

    fn gone(&mut self, rank: u32, reason: &str) {
        if let Some(peer) = self.peers.get_mut(rank as usize) {
            peer.gone = true;
        }
        if !self.closing && !self.ranks_may_end && self.failed.is_none() {
            let text = format!(
                "rank {rank} has ended without MPI_Finalize ({reason}); rank {} cannot go on",
                self.rank
            );
            self.failed = Some(MpiError::new(crate::abi::MPI_ERR_PROC_ABORTED, text));
        }
    }
}
