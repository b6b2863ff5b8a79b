//! Inter-communicators: how two groups make one, and how others are made of it (MPI 5.0, sections 7.4.2 and 7.6).
//!
//! The first process of each group is its *leader*. Leaders exchange what their groups must know of each other
//! and tell their groups; contexts are agreed on in both groups, joined by the leaders. Each side then has a
//! communicator of its local group and one context in common with the other side.
//!
//! What a leader finds wrong it tells its group instead, so that all of it fail together. Whatever both leaders
//! can see fails on both sides; a mistake that only one of them can see leaves the other side waiting.

use super::context::{Beyond, Id, Parties};
use super::create::{AGREE_TAG, GROUP_TAG, of_color};
use super::{Comm, publish};
use crate::abi::{
    MPI_COMM_NULL, MPI_Comm, MPI_ERR_COMM, MPI_ERR_GROUP, MPI_ERR_RANK, MPI_ERR_ROOT, MPI_ERR_TAG,
    MPI_Errhandler, MPI_PROC_NULL, MPI_ROOT,
};
use crate::coll::{self, Receive};
use crate::datatype;
use crate::error::{MpiError, Result, err};
use crate::group::Group;
use std::rc::Rc;

/// What a process does in a collective with a root, on an inter-communicator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// It is the root.
    Root,
    /// It is in the root's group and has nothing to do.
    Idle,
    /// The root is this rank of the remote group.
    Under(usize),
}

impl Comm {
    /// The role that the program named as root on an inter-communicator; fails with `MPI_ERR_ROOT`.
    pub fn role(&self, root: i32) -> Result<Role> {
        match root {
            MPI_ROOT => Ok(Role::Root),
            MPI_PROC_NULL => Ok(Role::Idle),
            _ => match usize::try_from(root) {
                Ok(rank) if rank < self.peers().size() => Ok(Role::Under(rank)),
                _ => err(MPI_ERR_ROOT, format!("invalid root {root} in {}", self.describe())),
            },
        }
    }
}

/// The groups of a new inter-communicator.
struct Sides {
    local: Group,
    remote: Group,
}

impl Sides {
    /// None if either is empty: then there is no communicator.
    fn new(local: Group, remote: Group) -> Option<Self> {
        (local.size() > 0 && remote.size() > 0).then_some(Self { local, remote })
    }
}

/// The way from all processes of a group through their leader to the other leader, and back.
struct Bridge<'a> {
    local: &'a Comm,
    leader: usize,
    /// The other leader; looked at by the leader only.
    beyond: Beyond<'a>,
    /// Tag of agreements in the local group.
    tag: i32,
    errhandler: MPI_Errhandler,
}

impl<'a> Bridge<'a> {
    /// Between the groups of an inter-communicator.
    fn of(comm: &'a Comm) -> Self {
        Self::with_tag(comm, AGREE_TAG)
    }

    fn with_tag(comm: &'a Comm, tag: i32) -> Self {
        let beyond = Beyond { comm, rank: 0, tag };
        Self { local: comm.local(), leader: 0, beyond, tag, errhandler: comm.errhandler() }
    }

    /// Each leader gets the other's numbers.
    fn exchange(&self, mine: &[i32]) -> Result<Vec<i32>> {
        let mut length = [0; 4];
        self.beyond.exchange(&(mine.len() as u32).to_ne_bytes(), &mut length)?;
        let mut theirs = vec![0; u32::from_ne_bytes(length) as usize * 4];
        self.beyond.exchange(&to_bytes(mine), &mut theirs)?;
        Ok(to_numbers(&theirs))
    }

