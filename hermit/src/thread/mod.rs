//! Threads: those spawned here, and what is known about the others.
//!
//! A spawned thread has a mapping of its own for stack and thread-local storage, and a record. The kernel clears a word of
//! the record when the thread has ended ("child clear tid"); the next one to spawn or join then takes both back, so a
//! thread that nobody joins costs nothing for long.
//!
//! Such a thread may call these functions and the program's own. A C library in the same program does not know it: what
//! needs the library's own notion of a thread (its locks, its `errno` apart) is for threads made by the library.

mod blocked;
mod join;
mod priority;
mod spawn;
mod storage;

use core::ptr;
use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

use hermit_abi::{NORMAL_PRIO, Tid};

use crate::error::own;
use crate::lock::Lock;
use crate::{heap, memory};

pub use blocked::*;
pub use join::*;
pub use priority::*;
pub use spawn::*;
pub use storage::*;

/// What is known about a thread.
#[repr(C)]
pub struct Thread {
    next: *mut Thread,
    /// Its id; the kernel fills it in.
    tid: AtomicU32,
    /// Not 0 until it has ended; the kernel clears it.
    alive: AtomicU32,
    /// Threads that wait for its end.
    joining: u32,
    /// Stack and thread-local storage; null if it was not spawned here.
    region: *mut u8,
    region_len: usize,
    start: Option<(extern "C" fn(usize), usize)>,
    /// The only processor it may run on.
    processor: Option<usize>,
    priority: AtomicU8,
    /// Whether its next yield blocks, and until when (nanoseconds of the monotonic clock).
    blocked: AtomicU32,
    wake_at: AtomicU64,
}

impl Thread {
    fn new() -> Self {
        Self {
            next: ptr::null_mut(),
            tid: AtomicU32::new(0),
            alive: AtomicU32::new(1),
            joining: 0,
            region: ptr::null_mut(),
            region_len: 0,
            start: None,
            processor: None,
            priority: AtomicU8::new(NORMAL_PRIO.into()),
            blocked: AtomicU32::new(0),
            wake_at: AtomicU64::new(0),
        }
    }

    fn has_ended(&self) -> bool {
        self.alive.load(Ordering::Acquire) == 0
    }
}

/// All records, the newest first.
struct Threads(*mut Thread);

static THREADS: Lock<Threads> = Lock::new(Threads(ptr::null_mut()));

impl Threads {
    /// Puts a record on the list; null when memory is exhausted.
    fn add(&mut self, thread: Thread) -> *mut Thread {
        let place = heap::place::<Thread>();
        if !place.is_null() {
            // SAFETY: fresh memory of this size.
            unsafe { place.write(Thread { next: self.0, ..thread }) };
            self.0 = place;
        }
        place
    }

    fn find(&mut self, wanted: impl Fn(&Thread) -> bool) -> Option<&mut Thread> {
        let mut at = self.0;
        // SAFETY: records on the list are whole; only the holder of the lock gets at them as a whole, which the list's
        // borrow stands for.
        while let Some(thread) = unsafe { at.as_mut() } {
            if wanted(thread) {
                return Some(thread);
            }
            at = thread.next;
        }
        None
    }

    fn by_id(&mut self, id: Tid) -> Option<&mut Thread> {
        self.find(|thread| thread.tid.load(Ordering::Relaxed) == id && !thread.has_ended())
    }

    /// Takes back what ended threads had.
    fn reap(&mut self) {
        let mut link: *mut *mut Thread = &raw mut self.0;
        // SAFETY: `link` is the list's head or the `next` of a record on it, and so is what it leads to.
        unsafe {
            while let Some(thread) = (*link).as_mut() {
                if thread.has_ended() && thread.joining == 0 {
                    *link = thread.next;
                    memory::unmap(thread.region, thread.region_len);
                    heap::vacate(thread);
                } else {
                    link = &raw mut thread.next;
                }
            }
        }
    }

    /// Takes a record off whose thread never came to be.
    fn forget(&mut self, thread: *mut Thread) {
        // SAFETY: a record on the list.
        unsafe {
            (*thread).alive.store(0, Ordering::Release);
        }
        self.reap();
    }
}

/// The calling thread's record; None when memory is exhausted.
fn current() -> Option<&'static Thread> {
    let own = own().as_ptr();
    // SAFETY: the thread's own; a record lives as long as its thread.
    let known = unsafe { (*own).thread };
    if !known.is_null() {
        // SAFETY: as above.
        return unsafe { known.as_ref() };
    }
    // Made by someone else. Such records stay, but an id that comes again gets the record of its predecessor.
    let id = linux!(GETTID) as u32;
    let mut threads = THREADS.lock();
    let foreign = |thread: &Thread| thread.tid.load(Ordering::Relaxed) == id && thread.region.is_null();
    let record = match threads.find(foreign) {
        Some(thread) => {
            thread.blocked.store(0, Ordering::Relaxed);
            ptr::from_mut(thread)
        }
        None => {
            let record = threads.add(Thread::new());
            // SAFETY: null or whole.
            if let Some(thread) = unsafe { record.as_ref() } {
                thread.tid.store(id, Ordering::Relaxed);
            }
            record
        }
    };
    // SAFETY: the thread's own, and a record that stays.
    unsafe {
        (*own).thread = record;
        record.as_ref()
    }
}
