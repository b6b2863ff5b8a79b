//! The words of a window through which ranks synchronise, one block for each rank.
//!
//! | offset | what |
//! |---|---|
//! | 0 | lock word, see below |
//! | 64 | lock of accumulates: 0, or rank in `MPI_COMM_WORLD` + 1 of its holder |
//! | 128 | dynamic windows: number of attached ranges in the table |
//! | 136 | dynamic windows: 1 if there are more than the table holds, which then means nothing |
//! | 192 | dynamic windows: the table, start and length of each range |
//! | 192 | other windows: a word for whoever made the window; a file keeps its shared pointer there |
//!
//! The lock word counts: bits 0 to 19 ranks that hold it shared, bits 20 to 39 ranks that wait for it, bit 40 set while a rank
//! holds it exclusively, bits 41 up the rank in `MPI_COMM_WORLD` of that rank. Who waits first looks, then adds itself, and
//! whoever gives the lock back sees by the old value whether somebody has to be woken.

use super::place::Place;

/// Bytes of a block.
pub const BYTES: usize = 4096;
/// Ranges that the table holds.
pub const RANGES: usize = (BYTES - TABLE as usize) / 16;

/// Offset of the lock word.
pub const LOCK: i64 = 0;
/// Offset of the lock of accumulates.
pub const ACCUMULATE: i64 = 64;
/// Offset of the number of ranges.
pub const COUNT: i64 = 128;
/// Offset of the word that says that the table is too small.
pub const OVERFLOW: i64 = 136;
/// Offset of the table.
pub const TABLE: i64 = 192;

/// Offset of the word without a use of its own, in windows that are not dynamic.
pub const SPARE: i64 = TABLE;

/// One rank more that holds the lock shared.
pub const SHARED: u64 = 1;
/// One rank more that waits.
pub const WAITING: u64 = 1 << 20;
/// Somebody holds the lock exclusively.
pub const EXCLUSIVE: u64 = 1 << 40;
/// All ranks that hold it shared.
pub const SHARED_MASK: u64 = WAITING - 1;
/// All ranks that wait.
pub const WAITING_MASK: u64 = EXCLUSIVE - WAITING;

/// What a rank adds that takes the lock exclusively.
pub fn exclusive(world: u32) -> u64 {
    EXCLUSIVE | u64::from(world) << 41
}

/// The lock word of a block.
pub fn lock(block: Place) -> Place {
    block.at(LOCK)
}

/// The lock of accumulates of a block.
pub fn accumulate(block: Place) -> Place {
    block.at(ACCUMULATE)
}