    /// Runs `find` on the leader; what it found, or how it failed, on all processes of the group.
    fn told(&self, find: impl FnOnce() -> Result<Vec<i32>>) -> Result<Vec<i32>> {
        let mut found = Ok(Vec::new());
        let mut head = [0; 2];
        if self.local.rank() == self.leader {
            found = find();
            head = match &found {
                Ok(numbers) => [0, numbers.len() as i32],
                Err(error) => [error.class, 0],
            };
        }
        let head = self.tell(&head)?;
        let [class, length] = [head[0], head[1]];
        if class != 0 {
            let Self { leader, local, .. } = self;
            let text = format!("the leader, rank {leader} of {}, failed", local.describe());
            return found.and(Err(MpiError::new(class, text)));
        }
        let mut numbers = found?;
        numbers.resize(length as usize, 0);
        self.tell(&numbers)
    }

    /// The leader's numbers; all give as many.
    fn tell(&self, numbers: &[i32]) -> Result<Vec<i32>> {
        let mut bytes = to_bytes(numbers);
        let byte = datatype::byte();
        let buffer = Receive { at: bytes.as_mut_ptr(), count: bytes.len(), dt: &byte };
        // SAFETY: the bytes live here and are used by nobody else.
        unsafe { coll::bcast::bcast(self.local, buffer, self.leader)? };
        Ok(to_numbers(&bytes))
    }

    /// Agrees on a context with the local group, and with both groups if they are to have it in common. This process owns
    /// it if it is to be `member` of the new communicator.
    fn agree(&self, member: bool, with_both: bool) -> Result<Option<Id>> {
        let size = self.local.size();
        let from_leader: Vec<usize> = (0..size).map(|i| (self.leader + i) % size).collect();
        let parties = Parties { comm: self.local, ranks: &from_leader, tag: self.tag };
        if with_both { parties.agree_with(&self.beyond, member) } else { parties.agree(member) }
    }

    /// The context of a new inter-communicator, and that of its local group. All processes of both sides come here.
    fn agree_twice(&self, member: bool) -> Result<Option<(Id, Id)>> {
        let local = self.agree(member, false)?;
        Ok(self.agree(member, true)?.zip(local))
    }

    /// The inter-communicator between two groups, if this process is in it. All processes of both sides come here.
    fn build(&self, sides: Option<Sides>) -> Result<Option<Comm>> {
        let me = super::me()?;
        let place = sides.as_ref().and_then(|sides| sides.local.rank_of(me));
        let ids = self.agree_twice(place.is_some())?;
        Ok(match (ids, sides, place) {
            (Some((own, local)), Some(sides), Some(rank)) => {
                let local = Comm::new(local, Rc::new(sides.local), rank, self.errhandler);
                Some(Comm::across(own, local, Rc::new(sides.remote), self.errhandler))
            }
            _ => None,
        })
    }
}

fn to_bytes(numbers: &[i32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_ne_bytes()).collect()
}

fn to_numbers(bytes: &[u8]) -> Vec<i32> {
    bytes.chunks_exact(4).map(|b| i32::from_ne_bytes([b[0], b[1], b[2], b[3]])).collect()
}

fn to_group(members: &[i32]) -> Group {
    Group::new(members.iter().map(|world| *world as u32).collect())
}

fn from_group(group: &Group) -> Vec<i32> {
    group.members().iter().map(|world| *world as i32).collect()
}

/// `MPI_Intercomm_create`. `peer` and `remote_leader` count at the leader only.
pub fn connect(
    local: &Comm,
    local_leader: i32,
    peer: MPI_Comm,
    remote_leader: i32,
    tag: i32,
) -> Result<Rc<Comm>> {
    local.require_intra()?;
    let leader = local.peer(local_leader)?.rank as usize;
    if tag < 0 {
        return err(MPI_ERR_TAG, format!("invalid tag {tag}"));
    }
    let leads = local.rank() == leader;
    let peer = if leads { other_leader(peer, remote_leader) } else { err(MPI_ERR_COMM, "not the leader") };
    // As with `MPI_Comm_create_group`, the tag keeps what is made at the same time apart, and order does the rest.
    publish(join(local, leader, &peer, tag | GROUP_TAG)?)
}

