//! Calls on descriptors.

use super::{done, locks};
use crate::bootconfig;
use crate::errno::{Errno, Result, SysResult};
use crate::fs::open::{O_CLOEXEC, O_DIRECT, O_NONBLOCK, Object, OpenFile};
use crate::fs::{self, fdtable};
use crate::user;

pub fn close(fd: u64) -> SysResult {
    let file = fs::with(|files| files.fds.remove(fd as i32))?;
    // The last descriptor of a file gives it back to the server here, with the table free, and its lock to the others.
    drop(file);
    crate::irq::notify();
    Ok(0)
}

pub fn close_range(first: u64, last: u64, flags: u64) -> SysResult {
    const CLOSE_RANGE_CLOEXEC: u64 = 4;
    if first > last || flags & !(CLOSE_RANGE_CLOEXEC | 2) != 0 {
        return Err(Errno::EINVAL);
    }
    for fd in first..=last.min(fdtable::LIMIT as u64 - 1) {
        // Numbers in the range that are not open are not an error.
        let _ = if flags & CLOSE_RANGE_CLOEXEC != 0 {
            fs::with(|files| files.fds.set_close_on_exec(fd as i32, true)).map(|()| 0)
        } else {
            close(fd)
        };
    }
    Ok(0)
}

fn duplicate(fd: u64, close_on_exec: bool, from: usize) -> SysResult {
    fs::with(|files| {
        let file = files.fds.get(fd as i32)?;
        files.fds.insert(file, close_on_exec, from)
    })
    .map(|fd| fd as usize)
}

pub fn dup(fd: u64) -> SysResult {
    duplicate(fd, false, 0)
}

fn replace(old: u64, new: u64, close_on_exec: bool) -> SysResult {
    let closed = fs::with(|files| {
        let file = files.fds.get(old as i32)?;
        files.fds.replace(new as i32, file, close_on_exec)
    })?;
    drop(closed);
    Ok(new as i32 as usize)
}

pub fn dup2(old: u64, new: u64) -> SysResult {
    if old as i32 == new as i32 {
        return fs::open_file(old as i32).map(|_| new as i32 as usize);
    }
    replace(old, new, false)
}

pub fn dup3(old: u64, new: u64, flags: u64) -> SysResult {
    if old as i32 == new as i32 || flags & !u64::from(O_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    replace(old, new, flags != 0)
}

pub fn fcntl(fd: u64, command: u64, argument: u64) -> SysResult {
    let file = fs::open_file(fd as i32)?;
    let number = fd as i32;
    match command {
        F_DUPFD | F_DUPFD_CLOEXEC => {
            let from = usize::try_from(argument as i64).map_err(|_| Errno::EINVAL)?;
            duplicate(fd, command == F_DUPFD_CLOEXEC, from)
        }
        F_GETFD => fs::with(|files| Ok(files.fds.close_on_exec(number)?.into())),
        F_SETFD => done(fs::with(|files| files.fds.set_close_on_exec(number, argument & 1 != 0))),
        F_GETFL => Ok(file.flags() as usize),
        F_SETFL if argument as u32 & O_DIRECT != 0 => Err(super::tree::refuse_direct()),
        F_SETFL => {
            file.set_flags(argument as u32);
            Ok(0)
        }
        F_GETLK => done(locks::get(&file, argument)),
        F_SETLK | F_SETLKW => done(locks::set(&file, argument)),
        _ => Err(Errno::EINVAL),
    }
}

const F_DUPFD: u64 = 0;
const F_GETFD: u64 = 1;
const F_SETFD: u64 = 2;
const F_GETFL: u64 = 3;
const F_SETFL: u64 = 4;
const F_GETLK: u64 = 5;
const F_SETLK: u64 = 6;
const F_SETLKW: u64 = 7;
const F_DUPFD_CLOEXEC: u64 = 1030;

const TCGETS: u64 = 0x5401;
const TIOCGWINSZ: u64 = 0x5413;
const FIONREAD: u64 = 0x541b;
const FIONBIO: u64 = 0x5421;
const FIONCLEX: u64 = 0x5450;
const FIOCLEX: u64 = 0x5451;

pub fn ioctl(fd: u64, request: u64, argument: u64) -> SysResult {
    let file = fs::open_file(fd as i32)?;
    match request & 0xffff_ffff {
        TCGETS if is_terminal(&file) => done(user::write(argument, &termios())),
        // 24 rows of 80 columns: what the runner's terminal has, it does not tell.
        TIOCGWINSZ if is_terminal(&file) => done(user::write(argument, &[24u16, 80, 0, 0])),
        FIONREAD => done(bytes_ahead(&file).and_then(|n| user::write(argument, &n))),
        FIONBIO => {
            let on = user::read::<u32>(argument)? != 0;
            file.set_flags(if on { file.flags() | O_NONBLOCK } else { file.flags() & !O_NONBLOCK });
            Ok(0)
        }
        FIOCLEX | FIONCLEX => {
            let on = request & 0xffff_ffff == FIOCLEX;
            done(fs::with(|files| files.fds.set_close_on_exec(fd as i32, on)))
        }
        _ => Err(Errno::ENOTTY),
    }
}

fn is_terminal(file: &OpenFile) -> bool {
    bootconfig::get().tty && matches!(&file.object, Object::Device(d) if d.is_console())
}

fn bytes_ahead(file: &OpenFile) -> Result<u32> {
    match &file.object {
        Object::Device(_) => Ok((file.events() & crate::fs::like::event::READ != 0).into()),
        Object::Stream(s) => s.bytes_ahead(),
        _ if file.directory => Err(Errno::ENOTTY),
        _ => Ok(u32::try_from(file.attr()?.size.saturating_sub(file.seek(0, 1)?)).unwrap_or(u32::MAX)),
    }
}

/// The kernel's struct termios of a terminal in its usual mode: c_iflag, c_oflag, c_cflag, c_lflag, c_line and c_cc.
fn termios() -> [u8; 36] {
    const ICRNL_IXON: u32 = 0x500;
    const OPOST_ONLCR: u32 = 0x5;
    const B38400_CS8_CREAD: u32 = 0xbf;
    const ECHO_ICANON_ISIG_AND_KIN: u32 = 0x8a3b;
    let mut bytes = [0; 36];
    for (i, word) in [ICRNL_IXON, OPOST_ONLCR, B38400_CS8_CREAD, ECHO_ICANON_ISIG_AND_KIN].iter().enumerate()
    {
        bytes[4 * i..4 * i + 4].copy_from_slice(&word.to_le_bytes());
    }
    bytes
}
