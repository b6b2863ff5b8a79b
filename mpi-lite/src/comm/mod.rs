//! Communicators: a group of processes with contexts of its own, so that its messages meet no others.
//!
//! | file | question |
//! |---|---|
//! | [`context`] | which context does a new communicator get? |
//! | [`create`] | how does one communicator become another? |
//! | [`inter`] | how do two groups make a communicator across, and what becomes of it? |
//! | [`resources`] | which processes share hardware? |
//! | [`sequence`] | which tags do collectives have? |
//! | [`wire`] | how do the messages of collectives travel? |
//!
//! On an inter-communicator ranks name processes of the *remote* group: its [`Comm::peers`] are not its
//! [`Comm::group`]. It owns a communicator of its local group, for what that does together.

pub mod context;
pub mod create;
pub mod inter;
pub mod resources;
pub mod sequence;
pub mod wire;

#[cfg(test)]
pub(crate) mod fake;

use crate::abi::{
    MPI_COMM_NULL, MPI_COMM_SELF, MPI_COMM_WORLD, MPI_CONGRUENT, MPI_Comm, MPI_ERR_COMM, MPI_ERR_RANK,
    MPI_ERR_ROOT, MPI_ERRORS_ARE_FATAL, MPI_Errhandler, MPI_IDENT, MPI_MAX_OBJECT_NAME, MPI_SIMILAR,
    MPI_Session, MPI_UNEQUAL,
};
use crate::attr::Attributes;
use crate::coll::node::NodeColl;
use crate::errhandler;
use crate::error::{Result, err};
use crate::group::Group;
use crate::handle::{Kind, Table};
use crate::info::Info;
use crate::p2p::Peer;
use crate::p2p::bsend::{self, Attachment};
use crate::per_rank::per_rank;
use crate::session;
use crate::topo::Topology;
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

struct Registry {
    /// Rank of this process in `MPI_COMM_WORLD`.
    me: u32,
    world: Rc<Comm>,
    own: Rc<Comm>,
    /// Whether the program may use these two: between `MPI_Init` and `MPI_Finalize`.
    is_open: bool,
    /// None is one that `MPI_Comm_idup` has not completed.
    others: Table<Option<Rc<Comm>>>,
    /// Error handlers given to such ones.
    early: Vec<(MPI_Comm, MPI_Errhandler)>,
}

per_rank! {
    static REGISTRY: RefCell<Option<Registry>> = RefCell::new(None);
}

/// Opens `MPI_COMM_WORLD` and `MPI_COMM_SELF`; called once by `MPI_Init`.
pub fn on_init(world_rank: u32, world_size: u32) {
    on_session(world_rank, world_size);
    open_world(true);
}

/// Says whether the program may use `MPI_COMM_WORLD` and `MPI_COMM_SELF`.
pub fn open_world(is_open: bool) {
    REGISTRY.with(|r| {
        if let Some(registry) = r.borrow_mut().as_mut() {
            registry.is_open = is_open;
        }
    });
}

/// Communicators can be made from here on; called when a session begins.
pub fn on_session(world_rank: u32, world_size: u32) {
    // The table of error handlers is older than the registry, so that it outlives it where ranks are threads that end.
    errhandler::retain(MPI_ERRORS_ARE_FATAL);
    if REGISTRY.with(|r| r.borrow().is_some()) {
        return;
    }
    let predefined = |handle, context, members: Vec<u32>, rank, name: &str| {
        let comm = Comm::new(context, Rc::new(Group::new(members)), rank, MPI_ERRORS_ARE_FATAL);
        comm.handle.set(handle);
        name.clone_into(&mut comm.name.borrow_mut());
        Rc::new(comm)
    };
    let everyone = (0..world_size).collect();
    let [world_id, self_id] = context::start();
    let world = predefined(MPI_COMM_WORLD, world_id, everyone, world_rank as usize, "MPI_COMM_WORLD");
    let own = predefined(MPI_COMM_SELF, self_id, vec![world_rank], 0, "MPI_COMM_SELF");
    let others = Table::new(Kind::Comm);
    REGISTRY.with(|r| {
        *r.borrow_mut() =
            Some(Registry { me: world_rank, world, own, is_open: false, others, early: Vec::new() })
    });
}

