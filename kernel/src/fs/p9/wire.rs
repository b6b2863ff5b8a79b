//! Bytes of 9P2000.L messages: every message is size[4] type[1] tag[2] and a body of little-endian integers, strings
//! (length[2] and bytes) and qids (type[1] version[4] path[8]).
//!
//! Source: diod's protocol.md and the Linux client (include/net/9p/9p.h). A reply is read through [`Reader`], which
//! turns every short or oversized field into `EIO`: the server is another program and may be wrong.

use crate::errno::{Errno, Result};
use alloc::string::String;
use alloc::vec::Vec;

/// Bytes before the body: size[4] type[1] tag[2].
pub const HEADER: usize = 7;
/// `Tag` of a version request.
pub const NO_TAG: u16 = 0xffff;
/// `Fid` that stands for none.
pub const NO_FID: u32 = 0xffff_ffff;

/// Message types; a reply is the request's number plus one.
pub mod kind {
    #![allow(missing_docs)] // names of the protocol
    pub const RLERROR: u8 = 7;
    pub const TSTATFS: u8 = 8;
    pub const TLOPEN: u8 = 12;
    pub const TLCREATE: u8 = 14;
    pub const TSYMLINK: u8 = 16;
    pub const TREADLINK: u8 = 22;
    pub const TGETATTR: u8 = 24;
    pub const TSETATTR: u8 = 26;
    pub const TREADDIR: u8 = 40;
    pub const TFSYNC: u8 = 50;
    pub const TLINK: u8 = 70;
    pub const TMKDIR: u8 = 72;
    pub const TRENAMEAT: u8 = 74;
    pub const TUNLINKAT: u8 = 76;
    pub const TVERSION: u8 = 100;
    pub const TATTACH: u8 = 104;
    pub const TWALK: u8 = 110;
    pub const TREAD: u8 = 116;
    pub const TWRITE: u8 = 118;
    pub const TCLUNK: u8 = 120;
}

/// Server's identity of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Qid {
    /// 0x80 directory, 0x02 symbolic link.
    pub kind: u8,
    /// Changes when the file changes.
    pub version: u32,
    /// Unique in the tree.
    pub path: u64,
}

impl Qid {
    /// Whether the file is a directory.
    pub fn is_dir(self) -> bool {
        self.kind & 0x80 != 0
    }

    /// Whether the file is a symbolic link.
    pub fn is_symlink(self) -> bool {
        self.kind & 0x02 != 0
    }
}

/// A request being written.
pub struct Request {
    bytes: Vec<u8>,
}

impl Request {
    /// Starts a message of a kind.
    pub fn new(kind: u8, tag: u16) -> Self {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(&[0; 4]);
        bytes.push(kind);
        bytes.extend_from_slice(&tag.to_le_bytes());
        Self { bytes }
    }

    /// Appends an integer of one byte.
    pub fn u8(mut self, v: u8) -> Self {
        self.bytes.push(v);
        self
    }

    /// Appends an integer of two bytes.
    pub fn u16(mut self, v: u16) -> Self {
        self.bytes.extend_from_slice(&v.to_le_bytes());
        self
    }

    /// Appends an integer of four bytes.
    pub fn u32(mut self, v: u32) -> Self {
        self.bytes.extend_from_slice(&v.to_le_bytes());
        self
    }

    /// Appends an integer of eight bytes.
    pub fn u64(mut self, v: u64) -> Self {
        self.bytes.extend_from_slice(&v.to_le_bytes());
        self
    }

    /// Appends a string; `ENAMETOOLONG` beyond what its length field holds.
    pub fn str(mut self, s: &[u8]) -> Result<Self> {
        let len = u16::try_from(s.len()).map_err(|_| Errno::ENAMETOOLONG)?;
        self.bytes.extend_from_slice(&len.to_le_bytes());
        self.bytes.extend_from_slice(s);
        Ok(self)
    }

    /// The message, its size field counting `payload` more bytes sent behind it.
    pub fn finish(mut self, payload: usize) -> Vec<u8> {
        let size = (self.bytes.len() + payload) as u32;
        self.bytes[..4].copy_from_slice(&size.to_le_bytes());
        self.bytes
    }
}

