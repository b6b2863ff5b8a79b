//! Files that are no files: pipes, sockets, event and timer descriptors behind one trait, and how a call waits for them.
//!
//! A [`FileLike`] never waits itself: what it cannot do now is EAGAIN. The waiting is here, in one place, so that memory of
//! the program is looked at anew after each wait and nothing stays borrowed during one.

use super::open::{O_NONBLOCK, OpenFile};
use crate::errno::{Errno, Result};
use crate::net::socket::Socket;
use crate::time::now_ns;
use crate::{irq, net};
use alloc::rc::Rc;
use core::any::Any;

/// Events of poll(2) and epoll(7); the numbers are the same.
#[expect(missing_docs, reason = "names of the standard")]
pub mod event {
    pub const IN: u32 = 0x1;
    pub const PRI: u32 = 0x2;
    pub const OUT: u32 = 0x4;
    pub const ERR: u32 = 0x8;
    pub const HUP: u32 = 0x10;
    pub const RDNORM: u32 = 0x40;
    pub const WRNORM: u32 = 0x100;
    pub const RDHUP: u32 = 0x2000;
    /// Reported whether asked for or not.
    pub const ALWAYS: u32 = ERR | HUP;
    /// A read, or a write, returns at once.
    pub const READ: u32 = IN | RDNORM;
    pub const WRITE: u32 = OUT | WRNORM;

    /// The bits if they hold, else none.
    pub fn when(holds: bool, bits: u32) -> u32 {
        if holds { bits } else { 0 }
    }
}

/// What a descriptor may stand for beside files and devices. Who changes what `events` tells calls `irq::notify`.
pub trait FileLike: Any {
    /// Takes what is there; EAGAIN if nothing is, 0 at the end.
    fn read(&self, buf: &mut [u8]) -> Result<usize>;
    /// Puts what there is room for; EAGAIN without any.
    fn write(&self, data: &[u8]) -> Result<usize>;
    /// The [`event`]s that hold now.
    fn events(&self) -> u32;
    /// Another number whenever an event has come anew: what edge-triggered epoll goes by.
    fn activity(&self) -> u64 {
        0
    }
    /// When time alone will change `events`, on the monotonic clock.
    fn wakes_at(&self) -> Option<u64> {
        None
    }
    /// Longest waits of a read and of a write, nanoseconds.
    fn patience(&self) -> (Option<u64>, Option<u64>) {
        (None, None)
    }
    /// A read or write is one message: it is neither cut nor continued.
    fn has_messages(&self) -> bool {
        false
    }
    /// Bytes that a read would find (FIONREAD).
    fn bytes_ahead(&self) -> Result<u32> {
        Err(Errno::ENOTTY)
    }
    /// The socket that it is.
    fn as_socket(&self) -> Option<&dyn Socket> {
        None
    }
    /// Kind and permissions as stat(2) tells them.
    fn mode(&self) -> u32;
}

/// The stream as its own type, if it is one of that.
pub fn downcast<T: FileLike>(stream: &Rc<dyn FileLike>) -> Option<&T> {
    (&**stream as &dyn Any).downcast_ref()
}

/// The earlier of two times, of which each may be never.
pub fn earlier(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Waits until `ready` or the deadline; true when it is ready. `wakes_at` is when time alone may make it so.
pub fn wait(
    mut ready: impl FnMut() -> bool,
    deadline: Option<u64>,
    wakes_at: impl Fn() -> Option<u64>,
) -> Result<bool> {
    loop {
        let next = earlier(earlier(deadline, wakes_at()), net::next_deadline_ns());
        let mut condition = || {
            net::poll_before_sleep();
            ready()
        };
        if irq::wait_interruptible(&mut condition, next)? || condition() {
            return Ok(true);
        }
        if deadline.is_some_and(|d| now_ns() >= d) {
            return Ok(false);
        }
    }
}

/// How a call wants its transfer done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Do not wait.
    pub nonblocking: bool,
    /// No SIGPIPE when nobody reads.
    pub quiet: bool,
}

impl Manner {
    /// As the file's flags say.
    pub fn of(file: &OpenFile) -> Self {
        Self { nonblocking: file.flags() & O_NONBLOCK != 0, quiet: false }
    }
}

/// Repeats `attempt` until it is not EAGAIN, as long as the call's manner and the stream's patience allow.
pub fn patiently<T>(
    manner: Manner,
    stream: &Rc<dyn FileLike>,
    wanted: u32,
    mut attempt: impl FnMut() -> Result<T>,
) -> Result<T> {
    let mut deadline = None;
    let mut first = true;
    loop {
        match attempt() {
            Err(Errno::EAGAIN) if !manner.nonblocking => {}
            result => return result,
        }
        if core::mem::take(&mut first) {
            let (read, write) = stream.patience();
            let patience = if wanted & event::READ != 0 { read } else { write };
            deadline = patience.map(|ns| now_ns().saturating_add(ns));
        }
        let ready = || stream.events() & (wanted | event::ALWAYS) != 0;
        if !wait(ready, deadline, || stream.wakes_at())? {
            return Err(Errno::EAGAIN);
        }
    }
}

/// Reads: `take` is one attempt.
pub fn read(manner: Manner, stream: &Rc<dyn FileLike>, take: impl FnMut() -> Result<usize>) -> Result<usize> {
    patiently(manner, stream, event::READ, take)
}

/// Writes all of `len` bytes, as a write that may wait does: `put` is one attempt from an offset on.
pub fn write(
    manner: Manner,
    stream: &Rc<dyn FileLike>,
    len: usize,
    mut put: impl FnMut(usize) -> Result<usize>,
) -> Result<usize> {
    let mut done = 0;
    loop {
        match patiently(manner, stream, event::WRITE, || put(done)) {
            Ok(n) => done += n,
            Err(_) if done > 0 => return Ok(done),
            Err(e) => {
                if e == Errno::EPIPE && !manner.quiet {
                    crate::signal::send_broken_pipe();
                }
                return Err(e);
            }
        }
        if done >= len || stream.has_messages() || manner.nonblocking {
            return Ok(done);
        }
    }
}
