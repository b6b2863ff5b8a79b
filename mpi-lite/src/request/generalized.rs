//! Generalized requests: tasks of the program that the functions of requests wait for (MPI 5.0, section 13.2).
//!
//! The program says when the task is complete. Its functions are called by whoever ends the request: `query` fills the status,
//! then `free` lets the program clean up; `MPI_Request_get_status` calls `query` alone. A request that the program frees
//! before its task is complete is ended by [`complete`].

use super::activity::Activity;
use super::{Pending, REQUESTS, insert_activity, with};
use crate::Result;
use crate::abi::*;
use crate::error::{MpiError, err};
use crate::p2p::Req;
use std::any::Any;
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::rc::Rc;

type Query = unsafe extern "C" fn(*mut c_void, *mut MPI_Status) -> c_int;
type Free = unsafe extern "C" fn(*mut c_void) -> c_int;
type Cancel = unsafe extern "C" fn(*mut c_void, c_int) -> c_int;

/// The functions of the program, and what they are called with.
#[derive(Clone, Copy)]
pub struct Functions {
    /// Fills the status of a complete request.
    pub query: Query,
    /// Cleans up.
    pub free: Free,
    /// Asks for the end of the task.
    pub cancel: Cancel,
    /// The program's own.
    pub extra: *mut c_void,
}

struct Generalized {
    functions: Functions,
    is_complete: Cell<bool>,
    /// The program has given up its handle.
    is_free: Cell<bool>,
}

/// The error of a function of the program that gave `code`.
fn outcome(name: &str, code: c_int) -> Result<()> {
    match code {
        MPI_SUCCESS => Ok(()),
        _ => err(code, format!("the {name} function of a generalized request returned error code {code}")),
    }
}

impl Generalized {
    fn query(&self) -> (MPI_Status, Result<()>) {
        let mut status = MPI_Status::EMPTY;
        // SAFETY: the program gave the function and its state for this; the status is ours.
        let code = unsafe { (self.functions.query)(self.functions.extra, &mut status) };
        (status, outcome("query", code))
    }

    fn clean_up(&self) -> Result<()> {
        // SAFETY: as above; this is the last call.
        outcome("free", unsafe { (self.functions.free)(self.functions.extra) })
    }
}

impl Activity for Generalized {
    fn is_done(&self, _: &dyn Fn(&Req) -> bool) -> bool {
        self.is_complete.get()
    }

    fn look(&self) -> Result<MPI_Status> {
        let (status, outcome) = self.query();
        outcome.map(|()| status)
    }

    fn end(&self) -> (MPI_Status, Option<MpiError>) {
        let (status, queried) = self.query();
        // The last function's error is told, if it has one.
        (status, self.clean_up().and(queried).err())
    }

    fn cancel(&self) -> Result<()> {
        let complete = c_int::from(self.is_complete.get());
        // SAFETY: as above.
        outcome("cancel", unsafe { (self.functions.cancel)(self.functions.extra, complete) })
    }

    fn free(&self) -> Result<bool> {
        self.is_free.set(true);
        if self.is_complete.get() { self.clean_up().map(|()| true) } else { Ok(false) }
    }
}

/// `MPI_Grequest_start`.
pub fn start(functions: Functions) -> Result<MPI_Request> {
    let made = Generalized { functions, is_complete: Cell::new(false), is_free: Cell::new(false) };
    insert_activity(None, Rc::new(made))
}

/// `MPI_Grequest_complete`.
pub fn complete(handle: MPI_Request) -> Result<()> {
    let found = with(handle, |entry| match &entry.pending {
        Pending::Activity(activity) => (activity.clone() as Rc<dyn Any>).downcast::<Generalized>().ok(),
        _ => None,
    })?;
    let Some(found) = found else { return err(MPI_ERR_REQUEST, "the request is not a generalized request") };
    if found.is_complete.replace(true) {
        return err(MPI_ERR_REQUEST, "the generalized request is complete already");
    }
    if !found.is_free.get() {
        return Ok(());
    }
    REQUESTS.with(|table| drop(table.borrow_mut().remove(handle.0)));
    found.clean_up()
}
