//! Signals read from a descriptor (signalfd(2)).

use super::{PROCESS, info, thread::own, wait};
use crate::errno::{Errno, Result};
use crate::fs::like::{FileLike, event};
use core::cell::Cell;

/// What the descriptor stands for: the set of signals it gives.
#[derive(Debug)]
pub struct SignalFile(Cell<u64>);

impl SignalFile {
    /// Gives signals of this set.
    pub fn new(set: u64) -> Self {
        Self(Cell::new(set))
    }

    /// Gives signals of another set from now on.
    pub fn set(&self, set: u64) {
        self.0.set(set);
    }

    /// Whether a signal is there.
    pub fn is_ready(&self) -> bool {
        super::catch_up();
        let pending = own(|thread| thread.pending.set()) | PROCESS.borrow().pending.set();
        pending & self.0.get() != 0
    }
}

impl FileLike for SignalFile {
    /// As many signals as are there and fit; EAGAIN if none is there.
    fn read(&self, buf: &mut [u8]) -> Result<usize> {
        super::catch_up();
        let mut read = 0;
        if buf.len() < info::BYTES as usize {
            return Err(Errno::EINVAL);
        }
        for place in buf.chunks_exact_mut(info::BYTES as usize) {
            let Some(info) = wait::take(self.0.get()) else { break };
            place.copy_from_slice(&info.descriptor_bytes());
            read += place.len();
        }
        if read == 0 { Err(Errno::EAGAIN) } else { Ok(read) }
    }

    fn write(&self, _: &[u8]) -> Result<usize> {
        Err(Errno::EINVAL)
    }

    fn events(&self) -> u32 {
        event::when(self.is_ready(), event::READ)
    }

    fn has_messages(&self) -> bool {
        true
    }

    fn mode(&self) -> u32 {
        0o600
    }
}
