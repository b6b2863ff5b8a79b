//! The checks of collectives on inter-communicators, where the functions of [`super::coll`] come when they meet one.
//!
//! `MPI_IN_PLACE` is not allowed on them. Of a rooted collective's arguments, those of the root that concern the
//! other group's data count at the root, those that concern its own data at the ranks of the other group, and
//! none at a process that passes `MPI_PROC_NULL`.

use super::coll::{
    Checked, as_sends, blocks, check, check_distinct, count, equal_blocks, receiving, sending, typed_blocks,
    types_of,
};
use super::input::Wide;
use crate::abi::*;
use crate::coll::choose::Collective;
use crate::coll::inter::{self, Across};
use crate::coll::{Receive, Send};
use crate::comm::Comm;
use crate::comm::inter::Role;
use crate::datatype;
use crate::error::Result;
use std::ffi::{c_int, c_void};

/// Address, count and type of data to send.
pub(super) type From<C> = (*const c_void, C, MPI_Datatype);
/// Address, count and type of room.
pub(super) type To<C> = (*mut c_void, C, MPI_Datatype);
/// Address, counts, displacements and type of blocks to send.
pub(super) type FromAll<C, D, T> = (*const c_void, *const C, *const D, T);
/// Address, counts, displacements and type of the room for blocks.
pub(super) type ToAll<C, D, T> = (*mut c_void, *const C, *const D, T);

pub(super) fn barrier(comm: &Comm) -> Result<()> {
    inter::barrier(&Across::new(comm, Collective::Barrier))
}

/// # Safety
/// Buffers and arrays as the standard asks; so for all functions here.
pub(super) unsafe fn bcast<C: Wide>(comm: &Comm, (at, n, dt): To<C>, root: c_int) -> Result<()> {
    let role = comm.role(root)?;
    if role == Role::Idle {
        return Ok(());
    }
    let (n, dt) = (count(n)?, datatype::get(dt)?);
    check("buffer", at, n, &dt)?;
    let buffer = Receive { at: at.cast(), count: n, dt: &dt };
    // SAFETY: the caller's promise.
    unsafe { inter::bcast(&Across::new(comm, Collective::Bcast), buffer, role) }
}

/// # Safety
/// See [`bcast`].
pub(super) unsafe fn gather<C: Wide>(comm: &Comm, from: From<C>, to: To<C>, root: c_int) -> Result<()> {
    let role = comm.role(root)?;
    if role != Role::Root {
        // SAFETY: the caller's promise.
        return unsafe { gather_from(comm, from, role) };
    }
    let dt = datatype::get(to.2)?;
    let places = equal_blocks(comm, receiving(to.0, count(to.1)?, &dt)?);
    // SAFETY: the caller's promise.
    unsafe { inter::gather(&Across::new(comm, Collective::Gather), None, &places, role) }
}

/// # Safety
/// See [`bcast`].
pub(super) unsafe fn gatherv<C: Wide, D: Wide>(
    comm: &Comm,
    from: From<C>,
    to: ToAll<C, D, MPI_Datatype>,
    root: c_int,
) -> Result<()> {
    let role = comm.role(root)?;
    if role != Role::Root {
        // SAFETY: the caller's promise.
        return unsafe { gather_from(comm, from, role) };
    }
    let dt = datatype::get(to.3)?;
    // SAFETY: the caller's promise.
    unsafe {
        let places = blocks(comm, to.0, to.1, to.2, &dt)?;
        inter::gather(&Across::new(comm, Collective::Gather), None, &places, role)
    }
}

/// What both gathers do in the group that has the data.
///
/// # Safety
/// See [`bcast`].
unsafe fn gather_from<C: Wide>(comm: &Comm, from: From<C>, role: Role) -> Result<()> {
    if role == Role::Idle {
        return Ok(());
    }
    let dt = datatype::get(from.2)?;
    let mine = sending(from.0, count(from.1)?, &dt)?;
    // SAFETY: the caller's promise.
    unsafe { inter::gather(&Across::new(comm, Collective::Gather), Some(mine), &[], role) }
}

