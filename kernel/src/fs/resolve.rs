//! From a path to the file it names: symbolic links, `..` and `.` as path_resolution(7) says.
//!
//! A **canonical** path is a list of names from the root in which no directory is a symbolic link. Whole runs of names
//! are looked up in one question to the [`Forest`], since each question to a file server costs a round trip; only a
//! link or a `..` splits a path into several.

use super::path::{self, Name};
use crate::errno::{Errno, Result};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Links followed before a path counts as a loop, as in Linux.
const MAX_LINKS: usize = 40;

/// What a look-up found.
pub enum Probe<N> {
    /// The whole path exists; the last is not a link, or links were not to be followed.
    Found {
        /// The file.
        node: N,
        /// It is a directory.
        directory: bool,
    },
    /// The name at `at` is a symbolic link to `target`.
    Link {
        /// Index in the path.
        at: usize,
        /// What the link says.
        target: Vec<u8>,
    },
    /// All but the last name exist.
    Missing {
        /// The directory in which the last name is missing.
        parent: N,
    },
}

/// All mounted file systems together.
pub trait Forest {
    /// A file or directory at hand.
    type Node;
    /// Looks a path up. Its last name, if a link, is reported as a link only with `follow`. Errors: `ENOENT` when a
    /// name before the last is missing, `ENOTDIR` when one is no directory, others as the file system says.
    fn probe(&mut self, path: &[Name], follow: bool) -> Result<Probe<Self::Node>>;
}

/// A resolved path.
pub enum Resolved<N> {
    /// It exists.
    Found {
        /// The file.
        node: N,
        /// It is a directory.
        directory: bool,
        /// Canonical path.
        path: Vec<Name>,
    },
    /// Only its last name does not exist.
    Missing {
        /// The directory it would be in.
        parent: N,
        /// Canonical path, with the missing name.
        path: Vec<Name>,
        /// The path was written as one of a directory.
        directory: bool,
    },
}

