//! Waiting for descriptors. Only standard input can keep a program waiting; everything else is always ready.

use crate::console;
use crate::errno::{Errno, Result, SysResult};
use crate::fs::{self, fdtable};
use crate::time;
use crate::user;
use alloc::vec::Vec;

const POLLIN: u16 = 0x001 | 0x040;
const POLLOUT: u16 = 0x004 | 0x100;
const POLLNVAL: u16 = 0x020;
const POLLFD_BYTES: u64 = 8;
/// Bytes of an fd_set word.
const WORD: u64 = 8;

/// Evaluates `ready` until it counts something or the time is over.
fn wait(deadline_ns: Option<u64>, mut ready: impl FnMut() -> SysResult) -> SysResult {
    loop {
        let count = ready()?;
        if count > 0 || deadline_ns.is_some_and(|d| time::now_ns() >= d) {
            return Ok(count);
        }
        console::wait_input(deadline_ns);
    }
}

/// Deadline of a timeout in milliseconds, of which a negative one is none.
pub fn milliseconds(timeout: u64) -> Result<Option<u64>> {
    Ok(u64::try_from(timeout as i32).ok().map(|ms| time::now_ns() + ms * 1_000_000))
}

/// Deadline of a pair of seconds and a fraction of `unit` nanoseconds; none without one.
pub fn pair(address: u64, unit: u64) -> Result<Option<u64>> {
    if address == 0 {
        return Ok(None);
    }
    let [seconds, fraction] = user::read::<[i64; 2]>(address)?;
    let (seconds, fraction) = (u64::try_from(seconds), u64::try_from(fraction));
    let (Ok(seconds), Ok(fraction)) = (seconds, fraction) else { return Err(Errno::EINVAL) };
    let ns = seconds.saturating_mul(1_000_000_000).saturating_add(fraction.saturating_mul(unit));
    Ok(Some(time::now_ns().saturating_add(ns)))
}

pub fn poll(fds: u64, count: u64, deadline: Result<Option<u64>>) -> SysResult {
    if count > fdtable::LIMIT as u64 {
        return Err(Errno::EINVAL);
    }
    let entries: Result<Vec<[u16; 4]>> = (0..count).map(|i| user::read(fds + i * POLLFD_BYTES)).collect();
    let mut entries = entries?;
    let ready = wait(deadline?, || {
        let mut ready = 0;
        for entry in &mut entries {
            let [low, high, events, _] = *entry;
            entry[3] = returned((u32::from(high) << 16 | u32::from(low)) as i32, events);
            ready += usize::from(entry[3] != 0);
        }
        Ok(ready)
    })?;
    for (i, entry) in entries.iter().enumerate() {
        user::write(fds + i as u64 * POLLFD_BYTES, entry)?;
    }
    Ok(ready)
}

fn returned(fd: i32, events: u16) -> u16 {
    if fd < 0 {
        return 0;
    }
    match fs::poll(fd) {
        Ok((read, write)) => events & (if read { POLLIN } else { 0 } | if write { POLLOUT } else { 0 }),
        Err(_) => POLLNVAL,
    }
}

pub fn select(count: u64, sets: [u64; 3], deadline: Result<Option<u64>>) -> SysResult {
    let count = (count as i32).clamp(0, fdtable::LIMIT as i32);
    let words = (count as u64).div_ceil(64);
    let load = |address: u64| -> Result<Vec<u64>> {
        (0..if address == 0 { 0 } else { words }).map(|i| user::read(address + i * WORD)).collect()
    };
    let asked = [load(sets[0])?, load(sets[1])?, load(sets[2])?];
    let mut answer = asked.clone();
    let ready = wait(deadline?, || {
        let mut ready = 0;
        for fd in 0..count {
            let (word, bit) = (fd as usize / 64, 1u64 << (fd % 64));
            let wants = |set: usize| asked[set].get(word).is_some_and(|w| w & bit != 0);
            if !(0..3).any(wants) {
                continue;
            }
            let (read, write) = fs::poll(fd)?;
            for (set, is) in [read, write, false].into_iter().enumerate().filter(|&(set, _)| wants(set)) {
                answer[set][word] = if is { answer[set][word] | bit } else { answer[set][word] & !bit };
                ready += usize::from(is);
            }
        }
        Ok(ready)
    })?;
    for (address, words) in sets.into_iter().zip(&answer) {
        for (i, word) in words.iter().enumerate() {
            user::write(address + i as u64 * WORD, word)?;
        }
    }
    Ok(ready)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_descriptor_and_a_bad_one() {
        assert_eq!(returned(-1, POLLIN), 0);
        assert_eq!(returned(900, POLLIN), POLLNVAL);
    }

    #[test]
    fn a_wait_ends_at_its_deadline_or_with_the_first_ready() {
        assert_eq!(wait(Some(0), || Ok(0)), Ok(0));
        assert_eq!(wait(None, || Ok(2)), Ok(2));
        assert_eq!(wait(None, || Err(Errno::EBADF)), Err(Errno::EBADF));
        assert_eq!(milliseconds(u64::MAX), Ok(None));
    }
}