/// Reads the fields of a reply.
#[derive(Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from a body.
    pub fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    /// The next `n` bytes.
    pub fn bytes(&mut self, n: usize) -> Result<&'a [u8]> {
        if n > self.rest.len() {
            return Err(Errno::EIO);
        }
        let (head, tail) = self.rest.split_at(n);
        self.rest = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.bytes(N)?.try_into().map_err(|_| Errno::EIO)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A string, as bytes: file names need not be UTF-8.
    pub fn str(&mut self) -> Result<&'a [u8]> {
        let len = self.u16()?;
        self.bytes(len.into())
    }

    /// A qid.
    pub fn qid(&mut self) -> Result<Qid> {
        Ok(Qid { kind: self.u8()?, version: self.u32()?, path: self.u64()? })
    }

    /// What is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Checks the header of a reply of `received` bytes to a request of `kind` and `tag`; returns the body.
///
/// An `Rlerror` gives its error number, anything malformed `EIO`.
pub fn reply_body(reply: &[u8], kind: u8, tag: u16) -> Result<&[u8]> {
    let mut r = Reader::new(reply);
    let size = r.u32()? as usize;
    let got_kind = r.u8()?;
    let got_tag = r.u16()?;
    if size != reply.len() || got_tag != tag {
        return Err(Errno::EIO);
    }
    if got_kind == kind::RLERROR {
        let code = r.u32()?;
        // 4095 is the largest error number that a Linux system call can return.
        return Err(if (1..4096).contains(&code) { Errno(code as i32) } else { Errno::EIO });
    }
    if got_kind != kind + 1 {
        return Err(Errno::EIO);
    }
    Ok(&reply[HEADER..])
}

/// Attributes of a file (Rgetattr).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attr {
    /// Identity.
    pub qid: Qid,
    /// Type and permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Links.
    pub nlink: u64,
    /// Device number of a device file.
    pub rdev: u64,
    /// Bytes.
    pub size: u64,
    /// Preferred block size.
    pub blksize: u64,
    /// Blocks of 512 bytes.
    pub blocks: u64,
    /// Last access, seconds and nanoseconds.
    pub atime: (u64, u64),
    /// Last change of data.
    pub mtime: (u64, u64),
    /// Last change of attributes.
    pub ctime: (u64, u64),
}

impl Attr {
    /// Reads the body of an Rgetattr.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let mut r = Reader::new(body);
        r.u64()?; // which fields are valid: the basic ones always are
        Ok(Self {
            qid: r.qid()?,
            mode: r.u32()?,
            uid: r.u32()?,
            gid: r.u32()?,
            nlink: r.u64()?,
            rdev: r.u64()?,
            size: r.u64()?,
            blksize: r.u64()?,
            blocks: r.u64()?,
            atime: (r.u64()?, r.u64()?),
            mtime: (r.u64()?, r.u64()?),
            ctime: (r.u64()?, r.u64()?),
        })
    }
}

/// One entry of a directory (Rreaddir).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Identity.
    pub qid: Qid,
    /// Where reading goes on behind this entry.
    pub offset: u64,
    /// `DT_*` of dirent(3).
    pub kind: u8,
    /// Name.
    pub name: Vec<u8>,
}

/// Reads the entries in the data of an Rreaddir.
pub fn parse_entries(data: &[u8]) -> Result<Vec<Entry>> {
    let mut r = Reader::new(data);
    let mut entries = Vec::new();
    while !r.is_empty() {
        let (qid, offset, kind, name) = (r.qid()?, r.u64()?, r.u8()?, r.str()?);
        if name.is_empty() || name.contains(&b'/') || name.contains(&0) {
            return Err(Errno::EIO);
        }
        entries.push(Entry { qid, offset, kind, name: name.to_vec() });
    }
    Ok(entries)
}

/// What a file system says of itself (Rstatfs).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatFs {
    /// Magic number of the file system.
    pub kind: u32,
    /// Block size.
    pub bsize: u32,
    /// Blocks in all, free, and free for users.
    pub blocks: [u64; 3],
    /// Inodes in all, and free.
    pub files: [u64; 2],
    /// Identity.
    pub fsid: u64,
    /// Longest name.
    pub namelen: u32,
}

impl StatFs {
    /// Reads the body of an Rstatfs.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let mut r = Reader::new(body);
        Ok(Self {
            kind: r.u32()?,
            bsize: r.u32()?,
            blocks: [r.u64()?, r.u64()?, r.u64()?],
            files: [r.u64()?, r.u64()?],
            fsid: r.u64()?,
            namelen: r.u32()?,
        })
    }
}

