//! A network inside this process, for tests: loses nothing, has little room, and takes its time at random.

use super::remote::{Action, Remote};
use super::{Channel, Event, Payload, Read, Sleeper};
use crate::Result;
use std::alloc::{Layout, alloc_zeroed};
use std::collections::VecDeque;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Reproducible randomness (xorshift64*).
#[derive(Clone)]
pub struct Random(pub u64);

impl Random {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}

/// Properties of a simulated network.
#[derive(Clone, Copy)]
pub struct Nature {
    /// Messages and reads a rank may have posted.
    pub room: usize,
    /// Messages that may wait at a receiver.
    pub inbox: usize,
    /// Largest message.
    pub max_message: usize,
    /// Delivers messages of a pair out of order.
    pub reorders: bool,
    /// Seed of its mood.
    pub seed: u64,
}

impl Default for Nature {
    fn default() -> Self {
        Self { room: 8, inbox: 16, max_message: 1024, reorders: false, seed: 1 }
    }
}

#[derive(Default)]
struct Inbox {
    messages: VecDeque<(u32, Vec<u8>)>,
    gone: Vec<u32>,
    /// Somebody woke the rank since it last slept.
    rung: bool,
}

/// The wires between `n` ranks.
pub struct Network {
    inboxes: Vec<(Mutex<Inbox>, Condvar)>,
    nature: Nature,
}

impl Network {
    /// A network of `size` ranks.
    pub fn new(size: u32, nature: Nature) -> Arc<Self> {
        Arc::new(Self { inboxes: (0..size).map(|_| Default::default()).collect(), nature })
    }

    /// The channel of one rank.
    pub fn channel(self: &Arc<Self>, rank: u32) -> SimChannel {
        let random = Random(self.nature.seed * 7919 + u64::from(rank) + 1);
        SimChannel { rank, network: self.clone(), posted: VecDeque::new(), random, refused: false }
    }

    /// Tells all others that `rank` has ended.
    pub fn end(&self, rank: u32) {
        for (at, (_, bell)) in self.inboxes.iter().enumerate() {
            if at != rank as usize {
                self.inbox(at as u32).gone.push(rank);
                bell.notify_all();
            }
        }
    }

    /// Ends the sleep of `rank`.
    pub fn ring(&self, rank: u32) {
        self.inbox(rank).rung = true;
        self.inboxes[rank as usize].1.notify_all();
    }

    fn sleep(&self, rank: u32, timeout_ns: u64) {
        let mut inbox = self.inbox(rank);
        let rung = std::mem::take(&mut inbox.rung);
        if !rung && inbox.messages.is_empty() && inbox.gone.is_empty() {
            drop(self.inboxes[rank as usize].1.wait_timeout(inbox, Duration::from_nanos(timeout_ns)));
        }
    }

    fn inbox(&self, rank: u32) -> MutexGuard<'_, Inbox> {
        self.inboxes[rank as usize].0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Posted {
    Message(u32, Vec<u8>),
    Read(Read),
    Remote(Remote),
}

/// One rank's end.
pub struct SimChannel {
    rank: u32,
    network: Arc<Network>,
    posted: VecDeque<Posted>,
    random: Random,
    refused: bool,
}

impl SimChannel {
    fn room(&mut self) -> bool {
        let room = self.posted.len() < self.network.nature.room && self.random.below(8) != 0;
        self.refused |= !room;
        room
    }

