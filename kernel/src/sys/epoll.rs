//! epoll(7), eventfd(2) and pipe(2): descriptors for waiting.

use super::nr;
use super::poll::{milliseconds, optional};
use super::time::timespec;
use crate::errno::{Errno, Result, SysResult};
use crate::fs::epoll::{Change, Epoll};
use crate::fs::eventfd::EventFd;
use crate::fs::like::{self, FileLike};
use crate::fs::open::{O_CLOEXEC, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY, OpenFile};
use crate::fs::{self, pipe};
use crate::time::now_ns;
use crate::{net, user};
use alloc::rc::Rc;

const EFD_SEMAPHORE: u32 = 1;
/// Bytes of `struct epoll_event`, which is packed on x86-64: events[4] data[8].
const EVENT_BYTES: u64 = 12;

/// The family's calls.
pub fn call(number: u64, args: &[u64; 6]) -> Option<SysResult> {
    let [a, b, c, d, ..] = *args;
    Some(match number {
        nr::PIPE => pipe(a, 0),
        nr::PIPE2 => pipe(a, b as u32),
        nr::EVENTFD => eventfd(a, 0),
        nr::EVENTFD2 => eventfd(a, b as u32),
        nr::EPOLL_CREATE if a as i32 <= 0 => Err(Errno::EINVAL),
        nr::EPOLL_CREATE => create(0),
        nr::EPOLL_CREATE1 => create(a as u32),
        nr::EPOLL_CTL => control(a, b, c, d),
        nr::EPOLL_WAIT | nr::EPOLL_PWAIT => wait(a, b, c, milliseconds(d)),
        nr::EPOLL_PWAIT2 => optional(d, timespec).and_then(|timeout| wait(a, b, c, timeout)),
        _ => return None,
    })
}

fn pipe(address: u64, flags: u32) -> SysResult {
    if flags & !(O_CLOEXEC | O_NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    user::check(address, 8, crate::mm::regions::Prot::RW)?;
    let (reader, writer) = pipe::new(pipe::Kind::Pipe);
    let [from, to] = insert_pair(Rc::new(reader), Rc::new(writer), [flags | O_RDONLY, flags | O_WRONLY])?;
    user::write(address, &[from, to])?;
    Ok(0)
}

/// Gives two streams descriptors: both or none.
pub fn insert_pair(a: Rc<dyn FileLike>, b: Rc<dyn FileLike>, flags: [u32; 2]) -> Result<[i32; 2]> {
    let first = fs::insert_stream(a, flags[0])?;
    match fs::insert_stream(b, flags[1]) {
        Ok(second) => Ok([first, second]),
        Err(e) => {
            drop(fs::with(|files| files.fds.remove(first)));
            Err(e)
        }
    }
}

fn eventfd(count: u64, flags: u32) -> SysResult {
    if flags & !(O_CLOEXEC | O_NONBLOCK | EFD_SEMAPHORE) != 0 {
        return Err(Errno::EINVAL);
    }
    let counter = EventFd::new(count as u32, flags & EFD_SEMAPHORE != 0);
    fs::insert_stream(Rc::new(counter), flags & !EFD_SEMAPHORE | O_RDWR).map(|fd| fd as usize)
}

fn create(flags: u32) -> SysResult {
    if flags & !O_CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    fs::insert_stream(Rc::new(Epoll::default()), flags | O_RDWR).map(|fd| fd as usize)
}

/// The set behind a descriptor's file.
fn set(file: &OpenFile) -> Result<&Epoll> {
    file.as_stream().and_then(like::downcast).ok_or(Errno::EINVAL)
}

fn control(epoll: u64, operation: u64, fd: u64, event: u64) -> SysResult {
    let own = fs::open_file(epoll as i32)?;
    let file = fs::open_file(fd as i32)?;
    let (change, event) = match operation as i32 {
        1 => (Change::Add, (user::read(event)?, user::read(event.wrapping_add(4))?)),
        2 => (Change::Delete, (0, 0)),
        3 => (Change::Modify, (user::read(event)?, user::read(event.wrapping_add(4))?)),
        _ => return Err(Errno::EINVAL),
    };
    set(&own)?.change(&own, fd as i32, &file, change, event).map(|()| 0)
}

fn wait(epoll: u64, events: u64, most: u64, timeout: Option<u64>) -> SysResult {
    let own = fs::open_file(epoll as i32)?;
    let epoll = set(&own)?;
    let most = usize::try_from(most as i32).ok().filter(|&n| n > 0).ok_or(Errno::EINVAL)?;
    user::check(events, most.saturating_mul(EVENT_BYTES as usize), crate::mm::regions::Prot::RW)?;
    net::poll();
    if epoll.events() == 0 && timeout != Some(0) {
        let deadline = timeout.map(|ns| now_ns().saturating_add(ns));
        like::wait(|| epoll.events() != 0, deadline, || epoll.wakes_at())?;
    }
    let found = epoll.take(most);
    for (at, (bits, data)) in (events..).step_by(EVENT_BYTES as usize).zip(&found) {
        user::write(at, bits)?;
        user::write(at + 4, data)?;
    }
    Ok(found.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_checked() {
        assert_eq!(pipe(64, 0), Err(Errno::EFAULT));
        assert_eq!(pipe(64, 1), Err(Errno::EINVAL));
        assert_eq!(eventfd(0, 2), Err(Errno::EINVAL));
        assert_eq!(create(1), Err(Errno::EINVAL));
        assert_eq!(call(nr::EPOLL_CREATE, &[0; 6]), Some(Err(Errno::EINVAL)));
    }
}
