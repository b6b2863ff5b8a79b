//! Socket options (socket(7), tcp(7), ip(7)): which there are, and what they do.

use crate::errno::{Errno, Result};
use crate::time::SECOND;
use alloc::vec::Vec;
use core::cell::RefCell;
use smoltcp::socket::tcp;
use smoltcp::time::Duration;

#[expect(missing_docs, reason = "names of the standard")]
pub mod name {
    pub const SOL_IP: i32 = 0;
    pub const SOL_SOCKET: i32 = 1;
    pub const SOL_TCP: i32 = 6;
    pub const SO_REUSEADDR: i32 = 2;
    pub const SO_TYPE: i32 = 3;
    pub const SO_ERROR: i32 = 4;
    pub const SO_BROADCAST: i32 = 6;
    pub const SO_SNDBUF: i32 = 7;
    pub const SO_RCVBUF: i32 = 8;
    pub const SO_KEEPALIVE: i32 = 9;
    pub const SO_LINGER: i32 = 13;
    pub const SO_REUSEPORT: i32 = 15;
    pub const SO_RCVTIMEO: i32 = 20;
    pub const SO_SNDTIMEO: i32 = 21;
    pub const SO_ACCEPTCONN: i32 = 30;
    pub const SO_SNDBUFFORCE: i32 = 32;
    pub const SO_RCVBUFFORCE: i32 = 33;
    pub const SO_PROTOCOL: i32 = 38;
    pub const SO_DOMAIN: i32 = 39;
    pub const TCP_NODELAY: i32 = 1;
    pub const TCP_MAXSEG: i32 = 2;
    pub const TCP_KEEPIDLE: i32 = 4;
    pub const IP_TTL: i32 = 2;
}
use name::*;

/// Options that are kept and told but change nothing: wishes about what the stack does not do or does anyway.
const HINTS: [(i32, i32); 19] = [
    // SO_DONTROUTE, SO_OOBINLINE, SO_PRIORITY, SO_PASSCRED, SO_RCVLOWAT, SO_TIMESTAMP
    (SOL_SOCKET, 5),
    (SOL_SOCKET, 10),
    (SOL_SOCKET, 12),
    (SOL_SOCKET, 16),
    (SOL_SOCKET, 18),
    (SOL_SOCKET, 29),
    // TCP_CORK, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_SYNCNT, TCP_LINGER2, TCP_DEFER_ACCEPT, TCP_QUICKACK, TCP_USER_TIMEOUT
    (SOL_TCP, 3),
    (SOL_TCP, 5),
    (SOL_TCP, 6),
    (SOL_TCP, 7),
    (SOL_TCP, 8),
    (SOL_TCP, 9),
    (SOL_TCP, 12),
    (SOL_TCP, 18),
    // IP_TOS, IP_MTU_DISCOVER, IP_RECVERR, IP_BIND_ADDRESS_NO_PORT, IP_FREEBIND
    (SOL_IP, 1),
    (SOL_IP, 10),
    (SOL_IP, 11),
    (SOL_IP, 24),
    (SOL_IP, 15),
];
/// Those that are numbers and do something.
const NUMBERS: [(i32, i32); 8] = [
    (SOL_SOCKET, SO_REUSEADDR),
    (SOL_SOCKET, SO_BROADCAST),
    (SOL_SOCKET, SO_KEEPALIVE),
    (SOL_SOCKET, SO_REUSEPORT),
    (SOL_TCP, TCP_NODELAY),
    (SOL_TCP, TCP_MAXSEG),
    (SOL_TCP, TCP_KEEPIDLE),
    (SOL_IP, IP_TTL),
];
/// Most bytes of a buffer that a program may ask for (rmem_max, wmem_max).
const MOST_BUFFER: usize = 4 << 20;

