//! What every socket can be asked, whatever its kind.

use super::options::Options;
use crate::errno::{Errno, Result};
use crate::fs::like::FileLike;
use alloc::rc::Rc;
use core::net::SocketAddrV4;

/// Kinds of sockets (socket(2)).
#[expect(missing_docs, reason = "names of the standard")]
pub mod kind {
    pub const AF_UNIX: i32 = 1;
    pub const AF_INET: i32 = 2;
    pub const SOCK_STREAM: i32 = 1;
    pub const SOCK_DGRAM: i32 = 2;
    pub const SOCK_RAW: i32 = 3;
    pub const SOCK_SEQPACKET: i32 = 5;
    pub const IPPROTO_ICMP: i32 = 1;
    pub const IPPROTO_TCP: i32 = 6;
    pub const IPPROTO_UDP: i32 = 17;
}

/// Name of one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Address and port.
    Inet(SocketAddrV4),
    /// One of a pair, which have no names.
    Unix,
}

/// What a receive found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Bytes copied.
    pub copied: usize,
    /// Bytes of the whole message.
    pub whole: usize,
    /// Who sent it, where that is not the peer.
    pub from: Option<Name>,
}

/// A socket. As with [`FileLike`], what cannot be done now is EAGAIN.
pub trait Socket: FileLike {
    /// Domain, type and protocol, as socket(2) got them.
    fn kind(&self) -> (i32, i32, i32);
    /// Its options.
    fn options(&self) -> &Options;
    /// Takes note of changed options.
    fn options_changed(&self) {}
    /// Takes an own address.
    fn bind(&self, at: SocketAddrV4) -> Result<()>;
    /// Starts to listen.
    fn listen(&self, _backlog: usize) -> Result<()> {
        Err(Errno::EOPNOTSUPP)
    }
    /// Whether it listens.
    fn listens(&self) -> bool {
        false
    }
    /// The next connection and its peer.
    fn accept(&self) -> Result<(Rc<dyn FileLike>, Name)> {
        Err(Errno::EOPNOTSUPP)
    }
    /// Starts to connect (EINPROGRESS), or tells what came of it. `None` dissolves a datagram socket's connection.
    fn connect(&self, to: Option<SocketAddrV4>) -> Result<()>;
    /// Sends what there is room for.
    fn send(&self, data: &[u8], to: Option<SocketAddrV4>) -> Result<usize>;
    /// Receives, or only looks.
    fn receive(&self, buf: &mut [u8], peek: bool) -> Result<Received>;
    /// Ends reading, writing or both.
    fn shutdown(&self, read: bool, write: bool) -> Result<()>;
    /// Its own name.
    fn local(&self) -> Name;
    /// Its peer's.
    fn peer(&self) -> Result<Name>;
    /// The error that nobody has been told yet.
    fn take_error(&self) -> Option<Errno> {
        None
    }
}
