//! One pass over all ranks.

use unirank_hca::event::FatalReason;

use super::fetch;
use super::job::Job;
use super::work::Turn;

/// How often a sleeping engine looks at queue pairs that wait for room in a completion queue, nanoseconds.
const ROOM_LOOK: u64 = 1_000_000;

impl Job {
    /// Looks at every rank's doorbells and gives every active queue pair a turn. Whether anything was done.
    pub(super) fn pass(&mut self, now: u64) -> bool {
        let mut worked = false;
        for number in 0..self.size {
            worked |= self.look_at(number);
        }
        for _ in 0..self.active.len() {
            let Some(qpn) = self.active.pop_front() else { break };
            self.run(qpn, now);
            worked = true;
        }
        for qpn in std::mem::take(&mut self.waiting) {
            worked |= self.run(qpn, now) != Turn::Waiting;
        }
        if worked {
            self.settle_completions();
            for rank in self.ranks_here() {
                rank.flush_interrupt();
            }
        }
        worked
    }

    fn look_at(&mut self, number: u32) -> bool {
        let Some(rank) = self.rank_mut(number) else { return false };
        if rank.disabled {
            return false;
        }
        let rung = rank.look();
        let mut worked = false;
        if rank.has_backlog() {
            rank.pump_events();
            worked = true;
        }
        if rung.commands != 0 {
            self.commands(number, rung.commands);
            worked = true;
        }
        if rung.arm {
            self.check_arms(number);
            worked = true;
        }
        if let Some(hint) = rung.send {
            self.doorbell(number, hint);
            worked = true;
        }
        worked
    }

    /// Activates the queue pairs with new requests. The doorbell names only the last of them, as a later store
    /// replaces an earlier one: the records tell of the others.
    fn doorbell(&mut self, number: u32, hint: u32) {
        self.look_at_record(number, hint);
        let Some(rank) = self.rank_mut(number) else { return };
        let queue_pairs = std::mem::take(&mut rank.queue_pairs);
        for qpn in &queue_pairs {
            if *qpn != hint {
                self.look_at_record(number, *qpn);
            }
        }
        if let Some(rank) = self.rank_mut(number) {
            rank.queue_pairs = queue_pairs;
        }
    }

    fn look_at_record(&mut self, number: u32, qpn: u32) {
        let Some(qp) = self.queue_pairs.get_mut(qpn).filter(|qp| qp.rank == number) else { return };
        if qp.queued {
            return;
        }
        match fetch::pending(qp) {
            Some(0) => {}
            Some(_) => {
                qp.queued = true;
                self.active.push_back(qpn);
            }
            None => self.fail_queue_pair(qpn, FatalReason::BadSendQueue),
        }
    }

    /// Whether a pass would find something to do at once.
    pub(super) fn has_work(&mut self) -> bool {
        !self.active.is_empty() || self.ranks_here().any(|rank| !rank.disabled && rank.has_rung())
    }

    /// When the next wait ends, if any queue pair waits.
    pub(super) fn next_deadline(&self, now: u64) -> Option<u64> {
        let waits = self.waiting.iter().filter_map(|qpn| self.queue_pairs.get(*qpn));
        waits
            .map(|qp| {
                let wait = qp.work.as_ref().filter(|work| work.active).and_then(|work| work.wait);
                wait.map_or(now + ROOM_LOOK, |wait| wait.until())
            })
            .min()
    }
}
