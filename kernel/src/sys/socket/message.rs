//! Sending and receiving with flags, addresses and several pieces of memory (send(2), recv(2)).

use super::address::{Peer, put_bytes, take_peer};
use super::stream;
use crate::errno::{Errno, Result, SysResult};
use crate::fs::like::{self, FileLike, Manner, event};
use crate::fs::open::OpenFile;
use crate::mm::room;
use crate::net::socket::{Received, Socket, kind};
use crate::sys::time::timespec;
use crate::time::now_ns;
use crate::user::{self, IoVec};
use crate::{fs, net};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::net::SocketAddrV4;

const MSG_OOB: u32 = 1;
const MSG_PEEK: u32 = 2;
const MSG_TRUNC: u32 = 0x20;
const MSG_DONTWAIT: u32 = 0x40;
const MSG_WAITALL: u32 = 0x100;
const MSG_NOSIGNAL: u32 = 0x4000;
const MSG_ERRQUEUE: u32 = 0x2000;
const MSG_WAITFORONE: u32 = 0x10000;
/// Most bytes of one transfer (MAX_RW_COUNT).
const TRANSFER_MAX: usize = 0x7fff_f000;
/// Several pieces are put together up to this length.
const GATHER_MAX: usize = 1 << 20;
/// Bytes of `struct mmsghdr`, and where its length is.
const MMSG_BYTES: u64 = 64;
const MMSG_LEN: u64 = 56;
/// Most messages of one sendmmsg, as on Linux.
const MMSG_MAX: u64 = 1024;

/// `struct msghdr`: name[8] namelen[4] pad iov[8] iovlen[8] control[8] controllen[8] flags[4] pad.
struct Header {
    at: u64,
    name: u64,
    name_len: u32,
    iov: Vec<IoVec>,
    control_len: u64,
}

impl Header {
    fn read(at: u64) -> Result<Self> {
        let [name, name_len, iov, count, _, control_len] = user::read::<[u64; 6]>(at)?;
        let count = usize::try_from(count).map_err(|_| Errno::EMSGSIZE)?;
        let iov = user::iovecs(iov, count)
            .map_err(|e| if e == Errno::EINVAL && count > 1024 { Errno::EMSGSIZE } else { e })?;
        Ok(Self { at, name, name_len: name_len as u32, iov, control_len })
    }
}

fn manner(file: &OpenFile, flags: u32) -> Manner {
    let own = Manner::of(file);
    Manner { nonblocking: own.nonblocking || flags & MSG_DONTWAIT != 0, quiet: flags & MSG_NOSIGNAL != 0 }
}

fn socket(stream: &Rc<dyn FileLike>) -> Result<&dyn Socket> {
    stream.as_socket().ok_or(Errno::ENOTSOCK)
}

