//! Messages over the HCA: reliable connected queue pairs made on demand, one completion queue, one shared receive queue.
//!
//! Memory, all bounded: receive buffers (256, or 512 in jobs of more than 16 ranks, of one eager message each, 8 KiB unless
//! `UNIRANK_EAGER` changes it), 64 send buffers, completion queue 256 KiB, and per connected rank a send queue of 8 KiB (4 KiB in
//! jobs of more than 256 ranks). When receive buffers run out the adapters retry without limit; when send buffers,
//! send queue or completion queue entries run out the engine keeps the message queued.

mod buffers;
mod link;
mod remote;

use super::remote::Remote;
use super::{Channel, Event, Payload, Read, Sleeper};
use crate::Result;
use crate::abi::{MPI_ERR_INTERN, MPI_ERR_OTHER};
use crate::error::MpiError;
use buffers::Buffers;
use link::{Held, Link};
use std::collections::HashMap;
use std::fmt::Display;
use std::ptr::NonNull;
use std::rc::Rc;
use unirank_hca::{
    Access, Completion, CompletionKind, CompletionQueue, Device, Error, GuestAddr, MemoryRegion, Platform,
    ProtectionDomain, QpInit, QueuePair, Rank, Rkey, SendRequest, Service, Sge, SharedReceiveQueue,
};

/// Service number of MPI messages on connections.
const SERVICE: Service = Service(1);
/// Bytes, header included, up to which a message goes inside its work request: what fills four blocks.
const MAX_INLINE: usize = 236;
/// Entries of the completion queue.
const CQ_ENTRIES: usize = 4096;
/// Buffers for messages that do not fit a work request.
const SEND_BUFFERS: u32 = 64;
/// Completions taken at once.
const BATCH: usize = 32;

/// The channel of this rank.
// Fields are dropped in order: queue pairs before the queues they use.
pub struct HcaChannel {
    links: HashMap<u32, Link>,
    peers: HashMap<u32, u32>,
    srq: SharedReceiveQueue,
    cq: CompletionQueue,
    memory: MemoryRegion,
    /// Start and length of the memory that peers may use.
    reach: (u64, u64),
    /// The same memory with the rights that windows need; registered with the first window.
    window: Option<MemoryRegion>,
    pd: ProtectionDomain,
    device: Device,
    receive: Buffers,
    send: Buffers,
    free: Vec<u32>,
    message_size: usize,
    send_blocks: usize,
    /// Signalled requests that may be outstanding: more could overrun the completion queue.
    signals: u32,
    /// What was consumed of the completion queue when it was armed.
    armed: Option<u32>,
    /// Somebody was refused for want of room.
    refused: bool,
    /// Ranks that ended, to be told once no completion is left.
    gone: Vec<(u32, String)>,
    /// Polls since events were last looked at.
    since_events: u32,
    batch: [Completion; BATCH],
}

fn failed(what: &str) -> impl Fn(Error) -> MpiError + '_ {
    move |error| MpiError::new(MPI_ERR_OTHER, format!("{what}: {error}"))
}

fn internal(what: impl Display) -> MpiError {
    MpiError::new(MPI_ERR_INTERN, what.to_string())
}

impl HcaChannel {
    /// Opens the adapter. `eager` is the wanted eager limit; `[reach.0, reach.0 + reach.1)` is the memory that peers may read.
    pub fn open(platform: Rc<dyn Platform>, eager: usize, reach: (u64, u64)) -> Result<Self> {
        let device = Device::open(platform).map_err(failed("opening the HCA"))?;
        let pd = device.alloc_pd().map_err(failed("allocating a protection domain"))?;
        let cq = device.create_cq(CQ_ENTRIES).map_err(failed("creating the completion queue"))?;
        let size = device.size();
        let count: u32 = if size > 16 { 512 } else { 256 };
        let srq = device.create_srq(&pd, count as usize, 1).map_err(failed("creating the receive queue"))?;
        // SAFETY: the memory of the process as a whole lives as long as the process; peers read in it what a rendezvous names.
        let memory = unsafe { device.reg_mr(&pd, GuestAddr(reach.0), reach.1, Access::REMOTE_READ) }
            .map_err(failed("registering memory"))?;
        let message_size = (eager + crate::p2p::header::SHORT).clamp(256, 64 << 10).next_multiple_of(64);
        // Larger messages get fewer buffers in the same memory.
        let count = count.min(((4 << 20) / message_size) as u32);
        let receive = Buffers::new(device.platform(), device.lkey(), count, message_size)?;
        let send = Buffers::new(device.platform(), device.lkey(), SEND_BUFFERS, message_size)?;
        let mut channel = Self {
            links: HashMap::new(),
            peers: HashMap::new(),
            signals: (cq.capacity() - srq.capacity()) as u32,
            armed: None,
            srq,
            cq,
            memory,
            reach,
            window: None,
            pd,
            receive,
            send,
            free: (0..SEND_BUFFERS).collect(),
            message_size,
            send_blocks: if size > 256 { 64 } else { 128 },
            refused: false,
            gone: Vec::new(),
            since_events: 0,
            batch: [Completion::EMPTY; BATCH],
            device,
        };
        (0..channel.receive.count()).try_for_each(|index| channel.post_receive(index))?;
        channel.srq.ring();
        Ok(channel)
    }

