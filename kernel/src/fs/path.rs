//! Path names as lists of names.

use crate::errno::{Errno, Result};
use alloc::vec::Vec;

/// One component of a path: any bytes but `/` and NUL.
pub type Name = Vec<u8>;

/// Longest path with its NUL (PATH_MAX).
pub const PATH_MAX: usize = 4096;
/// Longest name (NAME_MAX).
pub const NAME_MAX: usize = 255;

/// A path taken apart: `.`, and empty components dropped, `..` kept.
#[derive(Debug, PartialEq, Eq)]
pub struct Split {
    /// Starts at the root.
    pub absolute: bool,
    /// The components.
    pub names: Vec<Name>,
    /// Ends in `/`, `/.` or `/..`: what it names has to be a directory.
    pub directory: bool,
}

/// Takes a path apart. `ENOENT` for an empty one, `ENAMETOOLONG` past Linux's limits.
pub fn split(path: &[u8]) -> Result<Split> {
    if path.is_empty() {
        return Err(Errno::ENOENT);
    }
    if path.len() >= PATH_MAX {
        return Err(Errno::ENAMETOOLONG);
    }
    let mut names = Vec::new();
    let mut directory = false;
    for name in path.split(|&b| b == b'/') {
        directory = matches!(name, b"" | b"." | b"..");
        match name {
            b"" | b"." => {}
            _ if name.len() > NAME_MAX => return Err(Errno::ENAMETOOLONG),
            _ => names.push(name.to_vec()),
        }
    }
    Ok(Split { absolute: path[0] == b'/', names, directory })
}

/// The absolute path of names that start at the root.
pub fn join(names: &[Name]) -> Vec<u8> {
    if names.is_empty() {
        return b"/".to_vec();
    }
    let mut path = Vec::new();
    for name in names {
        path.push(b'/');
        path.extend_from_slice(name);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<Name> {
        list.iter().map(|n| n.as_bytes().to_vec()).collect()
    }

    #[test]
    fn splits() {
        let cases: [(&str, bool, &[&str], bool); 8] = [
            ("/", true, &[], true),
            ("a", false, &["a"], false),
            ("//a//b/", true, &["a", "b"], true),
            ("./a/./b", false, &["a", "b"], false),
            ("a/.", false, &["a"], true),
            ("a/..", false, &["a", ".."], true),
            ("..b/...", false, &["..b", "..."], false),
            (".", false, &[], true),
        ];
        for (path, absolute, list, directory) in cases {
            assert_eq!(
                split(path.as_bytes()).unwrap(),
                Split { absolute, names: names(list), directory },
                "{path}"
            );
        }
    }

    #[test]
    fn limits() {
        assert_eq!(split(b""), Err(Errno::ENOENT));
        assert_eq!(split(&[b'a'; 256]), Err(Errno::ENAMETOOLONG));
        assert!(split(&[b'a'; 255]).is_ok());
        assert_eq!(split(&b"a/".repeat(2048)), Err(Errno::ENAMETOOLONG));
    }

    #[test]
    fn joins() {
        assert_eq!(join(&[]), b"/");
        assert_eq!(join(&names(&["a", "b"])), b"/a/b");
    }
}
