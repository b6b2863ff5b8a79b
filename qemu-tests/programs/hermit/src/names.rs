//! Addresses of hosts and services, as far as they need no name server.

use hermit_abi as abi;
use hermit_abi::{addrinfo, sockaddr_in, sockaddr_in6};
use std::ffi::CStr;
use std::ptr::{null, null_mut};

const NUMERIC_HOST: i32 = 4;

fn hints(flags: i32, family: i32, kind: i32) -> addrinfo {
    addrinfo {
        ai_flags: flags,
        ai_family: family,
        ai_socktype: kind,
        ai_protocol: 0,
        ai_addrlen: 0,
        ai_canonname: null_mut(),
        ai_addr: null_mut(),
        ai_next: null_mut(),
    }
}

unsafe fn find(
    node: Option<&CStr>,
    service: Option<&CStr>,
    hints: &addrinfo,
) -> Result<Vec<(String, i32, u16)>, i32> {
    let mut first = null_mut();
    let text = |text: Option<&CStr>| text.map_or(null(), CStr::as_ptr);
    let result = abi::getaddrinfo(text(node), text(service), hints, &mut first);
    if result != 0 {
        return Err(result);
    }
    let (mut all, mut at) = (Vec::new(), first);
    while !at.is_null() {
        let info = &*at;
        let (host, port) = if info.ai_family == abi::AF_INET {
            let name = &*info.ai_addr.cast::<sockaddr_in>();
            check!((name.sin_len, name.sin_family, info.ai_addrlen), (16, 3, 16));
            (std::net::Ipv4Addr::from(name.sin_addr.s_addr.to_ne_bytes()).to_string(), name.sin_port)
        } else {
            let name = &*info.ai_addr.cast::<sockaddr_in6>();
            check!((name.sin6_len, name.sin6_family, info.ai_addrlen), (28, 1, 28));
            (std::net::Ipv6Addr::from(name.sin6_addr.s6_addr).to_string(), name.sin6_port)
        };
        all.push((host, info.ai_socktype, u16::from_be(port)));
        at = info.ai_next;
    }
    abi::freeaddrinfo(first);
    Ok(all)
}

pub unsafe fn all() {
    let answer = |host: &str, kind, port| (host.to_owned(), kind, port);
    let stream = hints(0, abi::AF_UNSPEC, abi::SOCK_STREAM);
    check!(find(Some(c"10.1.2.3"), Some(c"80"), &stream), Ok(vec![answer("10.1.2.3", 1, 80)]));
    check!(find(Some(c"fe80::7"), Some(c"https"), &stream), Ok(vec![answer("fe80::7", 1, 443)]));
    let any = hints(0, abi::AF_INET, 0);
    check!(find(None, Some(c"5"), &any), Ok(vec![answer("127.0.0.1", 1, 5), answer("127.0.0.1", 2, 5)]));
    check!(find(Some(c"localhost"), None, &hints(0, abi::AF_INET, 2)), Ok(vec![answer("127.0.0.1", 2, 0)]));
    check!(find(Some(c"host"), None, &hints(NUMERIC_HOST, abi::AF_INET, 1)), Err(abi::EAI_NONAME));
    check!(find(Some(c"10.1.2.3"), None, &hints(0, 77, 1)), Err(abi::EAI_FAMILY));
    check!(find(Some(c"10.1.2.3"), Some(c"what"), &stream), Err(abi::EAI_SERVICE));
    check!(find(None, None, &stream), Err(abi::EAI_NONAME));
    abi::freeaddrinfo(null_mut());
    let mut address = [0u8; 16];
    check!(abi::getaddrbyname(c"10.1.2.3".as_ptr(), address.as_mut_ptr(), 4), 0);
    check!(&address[..4], &[10, 1, 2, 3][..]);
    check!(abi::getaddrbyname(c"::1".as_ptr(), address.as_mut_ptr(), 16), 0);
    check!(address, std::net::Ipv6Addr::LOCALHOST.octets());
    check!(abi::getaddrbyname(c"10.1.2.3".as_ptr(), address.as_mut_ptr(), 5), -abi::EINVAL);
    check!(abi::getaddrbyname(c"10.1.2.3".as_ptr(), address.as_mut_ptr(), 16), -abi::ENOENT);
}
