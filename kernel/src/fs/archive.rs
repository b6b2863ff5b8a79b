//! The file tree that an image carries: a cpio archive of the `newc` form, packed by `unirank build --files`
//! (images/src/tree.rs; Linux, Documentation/driver-api/early-userspace/buffer-format.rst).
//!
//! An entry is a header of `070701` and 13 numbers of eight hexadecimal digits, a name with its NUL, and data; name and
//! data end at multiples of four bytes. The name `TRAILER!!!` ends the archive. Its bytes come with the image from
//! anywhere: everything is checked before it is used, and damage is an error that says where.

use super::attr::{S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};
use super::path::{self, Name};
use super::ram::{Body, Ram};
use crate::errno::Errno;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const MAGIC: &[u8] = b"070701";
const FIELDS: usize = 13;
const HEADER: usize = MAGIC.len() + 8 * FIELDS;
const TRAILER: &[u8] = b"TRAILER!!!";

/// Places in the header's numbers.
mod field {
    pub const MODE: usize = 1;
    pub const TIME: usize = 5;
    pub const SIZE: usize = 6;
    pub const NAME: usize = 11;
}

/// What is wrong, and where in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Damage {
    at: usize,
    what: &'static str,
}

/// One file, directory or link.
struct Entry {
    path: Vec<Name>,
    mode: u32,
    /// Seconds since 1970.
    time: u32,
    data: &'static [u8],
}

/// Reads the archive from front to back.
struct Reader {
    bytes: &'static [u8],
    at: usize,
}

impl Reader {
    fn damage<T>(&self, what: &'static str) -> Result<T, Damage> {
        Err(Damage { at: self.at, what })
    }

    /// The next bytes.
    fn take(&mut self, len: usize) -> Result<&'static [u8], Damage> {
        let end = self.at.checked_add(len).filter(|&end| end <= self.bytes.len());
        let Some(end) = end else { return self.damage("it ends early") };
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// Skips to a multiple of four; at the very end nothing need follow.
    fn align(&mut self) {
        self.at = self.at.next_multiple_of(4).min(self.bytes.len());
    }

    /// The next entry; `None` is the end.
    fn entry(&mut self) -> Result<Option<Entry>, Damage> {
        let start = self.at;
        let header = self.take(HEADER)?;
        let mut numbers = [0u32; FIELDS];
        for (number, digits) in numbers.iter_mut().zip(header[MAGIC.len()..].chunks(8)) {
            let digits =
                core::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
            match digits.and_then(|d| u32::from_str_radix(d, 16).ok()) {
                Some(value) => *number = value,
                None => return Err(Damage { at: start, what: "a number is not hexadecimal" }),
            }
        }
        if !header.starts_with(MAGIC) {
            return Err(Damage { at: start, what: "there is no entry" });
        }
        let name = self.take(numbers[field::NAME] as usize)?;
        self.align();
        let name = match name.split_last() {
            Some((0, name)) if !name.contains(&0) => name,
            _ => return Err(Damage { at: start, what: "a name has no end" }),
        };
        if name == TRAILER {
            return Ok(None);
        }
        let data = self.take(numbers[field::SIZE] as usize)?;
        self.align();
        let path = match path::split(name) {
            Ok(split) if !split.absolute && split.names.iter().all(|n| n != b"..") => split.names,
            _ => return Err(Damage { at: start, what: "a name is not a path below the root" }),
        };
        Ok(Some(Entry { path, mode: numbers[field::MODE], time: numbers[field::TIME], data }))
    }
}

fn add(ram: &Ram, entry: &Entry) -> Result<(), &'static str> {
    let Some((name, parents)) = entry.path.split_last() else { return Ok(()) };
    let parent = ram.make_directories(parents, false).and_then(|parent| {
        parent.directory()?;
        Ok(parent)
    });
    let parent = parent.map_err(|_| "a name lies below a file")?;
    let body = match entry.mode & S_IFMT {
        S_IFDIR => Body::directory(false),
        S_IFREG => Body::Packed(entry.data),
        S_IFLNK if !entry.data.is_empty() && !entry.data.contains(&0) => Body::Link(entry.data.to_vec()),
        _ => return Err("an entry is neither file nor directory nor link"),
    };
    let inode = ram.inode(entry.mode & (S_IFMT | 0o7777), body);
    inode.set_born(u64::from(entry.time) * 1_000_000_000);
    match parent.put(name, inode) {
        // The system's own directories and files stay as they are.
        Ok(()) | Err(Errno::EEXIST) => Ok(()),
        Err(_) => Err("a name lies below a file"),
    }
}

