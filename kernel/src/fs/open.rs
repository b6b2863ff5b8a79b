//! Open files: what a file descriptor stands for.

use super::attr::{Attr, S_IFIFO, StatFs};
use super::host::HostFile;
use super::like::{self, FileLike, Manner, event};
use super::path::Name;
use super::ram::{Body, Inode};
use super::synth::Device;
use super::{Node, p9};
use crate::bootconfig;
use crate::console;
use crate::errno::{Errno, Result};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

#[allow(missing_docs)] // names of open(2), x86-64 values
mod flags {
    pub const O_RDONLY: u32 = 0;
    pub const O_WRONLY: u32 = 1;
    pub const O_RDWR: u32 = 2;
    pub const O_ACCMODE: u32 = 3;
    pub const O_CREAT: u32 = 0o100;
    pub const O_EXCL: u32 = 0o200;
    pub const O_TRUNC: u32 = 0o1000;
    pub const O_APPEND: u32 = 0o2000;
    pub const O_NONBLOCK: u32 = 0o4000;
    pub const O_DSYNC: u32 = 0o10000;
    pub const O_DIRECT: u32 = 0o40000;
    pub const O_DIRECTORY: u32 = 0o200000;
    pub const O_NOFOLLOW: u32 = 0o400000;
    pub const O_CLOEXEC: u32 = 0o2000000;
    pub const O_SYNC: u32 = 0o4010000;
    pub const O_PATH: u32 = 0o10000000;
    pub const O_TMPFILE: u32 = 0o20200000;
}
pub use flags::*;

/// What was opened.
pub enum Object {
    /// A device.
    Device(Device),
    /// A file or directory in memory.
    Ram(Rc<Inode>),
    /// A text made at the time of opening, and the file it came from.
    Text(Rc<Inode>, Vec<u8>),
    /// A file or directory of the host.
    Host(HostFile),
    /// A pipe, a socket or the like.
    Stream(Rc<dyn FileLike>),
}

/// One entry of a directory, as getdents64(2) tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// File number.
    pub ino: u64,
    /// Position behind this entry.
    pub next: u64,
    /// `DT_*`.
    pub kind: u8,
    /// Name.
    pub name: Name,
}

/// What a mapping of a file is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// Zeros.
    Anonymous,
    /// The file's content.
    Content,
}

/// An open file.
pub struct OpenFile {
    /// What it is.
    pub object: Object,
    /// Canonical path at the time of opening, changed with renames through this kernel.
    pub path: RefCell<Vec<Name>>,
    /// It is a directory.
    pub directory: bool,
    flags: Cell<u32>,
    position: Cell<u64>,
    /// Entries of a directory in memory as they were when reading began.
    listing: RefCell<Vec<DirEntry>>,
}

impl OpenFile {
    /// Wraps an object that is open.
    pub fn new(object: Object, directory: bool, path: Vec<Name>, flags: u32) -> Self {
        Self {
            object,
            directory,
            path: RefCell::new(path),
            flags: Cell::new(flags & !(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC)),
            position: Cell::new(0),
            listing: RefCell::default(),
        }
    }

    /// An open device without a name.
    pub fn device(device: Device, flags: u32) -> Self {
        Self::new(Object::Device(device), false, Vec::new(), flags)
    }

    /// An open pipe, socket or the like. Their access mode is their own matter.
    pub fn stream(stream: Rc<dyn FileLike>, flags: u32) -> Self {
        Self::new(Object::Stream(stream), false, Vec::new(), flags)
    }

    /// The flags fcntl(F_GETFL) tells.
    pub fn flags(&self) -> u32 {
        self.flags.get()
    }

    /// Changes those that fcntl(F_SETFL) may change.
    pub fn set_flags(&self, flags: u32) {
        const CHANGEABLE: u32 = O_APPEND | O_NONBLOCK;
        self.flags.set(self.flags.get() & !CHANGEABLE | flags & CHANGEABLE);
    }

    fn check(&self, access: u32) -> Result<()> {
        let mode = self.flags.get() & O_ACCMODE;
        if self.flags.get() & O_PATH != 0 || (mode != O_RDWR && mode != access) {
            return Err(Errno::EBADF);
        }
        if self.directory { Err(Errno::EISDIR) } else { Ok(()) }
    }

