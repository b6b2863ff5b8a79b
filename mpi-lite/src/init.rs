//! Where MPI stands in this process: not initialised, running, finalised; and who this rank is.

use crate::cell::Global;
use crate::{MpiError, Result, abi};

/// Phase of MPI in this process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Neither `MPI_Init` nor `MPI_Init_thread` has returned.
    Before,
    /// Between initialisation and finalisation.
    Running,
    /// `MPI_Finalize` has been called.
    Finalized,
}

/// Identity of this rank within its job.
#[derive(Clone, Copy, Debug)]
pub struct World {
    /// Phase of MPI.
    pub phase: Phase,
    /// Rank in `MPI_COMM_WORLD`.
    pub rank: u32,
    /// Size of `MPI_COMM_WORLD`.
    pub size: u32,
    /// Granted `MPI_THREAD_*` level.
    pub thread_level: i32,
}

static WORLD: Global<World> =
    Global::new(World { phase: Phase::Before, rank: 0, size: 1, thread_level: abi::MPI_THREAD_SINGLE });

/// Identity and phase of this rank.
pub fn world() -> World {
    *WORLD.borrow()
}

/// An error unless MPI is between initialisation and finalisation.
pub fn require_running() -> Result<()> {
    match world().phase {
        Phase::Running => Ok(()),
        Phase::Before => Err(MpiError::new(abi::MPI_ERR_OTHER, "called before MPI_Init")),
        Phase::Finalized => Err(MpiError::new(abi::MPI_ERR_OTHER, "called after MPI_Finalize")),
    }
}
