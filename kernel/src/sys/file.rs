//! System calls on files: taking the arguments apart and checking them. What they do is in [`crate::fs`].

mod content;
mod control;
mod locks;
mod metadata;
mod tree;

use crate::errno::{Errno, Result, SysResult};
use crate::fs::path::Name;
use crate::fs::{self, Node};
use crate::sys::nr;
use crate::user;
use alloc::vec::Vec;

/// `dirfd` of a path that starts in the working directory.
const AT_FDCWD: i32 = -100;
const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
const AT_REMOVEDIR: u32 = 0x200;
const AT_SYMLINK_FOLLOW: u32 = 0x400;
const AT_EMPTY_PATH: u32 = 0x1000;

/// A path from the program and the canonical directory it starts from.
struct Path {
    start: Vec<Name>,
    text: &'static [u8],
}

impl Path {
    /// The string at an address, seen from `dirfd`.
    fn at(dirfd: u64, address: u64) -> Result<Self> {
        Self::new(dirfd as i32, user::c_str(address)?)
    }

    /// The string at an address, seen from the working directory.
    fn cwd(address: u64) -> Result<Self> {
        Self::new(AT_FDCWD, user::c_str(address)?)
    }

    fn new(dirfd: i32, text: &'static [u8]) -> Result<Self> {
        let start = match dirfd {
            _ if text.starts_with(b"/") => Vec::new(),
            AT_FDCWD => fs::with(|files| Ok(files.cwd().to_vec()))?,
            _ => {
                let file = fs::open_file(dirfd)?;
                if !file.directory {
                    return Err(Errno::ENOTDIR);
                }
                file.path.borrow().clone()
            }
        };
        Ok(Self { start, text })
    }

    fn node(&self, follow: bool) -> Result<Node> {
        fs::with(|files| files.node(&self.start, self.text, follow))
    }
}

fn done(result: Result<()>) -> SysResult {
    result.map(|()| 0)
}