    /// Carries out the oldest posted item, or any; gives the token of a read. None: it has to wait.
    fn execute(&mut self) -> Option<Option<u64>> {
        let at = match self.network.nature.reorders {
            true if !self.posted.is_empty() => self.random.below(self.posted.len() as u64) as usize,
            _ => 0,
        };
        if let Posted::Message(to, _) = self.posted.get(at)? {
            if self.network.inbox(*to).messages.len() >= self.network.nature.inbox {
                return None;
            }
        }
        match self.posted.remove(at)? {
            Posted::Message(to, bytes) => {
                self.network.inbox(to).messages.push_back((self.rank, bytes));
                self.network.inboxes[to as usize].1.notify_all();
                Some(None)
            }
            Posted::Read(read) => {
                // SAFETY: simulated ranks share the address space; the protocol keeps the remote memory readable and the
                // local memory writable until the read is reported, as with a real adapter.
                unsafe { (read.remote as *const u8).copy_to_nonoverlapping(read.local, read.len as usize) };
                Some(Some(read.token))
            }
            Posted::Remote(access) => {
                carry_out(&access);
                Some(Some(access.token))
            }
        }
    }
}

/// What an adapter does with a one-sided access.
fn carry_out(access: &Remote) {
    let (local, remote, len) = (access.local, access.remote as *mut u8, access.len as usize);
    let word = || {
        assert!(access.remote % 8 == 0 && len == 8, "bad atomic {access:?}");
        // SAFETY: simulated ranks share the address space; the word is an aligned one of a window.
        unsafe { AtomicU64::from_ptr(remote.cast()) }
    };
    // SAFETY: as for a read: both sides are valid until the access is reported.
    unsafe {
        match access.action {
            Action::Read => remote.copy_to(local, len),
            Action::Write => local.copy_to(remote, len),
            Action::FetchAdd(add) => local.cast::<u64>().write_unaligned(word().fetch_add(add, SeqCst)),
            Action::CompareSwap { compare, swap } => {
                let old = word().compare_exchange(compare, swap, SeqCst, SeqCst);
                local.cast::<u64>().write_unaligned(old.unwrap_or_else(|old| old));
            }
        }
    }
}

impl Channel for SimChannel {
    fn max_message(&self) -> usize {
        self.network.nature.max_message
    }

    fn memory_key(&self) -> u32 {
        42
    }

    fn try_send(&mut self, to: u32, header: &[u8], data: Payload<'_>) -> Result<bool> {
        assert!(header.len() + data.size() <= self.max_message(), "message too long");
        assert_ne!(to, self.rank, "message to oneself");
        if !self.room() {
            return Ok(false);
        }
        let mut bytes = header.to_vec();
        if let Payload::Fill(len, fill) = data {
            bytes.resize(header.len() + len, 0);
            fill(&mut bytes[header.len()..]);
        }
        self.posted.push_back(Posted::Message(to, bytes));
        Ok(true)
    }

    fn try_read(&mut self, read: &Read) -> Result<bool> {
        assert!(read.key == 42 && read.len > 0 && read.len <= super::MAX_READ, "bad read {read:?}");
        let room = self.room();
        if room {
            self.posted.push_back(Posted::Read(*read));
        }
        Ok(room)
    }

    fn window_key(&mut self) -> Result<u32> {
        Ok(43)
    }

    fn window_memory(&mut self, bytes: usize) -> Result<NonNull<u8>> {
        let layout = Layout::from_size_align(bytes.max(64), 64).expect("a size");
        // SAFETY: the size is not zero.
        Ok(NonNull::new(unsafe { alloc_zeroed(layout) }).expect("memory"))
    }

    fn try_remote(&mut self, access: &Remote) -> Result<bool> {
        assert!(access.key == 43 && access.len > 0 && access.len <= super::MAX_READ, "bad access {access:?}");
        let room = self.room();
        if room {
            self.posted.push_back(Posted::Remote(*access));
        }
        Ok(room)
    }

    fn poll(&mut self, sink: &mut dyn FnMut(Event<'_>)) -> Result<bool> {
        let mut happened = false;
        for _ in 0..self.random.below(6) {
            let Some(done) = self.execute() else { break };
            happened = true;
            if let Some(token) = done {
                sink(Event::ReadDone { token });
            }
        }
        for _ in 0..self.random.below(6) {
            let message = self.network.inbox(self.rank).messages.pop_front();
            let Some((from, bytes)) = message else { break };
            happened = true;
            sink(Event::Message { from, bytes: &bytes });
        }
        let gone = {
            let mut inbox = self.network.inbox(self.rank);
            if inbox.messages.is_empty() { std::mem::take(&mut inbox.gone) } else { Vec::new() }
        };
        for rank in gone {
            happened = true;
            sink(Event::Gone { rank, reason: "simulated" });
        }
        if std::mem::take(&mut self.refused) {
            happened = true;
            sink(Event::Room);
        }
        Ok(happened)
    }

    fn arm(&mut self) {}

    fn sleep(&mut self, timeout_ns: u64) {
        if self.posted.is_empty() {
            self.network.sleep(self.rank, timeout_ns);
        }
    }

    fn sleeper(&self) -> Sleeper {
        let (network, rank) = (self.network.clone(), self.rank);
        Rc::new(move |timeout_ns| network.sleep(rank, timeout_ns))
    }

    fn quiesce(&mut self) -> bool {
        self.posted.is_empty()
    }
}
