//! Communicators.

/// Builds `MPI_COMM_WORLD` and `MPI_COMM_SELF`; called once by `MPI_Init`.
pub fn on_init(_world_rank: u32, _world_size: u32) {}

/// Runs the delete callbacks of `MPI_COMM_SELF`'s attributes; the first thing `MPI_Finalize` does.
pub fn on_finalize() {}