    /// How mmap(2) maps the file, if it may; `shared` says that what is stored is meant to reach it.
    pub fn mapping(&self, shared: bool) -> Result<Mapping> {
        let mode = self.flags.get() & O_ACCMODE;
        match &self.object {
            _ if self.flags.get() & O_PATH != 0 => Err(Errno::EBADF),
            _ if mode == O_WRONLY || (shared && mode != O_RDWR) => Err(Errno::EACCES),
            _ if self.directory => Err(Errno::ENODEV),
            Object::Device(Device::Zero) => Ok(Mapping::Anonymous),
            Object::Device(_) => Err(Errno::ENODEV),
            _ => Ok(Mapping::Content),
        }
    }

    /// Reads from the position on.
    pub fn read(&self, buf: &mut [u8]) -> Result<usize> {
        let n = self.read_at(self.position.get(), buf)?;
        self.position.set(self.position.get() + n as u64);
        Ok(n)
    }

    /// Reads at a place; a device has none.
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.check(O_RDONLY)?;
        match &self.object {
            Object::Device(d)
                if d.is_console() && self.flags.get() & O_NONBLOCK != 0 && !console::input_ready() =>
            {
                Err(Errno::EAGAIN)
            }
            Object::Device(d) => d.read(buf),
            Object::Ram(inode) => inode.read(offset, buf),
            Object::Text(_, text) => {
                let rest = usize::try_from(offset).ok().and_then(|o| text.get(o..)).unwrap_or(&[]);
                let n = rest.len().min(buf.len());
                buf[..n].copy_from_slice(&rest[..n]);
                Ok(n)
            }
            Object::Host(file) => file.read(offset, buf),
            Object::Stream(s) => like::read(Manner::of(self), s, || s.read(buf)),
        }
    }

    /// Writes from the position on, or at the end with `O_APPEND`.
    pub fn write(&self, data: &[u8]) -> Result<usize> {
        let append =
            self.flags.get() & O_APPEND != 0 && !matches!(self.object, Object::Device(_) | Object::Stream(_));
        if append {
            self.check(O_WRONLY)?;
            // Several ranks may append to one file: the host, which opened it with O_APPEND, orders them.
            self.position.set(self.attr()?.size);
        }
        let n = self.write_at(self.position.get(), data)?;
        self.position.set(self.position.get() + n as u64);
        Ok(n)
    }

    /// Writes at a place; a device has none.
    pub fn write_at(&self, offset: u64, data: &[u8]) -> Result<usize> {
        self.check(O_WRONLY)?;
        if data.is_empty() && !matches!(&self.object, Object::Stream(s) if s.has_messages()) {
            return Ok(0);
        }
        if offset.checked_add(data.len() as u64).is_none_or(|end| end > i64::MAX as u64) {
            return Err(Errno::EFBIG);
        }
        match &self.object {
            Object::Device(d) => d.write(data),
            Object::Ram(inode) => inode.write(offset, data),
            Object::Text(..) => Err(Errno::EROFS),
            Object::Host(file) => file.write(offset, data),
            Object::Stream(s) => like::write(Manner::of(self), s, data.len(), |done| s.write(&data[done..])),
        }
    }

    /// Whether it has positions.
    pub fn is_seekable(&self) -> bool {
        match &self.object {
            Object::Device(d) => !d.is_console(),
            Object::Stream(_) => false,
            _ => true,
        }
    }

    /// Moves the position.
    pub fn seek(&self, offset: i64, whence: u32) -> Result<u64> {
        if !self.is_seekable() {
            return Err(Errno::ESPIPE);
        }
        let size = || self.attr().map(|a| a.size);
        let base = match whence {
            0 => 0,
            1 => self.position.get(),
            2 => size()?,
            // SEEK_DATA, SEEK_HOLE: a file without holes has data up to its end.
            3 | 4 => {
                let size = size()?;
                let at = u64::try_from(offset).ok().filter(|&at| at < size).ok_or(Errno::ENXIO)?;
                let to = if whence == 3 { at } else { size };
                self.position.set(to);
                return Ok(to);
            }
            _ => return Err(Errno::EINVAL),
        };
        let to = i64::try_from(base).ok().and_then(|b| b.checked_add(offset)).filter(|&to| to >= 0);
        let to = to.ok_or(if offset < 0 { Errno::EINVAL } else { Errno::EOVERFLOW })? as u64;
        self.position.set(to);
        if to == 0 {
            // rewinddir(3) sees the directory as it is now.
            self.listing.borrow_mut().clear();
        }
        Ok(to)
    }

    /// What fstat(2) tells.
    pub fn attr(&self) -> Result<Attr> {
        match &self.object {
            Object::Device(d) if self.path.borrow().is_empty() => Ok(standard_attr(*d)),
            Object::Device(d) => Ok(Attr {
                mode: super::ram::DEVICE_MODE,
                rdev: d.number(),
                nlink: 1,
                dev: 1,
                ..standard_attr(*d)
            }),
            Object::Ram(inode) | Object::Text(inode, _) => Ok(inode.attr()),
            Object::Host(file) => file.attr(),
            Object::Stream(s) => Ok(stream_attr(s)),
        }
    }

    /// Sets the length.
    pub fn set_len(&self, len: u64) -> Result<()> {
        self.check(O_WRONLY).map_err(|e| if e == Errno::EBADF { Errno::EINVAL } else { e })?;
        match &self.object {
            Object::Host(file) => file.set_attr(p9::SetAttr { size: Some(len), ..Default::default() }),
            Object::Ram(inode) => inode.set_len(len),
            Object::Device(_) | Object::Text(..) | Object::Stream(_) => Err(Errno::EINVAL),
        }
    }

    /// Writes data to the host's disk.
    pub fn sync(&self, data_only: bool) -> Result<()> {
        match &self.object {
            Object::Host(file) if self.flags.get() & O_PATH == 0 => file.sync(data_only),
            Object::Device(d) if d.is_console() => Err(Errno::EINVAL),
            Object::Stream(_) => Err(Errno::EINVAL),
            _ => Ok(()),
        }
    }

    /// Numbers of the file system.
    pub fn statfs(&self) -> Result<StatFs> {
        match &self.object {
            Object::Host(file) => file.statfs(),
            _ => Ok(StatFs::ram()),
        }
    }

    /// Changes attributes.
    pub fn node(&self) -> Option<NodeRef<'_>> {
        match &self.object {
            Object::Host(file) => Some(NodeRef::Host(file)),
            Object::Ram(inode) | Object::Text(inode, _) => Some(NodeRef::Ram(inode)),
            Object::Device(_) | Object::Stream(_) => None,
        }
    }

    /// The [`event`]s that hold now. What is on a disk is always ready.
    pub fn events(&self) -> u32 {
        match &self.object {
            Object::Device(Device::Input | Device::Terminal) if !console::input_ready() => event::WRITE,
            Object::Stream(s) => s.events(),
            _ => event::READ | event::WRITE,
        }
    }

    /// The pipe, socket or the like that it is.
    pub fn as_stream(&self) -> Option<&Rc<dyn FileLike>> {
        match &self.object {
            Object::Stream(s) => Some(s),
            _ => None,
        }
    }

    /// When time alone will change [`OpenFile::events`].
    pub fn wakes_at(&self) -> Option<u64> {
        self.as_stream().and_then(|s| s.wakes_at())
    }

    /// Passes directory entries from the position on to `take` until it refuses one or there are no more.
    pub fn entries(&self, mut take: impl FnMut(&DirEntry) -> bool) -> Result<()> {
        if !self.directory {
            return Err(Errno::ENOTDIR);
        }
        let batch = match &self.object {
            Object::Host(file) => file
                .entries(self.position.get())?
                .into_iter()
                .map(|e| DirEntry { ino: e.qid.path, next: e.offset, kind: e.kind, name: e.name })
                .collect(),
            Object::Ram(inode) => self.listed(inode)?,
            _ => return Err(Errno::ENOTDIR),
        };
        for entry in &batch {
            if !take(entry) {
                break;
            }
            self.position.set(entry.next);
        }
        Ok(())
    }

    fn listed(&self, inode: &Inode) -> Result<Vec<DirEntry>> {
        let mut listing = self.listing.borrow_mut();
        if self.position.get() == 0 {
            let own = |name: &[u8]| DirEntry { ino: inode.attr().ino, next: 0, kind: 4, name: name.to_vec() };
            *listing = alloc::vec![own(b"."), own(b"..")];
            for (name, file) in inode.directory()?.entries.borrow().iter() {
                let (ino, kind) = (file.attr().ino, file.entry_kind());
                listing.push(DirEntry { ino, next: 0, kind, name: name.clone() });
            }
            for (i, entry) in listing.iter_mut().enumerate() {
                entry.next = i as u64 + 1;
            }
        }
        let from = usize::try_from(self.position.get()).map_err(|_| Errno::EINVAL)?;
        Ok(listing.get(from..).unwrap_or(&[]).to_vec())
    }
}

