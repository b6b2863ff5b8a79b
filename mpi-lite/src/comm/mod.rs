//! Communicators: a group of processes with contexts of its own, so that its messages meet no others.
//!
//! | file | question |
//! |---|---|
//! | [`context`] | which context does a new communicator get? |
//! | [`create`] | how does one communicator become another? |
//! | [`inter`] | how do two groups make a communicator across, and what becomes of it? |
//! | [`registry`] | which communicators are there? |
//! | [`resources`] | which processes share hardware? |
//! | [`sequence`] | which tags do collectives have? |
//! | [`wire`] | how do the messages of collectives travel? |
//!
//! On an inter-communicator ranks name processes of the *remote* group: its [`Comm::peers`] are not its
//! [`Comm::group`]. It owns a communicator of its local group, for what that does together.

pub mod context;
pub mod create;
pub mod inter;
mod registry;
pub mod resources;
pub mod sequence;
pub mod wire;

#[cfg(test)]
pub(crate) mod fake;

use crate::abi::{
    MPI_COMM_NULL, MPI_CONGRUENT, MPI_Comm, MPI_ERR_COMM, MPI_ERR_RANK, MPI_ERR_ROOT, MPI_Errhandler,
    MPI_IDENT, MPI_MAX_OBJECT_NAME, MPI_SIMILAR, MPI_Session, MPI_UNEQUAL,
};
use crate::attr::Attributes;
use crate::coll::node::NodeColl;
use crate::errhandler;
use crate::error::{Result, err};
use crate::group::Group;
use crate::info::Info;
use crate::p2p::Peer;
use crate::p2p::bsend::{self, Attachment};
use crate::session;
use crate::topo::Topology;
pub use registry::{
    describe_context, free, get, handler_for, in_use, look, me, of_context, on_finalize, on_init, on_session,
    open_world, set_errhandler, shutdown,
};
use registry::{fill, give_up, reserve};
pub(crate) use registry::{processes, publish};
use sequence::Sequence;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

/// A communicator, as this rank sees it.
pub struct Comm {
    handle: Cell<MPI_Comm>,
    context: context::Id,
    rank: usize,
    group: Rc<Group>,
    /// The processes that ranks of messages name: `group`, or the remote group.
    peers: Rc<Group>,
    /// The communicator of the local group, on an inter-communicator.
    local: Option<Box<Comm>>,
    errhandler: Cell<MPI_Errhandler>,
    errhandler_was_set: Cell<bool>,
    /// Values which the program attached.
    pub attributes: Attributes,
    name: RefCell<String>,
    /// Hints which the program gave.
    pub info: RefCell<Info>,
    topology: OnceCell<Topology>,
    /// Where the program may attach a buffer for buffered sends.
    pub buffer: Attachment,
    /// The session that it comes from.
    session: Option<MPI_Session>,
    /// Collectives that the program has called on it.
    pub(crate) collectives: Cell<u32>,
    /// Tags of the collectives that go on beside others.
    pub sequence: Sequence,
    /// What its collectives share with others on this host, once that was looked for.
    pub(crate) node: OnceCell<Option<Box<NodeColl>>>,
}

/// Whether a context is that of a communicator's collectives.
pub fn is_collective(context: u32) -> bool {
    context % 2 == 1
}

/// `MPI_Comm_compare`.
pub fn compare(a: &Comm, b: &Comm) -> i32 {
    if a.is_inter() != b.is_inter() {
        return MPI_UNEQUAL;
    }
    match (a.group.compare(&b.group), a.peers.compare(&b.peers)) {
        (MPI_IDENT, MPI_IDENT) if a.context == b.context => MPI_IDENT,
        (MPI_IDENT, MPI_IDENT) => MPI_CONGRUENT,
        (MPI_UNEQUAL, _) | (_, MPI_UNEQUAL) => MPI_UNEQUAL,
        _ => MPI_SIMILAR,
    }
}

impl Comm {
    pub(crate) fn new(
        context: context::Id,
        group: Rc<Group>,
        rank: usize,
        errhandler: MPI_Errhandler,
    ) -> Self {
        errhandler::retain(errhandler);
        Self {
            handle: Cell::new(MPI_COMM_NULL),
            context,
            rank,
            peers: group.clone(),
            group,
            local: None,
            errhandler: Cell::new(errhandler),
            errhandler_was_set: Cell::new(false),
            attributes: Attributes::default(),
            name: RefCell::default(),
            info: RefCell::default(),
            topology: OnceCell::new(),
            buffer: Attachment::default(),
            session: None,
            collectives: Cell::new(0),
            sequence: Sequence::default(),
            node: OnceCell::new(),
        }
    }

    /// An inter-communicator between the group of `local`, which becomes its own, and `remote`.
    fn across(context: context::Id, local: Comm, remote: Rc<Group>, errhandler: MPI_Errhandler) -> Self {
        let mut comm = Self::new(context, local.group.clone(), local.rank, errhandler);
        comm.peers = remote;
        comm.local = Some(Box::new(local));
        comm
    }

    /// The handle by which the program knows it.
    pub fn handle(&self) -> MPI_Comm {
        self.handle.get()
    }

    /// Context of point-to-point messages.
    #[inline]
    pub fn context(&self) -> u32 {
        self.context.point_to_point()
    }

