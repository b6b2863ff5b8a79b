//! C functions for blocking collectives (MPI 5.0, chapter 6): checks of the arguments, then [`crate::coll`].
//!
//! Arguments that the standard calls significant at the root only are looked at there only.

use super::input::{Wide, array};
use super::inter;
use crate::abi::*;
use crate::coll::alltoall::Blocks;
use crate::coll::reduce::Reduction;
use crate::coll::{self, Receive, Send};
use crate::comm::{self, Comm};
use crate::datatype::{self, Datatype};
use crate::error::{Result, err};
use crate::{mpi_fn, op};
use std::ffi::{c_int, c_void};

fn in_place(buffer: *const c_void) -> bool {
    std::ptr::eq(buffer, MPI_IN_PLACE)
}

pub(super) fn count(n: impl Wide) -> Result<usize> {
    let n = n.wide();
    usize::try_from(n).or_else(|_| err(MPI_ERR_COUNT, format!("invalid count {n}")))
}

/// Checks a buffer of `count` elements, as far as its address shows mistakes.
pub(super) fn check(what: &str, buffer: *const c_void, count: usize, dt: &Datatype) -> Result<()> {
    dt.packed_size(count)?;
    if in_place(buffer) {
        return err(MPI_ERR_BUFFER, format!("MPI_IN_PLACE is not allowed as {what} here"));
    }
    // A null pointer is MPI_BOTTOM, from which only a derived type leads anywhere.
    if buffer.is_null() && count > 0 && dt.size() > 0 && dt.predefined_handle().is_some() {
        return err(MPI_ERR_BUFFER, format!("{what} is a null pointer"));
    }
    Ok(())
}

pub(super) fn sending<'a>(buffer: *const c_void, count: usize, dt: &'a Datatype) -> Result<Send<'a>> {
    check("sendbuf", buffer, count, dt)?;
    Ok(Send { at: buffer.cast(), count, dt })
}

pub(super) fn receiving<'a>(buffer: *mut c_void, count: usize, dt: &'a Datatype) -> Result<Receive<'a>> {
    check("recvbuf", buffer, count, dt)?;
    Ok(Receive { at: buffer.cast(), count, dt })
}

/// The same address twice is a program that should have said `MPI_IN_PLACE`.
pub(super) fn check_distinct(send: &Send<'_>, receive: &Receive<'_>) -> Result<()> {
    let same = std::ptr::eq(send.at, receive.at) && !send.at.is_null();
    if same && send.bytes() > 0 && receive.bytes() > 0 {
        return err(MPI_ERR_BUFFER, "sendbuf and recvbuf are the same memory; use MPI_IN_PLACE");
    }
    Ok(())
}

/// A block for each rank: counts, and displacements in elements.
///
/// # Safety
/// The arrays have an element for each rank.
pub(super) unsafe fn blocks<'a, C: Wide, D: Wide>(
    comm: &Comm,
    buffer: *mut c_void,
    counts: *const C,
    displs: *const D,
    dt: &'a Datatype,
) -> Result<Vec<Receive<'a>>> {
    // SAFETY: the caller's promise.
    let (counts, displs) = unsafe {
        (array("the counts", counts, comm.peers().size())?, array("displs", displs, comm.peers().size())?)
    };
    let block = |(n, displ): (&C, &D)| {
        let n = count(*n)?;
        check("the buffer", buffer, n, dt)?;
        let all = Receive { at: buffer.cast(), count: n, dt };
        Ok(all.part(displ.wide() as isize, n))
    };
    counts.iter().zip(displs).map(block).collect()
}

/// A block for each rank: counts, displacements in bytes, and types.
///
/// # Safety
/// The arrays have an element for each rank.
pub(super) unsafe fn typed_blocks<'a, C: Wide, D: Wide>(
    comm: &Comm,
    buffer: *mut c_void,
    counts: *const C,
    displs: *const D,
    types: &'a [Datatype],
) -> Result<Vec<Receive<'a>>> {
    // SAFETY: the caller's promise.
    let (counts, displs) = unsafe {
        (array("the counts", counts, comm.peers().size())?, array("displs", displs, comm.peers().size())?)
    };
    let block = |((n, displ), dt): ((&C, &D), &'a Datatype)| {
        let n = count(*n)?;
        check("the buffer", buffer, n, dt)?;
        let at = buffer.cast::<u8>().wrapping_offset(displ.wide() as isize);
        Ok(Receive { at, count: n, dt })
    };
    counts.iter().zip(displs).zip(types).map(block).collect()
}