/// Runs the delete callbacks of `MPI_COMM_SELF`'s attributes; the first thing `MPI_Finalize` does.
pub fn on_finalize() {
    let own = with_registry(|r| Ok(r.own.clone()));
    if let Ok(own) = own {
        if let Err(error) = own.attributes.delete_all(MPI_COMM_SELF.0) {
            errhandler::raise("MPI_Finalize", MPI_COMM_SELF, &error);
        }
    }
}

/// Forgets all communicators; the last thing that MPI does with them.
pub fn shutdown() {
    let registry = REGISTRY.with(|r| r.borrow_mut().take());
    drop(registry);
}

fn with_registry<R>(f: impl FnOnce(&mut Registry) -> Result<R>) -> Result<R> {
    REGISTRY.with(|r| match r.borrow_mut().as_mut() {
        Some(registry) => f(registry),
        None => {
            crate::init::require_running()?;
            err(MPI_ERR_COMM, "there are no communicators")
        }
    })
}

/// The communicator of a handle.
pub fn get(handle: MPI_Comm) -> Result<Rc<Comm>> {
    with_registry(|r| match handle {
        MPI_COMM_WORLD if r.is_open => Ok(r.world.clone()),
        MPI_COMM_SELF if r.is_open => Ok(r.own.clone()),
        _ => match r.others.get(handle.0) {
            Some(Some(comm)) => Ok(comm.clone()),
            Some(None) => err(MPI_ERR_COMM, "the communicator's MPI_Comm_idup is not complete"),
            None => invalid(handle),
        },
    })
}

/// Runs `f` on the communicator of a handle; none if there is no such. `f` must not come back here.
#[inline]
pub fn look<R>(handle: MPI_Comm, f: impl FnOnce(&Rc<Comm>) -> R) -> Option<R> {
    REGISTRY.with(|r| {
        let registry = r.borrow();
        let registry = registry.as_ref()?;
        match handle {
            MPI_COMM_WORLD if registry.is_open => Some(f(&registry.world)),
            _ => registry.others.get(handle.0)?.as_ref().map(f),
        }
    })
}

/// Whether a context is that of a communicator's collectives.
pub fn is_collective(context: u32) -> bool {
    context % 2 == 1
}

/// The communicator of a context; none if it has been freed, or while communicators change.
pub fn of_context(context: u32) -> Option<Rc<Comm>> {
    REGISTRY.with(|r| {
        let registry = r.try_borrow().ok()?;
        let registry = registry.as_ref()?;
        let predefined = [&registry.world, &registry.own].into_iter();
        let mut all = predefined.chain(registry.others.iter().filter_map(|(_, comm)| comm.as_ref()));
        all.find(|comm| comm.context() / 2 == context / 2).cloned()
    })
}

/// For messages: the communicator of a context.
pub fn describe_context(context: u32) -> String {
    of_context(context)
        .map_or_else(|| format!("a communicator with context {context}"), |comm| comm.describe())
}

#[cold]
fn invalid<T>(handle: MPI_Comm) -> Result<T> {
    match handle {
        MPI_COMM_NULL => return err(MPI_ERR_COMM, "the communicator is MPI_COMM_NULL"),
        MPI_COMM_WORLD | MPI_COMM_SELF => {
            let text = "sessions have no MPI_COMM_WORLD and no MPI_COMM_SELF: they are between MPI_Init and MPI_Finalize";
            return err(MPI_ERR_COMM, text);
        }
        _ => {}
    }
    err(MPI_ERR_COMM, format!("invalid or freed communicator handle {:#x}", handle.0))
}

/// Number of processes of the job.
pub(crate) fn processes() -> Result<u32> {
    with_registry(|r| Ok(r.world.size() as u32))
}

/// How many the program has not freed.
pub fn in_use() -> usize {
    with_registry(|r| Ok(r.others.len())).unwrap_or(0)
}

