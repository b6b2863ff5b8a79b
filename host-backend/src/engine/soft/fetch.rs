//! Takes the next request of a send queue into private memory and checks it there.

use unirank_hca::wqe::{self, BB_BYTES, CtrlSeg, SEG_BYTES, Segment as WqeSegment, SendWqe};
use unirank_hca::{Lkey, QpNum, dbrec};

use crate::memory::Segment;

use super::queue_pair::QueuePair;
use super::work::Work;

/// What the doorbell record and the ring hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    /// `work` is the next request.
    Request,
    /// The queue is empty.
    Empty,
    /// What is there is no request, or the doorbell record is out of range.
    Invalid,
}

/// Reads the doorbell record; `None` when it claims more than the queue holds.
#[inline]
pub(super) fn pending(qp: &mut QueuePair) -> Option<u16> {
    qp.sq_producer = qp.dbrec.load(dbrec::SEND) as u16;
    let pending = qp.sq_producer.wrapping_sub(qp.sq_consumer);
    (u32::from(pending) <= 1 << qp.log_sq).then_some(pending)
}

/// Control segment of the request at the consumer index, and its first block.
pub(super) fn head(qp: &QueuePair) -> (CtrlSeg, [u8; BB_BYTES]) {
    let mut block = [0; BB_BYTES];
    qp.sq.read(usize::from(qp.sq_consumer) * BB_BYTES, &mut block);
    let mut first = [0; SEG_BYTES];
    first.copy_from_slice(block.split_at(SEG_BYTES).0);
    (CtrlSeg::decode(&first), block)
}

/// Fills `work` with the next request.
pub(super) fn fetch(qp: &mut QueuePair, work: &mut Work) -> Fetched {
    let Some(pending) = pending(qp) else { return Fetched::Invalid };
    if pending == 0 {
        return Fetched::Empty;
    }
    let (ctrl, block) = head(qp);
    let len = usize::from(ctrl.ds) * SEG_BYTES;
    let blocks = wqe::blocks(usize::from(ctrl.ds));
    if blocks == 0 || blocks > usize::from(pending) {
        return Fetched::Invalid;
    }
    let at = usize::from(qp.sq_consumer) * BB_BYTES;
    let Work { bytes, local, .. } = work;
    let Some(bytes) = bytes.get_mut(..len) else { return Fetched::Invalid };
    let (first, rest) = bytes.split_at_mut(len.min(BB_BYTES));
    first.copy_from_slice(block.split_at(first.len()).0);
    qp.sq.read(at + BB_BYTES, rest);
    let Ok(request) = SendWqe::decode(bytes, QpNum(qp.number), qp.sq_consumer) else {
        return Fetched::Invalid;
    };
    local.clear();
    for segment in request.segments() {
        match segment {
            WqeSegment::Data(data) => {
                local.push(Segment::Guest { addr: data.addr.0, len: u64::from(data.len) }, data.lkey);
            }
            WqeSegment::Inline(data) => {
                let offset = (data.as_ptr() as u64).wrapping_sub(bytes.as_ptr() as u64);
                local.push(Segment::Private { offset, len: data.len() as u64 }, Lkey::INVALID);
            }
        }
    }
    let (opcode, remote, atomic, len) = (request.opcode, request.remote, request.atomic, request.len);
    let (imm, signalled, solicited) = (request.imm(), request.signalled(), request.solicited());
    work.opcode = opcode;
    work.raddr = remote.raddr.0;
    work.rkey = remote.rkey;
    (work.swap_add, work.compare) = (atomic.swap_add, atomic.compare);
    (work.imm, work.signalled, work.solicited) = (imm, signalled, solicited);
    work.blocks = blocks as u16;
    (work.len, work.done) = (u64::from(len), 0);
    (work.receive, work.wait) = (None, None);
    work.active = true;
    Fetched::Request
}
