//! Waiting for descriptors: `poll` and `select`.

use alloc::vec::Vec;

use super::nr;
use super::time::{timespec, to_ns};
use crate::errno::{Errno, Result, SysResult};
use crate::fs::like::{self, event};
use crate::time::now_ns;
use crate::{fs, net, signal, user};

const POLLNVAL: u32 = 0x20;
/// Most descriptors `select` knows.
const FD_SETSIZE: u64 = 1024;

/// The family's calls.
pub fn call(number: u64, args: &[u64; 6]) -> Option<SysResult> {
    let [a, b, c, ..] = *args;
    Some(match number {
        nr::POLL => poll(a, b, milliseconds(c)),
        nr::PPOLL => optional(c, timespec).and_then(|timeout| {
            signal::mask_for_now(args[3], args[4])?;
            poll(a, b, timeout)
        }),
        nr::SELECT => optional(args[4], timeval).and_then(|timeout| select(args, timeout)),
        nr::PSELECT6 => optional(args[4], timespec).and_then(|timeout| {
            // Address and size of the mask.
            if args[5] != 0 {
                let [mask, size] = user::read::<[u64; 2]>(args[5])?;
                signal::mask_for_now(mask, size)?;
            }
            select(args, timeout)
        }),
        _ => return None,
    })
}

/// A timeout in milliseconds; a negative one is none.
pub fn milliseconds(timeout: u64) -> Option<u64> {
    u64::try_from(timeout as i32).ok().map(|ms| ms * 1_000_000)
}

fn timeval(address: u64) -> Result<u64> {
    let [seconds, us] = user::read::<[i64; 2]>(address)?;
    to_ns(seconds, us.saturating_mul(1000))
}

/// A timeout that may be absent, which means forever.
pub fn optional(address: u64, read: impl Fn(u64) -> Result<u64>) -> Result<Option<u64>> {
    if address == 0 { Ok(None) } else { read(address).map(Some) }
}

/// When time alone makes one of the descriptors ready.
fn wakes_at(descriptors: &[i32]) -> Option<u64> {
    let times = descriptors.iter().map(|&fd| fs::open_file(fd).ok().and_then(|file| file.wakes_at()));
    times.fold(None, like::earlier)
}

/// Waits until `ready` counts something or the time is over.
fn wait(descriptors: &[i32], timeout: Option<u64>, mut ready: impl FnMut() -> usize) -> SysResult {
    net::poll();
    let mut count = ready();
    if count == 0 && timeout != Some(0) {
        let deadline = timeout.map(|ns| now_ns().saturating_add(ns));
        let ready = || {
            count = ready();
            count > 0
        };
        like::wait(ready, deadline, || wakes_at(descriptors))?;
    }
    Ok(count)
}

/// One `struct pollfd`: descriptor, wanted events, found events.
fn look(fd: i32, wanted: i16) -> i16 {
    if fd < 0 {
        return 0;
    }
    let found = match fs::open_file(fd) {
        Err(_) => POLLNVAL,
        Ok(file) => file.events() & (u32::from(wanted as u16) | event::ALWAYS),
    };
    found as i16
}

fn poll(address: u64, count: u64, timeout: Option<u64>) -> SysResult {
    if count > FD_SETSIZE {
        return Err(Errno::EINVAL);
    }
    let mut list = Vec::with_capacity(count as usize);
    for i in 0..count {
        let at = address.wrapping_add(8 * i);
        list.push((user::read::<i32>(at)?, user::read::<i16>(at + 4)?, at + 6));
    }
    let ready = || list.iter().filter(|&&(fd, wanted, _)| look(fd, wanted) != 0).count();
    let descriptors: Vec<i32> = list.iter().map(|entry| entry.0).filter(|&fd| fd >= 0).collect();
    let found = wait(&descriptors, timeout, ready)?;
    for &(fd, wanted, at) in &list {
        user::write(at, &look(fd, wanted))?;
    }
    Ok(found)
}

fn select(&[count, read, write, except, ..]: &[u64; 6], timeout: Option<u64>) -> SysResult {
    if count > FD_SETSIZE {
        return Err(Errno::EINVAL);
    }
    let words = count.div_ceil(64);
    let load = |address: u64| -> Result<Vec<u64>> {
        (0..words).map(|i| if address == 0 { Ok(0) } else { user::read(address + 8 * i) }).collect()
    };
    let (wanted_read, wanted_write) = (load(read)?, load(write)?);
    let has = |set: &[u64], fd: u64| set[(fd / 64) as usize] & 1 << (fd % 64) != 0;
    let (mut found_read, mut found_write) = (Vec::new(), Vec::new());
    let mut bad = false;
    let ready = || {
        found_read = alloc::vec![0u64; words as usize];
        found_write = found_read.clone();
        let mut found = 0;
        for fd in 0..count {
            let (r, w) = (has(&wanted_read, fd), has(&wanted_write, fd));
            if !r && !w {
                continue;
            }
            let Ok(file) = fs::open_file(fd as i32) else {
                bad = true;
                return 1;
            };
            let events = file.events();
            if r && events & (event::READ | event::ALWAYS) != 0 {
                found_read[(fd / 64) as usize] |= 1 << (fd % 64);
                found += 1;
            }
            if w && events & (event::WRITE | event::ERR) != 0 {
                found_write[(fd / 64) as usize] |= 1 << (fd % 64);
                found += 1;
            }
        }
        found
    };
    let wanted = |fd: &i32| has(&wanted_read, *fd as u64) || has(&wanted_write, *fd as u64);
    let descriptors: Vec<i32> = (0..count as i32).filter(wanted).collect();
    let found = wait(&descriptors, timeout, ready)?;
    if bad {
        return Err(Errno::EBADF);
    }
    for (address, set) in [(read, &found_read), (write, &found_write)] {
        for (i, word) in set.iter().enumerate().filter(|_| address != 0) {
            user::write(address + 8 * i as u64, word)?;
        }
    }
    for i in (0..words).filter(|_| except != 0) {
        user::write(except + 8 * i, &0u64)?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_checked() {
        assert_eq!(poll(64, 1, Some(0)), Err(Errno::EFAULT));
        assert_eq!(poll(0, 1025, Some(0)), Err(Errno::EINVAL));
        assert_eq!(poll(0, 0, Some(0)), Ok(0));
        assert_eq!(select(&[1025, 0, 0, 0, 0, 0], Some(0)), Err(Errno::EINVAL));
        assert_eq!(select(&[3, 64, 0, 0, 0, 0], Some(0)), Err(Errno::EFAULT));
        assert_eq!(milliseconds(u64::MAX), None);
        assert_eq!(milliseconds(5), Some(5_000_000));
    }
}
