//! Barrier.

use super::Call;
use crate::abi::*;
use crate::coll::choose::Collective;
use crate::coll::inter::{self, Across};
use crate::comm::{self, Comm};
use crate::error::Result;
use crate::{coll, mpi_fn};
use std::rc::Rc;

struct Barrier(Rc<Comm>);

impl Call for Barrier {
    fn comm(&self) -> &Rc<Comm> {
        &self.0
    }

    unsafe fn run(&self) -> Result<()> {
        barrier(&self.0)
    }
}

fn barrier(comm: &Comm) -> Result<()> {
    if comm.is_inter() {
        return inter::barrier(&Across::new(comm, Collective::Barrier));
    }
    coll::barrier::barrier(comm)
}

mpi_fn! {
    /// Waits until all ranks have come here.
    fn MPI_Barrier(comm: MPI_Comm) on comm { barrier(&*comm::get(comm)?) }

    /// Starts what `MPI_Barrier` does.
    fn MPI_Ibarrier(comm: MPI_Comm, request: *mut MPI_Request) on comm {
        super::start(Barrier(comm::get(comm)?), request)
    }

    /// Makes a persistent request for what `MPI_Barrier` does.
    fn MPI_Barrier_init(comm: MPI_Comm, hints: MPI_Info, request: *mut MPI_Request) on comm {
        super::prepare(Barrier(comm::get(comm)?), hints, request)
    }
}
