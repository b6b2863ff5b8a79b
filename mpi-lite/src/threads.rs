//! `MPI_THREAD_MULTIPLE`: one lock around all of MPI, which a thread gives up while it waits.
//!
//! A thread has the lock from its entry into an MPI function to its return. Functions of the program that MPI calls (of operations,
//! attributes, error handlers) may call MPI: the owner enters again and again.
//!
//! Every thread that waits has a *seat*, which says what it waits for. One of them *polls*: it makes progress for all, gives the
//! lock up between its turns to whoever wants to enter, and sleeps without it when there is nothing to do. The others *doze*.
//! Whoever completes what a thread waits for calls that one alone, when it gives the lock up itself.
//!
//! With any other level of thread support a call pays one look at a flag.

use crate::abi::{MPI_THREAD_MULTIPLE, MPI_THREAD_SERIALIZED};
use crate::check::current;
use crate::check::silence::Awaits;
use crate::node;
use crate::observe;
use crate::per_rank::per_rank;
use crate::platform;
use std::cell::{Cell, RefCell};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

/// Nobody has the lock.
const FREE: u32 = 0;
/// A thread has it.
const TAKEN: u32 = 1;
/// A thread has it, and others may sleep until it is free.
const WANTED: u32 = 2;

/// How often a thread looks before it sleeps, at the lock or for a call: some 20 us. To sleep and be woken costs more, in a VM
/// much more.
const LOOKS: u32 = 1000;
/// How often it lets others have the processor instead, where that is cheap.
const YIELDS: u32 = 20;
/// How often a thread that gave the lock up looks whether others have taken it.
const COURTESY: u32 = 200;
/// How long a thread sleeps at the lock before it looks again.
const PATIENCE_NS: i64 = 100_000_000;
/// How long a rank sleeps whose threads cannot wake each other.
const UNWAKEABLE_NS: u64 = 100_000;
/// How long a thread dozes before it looks for itself.
const DOZE_NS: i64 = 10_000_000;

/// What a thread waits for that waits for no request of the engine.
pub const ANYTHING: u32 = u32::MAX - 1;

/// The place of a thread that waits. All but `called` changes under the lock only.
struct Seat {
    /// Names its thread.
    thread: usize,
    /// The request that it waits for, or [`ANYTHING`], and in which function.
    awaits: Awaits,
    /// It was called: what it waits for may be there, or it is to poll.
    called: AtomicU32,
    /// It sleeps, and has to be woken.
    is_asleep: AtomicBool,
    polls: Cell<bool>,
}

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
    /// The thread that polls; 0 is nobody. Under the lock, as all that follows.
    poller: Cell<usize>,
    /// Somebody was called who may have to be woken.
    has_called: Cell<bool>,
    seats: RefCell<Vec<NonNull<Seat>>>,
}

