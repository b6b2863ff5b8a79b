//! Sockets, over the loopback interface.

use hermit_abi as abi;
use hermit_abi::{in_addr, linger, pollfd, sockaddr, sockaddr_in, socklen_t, timeval};
use std::mem::size_of;
use std::ptr::{null, null_mut};

const LEN: socklen_t = size_of::<sockaddr_in>() as socklen_t;

fn loopback(port: u16) -> sockaddr_in {
    let sin_addr = in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) };
    sockaddr_in {
        sin_len: LEN as u8,
        sin_family: abi::AF_INET as u8,
        sin_port: port.to_be(),
        sin_addr,
        sin_zero: [0; 8],
    }
}

type AddressCall = unsafe extern "C" fn(i32, *mut sockaddr, *mut socklen_t) -> i32;

unsafe fn address(call: AddressCall, fd: i32) -> (u16, u8, u8, [u8; 4]) {
    let (mut name, mut len) = (sockaddr_in::default(), LEN);
    check!(call(fd, (&raw mut name).cast(), &mut len), 0);
    check!(len, LEN);
    (u16::from_be(name.sin_port), name.sin_len, name.sin_family, name.sin_addr.s_addr.to_ne_bytes())
}

pub unsafe fn all() {
    stream();
    datagram();
    options();
    check!(abi::socket(77, abi::SOCK_STREAM, 0), -abi::EAFNOSUPPORT);
    check!(abi::socket(abi::AF_INET, abi::SOCK_STREAM, 999), -abi::EPROTONOSUPPORT);
    check!(abi::socket(abi::AF_INET, abi::SOCK_STREAM | 1 << 20, 0), -abi::EINVAL);
    check!(abi::accept(-1, null_mut(), null_mut()), -abi::EBADF);
}

unsafe fn stream() {
    let listener = abi::socket(abi::AF_INET, abi::SOCK_STREAM, abi::IPPROTO_TCP);
    check!(listener >= 0, true);
    let (any, mut one) = (loopback(0), 1i32);
    check!(abi::setsockopt(listener, abi::SOL_SOCKET, abi::SO_REUSEADDR, (&raw mut one).cast(), 4), 0);
    check!(abi::bind(listener, null(), LEN), -abi::EDESTADDRREQ);
    check!(abi::bind(listener, (&raw const any).cast(), LEN - 1), -abi::EINVAL);
    check!(abi::bind(listener, (&raw const any).cast(), LEN), 0);
    check!(abi::listen(listener, 5), 0);
    let (port, len, family, host) = address(abi::getsockname, listener);
    check!((port != 0, len, family, host), (true, 16, 3, [127, 0, 0, 1]));
    let client = abi::socket(abi::AF_INET, abi::SOCK_STREAM | abi::SOCK_CLOEXEC, 0);
    check!(abi::fcntl(client, abi::F_GETFD, 0), abi::FD_CLOEXEC);
    check!(abi::connect(client, (&raw const any).cast(), 3), -abi::EINVAL);
    let there = loopback(port);
    check!(abi::connect(client, (&raw const there).cast(), LEN), 0);
    let (mut peer, mut peer_len) = (sockaddr_in::default(), LEN);
    let server = abi::accept(listener, (&raw mut peer).cast(), &mut peer_len);
    check!((server >= 0, peer_len, peer.sin_family, peer.sin_len), (true, LEN, 3, 16));
    check!(address(abi::getsockname, client).0, u16::from_be(peer.sin_port));
    check!(address(abi::getpeername, client).0, port);
    check!(abi::getpeername(listener, (&raw mut peer).cast(), &mut peer_len), -abi::ENOTCONN);
    check!(abi::getsockname(client, null_mut(), &mut peer_len), -abi::EINVAL);
    talk(client, server);
    for fd in [client, server, listener] {
        check!(abi::close(fd), 0);
    }
}

unsafe fn talk(client: i32, server: i32) {
    let mut buffer = [0u8; 16];
    check!(abi::send(client, b"hello".as_ptr().cast(), 5, 0), 5);
    let mut wait = pollfd { fd: server, events: abi::POLLIN, revents: 0 };
    check!((abi::poll(&mut wait, 1, 5000), wait.revents), (1, abi::POLLIN));
    check!(abi::recv(server, buffer.as_mut_ptr(), 16, abi::MSG_PEEK), 5);
    check!(abi::recv(server, buffer.as_mut_ptr(), 2, 0), 2);
    check!(abi::read(server, buffer.as_mut_ptr().add(2), 14), 3);
    check!(&buffer[..5], b"hello");
    check!(abi::recv(server, buffer.as_mut_ptr(), 16, 1 << 20), -abi::EINVAL as isize);
    let mut on = 1i32;
    check!(abi::ioctl(server, abi::FIONBIO, (&raw mut on).cast()), 0);
    check!(abi::recv(server, buffer.as_mut_ptr(), 16, 0), -abi::EAGAIN as isize);
    check!(abi::shutdown(client, abi::SHUT_WR), 0);
    check!(abi::poll(&mut wait, 1, 5000), 1);
    check!(abi::recv(server, buffer.as_mut_ptr(), 16, 0), 0);
    check!(abi::write(server, b"bye".as_ptr(), 3), 3);
    check!(abi::recv(client, buffer.as_mut_ptr(), 16, 0), 3);
    // No signal ends the program: the result says it.
    check!(abi::send(client, b"x".as_ptr().cast(), 1, 0), -abi::EPIPE as isize);
    #[allow(deprecated)]
    {
        check!(abi::shutdown_socket(server, abi::SHUT_RDWR), 0);
    }
}

