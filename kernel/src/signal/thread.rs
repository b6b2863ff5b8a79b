//! What each thread has of its own: its mask, the signals sent to it alone, its alternative stack.

use super::altstack::AltStack;
use super::number::UNBLOCKABLE;
use super::pending::Pending;
use crate::cell::KernelCell;
use crate::errno::{Errno, Result};
use crate::process::PID;
use crate::thread::{self, sched};

/// The part of the signals' state that each thread has of its own.
#[derive(Debug, Default)]
pub struct ThreadSignals {
    /// Signals that are blocked.
    mask: u64,
    /// The mask that comes back when a call with a mask of its own (sigsuspend, ppoll, pselect) is over.
    saved_mask: Option<u64>,
    /// Signals sent to this thread.
    pub pending: Pending,
    /// Signals a sigwait of this thread waits for: they reach it although they are blocked.
    pub waits_for: u64,
    /// The stack for handlers.
    pub alt: AltStack,
}

impl ThreadSignals {
    /// No signals.
    pub const fn new() -> Self {
        Self { mask: 0, saved_mask: None, pending: Pending::new(), waits_for: 0, alt: AltStack::NONE }
    }

    /// What a thread begins with that this one starts: the mask is the same, nothing else is.
    pub fn child(&self) -> Self {
        Self { mask: self.mask, ..Self::new() }
    }

    /// Signals that are blocked.
    pub fn mask(&self) -> u64 {
        self.mask
    }

    /// Sets the signals that are blocked.
    pub fn set_mask(&mut self, mask: u64) {
        self.mask = mask & !UNBLOCKABLE;
    }

    /// Sets them until [`ThreadSignals::restore_mask`].
    pub fn set_mask_for_now(&mut self, mask: u64) {
        self.saved_mask.get_or_insert(self.mask);
        self.set_mask(mask);
    }

    /// Gives back the mask that was there before [`ThreadSignals::set_mask_for_now`]; whether there was one.
    pub fn restore_mask(&mut self) -> bool {
        match self.saved_mask.take() {
            Some(mask) => {
                self.mask = mask;
                true
            }
            None => false,
        }
    }

    /// The mask that a handler which is called now gives back at its end.
    pub fn take_mask_after_handler(&mut self) -> u64 {
        self.saved_mask.take().unwrap_or(self.mask)
    }
}

/// Of the boot code, before there are threads, and of unit tests.
static NONE: KernelCell<ThreadSignals> = KernelCell::new(ThreadSignals::new());

/// Runs `f` on the current thread's signals.
pub fn own<T>(f: impl FnOnce(&mut ThreadSignals) -> T) -> T {
    f(&mut thread::current().map_or(&NONE, |me| &me.signals).borrow())
}

/// Runs `f` on the signals of the thread with this number; ESRCH if there is none.
pub fn of_thread<T>(tid: u64, f: impl FnOnce(&mut ThreadSignals) -> T) -> Result<T> {
    match sched::find(tid) {
        Some(thread) => Ok(f(&mut thread.signals.borrow())),
        None if thread::current().is_none() && tid == PID as u64 => Ok(own(f)),
        None => Err(Errno::ESRCH),
    }
}

#[cfg(test)]
mod tests {
    use super::super::number::*;
    use super::*;

    #[test]
    fn a_mask_for_now_is_given_back_once() {
        let mut thread = ThreadSignals::default();
        thread.set_mask(bit(SIGUSR1) | bit(SIGKILL));
        assert_eq!(thread.mask(), bit(SIGUSR1), "what cannot be blocked is not");
        thread.set_mask_for_now(bit(SIGTERM));
        assert_eq!(thread.mask(), bit(SIGTERM));
        assert!(thread.restore_mask());
        assert_eq!((thread.mask(), thread.restore_mask()), (bit(SIGUSR1), false));
    }

    #[test]
    fn a_handler_gives_back_what_was_before_the_call() {
        let mut thread = ThreadSignals::default();
        thread.set_mask(bit(SIGUSR1));
        thread.set_mask_for_now(0);
        assert_eq!(thread.take_mask_after_handler(), bit(SIGUSR1));
        assert!(!thread.restore_mask());
        assert_eq!(thread.child().mask(), 0);
    }
}
