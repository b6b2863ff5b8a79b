//! Shared receive queues: a linked list of slots in the adapter's memory, its trusted copy here.
//!
//! Free slots form the list `free_head ... free_tail`. Posting takes the head; a completion appends its slot. The last
//! free slot is never posted, so that the link of every posted slot is known when it is posted.

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::cell::Cell;

use super::device::{Core, ProtectionDomain};
use super::dma::{DmaBuffer, DoorbellRecord};
use super::error::{Error, PostError};
use super::receive_queue::ReceiveRing;
use super::send_request::Sge;
use crate::command::{Command, CreateSrq, Opcode, Reply};
use crate::dbrec;
use crate::num::SrqNum;
use crate::srq_wqe::{MAX_LOG_STRIDE, NEXT_SEG_BYTES, encode_next};

/// Receives that several queue pairs take from. Clones are the same queue; the last one destroys it.
#[derive(Clone)]
pub struct SharedReceiveQueue(pub(super) Rc<SrqState>);

#[derive(Clone, Copy)]
struct Slot {
    wr_id: u64,
    len: u32,
    next: u16,
    posted: bool,
}

pub(super) struct SrqState {
    core: Rc<Core>,
    _pd: ProtectionDomain,
    srqn: SrqNum,
    ring: ReceiveRing,
    record: DoorbellRecord,
    slots: Box<[Cell<Slot>]>,
    free_head: Cell<u16>,
    free_tail: Cell<u16>,
    posted: Cell<u16>,
    destroyed: Cell<bool>,
}

impl SharedReceiveQueue {
    /// A queue that holds at least `wqes` receives of up to `max_sges` entries each.
    pub(super) fn create(
        core: &Rc<Core>,
        pd: &ProtectionDomain,
        wqes: usize,
        max_sges: usize,
    ) -> Result<Self, Error> {
        let most = (1usize << core.limits.max_log_rq_wqes) - 1;
        // One slot always stays free.
        let log_wqes = (wqes + 1).next_power_of_two().trailing_zeros();
        if wqes == 0 || wqes > most {
            return Err(Error::Limit { what: "receives in a shared receive queue", wanted: wqes, most });
        }
        let log_stride = ReceiveRing::log_stride_for(NEXT_SEG_BYTES, max_sges.max(1));
        if max_sges > core.limits.max_sges as usize || log_stride > MAX_LOG_STRIDE {
            let most = core.limits.max_sges as usize;
            return Err(Error::Limit { what: "scatter entries of a receive", wanted: max_sges, most });
        }
        let buffer = DmaBuffer::new(&core.platform, 1 << (log_wqes + log_stride))?;
        let record = DoorbellRecord::new(&core.platform)?;
        let create = CreateSrq {
            pd: pd.number(),
            buf: buffer.addr(),
            log_wqes: log_wqes as u8,
            log_stride: log_stride as u8,
            dbrec: record.addr(),
        };
        let ring = ReceiveRing::new(buffer, log_stride, NEXT_SEG_BYTES, max_sges.max(1));
        let last = (1usize << log_wqes) - 1;
        for slot in 0..=last {
            ring.write(slot, 0, encode_next(((slot + 1) & last) as u16));
        }
        let reply = core.call(Command::CreateSrq(create));
        let Ok(Reply::Srq(srqn)) = reply else {
            if may_be_in_use(&reply) {
                ring.leak();
                record.leak();
            }
            return Err(reply.err().unwrap_or(Error::BadAnswer(Opcode::CreateSrq)));
        };
        let slot = |next: usize| Slot { wr_id: 0, len: 0, next: (next & last) as u16, posted: false };
        Ok(SharedReceiveQueue(Rc::new(SrqState {
            core: core.clone(),
            _pd: pd.clone(),
            srqn,
            ring,
            record,
            slots: (1..=last + 1).map(|next| Cell::new(slot(next))).collect(),
            free_head: Cell::new(0),
            free_tail: Cell::new(last as u16),
            posted: Cell::new(0),
            destroyed: Cell::new(false),
        })))
    }

    /// Its number.
    pub fn number(&self) -> SrqNum {
        self.0.srqn
    }

    /// Receives it can hold.
    pub fn capacity(&self) -> usize {
        self.0.slots.len() - 1
    }

    /// Writes a receive; the adapter sees it with the next [`SharedReceiveQueue::ring`].
    ///
    /// # Safety
    /// The memory of `sges` stays valid, and nobody else uses it, until the receive completes or the queue is destroyed.
    #[inline]
    pub unsafe fn post(&self, wr_id: u64, sges: &[Sge]) -> Result<(), PostError> {
        let srq = &*self.0;
        let len = srq.ring.check(sges)?;
        let head = srq.free_head.get();
        if head == srq.free_tail.get() {
            return Err(PostError::QueueFull);
        }
        let slot = &srq.slots[head as usize];
        let next = slot.get().next;
        srq.ring.write_list(head as usize, sges);
        slot.set(Slot { wr_id, len, next, posted: true });
        srq.free_head.set(next);
        srq.posted.set(srq.posted.get().wrapping_add(1));
        Ok(())
    }

    /// Shows the adapter what was posted: a store to the doorbell record.
    #[inline]
    pub fn ring(&self) {
        self.0.record.store(dbrec::RECEIVE, u32::from(self.0.posted.get()));
    }

    /// Destroys the queue; all queue pairs that use it must be gone.
    pub fn destroy(self) -> Result<(), Error> {
        if Rc::strong_count(&self.0) > 1 {
            return Err(Error::InUse("shared receive queue"));
        }
        self.0.destroy()
    }
}

impl SrqState {
    /// Takes slot `index` of a completion back: its number and length. `None` if it was not posted.
    #[inline]
    pub(super) fn retire(&self, index: u16) -> Option<(u64, u32)> {
        let slot = self.slots.get(index as usize)?;
        let was = slot.get();
        if !was.posted {
            return None;
        }
        slot.set(Slot { posted: false, ..was });
        let tail = self.free_tail.replace(index);
        let last = &self.slots[tail as usize];
        last.set(Slot { next: index, ..last.get() });
        self.ring.write(tail as usize, 0, encode_next(index));
        Some((was.wr_id, was.len))
    }

    fn destroy(&self) -> Result<(), Error> {
        if self.destroyed.replace(true) {
            return Ok(());
        }
        self.core.call(Command::DestroySrq(self.srqn)).map(drop).inspect_err(|_| {
            self.ring.leak();
            self.record.leak();
        })
    }
}

impl Drop for SrqState {
    fn drop(&mut self) {
        // A failure has nobody to go to; `destroy` has kept the memory from being reused.
        let _ = self.destroy();
    }
}

/// Whether the adapter may use the buffers of a failed creation: only a refusal says that it does not.
pub(super) fn may_be_in_use(reply: &Result<Reply, Error>) -> bool {
    !matches!(reply, Err(Error::Refused { .. }))
}
