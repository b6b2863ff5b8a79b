//! Completion queues.

use alloc::rc::Rc;
use core::cell::Cell;
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering, fence};

use super::completion::{Completion, CompletionKind, Failure};
use super::device::Core;
use super::dma::{DmaBuffer, DoorbellRecord};
use super::error::Error;
use super::queue_pair::QpState;
use super::shared_receive_queue::may_be_in_use;
use crate::command::{Command, CreateCq, Opcode, Reply};
use crate::cqe::{self, CqeOpcode, INITIAL_OP_OWN, OWNER_MASK, Syndrome, offset, owner_of};
use crate::dbrec::{self, ArmWord};
use crate::num::{CqNum, NUM_MASK, QpNum};
use crate::region::UAR_CQ_DOORBELL;
use crate::wqe;

/// Opcode nibble of entries whose queue pair is gone (`MLX5_CQE_NO_PACKET`, which the adapter never writes here).
const SKIPPED: u8 = 6;

/// A ring of completions. Clones are the same queue; the last one destroys it.
///
/// The caller sizes it: the adapter must never have more completions to write than there are entries.
#[derive(Clone)]
pub struct CompletionQueue(pub(super) Rc<CqState>);

pub(super) struct CqState {
    core: Rc<Core>,
    cqn: CqNum,
    ring: DmaBuffer,
    record: DoorbellRecord,
    log_cqes: u32,
    consumer: Cell<u32>,
    arm_sequence: Cell<u8>,
    destroyed: Cell<bool>,
}

impl CompletionQueue {
    /// A queue of at least `entries` entries.
    pub(super) fn create(core: &Rc<Core>, entries: usize) -> Result<Self, Error> {
        let most = 1usize << core.limits.max_log_cqes;
        if entries == 0 || entries > most {
            return Err(Error::Limit { what: "completion queue entries", wanted: entries, most });
        }
        let log_cqes = entries.next_power_of_two().trailing_zeros();
        let ring = DmaBuffer::new(&core.platform, cqe::BYTES << log_cqes)?;
        for index in 0..1usize << log_cqes {
            // SAFETY: entry `index` lies in the ring, which the adapter does not know yet.
            unsafe { ring.as_ptr().add(index * cqe::BYTES + offset::OP_OWN).write(INITIAL_OP_OWN) };
        }
        let record = DoorbellRecord::new(&core.platform)?;
        let create = CreateCq { buf: ring.addr(), log_cqes: log_cqes as u8, dbrec: record.addr() };
        let reply = core.call(Command::CreateCq(create));
        let Ok(Reply::Cq(cqn)) = reply else {
            if may_be_in_use(&reply) {
                ring.leak();
                record.leak();
            }
            return Err(reply.err().unwrap_or(Error::BadAnswer(Opcode::CreateCq)));
        };
        Ok(CompletionQueue(Rc::new(CqState {
            core: core.clone(),
            cqn,
            ring,
            record,
            log_cqes,
            consumer: Cell::new(0),
            arm_sequence: Cell::new(0),
            destroyed: Cell::new(false),
        })))
    }

    /// Its number.
    pub fn number(&self) -> CqNum {
        self.0.cqn
    }

    /// Entries it can hold.
    pub fn capacity(&self) -> usize {
        1 << self.0.log_cqes
    }

    /// Takes up to `out.len()` completions; how many there were. An error is told once all completions before it were
    /// taken; then the queue is of no more use.
    #[inline]
    pub fn poll(&self, out: &mut [Completion]) -> Result<usize, Error> {
        let cq = &*self.0;
        let first = cq.consumer.get();
        let mut taken = 0;
        while taken < out.len() {
            let Some(entry) = cq.next_entry() else { break };
            match cq.translate(&entry) {
                Ok(Some(completion)) => {
                    out[taken] = completion;
                    taken += 1;
                }
                Ok(None) => {}
                Err(what) if taken == 0 => return Err(Error::BadCompletion { cqn: cq.cqn, what }),
                Err(_) => break,
            }
            cq.consumer.set(cq.consumer.get().wrapping_add(1));
        }
        let consumer = cq.consumer.get();
        if consumer != first {
            cq.record.store(dbrec::CQ_CONSUMER, consumer & NUM_MASK);
        }
        Ok(taken)
    }