/// # Safety
/// See [`bcast`].
pub(super) unsafe fn scatter<C: Wide>(comm: &Comm, from: From<C>, to: To<C>, root: c_int) -> Result<()> {
    let role = comm.role(root)?;
    if role != Role::Root {
        // SAFETY: the caller's promise.
        return unsafe { scatter_to(comm, to, role) };
    }
    let dt = datatype::get(from.2)?;
    let data = sending(from.0, count(from.1)?, &dt)?;
    // SAFETY: the caller's promise.
    unsafe { inter::scatter(&Across::new(comm, Collective::Scatter), &equal_sends(comm, data), None, role) }
}

/// # Safety
/// See [`bcast`].
pub(super) unsafe fn scatterv<C: Wide, D: Wide>(
    comm: &Comm,
    from: FromAll<C, D, MPI_Datatype>,
    to: To<C>,
    root: c_int,
) -> Result<()> {
    let role = comm.role(root)?;
    if role != Role::Root {
        // SAFETY: the caller's promise.
        return unsafe { scatter_to(comm, to, role) };
    }
    let dt = datatype::get(from.3)?;
    // SAFETY: the caller's promise; the blocks are only read.
    unsafe {
        let data = as_sends(&blocks(comm, from.0.cast_mut(), from.1, from.2, &dt)?);
        inter::scatter(&Across::new(comm, Collective::Scatter), &data, None, role)
    }
}

/// What both scatters do in the group that gets the data.
///
/// # Safety
/// See [`bcast`].
unsafe fn scatter_to<C: Wide>(comm: &Comm, to: To<C>, role: Role) -> Result<()> {
    if role == Role::Idle {
        return Ok(());
    }
    let dt = datatype::get(to.2)?;
    let room = receiving(to.0, count(to.1)?, &dt)?;
    // SAFETY: the caller's promise.
    unsafe { inter::scatter(&Across::new(comm, Collective::Scatter), &[], Some(room), role) }
}

fn equal_sends<'a>(comm: &Comm, first: Send<'a>) -> Vec<Send<'a>> {
    let place = |rank: usize| first.part((rank * first.count) as isize, first.count);
    (0..comm.peers().size()).map(place).collect()
}

/// # Safety
/// See [`bcast`].
pub(super) unsafe fn allgather<C: Wide>(comm: &Comm, from: From<C>, to: To<C>) -> Result<()> {
    let (from_type, to_type) = (datatype::get(from.2)?, datatype::get(to.2)?);
    let mine = sending(from.0, count(from.1)?, &from_type)?;
    let first = receiving(to.0, count(to.1)?, &to_type)?;
    check_distinct(&mine, &first)?;
    // SAFETY: the caller's promise.
    unsafe { inter::allgather(&Across::new(comm, Collective::Allgather), mine, &equal_blocks(comm, first)) }
}

/// # Safety
/// See [`bcast`].
pub(super) unsafe fn allgatherv<C: Wide, D: Wide>(
    comm: &Comm,
    from: From<C>,
    to: ToAll<C, D, MPI_Datatype>,
) -> Result<()> {
    let (from_type, to_type) = (datatype::get(from.2)?, datatype::get(to.3)?);
    let mine = sending(from.0, count(from.1)?, &from_type)?;
    // SAFETY: the caller's promise.
    unsafe {
        let places = blocks(comm, to.0, to.1, to.2, &to_type)?;
        inter::allgather(&Across::new(comm, Collective::Allgather), mine, &places)
    }
}

/// # Safety
/// See [`bcast`].
pub(super) unsafe fn alltoall<C: Wide>(comm: &Comm, from: From<C>, to: To<C>) -> Result<()> {
    let (from_type, to_type) = (datatype::get(from.2)?, datatype::get(to.2)?);
    let data = sending(from.0, count(from.1)?, &from_type)?;
    let first = receiving(to.0, count(to.1)?, &to_type)?;
    check_distinct(&data, &first)?;
    let (sends, places) = (equal_sends(comm, data), equal_blocks(comm, first));
    // SAFETY: the caller's promise.
    unsafe { inter::alltoall(&Across::new(comm, Collective::Alltoall), &sends, &places) }
}

