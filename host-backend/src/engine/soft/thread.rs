//! The engine's thread, and the handle by which the daemon speaks to it.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use rustix::time::Timespec;

use crate::engine::{Engine, EngineEvent, RankSetup};
use crate::error::{BackendError, Context, Result};
use crate::memory::Space;
use crate::rpc::JobId;

use super::job::{Job, Place};
use super::now_ns;
use super::policy::{NapCost, PollPolicy, Rest};
use super::rank::Rank;

/// What the daemon tells the thread.
enum Control {
    Attach { job: JobId, size: u32, rank: Box<Rank>, done: SyncSender<Result<()>> },
    SetPid { job: JobId, rank: u32, pid: i32 },
    Detach { job: JobId, rank: u32, done: SyncSender<()> },
    EndJob { job: JobId, done: SyncSender<()> },
    Stop,
}

/// Shared between the handle and the thread.
#[derive(Debug)]
struct Bell {
    /// Wakes the thread when it sleeps.
    fd: OwnedFd,
    /// Messages sent so far, so that the awake thread need not look at the channel.
    sent: AtomicU64,
}

/// The soft engine as the daemon holds it. The thread ends when this is dropped.
#[derive(Debug)]
pub struct SoftEngine {
    control: Sender<Control>,
    bell: Arc<Bell>,
    events: Receiver<EngineEvent>,
    event_fd: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl SoftEngine {
    /// Starts the thread.
    pub fn start(policy: PollPolicy) -> Result<Self> {
        let new_eventfd = || {
            eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
                .context(|| "creating an eventfd".into())
        };
        let bell = Arc::new(Bell { fd: new_eventfd()?, sent: AtomicU64::new(0) });
        let event_fd = Arc::new(new_eventfd()?);
        let (control, receiver) = channel();
        let (event_sender, events) = channel();
        let epoll = epoll::create(CreateFlags::CLOEXEC).context(|| "creating an epoll".into())?;
        epoll::add(&epoll, &bell.fd, EventData::new_u64(BELL), EventFlags::IN)
            .context(|| "watching the engine's eventfd".into())?;
        let mut engine = Thread {
            jobs: BTreeMap::new(),
            receiver,
            bell: Arc::clone(&bell),
            heard: 0,
            events: event_sender,
            event_fd: Arc::clone(&event_fd),
            epoll,
            policy,
            nap_cost: NapCost::default(),
            crowded: true,
            stop: false,
        };
        let thread = std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || engine.run())
            .context(|| "starting the engine's thread".into())?;
        Ok(Self { control, bell, events, event_fd, thread: Some(thread) })
    }

    fn send(&self, control: Control) -> Result<()> {
        self.control
            .send(control)
            .map_err(|_| BackendError::Protocol("the engine's thread has ended".into()))?;
        self.bell.sent.fetch_add(1, Ordering::SeqCst);
        // A full eventfd is already readable.
        let _ = rustix::io::write(&self.bell.fd, &1u64.to_ne_bytes());
        Ok(())
    }

    fn send_and_wait<T>(&self, make: impl FnOnce(SyncSender<T>) -> Control) -> Result<T> {
        let (done, answer) = sync_channel(1);
        self.send(make(done))?;
        answer.recv().map_err(|_| BackendError::Protocol("the engine's thread has ended".into()))
    }
}

impl Engine for SoftEngine {
    fn attach(&mut self, setup: RankSetup) -> Result<()> {
        let (job, size) = (setup.job, setup.size);
        let rank = Box::new(Rank::new(setup)?);
        self.send_and_wait(|done| Control::Attach { job, size, rank, done })?
    }

    fn set_pid(&mut self, job: JobId, rank: u32, pid: u32) {
        let _ = self.send(Control::SetPid { job, rank, pid: pid as i32 });
    }

    fn detach(&mut self, job: JobId, rank: u32) {
        let _ = self.send_and_wait(|done| Control::Detach { job, rank, done });
    }

    fn end_job(&mut self, job: JobId) {
        let _ = self.send_and_wait(|done| Control::EndJob { job, done });
    }

