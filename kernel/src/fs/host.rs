//! Directories of the host, through 9P.

use super::attr::{Attr, StatFs};
use super::p9::client::MAX_WALK;
use super::p9::{Channel, Client, Entry, Fid, Qid, SetAttr};
use super::path::Name;
use super::resolve::Probe;
use crate::errno::{Errno, Result};
use crate::mm::room;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// A mounted directory of the host.
pub struct HostTree {
    client: RefCell<Client<Box<dyn Channel>>>,
    root: Fid,
    /// Device number, for stat(2).
    dev: u64,
    /// Refuses changes.
    pub read_only: bool,
    group: u32,
}

/// How far a walk came.
struct Walk {
    file: Option<HostFile>,
    qids: Vec<Qid>,
    error: Option<Errno>,
}

impl HostTree {
    /// Attaches to the server at the other end of `channel` as a user and group.
    pub fn attach(
        channel: Box<dyn Channel>,
        dev: u64,
        owner: (u32, u32),
        read_only: bool,
    ) -> Result<Rc<Self>> {
        let (client, root) = Client::attach(channel, owner.0)?;
        Ok(Rc::new(Self { client: RefCell::new(client), root, dev, read_only, group: owner.1 }))
    }

    fn file(self: &Rc<Self>, fid: Fid) -> HostFile {
        HostFile { tree: self.clone(), fid, unit: Cell::new(0), orphan: Cell::new(None) }
    }

    fn walk(self: &Rc<Self>, names: &[Name]) -> Walk {
        let mut walk = Walk { file: None, qids: Vec::new(), error: None };
        let mut rest = names;
        loop {
            let (now, later) = rest.split_at(rest.len().min(MAX_WALK));
            let from = walk.file.as_ref().map_or(self.root, |f| f.fid);
            let step = self.client.borrow_mut().walk(from, now);
            match step {
                Ok((fid, qids)) => {
                    walk.qids.extend(qids);
                    walk.file = fid.map(|fid| self.file(fid));
                }
                Err(e) => {
                    walk.file = None;
                    walk.error = Some(e);
                }
            }
            rest = later;
            if rest.is_empty() || walk.file.is_none() {
                return walk;
            }
        }
    }

    fn walked(self: &Rc<Self>, names: &[Name]) -> Result<HostFile> {
        let walk = self.walk(names);
        walk.file.ok_or(walk.error.unwrap_or(Errno::ENOENT))
    }

    /// Looks a path below the mount up; see [`super::resolve::Forest::probe`]. One round trip for a file that is
    /// there; a link, a missing file and an error take one to three more.
    pub fn probe(self: &Rc<Self>, names: &[Name], follow: bool) -> Result<Probe<HostFile>> {
        let walk = self.walk(names);
        let followed = |i: usize| follow || i + 1 < names.len();
        if let Some(at) = walk.qids.iter().enumerate().position(|(i, q)| q.is_symlink() && followed(i)) {
            let link = match walk.file {
                Some(file) if at + 1 == names.len() => file,
                _ => self.walked(&names[..=at])?,
            };
            return Ok(Probe::Link { at, target: link.readlink()? });
        }
        let directory = walk.qids.last().is_none_or(|q| q.is_dir());
        if let Some(node) = walk.file {
            return Ok(Probe::Found { node, directory });
        }
        if !directory {
            return Err(Errno::ENOTDIR);
        }
        let missing = walk.qids.len();
        let Some(name) = names.get(missing) else { return Err(walk.error.unwrap_or(Errno::EIO)) };
        let parent = self.walked(&names[..missing])?;
        // A server tells the reason only when the first name of a walk fails.
        let error = match walk.error {
            Some(e) => e,
            None => match self.client.borrow_mut().walk(parent.fid, core::slice::from_ref(name)) {
                Ok((Some(fid), _)) => {
                    // It has come to be since. Whoever asks again gets it.
                    drop(self.file(fid));
                    Errno::EAGAIN
                }
                Ok((None, _)) => Errno::EIO,
                Err(e) => e,
            },
        };
        if error == Errno::ENOENT && missing + 1 == names.len() {
            return Ok(Probe::Missing { parent });
        }
        Err(error)
    }

    /// Refuses on a read-only mount.
    pub fn check_writable(&self) -> Result<()> {
        if self.read_only { Err(Errno::EROFS) } else { Ok(()) }
    }
}

/// A file of the host at hand, open or not; given back when dropped.
pub struct HostFile {
    tree: Rc<HostTree>,
    fid: Fid,
    /// Bytes per message once open.
    unit: Cell<u32>,
    /// Attributes kept here since the file lost its name: the server finds attributes by name.
    orphan: Cell<Option<Attr>>,
}

impl Drop for HostFile {
    fn drop(&mut self) {
        // There is nobody left to tell of an error; data was written before, with its errors.
        let _ = self.tree.client.borrow_mut().clunk(self.fid);
    }
}

impl HostFile {
    /// The mount.
    pub fn tree(&self) -> &Rc<HostTree> {
        &self.tree
    }

