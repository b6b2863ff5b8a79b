//! Carries out the command ring of a rank.

use unirank_hca::command::{Command, Reply, Request, Response, Status};
use unirank_hca::region::VERSION;

use crate::memory::Space;

use super::LIMITS;
use super::job::{Job, Place};
use super::keys::RESERVED_LKEY;
use super::rank::Rank;

impl Job {
    /// Carries out the `pending` commands of a rank. More than the ring holds disables it.
    pub(super) fn commands(&mut self, number: u32, pending: u32) {
        if pending > Rank::COMMAND_SLOTS {
            let slots = Rank::COMMAND_SLOTS;
            self.disable(
                number,
                format!("its command ring of {slots} slots claims to hold {pending} commands"),
            );
            return;
        }
        for _ in 0..pending {
            let Some(rank) = self.rank(number) else { return };
            let response = match Request::decode(&rank.next_request()) {
                Ok(Request { id, command }) => Response { id, result: self.command(number, command) },
                Err((id, status)) => Response { id, result: Err(status) },
            };
            if let Err(status) = response.result {
                log::info!("job {}: rank {number}: command {} refused: {status}", self.id, response.id);
            }
            if let Some(rank) = self.rank_mut(number) {
                rank.respond(&response.encode());
            }
        }
    }

    fn command(&mut self, number: u32, command: Command) -> Result<Reply, Status> {
        if let Command::Handshake { version } = command {
            return self.handshake(number, version);
        }
        let rank = self.rank_mut(number).filter(|rank| rank.greeted).ok_or(Status::NotPermitted)?;
        match command {
            Command::Handshake { .. } => Err(Status::NotPermitted),
            Command::AllocPd => rank.keys.alloc_pd().map(Reply::Pd),
            Command::DeallocPd(pd) => self.dealloc_pd(number, pd).map(|()| Reply::Done),
            Command::RegMr { pd, addr, len, access } => {
                let Rank { keys, space, .. } = rank;
                keys.register(space, pd, addr, len, access).map(|(lkey, rkey)| Reply::Mr { lkey, rkey })
            }
            Command::DeregMr(lkey) => rank.keys.deregister(lkey).map(|()| Reply::Done),
            Command::CreateCq(request) => self.create_cq(number, request).map(Reply::Cq),
            Command::DestroyCq(cqn) => self.destroy_cq(number, cqn).map(|()| Reply::Done),
            Command::CreateSrq(request) => self.create_srq(number, request).map(Reply::Srq),
            Command::DestroySrq(srqn) => self.destroy_srq(number, srqn).map(|()| Reply::Done),
            Command::CreateQp(request) => self.create_qp(number, request).map(Reply::Qp),
            Command::ModifyQp(request) => self.modify_qp(number, &request).map(|()| Reply::Done),
            Command::QueryQp(qpn) => self.query_qp(number, qpn).map(Reply::QpInfo),
            Command::DestroyQp(qpn) => self.destroy_qp(number, qpn).map(|()| Reply::Done),
            Command::Connect { qpn, peer, service } => {
                self.connect(number, qpn, peer, service).map(|()| Reply::Done)
            }
            Command::WakeRank(peer) => self.wake_rank(peer.0).map(|()| Reply::Done),
        }
    }

    /// Interrupts a rank at once. One that has not come yet looks anyway before it first sleeps.
    fn wake_rank(&mut self, number: u32) -> Result<(), Status> {
        match self.ranks.get_mut(number as usize) {
            Some(Place::Here(rank)) if !rank.disabled => {
                rank.interrupt();
                rank.flush_interrupt();
                Ok(())
            }
            Some(Place::Awaited) => Ok(()),
            Some(_) => Err(Status::Unreachable),
            None => Err(Status::Invalid),
        }
    }

    /// Settles the version, and where a native process has its arena. A second handshake is a fresh driver in
    /// the same rank: it gets no old objects, as numbers differ, and the arena stays where it was.
    fn handshake(&mut self, number: u32, version: u32) -> Result<Reply, Status> {
        let rank = self.rank_mut(number).ok_or(Status::NotPermitted)?;
        if version != VERSION {
            let text = format!(
                "rank {number}'s image speaks HCA protocol {version}, this host {VERSION}: rebuild the image or \
                 use the unirank it was built with"
            );
            self.reports.push(crate::engine::EngineEvent::RankError { job: self.id, rank: number, text });
            return Err(Status::BadVersion);
        }
        let (at, len) = rank.dma_window();
        if let Space::Native { arena, base, .. } = &mut rank.space {
            if *base == 0 {
                let end = at.checked_add(len);
                if at == 0
                    || at % 4096 != 0
                    || len > arena.len() as u64
                    || end.is_none_or(|end| end > 1 << 47)
                {
                    return Err(Status::BadAddress);
                }
                *base = at;
            }
        }
        rank.greeted = true;
        Ok(Reply::Handshake { version: VERSION, reserved_lkey: RESERVED_LKEY, limits: LIMITS })
    }
}
