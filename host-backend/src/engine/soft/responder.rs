//! What happens at the other end: receives are taken, keys and rights checked, bytes moved.

use unirank_hca::command::QpState;
use unirank_hca::cqe::{Cqe, CqeOpcode, Syndrome};
use unirank_hca::event::FatalReason;
use unirank_hca::wqe::Opcode;
use unirank_hca::{Access, QpNum, SrqNum};

use crate::memory::{Fault, Segment, View, transfer, update};

use super::MAX_UNREACHABLE;
use super::job::Job;
use super::queue_pair::QueuePair;
use super::receive::{self, Taken};
use super::work::{Receive, Step, Wait, Work};

/// Who is to blame when bytes cannot be moved.
struct Blame {
    source: Syndrome,
    destination: Syndrome,
}

impl Job {
    /// Moves a request on, by at most `budget` bytes.
    pub(super) fn step(&mut self, qp: &mut QueuePair, work: &mut Work, budget: &mut u64, now: u64) -> Step {
        if work.opcode == Opcode::Nop {
            return Step::Done;
        }
        let Some(rank) = self.rank(qp.rank) else { return Step::Failed(Syndrome::LocalQpOperation) };
        if !work.local.allowed(&rank.keys, &rank.space, qp.pd, work.opcode.writes_local()) {
            return Step::Failed(Syndrome::LocalProtection);
        }
        if !self.reachable(qp) {
            return wait_reachable(qp, work, now);
        }
        if matches!(work.wait, Some(Wait::Unreachable { .. })) {
            work.wait = None;
        }
        if work.needs_receive() && work.receive.is_none() {
            if let Err(step) = self.take_receive(qp, work, now) {
                return step;
            }
        }
        if work.opcode.is_atomic() { self.atomic(qp, work) } else { self.slice(qp, work, budget) }
    }

    /// Whether the responder is there, ready, and connected to this queue pair.
    fn reachable(&self, qp: &QueuePair) -> bool {
        let to = &qp.attributes;
        self.rank(to.dest_rank).is_some_and(|rank| !rank.disabled)
            && self.queue_pairs.get(to.dest_qpn).is_some_and(|responder| {
                responder.rank == to.dest_rank
                    && matches!(responder.state, QpState::Rtr | QpState::Rts)
                    && responder.attributes.dest_rank == qp.rank
                    && responder.attributes.dest_qpn == qp.number
            })
    }

    /// Takes a receive for the request, or says what becomes of the request without one.
    fn take_receive(&mut self, qp: &QueuePair, work: &mut Work, now: u64) -> Result<(), Step> {
        let dest = qp.attributes.dest_qpn;
        let Self { queue_pairs, shared_queues, .. } = self;
        let Some(responder) = queue_pairs.get_mut(dest) else {
            return Err(Step::Failed(Syndrome::RemoteOperation));
        };
        match receive::take(responder, shared_queues, &mut work.receive_pieces) {
            Taken::Empty => Err(wait_receive(qp, work, responder.attributes.min_rnr_timer, now)),
            Taken::Invalid => {
                self.fail_queue_pair(dest, FatalReason::BadReceiveQueue);
                Err(Step::Failed(Syndrome::RemoteOperation))
            }
            Taken::Receive(taken) => {
                work.wait = None;
                if matches!(work.opcode, Opcode::Send | Opcode::SendImm) && work.len > taken.room {
                    self.fail_receive(dest, taken, Syndrome::LocalLength);
                    return Err(Step::Failed(Syndrome::RemoteInvalidRequest));
                }
                work.receive = Some(taken);
                Ok(())
            }
        }
    }

    /// Completes a receive with an error and puts the responder into the error state.
    fn fail_receive(&mut self, dest: u32, receive: Receive, syndrome: Syndrome) {
        let Some(responder) = self.queue_pairs.get(dest) else { return };
        let cqn = responder.recv_cq;
        let mut cqe = Cqe::error(CqeOpcode::ResponderError, QpNum(dest), receive.wqe_counter, 0, syndrome);
        cqe.srqn = SrqNum(receive.srqn);
        self.complete(cqn, &cqe);
        let reason = match syndrome {
            Syndrome::Flushed => FatalReason::Remote,
            _ => FatalReason::BadReceiveQueue,
        };
        self.fail_queue_pair(dest, reason);
    }

    /// Gives back a receive whose message will never be complete, as its sender is gone: the connection is dead.
    pub(super) fn abandon_receive(&mut self, qp: &QueuePair, work: &mut Work) {
        if let Some(receive) = work.receive.take() {
            let dest = qp.attributes.dest_qpn;
            if self.queue_pairs.get(dest).is_some_and(|responder| responder.attributes.dest_qpn == qp.number)
            {
                self.fail_receive(dest, receive, Syndrome::Flushed);
            }
        }
    }