/// Joins the group of `local` to another one. The leader knows the other leader in the communicator `peer`, and their tag.
pub(crate) fn join(local: &Comm, leader: usize, peer: &Result<(Rc<Comm>, usize)>, tag: i32) -> Result<Comm> {
    let (over, rank) = match peer {
        Ok((comm, rank)) => (&**comm, *rank),
        Err(_) => (local, 0),
    };
    let beyond = Beyond { comm: over, rank, tag };
    let bridge = Bridge { local, leader, beyond, tag: AGREE_TAG, errhandler: local.errhandler() };
    let remote = bridge.told(|| {
        peer.as_ref().map_err(MpiError::clone)?;
        bridge.exchange(&from_group(local.group()))
    })?;
    let remote = to_group(&remote);
    // Both sides see this.
    if let Some(world) = local.group().intersection(&remote).members().first() {
        return err(MPI_ERR_COMM, format!("world rank {world} is in both groups"));
    }
    match bridge.build(Sides::new(Group::clone(local.group()), remote))? {
        Some(new) => Ok(new.of_session(local.session())),
        None => err(MPI_ERR_GROUP, "the remote group is empty"),
    }
}

/// The communicator in which the leaders know each other, and the other leader there.
fn other_leader(peer: MPI_Comm, rank: i32) -> Result<(Rc<Comm>, usize)> {
    if peer == MPI_COMM_NULL {
        return err(MPI_ERR_COMM, "the peer communicator is MPI_COMM_NULL at the leader");
    }
    let comm = super::get(peer)?;
    let other = comm.peer(rank)?;
    if other.world == super::me()? {
        return err(MPI_ERR_RANK, format!("the remote leader, rank {rank}, is the local leader itself"));
    }
    Ok((comm, rank as usize))
}

/// `MPI_Intercomm_merge`: the group that is not `high` comes first. When both are, or neither is, it is that whose first
/// process has the lower rank in `MPI_COMM_WORLD`.
pub fn merge(comm: &Comm, high: bool) -> Result<Rc<Comm>> {
    comm.require_inter()?;
    let bridge = Bridge::of(comm);
    let first = bridge.told(|| {
        let theirs = bridge.exchange(&[high.into()])?.first() == Some(&1);
        let lower = comm.group().members().first() < comm.peers().members().first();
        Ok(vec![if high == theirs { lower } else { theirs }.into()])
    })?;
    let (group, rank) = match first.first() {
        Some(1) => (comm.group().union(comm.peers()), comm.rank()),
        _ => (comm.peers().union(comm.group()), comm.peers().size() + comm.rank()),
    };
    match bridge.agree(true, true)? {
        Some(id) => publish(Comm::new(id, Rc::new(group), rank, comm.errhandler())),
        None => err(MPI_ERR_COMM, "this process is not in its own communicator"),
    }
}

/// The contexts of a duplicate and of its local group.
pub(super) fn agree_all(comm: &Comm, tag: i32) -> Result<Option<(Id, Id)>> {
    Bridge::with_tag(comm, tag).agree_twice(true)
}

/// `MPI_Comm_create`: each side names its part. None outside of it, and if either part is empty.
pub(super) fn create(comm: &Comm, group: &Group) -> Result<Option<Comm>> {
    let bridge = Bridge::of(comm);
    let remote = bridge.told(|| bridge.exchange(&from_group(group)))?;
    bridge.build(Sides::new(group.clone(), to_group(&remote)))
}

/// `MPI_Comm_split`: colours of both sides meet. None where one side has nobody of the colour.
pub(super) fn split(comm: &Comm, color: i32, key: i32) -> Result<Option<Comm>> {
    let bridge = Bridge::of(comm);
    let ours = coll::allgather_values(comm.local(), [color, key])?;
    let theirs = bridge.told(|| bridge.exchange(ours.as_flattened()))?;
    let theirs: Vec<[i32; 2]> = theirs.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect();
    let local = of_color(comm.group(), &ours, color);
    bridge.build(Sides::new(local, of_color(comm.peers(), &theirs, color)))
}

#[cfg(test)]
pub(crate) mod tests;
