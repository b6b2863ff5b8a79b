//! Requests as programs hold them: by handle, perhaps persistent, perhaps of an operation with `MPI_PROC_NULL`.

mod activity;
mod arguments;
mod collective;
mod completion;
pub mod generalized;
mod pair;

pub use activity::Activity;
pub use arguments::{Receive, Send, count, selection};
pub use collective::Collective;
pub use completion::{all_done, any_done, retire_all, wait_all, wait_any, wait_simple};
pub use pair::Pair;

use crate::abi::{MPI_ERR_REQUEST, MPI_REQUEST_NULL, MPI_Request, MPI_Status};
use crate::comm::Comm;
use crate::error::{MpiError, Result, err};
use crate::fiber::Task;
use crate::handle::{Kind, Table};
use crate::p2p::matching::Envelope;
use crate::p2p::{self, Req, Watched};
use crate::per_rank::per_rank;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Where a request stands.
pub enum Pending {
    /// A persistent request that is not started.
    Inactive,
    /// Under way.
    Active(Req),
    /// Complete from the start: an operation with `MPI_PROC_NULL`.
    Complete(MPI_Status),
    /// A send and a receive under way.
    Pair(Box<Pair>),
    /// Accesses to a window under way: how many are left.
    Remote(Rc<Cell<u32>>),
    /// Something of which the engine knows nothing, or parts only; also when it is persistent and not started.
    Activity(Rc<dyn Activity>),
    /// A collective under way.
    Task(Task),
}

/// What has to be waited for until a request is complete.
enum Wait {
    /// Nothing.
    Not,
    /// An operation of the engine.
    For(Watched),
    /// Two of them.
    Both([Watched; 2]),
    /// So many accesses.
    Landing(Rc<Cell<u32>>),
    /// An activity.
    End(Rc<dyn Activity>),
    /// A collective.
    Ending(Task),
}

impl Pending {
    fn wait(&self) -> Wait {
        match self {
            Self::Active(req) => Wait::For(req.watch()),
            Self::Pair(pair) => Wait::Both(pair.watch()),
            Self::Remote(left) => Wait::Landing(left.clone()),
            Self::Activity(activity) => Wait::End(activity.clone()),
            Self::Task(task) => Wait::Ending(task.clone()),
            Self::Inactive | Self::Complete(_) => Wait::Not,
        }
    }
}

/// What a persistent request does each time.
#[derive(Clone)]
pub enum Operation {
    /// A send.
    Send(Send),
    /// A receive.
    Receive(Receive),
    /// A collective.
    Collective(Collective),
}

/// A request of the program.
struct Entry {
    /// Its communicator, whose contexts must stay alive; generalized requests have none.
    comm: Option<Rc<Comm>>,
    pending: Pending,
    /// Not none for persistent requests.
    operation: Option<Box<Operation>>,
}

per_rank! {
    static REQUESTS: RefCell<Table<Entry>> = RefCell::new(Table::new(Kind::Request));
}

/// How a request ended: what the status says, and the error if there was one.
pub struct Outcome {
    /// Status, also in case of an error.
    pub status: MPI_Status,
    /// Communicator that the request belongs to; none for a null request.
    pub comm: Option<Rc<Comm>>,
    /// Why it failed.
    pub error: Option<MpiError>,
}

impl Outcome {
    /// Of a null or inactive request.
    pub const EMPTY: Self = Self { status: MPI_Status::EMPTY, comm: None, error: None };
}

/// The handle of all operations that were complete from the start and have nothing to tell: sends that went into a ring.
pub const COMPLETE: MPI_Request = MPI_Request(Kind::Request.spare_handle());

/// A handle for an operation under way.
#[inline(always)]
pub fn insert(comm: Rc<Comm>, pending: Pending) -> Result<MPI_Request> {
    let entry = Entry { comm: Some(comm), pending, operation: None };
    REQUESTS.with(|table| table.borrow_mut().insert(entry)).map(MPI_Request)
}

/// A handle for an activity.
pub fn insert_activity(comm: Option<Rc<Comm>>, activity: Rc<dyn Activity>) -> Result<MPI_Request> {
    let entry = Entry { comm, pending: Pending::Activity(activity), operation: None };
    REQUESTS.with(|table| table.borrow_mut().insert(entry)).map(MPI_Request)
}

