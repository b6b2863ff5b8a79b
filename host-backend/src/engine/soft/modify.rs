//! Changes of queue pairs: attributes and the state machine (InfiniBand specification 10.3.1).

use unirank_hca::QpNum;
use unirank_hca::command::{ModifyMask, ModifyQp, QpInfo, QpState, Status};
use unirank_hca::dbrec;

use super::job::Job;
use super::queue_pair::ReceiveSource;

impl Job {
    pub(super) fn modify_qp(&mut self, number: u32, request: &ModifyQp) -> Result<(), Status> {
        let size = self.size;
        let qp = self.owned_queue_pair(number, request.qpn)?;
        let has = |bit| request.mask.contains(bit);
        let mut to = qp.attributes;
        if has(ModifyMask::DEST_RANK) {
            to.dest_rank = request.dest_rank.0;
        }
        if has(ModifyMask::DEST_QPN) {
            to.dest_qpn = request.dest_qpn.0;
        }
        if has(ModifyMask::ACCESS) {
            to.access = request.access;
        }
        if has(ModifyMask::TIMEOUT) {
            to.timeout = request.timeout;
        }
        if has(ModifyMask::RETRY_CNT) {
            to.retry_cnt = request.retry_cnt;
        }
        if has(ModifyMask::RNR_RETRY) {
            to.rnr_retry = request.rnr_retry;
        }
        if has(ModifyMask::MIN_RNR_TIMER) {
            to.min_rnr_timer = request.min_rnr_timer;
        }
        let readdressed = has(ModifyMask::DEST_RANK) || has(ModifyMask::DEST_QPN);
        if readdressed && !matches!(qp.state, QpState::Reset | QpState::Init) {
            return Err(Status::NotPermitted);
        }
        // A queue pair cannot be connected to itself here: its two sides have one state.
        if readdressed && (to.dest_rank >= size || to.dest_qpn == request.qpn.0) {
            return Err(Status::Invalid);
        }
        let state = if has(ModifyMask::STATE) { request.state } else { qp.state };
        let allowed = match (qp.state, state) {
            (from, to) if from == to => true,
            (_, QpState::Reset | QpState::Error) => true,
            (QpState::Reset, QpState::Init) => true,
            (QpState::Init, QpState::Rtr) => to.dest_qpn != 0,
            (QpState::Rtr, QpState::Rts) => true,
            _ => false,
        };
        if !allowed {
            return Err(Status::NotPermitted);
        }
        qp.attributes = to;
        let from = std::mem::replace(&mut qp.state, state);
        if from != state {
            self.state_changed(request.qpn, state);
        }
        Ok(())
    }

    fn state_changed(&mut self, qpn: QpNum, state: QpState) {
        match state {
            QpState::Reset => {
                let Some(mut qp) = self.queue_pairs.lend(qpn.0) else { return };
                if let Some(mut work) = qp.work.take() {
                    self.abandon_receive(&qp, &mut work);
                }
                // The guest starts over with empty queues: what its record says now is where they begin.
                qp.sq_producer = qp.dbrec.load(dbrec::SEND) as u16;
                qp.sq_consumer = qp.sq_producer;
                let received = qp.dbrec.load(dbrec::RECEIVE) as u16;
                if let ReceiveSource::Own(queue) = &mut qp.source {
                    queue.consumer = received;
                }
                (qp.attributes.dest_rank, qp.attributes.dest_qpn) = (0, 0);
                self.queue_pairs.put_back(qpn.0, qp);
                self.pairing.retain(|_, waiting| *waiting != qpn.0);
            }
            QpState::Rts | QpState::Error => self.activate(qpn.0),
            QpState::Init | QpState::Rtr => {}
        }
    }

    pub(super) fn query_qp(&mut self, number: u32, qpn: QpNum) -> Result<QpInfo, Status> {
        let qp = self.owned_queue_pair(number, qpn)?;
        let rq_consumer = match &qp.source {
            ReceiveSource::Own(queue) => queue.consumer,
            ReceiveSource::Shared(_) => 0,
        };
        Ok(QpInfo {
            state: qp.state,
            dest_rank: unirank_hca::Rank(qp.attributes.dest_rank),
            dest_qpn: QpNum(qp.attributes.dest_qpn),
            sq_consumer: qp.sq_consumer,
            rq_consumer,
        })
    }
}
