//! setsockopt(2) and getsockopt(2).

use crate::cell::KernelCell;
use crate::errno::{Errno, Result, SysResult};
use crate::net::options::name::{
    SO_ACCEPTCONN, SO_DOMAIN, SO_ERROR, SO_PROTOCOL, SO_TYPE, SOL_IP, SOL_SOCKET, SOL_TCP,
};
use crate::net::socket::Socket;
use crate::user;
use alloc::vec::Vec;

/// Longest value of an option.
const MOST_BYTES: usize = 256;

/// Tells once of each option that there is none.
fn unknown(level: i32, name: i32) -> Errno {
    static TOLD: KernelCell<Vec<(i32, i32)>> = KernelCell::new(Vec::new());
    // Programs ask for options of IPv6 whatever the socket is.
    let told = TOLD.borrow().contains(&(level, name));
    if matches!(level, SOL_SOCKET | SOL_TCP | SOL_IP) && !told {
        TOLD.borrow().push((level, name));
        note!(
            "the program uses option {name} of level {level} (setsockopt or getsockopt), which a rank's sockets do not have: it gets ENOPROTOOPT, most programs do without"
        );
    }
    Errno::ENOPROTOOPT
}

pub fn set(socket: &dyn Socket, level: i32, name: i32, value: u64, len: u64) -> SysResult {
    let len = usize::try_from(len as i32).map_err(|_| Errno::EINVAL)?.min(MOST_BYTES);
    let value = user::slice(value, len)?;
    let result = socket.options().borrow_mut().set(level, name, value);
    match result {
        Err(Errno::ENOPROTOOPT) => return Err(unknown(level, name)),
        result => result?,
    }
    socket.options_changed();
    Ok(0)
}

fn value(socket: &dyn Socket, level: i32, name: i32) -> Result<Vec<u8>> {
    let (domain, kind, protocol) = socket.kind();
    let number = match (level, name) {
        (SOL_SOCKET, SO_TYPE) => kind,
        (SOL_SOCKET, SO_DOMAIN) => domain,
        (SOL_SOCKET, SO_PROTOCOL) => protocol,
        (SOL_SOCKET, SO_ERROR) => socket.take_error().map_or(0, |errno| errno.0),
        (SOL_SOCKET, SO_ACCEPTCONN) => socket.listens().into(),
        _ => {
            let value = socket.options().borrow().get(level, name);
            return value.map_err(|e| if e == Errno::ENOPROTOOPT { unknown(level, name) } else { e });
        }
    };
    Ok(number.to_le_bytes().to_vec())
}

pub fn get(socket: &dyn Socket, level: i32, name: i32, address: u64, len: u64) -> SysResult {
    let room = usize::try_from(user::read::<i32>(len)?).map_err(|_| Errno::EINVAL)?;
    let value = value(socket, level, name)?;
    let n = room.min(value.len());
    user::slice_mut(address, n)?.copy_from_slice(&value[..n]);
    user::write(len, &(n as u32))?;
    Ok(0)
}
