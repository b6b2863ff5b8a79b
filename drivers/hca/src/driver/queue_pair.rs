//! Queue pairs of the reliable connected transport.

use alloc::rc::Rc;
use core::cell::Cell;

use super::completion_queue::CompletionQueue;
use super::device::{Core, ProtectionDomain};
use super::dma::{DmaBuffer, DoorbellRecord};
use super::error::{Error, PostError};
use super::receive_queue::{ReceiveQueue, ReceiveRing};
use super::send_queue::SendQueue;
use super::send_request::{SendRequest, Sge};
use super::shared_receive_queue::{SharedReceiveQueue, may_be_in_use};
use crate::access::Access;
use crate::command::{self, Command, CreateQp, ModifyMask, ModifyQp, Opcode, QpInfo, Reply};
use crate::dbrec;
use crate::num::{GuestAddr, QpNum, Rank, Service, SrqNum};
use crate::region::UAR_SEND_DOORBELL;
use crate::wqe::{BB_BYTES, InlineHeader, MAX_DS, blocks};

/// Segments before the data of the longest kind of request: control, remote address, atomic.
const FIXED_SEGMENTS: usize = 3;

/// How a queue pair is to be.
#[derive(Clone)]
pub struct QpInit {
    /// Protection domain of the memory it uses.
    pub pd: ProtectionDomain,
    /// Where requests of the send queue complete.
    pub send_cq: CompletionQueue,
    /// Where receives complete.
    pub recv_cq: CompletionQueue,
    /// Where receives come from; without, the queue pair has a receive queue of its own.
    pub srq: Option<SharedReceiveQueue>,
    /// Send queue, in blocks of 64 bytes; rounded up to a power of two. A request takes `16 + 16` (remote address) `+ 4 +
    /// inline + 16 * entries` bytes, in whole blocks.
    pub send_blocks: usize,
    /// Most inline bytes of a request.
    pub max_inline: usize,
    /// Most scatter/gather entries of a request.
    pub max_sges: usize,
    /// Receives of the own receive queue; ignored with an SRQ.
    pub receives: usize,
    /// What the peer may do through this queue pair.
    pub access: Access,
}

impl QpInit {
    /// 128 blocks, 220 bytes inline, 4 entries, all rights; receives from `srq`.
    pub fn new(pd: &ProtectionDomain, send_cq: &CompletionQueue, recv_cq: &CompletionQueue) -> QpInit {
        QpInit {
            pd: pd.clone(),
            send_cq: send_cq.clone(),
            recv_cq: recv_cq.clone(),
            srq: None,
            send_blocks: 128,
            max_inline: 220,
            max_sges: 4,
            receives: 64,
            access: Access::ALL,
        }
    }
}

/// The part that polling needs.
pub(super) struct QpState {
    pub(super) qpn: QpNum,
    pub(super) send: SendQueue,
    receive: Option<ReceiveQueue>,
    srq: Option<SharedReceiveQueue>,
    phase: Cell<command::QpState>,
}

impl QpState {
    /// Takes back the receive that the adapter calls `counter`.
    #[inline]
    pub(super) fn retire_receive(&self, counter: u16) -> Option<(u64, u32)> {
        match (&self.srq, &self.receive) {
            (Some(srq), _) => srq.0.retire(counter),
            (None, Some(queue)) => queue.retire(counter),
            (None, None) => None,
        }
    }

    pub(super) fn set_phase(&self, phase: command::QpState) {
        self.phase.set(phase);
    }

    fn leak(&self) {
        self.send.leak();
        if let Some(queue) = &self.receive {
            queue.leak();
        }
    }
}

/// A queue pair; dropping it destroys it.
pub struct QueuePair {
    core: Rc<Core>,
    state: Rc<QpState>,
    record: DoorbellRecord,
    send_cq: CompletionQueue,
    recv_cq: CompletionQueue,
    _pd: ProtectionDomain,
    destroyed: Cell<bool>,
}