/// # Safety
/// See [`bcast`].
pub(super) unsafe fn alltoallv<C: Wide, D: Wide>(
    comm: &Comm,
    from: FromAll<C, D, MPI_Datatype>,
    to: ToAll<C, D, MPI_Datatype>,
) -> Result<()> {
    let (from_type, to_type) = (datatype::get(from.3)?, datatype::get(to.3)?);
    // SAFETY: the caller's promise; the blocks to send are only read.
    unsafe {
        let sends = as_sends(&blocks(comm, from.0.cast_mut(), from.1, from.2, &from_type)?);
        let places = blocks(comm, to.0, to.1, to.2, &to_type)?;
        inter::alltoall(&Across::new(comm, Collective::Alltoall), &sends, &places)
    }
}

/// # Safety
/// See [`bcast`].
pub(super) unsafe fn alltoallw<C: Wide, D: Wide>(
    comm: &Comm,
    from: FromAll<C, D, *const MPI_Datatype>,
    to: ToAll<C, D, *const MPI_Datatype>,
) -> Result<()> {
    // SAFETY: the caller's promise; the blocks to send are only read.
    unsafe {
        let (from_types, to_types) = (types_of(comm, from.3)?, types_of(comm, to.3)?);
        let sends = as_sends(&typed_blocks(comm, from.0.cast_mut(), from.1, from.2, &from_types)?);
        let places = typed_blocks(comm, to.0, to.1, to.2, &to_types)?;
        inter::alltoall(&Across::new(comm, Collective::Alltoall), &sends, &places)
    }
}

/// # Safety
/// See [`bcast`].
pub(super) unsafe fn reduce(
    comm: &Comm,
    sendbuf: *const c_void,
    recvbuf: *mut c_void,
    n: impl Wide,
    (dt, op): (MPI_Datatype, MPI_Op),
    root: c_int,
) -> Result<()> {
    let role = comm.role(root)?;
    if role == Role::Idle {
        return Ok(());
    }
    let (n, checked) = (count(n)?, Checked::new(dt, op)?);
    match role {
        Role::Root => receiving(recvbuf, n, &checked.dt).map(|_| ())?,
        _ => sending(sendbuf, n, &checked.dt).map(|_| ())?,
    }
    let across = Across::new(comm, Collective::Reduce);
    // SAFETY: the caller's promise.
    unsafe { inter::reduce(&across, sendbuf.cast(), recvbuf.cast(), n, checked.what(), role) }
}

/// # Safety
/// See [`bcast`].
pub(super) unsafe fn allreduce(
    comm: &Comm,
    sendbuf: *const c_void,
    recvbuf: *mut c_void,
    n: impl Wide,
    (dt, op): (MPI_Datatype, MPI_Op),
) -> Result<()> {
    let (n, checked) = (count(n)?, Checked::new(dt, op)?);
    check_distinct(&sending(sendbuf, n, &checked.dt)?, &receiving(recvbuf, n, &checked.dt)?)?;
    let across = Across::new(comm, Collective::Allreduce);
    // SAFETY: the caller's promise.
    unsafe { inter::allreduce(&across, sendbuf.cast(), recvbuf.cast(), n, checked.what()) }
}

/// # Safety
/// See [`bcast`].
pub(super) unsafe fn reduce_scatter(
    comm: &Comm,
    sendbuf: *const c_void,
    recvbuf: *mut c_void,
    counts: &[usize],
    checked: &Checked,
    total: usize,
) -> Result<()> {
    let room = receiving(recvbuf, counts[comm.rank()], &checked.dt)?;
    check_distinct(&sending(sendbuf, total, &checked.dt)?, &room)?;
    let across = Across::new(comm, Collective::ReduceScatter);
    // SAFETY: the caller's promise.
    unsafe { inter::reduce_scatter(&across, sendbuf.cast(), recvbuf.cast(), counts, checked.what()) }
}
