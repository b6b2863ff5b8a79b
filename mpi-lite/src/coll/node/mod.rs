//! Collectives that know the node: through memory which the ranks of a host share, then between hosts.
//!
//! | file | question |
//! |---|---|
//! | [`setup`] | which members share a host, and where is their segment? |
//! | [`team`] | the members on one host: phases, slices, addresses |
//! | [`wait`] | how do members wait for each other, and who wakes whom? |
//! | [`barrier`], [`bcast`], [`reduce`], [`allgather`], [`alltoall`] | the collectives of a team |
//! | [`hosts`] | how do the teams of several hosts do them together? |
//!
//! A *team* is the members of a communicator on one host, with a segment of the job region ([`unirank_ivc::segment`]).
//! Data go in three ways: *inline*, in the line that says that they are there; through *slices* of the segment,
//! piece by piece; or *directly*, from the program's buffer of one rank into that of another, through windows.
//!
//! All members must come to the same way, so only what all know counts: bytes, the team's size, and what a line says. A
//! member whose buffer others cannot reach publishes no address, and then all take slices.
//!
//! Reductions combine the elements of all members in the order of ranks, always: the result is the same at every
//! rank, in every run, and right for operations that do not commute.

mod allgather;
mod alltoall;
mod barrier;
mod bcast;
mod hosts;
mod reduce;
mod setup;
mod team;
mod wait;

use super::choose::{self, Collective};
use crate::comm::Comm;
use crate::error::Result;
use crate::fiber;
use hosts::Hosts;
use team::Team;

/// What a communicator needs for these collectives.
pub struct NodeColl {
    team: Team,
    /// With members on several hosts.
    hosts: Option<Hosts>,
}

#[cfg(test)]
impl NodeColl {
    /// Offset of the segment.
    pub fn segment_at(&self) -> u64 {
        self.team.offset
    }
}

/// That of `comm` if it has one already and the user forces nothing: the fast path. None for a collective beside others.
#[inline]
pub(crate) fn ready(comm: &Comm) -> Option<&NodeColl> {
    if choose::is_free() && !fiber::is_inside() { comm.node.get()?.as_deref() } else { None }
}

/// That of `comm`, for a collective; made at the first call, which all members make together.
pub(crate) fn of(comm: &Comm, collective: Collective) -> Result<Option<&NodeColl>> {
    if comm.size() == 1 || fiber::is_inside() || choose::forces_messages(collective)? {
        return Ok(None);
    }
    if comm.node.get().is_none() {
        let made = setup::setup(comm)?.map(Box::new);
        // It was empty, and only this thread sets it.
        let _ = comm.node.set(made);
    }
    Ok(comm.node.get().and_then(|node| node.as_deref()))
}

pub(crate) use reduce::fits;
