//! Operations on names: open, stat and all that makes, moves and removes entries of directories.
//!
//! `start` is the canonical directory that a relative path starts from.

use super::attr::Attr;
use super::open::{self, Object, OpenFile};
use super::path::{self, Name};
use super::ram::{self, Body};
use super::resolve::{Resolved, resolve};
use super::synth::Device;
use super::{Files, Node};
use crate::bootconfig;
use crate::errno::{Errno, Result};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

/// A directory at hand, and the name of an entry that may or may not be in it.
struct Place {
    parent: Node,
    /// Canonical path of the entry.
    path: Vec<Name>,
    /// Written with a slash behind it.
    directory: bool,
}

impl Place {
    fn name(&self) -> &[u8] {
        self.path.last().map_or(b"", Vec::as_slice)
    }
}

/// An open file and its attributes just before its name went.
struct Orphan {
    file: Rc<OpenFile>,
    attr: Attr,
}

impl Orphan {
    fn make(&self) {
        if let Object::Host(host) = &self.file.object {
            host.make_orphan(self.attr);
        }
    }
}

impl Files {
    /// Canonical working directory.
    pub fn cwd(&self) -> &[Name] {
        &self.cwd
    }

    /// Sets the mask of permissions that new files do not get; returns the former.
    pub fn set_umask(&mut self, mask: u32) -> u32 {
        core::mem::replace(&mut self.umask, mask & 0o777)
    }

    /// The file a path names.
    pub fn node(&mut self, start: &[Name], text: &[u8], follow: bool) -> Result<Node> {
        match resolve(self, start, text, follow)? {
            Resolved::Found { node, .. } => Ok(node),
            Resolved::Missing { .. } => Err(Errno::ENOENT),
        }
    }

    /// Makes a directory the working directory.
    pub fn chdir(&mut self, start: &[Name], text: &[u8]) -> Result<()> {
        match resolve(self, start, text, true)? {
            Resolved::Found { directory: true, path, .. } => {
                self.cwd = path;
                Ok(())
            }
            Resolved::Found { .. } => Err(Errno::ENOTDIR),
            Resolved::Missing { .. } => Err(Errno::ENOENT),
        }
    }

    /// Makes an open directory the working directory.
    pub fn fchdir(&mut self, file: &OpenFile) -> Result<()> {
        if !file.directory {
            return Err(Errno::ENOTDIR);
        }
        self.cwd = file.path.borrow().clone();
        Ok(())
    }

    /// Opens a file with `O_*` flags, to be created with `mode`.
    pub fn open(&mut self, start: &[Name], text: &[u8], flags: u32, mode: u32) -> Result<OpenFile> {
        if flags & open::O_TMPFILE == open::O_TMPFILE {
            return Err(Errno::EOPNOTSUPP);
        }
        let create = flags & open::O_CREAT != 0 && flags & open::O_PATH == 0;
        let exclusive = create && flags & open::O_EXCL != 0;
        let follow = !exclusive && flags & open::O_NOFOLLOW == 0;
        match resolve(self, start, text, follow)? {
            Resolved::Found { .. } if exclusive => Err(Errno::EEXIST),
            Resolved::Found { node, directory, path } => Self::open_node(node, directory, path, flags),
            Resolved::Missing { .. } if !create => Err(Errno::ENOENT),
            Resolved::Missing { directory: true, .. } => Err(Errno::EISDIR),
            Resolved::Missing { parent, path, .. } => self.create(parent, path, flags, mode),
        }
    }

    fn open_node(node: Node, directory: bool, path: Vec<Name>, flags: u32) -> Result<OpenFile> {
        if flags & open::O_PATH != 0 {
            let object = match node {
                Node::Ram(inode) => Object::Ram(inode),
                Node::Host(file) => Object::Host(file),
            };
            return Ok(OpenFile::new(object, directory, path, flags));
        }
        let writes = flags & open::O_ACCMODE != open::O_RDONLY || flags & open::O_TRUNC != 0;
        match directory {
            true if writes || flags & open::O_CREAT != 0 => return Err(Errno::EISDIR),
            false if flags & open::O_DIRECTORY != 0 => return Err(Errno::ENOTDIR),
            _ => {}
        }
        let object = match node {
            Node::Host(file) => {
                if writes {
                    file.tree().check_writable()?;
                }
                file.open(flags & HOST_FLAGS)?;
                Object::Host(file)
            }
            Node::Ram(inode) => match &inode.body {
                Body::Link(_) => return Err(Errno::ELOOP),
                // No terminal controls this program, unless the runner has one.
                Body::Device(Device::Terminal) if !bootconfig::get().tty => return Err(Errno::ENXIO),
                Body::Device(device) => Object::Device(*device),
                Body::Text(_) if writes => return Err(Errno::EACCES),
                Body::Packed(_) if writes => return Err(Errno::EROFS),
                Body::Text(make) => {
                    let text = make();
                    Object::Text(inode, text)
                }
                Body::Data(_) if flags & open::O_TRUNC != 0 => {
                    inode.set_len(0)?;
                    Object::Ram(inode)
                }
                Body::Data(_) | Body::Packed(_) | Body::Directory(_) => Object::Ram(inode),
            },
        };
        Ok(OpenFile::new(object, directory, path, flags))
    }