    /// Asks for an interrupt when a completion is added. The caller polls once more before it waits: completions added
    /// before the request raise none.
    #[inline]
    pub fn arm(&self) {
        self.0.arm(false);
    }

    /// Entries consumed so far; wraps. An interrupt that was asked for is still to come, or the next poll finds an entry, as
    /// long as this stays what it was: until then there is no need to ask again.
    #[inline]
    pub fn consumed(&self) -> u32 {
        self.0.consumer.get()
    }

    /// As [`CompletionQueue::arm`], for solicited completions and errors only.
    #[inline]
    pub fn arm_solicited(&self) {
        self.0.arm(true);
    }

    /// Destroys the queue; all queue pairs that use it must be gone.
    pub fn destroy(self) -> Result<(), Error> {
        if Rc::strong_count(&self.0) > 1 {
            return Err(Error::InUse("completion queue"));
        }
        self.0.destroy()
    }
}

/// An entry whose owner bit was seen, read in whole words.
struct Entry {
    base: *mut u8,
    /// Bytes 56 to 63, of which the owner bit is part.
    tail: u64,
}

impl Entry {
    fn op_own(&self) -> u8 {
        self.tail as u8
    }

    fn qpn(&self) -> QpNum {
        QpNum((self.tail >> 32) as u32 & NUM_MASK)
    }

    fn wqe_counter(&self) -> u16 {
        (self.tail >> 16) as u16
    }

    #[inline]
    fn be32(&self, offset: usize) -> u32 {
        // SAFETY: `offset` is one of the word offsets of an entry of 64 bytes, aligned to 64.
        u32::from_be(unsafe { &*self.base.add(offset).cast::<AtomicU32>() }.load(Ordering::Relaxed))
    }

    fn failure(&self) -> Failure {
        let word = self.be32(offset::VENDOR_SYNDROME & !3);
        Failure { syndrome: Syndrome::from_u8(word as u8), vendor: (word >> 8) as u8 }
    }
}

impl CqState {
    #[inline]
    fn entry(&self, index: u32) -> *mut u8 {
        let slot = index as usize & ((1 << self.log_cqes) - 1);
        // SAFETY: the ring has `1 << log_cqes` entries.
        unsafe { self.ring.as_ptr().add(slot * cqe::BYTES) }
    }

    /// Entry `index` if the adapter has written it.
    #[inline]
    fn written(&self, index: u32) -> Option<Entry> {
        let base = self.entry(index);
        // SAFETY: the last word of an entry, 8-byte aligned. The acquire load keeps the loads of the other words behind it.
        let tail =
            u64::from_be(unsafe { &*base.add(offset::SOP_QPN).cast::<AtomicU64>() }.load(Ordering::Acquire));
        let op_own = tail as u8;
        let valid =
            op_own & OWNER_MASK == owner_of(index, self.log_cqes) && op_own >> 4 != INITIAL_OP_OWN >> 4;
        valid.then_some(Entry { base, tail })
    }

    #[inline]
    fn next_entry(&self) -> Option<Entry> {
        self.written(self.consumer.get())
    }

