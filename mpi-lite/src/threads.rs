//! `MPI_THREAD_MULTIPLE`: one lock around all of MPI, which a thread gives up while it waits.
//!
//! A thread has the lock from its entry into an MPI function to its return. Functions of the program that MPI calls (of operations,
//! attributes, error handlers) may call MPI: the owner enters again and again.
//!
//! Of the threads that wait, one *polls*: it makes progress for all, gives the lock up between its turns to whoever wants to
//! enter, and sleeps when there is nothing to do, with the lock; the next one that wants to enter rings it awake. The others *doze*,
//! without the lock, until something has happened or nobody polls any more.
//!
//! With any other level of thread support a call pays one look at a flag.

use crate::abi::{MPI_THREAD_MULTIPLE, MPI_THREAD_SERIALIZED};
use crate::node;
use crate::per_rank::per_rank;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

/// Nobody has the lock.
const FREE: u32 = 0;
/// A thread has it.
const TAKEN: u32 = 1;
/// A thread has it, and others may sleep until it is free.
const WANTED: u32 = 2;

/// How often a thread looks before it sleeps, at the lock or for news: some 20 us. To sleep and be woken costs more, in a VM
/// much more.
const LOOKS: u32 = 1000;
/// How often a thread that gave the lock up looks whether others have taken it.
const COURTESY: u32 = 200;

/// How long a rank sleeps whose threads cannot wake each other.
const UNWAKEABLE_NS: u64 = 100_000;
/// How long a thread dozes before it looks for itself.
const DOZE_NS: i64 = 10_000_000;

/// The lock of a rank.
struct Lock {
    /// Whether threads have to take it.
    is_used: AtomicBool,
    state: AtomicU32,
    /// Names the thread that has it; 0 is nobody.
    owner: AtomicUsize,
    /// How often its owner has entered.
    depth: AtomicU32,
    /// Threads that want it.
    waiting: AtomicU32,
    /// Its owner sleeps: ring.
    is_asleep: AtomicBool,
    /// The thread that polls; 0 is nobody.
    poller: AtomicUsize,
    /// Something has happened that dozing threads were not told of yet.
    has_news: AtomicBool,
    /// Counts how often dozing threads were told.
    told: AtomicU32,
    /// Threads that doze, and those of them that sleep.
    dozing: AtomicU32,
    sleeping: AtomicU32,
}

per_rank! {
    static LOCK: Lock = Lock {
        is_used: AtomicBool::new(false),
        state: AtomicU32::new(FREE),
        owner: AtomicUsize::new(0),
        depth: AtomicU32::new(0),
        waiting: AtomicU32::new(0),
        is_asleep: AtomicBool::new(false),
        poller: AtomicUsize::new(0),
        has_news: AtomicBool::new(false),
        told: AtomicU32::new(0),
        dozing: AtomicU32::new(0),
        sleeping: AtomicU32::new(0),
    };
}

/// Chooses the level of thread support; `level` is one of `MPI_THREAD_*`. No other thread is in MPI.
pub fn start(level: i32) {
    LOCK.with(|lock| lock.is_used.store(level == MPI_THREAD_MULTIPLE, Ordering::Relaxed));
}

/// The level granted for `required`.
pub fn granted(required: i32) -> i32 {
    if required == MPI_THREAD_MULTIPLE {
        MPI_THREAD_MULTIPLE
    } else {
        required.clamp(0, MPI_THREAD_SERIALIZED)
    }
}

/// Whether several threads may be in MPI.
#[inline]
pub fn is_multiple() -> bool {
    LOCK.with(|lock| lock.is_used.load(Ordering::Relaxed))
}

/// Whether another thread wants to enter MPI.
#[inline]
pub fn somebody_waits() -> bool {
    LOCK.with(|lock| lock.waiting.load(Ordering::SeqCst) > 0)
}

/// A thread is in an MPI function until this is dropped.
pub struct Entered {
    is_locked: bool,
}

/// The calling thread enters MPI; waits while another one is there.
#[inline]
pub fn enter() -> Entered {
    let is_locked = is_multiple();
    if is_locked {
        LOCK.with(Lock::enter);
    }
    Entered { is_locked }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        if self.is_locked {
            LOCK.with(Lock::leave);
        }
    }
}

/// Something has happened that another thread may wait for.
#[inline]
pub fn happened() {
    if is_multiple() {
        LOCK.with(|lock| lock.has_news.store(true, Ordering::Relaxed));
    }
}

/// A wait of the calling thread.
#[derive(Default)]
pub struct Waiter {
    polls: bool,
}

impl Waiter {
    /// Between two turns: others may enter. `idle` says that the last turn brought nothing, `make_way` gives the processor to
    /// whoever waits for it.
    #[inline]
    pub fn pause(&mut self, idle: bool, make_way: Option<fn()>) {
        if is_multiple() {
            LOCK.with(|lock| self.pause_among(lock, idle, make_way));
        } else if let Some(make_way) = make_way {
            make_way();
        }
    }

    #[cold]
    fn pause_among(&mut self, lock: &Lock, idle: bool, make_way: Option<fn()>) {
        lock.tell();
        let mut poller = lock.poller.load(Ordering::Relaxed);
        if poller == 0 {
            poller = this_thread();
            lock.poller.store(poller, Ordering::Relaxed);
            self.polls = true;
        }
        // A wait within a wait, in a function of the program, leaves the part to the outer one.
        if poller != this_thread() {
            if idle {
                lock.doze();
            }
        } else if let Some(make_way) = make_way {
            lock.outside(make_way);
        } else if lock.waiting.load(Ordering::Relaxed) > 0 {
            lock.outside(|| lock.courtesy());
        }
    }
}

