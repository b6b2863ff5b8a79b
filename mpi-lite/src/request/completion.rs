//! Completing several requests.

use super::{Outcome, Pending, REQUESTS, is_done, is_idle, retire, wait_done};
use crate::Result;
use crate::abi::{MPI_REQUEST_NULL, MPI_Request};
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
                *handle != MPI_REQUEST_NULL
                    && table.get(handle.0).is_some_and(|entry| match &entry.pending {
                        Pending::Active(req) => is_done(req),
                        Pending::Pair(pair) => pair.is_done_by(is_done),
                        Pending::Complete(_) => true,
                        Pending::Inactive => false,
                    })
            });
        });
        found.is_some()
    })?;
    Ok(found)
}

/// Ends all requests, which are complete.
pub fn retire_all(handles: &mut [MPI_Request]) -> Result<Vec<Outcome>> {
    handles.iter_mut().map(retire).collect()
}
