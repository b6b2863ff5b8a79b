//! How the teams of several hosts do a collective together: within each host through its segment, between hosts by
//! messages of the first member of each.

use super::super::link::Link;
use super::super::memory::{ByRank, Receive, Scratch, Send, starts};
use super::super::reduce::Reduction;
use super::super::{allgather, allreduce, barrier, bcast, reduce};
use super::reduce::Call;
use super::team::Reach;
use super::{Collective, NodeColl, Team};
use crate::comm::Comm;
use crate::error::Result;
use crate::observe;

/// The members on all hosts.
pub(super) struct Hosts {
    /// By host, the ranks of its team.
    teams: Vec<Vec<usize>>,
    /// By rank: host and place in its team.
    places: Vec<(usize, usize)>,
    /// This rank's host.
    mine: usize,
    /// The first members of all hosts, in their order; on these only.
    between: Option<Comm>,
}

/// The member of a team that speaks for it.
const FIRST: usize = 0;

impl Hosts {
    pub fn new(teams: Vec<Vec<usize>>, mine: usize, between: Option<Comm>) -> Self {
        let mut places = vec![(0, 0); teams.iter().map(Vec::len).sum()];
        for (host, team) in teams.iter().enumerate() {
            for (place, rank) in team.iter().enumerate() {
                places[*rank] = (host, place);
            }
        }
        Self { teams, places, mine, between }
    }

    /// Whether the hosts' teams follow each other in the order of ranks.
    fn is_ordered(&self) -> bool {
        self.teams.iter().flatten().copied().eq(0..self.places.len())
    }

    /// # Safety
    /// As [`Team::bcast`].
    unsafe fn bcast(&self, team: &Team, buffer: Receive<'_>, root: usize) -> Result<()> {
        let (host, place) = self.places[root];
        // SAFETY: the caller's promise.
        unsafe {
            if host == self.mine {
                team.bcast(buffer, place)?;
            }
            if let Some(between) = &self.between {
                bcast::bcast(between, buffer, host)?;
            }
            if host != self.mine {
                team.bcast(buffer, FIRST)?;
            }
        }
        Ok(())
    }

    /// # Safety
    /// As [`Team::allreduce`].
    unsafe fn allreduce(&self, team: &Team, call: Call<'_>, result: Receive<'_>) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe {
            team.reduce(call, (team.me() == FIRST).then_some(result), FIRST)?;
            if let Some(between) = &self.between {
                allreduce::allreduce(between, result.at, result.at, call.count, call.what)?;
            }
            team.bcast(result, FIRST)
        }
    }

    /// # Safety
    /// As [`Team::reduce`].
    unsafe fn reduce(
        &self,
        comm: &Comm,
        team: &Team,
        call: Call<'_>,
        result: Option<Receive<'_>>,
        root: usize,
    ) -> Result<()> {
        let (host, place) = self.places[root];
        let link = Link::new(comm, Collective::Reduce);
        let mut scratch: Option<Scratch<'_>> = None;
        // SAFETY: the caller's promise, and scratch memory.
        unsafe {
            let Some(between) = &self.between else {
                team.reduce(call, None, FIRST)?;
                return match result {
                    Some(result) => link.receive(self.teams[host][FIRST], result).map(|_| ()),
                    None => Ok(()),
                };
            };
            let all = match result {
                Some(result) => result,
                None => scratch.insert(call.what.scratch(call.count)).room(),
            };
            team.reduce(call, Some(all), FIRST)?;
            reduce::reduce(between, all.at, all.at, call.count, call.what, host)?;
            if host == self.mine && place != FIRST {
                return link.send(root, all.as_send());
            }
        }
        Ok(())
    }

    /// Blocks are put in the order of hosts, collected, and put back.
    fn allgather(&self, team: &Team, mine: Option<&[u8]>, bytes: &mut [u8], at: &[usize]) -> Result<()> {
        let order: Vec<usize> = self.teams.iter().flatten().copied().collect();
        let turned = starts(order.iter().map(|rank| at[*rank + 1] - at[*rank]));
        let firsts = starts(self.teams.iter().map(Vec::len));
        let (first, end) = (firsts[self.mine], firsts[self.mine + 1]);
        let mut all = vec![0; bytes.len()];
        let me = first + team.me();
        let own = order[me];
        all[turned[me]..turned[me + 1]].copy_from_slice(mine.unwrap_or(&bytes[at[own]..at[own + 1]]));
        let of_team: ByRank<usize> = turned[first..=end].iter().map(|start| start - turned[first]).collect();
        team.allgather(None, &mut all[turned[first]..turned[end]], &of_team)?;
        if let Some(between) = &self.between {
            let host_starts: ByRank<usize> = firsts.iter().map(|first| turned[*first]).collect();
            allgather::packed(between, &mut all, &host_starts)?;
        }
        let byte = crate::datatype::byte();
        let room = Receive { at: all.as_mut_ptr(), count: all.len(), dt: &byte };
        // SAFETY: our own memory.
        unsafe { team.bcast(room, FIRST)? };
        for (place, rank) in order.iter().enumerate() {
            bytes[at[*rank]..at[*rank + 1]].copy_from_slice(&all[turned[place]..turned[place + 1]]);
        }
        Ok(())
    }
}

