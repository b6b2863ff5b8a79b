//! What a handler is told about a signal (`siginfo_t`, sigaction(2)).

use crate::bootconfig;
use crate::errno::Result;
use crate::process::PID;
use crate::user;

/// Sent by kill(2).
pub const SI_USER: i32 = 0;
/// Sent by the kernel.
pub const SI_KERNEL: i32 = 0x80;
/// Sent by sigqueue(3).
pub const SI_QUEUE: i32 = -1;
/// Sent by a timer of timer_create(2).
pub const SI_TIMER: i32 = -2;
/// Sent by tkill(2) or tgkill(2).
pub const SI_TKILL: i32 = -6;

/// Who `unirank run` is for a rank: its parent.
const PARENT: u32 = 1;

/// Bytes of a `siginfo_t`.
pub const BYTES: u64 = 128;

/// A signal and what is known about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Info {
    /// The signal.
    pub signal: u32,
    /// Why, `si_code`.
    pub code: i32,
    /// First word of the union: the faulting address; or process and user id; or timer and overrun.
    first: u64,
    /// Second word of the union: the value that comes with it.
    value: u64,
}

impl Info {
    /// An exception at or because of an address.
    pub const fn fault(signal: u32, code: i32, address: u64) -> Self {
        Self { signal, code, first: address, value: 0 }
    }

    /// Sent by the program itself, with [`SI_USER`] or [`SI_TKILL`].
    pub fn own(signal: u32, code: i32) -> Self {
        Self::from_process(signal, code, PID as u32)
    }

    /// Sent to the rank from outside, by way of `unirank run`.
    pub fn host(signal: u32) -> Self {
        Self::from_process(signal, SI_USER, PARENT)
    }

    fn from_process(signal: u32, code: i32, pid: u32) -> Self {
        Self { signal, code, first: u64::from(pid) | u64::from(bootconfig::get().uid) << 32, value: 0 }
    }

    /// Sent by an interval timer.
    pub const fn kernel(signal: u32) -> Self {
        Self { signal, code: SI_KERNEL, first: 0, value: 0 }
    }

    /// Sent by timer number `timer`.
    pub const fn timer(signal: u32, timer: u32, value: u64) -> Self {
        Self { signal, code: SI_TIMER, first: timer as u64, value }
    }

    /// The timer that sent it.
    pub fn sending_timer(&self) -> Option<u32> {
        (self.code == SI_TIMER).then_some(self.first as u32)
    }

    /// As this one, with the count of expirations that no signal was sent for.
    pub fn with_overrun(self, overrun: u32) -> Self {
        Self { first: self.first & 0xffff_ffff | u64::from(overrun) << 32, ..self }
    }

    /// Whether it came by way of `unirank run`.
    pub fn is_from_host(&self) -> bool {
        self.code == SI_USER && self.first as u32 == PARENT
    }

    /// The faulting address of an exception.
    pub fn address(&self) -> u64 {
        self.first
    }

    /// What the program passes to rt_sigqueueinfo(2), for `signal`.
    pub fn load(address: u64, signal: u32) -> Result<Self> {
        let words = user::read::<[u64; (BYTES / 8) as usize]>(address)?;
        Ok(Self { signal, code: words[1] as i32, first: words[2], value: words[3] })
    }

    /// The words of a `siginfo_t`.
    pub fn words(&self) -> [u64; (BYTES / 8) as usize] {
        let mut words = [0; (BYTES / 8) as usize];
        words[0] = u64::from(self.signal);
        words[1] = u64::from(self.code as u32);
        words[2] = self.first;
        words[3] = self.value;
        words
    }

    /// The bytes of a `struct signalfd_siginfo` (signalfd(2)).
    pub fn descriptor_bytes(&self) -> [u8; BYTES as usize] {
        let mut bytes = [0; BYTES as usize];
        let mut put = |at: usize, value: u64, len: usize| {
            bytes[at..at + len].copy_from_slice(&value.to_le_bytes()[..len]);
        };
        put(0, u64::from(self.signal), 4);
        put(8, u64::from(self.code as u32), 4);
        match self.code {
            SI_TIMER => {
                put(24, self.first & 0xffff_ffff, 4);
                put(32, self.first >> 32, 4);
            }
            1.. => put(72, self.first, 8),
            _ => {
                put(12, self.first & 0xffff_ffff, 4);
                put(16, self.first >> 32, 4);
            }
        }
        put(44, self.value & 0xffff_ffff, 4);
        put(48, self.value, 8);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_where_siginfo_has_them() {
        // si_signo at 0, si_code at 8, the union at 16: si_addr, or si_timerid and si_overrun, then si_value at 24.
        let words = Info::timer(34, 7, 99).with_overrun(3).words();
        assert_eq!(words[..4], [34, (SI_TIMER as u32).into(), 7 | 3 << 32, 99]);
        assert_eq!(Info::fault(11, 1, 0x10).words()[..4], [11, 1, 0x10, 0]);
        assert_eq!(Info::own(10, SI_TKILL).words()[2] as usize, PID);
    }

    #[test]
    fn descriptors_tell_the_same() {
        let bytes = Info::timer(34, 7, 99).with_overrun(3).descriptor_bytes();
        assert_eq!((bytes[0], bytes[24], bytes[32], bytes[44], bytes[48]), (34, 7, 3, 99, 99));
        assert_eq!(Info::own(10, SI_USER).descriptor_bytes()[12] as usize, PID);
    }

    #[test]
    fn only_the_host_is_the_host() {
        assert!(Info::host(2).is_from_host());
        assert!(!Info::own(2, SI_USER).is_from_host());
        assert!(!Info::timer(2, 1, 0).is_from_host());
    }
}