/// The activity of a request, if it stands for one.
pub fn activity(handle: MPI_Request) -> Result<Option<Rc<dyn Activity>>> {
    if handle == MPI_REQUEST_NULL || handle == COMPLETE {
        return Ok(None);
    }
    with(handle, |entry| match &entry.pending {
        Pending::Activity(activity) => Some(activity.clone()),
        _ => None,
    })
}

/// A handle for a receive that is complete.
#[inline(always)]
pub fn insert_received(comm: &Rc<Comm>, envelope: &Envelope, size: usize) -> Result<MPI_Request> {
    REQUESTS.with(|table| {
        let pending = Pending::Complete(MPI_Status::received(envelope.source, envelope.tag, size as u64));
        let entry = Entry { comm: Some(Rc::clone(comm)), pending, operation: None };
        table.borrow_mut().insert(entry).map(MPI_Request)
    })
}

/// A handle for a persistent request, inactive.
pub fn insert_persistent(operation: Operation) -> Result<MPI_Request> {
    let comm = match &operation {
        Operation::Send(send) => send.comm.clone(),
        Operation::Receive(receive) => receive.comm.clone(),
        Operation::Collective(collective) => collective.comm.clone(),
    };
    let entry = Entry { comm: Some(comm), pending: Pending::Inactive, operation: Some(Box::new(operation)) };
    REQUESTS.with(|table| table.borrow_mut().insert(entry)).map(MPI_Request)
}

fn unknown<T>(handle: MPI_Request) -> Result<T> {
    err(MPI_ERR_REQUEST, format!("invalid request {:#x}: freed, or never made", handle.0))
}

/// Runs `f` on a request.
fn with<T>(handle: MPI_Request, f: impl FnOnce(&mut Entry) -> T) -> Result<T> {
    REQUESTS.with(|table| match table.borrow_mut().get_mut(handle.0) {
        Some(entry) => Ok(f(entry)),
        None => unknown(handle),
    })
}

/// How many the program has not completed or freed.
pub fn in_use() -> usize {
    REQUESTS.with(|table| table.borrow().len())
}

/// The communicator of a request, for its error handler.
pub fn comm_of(handle: MPI_Request) -> Option<Rc<Comm>> {
    with(handle, |entry| entry.comm.clone()).ok().flatten()
}

/// Whether the request is null or inactive: completion functions skip it.
pub fn is_idle(handle: MPI_Request) -> Result<bool> {
    if handle == MPI_REQUEST_NULL || handle == COMPLETE {
        return Ok(handle == MPI_REQUEST_NULL);
    }
    with(handle, |entry| match &entry.pending {
        Pending::Activity(activity) => activity.is_idle(),
        pending => matches!(pending, Pending::Inactive),
    })
}

/// Whether the request is complete, null or inactive; no progress is made.
pub fn is_done(handle: MPI_Request) -> Result<bool> {
    if handle == MPI_REQUEST_NULL || handle == COMPLETE {
        return Ok(true);
    }
    with(handle, |entry| match &entry.pending {
        Pending::Active(req) => p2p::is_done(req),
        Pending::Pair(pair) => pair.is_done(),
        Pending::Remote(left) => left.get() == 0,
        Pending::Activity(activity) => activity.is_done(&p2p::is_done),
        Pending::Task(task) => task.is_done(),
        Pending::Inactive | Pending::Complete(_) => true,
    })
}

/// Blocks until the request is complete.
pub fn wait_done(handle: MPI_Request) -> Result<()> {
    if handle == MPI_REQUEST_NULL || handle == COMPLETE {
        return Ok(());
    }
    // Other threads use the table while this one waits.
    match with(handle, |entry| entry.pending.wait())? {
        Wait::Not => Ok(()),
        Wait::For(request) => p2p::wait_watched(request),
        Wait::Both(requests) => requests.into_iter().try_for_each(p2p::wait_watched),
        Wait::Landing(left) => p2p::remote::wait(&left),
        Wait::End(activity) => p2p::wait_until(|is_done| activity.is_done(is_done)),
        Wait::Ending(task) => p2p::wait_for(|| task.is_done()),
    }
}

/// The status of a complete request, which stays.
pub fn status(handle: MPI_Request) -> Result<MPI_Status> {
    if handle == MPI_REQUEST_NULL || handle == COMPLETE {
        return Ok(MPI_Status::EMPTY);
    }
    if let Some(activity) = activity(handle)? {
        return activity.look();
    }
    with(handle, |entry| match &entry.pending {
        Pending::Active(req) => p2p::status(req),
        Pending::Pair(pair) => pair.status(),
        Pending::Complete(status) => *status,
        Pending::Inactive | Pending::Remote(_) | Pending::Activity(_) | Pending::Task(_) => MPI_Status::EMPTY,
    })
}

