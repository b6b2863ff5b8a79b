//! The socket calls: taking the arguments apart and checking them. What they do is in [`crate::net`].

mod address;
mod message;
mod option;

use self::address::{Peer, put_name, take_peer};
use super::epoll::insert_pair;
use super::{first_time, nr};
use crate::cell::KernelCell;
use crate::errno::{Errno, Result, SysResult};
use crate::fs::like::{self, FileLike, Manner, event};
use crate::fs::open::{O_CLOEXEC, O_NONBLOCK, O_RDWR, OpenFile};
use crate::net::datagram::DatagramSocket;
use crate::net::ports::Protocol;
use crate::net::socket::{Socket, kind};
use crate::net::tcp::TcpSocket;
use crate::net::unix::UnixSocket;
use crate::time::now_ns;
use crate::{fs, net, user};
use alloc::rc::Rc;

const AF_INET6: i32 = 10;
const AF_NETLINK: i32 = 16;
const AF_PACKET: i32 = 17;

/// The family's calls.
pub fn call(number: u64, args: &[u64; 6]) -> Option<SysResult> {
    let [a, b, c, d, e, f] = *args;
    Some(match number {
        nr::SOCKET => socket(a as i32, b as u32, c as i32),
        nr::SOCKETPAIR => socketpair(a as i32, b as u32, c as i32, d),
        nr::BIND => bind(a, b, c),
        nr::LISTEN => with(a, |s, _| s.listen(usize::try_from(b as i32).unwrap_or(0)).map(|()| 0)),
        nr::ACCEPT => accept(a, b, c, 0),
        nr::ACCEPT4 => accept(a, b, c, d as u32),
        nr::CONNECT => connect(a, b, c),
        nr::GETSOCKNAME => with(a, |s, _| put_name(Some(s.local()), b, c).map(|()| 0)),
        nr::GETPEERNAME => with(a, |s, _| put_name(Some(s.peer()?), b, c).map(|()| 0)),
        nr::SHUTDOWN => match b {
            0..=2 => with(a, |s, _| s.shutdown(b != 1, b != 0).map(|()| 0)),
            _ => Err(Errno::EINVAL),
        },
        nr::SENDTO => message::sendto(a, b, c, d as u32, e, f),
        nr::RECVFROM => message::recvfrom(a, b, c, d as u32, e, f),
        nr::SENDMSG => message::sendmsg(a, b, c as u32),
        nr::RECVMSG => message::recvmsg(a, b, c as u32),
        nr::SENDMMSG => message::sendmmsg(a, b, c, d as u32),
        nr::RECVMMSG => message::recvmmsg(a, b, c, d as u32, e),
        nr::SETSOCKOPT => with(a, |s, _| option::set(s, b as i32, c as i32, d, e)),
        nr::GETSOCKOPT => with(a, |s, _| option::get(s, b as i32, c as i32, d, e)),
        _ => return None,
    })
}

/// The stream of a descriptor that is a socket.
fn stream(file: &OpenFile) -> Result<&Rc<dyn FileLike>> {
    file.as_stream().filter(|s| s.as_socket().is_some()).ok_or(Errno::ENOTSOCK)
}

/// Does something with the socket of a descriptor.
fn with<T>(fd: u64, f: impl FnOnce(&dyn Socket, &OpenFile) -> Result<T>) -> Result<T> {
    let file = fs::open_file(fd as i32)?;
    let socket = file.as_stream().and_then(|s| s.as_socket()).ok_or(Errno::ENOTSOCK)?;
    f(socket, &file)
}

