//! Attributes of a file, and the structures in which Linux tells them (x86-64 layouts; stat(2), statx(2)).

use super::p9;

/// Directory.
pub const S_IFDIR: u32 = 0o040000;
/// Character device.
pub const S_IFCHR: u32 = 0o020000;
/// Regular file.
pub const S_IFREG: u32 = 0o100000;
/// Symbolic link.
pub const S_IFLNK: u32 = 0o120000;
/// Pipe.
pub const S_IFIFO: u32 = 0o010000;
/// Type bits of a mode.
pub const S_IFMT: u32 = 0o170000;

const SECOND: u64 = 1_000_000_000;

/// Attributes of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attr {
    /// File system.
    pub dev: u64,
    /// File number in it.
    pub ino: u64,
    /// Type and permissions.
    pub mode: u32,
    /// Names.
    pub nlink: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number of a device file.
    pub rdev: u64,
    /// Bytes.
    pub size: u64,
    /// Good size of a transfer.
    pub blksize: u64,
    /// Blocks of 512 bytes.
    pub blocks: u64,
    /// Last access, nanoseconds since 1970.
    pub atime: u64,
    /// Last change of data.
    pub mtime: u64,
    /// Last change of attributes.
    pub ctime: u64,
}

impl Attr {
    /// From a file server's answer about a file of mount `dev`.
    pub fn from_9p(dev: u64, a: &p9::Attr) -> Self {
        let ns = |(s, n): (u64, u64)| s.saturating_mul(SECOND).saturating_add(n);
        Self {
            dev,
            ino: a.qid.path,
            mode: a.mode,
            nlink: a.nlink,
            uid: a.uid,
            gid: a.gid,
            rdev: a.rdev,
            size: a.size,
            // The server says how large a message may be, which programs would take for the size of their buffers.
            blksize: a.blksize.clamp(512, 1 << 20),
            blocks: a.blocks,
            atime: ns(a.atime),
            mtime: ns(a.mtime),
            ctime: ns(a.ctime),
        }
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.mode & S_IFMT == S_IFDIR
    }
}

/// `struct stat`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Stat {
    dev: u64,
    ino: u64,
    nlink: u64,
    mode: u32,
    uid: u32,
    gid: u32,
    pad: u32,
    rdev: u64,
    size: i64,
    blksize: i64,
    blocks: i64,
    times: [[u64; 2]; 3],
    unused: [i64; 3],
}

impl From<&Attr> for Stat {
    fn from(a: &Attr) -> Self {
        let pair = |ns: u64| [ns / SECOND, ns % SECOND];
        Self {
            dev: a.dev,
            ino: a.ino,
            nlink: a.nlink,
            mode: a.mode,
            uid: a.uid,
            gid: a.gid,
            pad: 0,
            rdev: a.rdev,
            size: a.size as i64,
            blksize: a.blksize as i64,
            blocks: a.blocks as i64,
            times: [pair(a.atime), pair(a.mtime), pair(a.ctime)],
            unused: [0; 3],
        }
    }
}

/// A time of statx(2).
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct StatxTime {
    sec: i64,
    nsec: u32,
    reserved: i32,
}

/// `struct statx`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Statx {
    mask: u32,
    blksize: u32,
    attributes: u64,
    nlink: u32,
    uid: u32,
    gid: u32,
    mode: u16,
    spare0: u16,
    ino: u64,
    size: u64,
    blocks: u64,
    attributes_mask: u64,
    atime: StatxTime,
    btime: StatxTime,
    ctime: StatxTime,
    mtime: StatxTime,
    rdev: [u32; 2],
    dev: [u32; 2],
    mnt_id: u64,
    spare: [u64; 13],
}

/// STATX_BASIC_STATS: all but the time of birth.
const STATX_BASIC: u32 = 0x7ff;

impl From<&Attr> for Statx {
    fn from(a: &Attr) -> Self {
        let time = |ns: u64| StatxTime { sec: (ns / SECOND) as i64, nsec: (ns % SECOND) as u32, reserved: 0 };
        Self {
            mask: STATX_BASIC,
            blksize: a.blksize as u32,
            attributes: 0,
            nlink: a.nlink as u32,
            uid: a.uid,
            gid: a.gid,
            mode: a.mode as u16,
            spare0: 0,
            ino: a.ino,
            size: a.size,
            blocks: a.blocks,
            attributes_mask: 0,
            atime: time(a.atime),
            btime: StatxTime::default(),
            ctime: time(a.ctime),
            mtime: time(a.mtime),
            rdev: split_device(a.rdev),
            dev: split_device(a.dev),
            mnt_id: a.dev,
            spare: [0; 13],
        }
    }
}

/// Major and minor number (glibc's gnu_dev_major and gnu_dev_minor).
fn split_device(dev: u64) -> [u32; 2] {
    let major = (dev >> 8 & 0xfff) | (dev >> 32 & !0xfff);
    let minor = (dev & 0xff) | (dev >> 12 & !0xff);
    [major as u32, minor as u32]
}

/// `struct statfs`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct StatFs {
    /// Magic number of the kind of file system.
    pub kind: u64,
    /// Good size of a transfer.
    pub bsize: u64,
    /// Blocks: all, free, free for users.
    pub blocks: [u64; 3],
    /// Files: all, free.
    pub files: [u64; 2],
    /// Identity.
    pub fsid: u64,
    /// Longest name.
    pub namelen: u64,
    /// Unit of the block counts.
    pub frsize: u64,
    /// ST_VALID, and ST_RDONLY for a read-only mount.
    pub flags: u64,
    spare: [u64; 4],
}

impl StatFs {
    /// From a file server's answer.
    pub fn from_9p(s: &p9::StatFs, read_only: bool) -> Self {
        Self {
            kind: s.kind.into(),
            bsize: s.bsize.into(),
            blocks: s.blocks,
            files: s.files,
            fsid: s.fsid,
            namelen: s.namelen.into(),
            frsize: s.bsize.into(),
            flags: 0x20 | u64::from(read_only),
            spare: [0; 4],
        }
    }

    /// Of the tree in memory (TMPFS_MAGIC).
    pub fn ram() -> Self {
        Self { kind: 0x0102_1994, bsize: 4096, frsize: 4096, namelen: 255, flags: 0x20, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_linux_sizes() {
        assert_eq!(size_of::<Stat>(), 144);
        assert_eq!(core::mem::offset_of!(Stat, size), 48);
        assert_eq!(size_of::<Statx>(), 256);
        assert_eq!(core::mem::offset_of!(Statx, atime), 64);
        assert_eq!(core::mem::offset_of!(Statx, rdev), 128);
        assert_eq!(size_of::<StatFs>(), 120);
    }

    #[test]
    fn device_numbers_split() {
        assert_eq!(split_device(0x0103), [1, 3]);
        assert_eq!(split_device(0x12345), [0x123, 0x45]);
        assert_eq!(split_device(1 << 20 | 5 << 8 | 1), [5, 0x101]);
    }
}