per_rank! {
    static LOCK: Lock = Lock {
        is_used: AtomicBool::new(false),
        state: AtomicU32::new(FREE),
        owner: AtomicUsize::new(0),
        depth: AtomicU32::new(0),
        waiting: AtomicU32::new(0),
        poller: Cell::new(0),
        has_called: Cell::new(false),
        seats: RefCell::new(Vec::new()),
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

/// Something has happened that a thread may wait for which waits for no request.
#[inline]
pub fn happened() {
    if is_multiple() {
        LOCK.with(|lock| lock.call(ANYTHING));
    }
}

/// A request is complete.
#[inline]
pub fn completed(request: u32) {
    if is_multiple() {
        LOCK.with(|lock| lock.call(request));
    }
}

/// What all threads of this process wait for in MPI, where the calling one waits for that request; none if one of them may act
/// without a message from another rank.
#[cold]
pub fn all_waits(request: u32) -> Option<Vec<Awaits>> {
    if !is_multiple() {
        return Some(vec![Awaits { request, function: current::get() }]);
    }
    LOCK.with(|lock| {
        let seats = lock.seats.borrow();
        // SAFETY: as in `Lock::call`.
        let seats: Vec<&Seat> = seats.iter().map(|seat| unsafe { seat.as_ref() }).collect();
        let mut threads: Vec<usize> = seats.iter().map(|seat| seat.thread).collect();
        threads.sort_unstable();
        threads.dedup();
        let is_quiet = seats.iter().all(|seat| seat.called.load(Ordering::Relaxed) == 0);
        // Those outside of MPI that wait without an end wait for others: for these.
        let waiting = threads.len() + platform::threads::blocked();
        let all_wait = is_quiet && Some(waiting) == platform::threads::count();
        all_wait.then(|| seats.iter().map(|seat| seat.awaits).collect())
    })
}

/// A wait of the calling thread.
pub struct Waiter {
    awaits: u32,
    seat: Option<Box<Seat>>,
}

impl Waiter {
    /// For a wait for that request, or for [`ANYTHING`].
    #[inline]
    pub fn new(awaits: u32) -> Self {
        Self { awaits, seat: None }
    }

    /// Whether this thread may sleep when nothing happens: others doze, in [`Self::pause`].
    #[inline]
    pub fn may_sleep(&self) -> bool {
        !is_multiple() || LOCK.with(|lock| lock.poller.get() == this_thread())
    }

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
        lock.wake_called();
        let seat = self.sit_down(lock);
        // A wait within a wait, in a function of the program, leaves the polling to the outer one.
        if lock.poller.get() != this_thread() {
            if idle {
                lock.doze(seat);
            }
        } else if let Some(make_way) = make_way {
            lock.outside(make_way);
        } else if lock.waiting.load(Ordering::Relaxed) > 0 {
            lock.outside(|| lock.courtesy());
        } else if idle && lock.seats.borrow().len() > 1 {
            // There may be fewer processors than threads.
            platform::yielding().into_iter().for_each(|make_way| lock.outside(make_way));
        }
    }

    /// Runs `sleep` for at most so many nanoseconds, without the lock; it ends early when this rank is woken.
    pub fn sleep(&mut self, most_ns: u64, sleep: &dyn Fn(u64)) {
        LOCK.with(|lock| {
            lock.wake_called();
            let seat = self.sit_down(lock);
            let most_ns = if node::has_own_bell() { most_ns } else { most_ns.min(UNWAKEABLE_NS) };
            seat.is_asleep.store(true, Ordering::Relaxed);
            observe::sleeping(|| lock.outside(|| sleep(most_ns)));
            seat.is_asleep.store(false, Ordering::Relaxed);
            seat.called.store(0, Ordering::Relaxed);
        });
    }

    /// The seat, taken now if this is the first pause; who finds nobody polling does.
    fn sit_down(&mut self, lock: &Lock) -> &Seat {
        let request = self.awaits;
        let seat = self.seat.get_or_insert_with(|| {
            let seat = Box::new(Seat {
                thread: this_thread(),
                awaits: Awaits { request, function: current::get() },
                called: AtomicU32::new(0),
                is_asleep: AtomicBool::new(false),
                polls: Cell::new(false),
            });
            lock.seats.borrow_mut().push(NonNull::from(&*seat));
            seat
        });
        if lock.poller.get() == 0 {
            lock.poller.set(this_thread());
            seat.polls.set(true);
        }
        seat
    }
}

impl Drop for Waiter {
    #[inline]
    fn drop(&mut self) {
        if let Some(seat) = &self.seat {
            LOCK.with(|lock| lock.stand_up(seat));
        }
    }
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
            self.wake_called();
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

    /// Sleeps without the lock until this thread is called.
    fn doze(&self, seat: &Seat) {
        self.outside(|| {
            if seat.is_called_soon() {
                return;
            }
            // Who calls looks for this after it has called.
            seat.is_asleep.store(true, Ordering::SeqCst);
            wait_while(&seat.called, 0, DOZE_NS);
            seat.is_asleep.store(false, Ordering::Relaxed);
        });
        seat.called.store(0, Ordering::Relaxed);
    }

    /// Calls those who wait for that request, or for anything.
    fn call(&self, request: u32) {
        for seat in self.seats.borrow().iter() {
            // SAFETY: it is taken out before its thread gives it up.
            let seat = unsafe { seat.as_ref() };
            if seat.awaits.request == request || seat.awaits.request == ANYTHING {
                self.call_to(seat);
            }
        }
    }

    fn call_to(&self, seat: &Seat) {
        seat.called.store(1, Ordering::SeqCst);
        self.has_called.set(true);
    }

    /// Wakes those who were called and sleep.
    #[inline]
    fn wake_called(&self) {
        if self.has_called.replace(false) {
            self.wake_sleepers();
        }
    }

    #[cold]
    fn wake_sleepers(&self) {
        for seat in self.seats.borrow().iter() {
            // SAFETY: as in `call`.
            let seat = unsafe { seat.as_ref() };
            let wakes =
                seat.called.load(Ordering::Relaxed) == 1 && seat.is_asleep.swap(false, Ordering::SeqCst);
            if wakes && seat.polls.get() {
                node::wake_self();
            } else if wakes {
                wake(&seat.called, 1);
            }
        }
    }

    /// A wait is over. If its thread polled, another one has to.
    #[cold]
    fn stand_up(&self, seat: &Seat) {
        let mut seats = self.seats.borrow_mut();
        seats.retain(|other| other.as_ptr().cast_const() != std::ptr::from_ref(seat));
        if seat.polls.get() {
            self.poller.set(0);
            if let Some(next) = seats.last() {
                // SAFETY: as in `call`.
                self.call_to(unsafe { next.as_ref() });
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
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let mut looks = 0;
        loop {
            if self.state.load(Ordering::Relaxed) == FREE {
                let taken = if looks < LOOKS { TAKEN } else { WANTED };
                if self.state.compare_exchange(FREE, taken, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                    break;
                }
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
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    #[inline]
    fn release(&self) {
        if self.state.swap(FREE, Ordering::Release) == WANTED {
            wake(&self.state, 1);
        }
    }
}

impl Seat {
    /// Looks on for a moment.
    fn is_called_soon(&self) -> bool {
        let is_called = || self.called.load(Ordering::Relaxed) == 1;
        match platform::yielding() {
            Some(make_way) => (0..YIELDS).any(|_| {
                make_way();
                is_called()
            }),
            None => (0..LOOKS).any(|_| {
                std::hint::spin_loop();
                is_called()
            }),
        }
    }
}

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