    fn create(&mut self, parent: Node, path: Vec<Name>, flags: u32, mode: u32) -> Result<OpenFile> {
        let mode = mode & 0o7777 & !self.umask;
        let name = path.last().ok_or(Errno::EISDIR)?;
        let object = match parent {
            Node::Host(directory) => {
                let flags = flags & (HOST_FLAGS | open::O_EXCL);
                Object::Host(directory.create(name, flags, mode)?)
            }
            Node::Ram(directory) => {
                let body = Body::Data(RefCell::default());
                Object::Ram(self.ram.create(&directory, name, ram::file_mode(mode), body)?)
            }
        };
        Ok(OpenFile::new(object, false, path, flags))
    }

    /// The directory and name that a path ends in. `.` and `..` there are errors: `EINVAL` and `ENOTEMPTY`; the root is
    /// `EBUSY`.
    fn place(&mut self, start: &[Name], text: &[u8]) -> Result<Place> {
        path::split(text)?;
        let end = text.iter().rposition(|&b| b != b'/').ok_or(Errno::EBUSY)? + 1;
        let slash = text[..end].iter().rposition(|&b| b == b'/');
        let (parent, name) = match slash {
            Some(at) => (&text[..=at], &text[at + 1..end]),
            None => (&b"."[..], &text[..end]),
        };
        match name {
            b"." => return Err(Errno::EINVAL),
            b".." => return Err(Errno::ENOTEMPTY),
            _ => {}
        }
        match resolve(self, start, parent, true)? {
            Resolved::Found { node, mut path, .. } => {
                path.push(name.to_vec());
                Ok(Place { parent: node, path, directory: end < text.len() })
            }
            Resolved::Missing { .. } => Err(Errno::ENOENT),
        }
    }

    /// Makes a directory.
    pub fn mkdir(&mut self, start: &[Name], text: &[u8], mode: u32) -> Result<()> {
        let exists =
            |e| if matches!(e, Errno::EBUSY | Errno::EINVAL | Errno::ENOTEMPTY) { Errno::EEXIST } else { e };
        let place = self.place(start, text).map_err(exists)?;
        if self.is_mount_point(&place.path) {
            return Err(Errno::EEXIST);
        }
        let mode = mode & 0o7777 & !self.umask;
        match &place.parent {
            Node::Host(parent) => parent.mkdir(place.name(), mode),
            Node::Ram(parent) => {
                let (mode, body) = (ram::directory_mode(mode), Body::directory(true));
                self.ram.create(parent, place.name(), mode, body).map(drop)
            }
        }
    }

    /// Removes a name: of an empty directory if `directory`, else of anything else.
    pub fn unlink(&mut self, start: &[Name], text: &[u8], directory: bool) -> Result<()> {
        let place = self.place(start, text).map_err(|e| match e {
            Errno::EINVAL | Errno::ENOTEMPTY | Errno::EBUSY if !directory => Errno::EISDIR,
            e => e,
        })?;
        if self.is_mount_point(&place.path) {
            return Err(if directory { Errno::EBUSY } else { Errno::EISDIR });
        }
        if place.directory && !directory {
            // Written as a directory: one is refused as such, a file for not being one.
            let is_dir = self.node(start, text, false)?.as_ref().attr()?.is_dir();
            return Err(if is_dir { Errno::EISDIR } else { Errno::ENOTDIR });
        }
        match &place.parent {
            Node::Host(parent) => {
                parent.tree().check_writable()?;
                let nameless = self.losing_name(&place.path);
                parent.unlink(place.name(), directory)?;
                nameless.iter().for_each(Orphan::make);
                Ok(())
            }
            Node::Ram(parent) => parent.unlink(place.name(), directory),
        }
    }

    /// Open files that are about to lose this name, with their attributes: the server finds attributes by name.
    fn losing_name(&self, path: &[Name]) -> Vec<Orphan> {
        let named = self.fds.files().filter(|file| !file.directory && file.path.borrow()[..] == *path);
        named
            .filter_map(|file| match &file.object {
                Object::Host(host) => host.attr().ok().map(|attr| Orphan { file: file.clone(), attr }),
                _ => None,
            })
            .collect()
    }