    /// Refuses a request for what it wants to do with the responder's memory.
    fn refuse(&mut self, dest: u32, syndrome: Syndrome) -> Step {
        self.fail_queue_pair(dest, FatalReason::Remote);
        Step::Failed(syndrome)
    }

    /// Whether the request may do `right` at its remote address.
    fn remote_allowed(&self, qp: &QueuePair, work: &Work, right: Access) -> bool {
        let to = &qp.attributes;
        let Some(responder) = self.queue_pairs.get(to.dest_qpn) else { return false };
        let Some(rank) = self.rank(to.dest_rank) else { return false };
        responder.attributes.access.contains(right)
            && rank.keys.remote(&rank.space, work.rkey, responder.pd, (work.raddr, work.len), right)
    }

    /// Moves the next bytes of a send, write or read; delivers the receive with the last.
    fn slice(&mut self, qp: &QueuePair, work: &mut Work, budget: &mut u64) -> Step {
        let dest = qp.attributes.dest_qpn;
        let n = (work.len - work.done).min(*budget);
        if n > 0 {
            if let Err(step) = self.move_bytes(qp, work, n) {
                return step;
            }
            *budget -= n;
            work.done += n;
        }
        if work.done < work.len {
            return Step::More;
        }
        let Some(receive) = work.receive.take() else { return Step::Done };
        let Some(responder) = self.queue_pairs.get(dest) else { return Step::Done };
        let mut cqe = Cqe::requester(QpNum(dest), receive.wqe_counter, 0, work.len as u32);
        cqe.opcode = match work.opcode {
            Opcode::SendImm => CqeOpcode::ResponderSendImm,
            Opcode::RdmaWriteImm => CqeOpcode::ResponderWriteImm,
            _ => CqeOpcode::ResponderSend,
        };
        cqe.imm = work.imm.unwrap_or(0);
        cqe.solicited = work.solicited;
        cqe.srqn = SrqNum(receive.srqn);
        let cqn = responder.recv_cq;
        if self.complete(cqn, &cqe) {
            Step::Done
        } else {
            self.fail_queue_pair(dest, FatalReason::CqOverrun);
            Step::Failed(Syndrome::RemoteOperation)
        }
    }

    fn move_bytes(&mut self, qp: &QueuePair, work: &mut Work, n: u64) -> Result<(), Step> {
        let dest = qp.attributes.dest_qpn;
        let there = [Segment::Guest { addr: work.raddr, len: work.len }];
        let right = match work.opcode {
            Opcode::RdmaRead => Some(Access::REMOTE_READ),
            Opcode::RdmaWrite | Opcode::RdmaWriteImm => Some(Access::REMOTE_WRITE),
            _ => None,
        };
        if right.is_some_and(|right| !self.remote_allowed(qp, work, right)) {
            return Err(self.refuse_write(qp, work));
        }
        let (Some(rank), Some(peer)) = (self.rank(qp.rank), self.rank(qp.attributes.dest_rank)) else {
            return Err(Step::Failed(Syndrome::RemoteOperation));
        };
        let here = View::with_private(&rank.space, &work.local.segments, &work.bytes);
        let (moved, blame) = match (work.opcode, work.receive) {
            (Opcode::RdmaRead, _) => (
                transfer(View::guest(&peer.space, &there), here, work.done, n),
                Blame { source: Syndrome::RemoteAccess, destination: Syndrome::LocalProtection },
            ),
            (Opcode::Send | Opcode::SendImm, Some(receive)) => {
                let to = &work.receive_pieces;
                let allowed = to.allowed(&peer.keys, &peer.space, receive.pd, true);
                let view = View::guest(&peer.space, &to.segments);
                let moved =
                    if allowed { transfer(here, view, work.done, n) } else { Err(Fault::Destination) };
                (moved, Blame { source: Syndrome::LocalProtection, destination: Syndrome::RemoteOperation })
            }
            _ => (
                transfer(here, View::guest(&peer.space, &there), work.done, n),
                Blame { source: Syndrome::LocalProtection, destination: Syndrome::RemoteAccess },
            ),
        };
        let syndrome = match moved {
            Ok(()) => return Ok(()),
            Err(Fault::Source) => blame.source,
            Err(Fault::Destination) => blame.destination,
        };
        match syndrome {
            Syndrome::RemoteOperation => {
                if let Some(receive) = work.receive.take() {
                    self.fail_receive(dest, receive, Syndrome::LocalProtection);
                }
                Err(Step::Failed(syndrome))
            }
            Syndrome::RemoteAccess => Err(self.refuse_write(qp, work)),
            _ => Err(Step::Failed(syndrome)),
        }
    }

