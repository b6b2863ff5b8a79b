//! How bytes get to another rank.
//!
//! A [`Channel`] delivers messages to a rank in the order they were sent, and reads remote memory. It buffers nothing without bound:
//! when it has no room it says so, and the caller tries again after [`Channel::poll`] reported something.

pub mod alone;
pub mod hca;
pub mod ivc;
pub mod remote;
#[cfg(test)]
pub mod sim;

use crate::Result;
use remote::Remote;
use std::ptr::NonNull;
use std::rc::Rc;

/// What a channel reports from [`Channel::poll`].
#[derive(Debug)]
pub enum Event<'a> {
    /// A message of rank `from`; the bytes are gone when the callback returns.
    Message {
        /// Rank in `MPI_COMM_WORLD` of the sender.
        from: u32,
        /// Header and data.
        bytes: &'a [u8],
    },
    /// The read started with `token` is complete.
    ReadDone {
        /// Token of [`Read`].
        token: u64,
    },
    /// There may be room again where there was none.
    Room,
    /// The rank has ended: nothing more will come from it.
    Gone {
        /// Rank in `MPI_COMM_WORLD`.
        rank: u32,
        /// What is known about the reason.
        reason: &'a str,
    },
}

/// Data behind a header.
pub enum Payload<'a> {
    /// None.
    None,
    /// A closure that fills exactly the slice it gets, of the given length.
    Fill(usize, &'a mut dyn FnMut(&mut [u8])),
}

impl Payload<'_> {
    /// Bytes of data.
    pub fn size(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Fill(len, _) => *len,
        }
    }
}

/// A read of remote memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// Rank in `MPI_COMM_WORLD` whose memory is read.
    pub from: u32,
    /// Address there.
    pub remote: u64,
    /// Its key there.
    pub key: u32,
    /// Where the bytes go. The caller keeps this memory valid until [`Event::ReadDone`].
    pub local: *mut u8,
    /// Bytes, at most [`MAX_READ`].
    pub len: u64,
    /// Comes back in [`Event::ReadDone`].
    pub token: u64,
}

/// Bytes one read may have: what an adapter's length field holds, rounded down.
pub const MAX_READ: u64 = 1 << 30;

/// Sleeps for at most so many nanoseconds, as [`Channel::sleep`].
pub type Sleeper = Rc<dyn Fn(u64)>;

/// Messages to and from the other ranks.
pub trait Channel {
    /// Bytes that header and data of one message may have together.
    fn max_message(&self) -> usize;

    /// Key under which others read this rank's whole memory.
    fn memory_key(&self) -> u32;

    /// Sends a message; the data is taken before this returns. False: no room now, nothing was sent.
    fn try_send(&mut self, to: u32, header: &[u8], data: Payload<'_>) -> Result<bool>;

    /// Starts a read. False: no room now.
    fn try_read(&mut self, read: &Read) -> Result<bool>;

    /// Key under which others read, write and change this rank's whole memory; exists from the first call on. A channel
    /// without one-sided access says so.
    fn window_key(&mut self) -> Result<u32> {
        remote::unsupported()
    }

    /// Zeroed memory, never given back, on which others' atomics and this rank's own are atomic with each other.
    fn window_memory(&mut self, bytes: usize) -> Result<NonNull<u8>> {
        _ = bytes;
        remote::unsupported()
    }

    /// Starts a one-sided access; [`Event::ReadDone`] reports its end. False: no room now.
    fn try_remote(&mut self, access: &Remote) -> Result<bool> {
        _ = access;
        remote::unsupported()
    }

    /// Reports what has happened since the last call. False: nothing.
    fn poll(&mut self, sink: &mut dyn FnMut(Event<'_>)) -> Result<bool>;

    /// From here on new happenings end a [`Self::sleep`]. Poll once more in between.
    fn arm(&mut self);

    /// Sleeps until there may be something to poll, or the time is over.
    fn sleep(&mut self, timeout_ns: u64);

    /// [`Self::sleep`] by itself, for a thread that leaves the channel to others meanwhile.
    fn sleeper(&self) -> Sleeper;

    /// Whether everything sent has reached the other side's adapter. Poll until it has.
    fn quiesce(&mut self) -> bool;
}