/// # Safety
/// `types` has an element for each rank.
pub(super) unsafe fn types_of(comm: &Comm, types: *const MPI_Datatype) -> Result<Vec<Datatype>> {
    // SAFETY: the caller's promise.
    unsafe { array("the types", types, comm.peers().size())? }.iter().map(|dt| datatype::get(*dt)).collect()
}

pub(super) fn equal_blocks<'a>(comm: &Comm, first: Receive<'a>) -> Vec<Receive<'a>> {
    (0..comm.peers().size()).map(|rank| first.part((rank * first.count) as isize, first.count)).collect()
}

pub(super) fn as_sends<'a>(blocks: &[Receive<'a>]) -> Vec<Send<'a>> {
    blocks.iter().map(Receive::as_send).collect()
}

/// The arguments that all reductions have.
pub(super) struct Checked {
    pub dt: Datatype,
    pub op: op::Op,
}

impl Checked {
    pub fn new(dt: MPI_Datatype, op: MPI_Op) -> Result<Self> {
        let (dt, op) = (datatype::get(dt)?, op::get(op)?);
        op.check(&dt)?;
        Ok(Self { dt, op })
    }

    pub fn what(&self) -> Reduction<'_> {
        Reduction { op: &self.op, dt: &self.dt }
    }

    /// This rank's contribution: `sendbuf`, or `recvbuf` if that is `MPI_IN_PLACE`. `count` elements are sent, `room` received.
    fn mine(
        &self,
        sendbuf: *const c_void,
        recvbuf: *mut c_void,
        count: usize,
        room: usize,
    ) -> Result<*const u8> {
        let receive = receiving(recvbuf, room, &self.dt)?;
        if in_place(sendbuf) {
            return Ok(recvbuf.cast_const().cast());
        }
        let send = sending(sendbuf, count, &self.dt)?;
        check_distinct(&send, &receive)?;
        Ok(send.at)
    }
}

/// # Safety
/// Buffers as the standard asks.
unsafe fn prefix(
    comm: MPI_Comm,
    sendbuf: *const c_void,
    recvbuf: *mut c_void,
    n: impl Wide,
    (dt, op): (MPI_Datatype, MPI_Op),
    exclusive: bool,
) -> Result<()> {
    let comm = comm::get(comm)?;
    comm.require_intra()?;
    let n = count(n)?;
    let checked = Checked::new(dt, op)?;
    let mine = checked.mine(sendbuf, recvbuf, n, n)?;
    let run = if exclusive { coll::scan::exscan } else { coll::scan::scan };
    // SAFETY: the caller's promise.
    unsafe { run(&comm, mine, recvbuf.cast(), n, checked.what()) }
}

/// # Safety
/// Buffers as the standard asks.
unsafe fn reduce_scatter(
    comm: &Comm,
    sendbuf: *const c_void,
    recvbuf: *mut c_void,
    counts: &[usize],
    (dt, op): (MPI_Datatype, MPI_Op),
) -> Result<()> {
    let checked = Checked::new(dt, op)?;
    let Some(total) = counts.iter().try_fold(0usize, |sum, n| sum.checked_add(*n)) else {
        return err(MPI_ERR_COUNT, "the sum of the counts is too large");
    };
    if comm.is_inter() {
        // SAFETY: the caller's promise.
        return unsafe { inter::reduce_scatter(comm, sendbuf, recvbuf, counts, &checked, total) };
    }
    let mine = checked.mine(sendbuf, recvbuf, total, counts[comm.rank()])?;
    // SAFETY: the caller's promise.
    unsafe { coll::reduce_scatter::reduce_scatter(comm, mine, recvbuf.cast(), counts, checked.what()) }
}

