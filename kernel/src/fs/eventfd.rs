//! eventfd(2): a number to wait for.

use super::like::{FileLike, event};
use crate::errno::{Errno, Result};
use crate::irq;
use core::cell::Cell;

/// A counter. Reading takes all of it, or one of it in semaphore mode; writing adds.
pub struct EventFd {
    count: Cell<u64>,
    semaphore: bool,
    changes: Cell<u64>,
}

impl EventFd {
    /// A counter that starts with `count`.
    pub fn new(count: u32, semaphore: bool) -> Self {
        Self { count: Cell::new(count.into()), semaphore, changes: Cell::new(0) }
    }

    fn set(&self, count: u64) {
        self.count.set(count);
        self.changes.set(self.changes.get() + 1);
        irq::notify();
    }
}

impl FileLike for EventFd {
    fn read(&self, buf: &mut [u8]) -> Result<usize> {
        let out = buf.first_chunk_mut::<8>().ok_or(Errno::EINVAL)?;
        let count = self.count.get();
        if count == 0 {
            return Err(Errno::EAGAIN);
        }
        let taken = if self.semaphore { 1 } else { count };
        *out = taken.to_le_bytes();
        self.set(count - taken);
        Ok(8)
    }

    fn write(&self, data: &[u8]) -> Result<usize> {
        let added = u64::from_le_bytes(*data.first_chunk().ok_or(Errno::EINVAL)?);
        if added == u64::MAX {
            return Err(Errno::EINVAL);
        }
        // The largest count is 2^64 - 2.
        match self.count.get().checked_add(added).filter(|&sum| sum < u64::MAX) {
            Some(sum) => self.set(sum),
            None => return Err(Errno::EAGAIN),
        }
        Ok(8)
    }

    fn events(&self) -> u32 {
        let count = self.count.get();
        event::when(count > 0, event::IN) | event::when(count < u64::MAX - 1, event::OUT)
    }

    fn activity(&self) -> u64 {
        self.changes.get()
    }

    /// A write is a number, not bytes to go on with.
    fn has_messages(&self) -> bool {
        true
    }

    fn mode(&self) -> u32 {
        0o600
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let counter = EventFd::new(3, false);
        let mut out = [0; 8];
        assert_eq!(counter.write(&5u64.to_le_bytes()), Ok(8));
        assert_eq!((counter.read(&mut out), u64::from_le_bytes(out)), (Ok(8), 8));
        assert_eq!((counter.read(&mut out), counter.events()), (Err(Errno::EAGAIN), event::OUT));
        assert_eq!(counter.write(&(u64::MAX - 1).to_le_bytes()), Ok(8));
        assert_eq!((counter.write(&1u64.to_le_bytes()), counter.events()), (Err(Errno::EAGAIN), event::IN));
        assert_eq!(counter.write(&[1; 7]), Err(Errno::EINVAL));
    }

    #[test]
    fn semaphores_go_one_by_one() {
        let counter = EventFd::new(2, true);
        let mut out = [0; 8];
        for _ in 0..2 {
            assert_eq!((counter.read(&mut out), u64::from_le_bytes(out)), (Ok(8), 1));
        }
        assert_eq!(counter.read(&mut out), Err(Errno::EAGAIN));
    }
}
