//! Collectives in which each rank gets a block from each.

use super::buffers::{Block, Blocks, check_distinct, contribution, in_place};
use super::{Call, collectives};
use crate::abi::*;
use crate::c::input::Wide;
use crate::coll;
use crate::coll::alltoall::Blocks as Kind;
use crate::coll::choose::Collective;
use crate::coll::inter::{self, Across};
use crate::comm::{self, Comm};
use crate::error::Result;
use std::ffi::c_void;
use std::rc::Rc;

struct Allgather {
    comm: Rc<Comm>,
    /// None: it is in its place already.
    mine: Option<Block>,
    places: Blocks,
}

impl Allgather {
    fn new(
        (buffer, n, datatype): (*const c_void, impl Wide, MPI_Datatype),
        comm: MPI_Comm,
        places: impl FnOnce(&Comm) -> Result<Blocks>,
    ) -> Result<Self> {
        let comm = comm::get(comm)?;
        let places = places(&comm)?;
        let mine = contribution(buffer, n, datatype, &comm, &places)?;
        Ok(Self { comm, mine, places })
    }
}

impl Call for Allgather {
    fn comm(&self) -> &Rc<Comm> {
        &self.comm
    }

    unsafe fn run(&self) -> Result<()> {
        let mine = self.mine.as_ref().map(Block::send);
        if let Some(mine) = mine.filter(|_| self.comm.is_inter()) {
            let across = Across::new(&self.comm, Collective::Allgather);
            // SAFETY: the caller's promise.
            return unsafe { inter::allgather(&across, mine, &self.places.receives()) };
        }
        // SAFETY: the caller's promise.
        unsafe { coll::allgather::allgather(&self.comm, mine, &self.places.receives()) }
    }
}

struct Alltoall {
    comm: Rc<Comm>,
    /// None: what is sent is where the rest will be.
    sends: Option<Blocks>,
    places: Blocks,
    kind: Kind,
}

impl Alltoall {
    fn new(
        sendbuf: *const c_void,
        comm: MPI_Comm,
        kind: Kind,
        places: impl FnOnce(&Comm) -> Result<Blocks>,
        sends: impl FnOnce(&Comm) -> Result<Blocks>,
    ) -> Result<Self> {
        let comm = comm::get(comm)?;
        let places = places(&comm)?;
        if in_place(sendbuf) && !comm.is_inter() {
            return Ok(Self { comm, sends: None, places, kind });
        }
        let sends = sends(&comm)?;
        // Blocks of the same size start at the same place, or nowhere; on an inter-communicator none is this rank's own.
        let own = if kind == Kind::Equal || comm.is_inter() { 0 } else { comm.rank() };
        check_distinct(sends.get(own).as_send(), places.get(own))?;
        Ok(Self { comm, sends: Some(sends), places, kind })
    }
}

impl Call for Alltoall {
    fn comm(&self) -> &Rc<Comm> {
        &self.comm
    }

    unsafe fn run(&self) -> Result<()> {
        let sends = self.sends.as_ref().map(Blocks::sends);
        if let Some(sends) = sends.as_deref().filter(|_| self.comm.is_inter()) {
            let across = Across::new(&self.comm, Collective::Alltoall);
            // SAFETY: the caller's promise.
            return unsafe { inter::alltoall(&across, sends, &self.places.receives()) };
        }
        // SAFETY: the caller's promise.
        unsafe { coll::alltoall::alltoall(&self.comm, sends.as_deref(), &self.places.receives(), self.kind) }
    }
}

collectives! {
    /// Collects a block of each rank at all.
    MPI_Allgather, MPI_Allgather_c; MPI_Iallgather, MPI_Iallgather_c; MPI_Allgather_init, MPI_Allgather_init_c
    (
        sendbuf: *const c_void, sendcount: Count, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcount: Count, recvtype: MPI_Datatype, comm: MPI_Comm
    ) on comm =>
        Allgather::new((sendbuf, sendcount, sendtype), comm, |of| {
            Ok(Blocks::Equal(Block::new("recvbuf", recvbuf, recvcount, recvtype)?, of.peers().size()))
        });

    /// Collects blocks of any size at all ranks.
    MPI_Allgatherv, MPI_Allgatherv_c; MPI_Iallgatherv, MPI_Iallgatherv_c; MPI_Allgatherv_init, MPI_Allgatherv_init_c
    (
        sendbuf: *const c_void, sendcount: Count, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcounts: *const Count, displs: *const Displ, recvtype: MPI_Datatype, comm: MPI_Comm
    ) on comm =>
        Allgather::new((sendbuf, sendcount, sendtype), comm, |of| {
            // SAFETY: the program's array.
            unsafe { Blocks::any(of.peers().size(), recvbuf, recvcounts, displs, recvtype) }
        });

    /// A block from each rank to each.
    MPI_Alltoall, MPI_Alltoall_c; MPI_Ialltoall, MPI_Ialltoall_c; MPI_Alltoall_init, MPI_Alltoall_init_c
    (
        sendbuf: *const c_void, sendcount: Count, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcount: Count, recvtype: MPI_Datatype, comm: MPI_Comm
    ) on comm =>
        Alltoall::new(
            sendbuf, comm, Kind::Equal,
            |of| Ok(Blocks::Equal(Block::new("recvbuf", recvbuf, recvcount, recvtype)?, of.peers().size())),
            |of| Ok(Blocks::Equal(Block::new("sendbuf", sendbuf, sendcount, sendtype)?, of.peers().size())),
        );

    /// A block of any size from each rank to each.
    MPI_Alltoallv, MPI_Alltoallv_c; MPI_Ialltoallv, MPI_Ialltoallv_c; MPI_Alltoallv_init, MPI_Alltoallv_init_c
    (
        sendbuf: *const c_void, sendcounts: *const Count, sdispls: *const Displ, sendtype: MPI_Datatype,
        recvbuf: *mut c_void, recvcounts: *const Count, rdispls: *const Displ, recvtype: MPI_Datatype, comm: MPI_Comm
    ) on comm =>
        Alltoall::new(
            sendbuf, comm, Kind::Any,
            // SAFETY: the program's arrays.
            |of| unsafe { Blocks::any(of.peers().size(), recvbuf, recvcounts, rdispls, recvtype) },
            // SAFETY: the program's arrays.
            |of| unsafe { Blocks::any(of.peers().size(), sendbuf, sendcounts, sdispls, sendtype) },
        );

    /// A block of any size and type from each rank to each.
    MPI_Alltoallw, MPI_Alltoallw_c; MPI_Ialltoallw, MPI_Ialltoallw_c; MPI_Alltoallw_init, MPI_Alltoallw_init_c
    (
        sendbuf: *const c_void, sendcounts: *const Count, sdispls: *const Displ, sendtypes: *const MPI_Datatype,
        recvbuf: *mut c_void, recvcounts: *const Count, rdispls: *const Displ, recvtypes: *const MPI_Datatype,
        comm: MPI_Comm
    ) on comm =>
        Alltoall::new(
            sendbuf, comm, Kind::Any,
            // SAFETY: the program's arrays.
            |of| unsafe { Blocks::typed(of.peers().size(), recvbuf, recvcounts, rdispls, recvtypes) },
            // SAFETY: the program's arrays.
            |of| unsafe { Blocks::typed(of.peers().size(), sendbuf, sendcounts, sdispls, sendtypes) },
        );
}