/// What the options of a socket amount to.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Settings {
    /// By level and name.
    numbers: Vec<((i32, i32), i32)>,
    /// Bytes of the receive buffer, if the program said.
    pub receive_buffer: Option<usize>,
    /// Bytes of the send buffer, if the program said.
    pub send_buffer: Option<usize>,
    /// Longest wait of a receive, nanoseconds.
    pub receive_patience: Option<u64>,
    /// Longest wait of a send.
    pub send_patience: Option<u64>,
    /// Seconds that closing may take; 0 resets the connection.
    pub linger: Option<u32>,
}

/// The options of a socket.
pub type Options = RefCell<Settings>;

/// A number out of an option's value.
fn integer(value: &[u8]) -> Result<i32> {
    match value {
        [a, b, c, d, ..] => Ok(i32::from_le_bytes([*a, *b, *c, *d])),
        _ => Err(Errno::EINVAL),
    }
}

/// A time out of a `struct timeval`; 0 is forever.
fn patience(value: &[u8]) -> Result<Option<u64>> {
    let (seconds, rest) = value.split_first_chunk::<8>().ok_or(Errno::EINVAL)?;
    let (us, _) = rest.split_first_chunk::<8>().ok_or(Errno::EINVAL)?;
    let ns =
        crate::sys::time::to_ns(i64::from_le_bytes(*seconds), i64::from_le_bytes(*us).saturating_mul(1000));
    ns.map_err(|_| Errno(33)).map(|ns| Some(ns).filter(|&ns| ns > 0))
}

fn timeval(patience: Option<u64>) -> Vec<u8> {
    let ns = patience.unwrap_or(0);
    [ns / SECOND, ns % SECOND / 1000].map(u64::to_le_bytes).concat()
}

impl Settings {
    /// A number that was set; 0 otherwise.
    pub fn number(&self, level: i32, name: i32) -> i32 {
        self.numbers.iter().find(|entry| entry.0 == (level, name)).map_or(0, |entry| entry.1)
    }

    /// Whether a switch is on.
    pub fn is_on(&self, name: i32) -> bool {
        self.number(SOL_SOCKET, name) != 0
    }

    /// Sets an option. ENOPROTOOPT if there is none of the name.
    pub fn set(&mut self, level: i32, name: i32, value: &[u8]) -> Result<()> {
        // Linux doubles what is asked for, for its own bookkeeping; programs that read it back expect that.
        let bytes = || integer(value).map(|n| Some((n.max(0) as usize).saturating_mul(2).min(MOST_BUFFER)));
        match (level, name) {
            (SOL_SOCKET, SO_RCVBUF | SO_RCVBUFFORCE) => self.receive_buffer = bytes()?,
            (SOL_SOCKET, SO_SNDBUF | SO_SNDBUFFORCE) => self.send_buffer = bytes()?,
            (SOL_SOCKET, SO_RCVTIMEO) => self.receive_patience = patience(value)?,
            (SOL_SOCKET, SO_SNDTIMEO) => self.send_patience = patience(value)?,
            (SOL_SOCKET, SO_LINGER) => {
                let seconds = integer(value.get(4..).unwrap_or(&[]))?;
                self.linger = (integer(value)? != 0).then_some(seconds.max(0) as u32);
            }
            key if NUMBERS.contains(&key) || HINTS.contains(&key) => {
                // IP_TOS and IP_TTL also come as one byte.
                let number = match value {
                    [byte, ..] if value.len() < 4 && level == SOL_IP => i32::from(*byte),
                    _ => integer(value)?,
                };
                if key == (SOL_IP, IP_TTL) && !(1..=255).contains(&number) {
                    return Err(Errno::EINVAL);
                }
                self.numbers.retain(|entry| entry.0 != key);
                self.numbers.push((key, number));
            }
            _ => return Err(Errno::ENOPROTOOPT),
        }
        Ok(())
    }