impl Drop for Waiter {
    #[inline]
    fn drop(&mut self) {
        if self.polls {
            LOCK.with(|lock| {
                lock.poller.store(0, Ordering::Relaxed);
                // Another one has to poll.
                lock.has_news.store(true, Ordering::Relaxed);
            });
        }
    }
}

/// Runs `sleep` for at most so many nanoseconds, or fewer if no other thread could end it. It asks [`somebody_waits`] before it
/// closes its eyes.
pub fn sleeping<T>(most_ns: u64, sleep: impl FnOnce(u64) -> T) -> T {
    if !is_multiple() {
        return sleep(most_ns);
    }
    let most_ns = if node::has_own_bell() { most_ns } else { most_ns.min(UNWAKEABLE_NS) };
    LOCK.with(|lock| lock.is_asleep.store(true, Ordering::SeqCst));
    let outcome = sleep(most_ns);
    LOCK.with(|lock| lock.is_asleep.store(false, Ordering::Relaxed));
    outcome
}

/// A number that no other living thread has.
#[inline]
fn this_thread() -> usize {
    std::thread_local! { static PLACE: u8 = const { 0 }; }
    PLACE.with(|place| std::ptr::from_ref(place).addr())
}

impl Lock {
    #[inline]
    fn enter(&self) {
        let me = this_thread();
        // Only this thread ever writes its own number.
        if self.owner.load(Ordering::Relaxed) != me {
            self.take();
            self.owner.store(me, Ordering::Relaxed);
        }
        self.depth.store(self.depth.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    #[inline]
    fn leave(&self) {
        let depth = self.depth.load(Ordering::Relaxed) - 1;
        self.depth.store(depth, Ordering::Relaxed);
        if depth == 0 {
            self.tell();
            self.owner.store(0, Ordering::Relaxed);
            self.release();
        }
    }

    /// Runs `f` without the lock.
    fn outside(&self, f: impl FnOnce()) {
        let (owner, depth) = (self.owner.load(Ordering::Relaxed), self.depth.load(Ordering::Relaxed));
        self.owner.store(0, Ordering::Relaxed);
        self.depth.store(0, Ordering::Relaxed);
        self.release();
        f();
        self.take();
        self.owner.store(owner, Ordering::Relaxed);
        self.depth.store(depth, Ordering::Relaxed);
    }

    /// Looks on for a moment while others enter.
    fn courtesy(&self) {
        for _ in 0..COURTESY {
            if self.waiting.load(Ordering::Relaxed) == 0 {
                break;
            }
            std::hint::spin_loop();
        }
    }

    /// Sleeps without the lock until something has happened.
    fn doze(&self) {
        // Read with the lock, under which it changes.
        let told = self.told.load(Ordering::Relaxed);
        self.dozing.fetch_add(1, Ordering::Relaxed);
        self.outside(|| self.sleep_until_told(told));
        self.dozing.fetch_sub(1, Ordering::Relaxed);
    }

    fn sleep_until_told(&self, told: u32) {
        for _ in 0..LOOKS {
            if self.told.load(Ordering::Relaxed) != told {
                return;
            }
            std::hint::spin_loop();
        }
        // Who tells looks for sleepers after it has changed the word.
        self.sleeping.fetch_add(1, Ordering::SeqCst);
        wait_while(&self.told, told, DOZE_NS);
        self.sleeping.fetch_sub(1, Ordering::Relaxed);
    }

    /// Tells dozing threads if there are news.
    #[inline]
    fn tell(&self) {
        if self.has_news.load(Ordering::Relaxed) {
            self.has_news.store(false, Ordering::Relaxed);
            if self.dozing.load(Ordering::Relaxed) > 0 {
                self.told.fetch_add(1, Ordering::SeqCst);
                if self.sleeping.load(Ordering::SeqCst) > 0 {
                    wake(&self.told, i32::MAX);
                }
            }
        }
    }

    #[inline]
    fn take(&self) {
        if self.state.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.take_later();
        }
    }

    #[cold]
    fn take_later(&self) {
        // Who goes to sleep looks for this after it said that it does; this one looks for that after it said this.
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut rung = false;
        let mut looks = 0;
        loop {
            if self.state.load(Ordering::Relaxed) == FREE {
                let taken = if looks < LOOKS { TAKEN } else { WANTED };
                if self.state.compare_exchange(FREE, taken, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                    break;
                }
            }
            if !rung && self.is_asleep.load(Ordering::SeqCst) {
                node::wake_self();
                rung = true;
            }
            looks += 1;
            if looks < LOOKS {
                std::hint::spin_loop();
            } else if self.state.swap(WANTED, Ordering::Acquire) == FREE {
                break;
            } else {
                wait_while(&self.state, WANTED, PATIENCE_NS);
            }
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }

    #[inline]
    fn release(&self) {
        if self.state.swap(FREE, Ordering::Release) == WANTED {
            wake(&self.state, 1);
        }
    }
}

/// How long a thread sleeps at the lock before it looks again: its owner may have gone to sleep after this thread looked.
const PATIENCE_NS: i64 = 1_000_000;

/// Sleeps while the word has that value, for so many nanoseconds at most.
fn wait_while(word: &AtomicU32, value: u32, most_ns: i64) {
    let patience = libc::timespec { tv_sec: 0, tv_nsec: most_ns };
    // SAFETY: the word and the time live through the call.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            value,
            &raw const patience,
        )
    };
}

/// Wakes so many threads that sleep at the word.
fn wake(word: &AtomicU32, threads: i32) {
    let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the address is not read.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, threads) };
}
