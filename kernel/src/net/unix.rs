//! Sockets of AF_UNIX: pairs in memory. Ones with names would connect processes, of which a rank has one.

use super::options::Options;
use super::socket::{Name, Received, Socket, kind};
use super::tcp::SOCKET_MODE;
use crate::errno::{Errno, Result};
use crate::fs::like::{FileLike, event};
use crate::fs::pipe::{self, Reader, Writer};
use core::cell::RefCell;
use core::net::SocketAddrV4;

/// One socket: of a pair, or alone and of no use.
pub struct UnixSocket {
    kind: i32,
    ends: Option<(Reader, Writer)>,
    options: Options,
}

impl UnixSocket {
    /// A socket without a peer.
    pub fn new(kind: i32) -> Self {
        Self { kind, ends: None, options: RefCell::default() }
    }

    /// Two sockets that are connected with each other.
    pub fn pair(kind: i32) -> [Self; 2] {
        let queue = if kind == kind::SOCK_STREAM { pipe::Kind::Stream } else { pipe::Kind::Messages };
        let ((from_b, to_a), (from_a, to_b)) = (pipe::new(queue), pipe::new(queue));
        [(from_b, to_b), (from_a, to_a)].map(|ends| Self { ends: Some(ends), ..Self::new(kind) })
    }

    fn ends(&self) -> Result<&(Reader, Writer)> {
        self.ends.as_ref().ok_or(Errno::ENOTCONN)
    }
}

impl FileLike for UnixSocket {
    fn read(&self, buf: &mut [u8]) -> Result<usize> {
        self.receive(buf, false).map(|received| received.copied)
    }

    fn write(&self, data: &[u8]) -> Result<usize> {
        self.send(data, None)
    }

    fn events(&self) -> u32 {
        let Some((reader, writer)) = &self.ends else { return event::WRITE | event::HUP };
        let ((readable, ended), (room, deaf)) = (reader.state(), writer.state());
        event::when(readable || ended, event::READ)
            | event::when(room || deaf, event::WRITE)
            | event::when(ended, event::RDHUP)
            | event::when(ended && deaf, event::HUP)
    }

    fn activity(&self) -> u64 {
        self.ends.as_ref().map_or(0, |(reader, writer)| reader.activity() + writer.activity())
    }

    fn patience(&self) -> (Option<u64>, Option<u64>) {
        let options = self.options.borrow();
        (options.receive_patience, options.send_patience)
    }

    fn has_messages(&self) -> bool {
        self.kind != kind::SOCK_STREAM
    }

    fn bytes_ahead(&self) -> Result<u32> {
        Ok(self.ends.as_ref().map_or(0, |(reader, _)| reader.ahead() as u32))
    }

    fn mode(&self) -> u32 {
        SOCKET_MODE
    }

    fn as_socket(&self) -> Option<&dyn Socket> {
        Some(self)
    }
}

impl Socket for UnixSocket {
    fn kind(&self) -> (i32, i32, i32) {
        (kind::AF_UNIX, self.kind, 0)
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn bind(&self, _: SocketAddrV4) -> Result<()> {
        Err(Errno::EINVAL)
    }

    fn connect(&self, _: Option<SocketAddrV4>) -> Result<()> {
        Err(if self.ends.is_some() { Errno::EISCONN } else { Errno::ECONNREFUSED })
    }

    fn send(&self, data: &[u8], to: Option<SocketAddrV4>) -> Result<usize> {
        if to.is_some() {
            return Err(Errno::EISCONN);
        }
        self.ends()?.1.put(data)
    }

    fn receive(&self, buf: &mut [u8], peek: bool) -> Result<Received> {
        let (copied, whole) = self.ends()?.0.take(buf, peek)?;
        Ok(Received { copied, whole, from: None })
    }

    fn shutdown(&self, read: bool, write: bool) -> Result<()> {
        let (reader, writer) = self.ends()?;
        if read {
            reader.end();
        }
        if write {
            writer.close();
        }
        Ok(())
    }

    fn local(&self) -> Name {
        Name::Unix
    }

    fn peer(&self) -> Result<Name> {
        self.ends().map(|_| Name::Unix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_talk_both_ways() {
        let [a, b] = UnixSocket::pair(kind::SOCK_STREAM);
        let mut buf = [0; 10];
        assert_eq!((a.write(b"abc"), b.write(b"de")), (Ok(3), Ok(2)));
        assert_eq!((a.read(&mut buf), buf[..2] == *b"de"), (Ok(2), true));
        assert_eq!((b.read(&mut buf), buf[..3] == *b"abc"), (Ok(3), true));
        assert_eq!(b.read(&mut buf), Err(Errno::EAGAIN));
        assert_eq!(a.shutdown(false, true), Ok(()));
        assert_eq!((b.read(&mut buf), a.write(b"x")), (Ok(0), Err(Errno::EPIPE)));
        assert_eq!(b.write(b"still"), Ok(5));
        drop(a);
        assert_eq!(b.write(b"x"), Err(Errno::EPIPE));
        assert_ne!(b.events() & event::HUP, 0);
    }

    #[test]
    fn datagrams_stay_whole() {
        let [a, b] = UnixSocket::pair(kind::SOCK_DGRAM);
        assert_eq!((a.write(b"abc"), a.write(b"")), (Ok(3), Ok(0)));
        let mut buf = [0; 2];
        assert_eq!(b.receive(&mut buf, true), Ok(Received { copied: 2, whole: 3, from: None }));
        assert_eq!(b.receive(&mut buf, false).map(|r| r.whole), Ok(3));
        assert_eq!(b.receive(&mut buf, false).map(|r| r.whole), Ok(0));
        assert_eq!(b.receive(&mut buf, false), Err(Errno::EAGAIN));
    }

    #[test]
    fn one_alone_is_not_connected() {
        let alone = UnixSocket::new(kind::SOCK_STREAM);
        assert_eq!(
            (alone.write(b"x"), alone.connect(None)),
            (Err(Errno::ENOTCONN), Err(Errno::ECONNREFUSED))
        );
    }
}