impl QueuePair {
    pub(super) fn create(core: &Rc<Core>, init: &QpInit) -> Result<QueuePair, Error> {
        let sizes = Sizes::new(core, init)?;
        let sq_ring = DmaBuffer::new(&core.platform, BB_BYTES << sizes.log_sq)?;
        let rq_ring = match sizes.rq {
            Some((log_wqes, log_stride)) => {
                Some(DmaBuffer::new(&core.platform, 1 << (log_wqes + log_stride))?)
            }
            None => None,
        };
        let record = DoorbellRecord::new(&core.platform)?;
        let (log_rq_wqes, log_rq_stride) = sizes.rq.unwrap_or((0, 0));
        let reply = core.call(Command::CreateQp(CreateQp {
            pd: init.pd.number(),
            send_cqn: init.send_cq.number(),
            recv_cqn: init.recv_cq.number(),
            srqn: init.srq.as_ref().map_or(SrqNum(0), SharedReceiveQueue::number),
            sq_buf: sq_ring.addr(),
            log_sq_wqebbs: sizes.log_sq as u8,
            rq_buf: rq_ring.as_ref().map_or(GuestAddr(0), DmaBuffer::addr),
            log_rq_wqes: log_rq_wqes as u8,
            log_rq_stride: log_rq_stride as u8,
            dbrec: record.addr(),
        }));
        let Ok(Reply::Qp(qpn)) = reply else {
            if may_be_in_use(&reply) {
                sq_ring.leak();
                rq_ring.iter().for_each(DmaBuffer::leak);
                record.leak();
            }
            return Err(reply.err().unwrap_or(Error::BadAnswer(Opcode::CreateQp)));
        };
        let receive = rq_ring.map(|buffer| {
            ReceiveQueue::new(ReceiveRing::new(buffer, log_rq_stride, 0, init.max_sges.max(1)), log_rq_wqes)
        });
        let state = Rc::new(QpState {
            qpn,
            send: SendQueue::new(sq_ring, sizes.log_sq, qpn, init.max_inline, init.max_sges),
            receive,
            srq: init.srq.clone(),
            phase: Cell::new(command::QpState::Init),
        });
        if !core.qps.insert(qpn, state.clone()) {
            state.leak();
            record.leak();
            return Err(Error::BadAnswer(Opcode::CreateQp));
        }
        let qp = QueuePair {
            core: core.clone(),
            state,
            record,
            send_cq: init.send_cq.clone(),
            recv_cq: init.recv_cq.clone(),
            _pd: init.pd.clone(),
            destroyed: Cell::new(false),
        };
        let mut access = ModifyQp::to_state(qpn, command::QpState::Init);
        access.mask = ModifyMask::ACCESS;
        access.access = init.access;
        qp.modify(access)?;
        Ok(qp)
    }

    /// Its number.
    pub fn number(&self) -> QpNum {
        self.state.qpn
    }

    /// State as this side knows it: `Rts` after [`Event::Connected`](crate::Event::Connected) was polled.
    pub fn state(&self) -> command::QpState {
        self.state.phase.get()
    }

    /// Asks for a connection with the queue pair that `peer` connects for the same `service`. The answer is
    /// [`Event::Connected`](crate::Event::Connected).
    pub fn connect(&self, peer: Rank, service: Service) -> Result<(), Error> {
        self.core.call(Command::Connect { qpn: self.state.qpn, peer, service }).map(drop)
    }

    /// Changes attributes or the state by hand.
    pub fn modify(&self, modify: ModifyQp) -> Result<(), Error> {
        self.core.call(Command::ModifyQp(ModifyQp { qpn: self.state.qpn, ..modify }))?;
        if modify.mask.contains(ModifyMask::STATE) {
            self.state.set_phase(modify.state);
        }
        Ok(())
    }

    /// What the host knows of the queue pair.
    pub fn query(&self) -> Result<QpInfo, Error> {
        match self.core.call(Command::QueryQp(self.state.qpn))? {
            Reply::QpInfo(info) => Ok(info),
            _ => Err(Error::BadAnswer(Opcode::QueryQp)),
        }
    }

    /// Free blocks of the send queue.
    #[inline]
    pub fn send_space(&self) -> usize {
        self.state.send.space()
    }

    /// Writes a request; the adapter sees it with the next [`QueuePair::ring`].
    ///
    /// # Safety
    /// The memory of the request's list stays valid until the request completes or the queue pair is destroyed; nobody
    /// writes it meanwhile, and for reads and atomics nobody reads it either.
    #[inline]
    pub unsafe fn post(&self, request: &SendRequest<'_>) -> Result<(), PostError> {
        if !matches!(self.state.phase.get(), command::QpState::Rts | command::QpState::Error) {
            return Err(PostError::NotReady);
        }
        self.state.send.post(request)
    }

