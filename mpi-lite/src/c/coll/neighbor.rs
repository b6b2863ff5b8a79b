//! Collectives among the neighbours in a topology.

use super::buffers::{Block, Blocks};
use super::{Call, collectives};
use crate::abi::*;
use crate::coll::{self, ByRank, Send};
use crate::comm::{self, Comm};
use crate::error::Result;
use crate::topo::Neighbors;
use std::ffi::c_void;
use std::iter::repeat_n;
use std::rc::Rc;

/// What goes to the neighbours.
enum Out {
    /// The same to all.
    Same(Block),
    /// A block to each.
    Each(Blocks),
}

struct Exchange {
    comm: Rc<Comm>,
    neighbors: Neighbors,
    out: Out,
    places: Blocks,
}

impl Exchange {
    /// `out` and `places` get the number of neighbours that they are for.
    fn new(
        comm: MPI_Comm,
        out: impl FnOnce(usize) -> Result<Out>,
        places: impl FnOnce(usize) -> Result<Blocks>,
    ) -> Result<Self> {
        let comm = comm::get(comm)?;
        let neighbors = Neighbors::of(&comm)?;
        let out = out(neighbors.destinations.len())?;
        let places = places(neighbors.sources.len())?;
        Ok(Self { comm, neighbors, out, places })
    }
}

impl Call for Exchange {
    fn comm(&self) -> &Rc<Comm> {
        &self.comm
    }

    unsafe fn run(&self) -> Result<()> {
        let sends: ByRank<Send<'_>> = match &self.out {
            Out::Same(block) => repeat_n(block.send(), self.neighbors.destinations.len()).collect(),
            Out::Each(blocks) => blocks.sends(),
        };
        // SAFETY: the caller's promise.
        unsafe { coll::neighbor::exchange(&self.comm, &self.neighbors, &sends, &self.places.receives()) }
    }
}

collectives! {
    /// Sends a block to all destinations and collects one of each source.
    MPI_Neighbor_allgather, MPI_Neighbor_allgather_c; MPI_Ineighbor_allgather, MPI_Ineighbor_allgather_c;
    MPI_Neighbor_allgather_init, MPI_Neighbor_allgather_init_c
    (
        sendbuf: *const c_void, sendcount: Count, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcount: Count, recvtype: MPI_Datatype, comm: MPI_Comm
    ) on comm =>
        Exchange::new(
            comm,
            |_| Block::new("sendbuf", sendbuf, sendcount, sendtype).map(Out::Same),
            |n| Ok(Blocks::Equal(Block::new("recvbuf", recvbuf, recvcount, recvtype)?, n)),
        );

    /// Sends a block to all destinations and collects one of any size of each source.
    MPI_Neighbor_allgatherv, MPI_Neighbor_allgatherv_c; MPI_Ineighbor_allgatherv, MPI_Ineighbor_allgatherv_c;
    MPI_Neighbor_allgatherv_init, MPI_Neighbor_allgatherv_init_c
    (
        sendbuf: *const c_void, sendcount: Count, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcounts: *const Count, displs: *const Displ, recvtype: MPI_Datatype, comm: MPI_Comm
    ) on comm =>
        Exchange::new(
            comm,
            |_| Block::new("sendbuf", sendbuf, sendcount, sendtype).map(Out::Same),
            // SAFETY: the program's arrays.
            |n| unsafe { Blocks::any(n, recvbuf, recvcounts, displs, recvtype) },
        );

    /// A block to each destination and from each source.
    MPI_Neighbor_alltoall, MPI_Neighbor_alltoall_c; MPI_Ineighbor_alltoall, MPI_Ineighbor_alltoall_c;
    MPI_Neighbor_alltoall_init, MPI_Neighbor_alltoall_init_c
    (
        sendbuf: *const c_void, sendcount: Count, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcount: Count, recvtype: MPI_Datatype, comm: MPI_Comm
    ) on comm =>
        Exchange::new(
            comm,
            |n| Ok(Out::Each(Blocks::Equal(Block::new("sendbuf", sendbuf, sendcount, sendtype)?, n))),
            |n| Ok(Blocks::Equal(Block::new("recvbuf", recvbuf, recvcount, recvtype)?, n)),
        );

    /// A block of any size to each destination and from each source.
    MPI_Neighbor_alltoallv, MPI_Neighbor_alltoallv_c; MPI_Ineighbor_alltoallv, MPI_Ineighbor_alltoallv_c;
    MPI_Neighbor_alltoallv_init, MPI_Neighbor_alltoallv_init_c
    (
        sendbuf: *const c_void, sendcounts: *const Count, sdispls: *const Displ, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcounts: *const Count, rdispls: *const Displ, recvtype: MPI_Datatype, comm: MPI_Comm
    ) on comm =>
        Exchange::new(
            comm,
            // SAFETY: the program's arrays.
            |n| unsafe { Blocks::any(n, sendbuf, sendcounts, sdispls, sendtype) }.map(Out::Each),
            // SAFETY: the program's arrays.
            |n| unsafe { Blocks::any(n, recvbuf, recvcounts, rdispls, recvtype) },
        );

    /// A block of any size and type to each destination and from each source. Displacements are addresses in both forms.
    MPI_Neighbor_alltoallw, MPI_Neighbor_alltoallw_c; MPI_Ineighbor_alltoallw, MPI_Ineighbor_alltoallw_c;
    MPI_Neighbor_alltoallw_init, MPI_Neighbor_alltoallw_init_c
    (
        sendbuf: *const c_void, sendcounts: *const Count, sdispls: *const MPI_Aint, sendtypes: *const MPI_Datatype,
        recvbuf: *mut c_void, recvcounts: *const Count, rdispls: *const MPI_Aint, recvtypes: *const MPI_Datatype,
        comm: MPI_Comm
    ) on comm =>
        Exchange::new(
            comm,
            // SAFETY: the program's arrays.
            |n| unsafe { Blocks::typed(n, sendbuf, sendcounts, sdispls, sendtypes) }.map(Out::Each),
            // SAFETY: the program's arrays.
            |n| unsafe { Blocks::typed(n, recvbuf, recvcounts, rdispls, recvtypes) },
        );
}