/// Puts the files of an archive into the tree. The error is a sentence for the user.
pub fn unpack(bytes: &'static [u8], ram: &Ram) -> Result<(), String> {
    let mut reader = Reader { bytes, at: 0 };
    loop {
        let at = reader.at;
        let step = match reader.entry() {
            Ok(None) => return Ok(()),
            Ok(Some(entry)) => add(ram, &entry).map_err(|what| Damage { at, what }),
            Err(damage) => Err(damage),
        };
        if let Err(Damage { at, what }) = step {
            return Err(format!(
                "the image's file tree is damaged: {what} (byte {at} of {}); pack it again with unirank build --files",
                bytes.len()
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::resolve::Probe;

    fn entry(name: &str, mode: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for field in [1, mode, 0, 0, 1, 77, data.len() as u32, 0, 0, 0, 0, name.len() as u32 + 1, 0] {
            bytes.extend(format!("{field:08x}").bytes());
        }
        bytes.extend(name.bytes());
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn archive() -> Vec<u8> {
        [
            entry("etc", S_IFDIR | 0o755, b""),
            entry("etc/conf", S_IFREG | 0o640, b"hello"),
            entry("etc/link", S_IFLNK | 0o777, b"conf"),
            entry("deep/er/file", S_IFREG | 0o444, b"12345678"),
            entry("TRAILER!!!", 0, b""),
        ]
        .concat()
    }

    fn unpacked(bytes: Vec<u8>) -> Result<Ram, String> {
        let ram = Ram::new((7, 8));
        unpack(bytes.leak(), &ram).map(|()| ram)
    }

    fn names(path: &str) -> Vec<Name> {
        path::split(path.as_bytes()).unwrap().names
    }

    #[test]
    fn files_come_with_content_mode_and_time() {
        let ram = unpacked(archive()).unwrap();
        let Ok(Probe::Found { node, directory: false }) = ram.probe(&names("etc/conf"), true) else {
            panic!()
        };
        let attr = node.attr();
        assert_eq!((attr.mode, attr.size, attr.uid, attr.mtime), (S_IFREG | 0o640, 5, 7, 77_000_000_000));
        let mut buf = [0; 9];
        assert_eq!((node.read(1, &mut buf), &buf[..4]), (Ok(4), &b"ello"[..]));
        assert_eq!(node.set_len(0), Err(Errno::EROFS));
        assert!(matches!(ram.probe(&names("etc/link"), true), Ok(Probe::Link { at: 1, .. })));
        assert!(matches!(ram.probe(&names("deep/er/file"), true), Ok(Probe::Found { .. })));
        let Ok(Probe::Found { node, .. }) = ram.probe(&names("etc"), true) else { panic!() };
        assert_eq!(node.unlink(b"conf", false), Err(Errno::EROFS));
    }

    #[test]
    fn an_archive_cut_anywhere_is_refused() {
        let whole = archive();
        // The last entry is padded; its name ends three bytes before.
        for len in 0..whole.len() - 3 {
            let text = unpacked(whole[..len].to_vec()).err().unwrap();
            assert!(text.starts_with("the image's file tree is damaged: "), "{text}");
        }
    }

    #[test]
    fn nonsense_is_named() {
        let end = entry("TRAILER!!!", 0, b"");
        for (first, says) in [
            (entry("../x", S_IFREG, b""), "not a path"),
            (entry("/x", S_IFREG, b""), "not a path"),
            (entry("a", 0o060000, b""), "neither file"),
            (entry("l", S_IFLNK, b""), "neither file"),
            ([entry("a", S_IFREG, b""), entry("a/b", S_IFREG, b"")].concat(), "below a file"),
            (b"070702".to_vec(), "no entry"),
            (vec![b'0'; 200], "no entry"),
            (vec![b' '; 200], "not hexadecimal"),
        ] {
            let text = unpacked([first, end.clone()].concat()).err().unwrap();
            assert!(text.contains(says), "{text}");
        }
    }

    #[test]
    fn damaged_archives_never_panic() {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as usize
        };
        let whole = archive();
        let mut refused = 0;
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..1 + random() % 4 {
                let at = random() % bytes.len();
                bytes[at] =
                    if random() % 2 == 0 { b"0123456789abcdef"[random() % 16] } else { random() as u8 };
            }
            bytes.truncate(bytes.len() - random() % 8);
            refused += usize::from(unpacked(bytes).is_err());
        }
        assert!(refused > 5_000 && refused < 20_000, "{refused}");
    }
}
