//! Files in memory: the root, what stands in for /dev, /proc and /sys, and /tmp.
//!
//! Only directories marked as writable take new entries. The root is not, so that a program which writes to a
//! directory nobody mounted gets an error instead of results that vanish with the VM.

use super::attr::{Attr, S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG};
use super::path::Name;
use super::resolve::Probe;
use super::synth::Device;
use crate::errno::{Errno, Result};
use crate::mm::room;
use crate::time;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// Device number of the tree, for stat(2).
const DEV: u64 = 1;
const BLOCK: u64 = 4096;

/// A file in memory.
pub struct Inode {
    ino: u64,
    mode: Cell<u32>,
    owner: Cell<(u32, u32)>,
    links: Cell<u64>,
    /// Access, modification and status change, nanoseconds since 1970.
    times: Cell<[u64; 3]>,
    /// What it holds.
    pub body: Body,
}

/// What a file in memory is.
pub enum Body {
    /// A directory.
    Directory(Directory),
    /// Bytes that stay as they are: of the image's own file tree, and of /sys.
    Packed(&'static [u8]),
    /// Bytes.
    Data(RefCell<Vec<u8>>),
    /// A symbolic link.
    Link(Vec<u8>),
    /// A device.
    Device(Device),
    /// A text made when it is opened.
    Text(fn() -> Vec<u8>),
}

/// A directory in memory.
pub struct Directory {
    /// Entries by name.
    pub entries: RefCell<BTreeMap<Name, Rc<Inode>>>,
    writable: bool,
}

/// Numbers and owner for the tree's files.
pub struct Ram {
    next: Cell<u64>,
    /// User and group that own every file.
    owner: (u32, u32),
    /// The root directory.
    pub root: Rc<Inode>,
}

impl Ram {
    /// User and group of every file.
    pub fn owner(&self) -> (u32, u32) {
        self.owner
    }

    /// An empty tree whose files belong to a user and group.
    pub fn new(owner: (u32, u32)) -> Self {
        let root = Inode::new(1, S_IFDIR | 0o555, owner, Body::directory(false));
        Self { next: Cell::new(2), owner, root }
    }

    /// A file that is in no directory yet.
    pub fn inode(&self, mode: u32, body: Body) -> Rc<Inode> {
        let ino = self.next.replace(self.next.get() + 1);
        Inode::new(ino, mode, self.owner, body)
    }

    /// Makes the directories on a path that are missing; the last is writable if so told.
    pub fn make_directories(&self, path: &[Name], writable: bool) -> Result<Rc<Inode>> {
        let mut at = self.root.clone();
        for (i, name) in path.iter().enumerate() {
            let last = i + 1 == path.len();
            let next = {
                let mut entries = at.directory()?.entries.borrow_mut();
                let new = || {
                    let (mode, writable) = if last && writable { (0o1777, true) } else { (0o555, false) };
                    self.inode(S_IFDIR | mode, Body::directory(writable))
                };
                entries.entry(name.clone()).or_insert_with(new).clone()
            };
            at = next;
        }
        Ok(at)
    }

    /// Puts a file at a path, with the directories on the way.
    pub fn put(&self, path: &[Name], mode: u32, body: Body) -> Result<()> {
        let (name, parents) = path.split_last().ok_or(Errno::EEXIST)?;
        let parent = self.make_directories(parents, false)?;
        parent.directory()?.entries.borrow_mut().insert(name.clone(), self.inode(mode, body));
        Ok(())
    }

    /// Looks a path up; see [`super::resolve::Forest::probe`].
    pub fn probe(&self, path: &[Name], follow: bool) -> Result<Probe<Rc<Inode>>> {
        let mut at = self.root.clone();
        for (i, name) in path.iter().enumerate() {
            let last = i + 1 == path.len();
            let found = at.directory()?.entries.borrow().get(name).cloned();
            at = match found {
                None if last => return Ok(Probe::Missing { parent: at }),
                None => return Err(Errno::ENOENT),
                Some(next) => next,
            };
            match &at.body {
                Body::Link(target) if !last || follow => {
                    return Ok(Probe::Link { at: i, target: target.clone() });
                }
                _ => {}
            }
        }
        let directory = matches!(at.body, Body::Directory(_));
        Ok(Probe::Found { node: at, directory })
    }

