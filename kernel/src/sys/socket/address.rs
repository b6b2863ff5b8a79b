//! Addresses of sockets as the program has them: `struct sockaddr_in` and `sockaddr_un`.

use crate::errno::{Errno, Result};
use crate::net::socket::{Name, kind};
use crate::user;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};

/// Bytes of `struct sockaddr_in`.
const INET_BYTES: usize = 16;
/// Most bytes an address may have (`struct sockaddr_storage`).
const MOST_BYTES: usize = 128;

/// Whom an address means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// AF_UNSPEC.
    Nobody,
    /// An address and a port.
    Inet(SocketAddrV4),
    /// A path.
    Unix(&'static [u8]),
}

/// Reads an address of the program.
pub fn take_peer(address: u64, len: u64) -> Result<Peer> {
    let len = usize::try_from(len as u32).ok().filter(|&n| n <= MOST_BYTES).ok_or(Errno::EINVAL)?;
    let bytes = user::slice(address, len)?;
    let (family, rest) = bytes.split_first_chunk::<2>().ok_or(Errno::EINVAL)?;
    match i32::from(u16::from_le_bytes(*family)) {
        0 => Ok(Peer::Nobody),
        kind::AF_INET if len >= INET_BYTES => {
            let port = u16::from_be_bytes([rest[0], rest[1]]);
            Ok(Peer::Inet(SocketAddrV4::new(Ipv4Addr::new(rest[2], rest[3], rest[4], rest[5]), port)))
        }
        kind::AF_INET => Err(Errno::EINVAL),
        kind::AF_UNIX => {
            let end = rest.iter().skip(1).position(|&b| b == 0).map_or(rest.len(), |i| i + 1);
            Ok(Peer::Unix(&rest[..end]))
        }
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

/// A name's bytes.
fn bytes(name: Name) -> Vec<u8> {
    match name {
        Name::Unix => (kind::AF_UNIX as u16).to_le_bytes().to_vec(),
        Name::Inet(at) => {
            let mut bytes = (kind::AF_INET as u16).to_le_bytes().to_vec();
            bytes.extend(at.port().to_be_bytes());
            bytes.extend(at.ip().octets());
            bytes.resize(INET_BYTES, 0);
            bytes
        }
    }
}

/// Stores a name, as far as there is room for it, and its length, which `len` points to. Without an address, nothing.
pub fn put_name(name: Option<Name>, address: u64, len: u64) -> Result<()> {
    if address == 0 {
        return Ok(());
    }
    let room = usize::try_from(user::read::<i32>(len)?).map_err(|_| Errno::EINVAL)?;
    user::write(len, &(put_bytes(name, address, room)? as u32))
}

/// Stores a name, as far as `room` reaches; its whole length.
pub fn put_bytes(name: Option<Name>, address: u64, room: usize) -> Result<usize> {
    let bytes = name.map(bytes).unwrap_or_default();
    let n = room.min(bytes.len());
    user::slice_mut(address, n)?.copy_from_slice(&bytes[..n]);
    Ok(bytes.len())
}
