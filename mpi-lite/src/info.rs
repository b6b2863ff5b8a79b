//! Info objects: ordered sets of string pairs (MPI 5.0, chapter 10).

use crate::abi::{
    MPI_ERR_ARG, MPI_ERR_INFO, MPI_ERR_INFO_KEY, MPI_ERR_INFO_NOKEY, MPI_ERR_INFO_VALUE, MPI_INFO_ENV,
    MPI_INFO_NULL, MPI_Info, MPI_MAX_INFO_KEY, MPI_MAX_INFO_VAL,
};
use crate::error::{Result, err};
use crate::handle::{Kind, Table};
use crate::per_rank::per_rank;
use std::cell::RefCell;

/// Pairs in the order in which their keys were first set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    pairs: Vec<(String, String)>,
}

/// What programs may assert of their use of a communicator.
const COMMUNICATOR_HINTS: [&str; 5] = [
    "mpi_assert_no_any_tag",
    "mpi_assert_no_any_source",
    "mpi_assert_exact_length",
    "mpi_assert_allow_overtaking",
    "mpi_assert_strict_start_ordering",
];

per_rank! {
    static INFOS: RefCell<Table<Info>> = RefCell::new(Table::new(Kind::Info));
}

/// A handle for `info`.
pub fn publish(info: Info) -> Result<MPI_Info> {
    INFOS.with(|t| t.borrow_mut().insert(info)).map(MPI_Info)
}

/// The pairs behind a handle, `MPI_INFO_ENV` included.
pub fn get(handle: MPI_Info) -> Result<Info> {
    if handle == MPI_INFO_ENV {
        return Ok(Info::environment());
    }
    INFOS.with(|t| t.borrow().get(handle.0).cloned()).map_or_else(|| invalid(handle), Ok)
}

/// As [`get`]; `MPI_INFO_NULL` has no pairs.
pub fn get_or_empty(handle: MPI_Info) -> Result<Info> {
    if handle == MPI_INFO_NULL { Ok(Info::default()) } else { get(handle) }
}

/// Changes the pairs behind a handle. `MPI_INFO_ENV` cannot be changed.
pub fn change<R>(handle: MPI_Info, f: impl FnOnce(&mut Info) -> Result<R>) -> Result<R> {
    INFOS.with(|t| match t.borrow_mut().get_mut(handle.0) {
        Some(info) => f(info),
        None => invalid(handle),
    })
}

/// `MPI_Info_free`.
pub fn free(handle: &mut MPI_Info) -> Result<()> {
    if INFOS.with(|t| t.borrow_mut().remove(handle.0)).is_none() {
        return invalid(*handle);
    }
    *handle = MPI_INFO_NULL;
    Ok(())
}

/// How many the program has not freed.
pub fn in_use() -> usize {
    INFOS.with(|table| table.borrow().len())
}

fn invalid<T>(handle: MPI_Info) -> Result<T> {
    match handle {
        MPI_INFO_NULL => err(MPI_ERR_INFO, "the info object is MPI_INFO_NULL"),
        MPI_INFO_ENV => err(MPI_ERR_INFO, "MPI_INFO_ENV cannot be changed or freed"),
        _ => err(MPI_ERR_INFO, format!("invalid or freed info handle {:#x}", handle.0)),
    }
}

fn check_key(key: &str) -> Result<()> {
    match key.len() {
        0 => err(MPI_ERR_INFO_KEY, "the key is empty"),
        n if n >= MPI_MAX_INFO_KEY as usize => err(MPI_ERR_INFO_KEY, format!("the key has {n} characters")),
        _ => Ok(()),
    }
}

impl Info {
    /// What `MPI_INFO_ENV` tells about the start of this program (section 10.2).
    pub fn environment() -> Self {
        let mut info = Self::default();
        let mut arguments = std::env::args_os().map(|a| a.to_string_lossy().into_owned());
        if let Some(command) = arguments.next() {
            info.pairs.push(("command".into(), command));
            let rest = arguments.collect::<Vec<_>>().join(" ");
            info.pairs.push(("argv".into(), rest));
        }
        info.pairs.push(("maxprocs".into(), crate::init::world().size.to_string()));
        info.pairs.push(("arch".into(), std::env::consts::ARCH.into()));
        if let Ok(directory) = std::env::current_dir() {
            info.pairs.push(("wdir".into(), directory.to_string_lossy().into_owned()));
        }
        let level = match crate::init::world().thread_level {
            crate::abi::MPI_THREAD_SINGLE => "MPI_THREAD_SINGLE",
            crate::abi::MPI_THREAD_FUNNELED => "MPI_THREAD_FUNNELED",
            _ => "MPI_THREAD_SERIALIZED",
        };
        info.pairs.push(("thread_level".into(), level.into()));
        info
    }