    /// Makes a file in a directory.
    pub fn create(&self, parent: &Inode, name: &[u8], mode: u32, body: Body) -> Result<Rc<Inode>> {
        let inode = self.inode(mode, body);
        parent.attach(name, inode.clone())?;
        Ok(inode)
    }
}

impl Body {
    /// An empty directory.
    pub fn directory(writable: bool) -> Self {
        Body::Directory(Directory { entries: RefCell::default(), writable })
    }
}

impl Inode {
    fn new(ino: u64, mode: u32, owner: (u32, u32), body: Body) -> Rc<Self> {
        let now = time::realtime_ns();
        let (owner, times, mode) = (Cell::new(owner), Cell::new([now; 3]), Cell::new(mode));
        Rc::new(Self { ino, mode, owner, links: Cell::new(1), times, body })
    }

    /// The directory that this is, else `ENOTDIR`.
    pub fn directory(&self) -> Result<&Directory> {
        match &self.body {
            Body::Directory(d) => Ok(d),
            _ => Err(Errno::ENOTDIR),
        }
    }

    fn writable_directory(&self) -> Result<&Directory> {
        self.directory().and_then(|d| if d.writable { Ok(d) } else { Err(Errno::EROFS) })
    }

    /// An error for what cannot be changed: the image's file tree, and what stands in for other systems' files.
    pub fn changeable(&self) -> Result<()> {
        match &self.body {
            Body::Packed(_) | Body::Text(_) | Body::Directory(Directory { writable: false, .. }) => {
                Err(Errno::EROFS)
            }
            _ => Ok(()),
        }
    }

    /// Sets all times, for a file that is older than this run.
    pub fn set_born(&self, ns: u64) {
        self.times.set([ns; 3]);
    }

    /// Puts a new file into this directory, be it writable or not; `EEXIST` if there is one of that name.
    pub fn put(&self, name: &[u8], inode: Rc<Inode>) -> Result<()> {
        let mut entries = self.directory()?.entries.borrow_mut();
        if entries.contains_key(name) {
            return Err(Errno::EEXIST);
        }
        entries.insert(name.to_vec(), inode);
        Ok(())
    }

    fn attach(&self, name: &[u8], inode: Rc<Inode>) -> Result<()> {
        let mut entries = match self.directory()?.entries.try_borrow_mut() {
            Ok(entries) => entries,
            Err(_) => return Err(Errno::EBUSY),
        };
        if entries.contains_key(name) {
            return Err(Errno::EEXIST);
        }
        self.writable_directory()?;
        entries.insert(name.to_vec(), inode);
        self.touch(1);
        Ok(())
    }

    /// A further name for a file.
    pub fn link(&self, name: &[u8], inode: &Rc<Inode>) -> Result<()> {
        if inode.directory().is_ok() {
            return Err(Errno::EPERM);
        }
        self.attach(name, inode.clone())?;
        inode.links.set(inode.links.get() + 1);
        Ok(())
    }

    /// Removes an entry: an empty directory if `directory`, else anything else.
    pub fn unlink(&self, name: &[u8], directory: bool) -> Result<()> {
        let d = self.directory()?;
        let victim = d.entries.borrow().get(name).cloned().ok_or(Errno::ENOENT)?;
        match (&victim.body, directory) {
            (Body::Directory(v), true) if !v.entries.borrow().is_empty() => return Err(Errno::ENOTEMPTY),
            (Body::Directory(_), false) => return Err(Errno::EISDIR),
            (Body::Directory(_), true) | (_, false) => {}
            (_, true) => return Err(Errno::ENOTDIR),
        }
        self.writable_directory()?.entries.borrow_mut().remove(name);
        victim.links.set(victim.links.get().saturating_sub(1));
        self.touch(1);
        Ok(())
    }