unsafe fn datagram() {
    let ends = [(); 2].map(|()| abi::socket(abi::AF_INET, abi::SOCK_DGRAM, abi::IPPROTO_UDP));
    for fd in ends {
        let any = loopback(0);
        check!(abi::bind(fd, (&raw const any).cast(), LEN), 0);
    }
    let ports = ends.map(|fd| address(abi::getsockname, fd).0);
    let to = loopback(ports[1]);
    check!(abi::sendto(ends[0], b"ping".as_ptr().cast(), 4, 0, (&raw const to).cast(), LEN), 4);
    check!(
        abi::sendto(ends[0], b"ping".as_ptr().cast(), 4, 0, (&raw const to).cast(), 4),
        -abi::EINVAL as isize
    );
    let (mut buffer, mut from, mut len) = ([0u8; 16], sockaddr_in::default(), LEN);
    check!(abi::recvfrom(ends[1], buffer.as_mut_ptr(), 16, 0, (&raw mut from).cast(), &mut len), 4);
    check!((&buffer[..4], u16::from_be(from.sin_port), from.sin_family), (&b"ping"[..], ports[0], 3));
    check!(abi::sendto(ends[1], b"pong".as_ptr().cast(), 4, 0, (&raw const from).cast(), len), 4);
    check!(abi::recvfrom(ends[0], buffer.as_mut_ptr(), 16, 0, null_mut(), null_mut()), 4);
    for fd in ends {
        check!(abi::close(fd), 0);
    }
}

unsafe fn options() {
    let fd = abi::socket(abi::AF_INET, abi::SOCK_STREAM | abi::SOCK_NONBLOCK, 0);
    check!(abi::fcntl(fd, abi::F_GETFL, 0) & abi::O_NONBLOCK, abi::O_NONBLOCK);
    let (mut value, mut len) = (1i32, 4);
    for (level, option) in [
        (abi::SOL_SOCKET, abi::SO_KEEPALIVE),
        (abi::SOL_SOCKET, abi::SO_BROADCAST),
        (abi::IPPROTO_TCP, abi::TCP_NODELAY),
    ] {
        check!(abi::setsockopt(fd, level, option, (&raw const value).cast(), 4), 0);
        value = 0;
        check!(
            (abi::getsockopt(fd, level, option, (&raw mut value).cast(), &mut len), value != 0),
            (0, true)
        );
        value = 1;
    }
    check!(abi::getsockopt(fd, abi::SOL_SOCKET, abi::SO_ERROR, (&raw mut value).cast(), &mut len), 0);
    check!((value, len), (0, 4));
    check!(abi::getsockopt(fd, abi::SOL_SOCKET, abi::SO_RCVBUF, (&raw mut value).cast(), &mut len), 0);
    check!(value > 0, true);
    let time = timeval { tv_sec: 2, tv_usec: 500_000 };
    let size = size_of::<timeval>() as socklen_t;
    check!(abi::setsockopt(fd, abi::SOL_SOCKET, abi::SO_RCVTIMEO, (&raw const time).cast(), size), 0);
    let (mut back, mut len) = (timeval { tv_sec: 0, tv_usec: -1 }, size);
    check!(abi::getsockopt(fd, abi::SOL_SOCKET, abi::SO_RCVTIMEO, (&raw mut back).cast(), &mut len), 0);
    check!((back.tv_sec, back.tv_usec, len), (2, 500_000, size));
    let wait = linger { l_onoff: 1, l_linger: 3 };
    check!(abi::setsockopt(fd, abi::SOL_SOCKET, abi::SO_LINGER, (&raw const wait).cast(), 8), 0);
    let mut ttl = 9i32;
    check!(abi::setsockopt(fd, abi::IPPROTO_IP, abi::IP_TTL, (&raw const ttl).cast(), 4), 0);
    len = 4;
    check!((abi::getsockopt(fd, abi::IPPROTO_IP, abi::IP_TTL, (&raw mut ttl).cast(), &mut len), ttl), (0, 9));
    check!(abi::setsockopt(fd, abi::SOL_SOCKET, 12345, (&raw const value).cast(), 4), -abi::EINVAL);
    check!(abi::setsockopt(fd, abi::SOL_SOCKET, abi::SO_RCVTIMEO, null(), size), -abi::EINVAL);
    check!(abi::close(fd), 0);
}