    fn client(&self) -> core::cell::RefMut<'_, Client<Box<dyn Channel>>> {
        self.tree.client.borrow_mut()
    }

    /// Opens with Linux `O_*` flags.
    pub fn open(&self, flags: u32) -> Result<()> {
        let (_, unit) = self.client().open(self.fid, flags)?;
        self.unit.set(unit);
        Ok(())
    }

    /// Creates and opens a file in this directory; the handle becomes the file's.
    pub fn create(self, name: &[u8], flags: u32, mode: u32) -> Result<Self> {
        self.tree.check_writable()?;
        let (_, unit) = self.client().create(self.fid, name, flags, mode, self.tree.group)?;
        self.unit.set(unit);
        Ok(self)
    }

    /// Attributes.
    pub fn attr(&self) -> Result<Attr> {
        match self.orphan.get() {
            Some(attr) => Ok(attr),
            None => Ok(Attr::from_9p(self.tree.dev, &self.client().getattr(self.fid)?)),
        }
    }

    /// From here on the file has no name and these attributes.
    pub fn make_orphan(&self, attr: Attr) {
        if self.orphan.get().is_none() {
            self.orphan.set(Some(Attr { nlink: attr.nlink.saturating_sub(1), ..attr }));
        }
    }

    /// Changes attributes.
    pub fn set_attr(&self, set: SetAttr) -> Result<()> {
        self.tree.check_writable()?;
        match (self.orphan.get(), set.size) {
            (None, _) => self.client().setattr(self.fid, set),
            (Some(attr), Some(size)) => self.truncate_orphan(attr, size),
            (Some(_), None) => Ok(()),
        }
    }

    /// Cuts a file without a name: what is cut off is overwritten with zeros, so that it reads as zeros if the file
    /// grows again.
    fn truncate_orphan(&self, attr: Attr, size: u64) -> Result<()> {
        let zeros = room::buffer(64 << 10);
        let mut at = size;
        while at < attr.size {
            let n = (attr.size - at).min(zeros.len() as u64) as usize;
            at += self.client().write(self.fid, at, &zeros[..n], self.unit.get())? as u64;
        }
        self.orphan.set(Some(Attr { size, ..attr }));
        Ok(())
    }

    /// Reads at a position until the buffer is full or the file ends.
    pub fn read(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let end = self.orphan.get().map_or(u64::MAX, |a| a.size);
        let limit = buf.len().min(usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX));
        let buf = &mut buf[..limit];
        transfer(buf.len(), |done| {
            self.client().read(self.fid, offset + done as u64, &mut buf[done..], self.unit.get())
        })
    }

    /// Writes all bytes at a position.
    pub fn write(&self, offset: u64, data: &[u8]) -> Result<usize> {
        self.tree.check_writable()?;
        let n = transfer(data.len(), |done| {
            self.client().write(self.fid, offset + done as u64, &data[done..], self.unit.get())
        })?;
        if let Some(attr) = self.orphan.get() {
            self.orphan.set(Some(Attr { size: attr.size.max(offset + n as u64), ..attr }));
        }
        Ok(n)
    }

    /// Entries of an open directory from a position on.
    pub fn entries(&self, offset: u64) -> Result<Vec<Entry>> {
        self.client().readdir(self.fid, offset)
    }

    /// Where a symbolic link points.
    pub fn readlink(&self) -> Result<Vec<u8>> {
        self.client().readlink(self.fid)
    }

    /// Writes to the host's disk.
    pub fn sync(&self, data_only: bool) -> Result<()> {
        self.client().fsync(self.fid, data_only)
    }

    /// Numbers of the file system.
    pub fn statfs(&self) -> Result<StatFs> {
        let fid = if self.orphan.get().is_some() { self.tree.root } else { self.fid };
        Ok(StatFs::from_9p(&self.client().statfs(fid)?, self.tree.read_only))
    }

    /// Makes a directory in this one.
    pub fn mkdir(&self, name: &[u8], mode: u32) -> Result<()> {
        self.tree.check_writable()?;
        self.client().mkdir(self.fid, name, mode, self.tree.group)
    }

    /// Removes an entry of this directory.
    pub fn unlink(&self, name: &[u8], directory: bool) -> Result<()> {
        self.tree.check_writable()?;
        self.client().unlink(self.fid, name, directory)
    }

    /// Makes a symbolic link in this directory.
    pub fn symlink(&self, name: &[u8], target: &[u8]) -> Result<()> {
        self.tree.check_writable()?;
        self.client().symlink(self.fid, name, target, self.tree.group)
    }

    /// Makes a further name for `file` in this directory.
    pub fn link(&self, file: &HostFile, name: &[u8]) -> Result<()> {
        self.tree.check_writable()?;
        self.client().link(self.fid, file.fid, name)
    }

    /// Renames an entry of this directory into another of the same mount.
    pub fn rename(&self, name: &[u8], to: &HostFile, to_name: &[u8]) -> Result<()> {
        self.tree.check_writable()?;
        self.client().rename((self.fid, name), (to.fid, to_name))
    }
}

/// Repeats `step`, told what is done, until `len` is done or a step does nothing. An error counts only if nothing was
/// done before it.
fn transfer(len: usize, mut step: impl FnMut(usize) -> Result<usize>) -> Result<usize> {
    let mut done = 0;
    while done < len {
        match step(done) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if done == 0 => return Err(e),
            Err(_) => break,
        }
    }
    Ok(done)
}
