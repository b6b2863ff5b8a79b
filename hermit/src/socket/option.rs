//! Options of sockets: other numbers than Linux', and shorter microseconds.

use core::ffi::c_void;

use hermit_abi::{
    EINVAL, IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_MULTICAST_LOOP, IP_MULTICAST_TTL, IP_TOS, IP_TTL,
    IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, IPV6_ADD_MEMBERSHIP, IPV6_DROP_MEMBERSHIP, IPV6_MULTICAST_LOOP,
    IPV6_V6ONLY, SO_BROADCAST, SO_ERROR, SO_KEEPALIVE, SO_LINGER, SO_RCVBUF, SO_RCVTIMEO, SO_REUSEADDR,
    SO_SNDBUF, SO_SNDTIMEO, SOL_SOCKET, TCP_NODELAY, socklen_t, timeval,
};

use crate::error::{refused, told32};

/// The crate's level and option, Linux' option. Levels but SOL_SOCKET are numbers of protocols, which are the same.
const OPTIONS: [(i32, i32, i32); 20] = [
    (SOL_SOCKET, SO_REUSEADDR, 2),
    (SOL_SOCKET, SO_ERROR, 4),
    (SOL_SOCKET, SO_BROADCAST, 6),
    (SOL_SOCKET, SO_SNDBUF, 7),
    (SOL_SOCKET, SO_RCVBUF, 8),
    (SOL_SOCKET, SO_KEEPALIVE, 9),
    (SOL_SOCKET, SO_LINGER, 13),
    (SOL_SOCKET, SO_RCVTIMEO, 20),
    (SOL_SOCKET, SO_SNDTIMEO, 21),
    (IPPROTO_IP, IP_TOS, 1),
    (IPPROTO_IP, IP_TTL, 2),
    (IPPROTO_IP, IP_MULTICAST_TTL, 33),
    (IPPROTO_IP, IP_MULTICAST_LOOP, 34),
    (IPPROTO_IP, IP_ADD_MEMBERSHIP, 35),
    (IPPROTO_IP, IP_DROP_MEMBERSHIP, 36),
    (IPPROTO_TCP, TCP_NODELAY, 1),
    (IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 19),
    (IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, 20),
    (IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, 21),
    (IPPROTO_IPV6, IPV6_V6ONLY, 26),
];
const LINUX_SOL_SOCKET: i32 = 1;

/// Linux' level and number of an option.
fn to_linux(level: i32, name: i32) -> Option<(i32, i32)> {
    let (_, _, option) = OPTIONS.iter().find(|known| (known.0, known.1) == (level, name))?;
    Some((if level == SOL_SOCKET { LINUX_SOL_SOCKET } else { level }, *option))
}

fn is_time(level: i32, name: i32) -> bool {
    level == SOL_SOCKET && matches!(name, SO_RCVTIMEO | SO_SNDTIMEO)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_setsockopt(
    s: i32,
    level: i32,
    optname: i32,
    optval: *const c_void,
    optlen: socklen_t,
) -> i32 {
    let Some((linux_level, option)) = to_linux(level, optname).filter(|_| !optval.is_null()) else {
        return refused(EINVAL) as i32;
    };
    if !is_time(level, optname) {
        return told32(linux!(SETSOCKOPT, s, linux_level, option, optval, optlen));
    }
    if (optlen as usize) < size_of::<timeval>() {
        return refused(EINVAL) as i32;
    }
    // SAFETY: the caller's, of this size.
    let time = unsafe { optval.cast::<timeval>().read_unaligned() };
    let linux_time = [time.tv_sec, i64::from(time.tv_usec)];
    told32(linux!(SETSOCKOPT, s, linux_level, option, &raw const linux_time, size_of_val(&linux_time)))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_getsockopt(
    s: i32,
    level: i32,
    optname: i32,
    optval: *mut c_void,
    optlen: *mut socklen_t,
) -> i32 {
    let there = !optval.is_null() && !optlen.is_null();
    let Some((linux_level, option)) = to_linux(level, optname).filter(|_| there) else {
        return refused(EINVAL) as i32;
    };
    if !is_time(level, optname) {
        return told32(linux!(GETSOCKOPT, s, linux_level, option, optval, optlen));
    }
    let (mut linux_time, mut len) = ([0i64; 2], 16u32);
    // SAFETY: the caller's.
    if (unsafe { optlen.read() } as usize) < size_of::<timeval>() {
        return refused(EINVAL) as i32;
    }
    let result = linux!(GETSOCKOPT, s, linux_level, option, &raw mut linux_time, &raw mut len);
    if result == 0 {
        let time = timeval { tv_sec: linux_time[0], tv_usec: linux_time[1] as i32 };
        // SAFETY: the caller's, of this size.
        unsafe {
            optval.cast::<timeval>().write_unaligned(time);
            optlen.write(size_of::<timeval>() as socklen_t);
        }
    }
    told32(result)
}