/// Resolves `text` from the canonical directory `cwd`, following a link in the last place if `follow`.
pub fn resolve<F: Forest>(
    forest: &mut F,
    cwd: &[Name],
    text: &[u8],
    follow: bool,
) -> Result<Resolved<F::Node>> {
    let first = path::split(text)?;
    let mut base: Vec<Name> = if first.absolute { Vec::new() } else { cwd.to_vec() };
    let mut todo: VecDeque<Name> = first.names.into();
    let mut directory = first.directory;
    let mut links = 0;
    loop {
        let mut path = base.clone();
        while todo.front().is_some_and(|n| n != b"..") {
            path.extend(todo.pop_front());
        }
        let last = todo.is_empty();
        if path.len() == base.len() && !last {
            // `..` of a directory known to be canonical.
            base.pop();
            todo.pop_front();
            continue;
        }
        match forest.probe(&path, follow || directory || !last)? {
            Probe::Found { directory: false, .. } if directory || !last => return Err(Errno::ENOTDIR),
            Probe::Found { node, directory } if last => return Ok(Resolved::Found { node, directory, path }),
            Probe::Found { .. } => base = path,
            Probe::Missing { parent } if last => return Ok(Resolved::Missing { parent, path, directory }),
            Probe::Missing { .. } => return Err(Errno::ENOENT),
            Probe::Link { at, target } => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::ELOOP);
                }
                let target = path::split(&target)?;
                if at + 1 == path.len() && last {
                    directory |= target.directory;
                }
                for name in path.drain(at + 1..).rev() {
                    todo.push_front(name);
                }
                for name in target.names.into_iter().rev() {
                    todo.push_front(name);
                }
                path.truncate(at);
                base = if target.absolute { Vec::new() } else { path };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::string::String;

    enum Item {
        Dir,
        File,
        Link(&'static str),
    }

    /// Files by canonical path; a node is the path.
    struct Fake(BTreeMap<&'static str, Item>);

    impl Forest for Fake {
        type Node = String;
        fn probe(&mut self, path: &[Name], follow: bool) -> Result<Probe<String>> {
            for n in 0..=path.len() {
                let text = String::from_utf8(path::join(&path[..n])).unwrap();
                let last = n == path.len();
                match self.0.get(text.as_str()) {
                    None if last => {
                        let parent = String::from_utf8(path::join(&path[..n - 1])).unwrap();
                        return Ok(Probe::Missing { parent });
                    }
                    None => return Err(Errno::ENOENT),
                    Some(Item::Link(target)) if !last || follow => {
                        return Ok(Probe::Link { at: n - 1, target: target.as_bytes().to_vec() });
                    }
                    Some(Item::Dir) if last => return Ok(Probe::Found { node: text, directory: true }),
                    Some(_) if last => return Ok(Probe::Found { node: text, directory: false }),
                    Some(Item::Dir) => {}
                    Some(_) => return Err(Errno::ENOTDIR),
                }
            }
            unreachable!("the last round returns")
        }
    }

    fn forest() -> Fake {
        Fake(BTreeMap::from([
            ("/", Item::Dir),
            ("/d", Item::Dir),
            ("/d/f", Item::File),
            ("/d/e", Item::Dir),
            ("/d/e/g", Item::File),
            ("/to-e", Item::Link("d/e")),
            ("/d/abs", Item::Link("/d/e/")),
            ("/d/to-f", Item::Link("f")),
            ("/d/gone", Item::Link("nowhere")),
            ("/loop", Item::Link("loop")),
            ("/a", Item::Link("/b")),
            ("/b", Item::Link("/a")),
        ]))
    }

    fn at(cwd: &str, text: &str, follow: bool) -> core::result::Result<String, Errno> {
        let cwd = path::split(cwd.as_bytes()).unwrap().names;
        match resolve(&mut forest(), &cwd, text.as_bytes(), follow)? {
            Resolved::Found { node, path, .. } => {
                assert_eq!(node.as_bytes(), path::join(&path));
                Ok(node)
            }
            Resolved::Missing { parent, path, .. } => {
                assert_eq!(parent.as_bytes(), path::join(&path[..path.len() - 1]));
                Ok(alloc::format!("{parent}+{}", String::from_utf8_lossy(path.last().unwrap())))
            }
        }
    }

    #[test]
    fn resolves() {
        for (cwd, text, want) in [
            ("/", "/d/f", "/d/f"),
            ("/d", "f", "/d/f"),
            ("/d", ".", "/d"),
            ("/d/e", "..", "/d"),
            ("/d/e", "../../..", "/"),
            ("/", "to-e/g", "/d/e/g"),
            ("/", "to-e/..", "/d"),
            ("/", "to-e/../f", "/d/f"),
            ("/", "d/abs/g", "/d/e/g"),
            ("/d", "to-f", "/d/f"),
            ("/d", "new", "/d+new"),
            ("/d", "gone", "/d+nowhere"),
            ("/d", "e/../new/", "/d+new"),
            ("/", "/", "/"),
        ] {
            assert_eq!(at(cwd, text, true).as_deref(), Ok(want), "{text} in {cwd}");
        }
    }

    #[test]
    fn errors() {
        for (text, want) in [
            ("d/f/", Errno::ENOTDIR),
            ("d/f/x", Errno::ENOTDIR),
            ("d/f/..", Errno::ENOTDIR),
            ("x/y", Errno::ENOENT),
            ("x/..", Errno::ENOENT),
            ("loop", Errno::ELOOP),
            ("a/x", Errno::ELOOP),
            ("", Errno::ENOENT),
        ] {
            assert_eq!(at("/", text, true), Err(want), "{text}");
        }
    }

    #[test]
    fn a_last_link_is_kept_unless_written_as_a_directory() {
        assert_eq!(at("/", "to-e", false).as_deref(), Ok("/to-e"));
        assert_eq!(at("/", "to-e/", false).as_deref(), Ok("/d/e"));
        assert_eq!(at("/", "loop", false).as_deref(), Ok("/loop"));
        assert_eq!(at("/d", "to-f/", false), Err(Errno::ENOTDIR));
    }

    #[test]
    fn random_paths_end_and_stay_canonical() {
        let parts = ["d", "e", "f", "g", "to-e", "abs", "to-f", "..", ".", "", "loop", "a", "new"];
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut found = 0;
        for _ in 0..20_000 {
            let mut text = String::new();
            loop {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                text += parts[(state % parts.len() as u64) as usize];
                if state % 7 == 0 {
                    break;
                }
                text += "/";
            }
            if let Ok(node) = at("/d", &text, true) {
                found += 1;
                let canonical = node.split('+').next().unwrap();
                assert!(matches!(canonical, "/" | "/d" | "/d/e" | "/d/f" | "/d/e/g"), "{text} gave {node}");
            }
        }
        assert!(found > 1_000);
    }
}