mpi_fn! {
    /// Waits until all ranks have come here.
    fn MPI_Barrier(comm: MPI_Comm) on comm {
        let comm = comm::get(comm)?;
        if comm.is_inter() { inter::barrier(&comm) } else { coll::barrier::barrier(&comm) }
    }

    /// Copies the root's buffer to all.
    large fn MPI_Bcast, MPI_Bcast_c(
        buffer: *mut c_void, n: Count, datatype: MPI_Datatype, root: c_int, comm: MPI_Comm
    ) on comm {
        let comm = comm::get(comm)?;
        if comm.is_inter() {
            // SAFETY: the caller's buffers.
            return unsafe { inter::bcast(&comm, (buffer, n, datatype), root) };
        }
        let (root, n, dt) = (comm.root(root)?, count(n)?, datatype::get(datatype)?);
        check("buffer", buffer, n, &dt)?;
        // SAFETY: the caller's buffer, as the standard asks; so in all functions here.
        unsafe { coll::bcast::bcast(&comm, Receive { at: buffer.cast(), count: n, dt: &dt }, root) }
    }

    /// Collects a block of each rank at the root.
    large fn MPI_Gather, MPI_Gather_c(
        sendbuf: *const c_void, sendcount: Count, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcount: Count, recvtype: MPI_Datatype, root: c_int, comm: MPI_Comm
    ) on comm {
        let comm = comm::get(comm)?;
        if comm.is_inter() {
            // SAFETY: the caller's buffers.
            return unsafe { inter::gather(&comm, (sendbuf, sendcount, sendtype), (recvbuf, recvcount, recvtype), root) };
        }
        let root = comm.root(root)?;
        if comm.rank() != root {
            let dt = datatype::get(sendtype)?;
            let mine = sending(sendbuf, count(sendcount)?, &dt)?;
            // SAFETY: the caller's buffers.
            return unsafe { coll::gather::gather(&comm, Some(mine), None, root) };
        }
        let to = datatype::get(recvtype)?;
        let first = receiving(recvbuf, count(recvcount)?, &to)?;
        if in_place(sendbuf) {
            // SAFETY: the caller's buffers.
            return unsafe { coll::gather::gather(&comm, None, Some(first), root) };
        }
        let dt = datatype::get(sendtype)?;
        let mine = sending(sendbuf, count(sendcount)?, &dt)?;
        check_distinct(&mine, &first.part((root * first.count) as isize, first.count))?;
        // SAFETY: the caller's buffers.
        unsafe { coll::gather::gather(&comm, Some(mine), Some(first), root) }
    }

    /// Collects blocks of any size at the root.
    large fn MPI_Gatherv, MPI_Gatherv_c(
        sendbuf: *const c_void, sendcount: Count, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcounts: *const Count, displs: *const Displ, recvtype: MPI_Datatype,
        root: c_int, comm: MPI_Comm
    ) on comm {
        let comm = comm::get(comm)?;
        if comm.is_inter() {
            // SAFETY: the caller's buffers.
            return unsafe { inter::gatherv(&comm, (sendbuf, sendcount, sendtype), (recvbuf, recvcounts, displs, recvtype), root) };
        }
        let root = comm.root(root)?;
        if comm.rank() != root {
            let dt = datatype::get(sendtype)?;
            let mine = sending(sendbuf, count(sendcount)?, &dt)?;
            // SAFETY: the caller's buffers.
            return unsafe { coll::gather::gatherv(&comm, Some(mine), &[], root) };
        }
        let to = datatype::get(recvtype)?;
        // SAFETY: the caller's arrays.
        let places = unsafe { blocks(&comm, recvbuf, recvcounts, displs, &to)? };
        if in_place(sendbuf) {
            // SAFETY: the caller's buffers.
            return unsafe { coll::gather::gatherv(&comm, None, &places, root) };
        }
        let dt = datatype::get(sendtype)?;
        let mine = sending(sendbuf, count(sendcount)?, &dt)?;
        check_distinct(&mine, &places[root])?;
        // SAFETY: the caller's buffers.
        unsafe { coll::gather::gatherv(&comm, Some(mine), &places, root) }
    }

    /// Gives each rank a block from the root.
    large fn MPI_Scatter, MPI_Scatter_c(
        sendbuf: *const c_void, sendcount: Count, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcount: Count, recvtype: MPI_Datatype, root: c_int, comm: MPI_Comm
    ) on comm {
        let comm = comm::get(comm)?;
        if comm.is_inter() {
            // SAFETY: the caller's buffers.
            return unsafe { inter::scatter(&comm, (sendbuf, sendcount, sendtype), (recvbuf, recvcount, recvtype), root) };
        }
        let root = comm.root(root)?;
        if comm.rank() != root {
            let dt = datatype::get(recvtype)?;
            let room = receiving(recvbuf, count(recvcount)?, &dt)?;
            // SAFETY: the caller's buffers.
            return unsafe { coll::gather::scatter(&comm, None, Some(room), root) };
        }
        let from = datatype::get(sendtype)?;
        let first = sending(sendbuf, count(sendcount)?, &from)?;
        if in_place(recvbuf) {
            // SAFETY: the caller's buffers.
            return unsafe { coll::gather::scatter(&comm, Some(first), None, root) };
        }
        let dt = datatype::get(recvtype)?;
        let room = receiving(recvbuf, count(recvcount)?, &dt)?;
        check_distinct(&first.part((root * first.count) as isize, first.count), &room)?;
        // SAFETY: the caller's buffers.
        unsafe { coll::gather::scatter(&comm, Some(first), Some(room), root) }
    }

    /// Gives each rank a block of any size from the root.
    large fn MPI_Scatterv, MPI_Scatterv_c(
        sendbuf: *const c_void, sendcounts: *const Count, displs: *const Displ, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcount: Count, recvtype: MPI_Datatype, root: c_int, comm: MPI_Comm
    ) on comm {
        let comm = comm::get(comm)?;
        if comm.is_inter() {
            // SAFETY: the caller's buffers.
            return unsafe { inter::scatterv(&comm, (sendbuf, sendcounts, displs, sendtype), (recvbuf, recvcount, recvtype), root) };
        }
        let root = comm.root(root)?;
        if comm.rank() != root {
            let dt = datatype::get(recvtype)?;
            let room = receiving(recvbuf, count(recvcount)?, &dt)?;
            // SAFETY: the caller's buffers.
            return unsafe { coll::gather::scatterv(&comm, &[], Some(room), root) };
        }
        let from = datatype::get(sendtype)?;
        // SAFETY: the caller's arrays; the blocks are only read.
        let places = as_sends(&unsafe { blocks(&comm, sendbuf.cast_mut(), sendcounts, displs, &from)? });
        if in_place(recvbuf) {
            // SAFETY: the caller's buffers.
            return unsafe { coll::gather::scatterv(&comm, &places, None, root) };
        }
        let dt = datatype::get(recvtype)?;
        let room = receiving(recvbuf, count(recvcount)?, &dt)?;
        check_distinct(&places[root], &room)?;
        // SAFETY: the caller's buffers.
        unsafe { coll::gather::scatterv(&comm, &places, Some(room), root) }
    }

    /// Collects a block of each rank at all.
    large fn MPI_Allgather, MPI_Allgather_c(
        sendbuf: *const c_void, sendcount: Count, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcount: Count, recvtype: MPI_Datatype, comm: MPI_Comm
    ) on comm {
        let comm = comm::get(comm)?;
        if comm.is_inter() {
            // SAFETY: the caller's buffers.
            return unsafe { inter::allgather(&comm, (sendbuf, sendcount, sendtype), (recvbuf, recvcount, recvtype)) };
        }
        let to = datatype::get(recvtype)?;
        let places = equal_blocks(&comm, receiving(recvbuf, count(recvcount)?, &to)?);
        if in_place(sendbuf) {
            // SAFETY: the caller's buffers.
            return unsafe { coll::allgather::allgather(&comm, None, &places) };
        }
        let dt = datatype::get(sendtype)?;
        let mine = sending(sendbuf, count(sendcount)?, &dt)?;
        check_distinct(&mine, &places[comm.rank()])?;
        // SAFETY: the caller's buffers.
        unsafe { coll::allgather::allgather(&comm, Some(mine), &places) }
    }

    /// Collects blocks of any size at all ranks.
    large fn MPI_Allgatherv, MPI_Allgatherv_c(
        sendbuf: *const c_void, sendcount: Count, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcounts: *const Count, displs: *const Displ, recvtype: MPI_Datatype,
        comm: MPI_Comm
    ) on comm {
        let comm = comm::get(comm)?;
        if comm.is_inter() {
            // SAFETY: the caller's buffers.
            return unsafe { inter::allgatherv(&comm, (sendbuf, sendcount, sendtype), (recvbuf, recvcounts, displs, recvtype)) };
        }
        let to = datatype::get(recvtype)?;
        // SAFETY: the caller's arrays.
        let places = unsafe { blocks(&comm, recvbuf, recvcounts, displs, &to)? };
        if in_place(sendbuf) {
            // SAFETY: the caller's buffers.
            return unsafe { coll::allgather::allgather(&comm, None, &places) };
        }
        let dt = datatype::get(sendtype)?;
        let mine = sending(sendbuf, count(sendcount)?, &dt)?;
        check_distinct(&mine, &places[comm.rank()])?;
        // SAFETY: the caller's buffers.
        unsafe { coll::allgather::allgather(&comm, Some(mine), &places) }
    }

    /// A block from each rank to each.
    large fn MPI_Alltoall, MPI_Alltoall_c(
        sendbuf: *const c_void, sendcount: Count, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcount: Count, recvtype: MPI_Datatype, comm: MPI_Comm
    ) on comm {
        let comm = comm::get(comm)?;
        if comm.is_inter() {
            // SAFETY: the caller's buffers.
            return unsafe { inter::alltoall(&comm, (sendbuf, sendcount, sendtype), (recvbuf, recvcount, recvtype)) };
        }
        let to = datatype::get(recvtype)?;
        let places = equal_blocks(&comm, receiving(recvbuf, count(recvcount)?, &to)?);
        if in_place(sendbuf) {
            // SAFETY: the caller's buffers.
            return unsafe { coll::alltoall::alltoall(&comm, None, &places, Blocks::Equal) };
        }
        let from = datatype::get(sendtype)?;
        let first = sending(sendbuf, count(sendcount)?, &from)?;
        check_distinct(&first, &places[0])?;
        let sends: Vec<Send<'_>> =
            (0..comm.size()).map(|rank| first.part((rank * first.count) as isize, first.count)).collect();
        // SAFETY: the caller's buffers.
        unsafe { coll::alltoall::alltoall(&comm, Some(&sends), &places, Blocks::Equal) }
    }

    /// A block of any size from each rank to each.
    large fn MPI_Alltoallv, MPI_Alltoallv_c(
        sendbuf: *const c_void, sendcounts: *const Count, sdispls: *const Displ, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcounts: *const Count, rdispls: *const Displ, recvtype: MPI_Datatype,
        comm: MPI_Comm
    ) on comm {
        let comm = comm::get(comm)?;
        if comm.is_inter() {
            // SAFETY: the caller's buffers.
            return unsafe { inter::alltoallv(&comm, (sendbuf, sendcounts, sdispls, sendtype), (recvbuf, recvcounts, rdispls, recvtype)) };
        }
        let to = datatype::get(recvtype)?;
        // SAFETY: the caller's arrays.
        let places = unsafe { blocks(&comm, recvbuf, recvcounts, rdispls, &to)? };
        if in_place(sendbuf) {
            // SAFETY: the caller's buffers.
            return unsafe { coll::alltoall::alltoall(&comm, None, &places, Blocks::Any) };
        }
        let from = datatype::get(sendtype)?;
        // SAFETY: the caller's arrays; the blocks are only read.
        let sends = as_sends(&unsafe { blocks(&comm, sendbuf.cast_mut(), sendcounts, sdispls, &from)? });
        check_distinct(&sends[comm.rank()], &places[comm.rank()])?;
        // SAFETY: the caller's buffers.
        unsafe { coll::alltoall::alltoall(&comm, Some(&sends), &places, Blocks::Any) }
    }

    /// A block of any size and type from each rank to each.
    large fn MPI_Alltoallw, MPI_Alltoallw_c(
        sendbuf: *const c_void, sendcounts: *const Count, sdispls: *const Displ,
        sendtypes: *const MPI_Datatype,
        recvbuf: *mut c_void, recvcounts: *const Count, rdispls: *const Displ,
        recvtypes: *const MPI_Datatype, comm: MPI_Comm
    ) on comm {
        let comm = comm::get(comm)?;
        if comm.is_inter() {
            // SAFETY: the caller's buffers.
            return unsafe { inter::alltoallw(&comm, (sendbuf, sendcounts, sdispls, sendtypes), (recvbuf, recvcounts, rdispls, recvtypes)) };
        }
        // SAFETY: the caller's array.
        let to = unsafe { types_of(&comm, recvtypes)? };
        // SAFETY: the caller's arrays.
        let places = unsafe { typed_blocks(&comm, recvbuf, recvcounts, rdispls, &to)? };
        if in_place(sendbuf) {
            // SAFETY: the caller's buffers.
            return unsafe { coll::alltoall::alltoall(&comm, None, &places, Blocks::Any) };
        }
        // SAFETY: the caller's array.
        let from = unsafe { types_of(&comm, sendtypes)? };
        // SAFETY: the caller's arrays; the blocks are only read.
        let sends =
            as_sends(&unsafe { typed_blocks(&comm, sendbuf.cast_mut(), sendcounts, sdispls, &from)? });
        check_distinct(&sends[comm.rank()], &places[comm.rank()])?;
        // SAFETY: the caller's buffers.
        unsafe { coll::alltoall::alltoall(&comm, Some(&sends), &places, Blocks::Any) }
    }

    /// Combines the elements of all ranks at the root.
    large fn MPI_Reduce, MPI_Reduce_c(
        sendbuf: *const c_void, recvbuf: *mut c_void, n: Count, datatype: MPI_Datatype, op: MPI_Op,
        root: c_int, comm: MPI_Comm
    ) on comm {
        let comm = comm::get(comm)?;
        if comm.is_inter() {
            // SAFETY: the caller's buffers.
            return unsafe { inter::reduce(&comm, sendbuf, recvbuf, n, (datatype, op), root) };
        }
        let (root, n) = (comm.root(root)?, count(n)?);
        let checked = Checked::new(datatype, op)?;
        let mine = if comm.rank() == root {
            checked.mine(sendbuf, recvbuf, n, n)?
        } else {
            sending(sendbuf, n, &checked.dt)?.at
        };
        // SAFETY: the caller's buffers.
        unsafe { coll::reduce::reduce(&comm, mine, recvbuf.cast(), n, checked.what(), root) }
    }

    /// Combines the elements of all ranks at all.
    large fn MPI_Allreduce, MPI_Allreduce_c(
        sendbuf: *const c_void, recvbuf: *mut c_void, n: Count, datatype: MPI_Datatype, op: MPI_Op,
        comm: MPI_Comm
    ) on comm {
        let comm = comm::get(comm)?;
        if comm.is_inter() {
            // SAFETY: the caller's buffers.
            return unsafe { inter::allreduce(&comm, sendbuf, recvbuf, n, (datatype, op)) };
        }
        let n = count(n)?;
        let checked = Checked::new(datatype, op)?;
        let mine = checked.mine(sendbuf, recvbuf, n, n)?;
        // SAFETY: the caller's buffers.
        unsafe { coll::allreduce::allreduce(&comm, mine, recvbuf.cast(), n, checked.what()) }
    }

    /// Combines the elements of all ranks; each gets a part of any size.
    large fn MPI_Reduce_scatter, MPI_Reduce_scatter_c(
        sendbuf: *const c_void, recvbuf: *mut c_void, recvcounts: *const Count, datatype: MPI_Datatype,
        op: MPI_Op, comm: MPI_Comm
    ) on comm {
        let comm = comm::get(comm)?;
        // SAFETY: the caller's array.
        let counts = unsafe { array("recvcounts", recvcounts, comm.size())? };
        let counts = counts.iter().map(|n| count(*n)).collect::<Result<Vec<_>>>()?;
        // SAFETY: the caller's buffers.
        unsafe { reduce_scatter(&comm, sendbuf, recvbuf, &counts, (datatype, op)) }
    }

    /// Combines the elements of all ranks; each gets a part of the same size.
    large fn MPI_Reduce_scatter_block, MPI_Reduce_scatter_block_c(
        sendbuf: *const c_void, recvbuf: *mut c_void, recvcount: Count, datatype: MPI_Datatype,
        op: MPI_Op, comm: MPI_Comm
    ) on comm {
        let comm = comm::get(comm)?;
        let counts = vec![count(recvcount)?; comm.size()];
        // SAFETY: the caller's buffers.
        unsafe { reduce_scatter(&comm, sendbuf, recvbuf, &counts, (datatype, op)) }
    }

    /// Combines the elements of the ranks up to this one.
    large fn MPI_Scan, MPI_Scan_c(
        sendbuf: *const c_void, recvbuf: *mut c_void, n: Count, datatype: MPI_Datatype, op: MPI_Op,
        comm: MPI_Comm
    ) on comm {
        // SAFETY: the caller's buffers.
        unsafe { prefix(comm, sendbuf, recvbuf, n, (datatype, op), false) }
    }

    /// Combines the elements of the ranks before this one.
    large fn MPI_Exscan, MPI_Exscan_c(
        sendbuf: *const c_void, recvbuf: *mut c_void, n: Count, datatype: MPI_Datatype, op: MPI_Op,
        comm: MPI_Comm
    ) on comm {
        // SAFETY: the caller's buffers.
        unsafe { prefix(comm, sendbuf, recvbuf, n, (datatype, op), true) }
    }
}
