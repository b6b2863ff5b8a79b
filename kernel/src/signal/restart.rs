//! System calls that a signal interrupted: which ones are made again (signal(7)).

use crate::regs::Regs;
use crate::sys::nr;

/// Bytes of the instruction `syscall`.
const SYSCALL_BYTES: u64 = 2;
const FUTEX_COMMAND: u64 = 0x7f;
const FUTEX_WAIT: u64 = 0;

/// A system call that ended with EINTR.
#[derive(Clone, Copy, Debug)]
pub struct Interrupted {
    number: u64,
    args: [u64; 6],
}

impl Interrupted {
    /// This call.
    pub fn new(number: u64, args: [u64; 6]) -> Self {
        Self { number, args }
    }

    /// Whether it is made again after a handler that asks for that. What has a timeout, or waits for signals in the
    /// first place, is not.
    pub fn restarts_after_handler(&self) -> bool {
        match self.number {
            nr::PAUSE | nr::RT_SIGSUSPEND | nr::RT_SIGTIMEDWAIT | nr::NANOSLEEP | nr::CLOCK_NANOSLEEP => {
                false
            }
            nr::POLL | nr::PPOLL | nr::SELECT | nr::PSELECT6 => false,
            nr::EPOLL_WAIT | nr::EPOLL_PWAIT | nr::EPOLL_PWAIT2 => false,
            // An absolute timeout stays what it is, a relative one would begin anew.
            nr::FUTEX => self.args[1] & FUTEX_COMMAND != FUTEX_WAIT || self.args[3] == 0,
            _ => true,
        }
    }

    /// Lets the program make the call again.
    pub fn restart(&self, regs: &mut Regs) {
        regs.rax = self.number;
        regs.rip = regs.rip.wrapping_sub(SYSCALL_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_restart_and_waits_with_a_timeout_do_not() {
        let restarts = |number, args| Interrupted::new(number, args).restarts_after_handler();
        assert!(restarts(nr::READ, [0; 6]) && restarts(nr::WRITEV, [0; 6]) && restarts(nr::ACCEPT, [0; 6]));
        assert!(
            !restarts(nr::POLL, [0; 6]) && !restarts(nr::NANOSLEEP, [0; 6]) && !restarts(nr::PAUSE, [0; 6])
        );
        assert!(restarts(nr::FUTEX, [0; 6]));
        assert!(!restarts(nr::FUTEX, [0, 128, 0, 0x1000, 0, 0]));
        assert!(restarts(nr::FUTEX, [0, 128 | 9, 0, 0x1000, 0, 0]));
    }

    #[test]
    fn a_call_is_made_again_as_it_was() {
        let mut regs = Regs { rax: 77, rip: 0x40_1002, rdi: 5, ..Regs::default() };
        Interrupted::new(nr::READ, [5, 0, 0, 0, 0, 0]).restart(&mut regs);
        assert_eq!((regs.rax, regs.rip, regs.rdi), (nr::READ, 0x40_1000, 5));
    }
}