    /// Renames. With `keep`, an entry that is there already is an error.
    pub fn rename(&mut self, from: (&[Name], &[u8]), to: (&[Name], &[u8]), keep: bool) -> Result<()> {
        let busy = |e| if matches!(e, Errno::EINVAL | Errno::ENOTEMPTY) { Errno::EBUSY } else { e };
        let old = self.place(from.0, from.1).map_err(busy)?;
        let new = self.place(to.0, to.1).map_err(busy)?;
        if self.is_mount_point(&old.path) || self.is_mount_point(&new.path) {
            return Err(Errno::EBUSY);
        }
        if new.path.len() > old.path.len() && new.path.starts_with(&old.path) {
            return Err(Errno::EINVAL);
        }
        if (old.directory || new.directory) && !self.node(from.0, from.1, false)?.as_ref().attr()?.is_dir() {
            return Err(Errno::ENOTDIR);
        }
        if keep && self.node(to.0, to.1, false).is_ok() {
            return Err(Errno::EEXIST);
        }
        match (&old.parent, &new.parent) {
            (Node::Host(a), Node::Host(b)) if Rc::ptr_eq(a.tree(), b.tree()) => {
                a.tree().check_writable()?;
                let nameless = if old.path == new.path { Vec::new() } else { self.losing_name(&new.path) };
                a.rename(old.name(), b, new.name())?;
                nameless.iter().for_each(Orphan::make);
            }
            (Node::Ram(a), Node::Ram(b)) => a.rename(old.name(), b, new.name())?,
            _ => return Err(Errno::EXDEV),
        }
        for file in self.fds.files() {
            let mut path = file.path.borrow_mut();
            if path.starts_with(&old.path) {
                path.splice(..old.path.len(), new.path.iter().cloned());
            }
        }
        Ok(())
    }

    /// Makes a symbolic link that says `target`.
    pub fn symlink(&mut self, target: &[u8], start: &[Name], text: &[u8]) -> Result<()> {
        if target.is_empty() {
            return Err(Errno::ENOENT);
        }
        let place = self.place(start, text).map_err(|_| Errno::EEXIST)?;
        if place.directory {
            return Err(Errno::ENOENT);
        }
        match &place.parent {
            Node::Host(parent) => parent.symlink(place.name(), target),
            Node::Ram(parent) => {
                let body = Body::Link(target.to_vec());
                self.ram.create(parent, place.name(), ram::LINK_MODE, body).map(drop)
            }
        }
    }

    /// Makes a further name for a file.
    pub fn link(&mut self, from: (&[Name], &[u8]), to: (&[Name], &[u8]), follow: bool) -> Result<()> {
        let file = self.node(from.0, from.1, follow)?;
        let place = self.place(to.0, to.1).map_err(|_| Errno::EEXIST)?;
        match (&place.parent, &file) {
            (Node::Host(parent), Node::Host(file)) if Rc::ptr_eq(parent.tree(), file.tree()) => {
                parent.link(file, place.name())
            }
            (Node::Ram(parent), Node::Ram(file)) => parent.link(place.name(), file),
            _ => Err(Errno::EXDEV),
        }
    }
}

