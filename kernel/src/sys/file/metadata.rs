//! Calls on attributes.

use super::{AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, Path, done};
use crate::bootconfig;
use crate::errno::{Errno, Result, SysResult};
use crate::fs::attr::{Attr, Stat, StatFs, Statx};
use crate::fs::open::NodeRef;
use crate::fs::ram::Body;
use crate::fs::{self, Node};
use crate::time;
use crate::user::{self, Plain};

// SAFETY: integers only, laid out without padding: the tests of `fs::attr` hold the sizes that Linux has.
unsafe impl Plain for Stat {}
// SAFETY: as above.
unsafe impl Plain for Statx {}
// SAFETY: as above.
unsafe impl Plain for StatFs {}

const AT_NO_AUTOMOUNT: u32 = 0x800;
const AT_EACCESS: u32 = 0x200;
/// AT_STATX_FORCE_SYNC and AT_STATX_DONT_SYNC: attributes always come from the server.
const AT_STATX_SYNC: u32 = 0x6000;

/// Attributes of what `dirfd`, path and flags of a call name.
fn attr_at(dirfd: u64, path: u64, flags: u32) -> Result<Attr> {
    let empty = flags & AT_EMPTY_PATH != 0 && (path == 0 || user::c_str(path)?.is_empty());
    if empty && dirfd as i32 != AT_FDCWD {
        return fs::open_file(dirfd as i32)?.attr();
    }
    let node = if empty {
        Path::new(AT_FDCWD, b".")?.node(true)?
    } else {
        Path::at(dirfd, path)?.node(flags & AT_SYMLINK_NOFOLLOW == 0)?
    };
    node.as_ref().attr()
}