/// Ends a complete request: a persistent one becomes inactive, any other is freed and its handle becomes null.
pub fn retire(handle: &mut MPI_Request) -> Result<Outcome> {
    if *handle == MPI_REQUEST_NULL || *handle == COMPLETE {
        *handle = MPI_REQUEST_NULL;
        return Ok(Outcome::EMPTY);
    }
    if let Some(activity) = activity(*handle)? {
        return end(handle, &*activity);
    }
    let (pending, comm, persistent) = with(*handle, |entry| {
        let pending = std::mem::replace(&mut entry.pending, Pending::Inactive);
        (pending, entry.comm.clone(), entry.operation.is_some())
    })?;
    if !persistent {
        REQUESTS.with(|table| drop(table.borrow_mut().remove(handle.0)));
        *handle = MPI_REQUEST_NULL;
    }
    Ok(match pending {
        Pending::Inactive => Outcome::EMPTY,
        Pending::Complete(status) => Outcome { status, comm, error: None },
        Pending::Active(req) => outcome(req, comm),
        Pending::Pair(pair) => pair.outcome(comm),
        Pending::Remote(_) | Pending::Activity(_) => Outcome { comm, ..Outcome::EMPTY },
        Pending::Task(task) => Outcome { error: task.error(), comm, ..Outcome::EMPTY },
    })
}

/// Ends an activity that is complete.
fn end(handle: &mut MPI_Request, activity: &dyn Activity) -> Result<Outcome> {
    if activity.is_idle() {
        return Ok(Outcome::EMPTY);
    }
    let comm = comm_of(*handle);
    if !activity.is_persistent() {
        REQUESTS.with(|table| drop(table.borrow_mut().remove(handle.0)));
        *handle = MPI_REQUEST_NULL;
    }
    let (status, error) = activity.end();
    Ok(Outcome { status, comm, error })
}

/// Ends an operation that is complete.
pub fn outcome(req: Req, comm: Option<Rc<Comm>>) -> Outcome {
    let status = p2p::status(&req);
    Outcome { status, comm, error: p2p::finish(req).err() }
}

/// `MPI_Request_free`: an active operation completes by itself.
pub fn free(handle: &mut MPI_Request) -> Result<()> {
    if *handle == COMPLETE {
        *handle = MPI_REQUEST_NULL;
        return Ok(());
    }
    if let Some(activity) = activity(*handle)? {
        let outcome = activity.free();
        if !matches!(outcome, Ok(false)) {
            REQUESTS.with(|table| drop(table.borrow_mut().remove(handle.0)));
        }
        *handle = MPI_REQUEST_NULL;
        return outcome.map(|_| ());
    }
    match REQUESTS.with(|table| table.borrow_mut().remove(handle.0)) {
        Some(entry) => drop(entry),
        None => return unknown(*handle),
    }
    *handle = MPI_REQUEST_NULL;
    Ok(())
}

/// `MPI_Cancel`: withdraws a receive that has not matched.
pub fn cancel(handle: MPI_Request) -> Result<()> {
    if handle == COMPLETE {
        return Ok(());
    }
    if let Some(activity) = activity(handle)? {
        return activity.cancel();
    }
    with(handle, |entry| match &entry.pending {
        Pending::Active(req) => p2p::cancel(req),
        Pending::Task(_) => err(MPI_ERR_REQUEST, "a collective operation cannot be cancelled"),
        _ => Ok(()),
    })?
}

/// `MPI_Start`.
///
/// # Safety
/// The buffer of the request is as its `init` function says, until the operation is complete.
pub unsafe fn start(handle: MPI_Request) -> Result<()> {
    if let Some(activity) = activity(handle)? {
        return activity.start();
    }
    let operation = with(handle, |entry| match (&entry.pending, &entry.operation) {
        (Pending::Inactive, Some(operation)) => Ok(operation.clone()),
        (_, Some(_)) => err(MPI_ERR_REQUEST, "the request is active already; complete it first"),
        (_, None) => err(MPI_ERR_REQUEST, "the request is not persistent"),
    })??;
    // SAFETY: the caller's promise.
    let pending = unsafe {
        match *operation {
            Operation::Send(send) => send.start()?,
            Operation::Receive(receive) => receive.start()?,
            Operation::Collective(collective) => collective.start_again()?,
        }
    };
    with(handle, |entry| entry.pending = pending)
}
