//! The queue pair to one other rank, and what is under way on it.

use std::collections::VecDeque;
use unirank_hca::{PostError, QueuePair, SendRequest};

/// What a request on the send queue holds until it is complete.
pub enum Held {
    /// A buffer of the send pool.
    Buffer(u32),
    /// A read that somebody waits for.
    Read(u64),
}

/// A queue pair with the books on its send queue.
pub struct Link {
    /// Rank in `MPI_COMM_WORLD` of the other side.
    pub peer: u32,
    /// The queue pair.
    pub qp: QueuePair,
    /// It failed: nothing goes out any more.
    pub failed: bool,
    /// Number of the next request.
    next: u64,
    /// Requests since the last signalled one.
    unsignalled: u32,
    /// Signalled requests that are not complete.
    pub signalled: u32,
    /// Requests that hold something, oldest first, with their numbers.
    held: VecDeque<(u64, Held)>,
    /// Buffers of the send pool among them.
    pub buffers: u32,
}

/// Every so many requests one asks for a completion, so that the send queue drains.
const SIGNAL_EVERY: u32 = 16;

impl Link {
    /// A link over a new queue pair.
    pub fn new(peer: u32, qp: QueuePair) -> Self {
        Self {
            peer,
            qp,
            failed: false,
            next: 0,
            unsignalled: 0,
            signalled: 0,
            held: VecDeque::with_capacity(32),
            buffers: 0,
        }
    }

    /// Number for the next request's `wr_id`.
    pub fn number(&self) -> u64 {
        self.next
    }

    /// Posts a request that was made with [`Self::number`]; `wanted` asks for a completion. False: no room.
    ///
    /// # Safety
    /// As [`QueuePair::post`]; `held` keeps the memory until completion.
    pub unsafe fn post(
        &mut self,
        request: SendRequest<'_>,
        held: Option<Held>,
        wanted: bool,
    ) -> Result<bool, PostError> {
        let signal = wanted || self.unsignalled + 1 >= SIGNAL_EVERY;
        let request = if signal { request.signalled() } else { request };
        // SAFETY: the caller's promise.
        match unsafe { self.qp.post_send(&request) } {
            Ok(()) => {}
            Err(PostError::QueueFull | PostError::NotReady) => return Ok(false),
            Err(error) => return Err(error),
        }
        if signal {
            self.signalled += 1;
            self.unsignalled = 0;
        } else {
            self.unsignalled += 1;
        }
        if let Some(held) = held {
            self.buffers += u32::from(matches!(held, Held::Buffer(_)));
            self.held.push_back((self.next, held));
        }
        self.next += 1;
        Ok(true)
    }

    /// Request `number`, and with it all before, is complete.
    pub fn completed(&mut self) {
        self.signalled -= 1;
    }

    /// What requests up to `number` held, one by one.
    pub fn release(&mut self, number: u64) -> Option<Held> {
        self.held.front().filter(|(oldest, _)| *oldest <= number)?;
        let (_, held) = self.held.pop_front()?;
        self.buffers -= u32::from(matches!(held, Held::Buffer(_)));
        Some(held)
    }

    /// Whether everything posted is complete. If the last request asked for no completion, one that does follows.
    pub fn is_quiet(&mut self) -> bool {
        if self.failed {
            return true;
        }
        if self.unsignalled > 0 {
            // SAFETY: a no-operation uses no memory.
            if let Err(error) = unsafe { self.post(SendRequest::nop(self.next), None, true) } {
                eprintln!("unirank: draining the queue to rank {}: {error}", self.peer);
                self.failed = true;
            }
        }
        self.signalled == 0 && self.unsignalled == 0
    }
}