/// Rank of this process in `MPI_COMM_WORLD`.
pub fn me() -> Result<u32> {
    with_registry(|r| Ok(r.me))
}

/// The handler for errors on `handle`, and the communicator that it is called with.
pub fn handler_for(handle: MPI_Comm) -> (MPI_Comm, MPI_Errhandler) {
    let found = with_registry(|r| {
        let default = if r.own.errhandler_was_set.get() { &r.own } else { &r.world };
        Ok(match handle {
            MPI_COMM_WORLD if r.is_open => Some(r.world.clone()),
            _ => match r.others.get(handle.0) {
                Some(Some(comm)) => Some(comm.clone()),
                _ => r.is_open.then(|| default.clone()),
            },
        })
    });
    match found {
        Ok(Some(comm)) => (comm.handle.get(), comm.errhandler.get()),
        _ => (MPI_COMM_NULL, MPI_ERRORS_ARE_FATAL),
    }
}

/// Gives a new communicator its handle.
pub(crate) fn publish(comm: Comm) -> Result<Rc<Comm>> {
    let comm = Rc::new(comm);
    let handle = with_registry(|r| r.others.insert(Some(comm.clone())))?;
    comm.handle.set(MPI_Comm(handle));
    Ok(comm)
}

/// The handle of a communicator that comes later, with [`fill`].
fn reserve() -> Result<MPI_Comm> {
    with_registry(|r| r.others.insert(None)).map(MPI_Comm)
}

/// `MPI_Comm_set_errhandler`, also before `MPI_Comm_idup` is complete: the standard does not ask for that, but other
/// implementations have it and language bindings rely on it.
pub fn set_errhandler(handle: MPI_Comm, handler: MPI_Errhandler) -> Result<()> {
    if with_registry(|r| Ok(!matches!(r.others.get(handle.0), Some(None))))? {
        return get(handle)?.set_errhandler(handler);
    }
    errhandler::check(handler)?;
    errhandler::retain(handler);
    release_early(handle);
    with_registry(|r| {
        r.early.push((handle, handler));
        Ok(())
    })
}

/// The handler that a reserved handle was given, which is nobody's any more.
fn take_early(handle: MPI_Comm) -> Option<MPI_Errhandler> {
    let take = |r: &mut Registry| {
        let at = r.early.iter().position(|(of, _)| *of == handle);
        Ok(at.map(|at| r.early.swap_remove(at).1))
    };
    with_registry(take).ok().flatten()
}

fn release_early(handle: MPI_Comm) {
    if let Some(handler) = take_early(handle) {
        errhandler::release(handler);
    }
}

/// Makes `comm` that of a reserved handle.
fn fill(handle: MPI_Comm, comm: Comm) -> Result<()> {
    comm.handle.set(handle);
    if let Some(handler) = take_early(handle) {
        let set = comm.set_errhandler(handler);
        errhandler::release(handler);
        set?;
    }
    with_registry(|r| match r.others.get_mut(handle.0) {
        Some(place) => {
            *place = Some(Rc::new(comm));
            Ok(())
        }
        None => invalid(handle),
    })
}

/// Forgets a reserved handle.
fn give_up(handle: MPI_Comm) {
    release_early(handle);
    // The registry exists as long as operations are under way.
    let _ = with_registry(|r| Ok(r.others.remove(handle.0)));
}

/// `MPI_Comm_free`: the handle goes at once, the context when the last operation on it is done.
pub fn free(handle: &mut MPI_Comm) -> Result<()> {
    if *handle == MPI_COMM_WORLD || *handle == MPI_COMM_SELF {
        return err(MPI_ERR_COMM, "a predefined communicator cannot be freed");
    }
    let comm = get(*handle)?;
    comm.buffer.detach()?;
    comm.attributes.delete_all(handle.0)?;
    with_registry(|r| Ok(r.others.remove(handle.0)))?;
    *handle = MPI_COMM_NULL;
    Ok(())
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
        errhandler::check(handler)?;
        errhandler::retain(handler);
        errhandler::release(self.errhandler.replace(handler));
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
