//! Sockets. The crate numbers address families, options and flags as BSD and lwIP do, and an address begins with its length.

mod address;
mod option;

use core::ffi::c_void;

use hermit_abi::{
    AF_INET, AF_INET6, AF_UNSPEC, AF_VSOCK, EAFNOSUPPORT, EDESTADDRREQ, EINVAL, EPROTONOSUPPORT, IPPROTO_IP,
    IPPROTO_IPV6, IPPROTO_TCP, IPPROTO_UDP, MSG_PEEK, SOCK_CLOEXEC, SOCK_NONBLOCK, sockaddr, socklen_t,
};

use crate::error::{refused, told, told32};
use address::Address;
pub use address::{LINUX_AF_INET, LINUX_AF_INET6};
pub use option::*;

/// Linux' flag of sockets that are closed on exec.
pub const LINUX_SOCK_CLOEXEC: u64 = 0o2_000_000;
const LINUX_MSG_PEEK: u64 = 2;
/// No SIGPIPE: Hermit has no signals.
const LINUX_MSG_NOSIGNAL: u64 = 0x4000;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_socket(domain: i32, type_: i32, protocol: i32) -> i32 {
    let family = match domain {
        AF_INET | AF_INET6 | AF_VSOCK => address::family_to_linux(domain as u8),
        AF_UNSPEC => None,
        _ => None,
    };
    let Some(family) = family else { return refused(EAFNOSUPPORT) as i32 };
    let protocol = match protocol {
        IPPROTO_IP | IPPROTO_IPV6 => 0,
        IPPROTO_TCP | IPPROTO_UDP => protocol,
        _ => return refused(EPROTONOSUPPORT) as i32,
    };
    let (kind, flags) = (type_ & 0xff, type_ & !0xff);
    if flags & !(SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 {
        return refused(EINVAL) as i32;
    }
    let mut linux_kind = (kind | flags & SOCK_NONBLOCK) as u64;
    if flags & SOCK_CLOEXEC != 0 {
        linux_kind |= LINUX_SOCK_CLOEXEC;
    }
    told32(linux!(SOCKET, u64::from(family), linux_kind, protocol))
}

/// Accepts, and tells whose connection it is where there is room for that.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_accept(s: i32, addr: *mut sockaddr, addrlen: *mut socklen_t) -> i32 {
    let mut peer = Address::room();
    let fd = linux!(ACCEPT, s, peer.bytes(), peer.len());
    if fd >= 0 && !addr.is_null() && !addrlen.is_null() {
        // SAFETY: the caller's. A connection is worth more than its address.
        let _ = unsafe { peer.write(addr, addrlen) };
    }
    told32(fd)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_bind(s: i32, name: *const sockaddr, namelen: socklen_t) -> i32 {
    if name.is_null() {
        return refused(EDESTADDRREQ) as i32;
    }
    // SAFETY: the caller's.
    match unsafe { Address::read(name, namelen) } {
        Ok(mut own) => told32(linux!(BIND, s, own.bytes(), own.size())),
        Err(error) => refused(error) as i32,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_connect(s: i32, name: *const sockaddr, namelen: socklen_t) -> i32 {
    // SAFETY: the caller's.
    match unsafe { Address::read(name, namelen) } {
        Ok(mut peer) => told32(linux!(CONNECT, s, peer.bytes(), peer.size())),
        Err(error) => refused(error) as i32,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_listen(s: i32, backlog: i32) -> i32 {
    told32(linux!(LISTEN, s, backlog))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_shutdown(sockfd: i32, how: i32) -> i32 {
    told32(linux!(SHUTDOWN, sockfd, how))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_shutdown_socket(s: i32, how: i32) -> i32 {
    // SAFETY: as ours.
    unsafe { sys_shutdown(s, how) }
}

/// Asks for an address, and hands it to the caller.
///
/// # Safety
/// `name` and `namelen` are null or the caller's.
unsafe fn ask(name: *mut sockaddr, namelen: *mut socklen_t, call: impl FnOnce(&mut Address) -> isize) -> i32 {
    if name.is_null() || namelen.is_null() {
        return refused(EINVAL) as i32;
    }
    let mut address = Address::room();
    let result = call(&mut address);
    if result < 0 {
        return told32(result);
    }
    // SAFETY: the caller's.
    match unsafe { address.write(name, namelen) } {
        Ok(()) => 0,
        Err(error) => refused(error) as i32,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_getpeername(s: i32, name: *mut sockaddr, namelen: *mut socklen_t) -> i32 {
    // SAFETY: the caller's.
    unsafe { ask(name, namelen, |peer| linux!(GETPEERNAME, s, peer.bytes(), peer.len())) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_getsockname(s: i32, name: *mut sockaddr, namelen: *mut socklen_t) -> i32 {
    // SAFETY: the caller's.
    unsafe { ask(name, namelen, |own| linux!(GETSOCKNAME, s, own.bytes(), own.len())) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_send(s: i32, mem: *const c_void, len: usize, flags: i32) -> isize {
    // SAFETY: as ours.
    unsafe { sys_sendto(s, mem, len, flags, core::ptr::null(), 0) }
}

/// Without an address it is [`sys_send`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_sendto(
    s: i32,
    mem: *const c_void,
    len: usize,
    flags: i32,
    to: *const sockaddr,
    tolen: socklen_t,
) -> isize {
    if flags != 0 {
        return refused(EINVAL);
    }
    if to.is_null() {
        return told(linux!(SENDTO, s, mem, len, LINUX_MSG_NOSIGNAL));
    }
    // SAFETY: the caller's.
    match unsafe { Address::read(to, tolen) } {
        Ok(mut to) => told(linux!(SENDTO, s, mem, len, LINUX_MSG_NOSIGNAL, to.bytes(), to.size())),
        Err(error) => refused(error),
    }
}

fn receive_flags(flags: i32) -> Option<u64> {
    match flags {
        0 => Some(0),
        MSG_PEEK => Some(LINUX_MSG_PEEK),
        _ => None,
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_recv(socket: i32, buf: *mut u8, len: usize, flags: i32) -> isize {
    let Some(flags) = receive_flags(flags) else { return refused(EINVAL) };
    told(linux!(RECVFROM, socket, buf, len, flags))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_recvfrom(
    socket: i32,
    buf: *mut u8,
    len: usize,
    flags: i32,
    addr: *mut sockaddr,
    addrlen: *mut socklen_t,
) -> isize {
    let Some(flags) = receive_flags(flags) else { return refused(EINVAL) };
    let mut from = Address::room();
    let received = linux!(RECVFROM, socket, buf, len, flags, from.bytes(), from.len());
    if received >= 0 && !addr.is_null() && !addrlen.is_null() {
        // SAFETY: the caller's.
        if let Err(error) = unsafe { from.write(addr, addrlen) } {
            return refused(error);
        }
    }
    told(received)
}