/// Flags of open(2) that mean something to the file server.
const HOST_FLAGS: u32 =
    open::O_ACCMODE | open::O_TRUNC | open::O_APPEND | open::O_DSYNC | open::O_SYNC | open::O_NOFOLLOW;

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let mut files = Files::new((0, 0));
        files.ram.make_directories(&[b"tmp".to_vec()], true).unwrap();
        files.chdir(&[], b"/tmp").unwrap();
        files
    }

    fn open(files: &mut Files, text: &str, flags: u32) -> Result<OpenFile> {
        let cwd = files.cwd().to_vec();
        files.open(&cwd, text.as_bytes(), flags, 0o666)
    }

    #[test]
    fn open_flags_have_their_errors() {
        let mut f = files();
        let create = open::O_CREAT | open::O_RDWR;
        assert_eq!(open(&mut f, "a", open::O_RDWR).err(), Some(Errno::ENOENT));
        assert_eq!(open(&mut f, "a/", create).err(), Some(Errno::EISDIR));
        let a = open(&mut f, "a", create).unwrap();
        assert_eq!(a.attr().unwrap().mode, 0o100644);
        assert_eq!(open(&mut f, "a", create | open::O_EXCL).err(), Some(Errno::EEXIST));
        assert_eq!(open(&mut f, "a", open::O_DIRECTORY).err(), Some(Errno::ENOTDIR));
        assert_eq!(open(&mut f, "a/b", create).err(), Some(Errno::ENOTDIR));
        assert_eq!(open(&mut f, ".", open::O_RDWR).err(), Some(Errno::EISDIR));
        assert_eq!(open(&mut f, ".", open::O_TMPFILE | open::O_RDWR).err(), Some(Errno::EOPNOTSUPP));
        assert_eq!(open(&mut f, "/x", create).err(), Some(Errno::EROFS));
        assert!(open(&mut f, ".", open::O_DIRECTORY).unwrap().directory);
        f.symlink(b"a", &[b"tmp".to_vec()], b"l").unwrap();
        assert_eq!(open(&mut f, "l", open::O_NOFOLLOW).err(), Some(Errno::ELOOP));
        assert!(open(&mut f, "l", open::O_RDONLY).is_ok());
    }

    #[test]
    fn position_append_and_truncate() {
        let mut f = files();
        let a = open(&mut f, "a", open::O_CREAT | open::O_RDWR).unwrap();
        assert_eq!(a.write(b"hello"), Ok(5));
        assert_eq!(
            (a.seek(-2, 2), a.seek(-9, 1), a.seek(0, 9)),
            (Ok(3), Err(Errno::EINVAL), Err(Errno::EINVAL))
        );
        let mut buf = [0; 8];
        assert_eq!(a.read(&mut buf), Ok(2));
        let b = open(&mut f, "a", open::O_WRONLY | open::O_APPEND).unwrap();
        assert_eq!((b.write(b"!"), b.read(&mut buf)), (Ok(1), Err(Errno::EBADF)));
        assert_eq!(a.read_at(0, &mut buf), Ok(6));
        assert_eq!(&buf[..6], b"hello!");
        let c = open(&mut f, "a", open::O_RDONLY).unwrap();
        assert_eq!((c.write(b"x"), c.set_len(0)), (Err(Errno::EBADF), Err(Errno::EINVAL)));
        assert_eq!(open(&mut f, "a", open::O_WRONLY | open::O_TRUNC).unwrap().attr().unwrap().size, 0);
    }

    #[test]
    fn names_that_cannot_be_made_or_removed() {
        let mut f = files();
        let at = [b"tmp".to_vec()];
        f.mkdir(&at, b"d/", 0o777).unwrap();
        for (text, want) in [
            (&b"d"[..], Errno::EEXIST),
            (b".", Errno::EEXIST),
            (b"/", Errno::EEXIST),
            (b"x/y", Errno::ENOENT),
        ] {
            assert_eq!(f.mkdir(&at, text, 0o777), Err(want));
        }
        assert_eq!(f.mkdir(&at, b"/n", 0o777), Err(Errno::EROFS));
        assert_eq!(f.unlink(&at, b"d", false), Err(Errno::EISDIR));
        assert_eq!(f.unlink(&at, b"d/.", true), Err(Errno::EINVAL));
        assert_eq!(f.unlink(&at, b"d/..", true), Err(Errno::ENOTEMPTY));
        assert_eq!(f.rename((&at, b"d"), (&at, b"d/e"), false), Err(Errno::EINVAL));
        assert_eq!(f.rename((&at, b"."), (&at, b"e"), false), Err(Errno::EBUSY));
        f.mkdir(&at, b"e", 0o777).unwrap();
        assert_eq!(f.rename((&at, b"d"), (&at, b"e"), true), Err(Errno::EEXIST));
        assert_eq!(f.rename((&at, b"d"), (&at, b"e"), false), Ok(()));
        assert_eq!(f.unlink(&at, b"e", true), Ok(()));
    }

    #[test]
    fn an_unlinked_file_lives_while_open() {
        let mut f = files();
        let at = [b"tmp".to_vec()];
        let a = open(&mut f, "a", open::O_CREAT | open::O_RDWR).unwrap();
        a.write(b"data").unwrap();
        f.unlink(&at, b"a", false).unwrap();
        let mut buf = [0; 4];
        assert_eq!((a.read_at(0, &mut buf), a.attr().unwrap().nlink), (Ok(4), 0));
        assert_eq!(open(&mut f, "a", open::O_RDONLY).err(), Some(Errno::ENOENT));
    }

    #[test]
    fn a_directory_lists_what_it_had_when_reading_began() {
        let mut f = files();
        let at = [b"tmp".to_vec()];
        for name in ["a", "b", "c"] {
            open(&mut f, name, open::O_CREAT | open::O_RDWR).unwrap();
        }
        let dir = open(&mut f, ".", open::O_RDONLY).unwrap();
        let mut seen: Vec<Name> = Vec::new();
        // One entry at a time, each removed as soon as it is seen.
        loop {
            let mut one = None;
            dir.entries(|e| {
                one.is_none() && {
                    one = Some(e.name.clone());
                    true
                }
            })
            .unwrap();
            let Some(name) = one else { break };
            if !name.starts_with(b".") {
                f.unlink(&at, &name, false).unwrap();
            }
            seen.push(name);
        }
        assert_eq!(seen, [&b"."[..], b"..", b"a", b"b", b"c"]);
    }
}
