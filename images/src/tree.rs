//! A folder as an archive that an image carries: the `newc` form of cpio (Linux, Documentation/driver-api/early-userspace/
//! buffer-format.rst). The library OS unpacks it (`kernel/src/fs/archive.rs`).
//!
//! Paths are relative to the folder and sorted. Files, folders and symbolic links are kept with their permissions and
//! times of modification; files with several names are stored once for each. Anything else is refused.

use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What an archive may have at most: it lies in the memory of every rank.
pub const MOST_BYTES: usize = 1 << 30;

/// Why a folder cannot be packed.
#[derive(Debug)]
pub enum PackError {
    /// Something in it cannot be read.
    Io(PathBuf, io::Error),
    /// Something in it is neither file nor folder nor link.
    Special(PathBuf),
    /// It is larger than [`MOST_BYTES`].
    TooLarge,
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, error) => write!(f, "{} cannot be read: {error}", path.display()),
            Self::Special(path) => {
                write!(f, "{} is neither a file nor a folder nor a symbolic link", path.display())
            }
            Self::TooLarge => {
                write!(f, "the folder has more than {} MiB, which every rank would hold", MOST_BYTES >> 20)
            }
        }
    }
}

impl std::error::Error for PackError {}

/// Packs what is below a folder.
pub fn pack(folder: &Path) -> Result<Vec<u8>, PackError> {
    let mut archive = Archive::default();
    archive.folder(folder, folder)?;
    archive.entry(b"TRAILER!!!", 0, 0, &[])?;
    Ok(archive.bytes)
}

#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    fn folder(&mut self, root: &Path, folder: &Path) -> Result<(), PackError> {
        let read = |error| PackError::Io(folder.to_owned(), error);
        let mut paths: Vec<PathBuf> = fs::read_dir(folder)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
            .map_err(read)?;
        paths.sort();
        for path in paths {
            self.any(root, &path).map_err(|error| match error {
                Ok(error) => error,
                Err(error) => PackError::Io(path, error),
            })?;
        }
        Ok(())
    }

    /// A file, folder or link; an error of the system's is the inner error.
    fn any(&mut self, root: &Path, path: &Path) -> Result<(), Result<PackError, io::Error>> {
        let attributes = fs::symlink_metadata(path).map_err(Err)?;
        let name = path.strip_prefix(root).unwrap_or(path).as_os_str().as_bytes();
        let kind = attributes.file_type();
        if kind.is_symlink() {
            let target = fs::read_link(path).map_err(Err)?;
            self.with(name, &attributes, target.as_os_str().as_bytes()).map_err(Ok)
        } else if kind.is_dir() {
            self.with(name, &attributes, &[]).map_err(Ok)?;
            self.folder(root, path).map_err(Ok)
        } else if kind.is_file() {
            if attributes.len() > MOST_BYTES as u64 {
                return Err(Ok(PackError::TooLarge));
            }
            let content = fs::read(path).map_err(Err)?;
            self.with(name, &attributes, &content).map_err(Ok)
        } else {
            Err(Ok(PackError::Special(path.to_owned())))
        }
    }

    fn with(&mut self, name: &[u8], attributes: &Metadata, content: &[u8]) -> Result<(), PackError> {
        // Eight hexadecimal digits: times before 1970 and after 2106 become the nearest that there is.
        let time = attributes.mtime().clamp(0, u32::MAX.into()) as u32;
        self.entry(name, attributes.mode(), time, content)
    }

    fn entry(&mut self, name: &[u8], mode: u32, time: u32, content: &[u8]) -> Result<(), PackError> {
        self.entries += 1;
        if self.bytes.len() + name.len() + content.len() > MOST_BYTES {
            return Err(PackError::TooLarge);
        }
        // Inode, mode, user, group, links, time, size, four device numbers, length of the name with its NUL, checksum.
        let fields =
            [self.entries, mode, 0, 0, 1, time, content.len() as u32, 0, 0, 0, 0, name.len() as u32 + 1, 0];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(name);
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(content);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_folder_becomes_sorted_entries() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        fs::write(folder.path().join("b/x"), "hello").unwrap();
        fs::write(folder.path().join("a"), "").unwrap();
        fs::set_permissions(folder.path().join("a"), fs::Permissions::from_mode(0o640)).unwrap();
        symlink("b/x", folder.path().join("c")).unwrap();
        let archive = pack(folder.path()).unwrap();
        assert_eq!(archive.len() % 4, 0);
        let at = |text: &[u8]| archive.windows(text.len()).position(|w| w == text).unwrap();
        assert!(at(b"a\0") < at(b"b\0") && at(b"b\0") < at(b"b/x\0") && at(b"b/x\0") < at(b"c\0"));
        assert!(archive[at(b"b/x\0")..].starts_with(b"b/x\0\0\0hello\0\0\x00070701"));
        assert_eq!(&archive[6 + 8..6 + 16], b"000081a0");
        assert_eq!(archive.windows(6).filter(|w| w == b"070701").count(), 5);
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let _socket = UnixListener::bind(folder.path().join("s")).unwrap();
        assert!(matches!(pack(folder.path()), Err(PackError::Special(_))));
        let error = pack(Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(error.starts_with("/nonexistent cannot be read"), "{error}");
    }
}
