//! The attributes that every communicator has (MPI 5.0, section 9.1.2).

use crate::abi::{
    MPI_ANY_SOURCE, MPI_APPNUM, MPI_HOST, MPI_IO, MPI_LASTUSEDCODE, MPI_PROC_NULL, MPI_TAG_UB,
    MPI_UNIVERSE_SIZE, MPI_WTIME_IS_GLOBAL,
};
use crate::per_rank::per_rank;
use std::cell::Cell;
use std::ffi::{c_int, c_void};

/// The largest tag: collectives have contexts of their own, so all of `int` is the program's.
pub const TAG_UB: c_int = c_int::MAX;

/// The keys, in the order of [`VALUES`].
const KEYS: [c_int; 7] =
    [MPI_TAG_UB, MPI_HOST, MPI_IO, MPI_WTIME_IS_GLOBAL, MPI_APPNUM, MPI_UNIVERSE_SIZE, MPI_LASTUSEDCODE];

per_rank! {
    /// C gets addresses of these numbers.
    static VALUES: [Cell<c_int>; 7] = [const { Cell::new(0) }; 7];
}

/// Whether `key` is one of the standard's.
pub fn is_predefined(key: c_int) -> bool {
    KEYS.contains(&key)
}

/// The number under `key`, with `size` ranks in the job.
pub fn value(key: c_int, size: usize) -> Option<c_int> {
    Some(match key {
        MPI_TAG_UB => TAG_UB,
        MPI_HOST => MPI_PROC_NULL,
        // Every rank can do language-standard input and output.
        MPI_IO => MPI_ANY_SOURCE,
        // Each rank has a clock of its own.
        MPI_WTIME_IS_GLOBAL => 0,
        MPI_APPNUM => std::env::var("UNIRANK_APPNUM").ok().and_then(|v| v.parse().ok()).unwrap_or(0),
        MPI_UNIVERSE_SIZE => size as c_int,
        MPI_LASTUSEDCODE => crate::errhandler::codes::last_used(),
        _ => return None,
    })
}

/// The address of the number under `key`, as C wants it.
pub fn address(key: c_int, size: usize) -> Option<*mut c_void> {
    let slot = KEYS.iter().position(|&k| k == key)?;
    let value = value(key, size)?;
    VALUES.with(|values| {
        values[slot].set(value);
        Some(values[slot].as_ptr().cast())
    })
}