    fn event_fd(&self) -> BorrowedFd<'_> {
        self.event_fd.as_fd()
    }

    fn next_event(&mut self) -> Option<EngineEvent> {
        let mut count = [0u8; 8];
        // Emptied first: an event that comes in between makes it readable again.
        let _ = rustix::io::read(&*self.event_fd, &mut count);
        let event = self.events.try_recv().ok()?;
        // More may follow: keep the descriptor readable until a call finds nothing.
        let _ = rustix::io::write(&*self.event_fd, &1u64.to_ne_bytes());
        Some(event)
    }
}

impl Drop for SoftEngine {
    fn drop(&mut self) {
        let _ = self.send(Control::Stop);
        if let Some(thread) = self.thread.take() {
            if thread.join().is_err() {
                log::error!("the engine's thread panicked");
            }
        }
    }
}

/// Epoll data of the bell; ranks' are their job's number and their own.
const BELL: u64 = u64::MAX;

struct Thread {
    jobs: BTreeMap<JobId, Job>,
    receiver: Receiver<Control>,
    bell: Arc<Bell>,
    heard: u64,
    events: Sender<EngineEvent>,
    event_fd: Arc<OwnedFd>,
    epoll: OwnedFd,
    policy: PollPolicy,
    nap_cost: NapCost,
    /// There are as many ranks as processors: spinning would take time from them.
    crowded: bool,
    stop: bool,
}

impl Thread {
    fn run(&mut self) {
        favour_latency();
        let mut last_work = now_ns();
        while !self.stop {
            let now = now_ns();
            if self.hear() | self.pass(now) {
                last_work = now;
                continue;
            }
            let idle = Duration::from_nanos(now.saturating_sub(last_work));
            match self.policy.after(idle, self.crowded, self.nap_cost) {
                Rest::Spin => std::hint::spin_loop(),
                Rest::Nap(nap) => {
                    std::thread::sleep(nap);
                    self.nap_cost.learn(nap, Duration::from_nanos(now_ns().saturating_sub(now)));
                }
                Rest::Sleep => {
                    self.sleep(now);
                    last_work = now_ns();
                }
            }
        }
    }

    fn pass(&mut self, now: u64) -> bool {
        let mut worked = false;
        for job in self.jobs.values_mut() {
            worked |= job.pass(now);
            for event in job.reports.drain(..) {
                let _ = self.events.send(event);
                let _ = rustix::io::write(&*self.event_fd, &1u64.to_ne_bytes());
            }
        }
        worked
    }

