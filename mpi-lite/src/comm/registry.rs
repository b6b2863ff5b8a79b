//! Which communicators are there, and which one has a handle?
//!
//! A handle may be older than its communicator: `MPI_Comm_idup` gives it at once, and is completed later.

use super::{Comm, context};
use crate::abi::{
    MPI_COMM_NULL, MPI_COMM_SELF, MPI_COMM_WORLD, MPI_Comm, MPI_ERR_COMM, MPI_ERRORS_ARE_FATAL,
    MPI_Errhandler,
};
use crate::errhandler;
use crate::error::{Result, err};
use crate::group::Group;
use crate::handle::{Kind, Table};
use crate::per_rank::per_rank;
use std::cell::RefCell;
use std::rc::Rc;

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
        // One place that calls `f`: it is compiled into the caller.
        let comm = match handle {
            MPI_COMM_WORLD if registry.is_open => &registry.world,
            _ => registry.others.get(handle.0)?.as_ref()?,
        };
        Some(f(comm))
    })
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
pub(super) fn reserve() -> Result<MPI_Comm> {
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
pub(super) fn fill(handle: MPI_Comm, comm: Comm) -> Result<()> {
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
pub(super) fn give_up(handle: MPI_Comm) {
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