/// Whom a message is for, if the call says so.
fn target(socket: &dyn Socket, address: u64, len: u64) -> Result<Option<SocketAddrV4>> {
    if address == 0 || len == 0 {
        return Ok(None);
    }
    match (take_peer(address, len)?, socket.kind()) {
        // A connection's peer is known.
        (_, (kind::AF_INET, kind::SOCK_STREAM, _)) => Ok(None),
        (Peer::Inet(to), (kind::AF_INET, ..)) => {
            if !to.ip().is_loopback() {
                net::await_address()?;
            }
            Ok(Some(to))
        }
        (_, (kind::AF_UNIX, ..)) => Err(Errno::EISCONN),
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

fn send(file: &OpenFile, iov: &[IoVec], flags: u32, name: (u64, u64)) -> SysResult {
    let stream = stream(file)?;
    let socket = socket(stream)?;
    if flags & MSG_OOB != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    let to = target(socket, name.0, name.1)?;
    let manner = manner(file, flags);
    if let [piece] = iov {
        let len = piece.len.min(TRANSFER_MAX);
        return like::write(manner, stream, len, |done| {
            let data = user::slice(piece.base, len)?;
            socket.send(&data[done..], to)
        });
    }
    let total = iov.iter().map(|piece| piece.len).sum::<usize>();
    if total > GATHER_MAX && stream.has_messages() {
        return Err(Errno::EMSGSIZE);
    }
    let mut data = Vec::new();
    room::reserve(&mut data, total.min(GATHER_MAX))?;
    for piece in iov {
        let len = piece.len.min(GATHER_MAX - data.len());
        data.extend_from_slice(user::slice(piece.base, len)?);
    }
    like::write(manner, stream, data.len(), |done| socket.send(&data[done..], to))
}

/// Receives into the pieces; what came last, with the bytes of all in `copied`.
fn receive(file: &OpenFile, iov: &[IoVec], flags: u32) -> Result<Received> {
    let stream = stream(file)?;
    let socket = socket(stream)?;
    if flags & MSG_OOB != 0 {
        return Err(Errno::EINVAL);
    }
    if flags & MSG_ERRQUEUE != 0 {
        return Err(Errno::EAGAIN);
    }
    let (manner, peek) = (manner(file, flags), flags & MSG_PEEK != 0);
    let total = iov.iter().map(|piece| piece.len).sum::<usize>().min(TRANSFER_MAX);
    let mut done = 0;
    loop {
        let attempt = || match iov {
            [piece] => socket.receive(&mut user::slice_mut(piece.base, total)?[done..], peek),
            _ => {
                let mut data = room::buffer((total - done).min(GATHER_MAX));
                let received = socket.receive(&mut data, peek)?;
                user::scatter(&after(iov, done), &data[..received.copied])?;
                Ok(received)
            }
        };
        match like::patiently(manner, stream, event::READ, attempt) {
            Ok(received) => {
                let end = received.copied == 0 || peek || stream.has_messages();
                done += received.copied;
                if end || flags & MSG_WAITALL == 0 || done >= total {
                    return Ok(Received { copied: done, ..received });
                }
            }
            Err(_) if done > 0 => return Ok(Received { copied: done, whole: done, from: None }),
            Err(e) => return Err(e),
        }
    }
}

/// The pieces behind the first `done` bytes.
fn after(iov: &[IoVec], mut done: usize) -> Vec<IoVec> {
    let mut rest = Vec::new();
    for piece in iov {
        let skipped = done.min(piece.len);
        done -= skipped;
        rest.push(IoVec { base: piece.base.wrapping_add(skipped as u64), len: piece.len - skipped });
    }
    rest
}

/// What the call returns: bytes copied, or with MSG_TRUNC those of the whole message.
fn counted(received: &Received, flags: u32) -> usize {
    if flags & MSG_TRUNC != 0 { received.whole.max(received.copied) } else { received.copied }
}

fn single(base: u64, len: u64) -> [IoVec; 1] {
    [IoVec { base, len: usize::try_from(len).unwrap_or(usize::MAX).min(TRANSFER_MAX) }]
}

pub fn sendto(fd: u64, data: u64, len: u64, flags: u32, to: u64, to_len: u64) -> SysResult {
    send(&*fs::open_file(fd as i32)?, &single(data, len), flags, (to, to_len))
}

pub fn recvfrom(fd: u64, buf: u64, len: u64, flags: u32, from: u64, from_len: u64) -> SysResult {
    let received = receive(&*fs::open_file(fd as i32)?, &single(buf, len), flags)?;
    super::put_name(received.from, from, from_len)?;
    Ok(counted(&received, flags))
}

pub fn sendmsg(fd: u64, header: u64, flags: u32) -> SysResult {
    let file = fs::open_file(fd as i32)?;
    let header = Header::read(header)?;
    if header.control_len != 0 {
        // Descriptors go to other processes, of which a rank has none.
        return Err(Errno::EINVAL);
    }
    send(&file, &header.iov, flags, (header.name, header.name_len.into()))
}

pub fn recvmsg(fd: u64, header: u64, flags: u32) -> SysResult {
    let file = fs::open_file(fd as i32)?;
    let header = Header::read(header)?;
    let received = receive(&file, &header.iov, flags)?;
    if header.name != 0 {
        let len = put_bytes(received.from, header.name, header.name_len as usize)?;
        user::write(header.at + 8, &(len as u32))?;
    }
    let cut = if received.whole > received.copied { MSG_TRUNC } else { 0 };
    user::write(header.at + 40, &0u64)?;
    user::write(header.at + 48, &cut)?;
    Ok(counted(&received, flags))
}

/// One call for each message, until one fails; an error counts only for the first.
fn many(list: u64, count: u64, mut one: impl FnMut(u64, usize) -> SysResult) -> SysResult {
    let mut done = 0;
    for i in 0..count.min(MMSG_MAX) {
        let at = list.wrapping_add(i * MMSG_BYTES);
        match one(at, done).and_then(|n| user::write(at.wrapping_add(MMSG_LEN), &(n as u32))) {
            Ok(()) => done += 1,
            Err(e) if done == 0 => return Err(e),
            Err(_) => break,
        }
    }
    Ok(done)
}

pub fn sendmmsg(fd: u64, list: u64, count: u64, flags: u32) -> SysResult {
    many(list, count, |at, _| sendmsg(fd, at, flags))
}

pub fn recvmmsg(fd: u64, list: u64, count: u64, flags: u32, timeout: u64) -> SysResult {
    let until = if timeout == 0 { None } else { Some(now_ns().saturating_add(timespec(timeout)?)) };
    many(list, count, |at, done| {
        let late = until.is_some_and(|until| now_ns() >= until);
        // The time is looked at after each message only, as on Linux.
        let hurry = done > 0 && (late || flags & MSG_WAITFORONE != 0);
        recvmsg(fd, at, if hurry { flags | MSG_DONTWAIT } else { flags })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_continued_where_they_were_left() {
        let iov = [IoVec { base: 100, len: 4 }, IoVec { base: 200, len: 8 }];
        let rest = after(&iov, 6);
        assert_eq!((rest[0].len, rest[1]), (0, IoVec { base: 202, len: 6 }));
    }

    #[test]
    fn addresses_are_checked() {
        assert!(sendmsg(0, 64, 0).is_err());
        assert!(matches!(Header::read(64), Err(Errno::EFAULT)));
    }
}