pub fn stat(dirfd: u64, path: u64, buf: u64, flags: u64) -> SysResult {
    if flags as u32 & !(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0 {
        return Err(Errno::EINVAL);
    }
    let attr = attr_at(dirfd, path, flags as u32)?;
    done(user::write(buf, &Stat::from(&attr)))
}

pub fn fstat(fd: u64, buf: u64) -> SysResult {
    let attr = fs::open_file(fd as i32)?.attr()?;
    done(user::write(buf, &Stat::from(&attr)))
}

pub fn statx(dirfd: u64, path: u64, flags: u64, buf: u64) -> SysResult {
    if flags as u32 & !(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_SYNC) != 0 {
        return Err(Errno::EINVAL);
    }
    let attr = attr_at(dirfd, path, flags as u32)?;
    done(user::write(buf, &Statx::from(&attr)))
}

pub fn statfs(path: u64, buf: u64) -> SysResult {
    let numbers = match Path::cwd(path)?.node(true)? {
        Node::Host(file) => file.statfs()?,
        Node::Ram(_) => StatFs::ram(),
    };
    done(user::write(buf, &numbers))
}

pub fn fstatfs(fd: u64, buf: u64) -> SysResult {
    let numbers = fs::open_file(fd as i32)?.statfs()?;
    done(user::write(buf, &numbers))
}

/// Whether the program's user has the rights `want` (R 4, W 2, X 1) to a file.
fn allows(attr: &Attr, want: u32) -> bool {
    let config = bootconfig::get();
    if config.uid == 0 {
        return want & 1 == 0 || attr.is_dir() || attr.mode & 0o111 != 0;
    }
    let shift = match attr {
        a if a.uid == config.uid => 6,
        a if a.gid == config.gid => 3,
        _ => 0,
    };
    attr.mode >> shift & want == want
}

pub fn access(dirfd: u64, path: u64, mode: u64, flags: u64) -> SysResult {
    const W: u32 = 2;
    let (mode, flags) = (mode as u32, flags as u32);
    if mode & !7 != 0 || flags & !(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let attr = if flags & AT_EMPTY_PATH != 0 {
        attr_at(dirfd, path, flags)?
    } else {
        let node = Path::at(dirfd, path)?.node(flags & AT_SYMLINK_NOFOLLOW == 0)?;
        match &node {
            Node::Host(file) if mode & W != 0 => file.tree().check_writable()?,
            Node::Ram(inode) if mode & W != 0 && matches!(inode.body, Body::Packed(_)) => {
                return Err(Errno::EROFS);
            }
            _ => {}
        }
        node.as_ref().attr()?
    };
    if allows(&attr, mode) { Ok(0) } else { Err(Errno::EACCES) }
}

/// No file has extended attributes.
pub fn xattr(path: u64, follow: bool) -> SysResult {
    Path::cwd(path)?.node(follow).and(Err(Errno::EOPNOTSUPP))
}

pub fn chmod(dirfd: u64, path: u64, mode: u64) -> SysResult {
    let node = Path::at(dirfd, path)?.node(true)?;
    done(node.as_ref().set_mode(mode as u32))
}

/// Does something to the file of a descriptor; a console has no attributes to change.
fn of_descriptor(fd: u64, change: impl FnOnce(NodeRef<'_>) -> Result<()>) -> SysResult {
    let file = fs::open_file(fd as i32)?;
    done(file.node().ok_or(Errno::EPERM).and_then(change))
}

pub fn fchmod(fd: u64, mode: u64) -> SysResult {
    of_descriptor(fd, |node| node.set_mode(mode as u32))
}

/// An owner given by the program: -1 leaves it as it is.
fn id(value: u64) -> Option<u32> {
    Some(value as u32).filter(|&id| id != u32::MAX)
}

pub fn chown(dirfd: u64, path: u64, uid: u64, gid: u64, flags: u64) -> SysResult {
    let flags = flags as u32;
    if flags & AT_EMPTY_PATH != 0 && user::c_str(path)?.is_empty() {
        return fchown(dirfd, uid, gid);
    }
    let node = Path::at(dirfd, path)?.node(flags & AT_SYMLINK_NOFOLLOW == 0)?;
    done(node.as_ref().set_owner(id(uid), id(gid)))
}

pub fn fchown(fd: u64, uid: u64, gid: u64) -> SysResult {
    of_descriptor(fd, |node| node.set_owner(id(uid), id(gid)))
}

/// A pair of struct timespec; `None` leaves a time as it is.
fn timespecs(address: u64) -> Result<[Option<u64>; 2]> {
    const UTIME_NOW: u64 = 0x3fff_ffff;
    const UTIME_OMIT: u64 = 0x3fff_fffe;
    let now = Some(time::realtime_ns());
    if address == 0 {
        return Ok([now; 2]);
    }
    let one = |sec: u64, ns: u64| match ns {
        UTIME_NOW => Ok(now),
        UTIME_OMIT => Ok(None),
        0..1_000_000_000 => Ok(Some(sec.saturating_mul(1_000_000_000).saturating_add(ns))),
        _ => Err(Errno::EINVAL),
    };
    let [a_sec, a_ns, m_sec, m_ns] = user::read::<[u64; 4]>(address)?;
    Ok([one(a_sec, a_ns)?, one(m_sec, m_ns)?])
}

pub fn utimensat(dirfd: u64, path: u64, times: u64, flags: u64) -> SysResult {
    let [atime, mtime] = timespecs(times)?;
    if path == 0 {
        return of_descriptor(dirfd, |node| node.set_times(atime, mtime));
    }
    let node = Path::at(dirfd, path)?.node(flags as u32 & AT_SYMLINK_NOFOLLOW == 0)?;
    done(node.as_ref().set_times(atime, mtime))
}

/// Sets times given in seconds and microseconds, or to now.
fn set_coarse_times(dirfd: u64, path: u64, given: Option<[u64; 4]>) -> SysResult {
    let now = time::realtime_ns();
    let ns = |sec: u64, us: u64| sec.saturating_mul(1_000_000_000).saturating_add(us.saturating_mul(1000));
    let [atime, mtime] = given.map_or([now; 2], |[a, au, m, mu]| [ns(a, au), ns(m, mu)]);
    done(Path::at(dirfd, path)?.node(true)?.as_ref().set_times(Some(atime), Some(mtime)))
}

pub fn utimes(dirfd: u64, path: u64, times: u64) -> SysResult {
    let given = if times == 0 { None } else { Some(user::read::<[u64; 4]>(times)?) };
    set_coarse_times(dirfd, path, given)
}

pub fn utime(path: u64, times: u64) -> SysResult {
    let given = if times == 0 { None } else { Some(user::read::<[u64; 2]>(times)?) };
    set_coarse_times(AT_FDCWD as u64, path, given.map(|[a, m]| [a, 0, m, 0]))
}