    /// Refuses a read or write; a receive it had taken is given back.
    fn refuse_write(&mut self, qp: &QueuePair, work: &mut Work) -> Step {
        self.abandon_receive(qp, work);
        self.refuse(qp.attributes.dest_qpn, Syndrome::RemoteAccess)
    }

    fn atomic(&mut self, qp: &QueuePair, work: &mut Work) -> Step {
        let dest = qp.attributes.dest_qpn;
        if work.raddr % 8 != 0 {
            return self.refuse(dest, Syndrome::RemoteInvalidRequest);
        }
        if !self.remote_allowed(qp, work, Access::REMOTE_ATOMIC) {
            return self.refuse(dest, Syndrome::RemoteAccess);
        }
        let (Some(rank), Some(peer)) = (self.rank(qp.rank), self.rank(qp.attributes.dest_rank)) else {
            return Step::Failed(Syndrome::RemoteOperation);
        };
        let (swap_add, compare) = (work.swap_add, work.compare);
        let old = match work.opcode {
            Opcode::AtomicFa => update(&peer.space, work.raddr, |old| old.wrapping_add(swap_add)),
            _ => update(&peer.space, work.raddr, |old| if old == compare { swap_add } else { old }),
        };
        let Some(old) = old else { return self.refuse(dest, Syndrome::RemoteAccess) };
        let answer = [Segment::Private { offset: 0, len: 8 }];
        let bytes = old.to_ne_bytes();
        let answer = View::with_private(&peer.space, &answer, &bytes);
        match transfer(answer, View::guest(&rank.space, &work.local.segments), 0, 8) {
            Ok(()) => Step::Done,
            Err(_) => Step::Failed(Syndrome::LocalProtection),
        }
    }
}

/// Waits for a peer that does not answer, as long as the queue pair's retransmissions would take.
fn wait_reachable(qp: &QueuePair, work: &mut Work, now: u64) -> Step {
    let until = match work.wait {
        Some(Wait::Unreachable { until }) => until,
        _ => {
            let limit = MAX_UNREACHABLE.as_nanos() as u64;
            let to = &qp.attributes;
            // 4.096 us * 2^timeout per try (InfiniBand specification 9.9.2.1.1); 0 is no limit there.
            let span = match to.timeout {
                0 => limit,
                exponent => (4096u64 << exponent.min(31)) * (u64::from(to.retry_cnt) + 1),
            };
            now + span.min(limit)
        }
    };
    if now >= until {
        return Step::Failed(Syndrome::RetryExceeded);
    }
    work.wait = Some(Wait::Unreachable { until });
    Step::Wait
}

/// Waits for the responder to post a receive.
fn wait_receive(qp: &QueuePair, work: &mut Work, timer: u8, now: u64) -> Step {
    let (left, waited) = match work.wait {
        Some(Wait::NoReceive { until, .. }) if now < until => return Step::Wait,
        Some(Wait::NoReceive { left, waited, .. }) => {
            (left.map(|left| left.saturating_sub(1)), waited.saturating_add(1))
        }
        _ => ((qp.attributes.rnr_retry < 7).then_some(qp.attributes.rnr_retry), 0),
    };
    if left == Some(0) {
        return Step::Failed(Syndrome::RnrRetryExceeded);
    }
    let timer = rnr_timer_ns(timer);
    // Without limit on retries the timer only decides how soon a sleeping engine looks again.
    let span = if left.is_some() { timer } else { timer.max((100_000 << waited.min(5)).min(2_000_000)) };
    work.wait = Some(Wait::NoReceive { until: now + span, left, waited });
    Step::Wait
}

/// Receiver-not-ready timer (InfiniBand specification, table 45), nanoseconds.
fn rnr_timer_ns(encoded: u8) -> u64 {
    const HUNDREDTHS_MS: [u32; 32] = [
        65536, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048,
        3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152,
    ];
    let hundredths = HUNDREDTHS_MS.get(usize::from(encoded & 31)).copied().unwrap_or(65536);
    u64::from(hundredths) * 10_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_of_the_specification() {
        assert_eq!(rnr_timer_ns(0), 655_360_000);
        assert_eq!(rnr_timer_ns(1), 10_000);
        assert_eq!(rnr_timer_ns(12), 640_000);
        assert_eq!(rnr_timer_ns(31), 491_520_000);
    }
}
