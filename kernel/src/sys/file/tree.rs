//! Calls on names and directories.

use super::{AT_REMOVEDIR, AT_SYMLINK_FOLLOW, Path, done};
use crate::errno::{Errno, SysResult};
use crate::fs::open::{O_CLOEXEC, O_CREAT, O_TRUNC, O_WRONLY};
use crate::fs::{self, path};
use crate::user;
use alloc::rc::Rc;

pub fn open(dirfd: u64, path: u64, flags: u64, mode: u64) -> SysResult {
    let (path, flags) = (Path::at(dirfd, path)?, flags as u32);
    let file = fs::with(|files| {
        let file = files.open(&path.start, path.text, flags, mode as u32)?;
        files.fds.insert(Rc::new(file), flags & O_CLOEXEC != 0, 0)
    })?;
    Ok(file as usize)
}

pub fn create(path: u64, mode: u64) -> SysResult {
    open(super::AT_FDCWD as u64, path, (O_CREAT | O_WRONLY | O_TRUNC).into(), mode)
}

pub fn mkdir(dirfd: u64, path: u64, mode: u64) -> SysResult {
    let path = Path::at(dirfd, path)?;
    done(fs::with(|files| files.mkdir(&path.start, path.text, mode as u32)))
}

pub fn unlink(dirfd: u64, path: u64, flags: u64) -> SysResult {
    if flags & !u64::from(AT_REMOVEDIR) != 0 {
        return Err(Errno::EINVAL);
    }
    let path = Path::at(dirfd, path)?;
    done(fs::with(|files| files.unlink(&path.start, path.text, flags != 0)))
}

pub fn rename(from_dir: u64, from: u64, to_dir: u64, to: u64, flags: u64) -> SysResult {
    const RENAME_NOREPLACE: u64 = 1;
    if flags & !RENAME_NOREPLACE != 0 {
        return Err(Errno::EINVAL);
    }
    let (from, to) = (Path::at(from_dir, from)?, Path::at(to_dir, to)?);
    done(fs::with(|files| files.rename((&from.start, from.text), (&to.start, to.text), flags != 0)))
}

pub fn link(from_dir: u64, from: u64, to_dir: u64, to: u64, flags: u64) -> SysResult {
    if flags & !u64::from(AT_SYMLINK_FOLLOW) != 0 {
        return Err(Errno::EINVAL);
    }
    let (from, to) = (Path::at(from_dir, from)?, Path::at(to_dir, to)?);
    done(fs::with(|files| files.link((&from.start, from.text), (&to.start, to.text), flags != 0)))
}

pub fn symlink(target: u64, dirfd: u64, path: u64) -> SysResult {
    let target = user::c_str(target)?;
    let path = Path::at(dirfd, path)?;
    done(fs::with(|files| files.symlink(target, &path.start, path.text)))
}

pub fn readlink(dirfd: u64, path: u64, buf: u64, size: u64) -> SysResult {
    let size = i32::try_from(size as i64).ok().filter(|&n| n > 0).ok_or(Errno::EINVAL)? as usize;
    let target = Path::at(dirfd, path)?.node(false)?.as_ref().readlink()?;
    let n = target.len().min(size);
    user::slice_mut(buf, n)?.copy_from_slice(&target[..n]);
    Ok(n)
}

pub fn getcwd(buf: u64, size: u64) -> SysResult {
    let mut text = fs::with(|files| Ok(path::join(files.cwd())))?;
    text.push(0);
    if text.len() as u64 > size {
        return Err(Errno::ERANGE);
    }
    user::slice_mut(buf, text.len())?.copy_from_slice(&text);
    Ok(text.len())
}

pub fn chdir(path: u64) -> SysResult {
    let path = Path::cwd(path)?;
    done(fs::with(|files| files.chdir(&path.start, path.text)))
}

pub fn fchdir(fd: u64) -> SysResult {
    let file = fs::open_file(fd as i32)?;
    done(fs::with(|files| files.fchdir(&file)))
}
