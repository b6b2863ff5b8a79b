//! Waiting for and testing requests.

use super::{comm_at, comm_of, put_outcome, put_status, requests};
use crate::abi::*;
use crate::error::{Result, err};
use crate::mpi_fn;
use crate::p2p;
use crate::request::{self, Outcome};
use std::ffi::c_int;

/// Gives the program the outcomes of requests from place `first` on, those before being complete and told of:
/// `MPI_ERR_IN_STATUS` and an error per status if one failed.
///
/// # Safety
/// `statuses` is null or has room for all.
unsafe fn put_outcomes(statuses: *mut MPI_Status, first: usize, outcomes: &[Outcome]) -> Result<()> {
    let failed = outcomes.iter().enumerate().find_map(|(i, outcome)| Some((i, outcome.error.as_ref()?)));
    if !statuses.is_null() {
        // SAFETY: the caller's promise.
        let at = |place: usize| unsafe { statuses.add(place) };
        for (place, outcome) in (first..).zip(outcomes) {
            // SAFETY: as above.
            unsafe { put_status(at(place), &outcome.status) };
        }
        if failed.is_some() {
            let errors =
                outcomes.iter().map(|outcome| outcome.error.as_ref().map_or(MPI_SUCCESS, |e| e.class));
            for (place, error) in std::iter::repeat_n(MPI_SUCCESS, first).chain(errors).enumerate() {
                // SAFETY: as above.
                unsafe { (*at(place)).MPI_ERROR = error };
            }
        }
    }
    match failed {
        Some((i, error)) => {
            let (i, all) = (first + i, first + outcomes.len());
            err(MPI_ERR_IN_STATUS, format!("request {i} of {all} failed: {}", error.text))
        }
        None => Ok(()),
    }
}

/// Blocks until all requests are complete, ends them and tells the program of them.
///
/// # Safety
/// `statuses` is null or has room for all.
unsafe fn end_all(handles: &mut [MPI_Request], statuses: *mut MPI_Status) -> Result<()> {
    let ended = request::wait_simple(handles, |place, status| {
        if !statuses.is_null() {
            // SAFETY: the caller's promise.
            unsafe { put_status(statuses.add(place), status) };
        }
    })?;
    if ended == handles.len() {
        return Ok(());
    }
    let rest = &mut handles[ended..];
    request::wait_all(rest)?;
    // SAFETY: the caller's promise.
    unsafe { put_outcomes(statuses, ended, &request::retire_all(rest)?) }
}

/// The communicator of the first request that is one.
fn comm_of_any(count: c_int, array: *mut MPI_Request) -> MPI_Comm {
    // SAFETY: the program gives an array of that length.
    let handles = unsafe { requests(count, array) };
    handles
        .ok()
        .and_then(|all| all.iter().find(|handle| **handle != MPI_REQUEST_NULL))
        .map_or(MPI_COMM_SELF, |h| comm_of(*h))
}

/// Ends all complete requests among `handles` and reports them; says how many there were.
///
/// # Safety
/// The arrays have room for all.
unsafe fn put_some(
    handles: &mut [MPI_Request],
    outcount: *mut c_int,
    indices: *mut c_int,
    statuses: *mut MPI_Status,
) -> Result<()> {
    let mut outcomes = Vec::new();
    for (i, handle) in handles.iter_mut().enumerate() {
        if !request::is_idle(*handle)? && request::is_done(*handle)? {
            // SAFETY: fewer than all were reported so far.
            unsafe { *indices.add(outcomes.len()) = i as c_int };
            outcomes.push(request::retire(handle)?);
        }
    }
    // SAFETY: the caller's promise.
    unsafe {
        *outcount = outcomes.len() as c_int;
        put_outcomes(statuses, 0, &outcomes)
    }
}

