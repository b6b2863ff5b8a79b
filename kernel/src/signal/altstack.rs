//! The alternative stack for handlers (sigaltstack(2)).

use crate::errno::{Errno, Result};

const SS_ONSTACK: i32 = 1;
const SS_DISABLE: i32 = 2;
/// The stack is disabled while a handler runs on it.
const SS_AUTODISARM: i32 = 1 << 31;
/// Smallest stack (MINSIGSTKSZ).
const SMALLEST: u64 = 2048;

/// A stack for handlers (`stack_t`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AltStack {
    start: u64,
    flags: i32,
    size: u64,
}

impl Default for AltStack {
    fn default() -> Self {
        Self::NONE
    }
}

impl AltStack {
    /// None.
    pub const NONE: Self = Self { start: 0, flags: SS_DISABLE, size: 0 };

    /// Checks what the program asks for.
    pub fn from_words([start, flags, size]: [u64; 3]) -> Result<Self> {
        let flags = flags as i32;
        match flags & !SS_AUTODISARM {
            SS_DISABLE => Ok(Self::NONE),
            0 | SS_ONSTACK if size < SMALLEST => Err(Errno::ENOMEM),
            0 | SS_ONSTACK if start.checked_add(size).is_none() => Err(Errno::EFAULT),
            0 | SS_ONSTACK => Ok(Self { start, flags: flags & SS_AUTODISARM, size }),
            _ => Err(Errno::EINVAL),
        }
    }

    /// As a handler's context has it.
    pub fn words(&self) -> [u64; 3] {
        [self.start, u64::from(self.flags as u32), self.size]
    }

    /// As sigaltstack tells a program with this stack pointer.
    pub fn words_seen_from(&self, rsp: u64) -> [u64; 3] {
        let mut words = self.words();
        if self.holds(rsp) {
            words[1] |= SS_ONSTACK as u64;
        }
        words
    }

    /// Whether a program with this stack pointer runs on it.
    pub fn holds(&self, rsp: u64) -> bool {
        self.flags & (SS_DISABLE | SS_AUTODISARM) == 0 && rsp > self.start && rsp - self.start <= self.size
    }

    /// Where a handler's frame begins that goes onto it, from a program with this stack pointer; `None` without one.
    pub fn top(&self, rsp: u64) -> Option<u64> {
        (self.flags & SS_DISABLE == 0 && !self.holds(rsp)).then_some(self.start + self.size)
    }

    /// Where it begins.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Whether it is to be disabled while a handler runs on it.
    pub fn disarms(&self) -> bool {
        self.flags & SS_AUTODISARM != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_used_unless_it_is_in_use() {
        let stack = AltStack::from_words([0x1000, 0, 0x4000]).unwrap();
        assert_eq!(stack.top(0x9000), Some(0x5000));
        assert_eq!(stack.top(0x5000), None, "already on it");
        assert_eq!(stack.words_seen_from(0x2000), [0x1000, 1, 0x4000]);
        assert_eq!(stack.words_seen_from(0x9000), [0x1000, 0, 0x4000]);
        assert_eq!(AltStack::NONE.top(0x9000), None);
    }

    #[test]
    fn what_is_asked_for_is_checked() {
        assert_eq!(AltStack::from_words([0x1000, 0, 100]), Err(Errno::ENOMEM));
        assert_eq!(AltStack::from_words([u64::MAX - 10, 0, 4096]), Err(Errno::EFAULT));
        assert_eq!(AltStack::from_words([0, 64, 4096]), Err(Errno::EINVAL));
        assert_eq!(AltStack::from_words([1, 2, 3]), Ok(AltStack::NONE));
        let disarming = AltStack::from_words([0x1000, 1 << 31, 4096]).unwrap();
        assert!(disarming.disarms() && !disarming.holds(0x1800));
    }
}
