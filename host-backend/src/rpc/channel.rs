//! One end of the socket: whole messages with their file descriptors, never blocking on the daemon's side.

use std::collections::VecDeque;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::{BackendError, Context, Result};

/// Longest message either side sends; the default socket buffer holds one.
pub(crate) const MAX_MESSAGE: usize = 128 * 1024;
/// Most descriptors in one message.
const MAX_FDS: usize = 8;
/// A peer that lets this many messages pile up is given up.
const MAX_BACKLOG: usize = 4096;

/// A connected seqpacket socket with a queue of what could not be sent yet.
#[derive(Debug)]
pub(crate) struct Channel {
    socket: OwnedFd,
    backlog: VecDeque<(Vec<u8>, Vec<OwnedFd>)>,
}

/// What [`Channel::receive`] saw.
#[derive(Debug)]
pub(crate) enum Received<T> {
    /// One message and its descriptors.
    Message(T, Vec<OwnedFd>),
    /// Nothing yet.
    Empty,
    /// The peer has closed.
    Closed,
}

impl Channel {
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Self { socket, backlog: VecDeque::new() }
    }

    /// Queues a message and sends what the socket takes.
    pub(crate) fn send<T: Serialize>(&mut self, message: &T, fds: Vec<OwnedFd>) -> Result<()> {
        let bytes = serde_json::to_vec(message)
            .map_err(|e| BackendError::Protocol(format!("a message cannot be written as JSON: {e}")))?;
        if bytes.len() > MAX_MESSAGE {
            return Err(BackendError::Protocol(format!(
                "a message of {} bytes is over the limit of {MAX_MESSAGE}",
                bytes.len()
            )));
        }
        if self.backlog.len() >= MAX_BACKLOG {
            return Err(BackendError::Protocol("the peer does not read its messages".into()));
        }
        self.backlog.push_back((bytes, fds));
        self.flush()
    }

    /// Sends queued messages until the socket is full.
    pub(crate) fn flush(&mut self) -> Result<()> {
        while let Some((bytes, fds)) = self.backlog.front() {
            let borrowed: Vec<BorrowedFd<'_>> = fds.iter().map(AsFd::as_fd).collect();
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if !borrowed.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&borrowed)) {
                return Err(BackendError::Protocol(format!("{} descriptors in one message", fds.len())));
            }
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            match sendmsg(&self.socket, &[IoSlice::new(bytes)], &mut control, flags) {
                Ok(_) => drop(self.backlog.pop_front()),
                Err(Errno::AGAIN | Errno::NOBUFS) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(e) => return Err(e).context(|| "sending to the peer".into()),
            }
        }
        Ok(())
    }

    /// Whether messages wait for room in the socket.
    pub(crate) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Takes one message if there is one; does not block.
    pub(crate) fn receive<T: DeserializeOwned>(&mut self) -> Result<Received<T>> {
        let mut bytes = vec![0u8; MAX_MESSAGE];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let got = loop {
            match recvmsg(&self.socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags) {
                Ok(got) => break got,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(Received::Empty),
                Err(Errno::CONNRESET) => return Ok(Received::Closed),
                Err(e) => return Err(e).context(|| "receiving from the peer".into()),
            }
        };
        let mut fds = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                fds.extend(rights);
            }
        }
        if got.bytes == 0 {
            return Ok(Received::Closed);
        }
        if got.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(BackendError::Protocol("a message was cut: too long or too many descriptors".into()));
        }
        let value = serde_json::from_slice(&bytes[..got.bytes])
            .map_err(|e| BackendError::Protocol(format!("a message cannot be understood: {e}")))?;
        Ok(Received::Message(value, fds))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
