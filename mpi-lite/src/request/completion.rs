//! Completing several requests.

use super::{COMPLETE, Entry, Outcome, Pending, REQUESTS, is_done, is_idle, retire, wait_done};
use crate::Result;
use crate::abi::{MPI_REQUEST_NULL, MPI_Request, MPI_Status};
use crate::p2p;

/// Blocks until all are complete.
pub fn wait_all(handles: &[MPI_Request]) -> Result<()> {
    handles.iter().try_for_each(|handle| wait_done(*handle))
}

/// Whether all are complete, null or inactive, after some progress.
pub fn all_done(handles: &[MPI_Request]) -> Result<bool> {
    let look = || handles.iter().try_fold(true, |all, handle| Ok(all && is_done(*handle)?));
    if look()? {
        return Ok(true);
    }
    p2p::progress()?;
    look()
}

/// Whether some request is active, and the first complete one of the active, after some progress if there was none.
pub fn any_done(handles: &[MPI_Request]) -> Result<(bool, Option<usize>)> {
    let look = || {
        let mut active = false;
        for (index, handle) in handles.iter().enumerate() {
            if !is_idle(*handle)? {
                active = true;
                if is_done(*handle)? {
                    return Ok((true, Some(index)));
                }
            }
        }
        Ok((active, None))
    };
    match look()? {
        (true, None) => {
            p2p::progress()?;
            look()
        }
        found => Ok(found),
    }
}

/// Blocks until one of the active requests is complete and gives its index; none if no request is active.
pub fn wait_any(handles: &[MPI_Request]) -> Result<Option<usize>> {
    let (active, mut found) = any_done(handles)?;
    if !active || found.is_some() {
        return Ok(found);
    }
    p2p::wait_until(|is_done| {
        REQUESTS.with(|table| {
            let table = table.borrow();
            found = handles.iter().position(|handle| {
                *handle == COMPLETE
                    || table.get(handle.0).is_some_and(|entry| match &entry.pending {
                        Pending::Active(req) => is_done(req),
                        Pending::Pair(pair) => pair.is_done_by(is_done),
                        Pending::Remote(left) => left.get() == 0,
                        Pending::Activity(activity) => !activity.is_idle() && activity.is_done(is_done),
                        Pending::Task(task) => task.is_done(),
                        Pending::Complete(_) => true,
                        Pending::Inactive => false,
                    })
            });
        });
        found.is_some()
    })?;
    Ok(found)
}

/// Ends all requests, which are complete, if none has an error to tell and none is persistent or a pair. `put` gets the
/// place and status of each. False: nothing was done.
pub fn retire_simple(handles: &mut [MPI_Request], mut put: impl FnMut(usize, &MPI_Status)) -> bool {
    REQUESTS.with(|table| {
        let mut table = table.borrow_mut();
        let simple = |handle: &MPI_Request| {
            *handle == MPI_REQUEST_NULL
                || *handle == COMPLETE
                || match table.get(handle.0) {
                    Some(Entry { pending: Pending::Active(req), operation: None, .. }) => {
                        p2p::ended_well(req)
                    }
                    Some(Entry { pending: Pending::Complete(_), operation: None, .. }) => true,
                    _ => false,
                }
        };
        if !handles.iter().all(simple) {
            return false;
        }
        for (place, handle) in handles.iter_mut().enumerate() {
            match table.remove(handle.0) {
                Some(Entry { pending: Pending::Active(req), .. }) => {
                    put(place, &p2p::finish(req).unwrap_or(MPI_Status::EMPTY));
                }
                Some(Entry { pending: Pending::Complete(status), .. }) => put(place, &status),
                _ => put(place, &MPI_Status::EMPTY),
            }
            *handle = MPI_REQUEST_NULL;
        }
        true
    })
}

/// Ends all requests, which are complete.
pub fn retire_all(handles: &mut [MPI_Request]) -> Result<Vec<Outcome>> {
    handles.iter_mut().map(retire).collect()
}
