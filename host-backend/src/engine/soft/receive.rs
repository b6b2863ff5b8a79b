//! Takes the next receive of a queue pair's own or shared receive queue.

use unirank_hca::dbrec;
use unirank_hca::srq_wqe::{MAX_LOG_STRIDE, NEXT_SEG_BYTES, data_segments, decode_next};

use crate::memory::Segment;

use super::queue_pair::{QueuePair, ReceiveSource, SharedReceiveQueue};
use super::table::Table;
use super::work::{Pieces, Receive};

/// Outcome of looking for a receive.
#[derive(Debug)]
pub(super) enum Taken {
    /// Here it is; its pieces are filled in.
    Receive(Receive),
    /// None is posted.
    Empty,
    /// The queue or its doorbell record is invalid.
    Invalid,
}

/// Takes the next receive of `responder`.
pub(super) fn take(
    responder: &mut QueuePair,
    shared: &mut Table<SharedReceiveQueue>,
    pieces: &mut Pieces,
) -> Taken {
    let mut bytes = [0u8; 1 << MAX_LOG_STRIDE];
    let receive = match &mut responder.source {
        ReceiveSource::Own(queue) => {
            let posted = (responder.dbrec.load(dbrec::RECEIVE) as u16).wrapping_sub(queue.consumer);
            if posted == 0 {
                return Taken::Empty;
            }
            if u32::from(posted) > 1 << queue.log_wqes {
                return Taken::Invalid;
            }
            let Some(wqe) = bytes.get_mut(..1 << queue.log_stride) else { return Taken::Invalid };
            queue.ring.read(usize::from(queue.consumer) << queue.log_stride, wqe);
            let wqe_counter = queue.consumer;
            queue.consumer = queue.consumer.wrapping_add(1);
            collect(wqe, pieces).map(|room| Receive { room, wqe_counter, srqn: 0, pd: responder.pd })
        }
        ReceiveSource::Shared(number) => {
            let Some(queue) = shared.get_mut(*number) else { return Taken::Invalid };
            let posted = (queue.dbrec.load(dbrec::RECEIVE) as u16).wrapping_sub(queue.consumed);
            if posted == 0 {
                return Taken::Empty;
            }
            if u32::from(posted) > 1 << queue.log_wqes {
                return Taken::Invalid;
            }
            let Some(wqe) = bytes.get_mut(..1 << queue.log_stride) else { return Taken::Invalid };
            queue.ring.read(usize::from(queue.head) << queue.log_stride, wqe);
            let Some(next) = decode_next(wqe, queue.log_wqes) else { return Taken::Invalid };
            let wqe_counter = queue.head;
            queue.head = next;
            queue.consumed = queue.consumed.wrapping_add(1);
            let segments = wqe.get(NEXT_SEG_BYTES..).unwrap_or(&[]);
            collect(segments, pieces).map(|room| Receive { room, wqe_counter, srqn: *number, pd: queue.pd })
        }
    };
    receive.map_or(Taken::Invalid, Taken::Receive)
}

fn collect(segments: &[u8], pieces: &mut Pieces) -> Option<u64> {
    pieces.clear();
    let mut room = 0u64;
    for segment in data_segments(segments) {
        if segment.len >> 31 != 0 {
            return None;
        }
        room += u64::from(segment.len);
        pieces.push(Segment::Guest { addr: segment.addr.0, len: u64::from(segment.len) }, segment.lkey);
    }
    Some(room)
}
