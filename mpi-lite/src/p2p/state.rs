//! How this process's engine stands, its settings, and its beginning and end.

use super::api::with;
use crate::Result;

/// Whether the user wants everything to take the adapter (`UNIRANK_CHANNEL=hca`).
pub fn is_adapter_wanted() -> Result<bool> {
    with(|engine| Ok(engine.is_adapter_wanted()))
}

/// Declares that other ranks may end from here on.
pub fn close() -> Result<()> {
    with(|engine| {
        engine.close();
        Ok(())
    })
}

/// Takes [`close`] back: MPI goes on.
pub fn reopen() -> Result<()> {
    with(|engine| {
        engine.reopen();
        Ok(())
    })
}

/// Declares that other ranks may end whenever they have closed their sessions. Should one break, the launcher ends the job.
pub fn let_ranks_end() -> Result<()> {
    with(|engine| {
        engine.let_ranks_end();
        Ok(())
    })
}

/// Lengths of the posted and the unexpected queue.
pub fn queue_lens() -> Result<(usize, usize)> {
    with(|engine| Ok(engine.queue_lens()))
}

/// Bytes up to which sends may be eager.
pub fn eager_limit() -> Result<usize> {
    with(|engine| Ok(engine.eager_limit()))
}

/// Nanoseconds that a wait polls, at most.
pub fn spin_ns() -> Result<u64> {
    with(|engine| Ok(engine.spin_ns()))
}

/// Changes [`spin_ns`].
pub fn set_spin_ns(ns: u64) -> Result<()> {
    with(|engine| {
        engine.set_spin_ns(ns);
        Ok(())
    })
}

/// Bytes of eager data in the unexpected queue.
pub fn unexpected_bytes() -> Result<u64> {
    with(|engine| Ok(engine.unexpected_bytes()))
}