    /// Rank and size of the job as the host says.
    pub fn rank_and_size(&self) -> (u32, u32) {
        (self.device.rank().0, self.device.size())
    }

    /// The adapter.
    pub fn device(&self) -> &Device {
        &self.device
    }

    fn post_receive(&mut self, index: u32) -> Result<()> {
        // SAFETY: the buffer is never freed, and not looked at until its completion.
        unsafe { self.srq.post(u64::from(index), &[self.receive.sge(index)]) }
            .map_err(|error| internal(format!("posting receive buffer {index}: {error}")))
    }

    /// Whether `peer` can be sent to now; starts to connect if it was never tried.
    fn ready(&mut self, peer: u32) -> Result<bool> {
        let Some(link) = self.links.get(&peer) else {
            self.connect(peer)?;
            return Ok(false);
        };
        Ok(self.signals > 0 && !link.failed && is_connected(&link.qp))
    }

    fn connect(&mut self, peer: u32) -> Result<()> {
        let init = QpInit {
            srq: Some(self.srq.clone()),
            send_blocks: self.send_blocks,
            max_inline: MAX_INLINE,
            max_sges: 1,
            receives: 0,
            // What is allowed is said by the regions: writes and atomics need the key of a window.
            access: Access::ALL,
            ..QpInit::new(&self.pd, &self.cq, &self.cq)
        };
        let what = format!("connecting to rank {peer}");
        let qp = self.device.create_qp(&init).map_err(failed(&what))?;
        self.peers.insert(qp.number().0, peer);
        qp.connect(Rank(peer), SERVICE).map_err(failed(&what))?;
        self.links.insert(peer, Link::new(peer, qp));
        Ok(())
    }

    fn send_now(&mut self, to: u32, header: &[u8], data: Payload<'_>) -> Result<bool> {
        if !self.ready(to)? {
            return Ok(false);
        }
        let Some(link) = self.links.get_mut(&to) else { return Ok(false) };
        let len = header.len() + data.size();
        let before = link.signalled;
        let put = |bytes: &mut [u8]| {
            bytes[..header.len()].copy_from_slice(header);
            if let Payload::Fill(_, fill) = data {
                fill(&mut bytes[header.len()..]);
            }
        };
        let request = SendRequest::send(link.number());
        let sent = if len <= MAX_INLINE {
            let mut bytes = [0; MAX_INLINE];
            put(&mut bytes[..len]);
            // SAFETY: inline bytes are copied.
            unsafe { link.post(request.inline(&[&bytes[..len]]), None, false) }
        } else {
            // A rank that takes nothing must not hold all buffers.
            let greedy = link.buffers >= SEND_BUFFERS / 4;
            let Some(&index) = self.free.last().filter(|_| !greedy) else { return Ok(false) };
            put(self.send.bytes_mut(index, len));
            let sges = [self.send.part(index, len)];
            // While buffers are plenty their return can wait for the next completion.
            let scarce = self.free.len() < SEND_BUFFERS as usize / 2 || link.buffers >= SEND_BUFFERS / 8;
            // SAFETY: the buffer is not used again before the link releases it.
            let sent = unsafe { link.post(request.sges(&sges), Some(Held::Buffer(index)), scarce) };
            if sent == Ok(true) {
                self.free.pop();
            }
            sent
        };
        self.signals -= link.signalled - before;
        sent.map_err(|error| internal(format!("sending to rank {to}: {error}")))
    }

    fn read_now(&mut self, read: &Read) -> Result<bool> {
        if !self.ready(read.from)? {
            return Ok(false);
        }
        let Some(link) = self.links.get_mut(&read.from) else { return Ok(false) };
        let sges = [Sge::new(read.local, read.len as u32, self.device.lkey())];
        let request = SendRequest::read(link.number(), GuestAddr(read.remote), Rkey(read.key)).sges(&sges);
        // SAFETY: the engine keeps the memory until the read is reported.
        let sent = unsafe { link.post(request, Some(Held::Read(read.token)), true) }
            .map_err(|error| internal(format!("reading from rank {}: {error}", read.from)))?;
        self.signals -= u32::from(sent);
        Ok(sent)
    }

