//! Files: what the program sees below `/`, and its open files.
//!
//! # Terms
//!
//! The **tree** of names is a small file system in memory ([`ram`]), to which the image's own files belong ([`archive`]),
//! in which directories of the host are mounted ([`host`], over [`p9`]). A **node** is a file at hand in one of the two. A
//! path is turned into a node by [`resolve`] and stands, without links, as its **canonical path** beside every open file, since other paths may start from it.
//! An **open file** ([`open`]) has a position and flags; file descriptors ([`fdtable`]) share open files as dup(2) says.

pub mod archive;
pub mod attr;
pub mod epoll;
pub mod eventfd;
pub mod fdtable;
pub mod host;
pub mod like;
pub mod names;
pub mod open;
pub mod p9;
pub mod path;
pub mod pipe;
mod processors;
pub mod ram;
pub mod resolve;
pub mod synth;
pub mod text;

use crate::bootconfig::BootConfig;
use crate::cell::KernelCell;
use crate::errno::{Errno, Result};
use crate::mm::{self, image::Image};
use crate::virtio::Slot;
use crate::virtio::p9::P9Device;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use fdtable::FdTable;
use host::{HostFile, HostTree};
use open::OpenFile;
use path::Name;
use ram::{Inode, Ram};
use resolve::{Forest, Probe};
use synth::Device;

/// A file at hand.
pub enum Node {
    /// In memory.
    Ram(Rc<Inode>),
    /// On the host.
    Host(HostFile),
}

struct Mount {
    path: Vec<Name>,
    tree: Rc<HostTree>,
}

/// The program's view of files.
pub struct Files {
    ram: Ram,
    mounts: Vec<Mount>,
    cwd: Vec<Name>,
    umask: u32,
    /// Open files by descriptor.
    pub fds: FdTable<OpenFile>,
}

static FILES: KernelCell<Option<Files>> = KernelCell::new(None);

/// Runs `f` on the program's files; `ENOSYS` before [`init`].
pub fn with<T>(f: impl FnOnce(&mut Files) -> Result<T>) -> Result<T> {
    f(FILES.borrow().as_mut().ok_or(Errno::ENOSYS)?)
}

/// The open file of a descriptor. The files are not borrowed while it is used, so that a slow transfer may report.
pub fn open_file(fd: i32) -> Result<Rc<OpenFile>> {
    with(|files| files.fds.get(fd))
}

/// Gives what is no file of the tree a descriptor; `flags` are O_CLOEXEC and O_NONBLOCK.
pub fn open_object(object: open::Object, flags: u32) -> Result<i32> {
    let file = Rc::new(OpenFile::new(object, false, Vec::new(), open::O_RDWR | flags));
    with(|files| files.fds.insert(file, flags & open::O_CLOEXEC != 0, 0))
}

/// Reads a file's bytes at a position, for mmap(2).
pub fn read_at(fd: i32, offset: u64, buf: &mut [u8]) -> Result<usize> {
    open_file(fd)?.read_at(offset, buf)
}

/// Gives a new stream a descriptor.
pub fn insert_stream(stream: Rc<dyn like::FileLike>, flags: u32) -> Result<i32> {
    let file = Rc::new(OpenFile::stream(stream, flags));
    with(|files| files.fds.insert(file, flags & open::O_CLOEXEC != 0, 0))
}