    /// Renames an entry, to replace what may be there.
    pub fn rename(&self, name: &[u8], to: &Inode, to_name: &[u8]) -> Result<()> {
        let moved = self.writable_directory()?.entries.borrow().get(name).cloned().ok_or(Errno::ENOENT)?;
        let present = to.writable_directory()?.entries.borrow().get(to_name).cloned();
        if let Some(present) = present {
            if Rc::ptr_eq(&present, &moved) {
                return Ok(());
            }
            match (moved.directory().is_ok(), present.directory().is_ok()) {
                (true, false) => return Err(Errno::ENOTDIR),
                (false, true) => return Err(Errno::EISDIR),
                (_, directory) => to.unlink(to_name, directory)?,
            }
        }
        self.writable_directory()?.entries.borrow_mut().remove(name);
        to.writable_directory()?.entries.borrow_mut().insert(to_name.to_vec(), moved);
        self.touch(1);
        to.touch(1);
        Ok(())
    }

    /// Sets the access (0) or modification (1) time to now.
    pub fn touch(&self, which: usize) {
        let mut times = self.times.get();
        times[which] = time::realtime_ns();
        self.times.set(times);
    }

    /// Sets access and modification time.
    pub fn set_times(&self, atime: Option<u64>, mtime: Option<u64>) {
        let [a, m, _] = self.times.get();
        self.times.set([atime.unwrap_or(a), mtime.unwrap_or(m), time::realtime_ns()]);
    }

    /// Sets permission bits.
    pub fn set_mode(&self, mode: u32) {
        self.mode.set(self.mode.get() & !0o7777 | mode & 0o7777);
    }

    /// Sets the length of a file.
    pub fn set_len(&self, len: u64) -> Result<()> {
        self.changeable()?;
        let Body::Data(data) = &self.body else { return Err(Errno::EINVAL) };
        let len = usize::try_from(len).map_err(|_| Errno::EFBIG)?;
        let mut data = data.borrow_mut();
        grow(&mut data, len)?;
        data.truncate(len);
        drop(data);
        self.touch(1);
        Ok(())
    }

    /// Reads bytes at a position.
    pub fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let data = match &self.body {
            Body::Data(data) => &data.borrow()[..],
            Body::Packed(data) => data,
            _ => return Err(Errno::EINVAL),
        };
        let rest = usize::try_from(offset).ok().and_then(|o| data.get(o..)).unwrap_or(&[]);
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }

    /// Writes bytes at a position; a gap before it reads as zeros.
    pub fn write(&self, offset: u64, bytes: &[u8]) -> Result<usize> {
        let Body::Data(data) = &self.body else { return Err(Errno::EINVAL) };
        let start = usize::try_from(offset).map_err(|_| Errno::EFBIG)?;
        let end = start.checked_add(bytes.len()).ok_or(Errno::EFBIG)?;
        let mut data = data.borrow_mut();
        grow(&mut data, end)?;
        data[start..end].copy_from_slice(bytes);
        drop(data);
        self.touch(1);
        Ok(bytes.len())
    }

    /// What stat(2) tells.
    pub fn attr(&self) -> Attr {
        let size = match &self.body {
            Body::Data(data) => data.borrow().len() as u64,
            Body::Link(target) => target.len() as u64,
            Body::Packed(data) => data.len() as u64,
            _ => 0,
        };
        let rdev = match &self.body {
            Body::Device(device) => device.number(),
            _ => 0,
        };
        let [atime, mtime, ctime] = self.times.get();
        let (uid, gid) = self.owner.get();
        Attr {
            dev: DEV,
            ino: self.ino,
            mode: self.mode.get(),
            nlink: self.links.get(),
            uid,
            gid,
            rdev,
            size,
            blksize: BLOCK,
            blocks: size.div_ceil(512),
            atime,
            mtime,
            ctime,
        }
    }

    /// Type of the file as in a directory entry.
    pub fn entry_kind(&self) -> u8 {
        (self.mode.get() >> 12) as u8
    }
}

/// Lengthens to at least `len` with zeros; `ENOSPC` when memory is short.
fn grow(data: &mut Vec<u8>, len: usize) -> Result<()> {
    if let Some(more) = len.checked_sub(data.len()) {
        room::reserve(data, more).map_err(|_| Errno::ENOSPC)?;
        data.resize(len, 0);
    }
    Ok(())
}