    fn complete(&mut self, completion: Completion, sink: &mut dyn FnMut(Event<'_>)) -> Result<()> {
        let Some(&peer) = self.peers.get(&completion.qpn.0) else {
            return Err(internal(format!("a completion of the unknown queue pair {}", completion.qpn.0)));
        };
        if let Err(failure) = completion.result {
            self.lose(peer, format!("its queue pair failed: {failure}"));
            // What a dying sender began to deliver.
            return if completion.is_receive() { self.post_receive(completion.wr_id as u32) } else { Ok(()) };
        }
        match completion.kind {
            CompletionKind::Receive => {
                let index = completion.wr_id as u32;
                let bytes = self.receive.bytes(index, completion.byte_len as usize);
                sink(Event::Message { from: peer, bytes });
                self.post_receive(index)
            }
            CompletionKind::Send
            | CompletionKind::Read
            | CompletionKind::Write
            | CompletionKind::Atomic
            | CompletionKind::Nop => {
                let Some(link) = self.links.get_mut(&peer) else { return Ok(()) };
                link.completed();
                self.signals += 1;
                while let Some(held) = link.release(completion.wr_id) {
                    match held {
                        Held::Buffer(index) => self.free.push(index),
                        Held::Read(token) => sink(Event::ReadDone { token }),
                    }
                }
                Ok(())
            }
            other => Err(internal(format!("rank {peer} caused a completion of kind {other:?}"))),
        }
    }

    fn lose(&mut self, peer: u32, reason: String) {
        if let Some(link) = self.links.get_mut(&peer) {
            link.failed = true;
        }
        self.gone.push((peer, reason));
    }

    fn events(&mut self) -> Result<bool> {
        let mut happened = false;
        while let Some(event) = self.device.poll_event().map_err(failed("looking for events"))? {
            happened = true;
            match event {
                unirank_hca::Event::ConnectRequest { peer, service } => {
                    let known = service != SERVICE || self.links.contains_key(&peer.0);
                    if !known && peer.0 < self.device.size() {
                        self.connect(peer.0)?;
                    }
                }
                unirank_hca::Event::Connected { .. } => self.refused = true,
                unirank_hca::Event::QpFatal { qpn, reason } => {
                    if let Some(&peer) = self.peers.get(&qpn.0) {
                        self.lose(peer, format!("its queue pair failed: {reason}"));
                    }
                }
                unirank_hca::Event::CqError { cqn } => {
                    return Err(internal(format!("completion queue {} has overrun", cqn.0)));
                }
                unirank_hca::Event::PeerGone { rank } => self.lose(rank.0, "the host reports its end".into()),
            }
        }
        Ok(happened)
    }
}

fn is_connected(qp: &QueuePair) -> bool {
    qp.state() == unirank_hca::command::QpState::Rts
}

impl Channel for HcaChannel {
    fn max_message(&self) -> usize {
        self.message_size
    }

    fn memory_key(&self) -> u32 {
        self.memory.rkey().0
    }

    fn try_send(&mut self, to: u32, header: &[u8], data: Payload<'_>) -> Result<bool> {
        let sent = self.send_now(to, header, data)?;
        self.refused |= !sent;
        Ok(sent)
    }

    fn try_read(&mut self, read: &Read) -> Result<bool> {
        let sent = self.read_now(read)?;
        self.refused |= !sent;
        Ok(sent)
    }

    fn window_key(&mut self) -> Result<u32> {
        self.open_window()
    }

    fn window_memory(&mut self, bytes: usize) -> Result<NonNull<u8>> {
        self.adapter_memory(bytes)
    }

    fn try_remote(&mut self, access: &Remote) -> Result<bool> {
        let sent = self.access_now(access)?;
        self.refused |= !sent;
        Ok(sent)
    }

    fn poll(&mut self, sink: &mut dyn FnMut(Event<'_>)) -> Result<bool> {
        let mut batch = self.batch;
        let taken = self.cq.poll(&mut batch).map_err(failed("polling for completions"))?;
        for completion in &batch[..taken] {
            self.complete(*completion, sink)?;
        }
        if taken > 0 {
            self.srq.ring();
        }
        self.since_events += 1;
        let mut happened = taken > 0;
        if taken == 0 || self.since_events >= 16 {
            self.since_events = 0;
            happened |= self.events()?;
        }
        if taken == 0 && !happened {
            // Messages that came before the end were all taken by now.
            for (rank, reason) in std::mem::take(&mut self.gone) {
                happened = true;
                sink(Event::Gone { rank, reason: &reason });
            }
        }
        if happened && std::mem::take(&mut self.refused) {
            sink(Event::Room);
        }
        Ok(happened)
    }

    fn arm(&mut self) {
        // A doorbell keeps the engine awake for milliseconds: none for what it was told before.
        let consumed = self.cq.consumed();
        if self.armed.replace(consumed) != Some(consumed) {
            self.cq.arm();
        }
    }

    fn sleep(&mut self, timeout_ns: u64) {
        self.device.beat();
        self.device.wait_event(timeout_ns);
    }

    fn sleeper(&self) -> Sleeper {
        let device = self.device.clone();
        Rc::new(move |timeout_ns| {
            device.beat();
            device.wait_event(timeout_ns);
        })
    }

    fn quiesce(&mut self) -> bool {
        let mut quiet = true;
        for link in self.links.values_mut() {
            let before = link.signalled;
            quiet &= link.is_quiet();
            self.signals -= link.signalled - before;
        }
        quiet
    }
}