/// Unpacks the image's own files, mounts what the boot configuration says and opens the three standard files. The error
/// is a sentence for the user: without its files the program is not to start.
pub fn init(config: &BootConfig, slots: Vec<Slot>) -> core::result::Result<(), String> {
    let mut files = Files::new((config.uid, config.gid));
    if let Err(e) = synth::populate(&files.ram, config) {
        note!("cannot fill /dev and /proc: {}", e.name());
    }
    let unpacked = packed_files().map_or(Ok(()), |archive| archive::unpack(archive, &files.ram));
    let mut devices: Vec<P9Device> = Vec::new();
    for slot in slots {
        match P9Device::new(slot) {
            Ok(device) => devices.push(device),
            Err(text) => note!("{text}"),
        }
    }
    for mount in &config.mounts {
        let shown = String::from_utf8_lossy(&mount.path);
        let Some(i) = devices.iter().position(|d| d.tag() == mount.tag) else {
            note!("cannot mount {shown}: the VM has no 9p device with tag {}", mount.tag);
            continue;
        };
        if let Err(e) = files.mount(&mount.path, Box::new(devices.swap_remove(i)), mount.read_only) {
            note!("cannot mount {shown}: {}", e.name());
        }
    }
    if !config.cwd.is_empty() {
        if let Err(e) = files.chdir(&[], &config.cwd) {
            note!("cannot enter {}: {}", String::from_utf8_lossy(&config.cwd), e.name());
        }
    }
    files.open_standard(config.tty);
    *FILES.borrow() = Some(files);
    unpacked
}

/// The archive that was packed into the image.
fn packed_files() -> Option<&'static [u8]> {
    let extent = Image::own().files(mm::ram().low_end)?;
    // SAFETY: a read-only segment of the image inside RAM. A program that makes it writable and changes it gets other
    // content of its files; lengths and names were taken from it before.
    Some(unsafe {
        core::slice::from_raw_parts(extent.start as *const u8, (extent.end - extent.start) as usize)
    })
}

impl Files {
    /// A tree of nothing but a root directory.
    pub fn new(owner: (u32, u32)) -> Self {
        Self {
            ram: Ram::new(owner),
            mounts: Vec::new(),
            cwd: Vec::new(),
            umask: 0o022,
            fds: FdTable::default(),
        }
    }

    /// Mounts the tree at the other end of `channel` on a path, whose directories are made.
    pub fn mount(&mut self, path: &[u8], channel: Box<dyn p9::Channel>, read_only: bool) -> Result<()> {
        let path = path::split(path)?.names;
        self.ram.make_directories(&path, false)?;
        let dev = 0x100 + self.mounts.len() as u64;
        let tree = HostTree::attach(channel, dev, self.ram.owner(), read_only)?;
        self.mounts.push(Mount { path, tree });
        Ok(())
    }

    fn open_standard(&mut self, tty: bool) {
        for device in [Device::Input, Device::Output, Device::Errors] {
            let flags = if device == Device::Input { open::O_RDONLY } else { open::O_WRONLY };
            // A terminal is one open file for reading and writing, a pipe is not.
            let flags = if tty { open::O_RDWR } else { flags };
            // An empty table has room for three.
            let _ = self.fds.insert(Rc::new(OpenFile::device(device, flags)), false, 0);
        }
    }

    /// The innermost mount that a canonical path lies in.
    fn mount_of(&self, path: &[Name]) -> Option<&Mount> {
        self.mounts.iter().filter(|m| path.starts_with(&m.path)).max_by_key(|m| m.path.len())
    }

    /// Whether something is mounted on a path, so that it cannot be removed or renamed.
    fn is_mount_point(&self, path: &[Name]) -> bool {
        self.mounts.iter().any(|m| m.path.starts_with(path))
    }
}

impl Forest for Files {
    type Node = Node;

    fn probe(&mut self, path: &[Name], follow: bool) -> Result<Probe<Node>> {
        let Some(mount) = self.mount_of(path) else {
            return Ok(match self.ram.probe(path, follow)? {
                Probe::Found { node, directory } => Probe::Found { node: Node::Ram(node), directory },
                Probe::Missing { parent } => Probe::Missing { parent: Node::Ram(parent) },
                Probe::Link { at, target } => Probe::Link { at, target },
            });
        };
        let skipped = mount.path.len();
        Ok(match mount.tree.probe(&path[skipped..], follow)? {
            Probe::Found { node, directory } => Probe::Found { node: Node::Host(node), directory },
            Probe::Missing { parent } => Probe::Missing { parent: Node::Host(parent) },
            Probe::Link { at, target } => Probe::Link { at: at + skipped, target },
        })
    }
}
