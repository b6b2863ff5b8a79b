//! Creates and destroys the objects that a rank asks for; every field is checked here.

use unirank_hca::command::{CreateCq, CreateQp, CreateSrq, QpState, Status};
use unirank_hca::dbrec;
use unirank_hca::{CqNum, PdNum, QpNum, SrqNum};

use super::LIMITS;
use super::job::Job;
use super::queue_pair::{
    Attributes, CompletionQueue, QueuePair, ReceiveQueue, ReceiveSource, SharedReceiveQueue,
};
use super::rank::Rank;
use super::ring::{DoorbellRecord, Ring};

/// log2 of an entry or block of 64 bytes.
const LOG_64: u32 = 6;

impl Job {
    fn requesting(&self, rank: u32) -> Result<&Rank, Status> {
        self.rank(rank).ok_or(Status::NotPermitted)
    }

    pub(super) fn create_cq(&mut self, number: u32, request: CreateCq) -> Result<CqNum, Status> {
        let rank = self.requesting(number)?;
        let log = u32::from(request.log_cqes);
        if rank.completion_queues.len() >= LIMITS.max_cq as usize || log > LIMITS.max_log_cqes {
            return Err(Status::LimitReached);
        }
        let ring = Ring::new(&rank.space, request.buf, log + LOG_64).ok_or(Status::BadAddress)?;
        let dbrec = DoorbellRecord::new(&rank.space, request.dbrec).ok_or(Status::BadAddress)?;
        let answered = dbrec.load(dbrec::CQ_ARM);
        let cq = CompletionQueue {
            rank: number,
            ring,
            dbrec,
            log,
            producer: 0,
            consumer: 0,
            answered,
            solicited: 0,
            touched: false,
            dead: false,
            users: 0,
        };
        let cqn = self.completion_queues.insert(|_| cq).ok_or(Status::LimitReached)?;
        if let Some(rank) = self.rank_mut(number) {
            rank.completion_queues.push(cqn);
        }
        Ok(CqNum(cqn))
    }

    pub(super) fn destroy_cq(&mut self, number: u32, cqn: CqNum) -> Result<(), Status> {
        let cq = self.completion_queues.get(cqn.0).filter(|cq| cq.rank == number).ok_or(Status::NotFound)?;
        if cq.users > 0 {
            return Err(Status::Busy);
        }
        self.completion_queues.remove(cqn.0);
        if let Some(rank) = self.rank_mut(number) {
            rank.completion_queues.retain(|other| *other != cqn.0);
        }
        Ok(())
    }

    pub(super) fn create_srq(&mut self, number: u32, request: CreateSrq) -> Result<SrqNum, Status> {
        let rank = self.requesting(number)?;
        if !rank.keys.has_pd(request.pd) {
            return Err(Status::NotFound);
        }
        let (log_wqes, log_stride) = (u32::from(request.log_wqes), u32::from(request.log_stride));
        if rank.shared_queues.len() >= LIMITS.max_srq as usize || log_wqes > LIMITS.max_log_rq_wqes {
            return Err(Status::LimitReached);
        }
        let srq = SharedReceiveQueue {
            rank: number,
            pd: request.pd.0,
            ring: Ring::new(&rank.space, request.buf, log_wqes + log_stride).ok_or(Status::BadAddress)?,
            dbrec: DoorbellRecord::new(&rank.space, request.dbrec).ok_or(Status::BadAddress)?,
            log_wqes,
            log_stride,
            head: 0,
            consumed: 0,
            users: 0,
        };
        let srqn = self.shared_queues.insert(|_| srq).ok_or(Status::LimitReached)?;
        if let Some(rank) = self.rank_mut(number) {
            rank.shared_queues.push(srqn);
        }
        Ok(SrqNum(srqn))
    }

    pub(super) fn destroy_srq(&mut self, number: u32, srqn: SrqNum) -> Result<(), Status> {
        let srq = self.shared_queues.get(srqn.0).filter(|srq| srq.rank == number).ok_or(Status::NotFound)?;
        if srq.users > 0 {
            return Err(Status::Busy);
        }
        self.shared_queues.remove(srqn.0);
        if let Some(rank) = self.rank_mut(number) {
            rank.shared_queues.retain(|other| *other != srqn.0);
        }
        Ok(())
    }

