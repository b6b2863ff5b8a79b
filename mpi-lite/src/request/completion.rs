//! Completing several requests.

use super::{COMPLETE, Entry, Outcome, Pending, REQUESTS, is_done, is_idle, retire, wait_done};
use crate::Result;
use crate::abi::{MPI_REQUEST_NULL, MPI_Request, MPI_Status};
use crate::p2p::{self, Collected, Watched};

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

/// How an attempt to end a request went.
enum Ended {
    /// It is ended, with this status.
    Well(MPI_Status),
    /// It is under way.
    NotYet(Watched),
    /// It has an error to tell, is persistent, or not a single operation.
    Otherwise,
}

/// Ends a request that is none of those which stand for nothing.
fn end_simple(handle: &mut MPI_Request) -> Ended {
    REQUESTS.with(|table| {
        let mut table = table.borrow_mut();
        let status = match table.get_mut(handle.0) {
            Some(Entry { pending: Pending::Active(req), operation: None, .. }) => match p2p::collect(req) {
                Collected::Well(status) => status,
                Collected::NotYet => return Ended::NotYet(req.watch()),
                Collected::Failed => return Ended::Otherwise,
            },
            Some(Entry { pending: Pending::Complete(status), operation: None, .. }) => *status,
            _ => return Ended::Otherwise,
        };
        table.discard(handle.0);
        *handle = MPI_REQUEST_NULL;
        Ended::Well(status)
    })
}

/// Blocks until all requests are complete and ends them, one after the other, as long as there is nothing to say of them but
/// a status, which `put` gets with the place. How many these were: all that follow are left.
pub fn wait_simple(handles: &mut [MPI_Request], mut put: impl FnMut(usize, &MPI_Status)) -> Result<usize> {
    for (place, handle) in handles.iter_mut().enumerate() {
        if *handle == MPI_REQUEST_NULL || *handle == COMPLETE {
            *handle = MPI_REQUEST_NULL;
            put(place, &MPI_Status::EMPTY);
            continue;
        }
        loop {
            match end_simple(handle) {
                Ended::Well(status) => break put(place, &status),
                // Other threads use the table while this one waits.
                Ended::NotYet(watched) => p2p::wait_watched(watched)?,
                Ended::Otherwise => return Ok(place),
            }
        }
    }
    Ok(handles.len())
}

/// Ends all requests, which are complete.
pub fn retire_all(handles: &mut [MPI_Request]) -> Result<Vec<Outcome>> {
    handles.iter_mut().map(retire).collect()
}
