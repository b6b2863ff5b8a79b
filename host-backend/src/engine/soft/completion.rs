//! Writes completions and raises the interrupts of armed completion queues.

use std::sync::atomic::{Ordering, fence};

use unirank_hca::CqNum;
use unirank_hca::cqe::{Cqe, owner_of};
use unirank_hca::dbrec::{self, ArmWord};
use unirank_hca::event::{Event, FatalReason};
use unirank_hca::num::NUM_MASK;

use crate::engine::Counters;

use super::job::Job;
use super::queue_pair::CompletionQueue;

impl CompletionQueue {
    /// Entries that fit now. A consumer index that makes no sense counts as a full queue.
    pub(super) fn room(&mut self) -> u32 {
        let size = 1u32 << self.log;
        let mut used = self.producer.wrapping_sub(self.consumer) & NUM_MASK;
        if used >= size {
            self.consumer = self.dbrec.load(dbrec::CQ_CONSUMER);
            used = self.producer.wrapping_sub(self.consumer) & NUM_MASK;
        }
        size.saturating_sub(used)
    }

    /// Whether the guest has armed the queue and an entry is there that it has not seen.
    fn fires(&mut self) -> bool {
        let word = self.dbrec.load(dbrec::CQ_ARM);
        if word == self.answered {
            return false;
        }
        let arm = ArmWord::decode(word);
        let newest = if arm.solicited_only { self.solicited } else { self.producer };
        // Forward distance from the index that the guest has consumed up to; more than half the circle is behind.
        let ahead = newest.wrapping_sub(arm.consumer) & NUM_MASK;
        if ahead == 0 || ahead > NUM_MASK / 2 {
            return false;
        }
        self.answered = word;
        true
    }
}

impl Job {
    /// Writes a completion. `false` when the queue is gone or runs over; then its queue pairs will fail.
    pub(super) fn complete(&mut self, cqn: u32, cqe: &Cqe) -> bool {
        let Some(cq) = self.completion_queues.get_mut(cqn) else { return false };
        if cq.dead {
            return false;
        }
        if cq.room() == 0 {
            cq.dead = true;
            self.overrun.push(cqn);
            return false;
        }
        let owner = owner_of(cq.producer, u32::from(cq.log as u8));
        cq.ring.store_cqe(cq.producer, &cqe.encode(owner));
        cq.producer = cq.producer.wrapping_add(1);
        if cqe.solicited || cqe.opcode.is_error() {
            cq.solicited = cq.producer;
        }
        if !cq.touched {
            cq.touched = true;
            self.touched.push(cqn);
        }
        if cqe.opcode.is_error() {
            let rank = cq.rank;
            if let Some(rank) = self.rank(rank) {
                Counters::add(&rank.counters.errors, 1);
            }
        }
        true
    }

    /// Raises the interrupts that new completions ask for, and tells about queues that ran over.
    pub(super) fn settle_completions(&mut self) {
        if !self.touched.is_empty() {
            // Pairs with the guest's arm, fence, look again: either it sees the entry or we see the arm word.
            fence(Ordering::SeqCst);
            for cqn in std::mem::take(&mut self.touched) {
                if let Some(cq) = self.completion_queues.get_mut(cqn) {
                    cq.touched = false;
                }
                self.check_arm(cqn);
            }
        }
        for cqn in std::mem::take(&mut self.overrun) {
            self.fail_completion_queue(cqn);
        }
    }

    /// Raises the interrupt if the queue is armed and has something new.
    pub(super) fn check_arm(&mut self, cqn: u32) {
        let Some(cq) = self.completion_queues.get_mut(cqn) else { return };
        if cq.fires() {
            let rank = cq.rank;
            if let Some(rank) = self.rank_mut(rank) {
                rank.interrupt();
            }
        }
    }

    /// Looks at the arm words of all completion queues of a rank.
    pub(super) fn check_arms(&mut self, rank: u32) {
        let Some(rank) = self.rank_mut(rank) else { return };
        let queues = std::mem::take(&mut rank.completion_queues);
        let number = rank.number;
        for cqn in &queues {
            self.check_arm(*cqn);
        }
        if let Some(rank) = self.rank_mut(number) {
            rank.completion_queues = queues;
        }
    }

    fn fail_completion_queue(&mut self, cqn: u32) {
        let Some(cq) = self.completion_queues.get_mut(cqn) else { return };
        let owner = cq.rank;
        log::warn!(
            "job {}: rank {owner}: completion queue {cqn} of {} entries ran over",
            self.id,
            1u32 << cq.log
        );
        self.tell(owner, Event::CqError { cqn: CqNum(cqn) });
        let users: Vec<u32> = self
            .queue_pairs
            .iter_mut()
            .filter(|(_, qp)| qp.send_cq == cqn || qp.recv_cq == cqn)
            .map(|(qpn, _)| qpn)
            .collect();
        for qpn in users {
            self.fail_queue_pair(qpn, FatalReason::CqOverrun);
        }
    }
}