    /// Sets `key`, replacing a value it had.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        check_key(key)?;
        if value.len() >= MPI_MAX_INFO_VAL as usize {
            return err(MPI_ERR_INFO_VALUE, format!("the value has {} characters", value.len()));
        }
        match self.pairs.iter_mut().find(|(k, _)| k == key) {
            Some((_, old)) => value.clone_into(old),
            None => self.pairs.push((key.to_owned(), value.to_owned())),
        }
        Ok(())
    }

    /// Takes over all pairs of `other`.
    pub fn merge(&mut self, other: &Info) -> Result<()> {
        other.pairs.iter().try_for_each(|(key, value)| self.set(key, value))
    }

    /// The hints for communicators among the pairs (MPI 5.0, section 7.4.4): the others are ignored, and then must not show up
    /// in what `MPI_Comm_get_info` tells.
    pub fn communicator_hints(&self) -> Self {
        let known = |(key, _): &&(String, String)| COMMUNICATOR_HINTS.contains(&key.as_str());
        Self { pairs: self.pairs.iter().filter(known).cloned().collect() }
    }

    /// The value of `key`.
    pub fn value(&self, key: &str) -> Result<Option<&str>> {
        check_key(key)?;
        Ok(self.pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str()))
    }

    /// Removes `key`.
    pub fn delete(&mut self, key: &str) -> Result<()> {
        check_key(key)?;
        match self.pairs.iter().position(|(k, _)| k == key) {
            Some(position) => {
                self.pairs.remove(position);
                Ok(())
            }
            None => err(MPI_ERR_INFO_NOKEY, format!("the info object has no key \"{key}\"")),
        }
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The `n`-th key, from 0.
    pub fn key(&self, n: i32) -> Result<&str> {
        match usize::try_from(n).ok().and_then(|n| self.pairs.get(n)) {
            Some((key, _)) => Ok(key),
            None => err(MPI_ERR_ARG, format!("key number {n} of an info object with {} keys", self.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_and_values_are_replaced() -> Result<()> {
        let mut info = Info::default();
        for (key, value) in [("b", "1"), ("a", "2"), ("b", "3")] {
            info.set(key, value)?;
        }
        assert_eq!((info.len(), info.key(0)?, info.key(1)?), (2, "b", "a"));
        assert_eq!((info.value("b")?, info.value("c")?), (Some("3"), None));
        info.delete("b")?;
        assert_eq!(info.delete("b").map_err(|e| e.class), Err(MPI_ERR_INFO_NOKEY));
        assert_eq!(info.key(1).map(str::len).map_err(|e| e.class), Err(MPI_ERR_ARG));
        Ok(())
    }

    #[test]
    fn lengths_are_checked() {
        let mut info = Info::default();
        let class = |r: Result<()>| r.map_err(|e| e.class);
        assert_eq!(class(info.set("", "x")), Err(MPI_ERR_INFO_KEY));
        assert_eq!(class(info.set(&"k".repeat(256), "x")), Err(MPI_ERR_INFO_KEY));
        assert_eq!(class(info.set("k", &"v".repeat(1024))), Err(MPI_ERR_INFO_VALUE));
        assert_eq!(class(info.set(&"k".repeat(255), &"v".repeat(1023))), Ok(()));
    }

    #[test]
    fn only_known_hints_count_for_communicators() -> Result<()> {
        let mut info = Info::default();
        info.set("colour", "red")?;
        info.set("mpi_assert_no_any_tag", "true")?;
        let hints = info.communicator_hints();
        assert_eq!((hints.len(), hints.key(0)?), (1, "mpi_assert_no_any_tag"));
        Ok(())
    }

    #[test]
    fn handles_of_infos() -> Result<()> {
        let mut handle = publish(Info::default())?;
        change(handle, |i| i.set("a", "b"))?;
        assert_eq!(get(handle)?.value("a")?, Some("b"));
        free(&mut handle)?;
        assert_eq!(handle, MPI_INFO_NULL);
        assert!(get(handle).is_err() && get_or_empty(handle)?.is_empty());
        assert!(change(MPI_INFO_ENV, |i| i.set("a", "b")).is_err());
        assert!(get(MPI_INFO_ENV)?.value("command")?.is_some());
        Ok(())
    }
}
