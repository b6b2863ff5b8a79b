//! Executes the send queue of a queue pair.

use unirank_hca::QpNum;
use unirank_hca::command::QpState;
use unirank_hca::cqe::{Cqe, CqeOpcode, Syndrome};
use unirank_hca::event::{Event, FatalReason};
use unirank_hca::wqe::Opcode;

use crate::engine::Counters;

use super::fetch::{Fetched, fetch};
use super::job::Job;
use super::queue_pair::QueuePair;
use super::work::{Step, Turn, Work};
use super::{SLICE, TURN_REQUESTS};

impl Job {
    /// One turn of a queue pair that has been lent.
    pub(super) fn turn(&mut self, qp: &mut QueuePair, now: u64) -> Turn {
        let mut work = qp.work.take().unwrap_or_else(|| Box::new(Work::new()));
        let turn = self.turn_with(qp, &mut work, now);
        qp.work = Some(work);
        turn
    }

    fn turn_with(&mut self, qp: &mut QueuePair, work: &mut Work, now: u64) -> Turn {
        let (mut requests, mut bytes) = (TURN_REQUESTS, SLICE);
        loop {
            match qp.state {
                QpState::Rts => {}
                QpState::Error => return self.flush(qp, work),
                _ => return Turn::Idle,
            }
            if requests == 0 || bytes == 0 {
                return Turn::More;
            }
            if !work.active {
                match fetch(qp, work) {
                    Fetched::Request => {}
                    Fetched::Empty => return Turn::Idle,
                    Fetched::Invalid => {
                        self.fail_request(qp, work, Syndrome::LocalQpOperation);
                        let (qpn, reason) = (QpNum(qp.number), FatalReason::BadSendQueue);
                        self.tell(qp.rank, Event::QpFatal { qpn, reason });
                        continue;
                    }
                }
            }
            match self.step(qp, work, &mut bytes, now) {
                Step::Done => {
                    self.finish_request(qp, work);
                    requests -= 1;
                }
                Step::More => {}
                Step::Wait => return Turn::Waiting,
                Step::Failed(syndrome) => self.fail_request(qp, work, syndrome),
            }
        }
    }

    /// Tells that the request at the consumer index is done, and moves on.
    fn finish_request(&mut self, qp: &mut QueuePair, work: &mut Work) {
        let wqe_counter = qp.sq_consumer;
        qp.sq_consumer = qp.sq_consumer.wrapping_add(work.blocks);
        work.active = false;
        if let Some(rank) = self.rank(qp.rank) {
            Counters::add(&rank.counters.messages, 1);
            Counters::add(&rank.counters.bytes, work.len);
        }
        if work.signalled {
            let answered = if work.opcode.writes_local() { work.len as u32 } else { 0 };
            let cqe = Cqe::requester(QpNum(qp.number), wqe_counter, work.opcode as u8, answered);
            if !self.complete(qp.send_cq, &cqe) {
                // The overrun is told when this turn has ended; nothing more is executed meanwhile.
                qp.state = QpState::Error;
                let (qpn, reason) = (QpNum(qp.number), FatalReason::CqOverrun);
                self.tell(qp.rank, Event::QpFatal { qpn, reason });
            }
        }
    }

    /// Completes the request at the consumer index with an error and puts the queue pair into the error state.
    fn fail_request(&mut self, qp: &mut QueuePair, work: &mut Work, syndrome: Syndrome) {
        let opcode = if work.active { work.opcode } else { Opcode::Nop };
        let blocks = if work.active { work.blocks } else { 1 };
        let cqe =
            Cqe::error(CqeOpcode::RequesterError, QpNum(qp.number), qp.sq_consumer, opcode as u8, syndrome);
        self.complete(qp.send_cq, &cqe);
        qp.sq_consumer = qp.sq_consumer.wrapping_add(blocks);
        work.active = false;
        qp.state = QpState::Error;
        log::debug!("job {}: rank {}: qp {}: {syndrome}", self.id, qp.rank, qp.number);
    }
}