/// Mode of a new regular file.
pub fn file_mode(permissions: u32) -> u32 {
    S_IFREG | permissions & 0o7777
}

/// Mode of a new directory.
pub fn directory_mode(permissions: u32) -> u32 {
    S_IFDIR | permissions & 0o7777
}

/// Mode of a symbolic link.
pub const LINK_MODE: u32 = S_IFLNK | 0o777;
/// Mode of a device that all may read and write.
pub const DEVICE_MODE: u32 = S_IFCHR | 0o666;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str) -> Vec<Name> {
        super::super::path::split(path.as_bytes()).unwrap().names
    }

    fn tmp() -> (Ram, Rc<Inode>) {
        let ram = Ram::new((1000, 1000));
        let tmp = ram.make_directories(&names("/tmp"), true).unwrap();
        (ram, tmp)
    }

    #[test]
    fn only_marked_directories_take_files() {
        let (ram, tmp) = tmp();
        let new = || Body::Data(RefCell::default());
        assert_eq!(ram.create(&ram.root, b"x", file_mode(0o644), new()).err(), Some(Errno::EROFS));
        let file = ram.create(&tmp, b"x", file_mode(0o644), new()).unwrap();
        assert_eq!(ram.create(&tmp, b"x", file_mode(0o644), new()).err(), Some(Errno::EEXIST));
        assert_eq!(file.attr().mode, 0o100644);
        assert!(matches!(ram.probe(&names("/tmp/x"), true), Ok(Probe::Found { directory: false, .. })));
        assert!(matches!(ram.probe(&names("/tmp/x/y"), true), Err(Errno::ENOTDIR)));
        assert!(matches!(ram.probe(&names("/no/y"), true), Err(Errno::ENOENT)));
    }

    #[test]
    fn data_grows_with_zeros_and_shrinks() {
        let (ram, tmp) = tmp();
        let f = ram.create(&tmp, b"f", file_mode(0o600), Body::Data(RefCell::default())).unwrap();
        assert_eq!(f.write(3, b"ab"), Ok(2));
        let mut buf = [9; 8];
        assert_eq!(f.read(0, &mut buf), Ok(5));
        assert_eq!(&buf[..5], b"\0\0\0ab");
        f.set_len(4).unwrap();
        assert_eq!((f.read(4, &mut buf), f.read(u64::MAX, &mut buf), f.attr().size), (Ok(0), Ok(0), 4));
        assert_eq!(f.write(u64::MAX, b"x"), Err(Errno::EFBIG));
    }

    #[test]
    fn unlink_and_rename_keep_the_rules_of_posix() {
        let (ram, tmp) = tmp();
        let file = |n: &[u8]| ram.create(&tmp, n, file_mode(0o600), Body::Data(RefCell::default())).unwrap();
        let (a, _) = (file(b"a"), file(b"b"));
        let dir = ram.create(&tmp, b"d", directory_mode(0o700), Body::directory(true)).unwrap();
        assert_eq!(tmp.rename(b"a", &tmp, b"d"), Err(Errno::EISDIR));
        assert_eq!(tmp.rename(b"d", &tmp, b"a"), Err(Errno::ENOTDIR));
        assert_eq!(tmp.rename(b"a", &dir, b"c"), Ok(()));
        assert_eq!(tmp.unlink(b"d", true), Err(Errno::ENOTEMPTY));
        assert_eq!(tmp.unlink(b"d", false), Err(Errno::EISDIR));
        assert_eq!(tmp.unlink(b"b", true), Err(Errno::ENOTDIR));
        assert_eq!(dir.unlink(b"c", false), Ok(()));
        assert_eq!(a.attr().nlink, 0);
        assert_eq!((tmp.unlink(b"d", true), tmp.unlink(b"d", true)), (Ok(()), Err(Errno::ENOENT)));
        assert_eq!(ram.root.unlink(b"tmp", true), Err(Errno::ENOTEMPTY));
    }
}