    pub(super) fn create_qp(&mut self, number: u32, request: CreateQp) -> Result<QpNum, Status> {
        let rank = self.requesting(number)?;
        if !rank.keys.has_pd(request.pd) {
            return Err(Status::NotFound);
        }
        let log_sq = u32::from(request.log_sq_wqebbs);
        if rank.queue_pairs.len() >= LIMITS.max_qp as usize || log_sq > LIMITS.max_log_sq_wqebbs {
            return Err(Status::LimitReached);
        }
        for cqn in [request.send_cqn, request.recv_cqn] {
            self.completion_queues.get(cqn.0).filter(|cq| cq.rank == number).ok_or(Status::NotFound)?;
        }
        let qp = QueuePair {
            number: 0,
            rank: number,
            pd: request.pd.0,
            send_cq: request.send_cqn.0,
            recv_cq: request.recv_cqn.0,
            state: QpState::Init,
            sq: Ring::new(&rank.space, request.sq_buf, log_sq + LOG_64).ok_or(Status::BadAddress)?,
            log_sq,
            source: self.receive_source(rank, &request)?,
            dbrec: DoorbellRecord::new(&rank.space, request.dbrec).ok_or(Status::BadAddress)?,
            sq_producer: 0,
            sq_consumer: 0,
            attributes: Attributes::default(),
            work: None,
            queued: false,
        };
        let named = |qpn| Box::new(QueuePair { number: qpn, ..qp });
        let qpn = self.queue_pairs.insert(named).ok_or(Status::LimitReached)?;
        for cqn in [request.send_cqn, request.recv_cqn] {
            if let Some(cq) = self.completion_queues.get_mut(cqn.0) {
                cq.users += 1;
            }
        }
        if let Some(srq) = self.shared_queues.get_mut(request.srqn.0) {
            srq.users += 1;
        }
        if let Some(rank) = self.rank_mut(number) {
            rank.queue_pairs.push(qpn);
        }
        Ok(QpNum(qpn))
    }

    fn receive_source(&self, rank: &Rank, request: &CreateQp) -> Result<ReceiveSource, Status> {
        if request.srqn.0 != 0 {
            let srq = self.shared_queues.get(request.srqn.0).filter(|srq| srq.rank == rank.number);
            return srq.map(|_| ReceiveSource::Shared(request.srqn.0)).ok_or(Status::NotFound);
        }
        let (log_wqes, log_stride) = (u32::from(request.log_rq_wqes), u32::from(request.log_rq_stride));
        if log_wqes > LIMITS.max_log_rq_wqes {
            return Err(Status::LimitReached);
        }
        let ring = Ring::new(&rank.space, request.rq_buf, log_wqes + log_stride).ok_or(Status::BadAddress)?;
        Ok(ReceiveSource::Own(ReceiveQueue { ring, log_wqes, log_stride, consumer: 0 }))
    }

    pub(super) fn destroy_qp(&mut self, number: u32, qpn: QpNum) -> Result<(), Status> {
        self.owned_queue_pair(number, qpn)?;
        self.drop_queue_pair(qpn.0);
        if let Some(rank) = self.rank_mut(number) {
            rank.queue_pairs.retain(|other| *other != qpn.0);
        }
        Ok(())
    }

    pub(super) fn dealloc_pd(&mut self, number: u32, pd: PdNum) -> Result<(), Status> {
        let used = self.queue_pairs.iter_mut().any(|(_, qp)| qp.rank == number && qp.pd == pd.0)
            || self.shared_queues.iter_mut().any(|(_, srq)| srq.rank == number && srq.pd == pd.0);
        if used {
            return Err(Status::Busy);
        }
        self.rank_mut(number).ok_or(Status::NotPermitted)?.keys.dealloc_pd(pd)
    }

    /// The queue pair, if it is the rank's.
    pub(super) fn owned_queue_pair(&mut self, number: u32, qpn: QpNum) -> Result<&mut QueuePair, Status> {
        let qp = self.queue_pairs.get_mut(qpn.0).filter(|qp| qp.rank == number);
        qp.map(|qp| &mut **qp).ok_or(Status::NotFound)
    }
}