/// A node that something else owns.
pub enum NodeRef<'a> {
    /// In memory.
    Ram(&'a Rc<Inode>),
    /// On the host.
    Host(&'a HostFile),
}

impl Node {
    /// The node as a reference.
    pub fn as_ref(&self) -> NodeRef<'_> {
        match self {
            Node::Ram(inode) => NodeRef::Ram(inode),
            Node::Host(file) => NodeRef::Host(file),
        }
    }
}

impl NodeRef<'_> {
    /// What stat(2) tells.
    pub fn attr(&self) -> Result<Attr> {
        match self {
            NodeRef::Ram(inode) => Ok(inode.attr()),
            NodeRef::Host(file) => file.attr(),
        }
    }

    /// Changes permission bits.
    pub fn set_mode(&self, mode: u32) -> Result<()> {
        match self {
            NodeRef::Ram(inode) => {
                inode.changeable()?;
                inode.set_mode(mode);
                Ok(())
            }
            NodeRef::Host(file) => {
                file.set_attr(p9::SetAttr { mode: Some(mode & 0o7777), ..Default::default() })
            }
        }
    }

    /// Changes owner and group; `None` leaves one as it is. In memory all files belong to the user.
    pub fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        match self {
            NodeRef::Ram(inode) => {
                let a = inode.attr();
                let same = uid.is_none_or(|u| u == a.uid) && gid.is_none_or(|g| g == a.gid);
                if same { Ok(()) } else { Err(Errno::EPERM) }
            }
            NodeRef::Host(file) => file.set_attr(p9::SetAttr { uid, gid, ..Default::default() }),
        }
    }

    /// Sets the length.
    pub fn set_len(&self, len: u64) -> Result<()> {
        match self {
            NodeRef::Ram(inode) => inode.set_len(len),
            NodeRef::Host(file) => file.set_attr(p9::SetAttr { size: Some(len), ..Default::default() }),
        }
    }

    /// Sets access and modification time in nanoseconds since 1970; `None` leaves one as it is.
    pub fn set_times(&self, atime: Option<u64>, mtime: Option<u64>) -> Result<()> {
        let pair = |ns: Option<u64>| ns.map(|ns| Some((ns / 1_000_000_000, ns % 1_000_000_000)));
        match self {
            NodeRef::Ram(inode) => {
                inode.changeable()?;
                inode.set_times(atime, mtime);
                Ok(())
            }
            NodeRef::Host(file) => {
                let set = p9::SetAttr { atime: pair(atime), mtime: pair(mtime), ..Default::default() };
                file.set_attr(set)
            }
        }
    }

    /// Where a symbolic link points; `EINVAL` for anything else.
    pub fn readlink(&self) -> Result<Vec<u8>> {
        match self {
            NodeRef::Ram(inode) => match &inode.body {
                Body::Link(target) => Ok(target.clone()),
                _ => Err(Errno::EINVAL),
            },
            NodeRef::Host(file) => file.readlink(),
        }
    }
}

/// Attributes of a pipe, socket or the like: its address in the kernel tells it from others.
fn stream_attr(stream: &Rc<dyn FileLike>) -> Attr {
    let (uid, gid) = (bootconfig::get().uid, bootconfig::get().gid);
    let ino = Rc::as_ptr(stream).cast::<u8>() as u64;
    Attr { dev: 3, ino, mode: stream.mode(), nlink: 1, uid, gid, blksize: 4096, ..Attr::default() }
}

/// Attributes of a standard file: a terminal if the runner has one, else like a pipe.
fn standard_attr(device: Device) -> Attr {
    let terminal = bootconfig::get().tty || !device.is_console();
    let mode = if terminal { 0o020620 } else { S_IFIFO | 0o600 };
    let (uid, gid) = (bootconfig::get().uid, bootconfig::get().gid);
    let blksize = if device.is_console() { 4096 } else { 512 };
    let rdev = if terminal { device.number() } else { 0 };
    Attr { dev: 2, ino: 1 + device as u64, mode, nlink: 1, uid, gid, rdev, blksize, ..Attr::default() }
}
