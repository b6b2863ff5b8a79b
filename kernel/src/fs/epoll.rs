//! epoll(7): a set of descriptors and the events wanted of each.

use super::like::{self, FileLike, event};
use super::open::{Object, OpenFile};
use crate::errno::{Errno, Result};
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::RefCell;

/// Report a change once, not as long as it holds.
pub const EDGE: u32 = 1 << 31;
/// Report once, then wait for EPOLL_CTL_MOD.
pub const ONE_SHOT: u32 = 1 << 30;
/// Wake one of several waiters, keep the system awake: of no meaning here.
const IGNORED: u32 = 1 << 28 | 1 << 29;
/// How deep sets may hold sets, as on Linux.
const DEPTH: usize = 5;

struct Entry {
    fd: i32,
    file: Weak<OpenFile>,
    wanted: u32,
    data: u64,
    /// The file's activity and events when they were last reported, for edges.
    seen: Option<(u64, u32)>,
    armed: bool,
}

/// A set.
#[derive(Default)]
pub struct Epoll {
    /// In the order they were added, so that all have their turn.
    entries: RefCell<Vec<Entry>>,
}

/// What EPOLL_CTL_ADD and its like do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Starts to watch.
    Add,
    /// Wants other events.
    Modify,
    /// Stops to watch.
    Delete,
}

impl Entry {
    fn new(fd: i32, file: &Rc<OpenFile>, wanted: u32, data: u64) -> Self {
        Self { fd, file: Rc::downgrade(file), wanted: wanted & !IGNORED, data, seen: None, armed: true }
    }

    /// What epoll_wait(2) would report; `None` if the file is closed.
    fn look(&self) -> Option<(u32, u64)> {
        let file = self.file.upgrade()?;
        let events = file.events() & (self.wanted | event::ALWAYS);
        let activity = file.as_stream().map_or(0, |s| s.activity());
        let news = match self.seen {
            Some((before, reported)) if self.wanted & EDGE != 0 => {
                activity != before || events & !reported != 0
            }
            _ => true,
        };
        Some((if self.armed && news { events } else { 0 }, activity))
    }
}

impl Epoll {
    /// Changes what is watched of a descriptor.
    pub fn change(
        &self,
        own: &Rc<OpenFile>,
        fd: i32,
        file: &Rc<OpenFile>,
        change: Change,
        (wanted, data): (u32, u64),
    ) -> Result<()> {
        if Rc::ptr_eq(own, file) {
            return Err(Errno::EINVAL);
        }
        match &file.object {
            Object::Stream(s) => {
                if like::downcast::<Epoll>(s).is_some_and(|inner| inner.holds(self, DEPTH)) {
                    return Err(Errno::ELOOP);
                }
            }
            Object::Device(_) => {}
            _ => return Err(Errno::EPERM),
        }
        let mut entries = self.entries.borrow_mut();
        let known = entries.iter().any(|e| e.fd == fd && core::ptr::eq(e.file.as_ptr(), Rc::as_ptr(file)));
        match (change, known) {
            (Change::Add, true) => return Err(Errno::EEXIST),
            (Change::Modify | Change::Delete, false) => return Err(Errno::ENOENT),
            _ => entries.retain(|e| e.fd != fd),
        }
        if change != Change::Delete {
            entries.push(Entry::new(fd, file, wanted, data));
        }
        crate::irq::notify();
        Ok(())
    }

    /// Whether `other` is this set or in it, or the sets lie too deep.
    fn holds(&self, other: &Epoll, depth: usize) -> bool {
        core::ptr::eq(self, other)
            || depth == 0
            || self.entries.borrow().iter().any(|entry| {
                let file = entry.file.upgrade();
                let inner = file.as_ref().and_then(|f| f.as_stream()).and_then(like::downcast::<Epoll>);
                inner.is_some_and(|inner| inner.holds(other, depth - 1))
            })
    }

    /// Reports up to `most` events with the data given for them, and forgets closed files.
    pub fn take(&self, most: usize) -> Vec<(u32, u64)> {
        let mut entries = self.entries.borrow_mut();
        let mut found = Vec::new();
        entries.retain_mut(|entry| {
            let Some((events, activity)) = entry.look() else { return false };
            if events != 0 && found.len() < most {
                found.push((events, entry.data));
                entry.seen = Some((activity, events));
                entry.armed = entry.wanted & ONE_SHOT == 0;
            } else if events == 0 && entry.wanted & EDGE != 0 {
                // An event that went away may come anew.
                if let (Some(seen), Some(file)) = (&mut entry.seen, entry.file.upgrade()) {
                    seen.1 &= file.events();
                }
            }
            true
        });
        found
    }
}