    /// An option's value. ENOPROTOOPT if there is none of the name.
    pub fn get(&self, level: i32, name: i32) -> Result<Vec<u8>> {
        let number = |n: i32| Ok(n.to_le_bytes().to_vec());
        let bytes = |set: Option<usize>| number(set.unwrap_or_else(super::stack::buffer_bytes) as i32);
        match (level, name) {
            (SOL_SOCKET, SO_RCVBUF) => bytes(self.receive_buffer),
            (SOL_SOCKET, SO_SNDBUF) => bytes(self.send_buffer),
            (SOL_SOCKET, SO_RCVTIMEO) => Ok(timeval(self.receive_patience)),
            (SOL_SOCKET, SO_SNDTIMEO) => Ok(timeval(self.send_patience)),
            (SOL_SOCKET, SO_LINGER) => {
                let on = i32::from(self.linger.is_some());
                Ok([on, self.linger.unwrap_or(0) as i32].map(i32::to_le_bytes).concat())
            }
            (SOL_IP, IP_TTL) => number(self.hop_limit().unwrap_or(64).into()),
            (SOL_TCP, TCP_MAXSEG) => number(1460),
            (SOL_TCP, TCP_KEEPIDLE) => number(self.keep_idle() as i32),
            key if NUMBERS.contains(&key) || HINTS.contains(&key) => number(self.number(level, name)),
            _ => Err(Errno::ENOPROTOOPT),
        }
    }

    /// Hops a packet may take, if the program said.
    pub fn hop_limit(&self) -> Option<u8> {
        u8::try_from(self.number(SOL_IP, IP_TTL)).ok().filter(|&n| n > 0)
    }

    fn keep_idle(&self) -> u64 {
        match self.number(SOL_TCP, TCP_KEEPIDLE) {
            n if n > 0 => n as u64,
            _ => 7200,
        }
    }

    /// Makes a connection's socket behave as the options say.
    pub fn apply(&self, socket: &mut tcp::Socket<'_>) {
        socket.set_nagle_enabled(self.number(SOL_TCP, TCP_NODELAY) == 0);
        socket.set_hop_limit(self.hop_limit());
        let idle = Duration::from_secs(self.keep_idle());
        socket.set_keep_alive(self.is_on(SO_KEEPALIVE).then_some(idle));
        if self.is_on(SO_KEEPALIVE) {
            // A peer that leaves ten of them unanswered is gone.
            socket.set_timeout(Some(idle * 10));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_kept() {
        let mut settings = Settings::default();
        assert_eq!(settings.set(SOL_SOCKET, SO_REUSEADDR, &1i32.to_le_bytes()), Ok(()));
        assert_eq!(settings.get(SOL_SOCKET, SO_REUSEADDR), Ok(vec![1, 0, 0, 0]));
        assert_eq!(settings.set(SOL_SOCKET, SO_RCVBUF, &65536i32.to_le_bytes()), Ok(()));
        assert_eq!(settings.get(SOL_SOCKET, SO_RCVBUF), Ok(131072i32.to_le_bytes().to_vec()));
        let time = [1u64.to_le_bytes(), 500_000u64.to_le_bytes()].concat();
        assert_eq!(settings.set(SOL_SOCKET, SO_RCVTIMEO, &time), Ok(()));
        assert_eq!(
            (settings.receive_patience, settings.get(SOL_SOCKET, SO_RCVTIMEO)),
            (Some(1_500_000_000), Ok(time))
        );
        assert_eq!(settings.set(SOL_SOCKET, SO_LINGER, &[1, 0, 0, 0, 5, 0, 0, 0]), Ok(()));
        assert_eq!(settings.linger, Some(5));
    }

    #[test]
    fn unknown_ones_and_short_values_are_refused() {
        let mut settings = Settings::default();
        assert_eq!(settings.set(SOL_SOCKET, 999, &[0; 4]), Err(Errno::ENOPROTOOPT));
        assert_eq!(settings.get(41, 26), Err(Errno::ENOPROTOOPT));
        for name in [SO_REUSEADDR, SO_RCVBUF, SO_RCVTIMEO, SO_LINGER] {
            assert_eq!(settings.set(SOL_SOCKET, name, &[1, 0]), Err(Errno::EINVAL));
        }
        assert_eq!(settings.set(SOL_IP, IP_TTL, &[0; 4]), Err(Errno::EINVAL));
    }
}