    /// Context of the messages that collectives send.
    #[inline]
    pub fn collective_context(&self) -> u32 {
        self.context.collective()
    }

    /// Rank of this process.
    #[inline]
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Number of processes, on an inter-communicator those of the local group.
    #[inline]
    pub fn size(&self) -> usize {
        self.group.size()
    }

    /// The processes, on an inter-communicator those of the local group.
    pub fn group(&self) -> &Rc<Group> {
        &self.group
    }

    /// The processes that ranks of messages name: the remote group of an inter-communicator, else [`Comm::group`].
    #[inline]
    pub fn peers(&self) -> &Rc<Group> {
        &self.peers
    }

    /// Whether it is an inter-communicator.
    #[inline]
    pub fn is_inter(&self) -> bool {
        self.local.is_some()
    }

    /// The communicator of the local group; an intra-communicator is that itself.
    pub fn local(&self) -> &Comm {
        self.local.as_deref().unwrap_or(self)
    }

    /// Fails with `MPI_ERR_COMM` on an inter-communicator.
    pub fn require_intra(&self) -> Result<()> {
        if self.is_inter() {
            return err(MPI_ERR_COMM, format!("not possible on an inter-communicator: {}", self.describe()));
        }
        Ok(())
    }

    /// Fails with `MPI_ERR_COMM` on an intra-communicator.
    pub fn require_inter(&self) -> Result<()> {
        if self.is_inter() {
            return Ok(());
        }
        err(MPI_ERR_COMM, format!("{} is not an inter-communicator", self.describe()))
    }

    /// A peer by its rank, which must be below the number of [`Comm::peers`].
    #[inline]
    pub fn member(&self, rank: usize) -> Peer {
        Peer { rank: rank as i32, world: self.peers.members()[rank] }
    }

    /// The peer that the program named; fails with `MPI_ERR_RANK`. `MPI_PROC_NULL` and wildcards are the caller's.
    #[inline]
    pub fn peer(&self, rank: i32) -> Result<Peer> {
        match self.peers.members().get(rank as usize) {
            Some(&world) if rank >= 0 => Ok(Peer { rank, world }),
            _ => err(MPI_ERR_RANK, format!("invalid rank {rank} in {}", self.describe())),
        }
    }

    /// The root that the program named on an intra-communicator; fails with `MPI_ERR_ROOT`. See [`Comm::role`] for others.
    pub fn root(&self, root: i32) -> Result<usize> {
        match usize::try_from(root) {
            Ok(rank) if rank < self.size() => Ok(rank),
            _ => err(MPI_ERR_ROOT, format!("invalid root {root} in {}", self.describe())),
        }
    }

    /// For messages: name, or handle if it has none, and size.
    pub fn describe(&self) -> String {
        let name = match self.name.borrow() {
            name if name.is_empty() => format!("{:#x}", self.handle.get().0),
            name => name.clone(),
        };
        if self.is_inter() {
            let (local, remote) = (self.size(), self.peers.size());
            return format!("inter-communicator {name} of local size {local} and remote size {remote}");
        }
        format!("communicator {name} of size {}", self.size())
    }

    /// The name which the program gave it.
    pub fn name(&self) -> String {
        self.name.borrow().clone()
    }

    /// `MPI_Comm_set_name`; what exceeds `MPI_MAX_OBJECT_NAME` is cut off.
    pub fn set_name(&self, name: &str) {
        let mut end = name.len().min(MPI_MAX_OBJECT_NAME as usize - 1);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name[..end].clone_into(&mut self.name.borrow_mut());
    }

    /// The error handler; the caller gets no reference of its own.
    pub fn errhandler(&self) -> MPI_Errhandler {
        self.errhandler.get()
    }

    /// Attaches an error handler.
    pub fn set_errhandler(&self, handler: MPI_Errhandler) -> Result<()> {
        errhandler::attach(&self.errhandler, handler)?;
        self.errhandler_was_set.set(true);
        Ok(())
    }

    /// Runs `f` on the buffer for its buffered sends: its own, else that of its session, else that of the process.
    pub fn with_buffer<T>(&self, f: impl FnOnce(&Attachment) -> T) -> T {
        if self.buffer.is_attached() {
            return f(&self.buffer);
        }
        match self.session.and_then(|session| session::get(session).ok()) {
            Some(session) if session.buffer.is_attached() => f(&session.buffer),
            _ => bsend::with_process(f),
        }
    }

    /// Notes the session from which a new communicator comes.
    pub(crate) fn of_session(mut self, session: Option<MPI_Session>) -> Self {
        self.session = session;
        self
    }

    /// The session that it comes from.
    pub(crate) fn session(&self) -> Option<MPI_Session> {
        self.session
    }

    /// The topology, if the communicator was made with one.
    pub fn topology(&self) -> Option<&Topology> {
        self.topology.get()
    }

    /// Gives a new communicator its topology.
    pub(crate) fn with_topology(self, topology: Topology) -> Self {
        // A communicator gets its topology once, while it is made.
        let _ = self.topology.set(topology);
        self
    }
}

impl Drop for Comm {
    fn drop(&mut self) {
        errhandler::release(self.errhandler.get());
    }
}

#[cfg(test)]
mod tests;
