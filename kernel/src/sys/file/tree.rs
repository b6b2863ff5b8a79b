//! Calls on names and directories.

use super::{AT_REMOVEDIR, AT_SYMLINK_FOLLOW, Path, done};
use crate::cell::KernelCell;
use crate::errno::{Errno, SysResult};
use crate::fs::open::{O_CLOEXEC, O_CREAT, O_DIRECT, O_EXCL, O_PATH, O_TRUNC, O_WRONLY};
use crate::fs::{self, attr, path};
use crate::sys::first_time;
use crate::user;
use alloc::rc::Rc;

/// Data always passes through the host's page cache; said once.
pub fn refuse_direct() -> Errno {
    static TOLD: KernelCell<[u64; 8]> = KernelCell::new([0; 8]);
    if first_time(&TOLD, 0) {
        note!(
            "the program asks for O_DIRECT, which the host's file server does not have: it gets EINVAL; open the file without it"
        );
    }
    Errno::EINVAL
}

pub fn open(dirfd: u64, path: u64, flags: u64, mode: u64) -> SysResult {
    let (path, flags) = (Path::at(dirfd, path)?, flags as u32);
    if flags & (O_DIRECT | O_PATH) == O_DIRECT {
        return Err(refuse_direct());
    }
    let file = fs::with(|files| {
        let file = files.open(&path.start, path.text, flags, mode as u32)?;
        files.fds.insert(Rc::new(file), flags & O_CLOEXEC != 0, 0)
    })?;
    Ok(file as usize)
}

/// With wishes about how the path is resolved, programs take ENOSYS for an old kernel and resolve it themselves.
pub fn openat2(dirfd: u64, path: u64, how: u64, size: u64) -> SysResult {
    if size < 24 {
        return Err(Errno::EINVAL);
    }
    let [flags, mode, resolve] = user::read::<[u64; 3]>(how)?;
    match (resolve, flags >> 32) {
        (0, 0) => open(dirfd, path, flags, mode),
        (0, _) => Err(Errno::EINVAL),
        _ => Err(Errno::ENOSYS),
    }
}

/// A regular file is made; pipes with a name and device files the file server's host has, but not a rank.
pub fn mknod(dirfd: u64, path: u64, mode: u64) -> SysResult {
    let path = Path::at(dirfd, path)?;
    match mode as u32 & attr::S_IFMT {
        0 | attr::S_IFREG => {
            let flags = O_CREAT | O_EXCL | O_WRONLY;
            fs::with(|files| files.open(&path.start, path.text, flags, mode as u32)).map(|_| 0)
        }
        attr::S_IFDIR => Err(Errno::EPERM),
        _ => {
            note!(
                "the program makes a named pipe or a device file (mknod), which a rank cannot have: it gets EPERM; use pipe or MPI"
            );
            Err(Errno::EPERM)
        }
    }
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
