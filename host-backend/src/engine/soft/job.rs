//! One job: its ranks, and the queues that connect them.

use std::collections::{HashMap, VecDeque};

use unirank_hca::command::QpState;
use unirank_hca::event::{Event, FatalReason};
use unirank_hca::{QpNum, Rank as RankNum};

use crate::engine::EngineEvent;
use crate::rpc::JobId;

use super::connect::Pairing;
use super::queue_pair::{CompletionQueue, QueuePair, SharedReceiveQueue};
use super::rank::Rank;
use super::table::Table;
use super::work::Turn;

/// A job as the engine sees it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) size: u32,
    pub(super) ranks: Vec<Place>,
    pub(super) queue_pairs: Table<Box<QueuePair>>,
    pub(super) completion_queues: Table<CompletionQueue>,
    pub(super) shared_queues: Table<SharedReceiveQueue>,
    pub(super) pairing: HashMap<Pairing, u32>,
    /// Queue pairs with requests to execute or flush.
    pub(super) active: VecDeque<u32>,
    /// Queue pairs that wait for a peer, a receive, or room in a completion queue.
    pub(super) waiting: Vec<u32>,
    /// Completion queues with new entries since the last look at their arm words.
    pub(super) touched: Vec<u32>,
    /// Completion queues that ran over and whose queue pairs have yet to be told.
    pub(super) overrun: Vec<u32>,
    /// What the daemon has to hear.
    pub(super) reports: Vec<EngineEvent>,
}

/// What is known of a rank number.
#[derive(Debug, Default)]
pub(super) enum Place {
    /// Not yet attached.
    #[default]
    Awaited,
    /// Served.
    Here(Box<Rank>),
    /// Ended, or lost.
    Gone,
}

impl Job {
    pub(super) fn new(id: JobId, size: u32) -> Self {
        Self {
            id,
            size,
            ranks: (0..size).map(|_| Place::Awaited).collect(),
            queue_pairs: Table::default(),
            completion_queues: Table::default(),
            shared_queues: Table::default(),
            pairing: HashMap::new(),
            active: VecDeque::new(),
            waiting: Vec::new(),
            touched: Vec::new(),
            overrun: Vec::new(),
            reports: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn rank(&self, number: u32) -> Option<&Rank> {
        match self.ranks.get(number as usize)? {
            Place::Here(rank) => Some(rank),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn rank_mut(&mut self, number: u32) -> Option<&mut Rank> {
        match self.ranks.get_mut(number as usize)? {
            Place::Here(rank) => Some(rank),
            _ => None,
        }
    }

    /// The ranks that are served.
    pub(super) fn ranks_here(&mut self) -> impl Iterator<Item = &mut Rank> {
        self.ranks.iter_mut().filter_map(|place| match place {
            Place::Here(rank) => Some(rank.as_mut()),
            _ => None,
        })
    }

    /// Sends an event to a rank, if it is there.
    pub(super) fn tell(&mut self, rank: u32, event: Event) {
        if let Some(rank) = self.rank_mut(rank) {
            rank.tell(event);
        }
    }

    /// Gives a queue pair its turn in this or the next pass.
    pub(super) fn activate(&mut self, qpn: u32) {
        if let Some(qp) = self.queue_pairs.get_mut(qpn) {
            if !qp.queued {
                qp.queued = true;
                self.active.push_back(qpn);
            }
        }
    }

    /// Gives one queue pair a turn and queues it according to what is left.
    pub(super) fn run(&mut self, qpn: u32, now: u64) -> Turn {
        let Some(mut qp) = self.queue_pairs.lend(qpn) else { return Turn::Idle };
        let turn = self.turn(&mut qp, now);
        qp.queued = turn != Turn::Idle;
        self.queue_pairs.put_back(qpn, qp);
        match turn {
            Turn::Idle => {}
            Turn::More => self.active.push_back(qpn),
            Turn::Waiting => self.waiting.push(qpn),
        }
        turn
    }

    /// Puts a queue pair that is not lent into the error state; its requests will be flushed.
    pub(super) fn fail_queue_pair(&mut self, qpn: u32, reason: FatalReason) {
        let Some(qp) = self.queue_pairs.get_mut(qpn) else { return };
        if matches!(qp.state, QpState::Error | QpState::Reset) {
            return;
        }
        qp.state = QpState::Error;
        let rank = qp.rank;
        self.tell(rank, Event::QpFatal { qpn: QpNum(qpn), reason });
        self.activate(qpn);
    }

    /// Stops serving a rank that broke the device protocol.
    pub(super) fn disable(&mut self, number: u32, text: String) {
        let Some(rank) = self.rank_mut(number) else { return };
        if rank.disabled {
            return;
        }
        rank.disabled = true;
        log::warn!("job {}: rank {number}: HCA disabled: {text}", self.id);
        self.reports.push(EngineEvent::RankError { job: self.id, rank: number, text });
        self.drop_queues(number);
        self.announce_loss(number);
    }

    /// Takes a rank out: its memory is let go of and its peers are told.
    pub(super) fn detach(&mut self, number: u32) {
        let Some(place) = self.ranks.get_mut(number as usize) else { return };
        if matches!(place, Place::Gone) {
            return;
        }
        let announced = matches!(place, Place::Here(rank) if rank.disabled);
        self.drop_queues(number);
        if let Some(place) = self.ranks.get_mut(number as usize) {
            *place = Place::Gone;
        }
        self.pairing.retain(|pairing, _| pairing.from != number && pairing.to != number);
        if !announced {
            self.announce_loss(number);
        }
    }

    fn announce_loss(&mut self, number: u32) {
        for rank in self.ranks_here() {
            if rank.number != number {
                rank.tell(Event::PeerGone { rank: RankNum(number) });
            }
        }
    }

    /// Destroys all queues of a rank, whatever state they are in.
    fn drop_queues(&mut self, number: u32) {
        let Some(rank) = self.rank_mut(number) else { return };
        let queue_pairs = std::mem::take(&mut rank.queue_pairs);
        let completion_queues = std::mem::take(&mut rank.completion_queues);
        let shared_queues = std::mem::take(&mut rank.shared_queues);
        for qpn in queue_pairs {
            self.drop_queue_pair(qpn);
        }
        for cqn in completion_queues {
            self.completion_queues.remove(cqn);
        }
        for srqn in shared_queues {
            self.shared_queues.remove(srqn);
        }
    }

    /// Removes a queue pair from every list but its rank's.
    pub(super) fn drop_queue_pair(&mut self, qpn: u32) {
        let Some(mut qp) = self.queue_pairs.lend(qpn) else { return };
        if let Some(mut work) = qp.work.take() {
            self.abandon_receive(&qp, &mut work);
        }
        let (send_cq, recv_cq) = (qp.send_cq, qp.recv_cq);
        for cqn in [send_cq, recv_cq] {
            if let Some(cq) = self.completion_queues.get_mut(cqn) {
                cq.users = cq.users.saturating_sub(1);
            }
        }
        if let super::queue_pair::ReceiveSource::Shared(srqn) = qp.source {
            if let Some(srq) = self.shared_queues.get_mut(srqn) {
                srq.users = srq.users.saturating_sub(1);
            }
        }
        self.pairing.retain(|_, waiting| *waiting != qpn);
        // The number is still in the active or waiting list: both skip numbers without object, and numbers come
        // back late. A queue pair that reuses it is merely looked at once more.
        self.queue_pairs.put_back(qpn, qp);
        self.queue_pairs.remove(qpn);
    }
}