impl NodeColl {
    /// Whether it can do reductions whose operands must stay in order.
    pub fn keeps_order(&self) -> bool {
        self.hosts.as_ref().is_none_or(Hosts::is_ordered)
    }

    /// Whether members see each other's buffers as memory. All give the same answer, so several hosts do not.
    pub fn is_mapped(&self) -> bool {
        self.hosts.is_none() && self.team.reach >= Reach::Read
    }

    /// Whether all members are on one host.
    pub fn is_one_host(&self) -> bool {
        self.hosts.is_none()
    }

    /// Returns when all members have called it.
    #[inline]
    pub fn barrier(&self) -> Result<()> {
        observe::node_collective();
        let Some(hosts) = &self.hosts else { return self.team.barrier() };
        self.team.report(FIRST)?;
        if let Some(between) = &hosts.between {
            barrier::barrier(between)?;
        }
        self.team.release(FIRST)
    }

    /// Copies the root's buffer to all.
    ///
    /// # Safety
    /// `buffer` is writable (at the root: readable) memory of the program.
    #[inline]
    pub unsafe fn bcast(&self, buffer: Receive<'_>, root: usize) -> Result<()> {
        observe::node_collective();
        // SAFETY: the caller's promise.
        unsafe {
            match &self.hosts {
                None => self.team.bcast(buffer, root),
                Some(hosts) => hosts.bcast(&self.team, buffer, root),
            }
        }
    }

    /// Combines the elements of all members at `root`.
    ///
    /// # Safety
    /// `mine` is readable, `result` (at the root only) writable; they are the same or do not overlap.
    #[inline]
    pub unsafe fn reduce(
        &self,
        comm: &Comm,
        mine: Send<'_>,
        result: Option<Receive<'_>>,
        what: Reduction<'_>,
        root: usize,
    ) -> Result<()> {
        observe::node_collective();
        let call = Call { mine: mine.at, count: mine.count, what };
        // SAFETY: the caller's promise.
        unsafe {
            match &self.hosts {
                None => self.team.reduce(call, result, root),
                Some(hosts) => hosts.reduce(comm, &self.team, call, result, root),
            }
        }
    }

    /// Combines the elements of all members at all.
    ///
    /// # Safety
    /// `mine` is readable, `result` writable; they are the same or do not overlap.
    #[inline]
    pub unsafe fn allreduce(&self, mine: Send<'_>, result: Receive<'_>, what: Reduction<'_>) -> Result<()> {
        observe::node_collective();
        let call = Call { mine: mine.at, count: mine.count, what };
        // SAFETY: the caller's promise.
        unsafe {
            match &self.hosts {
                None => self.team.allreduce(call, result),
                Some(hosts) => hosts.allreduce(&self.team, call, result),
            }
        }
    }

    /// Collects packed blocks; this member's is in its place, or in `mine`.
    pub fn allgather(&self, mine: Option<&[u8]>, bytes: &mut [u8], starts: &[usize]) -> Result<()> {
        observe::node_collective();
        match &self.hosts {
            None => self.team.allgather(mine, bytes, starts),
            Some(hosts) => hosts.allgather(&self.team, mine, bytes, starts),
        }
    }

    /// Sends blocks of as many bytes; for members on one host.
    ///
    /// # Safety
    /// The sends are readable, the rooms writable memory of the program; they do not overlap.
    pub unsafe fn alltoall(&self, sends: &[Send<'_>], rooms: &[Receive<'_>], bytes: usize) -> Result<()> {
        observe::node_collective();
        // SAFETY: the caller's promise.
        unsafe { self.team.alltoall(sends, rooms, bytes) }
    }
}
