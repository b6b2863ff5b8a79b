//! A 9P2000.L client with one request under way at a time.
//!
//! Data of reads and writes is not copied: the server gets the caller's buffer as a further piece of the message.

use super::wire::{self, Attr, Entry, HEADER, NO_FID, NO_TAG, Qid, Reader, Request, StatFs, kind};
use crate::errno::{Errno, Result};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// Message size asked for: 32 MiB of data and room for the header of any message. A request costs the host some 100 us
/// whatever its size (two threads of QEMU are woken for it), copying 1 MiB half of that; memory is contiguous for the
/// device, so one descriptor holds all of it, and QEMU sets no limit of its own (hw/9pfs/9p.c, v9fs_version).
pub const MSIZE: u32 = (32 << 20) + 4096;
/// Bytes of a message that are not data, at most (P9_IOHDRSZ).
const IO_HEADER: u32 = 24;
/// Header of an Rread or the whole of an Rlerror: header and a number of four bytes.
const READ_HEADER: usize = HEADER + 4;
/// Names in one Twalk (P9_MAXWELEM).
pub const MAX_WALK: usize = 16;
/// Bytes of directory entries asked for at once.
const READDIR_BYTES: u32 = 32 << 10;
const TAG: u16 = 1;

/// Carries a request to the server and its reply back.
pub trait Channel {
    /// Sends the pieces of `request` as one message, stores the reply into the pieces of `reply` in their order and
    /// returns how many bytes came. It fails with `EIO` when the server does not answer.
    fn exchange<'a>(&mut self, request: &'a [&'a [u8]], reply: &'a mut [&'a mut [u8]]) -> Result<usize>;
}

impl<C: Channel + ?Sized> Channel for Box<C> {
    fn exchange<'a>(&mut self, request: &'a [&'a [u8]], reply: &'a mut [&'a mut [u8]]) -> Result<usize> {
        (**self).exchange(request, reply)
    }
}

/// The client's number of a file that the server has at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fid(u32);

/// What to change about a file (Tsetattr).
#[derive(Clone, Copy, Debug, Default)]
pub struct SetAttr {
    /// Permission bits.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Length.
    pub size: Option<u64>,
    /// Access time in seconds and nanoseconds; the inner `None` is the server's present time.
    pub atime: Option<Option<(u64, u64)>>,
    /// Modification time likewise.
    pub mtime: Option<Option<(u64, u64)>>,
}

/// A connection to a server, with a tree attached.
pub struct Client<C> {
    channel: C,
    msize: u32,
    inbox: Vec<u8>,
    next_fid: u32,
    free_fids: Vec<u32>,
}

impl<C: Channel> Client<C> {
    /// Agrees on version and size and attaches the tree as user `uid`; returns its root.
    pub fn attach(channel: C, uid: u32) -> Result<(Self, Fid)> {
        let inbox = vec![0; READDIR_BYTES as usize + IO_HEADER as usize];
        let mut client = Self { channel, msize: MSIZE, inbox, next_fid: 0, free_fids: Vec::new() };
        let hello = Request::new(kind::TVERSION, NO_TAG).u32(MSIZE).str(b"9P2000.L")?;
        let (msize, version) = wire::parse_version(client.call_tagged(hello, kind::TVERSION, NO_TAG)?)?;
        if version != "9P2000.L" || !(4096..=MSIZE).contains(&msize) {
            return Err(Errno::EIO);
        }
        client.msize = msize;
        let root = client.new_fid();
        let attach = Request::new(kind::TATTACH, TAG).u32(root.0).u32(NO_FID).str(b"")?.str(b"")?.u32(uid);
        client.call(attach, kind::TATTACH)?;
        Ok((client, root))
    }

    /// Largest number of data bytes in one message.
    pub fn io_unit(&self) -> u32 {
        self.msize - IO_HEADER
    }

    fn new_fid(&mut self) -> Fid {
        Fid(self.free_fids.pop().unwrap_or_else(|| {
            self.next_fid += 1;
            self.next_fid - 1
        }))
    }

    fn call(&mut self, request: Request, kind: u8) -> Result<&[u8]> {
        self.call_tagged(request, kind, TAG)
    }

    fn call_tagged(&mut self, request: Request, kind: u8, tag: u16) -> Result<&[u8]> {
        let message = request.finish(0);
        let n = self.channel.exchange(&[&message], &mut [&mut self.inbox])?;
        wire::reply_body(self.inbox.get(..n).ok_or(Errno::EIO)?, kind, tag)
    }

    /// Walks from `from` along at most [`MAX_WALK`] names. The qids are those of the names that were found; a fid
    /// for the last comes only when all were. A failure at the first name is an error.
    pub fn walk(&mut self, from: Fid, names: &[Vec<u8>]) -> Result<(Option<Fid>, Vec<Qid>)> {
        let count = names.len().min(MAX_WALK);
        let new = self.new_fid();
        let mut request = Request::new(kind::TWALK, TAG).u32(from.0).u32(new.0).u16(count as u16);
        for name in &names[..count] {
            request = request.str(name)?;
        }
        let qids = self.call(request, kind::TWALK).and_then(|body| wire::parse_walk(body, count));
        match qids {
            Ok(qids) if qids.len() == count => Ok((Some(new), qids)),
            other => {
                self.free_fids.push(new.0);
                other.map(|qids| (None, qids))
            }
        }
    }

    /// Opens a fid with Linux `O_*` flags; returns the qid and the bytes per message that suit the server.
    pub fn open(&mut self, fid: Fid, flags: u32) -> Result<(Qid, u32)> {
        let mut r =
            Reader::new(self.call(Request::new(kind::TLOPEN, TAG).u32(fid.0).u32(flags), kind::TLOPEN)?);
        let (qid, unit) = (r.qid()?, r.u32()?);
        Ok((qid, self.clamp_unit(unit)))
    }

    /// Creates and opens `name` in the directory `fid`, which becomes the file.
    pub fn create(&mut self, fid: Fid, name: &[u8], flags: u32, mode: u32, gid: u32) -> Result<(Qid, u32)> {
        let request = Request::new(kind::TLCREATE, TAG).u32(fid.0).str(name)?.u32(flags).u32(mode).u32(gid);
        let mut r = Reader::new(self.call(request, kind::TLCREATE)?);
        let (qid, unit) = (r.qid()?, r.u32()?);
        Ok((qid, self.clamp_unit(unit)))
    }

    fn clamp_unit(&self, unit: u32) -> u32 {
        if unit == 0 { self.io_unit() } else { unit.min(self.io_unit()) }
    }

    /// Forgets a fid. The server drops it even when it reports an error.
    pub fn clunk(&mut self, fid: Fid) -> Result<()> {
        let answer = self.call(Request::new(kind::TCLUNK, TAG).u32(fid.0), kind::TCLUNK).map(drop);
        self.free_fids.push(fid.0);
        answer
    }

    /// Reads at most one message's worth; 0 is the end of the file.
    pub fn read(&mut self, fid: Fid, offset: u64, buf: &mut [u8], unit: u32) -> Result<usize> {
        let count = buf.len().min(unit as usize);
        if count == 0 {
            return Ok(0);
        }
        let message = Request::new(kind::TREAD, TAG).u32(fid.0).u64(offset).u32(count as u32).finish(0);
        let mut head = [0; READ_HEADER];
        let n = self.channel.exchange(&[&message], &mut [&mut head, &mut buf[..count]])?;
        let got = io_count(&head, n, kind::TREAD)?;
        if got > count || n != READ_HEADER + got { Err(Errno::EIO) } else { Ok(got) }
    }

    /// Writes at most one message's worth; returns how much.
    pub fn write(&mut self, fid: Fid, offset: u64, data: &[u8], unit: u32) -> Result<usize> {
        let count = data.len().min(unit as usize);
        if count == 0 {
            return Ok(0);
        }
        let message = Request::new(kind::TWRITE, TAG).u32(fid.0).u64(offset).u32(count as u32).finish(count);
        let mut head = [0; READ_HEADER];
        let n = self.channel.exchange(&[&message, &data[..count]], &mut [&mut head])?;
        let put = io_count(&head, n, kind::TWRITE)?;
        if put == 0 || put > count { Err(Errno::EIO) } else { Ok(put) }
    }

    /// Attributes of a file.
    pub fn getattr(&mut self, fid: Fid) -> Result<Attr> {
        // P9_GETATTR_BASIC: all that stat(2) tells.
        let request = Request::new(kind::TGETATTR, TAG).u32(fid.0).u64(0x7ff);
        Attr::parse(self.call(request, kind::TGETATTR)?)
    }

    /// Changes attributes.
    pub fn setattr(&mut self, fid: Fid, set: SetAttr) -> Result<()> {
        let mut valid = 0u32;
        let mut flag = |bit: u32, on: bool| valid |= if on { bit } else { 0 };
        flag(0x01, set.mode.is_some());
        flag(0x02, set.uid.is_some());
        flag(0x04, set.gid.is_some());
        flag(0x08, set.size.is_some());
        flag(0x10, set.atime.is_some());
        flag(0x20, set.mtime.is_some());
        flag(0x80, matches!(set.atime, Some(Some(_))));
        flag(0x100, matches!(set.mtime, Some(Some(_))));
        let (atime, mtime) = (set.atime.flatten().unwrap_or((0, 0)), set.mtime.flatten().unwrap_or((0, 0)));
        let request = Request::new(kind::TSETATTR, TAG)
            .u32(fid.0)
            .u32(valid)
            .u32(set.mode.unwrap_or(0))
            .u32(set.uid.unwrap_or(0))
            .u32(set.gid.unwrap_or(0))
            .u64(set.size.unwrap_or(0))
            .u64(atime.0)
            .u64(atime.1)
            .u64(mtime.0)
            .u64(mtime.1);
        self.call(request, kind::TSETATTR).map(drop)
    }

    /// Entries of an open directory from a position on; none at the end.
    pub fn readdir(&mut self, fid: Fid, offset: u64) -> Result<Vec<Entry>> {
        let count = READDIR_BYTES.min(self.io_unit());
        let request = Request::new(kind::TREADDIR, TAG).u32(fid.0).u64(offset).u32(count);
        let mut r = Reader::new(self.call(request, kind::TREADDIR)?);
        let len = r.u32()? as usize;
        wire::parse_entries(r.bytes(len)?)
    }

    /// Makes a directory.
    pub fn mkdir(&mut self, dir: Fid, name: &[u8], mode: u32, gid: u32) -> Result<()> {
        let request = Request::new(kind::TMKDIR, TAG).u32(dir.0).str(name)?.u32(mode).u32(gid);
        self.call(request, kind::TMKDIR).map(drop)
    }

    /// Renames an entry.
    pub fn rename(&mut self, from: (Fid, &[u8]), to: (Fid, &[u8])) -> Result<()> {
        let request = Request::new(kind::TRENAMEAT, TAG).u32(from.0.0).str(from.1)?.u32(to.0.0).str(to.1)?;
        self.call(request, kind::TRENAMEAT).map(drop)
    }

    /// Removes an entry: a directory if `directory`, else anything else.
    pub fn unlink(&mut self, dir: Fid, name: &[u8], directory: bool) -> Result<()> {
        // AT_REMOVEDIR
        let flags = if directory { 0x200 } else { 0 };
        let request = Request::new(kind::TUNLINKAT, TAG).u32(dir.0).str(name)?.u32(flags);
        self.call(request, kind::TUNLINKAT).map(drop)
    }

    /// Makes a symbolic link `name` to `target`.
    pub fn symlink(&mut self, dir: Fid, name: &[u8], target: &[u8], gid: u32) -> Result<()> {
        let request = Request::new(kind::TSYMLINK, TAG).u32(dir.0).str(name)?.str(target)?.u32(gid);
        self.call(request, kind::TSYMLINK).map(drop)
    }

    /// Makes a further name for a file.
    pub fn link(&mut self, dir: Fid, file: Fid, name: &[u8]) -> Result<()> {
        let request = Request::new(kind::TLINK, TAG).u32(dir.0).u32(file.0).str(name)?;
        self.call(request, kind::TLINK).map(drop)
    }

    /// Where a symbolic link points.
    pub fn readlink(&mut self, fid: Fid) -> Result<Vec<u8>> {
        let body = self.call(Request::new(kind::TREADLINK, TAG).u32(fid.0), kind::TREADLINK)?;
        Ok(Reader::new(body).str()?.to_vec())
    }

    /// Writes a file's data (and, unless `data_only`, its attributes) to the host's disk.
    pub fn fsync(&mut self, fid: Fid, data_only: bool) -> Result<()> {
        let request = Request::new(kind::TFSYNC, TAG).u32(fid.0).u32(data_only.into());
        self.call(request, kind::TFSYNC).map(drop)
    }

    /// The file system's numbers.
    pub fn statfs(&mut self, fid: Fid) -> Result<StatFs> {
        StatFs::parse(self.call(Request::new(kind::TSTATFS, TAG).u32(fid.0), kind::TSTATFS)?)
    }
}

/// The count in the reply to a read or write of which `n` bytes came, `head` the first of them.
fn io_count(head: &[u8; READ_HEADER], n: usize, kind: u8) -> Result<usize> {
    let mut r = Reader::new(head);
    if r.u32()? as usize != n || n < READ_HEADER {
        return Err(Errno::EIO);
    }
    // The header as that of a message without data, so that one function judges all replies.
    let mut short = *head;
    short[..4].copy_from_slice(&(READ_HEADER as u32).to_le_bytes());
    let body = wire::reply_body(&short, kind, TAG)?;
    Ok(Reader::new(body).u32()? as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::VecDeque;

    /// Answers with prepared bytes and keeps what was asked.
    #[derive(Default)]
    struct Script {
        replies: VecDeque<Vec<u8>>,
        asked: Vec<Vec<u8>>,
    }

    impl Channel for Script {
        fn exchange<'a>(&mut self, request: &'a [&'a [u8]], reply: &'a mut [&'a mut [u8]]) -> Result<usize> {
            self.asked.push(request.concat());
            let bytes = self.replies.pop_front().ok_or(Errno::EIO)?;
            let mut rest = &bytes[..];
            for piece in reply {
                let n = piece.len().min(rest.len());
                piece[..n].copy_from_slice(&rest[..n]);
                rest = &rest[n..];
            }
            Ok(bytes.len() - rest.len())
        }
    }

    fn reply(kind: u8) -> Request {
        Request::new(kind + 1, TAG)
    }

    fn attached() -> (Client<Script>, Fid) {
        let mut s = Script::default();
        let version = Request::new(kind::TVERSION + 1, NO_TAG).u32(8192).str(b"9P2000.L").unwrap();
        s.replies.push_back(version.finish(0));
        s.replies.push_back(reply(kind::TATTACH).u8(0x80).u32(0).u64(1).finish(0));
        Client::attach(s, 1000).unwrap()
    }

    #[test]
    fn attaches_with_the_servers_size() {
        let (client, root) = attached();
        assert_eq!((client.io_unit(), root), (8192 - 24, Fid(0)));
        assert_eq!(client.channel.asked[0].len(), 7 + 4 + 2 + 8);
    }

    #[test]
    fn refuses_another_version() {
        let mut s = Script::default();
        s.replies
            .push_back(Request::new(kind::TVERSION + 1, NO_TAG).u32(8192).str(b"unknown").unwrap().finish(0));
        assert_eq!(Client::attach(s, 0).err(), Some(Errno::EIO));
    }

    #[test]
    fn partial_walk_gives_no_fid() {
        let (mut client, root) = attached();
        client.channel.replies.push_back(reply(kind::TWALK).u16(1).u8(2).u32(0).u64(7).finish(0));
        let (fid, qids) = client.walk(root, &[b"link".to_vec(), b"x".to_vec()]).unwrap();
        assert_eq!(fid, None);
        assert!(qids.len() == 1 && qids[0].is_symlink());
        // The number is free again.
        client.channel.replies.push_back(reply(kind::TWALK).u16(0).finish(0));
        assert_eq!(client.walk(root, &[]).unwrap().0, Some(Fid(1)));
    }

    #[test]
    fn read_checks_count_against_what_came() {
        let (mut client, root) = attached();
        let mut buf = [0; 8];
        let answer = |count: u32, data: &[u8]| {
            let mut m = reply(kind::TREAD).u32(count).finish(data.len());
            m.extend_from_slice(data);
            m
        };
        client.channel.replies.push_back(answer(3, b"abc"));
        assert_eq!(client.read(root, 0, &mut buf, 4096), Ok(3));
        assert_eq!(&buf[..3], b"abc");
        client.channel.replies.push_back(answer(100, b"abc"));
        assert_eq!(client.read(root, 0, &mut buf, 4096), Err(Errno::EIO));
        client.channel.replies.push_back(Request::new(kind::RLERROR, TAG).u32(13).finish(0));
        assert_eq!(client.read(root, 0, &mut buf, 4096), Err(Errno::EACCES));
    }

    #[test]
    fn write_sends_the_data_behind_the_header() {
        let (mut client, root) = attached();
        client.channel.replies.push_back(reply(kind::TWRITE).u32(2).finish(0));
        assert_eq!(client.write(root, 5, b"hello", 2), Ok(2));
        let asked = client.channel.asked.last().unwrap();
        assert_eq!((asked.len(), &asked[23..]), (25, &b"he"[..]));
        client.channel.replies.push_back(reply(kind::TWRITE).u32(3).finish(0));
        assert_eq!(client.write(root, 5, b"hello", 2), Err(Errno::EIO));
    }

    #[test]
    fn a_lying_server_gets_eio_not_a_panic() {
        let mut state = 88172645463325252u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let (mut client, root) = attached();
        let mut refused = 0;
        for round in 0..5_000 {
            let kinds =
                [kind::TGETATTR, kind::TREADDIR, kind::TREADLINK, kind::TWALK, kind::TREAD, kind::TLOPEN];
            let kind = kinds[round % kinds.len()];
            let body = (random() % 80) as usize;
            let mut m = reply(kind).finish(body);
            m.extend((0..body).map(|_| (random() % 5) as u8));
            client.channel.replies.push_back(m);
            let mut buf = [0; 16];
            refused += usize::from(match kind {
                kind::TGETATTR => client.getattr(root).is_err(),
                kind::TREADDIR => client.readdir(root, 0).is_err(),
                kind::TREADLINK => client.readlink(root).is_err(),
                kind::TWALK => client.walk(root, &[b"a".to_vec()]).is_err(),
                kind::TREAD => client.read(root, 0, &mut buf, 16).is_err(),
                _ => client.open(root, 0).is_err(),
            });
        }
        assert!(refused > 1_000 && refused < 5_000);
    }
}
