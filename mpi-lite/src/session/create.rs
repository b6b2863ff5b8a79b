//! A communicator of a group, without a communicator to make it from.

use crate::Result;
use crate::abi::{MPI_ERR_ARG, MPI_ERR_GROUP, MPI_Errhandler, MPI_MAX_STRINGTAG_LEN};
use crate::comm::context::{Id, Parties};
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

/// `MPI_Comm_create_from_group`; collective over the group. None for the empty group.
pub fn create_from_group(
    group: &Group,
    string: &str,
    hints: Info,
    handler: MPI_Errhandler,
) -> Result<Option<Rc<Comm>>> {
    errhandler::check(handler)?;
    if string.len() >= MPI_MAX_STRINGTAG_LEN as usize {
        return err(MPI_ERR_ARG, format!("the string tag has {} characters", string.len()));
    }
    if group.size() == 0 {
        return Ok(None);
    }
    let Some(rank) = group.rank_of(comm::me()?) else {
        return err(MPI_ERR_GROUP, "this process is not in the group");
    };
    let members = Rc::new(group.clone());
    let ranks: Vec<usize> = (0..group.size()).collect();
    let meeting = Comm::new(Id::meeting(), members.clone(), rank, handler);
    let parties = Parties { comm: &meeting, ranks: &ranks, tag: tag(group, string) };
    let Some(id) = parties.agree(true)? else { return Ok(None) };
    let new = Comm::new(id, members, rank, handler).of_session(group.session());
    *new.info.borrow_mut() = hints;
    publish(new).map(Some)
}