/// Serves a call on files; `None` for any other.
pub fn call(number: u64, args: &[u64; 6]) -> Option<SysResult> {
    let &[a, b, c, d, e, _] = args;
    let cwd = AT_FDCWD as u64;
    Some(match number {
        nr::READ => content::read(a, b, c),
        nr::WRITE => content::write(a, b, c),
        nr::PREAD64 => content::pread(a, b, c, d),
        nr::PWRITE64 => content::pwrite(a, b, c, d),
        nr::READV => content::readv(a, b, c, None),
        nr::WRITEV => content::writev(a, b, c, None),
        nr::PREADV => content::position(d).and_then(|at| content::readv(a, b, c, Some(at))),
        nr::PWRITEV => content::position(d).and_then(|at| content::writev(a, b, c, Some(at))),
        nr::PREADV2 => content::with_flags(d, args[5]).and_then(|at| content::readv(a, b, c, at)),
        nr::PWRITEV2 => content::with_flags(d, args[5]).and_then(|at| content::writev(a, b, c, at)),
        nr::LSEEK => content::lseek(a, b, c),
        nr::SENDFILE => content::sendfile(a, b, c, d),
        nr::COPY_FILE_RANGE => content::copy_file_range(a, b, c, d, e, args[5]),
        nr::GETDENTS64 => content::getdents64(a, b, c),
        nr::FTRUNCATE => content::ftruncate(a, b),
        nr::TRUNCATE => content::truncate(a, b),
        nr::FALLOCATE => content::fallocate(a, b, c, d),
        nr::FSYNC => content::fsync(a, false),
        nr::FDATASYNC => content::fsync(a, true),
        // Written data is in the host's page cache when write returns; sync of one file is what fsync is for.
        nr::SYNC => Ok(0),
        nr::SYNCFS | nr::FADVISE64 | nr::READAHEAD | nr::SYNC_FILE_RANGE => {
            fs::open_file(a as i32).map(|_| 0)
        }

        nr::OPEN => tree::open(cwd, a, b, c),
        nr::OPENAT => tree::open(a, b, c, d),
        nr::OPENAT2 => tree::openat2(a, b, c, d),
        nr::CREAT => tree::create(a, b),
        nr::MKNOD => tree::mknod(cwd, a, b),
        nr::MKNODAT => tree::mknod(a, b, c),
        nr::MKDIR => tree::mkdir(cwd, a, b),
        nr::MKDIRAT => tree::mkdir(a, b, c),
        nr::RMDIR => tree::unlink(cwd, a, AT_REMOVEDIR.into()),
        nr::UNLINK => tree::unlink(cwd, a, 0),
        nr::UNLINKAT => tree::unlink(a, b, c),
        nr::RENAME => tree::rename(cwd, a, cwd, b, 0),
        nr::RENAMEAT => tree::rename(a, b, c, d, 0),
        nr::RENAMEAT2 => tree::rename(a, b, c, d, e),
        nr::LINK => tree::link(cwd, a, cwd, b, 0),
        nr::LINKAT => tree::link(a, b, c, d, e),
        nr::SYMLINK => tree::symlink(a, cwd, b),
        nr::SYMLINKAT => tree::symlink(a, b, c),
        nr::READLINK => tree::readlink(cwd, a, b, c),
        nr::READLINKAT => tree::readlink(a, b, c, d),
        nr::GETCWD => tree::getcwd(a, b),
        nr::CHDIR => tree::chdir(a),
        nr::FCHDIR => tree::fchdir(a),
        nr::UMASK => fs::with(|files| Ok(files.set_umask(a as u32) as usize)),

        nr::STAT => metadata::stat(cwd, a, b, 0),
        nr::LSTAT => metadata::stat(cwd, a, b, AT_SYMLINK_NOFOLLOW.into()),
        nr::FSTAT => metadata::fstat(a, b),
        nr::NEWFSTATAT => metadata::stat(a, b, c, d),
        nr::STATX => metadata::statx(a, b, c, e),
        nr::STATFS => metadata::statfs(a, b),
        nr::FSTATFS => metadata::fstatfs(a, b),
        nr::ACCESS => metadata::access(cwd, a, b, 0),
        nr::FACCESSAT => metadata::access(a, b, c, 0),
        nr::FACCESSAT2 => metadata::access(a, b, c, d),
        nr::CHMOD => metadata::chmod(cwd, a, b),
        nr::FCHMODAT => metadata::chmod(a, b, c),
        nr::FCHMOD => metadata::fchmod(a, b),
        nr::CHOWN => metadata::chown(cwd, a, b, c, 0),
        nr::LCHOWN => metadata::chown(cwd, a, b, c, AT_SYMLINK_NOFOLLOW.into()),
        nr::FCHOWNAT => metadata::chown(a, b, c, d, e),
        nr::FCHOWN => metadata::fchown(a, b, c),
        nr::UTIMENSAT => metadata::utimensat(a, b, c, d),
        nr::UTIMES => metadata::utimes(cwd, a, b),
        nr::FUTIMESAT => metadata::utimes(a, b, c),
        nr::UTIME => metadata::utime(a, b),

        nr::GETXATTR | nr::SETXATTR | nr::LISTXATTR | nr::REMOVEXATTR => metadata::xattr(a, true),
        nr::LGETXATTR | nr::LSETXATTR | nr::LLISTXATTR | nr::LREMOVEXATTR => metadata::xattr(a, false),
        nr::FGETXATTR | nr::FSETXATTR | nr::FLISTXATTR | nr::FREMOVEXATTR => {
            fs::open_file(a as i32).and(Err(Errno::EOPNOTSUPP))
        }

        nr::CLOSE => control::close(a),
        nr::CLOSE_RANGE => control::close_range(a, b, c),
        nr::DUP => control::dup(a),
        nr::DUP2 => control::dup2(a, b),
        nr::DUP3 => control::dup3(a, b, c),
        nr::FCNTL => control::fcntl(a, b, c),
        nr::FLOCK => locks::flock(a, b),
        nr::IOCTL => control::ioctl(a, b, c),
        _ => return None,
    })
}