mpi_fn! {
    /// Blocks until a request is complete.
    fn MPI_Wait(request: *mut MPI_Request, status: *mut MPI_Status) on (comm_at(request)) {
        // SAFETY: the program gives a request and a status or MPI_STATUS_IGNORE.
        unsafe {
            let ended = request::wait_simple(std::slice::from_mut(&mut *request), |_, found| put_status(status, found))?;
            if ended == 1 {
                return Ok(());
            }
            request::wait_done(*request)?;
            put_outcome(status, request::retire(&mut *request)?)
        }
    }

    /// Ends a request if it is complete.
    fn MPI_Test(request: *mut MPI_Request, flag: *mut c_int, status: *mut MPI_Status) on (comm_at(request)) {
        // SAFETY: the program gives a request, a flag and a status or MPI_STATUS_IGNORE.
        unsafe {
            *flag = 0;
            if request::all_done(std::slice::from_ref(&*request))? {
                *flag = 1;
                put_outcome(status, request::retire(&mut *request)?)?;
            }
        }
        Ok(())
    }

    /// Says whether a request is complete, and leaves it.
    fn MPI_Request_get_status(request: MPI_Request, flag: *mut c_int, status: *mut MPI_Status) on (comm_of(request)) {
        // SAFETY: the program gives a flag and a status or MPI_STATUS_IGNORE.
        unsafe {
            *flag = c_int::from(request::all_done(&[request])?);
            if *flag != 0 {
                put_status(status, &request::status(request)?);
            }
        }
        Ok(())
    }

    /// Says whether all requests are complete, and leaves them.
    fn MPI_Request_get_status_all(count: c_int, array: *mut MPI_Request, flag: *mut c_int, statuses: *mut MPI_Status)
        on (comm_of_any(count, array)) {
        // SAFETY: the program gives arrays of that length, or MPI_STATUSES_IGNORE, and a flag.
        unsafe {
            let handles = requests(count, array)?;
            *flag = c_int::from(request::all_done(handles)?);
            if *flag != 0 && !statuses.is_null() {
                for (i, handle) in handles.iter().enumerate() {
                    put_status(statuses.add(i), &request::status(*handle)?);
                }
            }
        }
        Ok(())
    }

    /// Says which request is complete, if there is one, and leaves it.
    fn MPI_Request_get_status_any(count: c_int, array: *mut MPI_Request, index: *mut c_int, flag: *mut c_int, status: *mut MPI_Status)
        on (comm_of_any(count, array)) {
        // SAFETY: the program gives an array of that length, index, flag and a status or MPI_STATUS_IGNORE.
        unsafe {
            let handles = requests(count, array)?;
            let (active, found) = request::any_done(handles)?;
            *index = found.map_or(MPI_UNDEFINED, |found| found as c_int);
            *flag = c_int::from(!active || found.is_some());
            if *flag != 0 {
                put_status(status, &found.map_or(Ok(MPI_Status::EMPTY), |found| request::status(handles[found]))?);
            }
        }
        Ok(())
    }

    /// Says which requests are complete, and leaves them.
    fn MPI_Request_get_status_some(count: c_int, array: *mut MPI_Request, outcount: *mut c_int, indices: *mut c_int, statuses: *mut MPI_Status)
        on (comm_of_any(count, array)) {
        // SAFETY: the program gives arrays of that length, or MPI_STATUSES_IGNORE, and an outcount.
        unsafe {
            let handles = requests(count, array)?;
            let (active, _) = request::any_done(handles)?;
            let mut found = 0;
            for (i, handle) in handles.iter().enumerate() {
                if !request::is_idle(*handle)? && request::is_done(*handle)? {
                    *indices.add(found) = i as c_int;
                    if !statuses.is_null() {
                        put_status(statuses.add(found), &request::status(*handle)?);
                    }
                    found += 1;
                }
            }
            *outcount = if active { found as c_int } else { MPI_UNDEFINED };
        }
        Ok(())
    }

    /// Blocks until all requests are complete.
    fn MPI_Waitall(count: c_int, array: *mut MPI_Request, statuses: *mut MPI_Status) on (comm_of_any(count, array)) {
        // SAFETY: the program gives arrays of that length, or MPI_STATUSES_IGNORE.
        unsafe {
            end_all(requests(count, array)?, statuses)
        }
    }

    /// Ends all requests if all are complete.
    fn MPI_Testall(count: c_int, array: *mut MPI_Request, flag: *mut c_int, statuses: *mut MPI_Status) on (comm_of_any(count, array)) {
        // SAFETY: the program gives arrays of that length, or MPI_STATUSES_IGNORE, and a flag.
        unsafe {
            *flag = 0;
            let handles = requests(count, array)?;
            if request::all_done(handles)? {
                *flag = 1;
                end_all(handles, statuses)?;
            }
        }
        Ok(())
    }

    /// Blocks until one request is complete.
    fn MPI_Waitany(count: c_int, array: *mut MPI_Request, index: *mut c_int, status: *mut MPI_Status) on (comm_of_any(count, array)) {
        // SAFETY: the program gives an array of that length, an index and a status or MPI_STATUS_IGNORE.
        unsafe {
            let handles = requests(count, array)?;
            let found = request::wait_any(handles)?;
            *index = found.map_or(MPI_UNDEFINED, |found| found as c_int);
            let outcome = found.map_or(Ok(Outcome::EMPTY), |found| request::retire(&mut handles[found]))?;
            put_outcome(status, outcome)
        }
    }

    /// Ends one complete request, if there is one.
    fn MPI_Testany(count: c_int, array: *mut MPI_Request, index: *mut c_int, flag: *mut c_int, status: *mut MPI_Status)
        on (comm_of_any(count, array)) {
        // SAFETY: the program gives an array of that length, index, flag and a status or MPI_STATUS_IGNORE.
        unsafe {
            let handles = requests(count, array)?;
            let (active, found) = request::any_done(handles)?;
            *index = found.map_or(MPI_UNDEFINED, |found| found as c_int);
            *flag = c_int::from(!active || found.is_some());
            match found {
                Some(found) => put_outcome(status, request::retire(&mut handles[found])?)?,
                None if !active => put_status(status, &MPI_Status::EMPTY),
                None => {}
            }
        }
        Ok(())
    }

    /// Blocks until at least one request is complete, and ends all that are.
    fn MPI_Waitsome(count: c_int, array: *mut MPI_Request, outcount: *mut c_int, indices: *mut c_int, statuses: *mut MPI_Status)
        on (comm_of_any(count, array)) {
        // SAFETY: the program gives arrays of that length, or MPI_STATUSES_IGNORE, and an outcount.
        unsafe {
            let handles = requests(count, array)?;
            match request::wait_any(handles)? {
                Some(_) => put_some(handles, outcount, indices, statuses)?,
                None => *outcount = MPI_UNDEFINED,
            }
        }
        Ok(())
    }

    /// Ends all complete requests.
    fn MPI_Testsome(count: c_int, array: *mut MPI_Request, outcount: *mut c_int, indices: *mut c_int, statuses: *mut MPI_Status)
        on (comm_of_any(count, array)) {
        // SAFETY: the program gives arrays of that length, or MPI_STATUSES_IGNORE, and an outcount.
        unsafe {
            let handles = requests(count, array)?;
            match request::any_done(handles)? {
                (false, _) => *outcount = MPI_UNDEFINED,
                (true, None) => *outcount = 0,
                (true, Some(_)) => put_some(handles, outcount, indices, statuses)?,
            }
        }
        Ok(())
    }

    /// Gives up a request; its operation completes by itself.
    fn MPI_Request_free(request: *mut MPI_Request) on (comm_at(request)) {
        // SAFETY: the program gives a request.
        unsafe { request::free(&mut *request) }
    }

    /// Withdraws a receive that has not matched.
    fn MPI_Cancel(request: *mut MPI_Request) on (comm_at(request)) {
        // SAFETY: the program gives a request.
        request::cancel(unsafe { *request })?;
        p2p::progress()
    }
}
