//! Which members of a communicator share a host, and where is their segment?
//!
//! All members agree by messages, once, at the first collective: each says who is the first member that it shares a host
//! with; that one makes the segment and tells where. If anybody cannot take part, nobody does, and messages serve.

use super::NodeColl;
use super::hosts::Hosts;
use super::team::{Reach, Team};
use crate::coll::memory::starts;
use crate::coll::{allgather, numbers};
use crate::comm::{Comm, create};
use crate::error::Result;
use crate::group::Group;
use crate::per_rank::per_rank;
use crate::{node, p2p};
use std::cell::Cell;
use std::iter::repeat_n;
use unirank_ivc::segment::{MAX_MEMBERS, Segment};

per_rank! { static TOLD: Cell<bool> = Cell::new(false); }

/// Says once why collectives take messages.
fn tell(comm: &Comm, why: &str) {
    if !TOLD.with(|told| told.replace(true)) {
        let rank = comm.member(comm.rank()).world;
        eprintln!("unirank: rank {rank}: collectives on {} take messages: {why}", comm.describe());
    }
}

/// Each member's numbers, by messages.
fn exchange(comm: &Comm, mine: [i32; 2]) -> Result<Vec<[i32; 2]>> {
    let mut all = vec![0; 8 * comm.size()];
    for (place, number) in all[8 * comm.rank()..].chunks_exact_mut(4).zip(mine) {
        place.copy_from_slice(&number.to_ne_bytes());
    }
    allgather::by_messages(comm, &mut all, &starts(repeat_n(8, comm.size())))?;
    Ok(numbers(&all))
}

fn worlds<'a>(comm: &'a Comm, ranks: &'a [usize]) -> impl Iterator<Item = u32> + 'a {
    ranks.iter().map(|rank| comm.member(*rank).world)
}

/// How this rank reaches the memory of members on its host.
fn reach(comm: &Comm, team: &[usize]) -> Reach {
    let others = || worlds(comm, team).filter(|world| *world != comm.member(comm.rank()).world);
    let direct = |write| others().all(|world| node::direct(world, 0, 0, write).is_some());
    if direct(true) {
        Reach::Write
    } else if direct(false) {
        Reach::Read
    } else if others().all(node::can_read) {
        Reach::Copy
    } else {
        Reach::No
    }
}

/// Makes a segment for so many members and says where; none, with a notice, if there is no room.
fn make(comm: &Comm, members: usize) -> Option<u64> {
    let (region, number) = (node::region()?, node::local(comm.member(comm.rank()).world)?);
    if members > MAX_MEMBERS {
        tell(comm, "it has too many members on one host");
        return None;
    }
    match region.allocate(number, Segment::bytes(members)) {
        Ok(offset) => Segment::format(&region, offset, members).map(|()| offset),
        Err(error) => {
            tell(comm, &error.to_string());
            None
        }
    }
}

/// Where the segment of this rank's host is; none if one host has none. The leader gives it back then.
fn agree_on_segment(comm: &Comm, leaders: &[usize], team: &[usize]) -> Result<Option<u64>> {
    let made = if team[0] == comm.rank() { make(comm, team.len()) } else { None };
    let told = made.unwrap_or(0);
    let all = exchange(comm, [told as i32, (told >> 32) as i32])?;
    let offset = |rank: usize| u64::from(all[rank][0] as u32) | u64::from(all[rank][1] as u32) << 32;
    if leaders.iter().all(|rank| offset(*rank) != 0) {
        return Ok(Some(offset(team[0])));
    }
    if let (Some(offset), Some(region)) = (made, node::region()) {
        let number = node::local(comm.member(comm.rank()).world).unwrap_or(0);
        if let Err(error) = region.release(number, offset, Segment::bytes(team.len())) {
            tell(comm, &error.to_string());
        }
    }
    Ok(None)
}

/// Prepares `comm`; none if its collectives take messages.
pub(super) fn setup(comm: &Comm) -> Result<Option<NodeColl>> {
    #[cfg(test)]
    if crate::comm::fake::active() {
        return Ok(None);
    }
    let everyone: Vec<usize> = (0..comm.size()).collect();
    let is_here = |rank: &usize| node::local(comm.member(*rank).world).is_some();
    let here: Vec<usize> = everyone.iter().copied().filter(is_here).collect();
    let takes_part = here.contains(&comm.rank()) && !p2p::is_adapter_wanted()?;
    let leader = if takes_part { here[0] as i32 } else { -1 };
    let reach = reach(comm, &here);
    let told = exchange(comm, [leader, reach as i32])?;
    if told.iter().any(|[leader, _]| *leader < 0) {
        if leader >= 0 {
            tell(comm, "a member has no job region");
        }
        return Ok(None);
    }
    let mut leaders: Vec<usize> = told.iter().map(|[leader, _]| *leader as usize).collect();
    let host_of = leaders.clone();
    leaders.sort_unstable();
    leaders.dedup();
    let teams: Vec<Vec<usize>> = leaders
        .iter()
        .map(|leader| everyone.iter().copied().filter(|rank| host_of[*rank] == *leader).collect())
        .collect();
    let host = leaders.iter().position(|other| *other == leader as usize).unwrap_or(0);
    let team = &teams[host];
    let Some(offset) = agree_on_segment(comm, &leaders, team)? else { return Ok(None) };
    let Some(region) = node::region() else { return Ok(None) };
    // All of a host must take the same way: the least that one of them can.
    let least = team.iter().map(|rank| told[*rank][1]).min().unwrap_or(0);
    let reach = [Reach::No, Reach::Copy, Reach::Read, Reach::Write][(least.max(0) as usize).min(3)];
    let me = team.iter().position(|rank| *rank == comm.rank()).unwrap_or(0);
    let mine = Team::open(region, offset, worlds(comm, team).collect(), me, reach)?;
    let hosts = match leaders.len() {
        1 => None,
        _ => {
            let group = Group::new(worlds(comm, &leaders).collect());
            let between = create::derive(comm, Some(group))?;
            if let Some(between) = &between {
                // One member on each host: messages.
                let _ = between.node.set(None);
            }
            Some(Hosts::new(teams, host, between))
        }
    };
    Ok(Some(NodeColl { team: mine, hosts }))
}
