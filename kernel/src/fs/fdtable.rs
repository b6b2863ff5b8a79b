//! File descriptors: small numbers for open files.

use crate::errno::{Errno, Result};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Descriptors a program can have (RLIMIT_NOFILE).
pub const LIMIT: usize = 1024;

/// A descriptor's open file, shared by those that dup(2) made.
struct Slot<T> {
    file: Rc<T>,
    close_on_exec: bool,
}

/// The table; descriptors are the lowest free numbers.
pub struct FdTable<T> {
    slots: Vec<Option<Slot<T>>>,
}

impl<T> Default for FdTable<T> {
    fn default() -> Self {
        Self { slots: Vec::new() }
    }
}

impl<T> FdTable<T> {
    /// The open file of a descriptor.
    pub fn get(&self, fd: i32) -> Result<Rc<T>> {
        Ok(self.slot(fd)?.file.clone())
    }

    fn slot(&self, fd: i32) -> Result<&Slot<T>> {
        let index = usize::try_from(fd).map_err(|_| Errno::EBADF)?;
        self.slots.get(index).and_then(Option::as_ref).ok_or(Errno::EBADF)
    }

    /// Gives a file the lowest free descriptor not below `from`.
    pub fn insert(&mut self, file: Rc<T>, close_on_exec: bool, from: usize) -> Result<i32> {
        if from >= LIMIT {
            return Err(Errno::EINVAL);
        }
        let free = (from..LIMIT).find(|&i| self.slots.get(i).is_none_or(Option::is_none));
        let index = free.ok_or(Errno::EMFILE)?;
        self.put(index, Slot { file, close_on_exec });
        Ok(index as i32)
    }

    /// Gives a file the descriptor `fd`; returns the file that had it.
    pub fn replace(&mut self, fd: i32, file: Rc<T>, close_on_exec: bool) -> Result<Option<Rc<T>>> {
        let index = usize::try_from(fd).ok().filter(|&i| i < LIMIT).ok_or(Errno::EBADF)?;
        Ok(self.put(index, Slot { file, close_on_exec }).map(|old| old.file))
    }

    fn put(&mut self, index: usize, slot: Slot<T>) -> Option<Slot<T>> {
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        self.slots[index].replace(slot)
    }

    /// Frees a descriptor; returns its file, which is closed when this was the last.
    pub fn remove(&mut self, fd: i32) -> Result<Rc<T>> {
        self.slot(fd)?;
        self.slots[fd as usize].take().map(|s| s.file).ok_or(Errno::EBADF)
    }

    /// FD_CLOEXEC of a descriptor.
    pub fn close_on_exec(&self, fd: i32) -> Result<bool> {
        Ok(self.slot(fd)?.close_on_exec)
    }

    /// Sets FD_CLOEXEC.
    pub fn set_close_on_exec(&mut self, fd: i32, on: bool) -> Result<()> {
        self.slot(fd)?;
        if let Some(slot) = &mut self.slots[fd as usize] {
            slot.close_on_exec = on;
        }
        Ok(())
    }

    /// All open files, each once per descriptor.
    pub fn files(&self) -> impl Iterator<Item = &Rc<T>> {
        self.slots.iter().flatten().map(|s| &s.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;

    #[test]
    fn lowest_free_number() {
        let mut t = FdTable::default();
        for n in 0..4 {
            assert_eq!(t.insert(Rc::new(n), false, 0), Ok(n));
        }
        assert_eq!(*t.remove(1).unwrap(), 1);
        assert_eq!(t.get(1).err(), Some(Errno::EBADF));
        assert_eq!(t.insert(Rc::new(9), true, 0), Ok(1));
        assert_eq!(t.insert(Rc::new(9), true, 10), Ok(10));
        assert_eq!(t.close_on_exec(1), Ok(true));
        assert_eq!((t.get(-1).err(), t.remove(99).err()), (Some(Errno::EBADF), Some(Errno::EBADF)));
    }

    #[test]
    fn full_table() {
        let mut t = FdTable::default();
        for _ in 0..LIMIT {
            t.insert(Rc::new(()), false, 0).unwrap();
        }
        assert_eq!(t.insert(Rc::new(()), false, 0), Err(Errno::EMFILE));
        assert_eq!(t.insert(Rc::new(()), false, LIMIT), Err(Errno::EINVAL));
        assert_eq!(t.replace(LIMIT as i32, Rc::new(()), false).err(), Some(Errno::EBADF));
    }

    #[test]
    fn agrees_with_a_map() {
        let (mut t, mut model) = (FdTable::default(), BTreeMap::new());
        let mut state = 0x2545_f491_4f6c_dd1du64;
        for step in 0..20_000u64 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let fd = (state >> 8) as i32 % 24 - 2;
            match state % 3 {
                0 if model.len() < 20 => {
                    let got = t.insert(Rc::new(step), false, 0).unwrap();
                    assert_eq!(got, (0..).find(|n| !model.contains_key(n)).unwrap());
                    model.insert(got, step);
                }
                1 => assert_eq!(t.remove(fd).ok().map(|f| *f), model.remove(&fd)),
                2 if fd >= 0 => {
                    let old = t.replace(fd, Rc::new(step), false).unwrap().map(|f| *f);
                    assert_eq!(old, model.insert(fd, step));
                }
                _ => assert_eq!(t.get(fd).ok().map(|f| *f), model.get(&fd).copied()),
            }
            assert_eq!(t.files().count(), model.len());
        }
    }
}
