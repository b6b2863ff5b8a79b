//! Put and get, and their forms with a request.

use crate::abi::*;
use crate::datatype::{self, predefined};
use crate::error::Result;
use crate::mpi_fn;
use crate::request::{self, Pending};
use crate::win::hot;
use crate::win::place::direct_copy;
use crate::win::transfer::{Buffer, Remotely};
use crate::win::{self, Window};
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::rc::Rc;

/// The target side of an access, as C has it.
#[derive(Clone, Copy)]
pub(super) struct There {
    /// Rank in the window.
    pub rank: c_int,
    /// Displacement in the rank's units.
    pub disp: MPI_Aint,
    /// Elements.
    pub count: i64,
    /// Their type.
    pub datatype: MPI_Datatype,
}

/// A buffer of the origin, as C has it.
#[derive(Clone, Copy)]
pub(super) struct Here {
    /// Address.
    pub at: *mut c_void,
    /// Elements.
    pub count: i64,
    /// Their type.
    pub datatype: MPI_Datatype,
}

/// Puts (`WRITE`) or gets, if that is a plain copy of a basic type in the window of the last call. False: it is not.
///
/// # Safety
/// The buffer is valid for the access.
#[inline(always)]
unsafe fn quick<const WRITE: bool>(here: Here, there: There, win: MPI_Win) -> bool {
    let size = predefined::basic_size(here.datatype);
    if here.datatype != there.datatype || here.count != there.count || size == 0 || here.at.is_null() {
        return false;
    }
    // A negative count is a large number here, and then outside.
    let Some(len) = (here.count as usize).checked_mul(size) else { return false };
    let Some(at) = hot::quick(win, there.rank, there.disp, len) else { return false };
    // SAFETY: promised by the caller, and by `quick`.
    unsafe { direct_copy(WRITE, here.at.cast(), at, len) };
    true
}

/// Puts or gets.
///
/// # Safety
/// The buffer is valid for the access until it is complete.
#[cold]
#[inline(never)]
unsafe fn access(write: bool, here: Here, there: There, win: MPI_Win) -> Result<()> {
    // SAFETY: promised by the caller.
    win::with(win, |window| unsafe { general(window, write, here, there, false) }.map(|_| ()))
}

/// # Safety
/// As [`access`].
#[inline(never)]
unsafe fn general(
    window: &Window,
    write: bool,
    here: Here,
    there: There,
    request: bool,
) -> Result<Option<Rc<Cell<u32>>>> {
    if there.rank == MPI_PROC_NULL {
        return Ok(None);
    }
    let target = window.target(there.rank)?;
    let (dt, remote_dt) = (datatype::get(here.datatype)?, datatype::get(there.datatype)?);
    let local = Buffer { at: here.at.cast(), count: request::count(here.count)?, dt: &dt };
    let remote = Remotely { disp: there.disp, count: request::count(there.count)?, dt: &remote_dt };
    // SAFETY: promised by the caller.
    unsafe { window.transfer(write, local, target, remote, request) }
}

/// Gives the program a request for what is left of an operation.
///
/// # Safety
/// `at` is null or writable.
pub(super) unsafe fn give(window: &Window, left: Option<Rc<Cell<u32>>>, at: *mut MPI_Request) -> Result<()> {
    let made = match left {
        None => request::COMPLETE,
        Some(left) => request::insert(window.comm.clone(), Pending::Remote(left))?,
    };
    // SAFETY: promised by the caller.
    unsafe { crate::c::input::store("request", at, made) }
}

mpi_fn! {
    /// Copies to a target.
    large fn MPI_Put, MPI_Put_c(
        origin_addr: *const c_void, origin_count: Count, origin_datatype: MPI_Datatype, target_rank: c_int,
        target_disp: MPI_Aint, target_count: Count, target_datatype: MPI_Datatype, win: MPI_Win
    ) on win {
        let here = Here { at: origin_addr.cast_mut(), count: i64::from(origin_count), datatype: origin_datatype };
        let there = There { rank: target_rank, disp: target_disp, count: i64::from(target_count), datatype: target_datatype };
        // SAFETY: the program keeps the buffer until the access is complete.
        unsafe { if quick::<true>(here, there, win) { Ok(()) } else { access(true, here, there, win) } }
    }

    /// Copies from a target.
    large fn MPI_Get, MPI_Get_c(
        origin_addr: *mut c_void, origin_count: Count, origin_datatype: MPI_Datatype, target_rank: c_int,
        target_disp: MPI_Aint, target_count: Count, target_datatype: MPI_Datatype, win: MPI_Win
    ) on win {
        let here = Here { at: origin_addr, count: i64::from(origin_count), datatype: origin_datatype };
        let there = There { rank: target_rank, disp: target_disp, count: i64::from(target_count), datatype: target_datatype };
        // SAFETY: the program keeps the buffer until the access is complete.
        unsafe { if quick::<false>(here, there, win) { Ok(()) } else { access(false, here, there, win) } }
    }

    /// Copies to a target, with a request.
    large fn MPI_Rput, MPI_Rput_c(
        origin_addr: *const c_void, origin_count: Count, origin_datatype: MPI_Datatype, target_rank: c_int,
        target_disp: MPI_Aint, target_count: Count, target_datatype: MPI_Datatype, win: MPI_Win, request: *mut MPI_Request
    ) on win {
        let here = Here { at: origin_addr.cast_mut(), count: i64::from(origin_count), datatype: origin_datatype };
        let there = There { rank: target_rank, disp: target_disp, count: i64::from(target_count), datatype: target_datatype };
        // SAFETY: the program's buffer and result place.
        win::with(win, |window| unsafe {
            let left = general(window, true, here, there, true)?;
            give(window, left, request)
        })
    }

    /// Copies from a target, with a request.
    large fn MPI_Rget, MPI_Rget_c(
        origin_addr: *mut c_void, origin_count: Count, origin_datatype: MPI_Datatype, target_rank: c_int,
        target_disp: MPI_Aint, target_count: Count, target_datatype: MPI_Datatype, win: MPI_Win, request: *mut MPI_Request
    ) on win {
        let here = Here { at: origin_addr, count: i64::from(origin_count), datatype: origin_datatype };
        let there = There { rank: target_rank, disp: target_disp, count: i64::from(target_count), datatype: target_datatype };
        // SAFETY: the program's buffer and result place.
        win::with(win, |window| unsafe {
            let left = general(window, false, here, there, true)?;
            give(window, left, request)
        })
    }
}
