//! Which processes share hardware, or another resource: `MPI_Comm_split_type` (MPI 5.0, section 7.4.2).
//!
//! Each rank is a machine of its own whose memory no other rank maps as its own, but ranks on one host can share memory. What
//! hardware of the host they share is told by their places.

use super::Comm;
use super::create::split;
use crate::abi::{
    MPI_COMM_TYPE_HW_GUIDED, MPI_COMM_TYPE_HW_UNGUIDED, MPI_COMM_TYPE_RESOURCE_GUIDED, MPI_COMM_TYPE_SHARED,
    MPI_ERR_ARG, MPI_UNDEFINED,
};
use crate::coll;
use crate::error::{Result, err};
use crate::info::Info;
use crate::platform::places::{self, LEVELS, Level};
use std::rc::Rc;

/// The key that names a type of hardware, of the program for guided splits and of the library for others.
pub const HARDWARE_KEY: &str = "mpi_hw_resource_type";

/// The type of what ranks on one host share.
pub const SHARED_MEMORY: &str = "mpi_shared_memory";

/// A communicator of processes that share a resource, if this process is in one; of an unguided split with the type of hardware.
pub type Sharing = Option<(Rc<Comm>, Option<&'static str>)>;

/// `MPI_Comm_split_type`.
pub fn split_type(comm: &Comm, kind: i32, key: i32, info: &Info) -> Result<Sharing> {
    let kinds = coll::allgather_values(comm.local(), [kind])?;
    if kinds.iter().any(|[other]| *other != kind && *other != MPI_UNDEFINED && kind != MPI_UNDEFINED) {
        return err(MPI_ERR_ARG, "the processes passed different split types");
    }
    let mut hardware = None;
    let color = match kind {
        MPI_COMM_TYPE_SHARED => host_color(),
        MPI_COMM_TYPE_HW_GUIDED => hardware_color(comm, info.value(HARDWARE_KEY)?)?,
        MPI_COMM_TYPE_RESOURCE_GUIDED => match info.value("mpi_pset_name")? {
            Some("mpi://WORLD") => 0,
            _ => hardware_color(comm, info.value(HARDWARE_KEY)?)?,
        },
        MPI_COMM_TYPE_HW_UNGUIDED => {
            hardware = finer(comm)?.map(Level::resource);
            hardware_color(comm, hardware)?
        }
        MPI_UNDEFINED => MPI_UNDEFINED,
        _ => return err(MPI_ERR_ARG, format!("unknown split type {kind}")),
    };
    Ok(split(comm, color, key)?.map(|new| (new, hardware)))
}

/// A number which ranks have in common that share an instance of a type of hardware, and no others; none has it if they use
/// several, or if there is no such type.
fn hardware_color(comm: &Comm, name: Option<&str>) -> Result<i32> {
    if name == Some(SHARED_MEMORY) {
        return Ok(host_color());
    }
    let me = comm.group().members()[comm.rank()];
    match name.and_then(Level::named) {
        Some(level) => Ok(places::first_beside(me, level)?.map_or(MPI_UNDEFINED, |first| first as i32)),
        None => Ok(MPI_UNDEFINED),
    }
}

/// The outermost level at which not all processes are in the same place, so that those in one place are some of them only.
fn finer(comm: &Comm) -> Result<Option<Level>> {
    let everyone = comm.group().members().iter().chain(comm.peers().members());
    let all = everyone.map(|world| places::of(*world)).collect::<Result<Vec<_>>>()?;
    let differs = |level: &usize| all.iter().any(|place| place.at(*level) != all[0].at(*level));
    Ok((0..LEVELS).find(differs).map(|level| Level::ALL[level]))
}

/// A number which ranks on one host have in common: the world rank of the first rank there. Ranks are placed
/// on hosts in blocks, so local rank and rank tell it.
fn host_color() -> i32 {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<i32>().ok());
    match (number("UNIRANK_RANK"), number("UNIRANK_LOCAL_RANK")) {
        (Some(rank), Some(local)) => rank - local,
        _ => 0,
    }
}