impl FileLike for Epoll {
    fn read(&self, _: &mut [u8]) -> Result<usize> {
        Err(Errno::EINVAL)
    }

    fn write(&self, _: &[u8]) -> Result<usize> {
        Err(Errno::EINVAL)
    }

    fn events(&self) -> u32 {
        let ready = self.entries.borrow().iter().any(|e| e.look().is_some_and(|(events, _)| events != 0));
        if ready { event::READ } else { 0 }
    }

    fn activity(&self) -> u64 {
        let entries = self.entries.borrow();
        entries.iter().filter_map(Entry::look).map(|(_, activity)| activity).fold(0, u64::wrapping_add)
    }

    fn wakes_at(&self) -> Option<u64> {
        let entries = self.entries.borrow();
        let times = entries.iter().map(|e| e.file.upgrade().and_then(|file| file.wakes_at()));
        times.fold(None, like::earlier)
    }

    fn mode(&self) -> u32 {
        0o600
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::eventfd::EventFd;

    fn open(stream: impl FileLike) -> Rc<OpenFile> {
        Rc::new(OpenFile::stream(Rc::new(stream), 2))
    }

    fn set(file: &Rc<OpenFile>) -> &Epoll {
        like::downcast(file.as_stream().unwrap()).unwrap()
    }

    fn bump(file: &OpenFile) {
        assert_eq!(file.write(&1u64.to_le_bytes()), Ok(8));
    }

    #[test]
    fn level_edge_and_one_shot() {
        let (own, file) = (open(Epoll::default()), open(EventFd::new(0, false)));
        let epoll = set(&own);
        let change = |how, wanted| epoll.change(&own, 5, &file, how, (wanted, 9));
        assert_eq!(change(Change::Modify, event::IN), Err(Errno::ENOENT));
        assert_eq!(change(Change::Add, event::IN), Ok(()));
        assert_eq!(change(Change::Add, event::IN), Err(Errno::EEXIST));
        assert_eq!(epoll.take(8), []);
        bump(&file);
        for _ in 0..2 {
            assert_eq!(epoll.take(8), [(event::IN, 9)]);
        }
        assert_eq!(change(Change::Modify, event::IN | EDGE), Ok(()));
        assert_eq!(epoll.take(8), [(event::IN, 9)]);
        assert_eq!(epoll.take(8), []);
        bump(&file);
        assert_eq!((epoll.take(8), epoll.take(8)), (vec![(event::IN, 9)], vec![]));
        assert_eq!(file.read(&mut [0; 8]), Ok(8));
        bump(&file);
        assert_eq!((epoll.take(8), epoll.take(8)), (vec![(event::IN, 9)], vec![]));
        assert_eq!(change(Change::Modify, event::IN | ONE_SHOT), Ok(()));
        bump(&file);
        assert_eq!((epoll.take(8), epoll.take(8)), (vec![(event::IN, 9)], vec![]));
        assert_eq!(change(Change::Delete, 0), Ok(()));
    }

    #[test]
    fn closed_files_leave_and_numbers_come_again() {
        let own = open(Epoll::default());
        let first = open(EventFd::new(1, false));
        assert_eq!(set(&own).change(&own, 5, &first, Change::Add, (event::IN, 1)), Ok(()));
        drop(first);
        assert_eq!(set(&own).events(), 0);
        let second = open(EventFd::new(1, false));
        assert_eq!(set(&own).change(&own, 5, &second, Change::Add, (event::IN, 2)), Ok(()));
        assert_eq!(set(&own).take(8), [(event::IN, 2)]);
    }

    #[test]
    fn sets_in_sets_end() {
        let sets: Vec<_> = (0..8).map(|_| open(Epoll::default())).collect();
        let add = |outer: usize, inner: usize| {
            set(&sets[outer]).change(&sets[outer], inner as i32, &sets[inner], Change::Add, (event::IN, 0))
        };
        assert_eq!(add(0, 0), Err(Errno::EINVAL));
        assert_eq!((add(0, 1), add(1, 0)), (Ok(()), Err(Errno::ELOOP)));
        let counter = open(EventFd::new(1, false));
        assert_eq!(set(&sets[1]).change(&sets[1], 9, &counter, Change::Add, (event::IN, 0)), Ok(()));
        assert_eq!(set(&sets[0]).take(1).len(), 1);
    }
}
