//! How one communicator becomes another: dup, split, create (MPI 5.0, section 7.4.2).
//!
//! All but [`create_group`] are collective over the old communicator. New communicators inherit
//! its error handler; attributes and topology are inherited by duplicates only.

use super::context::{Id, Parties};
use super::{Comm, fill, give_up, inter, publish, reserve};
use crate::abi::{
    MPI_Comm, MPI_ERR_ARG, MPI_ERR_GROUP, MPI_ERR_TAG, MPI_Errhandler, MPI_Session, MPI_UNDEFINED,
};
use crate::attr::Attributes;
use crate::error::{Result, err};
use crate::group::Group;
use crate::info::Info;
use crate::request::Collective;
use crate::topo::Topology;
use crate::{coll, errhandler};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Tag of the agreement on contexts among all members; see [`super::sequence`] for all.
pub(super) const AGREE_TAG: i32 = 1 << 20;
/// Part of the tags that programs give to messages of their own on the context: a bit that no other message there has.
pub(super) const GROUP_TAG: i32 = 1 << 30;

/// A communicator of `group`, which is the same on all its members; collective over `comm`. None on processes
/// outside the group.
pub(crate) fn derive(comm: &Comm, group: Option<Group>) -> Result<Option<Comm>> {
    let everyone: Vec<usize> = (0..comm.size()).collect();
    let parties = Parties { comm, ranks: &everyone, tag: AGREE_TAG };
    let me = comm.group().members()[comm.rank()];
    let place = group.as_ref().and_then(|g| g.rank_of(me));
    let id = parties.agree(place.is_some())?;
    Ok(match (id, group, place) {
        (Some(id), Some(group), Some(rank)) => {
            let new = Comm::new(id, Rc::new(group), rank, comm.errhandler());
            Some(new.of_session(comm.session()))
        }
        _ => None,
    })
}

fn publish_some(comm: Option<Comm>) -> Result<Option<Rc<Comm>>> {
    comm.map(publish).transpose()
}

/// `MPI_Comm_dup`, or with hints `MPI_Comm_dup_with_info`.
pub fn dup(comm: &Comm, info: Option<Info>) -> Result<Rc<Comm>> {
    // The copy functions of attributes may fail on this rank only: agree first, so that the others do not wait.
    let ids = agree_all(comm, AGREE_TAG)?;
    publish(Copied::new(comm, info)?.under(ids))
}

/// The contexts of a duplicate.
struct Ids {
    own: Id,
    /// On an inter-communicator, those of its local group.
    local: Option<Id>,
}

/// All members agree on ids.
fn agree_all(comm: &Comm, tag: i32) -> Result<Ids> {
    let everyone: Vec<usize> = (0..comm.size()).collect();
    let ids = match comm.is_inter() {
        true => inter::agree_all(comm, tag)?.map(|(own, local)| Ids { own, local: Some(local) }),
        false => (Parties { comm, ranks: &everyone, tag }).agree(true)?.map(|own| Ids { own, local: None }),
    };
    match ids {
        Some(ids) => Ok(ids),
        None => err(MPI_ERR_GROUP, "this process is not in its own communicator"),
    }
}

/// What a duplicate has of the old communicator: everything but the contexts.
struct Copied {
    group: Rc<Group>,
    peers: Rc<Group>,
    rank: usize,
    errhandler: Handler,
    attributes: Attributes,
    info: Info,
    topology: Option<Topology>,
    session: Option<MPI_Session>,
}

/// A reference to an error handler.
struct Handler(MPI_Errhandler);

impl Handler {
    fn of(comm: &Comm) -> Self {
        errhandler::retain(comm.errhandler());
        Self(comm.errhandler())
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        errhandler::release(self.0);
    }
}

impl Copied {
    fn new(comm: &Comm, info: Option<Info>) -> Result<Self> {
        Ok(Self {
            group: comm.group().clone(),
            peers: comm.peers().clone(),
            rank: comm.rank(),
            errhandler: Handler::of(comm),
            attributes: comm.attributes.duplicate(comm.handle().0)?,
            info: info.unwrap_or_else(|| comm.info.borrow().clone()),
            topology: comm.topology().cloned(),
            session: comm.session(),
        })
    }