    /// Sleeps until a rank, the daemon or a deadline wakes the engine.
    fn sleep(&mut self, now: u64) {
        self.set_asleep(true);
        // Pairs with the guest's fence between its doorbell and its look at the flag.
        fence(Ordering::SeqCst);
        let ready =
            self.bell.sent.load(Ordering::SeqCst) != self.heard || self.jobs.values_mut().any(Job::has_work);
        if !ready {
            let deadline = self.jobs.values().filter_map(|job| job.next_deadline(now)).min();
            let timeout = deadline.map(|at| {
                let ns = at.saturating_sub(now);
                Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as i64 }
            });
            let mut woken = Vec::with_capacity(64);
            // An interrupted or failed wait is a short one.
            let _ = epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut woken), timeout.as_ref());
            self.drain_wakes();
        }
        self.set_asleep(false);
    }

    fn drain_wakes(&mut self) {
        let mut count = [0u8; 8];
        let _ = rustix::io::read(&self.bell.fd, &mut count);
        for job in self.jobs.values_mut() {
            job.ranks_here().for_each(|rank| rank.drain_wake());
        }
    }

    fn set_asleep(&mut self, asleep: bool) {
        for job in self.jobs.values_mut() {
            job.ranks_here().for_each(|rank| rank.set_asleep(asleep));
        }
    }

    /// Takes what the daemon has said; whether it has said anything.
    fn hear(&mut self) -> bool {
        let sent = self.bell.sent.load(Ordering::Acquire);
        if sent == self.heard {
            return false;
        }
        while let Ok(control) = self.receiver.try_recv() {
            self.heard += 1;
            self.obey(control);
        }
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let ranks: usize = self.jobs.values_mut().map(|job| job.ranks_here().count()).sum();
        self.crowded = ranks >= processors;
        true
    }

    fn obey(&mut self, control: Control) {
        match control {
            Control::Attach { job, size, rank, done } => {
                let _ = done.send(self.attach(job, size, rank));
            }
            Control::SetPid { job, rank, pid } => {
                let rank = self.jobs.get_mut(&job).and_then(|job| job.rank_mut(rank));
                if let Some(Space::Native { pid: known, .. }) = rank.map(|rank| &mut rank.space) {
                    *known = Some(pid);
                }
            }
            Control::Detach { job, rank, done } => {
                if let Some(job) = self.jobs.get_mut(&job) {
                    if let Some(rank) = job.rank(rank) {
                        forget(&self.epoll, rank);
                    }
                    job.detach(rank);
                    job.ranks_here().for_each(Rank::flush_interrupt);
                }
                let _ = done.send(());
            }
            Control::EndJob { job, done } => {
                if let Some(mut job) = self.jobs.remove(&job) {
                    job.ranks_here().for_each(|rank| forget(&self.epoll, rank));
                }
                let _ = done.send(());
            }
            Control::Stop => self.stop = true,
        }
    }

    fn attach(&mut self, id: JobId, size: u32, rank: Box<Rank>) -> Result<()> {
        let number = rank.number;
        let job = self.jobs.entry(id).or_insert_with(|| Job::new(id, size));
        let Some(place @ Place::Awaited) = job.ranks.get_mut(number as usize) else {
            return Err(BackendError::Refused(format!("rank {number} of job {id} is there already, or was")));
        };
        let data = EventData::new_u64((id.0 << 32) ^ u64::from(number));
        epoll::add(&self.epoll, &rank.wake, data, EventFlags::IN)
            .context(|| format!("watching the eventfd of rank {number}"))?;
        rank.set_asleep(false);
        *place = Place::Here(rank);
        job.announce_requests(number);
        job.ranks_here().for_each(Rank::flush_interrupt);
        Ok(())
    }
}

/// Stops watching a rank's eventfd. Closing ours would not do: the rank's process has the same open file.
fn forget(epoll: &OwnedFd, rank: &Rank) {
    if let Err(e) = epoll::delete(epoll, &rank.wake) {
        log::error!("rank {}: its eventfd stays watched: {e}", rank.number);
    }
}

/// Asks the kernel to run the engine soon after it becomes ready and to end its naps in time. Each is a request
/// that an unprivileged daemon or an older kernel may refuse: the engine is slower then, not wrong.
fn favour_latency() {
    // SAFETY: a plain system call on the calling thread without pointers.
    let slack = unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1 as libc::c_ulong, 0, 0, 0) };
    if slack != 0 {
        log::info!("timer slack stays at its default: {}", std::io::Error::last_os_error());
    }
    // A short slice of the ordinary class (Linux 6.12 and later): a nap that ends pre-empts a spinning rank at once.
    // Between ranks that spin on every processor the engine needs more than half of the one it shares; at equal weight
    // it falls behind and waits for clock ticks. Measured with 8-byte MPI half round trips on two processors, busy
    // machine, mean us, VMs and native ranks: nice 0: 125, 77; -3: 55, 43; -5: 65, 38; -8: 67, 32; the medians stay.
    // Not much more: with nice -20 the scheduler counts the engine as 86 ranks and puts both ranks on one processor
    // (half round trips of 1 ms), and a real-time class can starve a rank. Without the right to it: nice 0.
    for nice in [-4, 0] {
        let size = size_of::<SchedAttr>() as u32;
        let attributes = SchedAttr { size, nice, runtime: 100_000, ..SchedAttr::default() };
        // SAFETY: pid 0 is the calling thread; `attributes` is a live struct of the size it tells.
        let set = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
        if set == 0 {
            return;
        }
        let why = std::io::Error::last_os_error();
        log::info!("the engine does not get a short slice and nice {nice}: {why}");
    }
}

/// `struct sched_attr` of the kernel's `include/uapi/linux/sched/types.h`, first version.
#[repr(C)]
#[derive(Default)]
struct SchedAttr {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}
