//! Empties the queues of a queue pair in the error state: one completion for every request and receive.

use unirank_hca::QpNum;
use unirank_hca::cqe::{Cqe, CqeOpcode, Syndrome};
use unirank_hca::dbrec;
use unirank_hca::wqe;

use super::TURN_REQUESTS;
use super::fetch;
use super::job::Job;
use super::queue_pair::{QueuePair, ReceiveSource};
use super::work::{Turn, Work};

impl Job {
    /// Flushes some requests. Stops while a completion queue is full: the guest may still empty it.
    pub(super) fn flush(&mut self, qp: &mut QueuePair, work: &mut Work) -> Turn {
        self.abandon_receive(qp, work);
        work.active = false;
        let mut budget = TURN_REQUESTS;
        loop {
            // A doorbell record out of range has nothing trustworthy behind it.
            let pending = fetch::pending(qp).unwrap_or(0);
            if pending == 0 {
                break;
            }
            if !self.can_flush(qp.send_cq) {
                return Turn::Waiting;
            }
            let (ctrl, _) = fetch::head(qp);
            let blocks = (wqe::blocks(usize::from(ctrl.ds)).max(1) as u16).min(pending);
            let (number, opcode) = (QpNum(qp.number), CqeOpcode::RequesterError);
            let cqe = Cqe::error(opcode, number, qp.sq_consumer, ctrl.opcode, Syndrome::Flushed);
            self.complete(qp.send_cq, &cqe);
            qp.sq_consumer = qp.sq_consumer.wrapping_add(blocks);
            budget -= 1;
            if budget == 0 {
                return Turn::More;
            }
        }
        loop {
            let ReceiveSource::Own(queue) = &mut qp.source else { return Turn::Idle };
            let posted = (qp.dbrec.load(dbrec::RECEIVE) as u16).wrapping_sub(queue.consumer);
            if posted == 0 || u32::from(posted) > 1 << queue.log_wqes {
                return Turn::Idle;
            }
            let counter = queue.consumer;
            if !self.can_flush(qp.recv_cq) {
                return Turn::Waiting;
            }
            queue.consumer = queue.consumer.wrapping_add(1);
            let number = QpNum(qp.number);
            let cqe = Cqe::error(CqeOpcode::ResponderError, number, counter, 0, Syndrome::Flushed);
            self.complete(qp.recv_cq, &cqe);
            budget -= 1;
            if budget == 0 {
                return Turn::More;
            }
        }
    }

    /// Whether a flush completion fits, or will never be seen anyway.
    fn can_flush(&mut self, cqn: u32) -> bool {
        self.completion_queues.get_mut(cqn).is_none_or(|cq| cq.dead || cq.room() > 0)
    }
}