    fn under(self, ids: Ids) -> Comm {
        let new = |id| Comm::new(id, self.group, self.rank, self.errhandler.0);
        let new = match ids.local {
            Some(local) => Comm::across(ids.own, new(local), self.peers, self.errhandler.0),
            None => new(ids.own),
        };
        let mut new = new.of_session(self.session);
        new.attributes = self.attributes;
        new.info = RefCell::new(self.info);
        match self.topology {
            Some(topology) => new.with_topology(topology),
            None => new,
        }
    }
}

/// `MPI_Comm_idup`: the handle of a duplicate, and what completes it. All is copied now; what is attached to the old
/// communicator later is none of the duplicate's (MPI 5.0, section 7.4.2). When a copy function fails here, the other
/// processes get their duplicate, and here it is the completion that fails.
pub fn idup(comm: &Rc<Comm>, info: Option<Info>) -> Result<(MPI_Comm, Collective)> {
    let handle = reserve()?;
    let copied = Cell::new(Some(Copied::new(comm, info)));
    let (of, tag) = (comm.clone(), comm.sequence.started());
    let run = move || {
        let agreed = agree_all(&of, tag);
        let made = match (agreed, copied.take()) {
            (Ok(ids), Some(copied)) => copied.and_then(|copied| fill(handle, copied.under(ids))),
            (Err(error), _) => Err(error),
            (Ok(_), None) => Ok(()),
        };
        made.inspect_err(|_| give_up(handle))
    };
    Ok((handle, Collective::new(comm.clone(), tag, Rc::new(run))))
}

/// `MPI_Comm_create`: one communicator of `group`; processes may pass different groups if these are disjoint.
pub fn create(comm: &Comm, group: &Group) -> Result<Option<Rc<Comm>>> {
    require_subset(comm, group)?;
    publish_some(match comm.is_inter() {
        true => inter::create(comm, group)?,
        false => derive(comm, Some(group.clone()))?,
    })
}

fn require_subset(comm: &Comm, group: &Group) -> Result<()> {
    match group.difference(comm.group()).members().first() {
        None => Ok(()),
        Some(world) => {
            let text = format!("world rank {world} of the group is not in {}", comm.describe());
            err(MPI_ERR_GROUP, text)
        }
    }
}

/// `MPI_Comm_create_group`: collective over `group` only.
pub fn create_group(comm: &Comm, group: &Group, tag: i32) -> Result<Option<Rc<Comm>>> {
    comm.require_intra()?;
    if tag < 0 {
        return err(MPI_ERR_TAG, format!("invalid tag {tag}"));
    }
    require_subset(comm, group)?;
    let me = comm.group().members()[comm.rank()];
    let Some(rank) = group.rank_of(me) else { return Ok(None) };
    let ranks: Vec<usize> = group.members().iter().filter_map(|&m| comm.group().rank_of(m)).collect();
    // Two tags that differ in bit 30 only share their agreement messages; these are told apart by order.
    let parties = Parties { comm, ranks: &ranks, tag: tag | GROUP_TAG };
    match parties.agree(true)? {
        Some(id) => {
            let new = Comm::new(id, Rc::new(group.clone()), rank, comm.errhandler());
            publish(new.of_session(comm.session())).map(Some)
        }
        None => Ok(None),
    }
}

/// `MPI_Comm_split`: one communicator per colour, ordered by key and then by old rank. No colour: no communicator.
pub fn split(comm: &Comm, color: i32, key: i32) -> Result<Option<Rc<Comm>>> {
    if color < 0 && color != MPI_UNDEFINED {
        return err(MPI_ERR_ARG, format!("negative colour {color}"));
    }
    publish_some(match comm.is_inter() {
        true => inter::split(comm, color, key)?,
        false => split_unpublished(comm, color, key)?,
    })
}

pub(crate) fn split_unpublished(comm: &Comm, color: i32, key: i32) -> Result<Option<Comm>> {
    let all = coll::allgather_values(comm, [color, key])?;
    let same = of_color(comm.group(), &all, color);
    derive(comm, (same.size() > 0).then_some(same))
}

/// The members of `group` with that colour, ordered by key; each member's colour and key are given.
pub(super) fn of_color(group: &Group, all: &[[i32; 2]], color: i32) -> Group {
    let mut same: Vec<(i32, usize)> = all
        .iter()
        .enumerate()
        .filter(|(_, [c, _])| *c == color && color != MPI_UNDEFINED)
        .map(|(rank, [_, key])| (*key, rank))
        .collect();
    same.sort_unstable();
    Group::new(same.into_iter().map(|(_, rank)| group.members()[rank]).collect())
}