    /// Shows the adapter what was posted: doorbell record, store fence, doorbell, and a wake-up if the engine sleeps.
    #[inline]
    pub fn ring(&self) {
        let Some((counter, doorbell)) = self.state.send.take_doorbell() else { return };
        self.record.store(dbrec::SEND, u32::from(counter));
        self.core.ring_uar(UAR_SEND_DOORBELL, doorbell);
        self.core.wake_if_asleep();
    }

    /// [`QueuePair::post`] and [`QueuePair::ring`].
    ///
    /// # Safety
    /// As [`QueuePair::post`].
    #[inline]
    pub unsafe fn post_send(&self, request: &SendRequest<'_>) -> Result<(), PostError> {
        // SAFETY: the caller promises the same.
        unsafe { self.post(request) }?;
        self.ring();
        Ok(())
    }

    /// Posts a receive to the own receive queue and shows it to the adapter. With an SRQ there is none: the queue is full.
    ///
    /// # Safety
    /// The memory of `sges` stays valid, and nobody else uses it, until the receive completes or the queue pair is
    /// destroyed.
    #[inline]
    pub unsafe fn post_recv(&self, wr_id: u64, sges: &[Sge]) -> Result<(), PostError> {
        let queue = self.state.receive.as_ref().ok_or(PostError::QueueFull)?;
        queue.post(wr_id, sges)?;
        self.record.store(dbrec::RECEIVE, u32::from(queue.counter()));
        Ok(())
    }

    /// Destroys the queue pair; completions not yet polled are dropped.
    pub fn destroy(self) -> Result<(), Error> {
        self.destroy_once()
    }

    fn destroy_once(&self) -> Result<(), Error> {
        if self.destroyed.replace(true) {
            return Ok(());
        }
        let qpn = self.state.qpn;
        let result = self.core.call(Command::DestroyQp(qpn)).map(drop);
        if result.is_err() {
            self.state.leak();
            self.record.leak();
        }
        self.send_cq.0.forget(qpn, &self.state);
        self.recv_cq.0.forget(qpn, &self.state);
        self.core.qps.remove(qpn);
        result
    }
}

impl Drop for QueuePair {
    fn drop(&mut self) {
        // A failure has nobody to go to; `destroy_once` has kept the memory from being reused.
        let _ = self.destroy_once();
    }
}

/// Ring sizes of a queue pair, within the limits.
struct Sizes {
    log_sq: u32,
    /// log2 of WQEs and stride of the own receive queue.
    rq: Option<(u32, u32)>,
}

impl Sizes {
    fn new(core: &Core, init: &QpInit) -> Result<Sizes, Error> {
        let most_sges = core.limits.max_sges as usize;
        if init.max_sges > most_sges {
            return Err(Error::Limit {
                what: "scatter/gather entries",
                wanted: init.max_sges,
                most: most_sges,
            });
        }
        let most_inline = (MAX_DS - 2) * 16 - InlineHeader::BYTES;
        if init.max_inline > most_inline {
            return Err(Error::Limit { what: "inline bytes", wanted: init.max_inline, most: most_inline });
        }
        // The largest request has to fit the ring, or it could never be posted.
        let largest = FIXED_SEGMENTS + InlineHeader::segments(init.max_inline) + init.max_sges;
        let least = blocks(largest.min(MAX_DS));
        let most = 1usize << core.limits.max_log_sq_wqebbs;
        if init.send_blocks > most {
            return Err(Error::Limit { what: "send queue blocks", wanted: init.send_blocks, most });
        }
        let log_sq = init.send_blocks.max(least).next_power_of_two().trailing_zeros();
        if init.srq.is_some() {
            return Ok(Sizes { log_sq, rq: None });
        }
        let most = 1usize << core.limits.max_log_rq_wqes;
        if init.receives > most {
            return Err(Error::Limit { what: "receives", wanted: init.receives, most });
        }
        let log_wqes = init.receives.max(1).next_power_of_two().trailing_zeros();
        Ok(Sizes { log_sq, rq: Some((log_wqes, ReceiveRing::log_stride_for(0, init.max_sges.max(1)))) })
    }
}
