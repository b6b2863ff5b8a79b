//! What becomes of a signal: the actions of sigaction(2), which all threads share.

use super::number::{self, LAST};

const SIG_DFL: u64 = 0;
const SIG_IGN: u64 = 1;

/// The handler gets a siginfo and a context. Every handler does here; the flag changes nothing.
#[cfg(test)]
pub const SA_SIGINFO: u64 = 4;
/// The action names the code a handler returns to.
pub const SA_RESTORER: u64 = 0x0400_0000;
/// The handler runs on the alternative stack.
pub const SA_ONSTACK: u64 = 0x0800_0000;
/// A system call that the signal interrupted is made again.
pub const SA_RESTART: u64 = 0x1000_0000;
/// The signal is not blocked while its handler runs.
pub const SA_NODEFER: u64 = 0x4000_0000;
/// The default action comes back when the handler is called.
pub const SA_RESETHAND: u64 = 0x8000_0000;

/// `struct sigaction` of the kernel's interface.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Action {
    /// Address of the handler, or 0 for the default action and 1 for none.
    pub handler: u64,
    /// `SA_*`.
    pub flags: u64,
    /// Where a handler returns to.
    pub restorer: u64,
    /// Signals blocked while the handler runs.
    pub mask: u64,
}

impl Action {
    /// From the words in the program's memory.
    pub fn from_words([handler, flags, restorer, mask]: [u64; 4]) -> Self {
        Self { handler, flags, restorer, mask }
    }

    /// The words in the program's memory.
    pub fn words(&self) -> [u64; 4] {
        [self.handler, self.flags, self.restorer, self.mask]
    }
}

/// What becomes of a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// Nothing.
    Ignored,
    /// Its handler is called.
    Handled(Action),
    /// It ends the program.
    Fatal,
}

/// The action for each signal.
pub struct Actions([Action; LAST as usize + 1]);

impl Actions {
    /// Default actions.
    pub const fn new() -> Self {
        Self([Action { handler: SIG_DFL, flags: 0, restorer: 0, mask: 0 }; LAST as usize + 1])
    }

    /// The action for a signal.
    pub fn get(&self, signal: u32) -> Action {
        self.0[signal as usize]
    }

    /// Sets the action for a signal.
    pub fn set(&mut self, signal: u32, action: Action) {
        self.0[signal as usize] = action;
    }

    /// Sets the default action.
    pub fn reset(&mut self, signal: u32) {
        self.0[signal as usize].handler = SIG_DFL;
    }

    /// What becomes of a signal that is not blocked.
    pub fn fate(&self, signal: u32) -> Fate {
        let action = self.get(signal);
        match action.handler {
            SIG_IGN => Fate::Ignored,
            SIG_DFL => match signal {
                number::SIGCHLD | number::SIGURG | number::SIGWINCH => Fate::Ignored,
                // Stopping and continuing mean nothing without anybody to continue the rank.
                number::SIGCONT..=number::SIGTTOU => Fate::Ignored,
                _ => Fate::Fatal,
            },
            _ => Fate::Handled(action),
        }
    }

    /// Those signals of a set that are not ignored.
    pub fn heeded(&self, set: u64) -> u64 {
        let signals = (1..=LAST).filter(|&s| set & number::bit(s) != 0 && self.fate(s) != Fate::Ignored);
        signals.fold(0, |heeded, signal| heeded | number::bit(signal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_actions() {
        let mut actions = Actions::new();
        assert_eq!(actions.fate(number::SIGSEGV), Fate::Fatal);
        assert_eq!(actions.fate(number::SIGCHLD), Fate::Ignored);
        assert_eq!(actions.fate(number::SIGSTOP), Fate::Ignored);
        assert_eq!(actions.fate(40), Fate::Fatal);
        actions.set(number::SIGSEGV, Action { handler: SIG_IGN, ..Action::default() });
        assert_eq!(actions.fate(number::SIGSEGV), Fate::Ignored);
        actions.reset(number::SIGSEGV);
        assert_eq!(actions.fate(number::SIGSEGV), Fate::Fatal);
    }

    #[test]
    fn ignored_signals_are_not_heeded() {
        let mut actions = Actions::new();
        actions.set(number::SIGTERM, Action { handler: 0x1000, flags: SA_SIGINFO, ..Action::default() });
        let set = number::bit(number::SIGCHLD) | number::bit(number::SIGTERM) | number::bit(64);
        assert_eq!(actions.heeded(set), number::bit(number::SIGTERM) | number::bit(64));
    }
}