/// Reads the body of an Rwalk: at most as many qids as names were asked for.
pub fn parse_walk(body: &[u8], asked: usize) -> Result<Vec<Qid>> {
    let mut r = Reader::new(body);
    let n = usize::from(r.u16()?);
    if n > asked {
        return Err(Errno::EIO);
    }
    (0..n).map(|_| r.qid()).collect()
}

/// Reads the body of an Rversion: message size and version text.
pub fn parse_version(body: &[u8]) -> Result<(u32, String)> {
    let mut r = Reader::new(body);
    let size = r.u32()?;
    Ok((size, String::from_utf8_lossy(r.str()?).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A xorshift generator, so that a failure repeats.
    struct Rng(u64);

    impl Rng {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }
    }

    #[test]
    fn request_counts_its_bytes_and_payload() {
        let m = Request::new(kind::TWRITE, 3).u32(7).u64(9).u32(5).finish(5);
        assert_eq!(m.len(), 23);
        assert_eq!(u32::from_le_bytes(m[..4].try_into().unwrap()), 28);
        assert_eq!(&m[4..7], &[kind::TWRITE, 3, 0]);
    }

    #[test]
    fn error_reply_carries_its_number() {
        let ok = Request::new(kind::RLERROR, 1).u32(17).finish(0);
        assert_eq!(reply_body(&ok, kind::TLOPEN, 1), Err(Errno::EEXIST));
        let odd = Request::new(kind::RLERROR, 1).u32(0x8000_0000).finish(0);
        assert_eq!(reply_body(&odd, kind::TLOPEN, 1), Err(Errno::EIO));
    }

    #[test]
    fn wrong_size_tag_or_kind_is_eio() {
        let good = Request::new(kind::TLOPEN + 1, 1).finish(0);
        assert_eq!(reply_body(&good, kind::TLOPEN, 1), Ok(&[][..]));
        assert_eq!(reply_body(&good, kind::TLOPEN, 2), Err(Errno::EIO));
        assert_eq!(reply_body(&good, kind::TREAD, 1), Err(Errno::EIO));
        let long = Request::new(kind::TLOPEN + 1, 1).finish(1);
        assert_eq!(reply_body(&long, kind::TLOPEN, 1), Err(Errno::EIO));
        assert_eq!(reply_body(&good[..5], kind::TLOPEN, 1), Err(Errno::EIO));
    }

    #[test]
    fn entry_names_are_checked() {
        let entry = |name: &[u8]| {
            let m = Request::new(0, 0).u8(0x80).u32(1).u64(2).u64(3).u8(4).str(name).unwrap();
            m.finish(0)[HEADER..].to_vec()
        };
        let two = [entry(b"a"), entry(b"..")].concat();
        let names: Vec<_> = parse_entries(&two).unwrap().into_iter().map(|e| e.name).collect();
        assert_eq!(names, [b"a".to_vec(), b"..".to_vec()]);
        for bad in [&b""[..], b"a/b", b"a\0"] {
            assert_eq!(parse_entries(&entry(bad)), Err(Errno::EIO));
        }
        assert_eq!(parse_entries(&two[..two.len() - 1]), Err(Errno::EIO));
    }

    #[test]
    fn random_replies_never_panic() {
        let mut rng = Rng(0x1234_5678_9abc_def1);
        let mut accepted = 0;
        for _ in 0..20_000 {
            let len = (rng.next() % 200) as usize;
            let mut bytes: Vec<u8> = (0..len).map(|_| rng.next() as u8).collect();
            if rng.next() % 2 == 0 && len >= HEADER {
                // Half of them get past the header check.
                bytes[..4].copy_from_slice(&(len as u32).to_le_bytes());
                bytes[4..7].copy_from_slice(&[kind::TGETATTR + 1, 1, 0]);
            }
            let body = match reply_body(&bytes, kind::TGETATTR, 1) {
                Ok(body) => body,
                Err(Errno(e)) => {
                    assert!((1..4096).contains(&e));
                    continue;
                }
            };
            accepted += 1;
            if let Ok(qids) = parse_walk(body, 16) {
                assert!(qids.len() <= 16);
            }
            assert_eq!(Attr::parse(body).is_ok(), body.len() >= 8 + 13 + 12 + 15 * 8 - 4 * 8);
            let _ = (StatFs::parse(body), parse_version(body));
            for e in parse_entries(body).unwrap_or_default() {
                assert!(!e.name.is_empty() && !e.name.contains(&b'/'));
            }
        }
        assert!(accepted > 5_000);
    }
}
