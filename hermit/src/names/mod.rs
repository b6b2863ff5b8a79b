//! Addresses of hosts and services by name.

mod dns;
mod host;
mod resolver;
mod service;
mod text;

use core::ffi::{CStr, c_char};
use core::net::IpAddr;
use core::ptr;

use hermit_abi::{
    AF_INET, AF_INET6, AF_UNSPEC, EAI_AGAIN, EAI_FAIL, EAI_FAMILY, EAI_MEMORY, EAI_NONAME, EHOSTUNREACH,
    EINVAL, EIO, ENOENT, addrinfo, in_addr, in6_addr, sockaddr, sockaddr_in, sockaddr_in6,
};

use crate::error::refused;
use crate::heap;
use host::{Found, Wanted};
use service::Service;

/// `EAI_` of the crate.
type Eai = i32;

/// One answer as it is handed out: what `ai_addr` points to lies behind it.
#[repr(C)]
struct Answer {
    info: addrinfo,
    address: sockaddr_in6,
}

/// The text of the caller's string; None for null.
///
/// # Safety
/// `text` is null or a string of the caller's.
unsafe fn text<'a>(text: *const c_char) -> Result<Option<&'a str>, Eai> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller says.
    unsafe { CStr::from_ptr(text) }.to_str().map(Some).map_err(|_| EAI_NONAME)
}

/// Which families the caller asks for.
fn families(family: i32) -> Result<(bool, bool), Eai> {
    match family {
        AF_UNSPEC => Ok((true, true)),
        AF_INET => Ok((true, false)),
        AF_INET6 => Ok((false, true)),
        _ => Err(EAI_FAMILY),
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_getaddrinfo(
    nodename: *const c_char,
    servname: *const c_char,
    hints: *const addrinfo,
    res: *mut *mut addrinfo,
) -> i32 {
    // SAFETY: the caller's.
    let (node, name) = match unsafe { (text(nodename), text(servname)) } {
        (Ok(node), Ok(name)) => (node, name),
        _ => return EAI_NONAME,
    };
    // SAFETY: null or the caller's.
    let hints = unsafe { hints.as_ref() };
    let (flags, family, kind, protocol) =
        hints.map_or((0, AF_UNSPEC, 0, 0), |h| (h.ai_flags, h.ai_family, h.ai_socktype, h.ai_protocol));
    if (node.is_none() && name.is_none()) || res.is_null() {
        return EAI_NONAME;
    }
    let answers = families(family).and_then(|(v4, v6)| {
        let services = service::find(name, kind, protocol, flags)?;
        let found = host::find(node, Wanted { v4, v6, flags })?;
        list(&found, services.as_slice())
    });
    match answers {
        // SAFETY: the caller's.
        Ok(first) => unsafe {
            res.write(first);
            0
        },
        Err(error) => error,
    }
}

/// All pairs of an address and a service, in order.
fn list(found: &Found, services: &[Service]) -> Result<*mut addrinfo, Eai> {
    let mut first: *mut addrinfo = ptr::null_mut();
    for address in found.addresses().iter().rev() {
        for service in services.iter().rev() {
            let place = heap::place::<Answer>();
            if place.is_null() {
                // SAFETY: the answers made so far.
                unsafe { sys_freeaddrinfo(first) };
                return Err(EAI_MEMORY);
            }
            // SAFETY: fresh memory of this size.
            unsafe { fill(place, *address, service, first) };
            first = place.cast();
        }
    }
    if first.is_null() { Err(EAI_NONAME) } else { Ok(first) }
}

/// # Safety
/// `place` is fresh memory.
unsafe fn fill(place: *mut Answer, address: IpAddr, service: &Service, next: *mut addrinfo) {
    let port = service.port.to_be();
    // SAFETY: as the caller says; an IPv4 address is shorter than the room for it.
    unsafe {
        let room = &raw mut (*place).address;
        let (family, len) = match address {
            IpAddr::V4(v4) => {
                let len = size_of::<sockaddr_in>();
                room.cast::<sockaddr_in>().write(sockaddr_in {
                    sin_len: len as u8,
                    sin_family: AF_INET as u8,
                    sin_port: port,
                    sin_addr: in_addr { s_addr: u32::from_ne_bytes(v4.octets()) },
                    sin_zero: [0; 8],
                });
                (AF_INET, len)
            }
            IpAddr::V6(v6) => {
                let len = size_of::<sockaddr_in6>();
                room.write(sockaddr_in6 {
                    sin6_len: len as u8,
                    sin6_family: AF_INET6 as u8,
                    sin6_port: port,
                    sin6_flowinfo: 0,
                    sin6_addr: in6_addr { s6_addr: v6.octets() },
                    sin6_scope_id: 0,
                });
                (AF_INET6, len)
            }
        };
        (&raw mut (*place).info).write(addrinfo {
            ai_flags: 0,
            ai_family: family,
            ai_socktype: service.kind,
            ai_protocol: service.protocol,
            ai_addrlen: len as u32,
            ai_canonname: ptr::null_mut(),
            ai_addr: room.cast::<sockaddr>(),
            ai_next: next,
        });
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_freeaddrinfo(ai: *mut addrinfo) {
    let mut at = ai;
    while !at.is_null() {
        // SAFETY: an answer of `list`, which the caller no longer uses.
        unsafe {
            let next = (*at).ai_next;
            heap::vacate(at.cast::<Answer>());
            at = next;
        }
    }
}

/// One address of the family that `len` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_getaddrbyname(name: *const c_char, inaddr: *mut u8, len: usize) -> i32 {
    let v4 = len == size_of::<in_addr>();
    if inaddr.is_null() || name.is_null() || !(v4 || len == size_of::<in6_addr>()) {
        return refused(EINVAL) as i32;
    }
    // SAFETY: the caller's.
    let found = match unsafe { text(name) } {
        Ok(name) => host::find(name, Wanted { v4, v6: !v4, flags: 0 }),
        Err(_) => return refused(EINVAL) as i32,
    };
    let error = match found {
        Ok(found) => match found.addresses().first() {
            // SAFETY: so many bytes are the caller's.
            Some(IpAddr::V4(address)) => unsafe {
                ptr::copy_nonoverlapping(address.octets().as_ptr(), inaddr, 4);
                return 0;
            },
            // SAFETY: so many bytes are the caller's.
            Some(IpAddr::V6(address)) => unsafe {
                ptr::copy_nonoverlapping(address.octets().as_ptr(), inaddr, 16);
                return 0;
            },
            None => ENOENT,
        },
        Err(EAI_AGAIN) => EHOSTUNREACH,
        Err(EAI_FAIL) => EIO,
        Err(_) => ENOENT,
    };
    refused(error) as i32
}