/// Type and flags of socket(2)'s second argument.
fn split(kind: u32) -> Result<(i32, u32)> {
    let flags = kind & !15;
    if flags & !(O_CLOEXEC | O_NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    Ok(((kind & 15) as i32, flags | O_RDWR))
}

/// Refuses a kind of socket; the user is told once.
fn refuse(errno: Errno, which: u64, what: &str, remedy: &str) -> Errno {
    static TOLD: KernelCell<[u64; 8]> = KernelCell::new([0; 8]);
    if first_time(&TOLD, which) {
        note!("the program wants {what} (socket), which a rank does not have: {remedy}");
    }
    errno
}

fn socket(domain: i32, kind: u32, protocol: i32) -> SysResult {
    use kind::{AF_INET, AF_UNIX, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM};
    let (kind, flags) = split(kind)?;
    let socket: Rc<dyn FileLike> = match (domain, kind, protocol) {
        (AF_INET, SOCK_STREAM, 0 | IPPROTO_TCP) => Rc::new(TcpSocket::new()),
        (AF_INET, SOCK_DGRAM, 0 | IPPROTO_UDP) => Rc::new(DatagramSocket::new(Protocol::Udp)),
        (AF_INET, SOCK_DGRAM, IPPROTO_ICMP) => Rc::new(DatagramSocket::new(Protocol::Ping)),
        (AF_INET, SOCK_RAW, _) => {
            let remedy = "send pings with SOCK_DGRAM and IPPROTO_ICMP, capture packets on the host";
            return Err(refuse(Errno::EPERM, 1, "a raw socket", remedy));
        }
        (AF_INET, SOCK_STREAM | SOCK_DGRAM, _) => return Err(Errno::EPROTONOSUPPORT),
        (AF_INET | AF_UNIX, ..) if !is_pair_kind(kind) || domain == AF_INET => {
            return Err(Errno::ESOCKTNOSUPPORT);
        }
        (AF_UNIX, _, 0) => Rc::new(UnixSocket::new(kind)),
        (AF_UNIX, ..) => return Err(Errno::EPROTONOSUPPORT),
        // Programs try it first and go on with IPv4.
        (AF_INET6, ..) => return Err(Errno::EAFNOSUPPORT),
        (AF_NETLINK, ..) => {
            let remedy =
                "there is one interface, its addresses are /etc/hosts; getaddrinfo asks too and does without";
            return Err(refuse(Errno::EAFNOSUPPORT, 2, "the list of network interfaces, AF_NETLINK", remedy));
        }
        (AF_PACKET, ..) => {
            let remedy = "capture packets on the host";
            return Err(refuse(Errno::EPERM, 3, "packets as they are on the wire, AF_PACKET", remedy));
        }
        _ => {
            let remedy = "use AF_INET, or socketpair with AF_UNIX";
            return Err(refuse(Errno::EAFNOSUPPORT, 4, "sockets of another address family", remedy));
        }
    };
    fs::insert_stream(socket, flags).map(|fd| fd as usize)
}

fn is_pair_kind(kind: i32) -> bool {
    matches!(kind, kind::SOCK_STREAM | kind::SOCK_DGRAM | kind::SOCK_SEQPACKET)
}

fn socketpair(domain: i32, kind: u32, protocol: i32, address: u64) -> SysResult {
    let (kind, flags) = split(kind)?;
    match (domain, protocol) {
        (kind::AF_UNIX, 0) if is_pair_kind(kind) => {}
        (kind::AF_UNIX, 0) => return Err(Errno::ESOCKTNOSUPPORT),
        (kind::AF_UNIX, _) => return Err(Errno::EPROTONOSUPPORT),
        (kind::AF_INET, _) => return Err(Errno::EOPNOTSUPP),
        _ => return Err(Errno::EAFNOSUPPORT),
    }
    user::check(address, 8, crate::mm::regions::Prot::RW)?;
    let [a, b] = UnixSocket::pair(kind);
    let pair = insert_pair(Rc::new(a), Rc::new(b), [flags; 2])?;
    user::write(address, &pair)?;
    Ok(0)
}

fn bind(fd: u64, address: u64, len: u64) -> SysResult {
    with(fd, |socket, _| match take_peer(address, len)? {
        Peer::Inet(at) if socket.kind().0 == kind::AF_INET => socket.bind(at).map(|()| 0),
        Peer::Unix(_) if socket.kind().0 == kind::AF_UNIX => {
            let remedy = "connect threads of the rank with socketpair, and ranks with MPI or TCP";
            Err(refuse(Errno::EOPNOTSUPP, 5, "a named AF_UNIX socket", remedy))
        }
        _ => Err(Errno::EAFNOSUPPORT),
    })
}

fn accept(fd: u64, address: u64, len: u64, flags: u32) -> SysResult {
    if flags & !(O_CLOEXEC | O_NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    let file = fs::open_file(fd as i32)?;
    let listener = stream(&file)?;
    let attempt = || listener.as_socket().ok_or(Errno::ENOTSOCK)?.accept();
    let (connection, peer) = like::patiently(Manner::of(&file), listener, event::READ, attempt)?;
    put_name(Some(peer), address, len)?;
    fs::insert_stream(connection, flags | O_RDWR).map(|fd| fd as usize)
}

fn connect(fd: u64, address: u64, len: u64) -> SysResult {
    let file = fs::open_file(fd as i32)?;
    let stream = stream(&file)?;
    let socket = stream.as_socket().ok_or(Errno::ENOTSOCK)?;
    let to = match take_peer(address, len)? {
        Peer::Inet(to) if socket.kind().0 == kind::AF_INET => Some(to),
        Peer::Nobody => None,
        Peer::Unix(path) if socket.kind().0 == kind::AF_UNIX => return Err(absent(path)),
        _ => return Err(Errno::EAFNOSUPPORT),
    };
    if to.is_some_and(|to| !to.ip().is_loopback()) {
        net::await_address()?;
    }
    match socket.connect(to) {
        Err(Errno::EINPROGRESS) if !Manner::of(&file).nonblocking => {}
        result => return result.map(|()| 0),
    }
    let deadline = stream.patience().1.map(|ns| now_ns().saturating_add(ns));
    if !like::wait(|| stream.events() != 0, deadline, || None)? {
        return Err(Errno::EINPROGRESS);
    }
    match socket.take_error() {
        Some(error) => Err(error),
        None => Ok(0),
    }
}

/// There are no named sockets.
fn absent(path: &[u8]) -> Errno {
    // The C library looks for its name service cache before it resolves anything, and does without.
    if !path.starts_with(b"/var/run/nscd/") {
        let remedy = "connect threads of the rank with socketpair, and ranks with MPI or TCP";
        refuse(Errno::ENOENT, 5, "a named AF_UNIX socket", remedy);
    }
    Errno::ENOENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        for (domain, kind, protocol, errno) in [
            (2, 1, 17, Errno::EPROTONOSUPPORT),
            (2, 3, 1, Errno::EPERM),
            (2, 5, 0, Errno::ESOCKTNOSUPPORT),
            (1, 3, 0, Errno::ESOCKTNOSUPPORT),
            (1, 1, 6, Errno::EPROTONOSUPPORT),
            (10, 1, 0, Errno::EAFNOSUPPORT),
            (16, 3, 0, Errno::EAFNOSUPPORT),
            (17, 3, 0, Errno::EPERM),
            (99, 1, 0, Errno::EAFNOSUPPORT),
            (2, 1 | 0x10, 0, Errno::EINVAL),
        ] {
            assert_eq!(socket(domain, kind, protocol), Err(errno), "{domain} {kind} {protocol}");
        }
        assert_eq!(socketpair(2, 1, 0, 64), Err(Errno::EOPNOTSUPP));
        assert_eq!(socketpair(1, 1, 0, 64), Err(Errno::EFAULT));
    }
}