    /// What an entry means; `None` for one whose queue pair is gone. What does not fit leaves all queues unchanged.
    #[inline]
    fn translate(&self, entry: &Entry) -> Result<Option<Completion>, &'static str> {
        let nibble = entry.op_own() >> 4;
        if nibble == SKIPPED {
            return Ok(None);
        }
        let opcode = CqeOpcode::from_u8(nibble).ok_or("unknown opcode")?;
        self.core.qps.with(entry.qpn(), |qp| {
            let qp = qp.ok_or("unknown queue pair")?;
            if opcode.is_responder() { received(entry, opcode, qp) } else { sent(entry, opcode, qp) }
                .map(Some)
        })
    }

    #[inline]
    fn arm(&self, solicited_only: bool) {
        let sequence = self.arm_sequence.get().wrapping_add(1) & 3;
        self.arm_sequence.set(sequence);
        let word = ArmWord { sequence, solicited_only, consumer: self.consumer.get() & NUM_MASK }.encode();
        self.record.store(dbrec::CQ_ARM, word);
        let doorbell = u64::from(word) << 32 | u64::from(self.cqn.0);
        self.core.ring_uar(UAR_CQ_DOORBELL, doorbell.to_be());
        // Pairs with the adapter's fence between its completion and its look at the arm word.
        fence(Ordering::SeqCst);
    }

    /// After the adapter has forgotten `qpn`: takes its entries out of the ring and gives its receives back.
    pub(super) fn forget(&self, qpn: QpNum, qp: &QpState) {
        let mut index = self.consumer.get();
        while let Some(entry) = self.written(index) {
            let opcode = CqeOpcode::from_u8(entry.op_own() >> 4);
            if let Some(opcode) = opcode.filter(|_| entry.qpn() == qpn) {
                if opcode.is_responder() {
                    // A slot that was not posted is no concern any more.
                    let _ = received(&entry, opcode, qp);
                }
                let op_own = SKIPPED << 4 | entry.op_own() & OWNER_MASK;
                // SAFETY: a byte of an entry that the adapter wrote and does not touch until it is consumed.
                unsafe { &*entry.base.add(offset::OP_OWN).cast::<AtomicU8>() }
                    .store(op_own, Ordering::Relaxed);
            }
            index = index.wrapping_add(1);
            if index.wrapping_sub(self.consumer.get()) == 1 << self.log_cqes {
                break;
            }
        }
    }

    fn destroy(&self) -> Result<(), Error> {
        if self.destroyed.replace(true) {
            return Ok(());
        }
        self.core.call(Command::DestroyCq(self.cqn)).map(drop).inspect_err(|_| {
            self.ring.leak();
            self.record.leak();
        })
    }
}

#[inline]
fn sent(entry: &Entry, opcode: CqeOpcode, qp: &QpState) -> Result<Completion, &'static str> {
    let (wr_id, posted) = qp.send.retire(entry.wqe_counter()).ok_or("no such send request")?;
    let kind = match posted {
        wqe::Opcode::Nop => CompletionKind::Nop,
        wqe::Opcode::Send | wqe::Opcode::SendImm => CompletionKind::Send,
        wqe::Opcode::RdmaWrite | wqe::Opcode::RdmaWriteImm => CompletionKind::Write,
        wqe::Opcode::RdmaRead => CompletionKind::Read,
        wqe::Opcode::AtomicCs | wqe::Opcode::AtomicFa => CompletionKind::Atomic,
    };
    if opcode.is_error() {
        let result = Err(entry.failure());
        return Ok(Completion { wr_id, qpn: qp.qpn, kind, byte_len: 0, imm: 0, result });
    }
    Ok(Completion {
        wr_id,
        qpn: qp.qpn,
        kind,
        byte_len: entry.be32(offset::BYTE_CNT),
        imm: 0,
        result: Ok(()),
    })
}

#[inline]
fn received(entry: &Entry, opcode: CqeOpcode, qp: &QpState) -> Result<Completion, &'static str> {
    let (wr_id, room) = qp.retire_receive(entry.wqe_counter()).ok_or("no such receive")?;
    let mut completion =
        Completion { wr_id, qpn: qp.qpn, kind: CompletionKind::Receive, byte_len: 0, imm: 0, result: Ok(()) };
    if opcode.is_error() {
        completion.result = Err(entry.failure());
        return Ok(completion);
    }
    completion.byte_len = entry.be32(offset::BYTE_CNT);
    match opcode {
        CqeOpcode::ResponderWriteImm => {
            completion.kind = CompletionKind::ReceiveWriteImm;
            completion.imm = entry.be32(offset::IMM);
            return Ok(completion);
        }
        CqeOpcode::ResponderSendImm => {
            completion.kind = CompletionKind::ReceiveImm;
            completion.imm = entry.be32(offset::IMM);
        }
        _ => {}
    }
    // The slot is retired already; the caller gives the queue up.
    if completion.byte_len > room { Err("more bytes than the receive has") } else { Ok(completion) }
}

impl Drop for CqState {
    fn drop(&mut self) {
        // A failure has nobody to go to; `destroy` has kept the memory from being reused.
        let _ = self.destroy();
    }
}
