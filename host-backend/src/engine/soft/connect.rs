//! On-demand connections: pairs the queue pairs that two ranks connect for the same service.

use unirank_hca::command::{QpState, Status};
use unirank_hca::event::Event;
use unirank_hca::{QpNum, Rank as RankNum, Service};

use super::job::{Job, Place};

/// Who waits for whom, for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pairing {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) service: u32,
}

impl Job {
    /// Connects `qpn` of rank `from` with the queue pair that rank `to` connects for the service.
    pub(super) fn connect(
        &mut self,
        from: u32,
        qpn: QpNum,
        to: RankNum,
        service: Service,
    ) -> Result<(), Status> {
        if to.0 == from || to.0 >= self.size {
            return Err(Status::Invalid);
        }
        if self.owned_queue_pair(from, qpn)?.state != QpState::Init {
            return Err(Status::NotPermitted);
        }
        match self.ranks.get(to.0 as usize) {
            Some(Place::Awaited) => {}
            Some(Place::Here(rank)) if !rank.disabled => {}
            _ => return Err(Status::Unreachable),
        }
        let there = Pairing { from: to.0, to: from, service: service.0 };
        if let Some(peer) = self.pairing.remove(&there) {
            // A queue pair that was modified by hand meanwhile is no partner any more.
            if self.queue_pairs.get(peer).is_some_and(|qp| qp.rank == to.0 && qp.state == QpState::Init) {
                self.join(qpn.0, to.0, peer);
                self.join(peer, from, qpn.0);
                self.tell(to.0, Event::Connected { peer: RankNum(from), qpn: QpNum(peer), service });
                self.tell(from, Event::Connected { peer: to, qpn, service });
                return Ok(());
            }
        }
        let here = Pairing { from, to: to.0, service: service.0 };
        if self.pairing.contains_key(&here) || self.pairing.values().any(|waiting| *waiting == qpn.0) {
            return Err(Status::Exists);
        }
        self.pairing.insert(here, qpn.0);
        self.tell(to.0, Event::ConnectRequest { peer: RankNum(from), service });
        Ok(())
    }

    fn join(&mut self, qpn: u32, rank: u32, peer: u32) {
        if let Some(qp) = self.queue_pairs.get_mut(qpn) {
            (qp.attributes.dest_rank, qp.attributes.dest_qpn) = (rank, peer);
            qp.state = QpState::Rts;
        }
        // Requests may have been posted before the connection stood.
        self.activate(qpn);
    }

    /// Tells a rank that has just come who wants to connect to it.
    pub(super) fn announce_requests(&mut self, to: u32) {
        let waiting: Vec<Pairing> = self.pairing.keys().filter(|pairing| pairing.to == to).copied().collect();
        for pairing in waiting {
            let (peer, service) = (RankNum(pairing.from), Service(pairing.service));
            self.tell(to, Event::ConnectRequest { peer, service });
        }
    }
}
