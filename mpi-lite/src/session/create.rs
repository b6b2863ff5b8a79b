//! A communicator of a group, or of two, without a communicator to make it from.

use crate::Result;
use crate::abi::{MPI_ERR_ARG, MPI_ERR_GROUP, MPI_ERR_RANK, MPI_Errhandler, MPI_MAX_STRINGTAG_LEN};
use crate::comm::context::{Id, Parties};
use crate::comm::inter::join;
use crate::comm::{self, Comm, publish};
use crate::errhandler;
use crate::error::err;
use crate::group::Group;
use crate::info::Info;
use std::rc::Rc;

/// Tag of the agreement of a group under a string tag (FNV-1a).
pub(super) fn tag(group: &Group, string: &str) -> i32 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let members = group.members().iter().flat_map(|member| member.to_le_bytes());
    for byte in string.bytes().chain([0]).chain(members) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    (hash ^ hash >> 32) as i32 & i32::MAX
}

/// A communicator that only serves to make others: its members know each other, and its messages have a tag of their own.
fn meeting(group: &Group, string: &str, handler: MPI_Errhandler) -> Result<(Comm, i32)> {
    errhandler::check(handler)?;
    if string.len() >= MPI_MAX_STRINGTAG_LEN as usize {
        return err(MPI_ERR_ARG, format!("the string tag has {} characters", string.len()));
    }
    let Some(rank) = group.rank_of(comm::me()?) else {
        return err(MPI_ERR_GROUP, "this process is not in the group");
    };
    Ok((Comm::new(Id::meeting(), Rc::new(group.clone()), rank, handler), tag(group, string)))
}

/// A communicator of a group that nobody knows yet.
fn unpublished(group: &Group, string: &str, handler: MPI_Errhandler) -> Result<Comm> {
    let (meeting, tag) = meeting(group, string, handler)?;
    let ranks: Vec<usize> = (0..group.size()).collect();
    match (Parties { comm: &meeting, ranks: &ranks, tag }).agree(true)? {
        Some(id) => {
            let new = Comm::new(id, meeting.group().clone(), meeting.rank(), handler);
            Ok(new.of_session(group.session()))
        }
        None => err(MPI_ERR_GROUP, "this process is not in the group"),
    }
}

/// `MPI_Comm_create_from_group`; collective over the group. None for the empty group.
pub fn create_from_group(
    group: &Group,
    string: &str,
    hints: Info,
    handler: MPI_Errhandler,
) -> Result<Option<Rc<Comm>>> {
    if group.size() == 0 {
        return Ok(None);
    }
    let new = unpublished(group, string, handler)?;
    *new.info.borrow_mut() = hints;
    publish(new).map(Some)
}

/// `MPI_Intercomm_create_from_groups`; collective over both groups. The remote side counts at the leader only.
pub fn create_from_groups(
    (local, leader): (&Group, i32),
    (remote, remote_leader): (Option<&Group>, i32),
    string: &str,
    hints: Info,
    handler: MPI_Errhandler,
) -> Result<Rc<Comm>> {
    let Some(leader) = usize::try_from(leader).ok().filter(|leader| *leader < local.size()) else {
        return err(MPI_ERR_RANK, format!("invalid leader {leader} in a group of {}", local.size()));
    };
    let local = unpublished(local, string, handler)?;
    let other_leader = || {
        let Some(remote) = remote else {
            return err(MPI_ERR_GROUP, "the remote group is not valid at the leader");
        };
        let other = usize::try_from(remote_leader).ok().and_then(|leader| remote.members().get(leader));
        let Some(&other) = other else {
            return err(
                MPI_ERR_RANK,
                format!("invalid leader {remote_leader} in a group of {}", remote.size()),
            );
        };
        let me = comm::me()?;
        if other == me {
            return err(MPI_ERR_RANK, "the remote leader is the local leader itself");
        }
        let (leaders, tag) = meeting(&Group::new(vec![me.min(other), me.max(other)]), string, handler)?;
        let there = 1 - leaders.rank();
        Ok((Rc::new(leaders), there, tag))
    };
    let (peer, tag) = match local.rank() == leader {
        true => match other_leader() {
            Ok((leaders, there, tag)) => (Ok((leaders, there)), tag),
            Err(error) => (Err(error), 0),
        },
        false => (err(MPI_ERR_RANK, "not the leader"), 0),
    };
    let new = join(&local, leader, &peer, tag)?;
    *new.info.borrow_mut() = hints;
    publish(new)
}
