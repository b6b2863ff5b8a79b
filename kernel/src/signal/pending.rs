//! Signals that were sent and not yet delivered.

use alloc::vec::Vec;

use super::info::Info;
use super::number::{FAULTS, LAST, SIGRTMIN, bit};
use crate::errno::{Errno, Result};

/// Most signals that wait, as RLIMIT_SIGPENDING.
pub const MOST: usize = 1024;

/// Signals in the order they were sent.
#[derive(Debug, Default)]
pub struct Pending {
    queue: Vec<Info>,
}

impl Pending {
    /// None.
    pub const fn new() -> Self {
        Self { queue: Vec::new() }
    }

    /// The set of signals that wait.
    pub fn set(&self) -> u64 {
        self.queue.iter().fold(0, |set, info| set | bit(info.signal))
    }

    /// Adds a signal. A standard signal waits once, as does one of a timer; EAGAIN when too many wait.
    pub fn push(&mut self, info: Info) -> Result<()> {
        let waits_already = match info.sending_timer() {
            None => info.signal < SIGRTMIN && self.queue.iter().any(|other| other.signal == info.signal),
            timer => {
                self.queue.iter().any(|other| other.signal == info.signal && other.sending_timer() == timer)
            }
        };
        if waits_already {
            return Ok(());
        }
        if self.queue.len() >= MOST || self.queue.try_reserve(1).is_err() {
            return Err(Errno::EAGAIN);
        }
        self.queue.push(info);
        Ok(())
    }

    /// Takes the first signal of a set: faults before others, then the lowest number, then the oldest.
    pub fn take(&mut self, set: u64) -> Option<Info> {
        let ready = self.set() & set;
        let first = if ready & FAULTS != 0 { ready & FAULTS } else { ready };
        if first == 0 {
            return None;
        }
        let signal = first.trailing_zeros() + 1;
        let at = self.queue.iter().position(|info| info.signal == signal)?;
        Some(self.queue.remove(at))
    }

    /// Forgets a signal.
    pub fn discard(&mut self, signal: u32) {
        debug_assert!((1..=LAST).contains(&signal));
        self.queue.retain(|info| info.signal != signal);
    }
}

#[cfg(test)]
mod tests {
    use super::super::info::SI_USER;
    use super::super::number::*;
    use super::*;

    #[test]
    fn standard_signals_wait_once_and_others_each_time() {
        let mut pending = Pending::new();
        for signal in [SIGUSR1, 40, SIGUSR1, 40, SIGSEGV] {
            pending.push(Info::own(signal, SI_USER)).unwrap();
        }
        assert_eq!(pending.set(), bit(SIGUSR1) | bit(40) | bit(SIGSEGV));
        let mut order = Vec::new();
        while let Some(info) = pending.take(u64::MAX) {
            order.push(info.signal);
        }
        assert_eq!(order, [SIGSEGV, SIGUSR1, 40, 40], "faults first, then by number");
    }

    #[test]
    fn equal_signals_come_in_their_order_and_only_those_asked_for() {
        let mut pending = Pending::new();
        for value in 0..3 {
            pending.push(Info::fault(40, -1, value)).unwrap();
        }
        assert_eq!(pending.take(bit(41)), None);
        for value in 0..3 {
            assert_eq!(pending.take(bit(40)).unwrap().address(), value);
        }
        assert_eq!(pending.set(), 0);
    }

    #[test]
    fn a_timer_waits_once_beside_others() {
        let mut pending = Pending::new();
        for timer in [3, 4, 3] {
            pending.push(Info::timer(40, timer, 0)).unwrap();
        }
        assert_eq!(pending.queue.len(), 2);
        pending.discard(40);
        assert_eq!(pending.set(), 0);
    }

    #[test]
    fn too_many_are_refused() {
        let mut pending = Pending::new();
        for _ in 0..MOST {
            pending.push(Info::own(50, SI_USER)).unwrap();
        }
        assert_eq!(pending.push(Info::own(50, SI_USER)), Err(Errno::EAGAIN));
    }
}
