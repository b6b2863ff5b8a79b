//! One-sided accesses on this process's engine, for [`crate::win`].

use super::api::with;
use super::waiting::with_progress;
use crate::Result;
use crate::check::silence::Silence;
use crate::threads;
use crate::transport::remote::Remote;
use std::cell::Cell;
use std::ptr::NonNull;
use std::rc::Rc;

/// Starts an access; `left` goes up by one now and down by one when it is done.
///
/// # Safety
/// The local side is valid until then; the remote side lies in a window of that rank.
pub unsafe fn start(access: Remote, left: &Rc<Cell<u32>>) -> Result<()> {
    with(|engine| engine.access(access, left))
}

/// Blocks until all accesses counted by `left` are done.
pub fn wait(left: &Cell<u32>) -> Result<()> {
    if left.get() == 0 {
        return Ok(());
    }
    super::wait_for(|| left.get() == 0)
}

/// A wait for what has to be asked for again and again, with pauses that grow.
pub struct Tries {
    pause_ns: u64,
    longest_ns: u64,
    began_ns: Option<u64>,
    silence: Silence,
}

impl Tries {
    /// With a first pause of so many nanoseconds, and a longest.
    pub fn new((first, longest_ns): (u64, u64)) -> Self {
        Self { pause_ns: first, longest_ns, began_ns: None, silence: Silence::new(threads::ANYTHING) }
    }

    /// A try has failed: progress, or a sleep if there is nothing to do.
    pub fn pause(&mut self) -> Result<()> {
        with_progress(|engine| {
            let began = *self.began_ns.get_or_insert_with(|| engine.now_ns());
            engine.pause(self.pause_ns, began, &mut self.silence)
        })?;
        self.pause_ns = (2 * self.pause_ns).min(self.longest_ns);
        Ok(())
    }
}

/// Whether memory of ranks on this host may be used by load and store (`UNIRANK_CHANNEL=hca` says no).
pub fn shares_memory() -> bool {
    with(|engine| Ok(engine.shares_memory())).unwrap_or(false)
}

/// The key under which others may use all of this rank's memory.
pub fn key() -> Result<u32> {
    with(super::engine::Engine::window_key)
}

/// Zeroed memory, never given back, for words that this rank and others change.
pub fn memory(bytes: usize) -> Result<NonNull<u8>> {
    with(|engine| engine.window_memory(bytes))
}
