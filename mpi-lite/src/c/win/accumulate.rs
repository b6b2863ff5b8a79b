//! The accumulate family, and its forms with a request.

use super::transfer::{Here, There, give};
use crate::abi::*;
use crate::c::input::Wide;
use crate::error::Result;
use crate::win::transfer::{Buffer, Remotely};
use crate::win::{self, Window};
use crate::{datatype, mpi_fn, op, request};
use std::ffi::{c_int, c_void};

/// # Safety
/// The buffers are valid: the origin's for reading, unless the operation is `MPI_NO_OP`, and the result's for writing.
unsafe fn accumulate(
    window: &Window,
    here: Here,
    result: Option<Here>,
    there: There,
    operation: MPI_Op,
) -> Result<()> {
    let op = op::get(operation)?;
    if there.rank == MPI_PROC_NULL {
        return Ok(());
    }
    let target = window.target(there.rank)?;
    // The origin's arguments mean nothing when nothing is combined.
    let unused = operation == MPI_NO_OP && result.is_some();
    let here = if unused { Here { count: 0, datatype: MPI_BYTE, ..here } } else { here };
    let (dt, remote_dt) = (datatype::get(here.datatype)?, datatype::get(there.datatype)?);
    let result_dt = result.map(|result| datatype::get(result.datatype)).transpose()?;
    let operand = Buffer { at: here.at.cast(), count: request::count(here.count)?, dt: &dt };
    let result = match (result, &result_dt) {
        (Some(result), Some(dt)) => {
            Some(Buffer { at: result.at.cast(), count: request::count(result.count)?, dt })
        }
        _ => None,
    };
    let remote = Remotely { disp: there.disp, count: request::count(there.count)?, dt: &remote_dt };
    // SAFETY: promised by the caller.
    unsafe { window.accumulate(&op, operand, result, target, remote) }
}

/// The origin's buffer out of C arguments.
fn here(at: *const c_void, count: impl Wide, datatype: MPI_Datatype) -> Here {
    Here { at: at.cast_mut(), count: count.wide(), datatype }
}

/// The target's side out of C arguments.
fn there(rank: c_int, disp: MPI_Aint, count: impl Wide, datatype: MPI_Datatype) -> There {
    There { rank, disp, count: count.wide(), datatype }
}

mpi_fn! {
    /// Combines data with a target's.
    large fn MPI_Accumulate, MPI_Accumulate_c(
        origin_addr: *const c_void, origin_count: Count, origin_datatype: MPI_Datatype, target_rank: c_int,
        target_disp: MPI_Aint, target_count: Count, target_datatype: MPI_Datatype, op: MPI_Op, win: MPI_Win
    ) on win {
        let here = here(origin_addr, origin_count, origin_datatype);
        let there = there(target_rank, target_disp, target_count, target_datatype);
        // SAFETY: the program's buffer.
        win::with(win, |window| unsafe { accumulate(window, here, None, there, op) })
    }

    /// Combines data with a target's, with a request.
    large fn MPI_Raccumulate, MPI_Raccumulate_c(
        origin_addr: *const c_void, origin_count: Count, origin_datatype: MPI_Datatype, target_rank: c_int,
        target_disp: MPI_Aint, target_count: Count, target_datatype: MPI_Datatype, op: MPI_Op, win: MPI_Win,
        request: *mut MPI_Request
    ) on win {
        let here = here(origin_addr, origin_count, origin_datatype);
        let there = there(target_rank, target_disp, target_count, target_datatype);
        // SAFETY: the program's buffer and result place.
        win::with(win, |window| unsafe {
            accumulate(window, here, None, there, op)?;
            give(window, None, request)
        })
    }

    /// Combines data with a target's, and gives what it was.
    large fn MPI_Get_accumulate, MPI_Get_accumulate_c(
        origin_addr: *const c_void, origin_count: Count, origin_datatype: MPI_Datatype, result_addr: *mut c_void,
        result_count: Count, result_datatype: MPI_Datatype, target_rank: c_int, target_disp: MPI_Aint,
        target_count: Count, target_datatype: MPI_Datatype, op: MPI_Op, win: MPI_Win
    ) on win {
        let origin = here(origin_addr, origin_count, origin_datatype);
        let result = here(result_addr, result_count, result_datatype);
        let there = there(target_rank, target_disp, target_count, target_datatype);
        // SAFETY: the program's buffers.
        win::with(win, |window| unsafe { accumulate(window, origin, Some(result), there, op) })
    }

    /// Combines data with a target's, and gives what it was, with a request.
    large fn MPI_Rget_accumulate, MPI_Rget_accumulate_c(
        origin_addr: *const c_void, origin_count: Count, origin_datatype: MPI_Datatype, result_addr: *mut c_void,
        result_count: Count, result_datatype: MPI_Datatype, target_rank: c_int, target_disp: MPI_Aint,
        target_count: Count, target_datatype: MPI_Datatype, op: MPI_Op, win: MPI_Win, request: *mut MPI_Request
    ) on win {
        let origin = here(origin_addr, origin_count, origin_datatype);
        let result = here(result_addr, result_count, result_datatype);
        let there = there(target_rank, target_disp, target_count, target_datatype);
        // SAFETY: the program's buffers and result place.
        win::with(win, |window| unsafe {
            accumulate(window, origin, Some(result), there, op)?;
            give(window, None, request)
        })
    }

    /// Combines one element with a target's, and gives what it was.
    fn MPI_Fetch_and_op(
        origin_addr: *const c_void,
        result_addr: *mut c_void,
        datatype: MPI_Datatype,
        target_rank: c_int,
        target_disp: MPI_Aint,
        op: MPI_Op,
        win: MPI_Win,
    ) on win {
        win::with(win, |window| {
            let (op, dt) = (op::get(op)?, datatype::get(datatype)?);
            if target_rank == MPI_PROC_NULL {
                return Ok(());
            }
            // SAFETY: the program's buffers.
            unsafe {
                window.fetch_and_op(&op, &dt, origin_addr.cast(), result_addr.cast(), target_rank, target_disp)
            }
        })
    }

    /// Replaces a target's element if it equals another, and gives what it was.
    fn MPI_Compare_and_swap(
        origin_addr: *const c_void,
        compare_addr: *const c_void,
        result_addr: *mut c_void,
        datatype: MPI_Datatype,
        target_rank: c_int,
        target_disp: MPI_Aint,
        win: MPI_Win,
    ) on win {
        win::with(win, |window| {
            let dt = datatype::get(datatype)?;
            if target_rank == MPI_PROC_NULL {
                return Ok(());
            }
            let target = window.target(target_rank)?;
            let (origin, compare, result) = (origin_addr.cast(), compare_addr.cast(), result_addr.cast());
            // SAFETY: the program's buffers.
            unsafe { window.compare_and_swap(&dt, origin, compare, result, target, target_disp) }
        })
    }
}
