//! Where MPI stands in this process: not initialised, running, finalised; and who this rank is.
//!
//! The engine starts with the first of `MPI_Init` and the sessions, and rests after the last. `MPI_Init` and `MPI_Finalize` are for
//! all ranks together; a session ends for this rank alone.

use crate::abi;
use crate::check;
use crate::error::{MpiError, Result, err};
use crate::node;
use crate::p2p::engine::{Engine, Links, Pace};
use crate::p2p::{self, Peer, Source};
use crate::per_rank::per_rank;
use crate::platform::{self, Settings};
use crate::threads;
use crate::transport::ivc::Ivc;
use std::cell::Cell;

/// Phase of MPI in this process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Neither `MPI_Init` nor `MPI_Init_thread` has returned.
    Before,
    /// Between initialisation and finalisation.
    Running,
    /// `MPI_Finalize` has been called.
    Finalized,
}

/// Identity of this rank within its job.
#[derive(Clone, Copy, Debug)]
pub struct World {
    /// Phase of MPI.
    pub phase: Phase,
    /// Rank in `MPI_COMM_WORLD`.
    pub rank: u32,
    /// Size of `MPI_COMM_WORLD`.
    pub size: u32,
    /// Granted `MPI_THREAD_*` level.
    pub thread_level: i32,
}

per_rank! {
    static WORLD: Cell<World> = Cell::new(World {
        phase: Phase::Before,
        rank: 0,
        size: 1,
        thread_level: abi::MPI_THREAD_SINGLE,
    });
}

/// Identity and phase of this rank.
pub fn world() -> World {
    WORLD.with(Cell::get)
}

/// Changes phase, identity or thread level.
pub fn set_world(world: World) {
    WORLD.with(|cell| cell.set(world));
}

per_rank! {
    /// Open sessions.
    static SESSIONS: Cell<u32> = const { Cell::new(0) };
}
per_rank! {
    /// The highest level of thread support that was granted.
    static MOST_THREADS: Cell<i32> = const { Cell::new(abi::MPI_THREAD_SINGLE) };
}

/// Whether MPI can be used: between `MPI_Init` and `MPI_Finalize`, or in a session.
pub fn is_running() -> bool {
    world().phase == Phase::Running || SESSIONS.with(Cell::get) > 0
}

/// An error unless MPI can be used.
pub fn require_running() -> Result<()> {
    if is_running() {
        return Ok(());
    }
    match world().phase {
        Phase::Running => Ok(()),
        Phase::Before => Err(MpiError::new(abi::MPI_ERR_OTHER, "called before MPI_Init")),
        Phase::Finalized => Err(MpiError::new(abi::MPI_ERR_OTHER, "called after MPI_Finalize")),
    }
}

/// MPI runs from here on: the engine is installed, the communicators come into being.
pub fn begin(rank: u32, size: u32) {
    set_world(World { phase: Phase::Running, rank, size, ..world() });
    crate::comm::on_init(rank, size);
}

/// Context of the agreement in `MPI_Finalize`; no communicator has it.
const FINALIZE: u32 = u32::MAX;

/// The collective part of `MPI_Finalize`: everything sent is delivered, and every rank has come this far.
pub fn leave() -> Result<()> {
    crate::comm::on_finalize();
    p2p::finish_operations()?;
    p2p::bsend::flush_all()?;
    p2p::drain()?;
    p2p::close()?;
    let World { rank, size, .. } = world();
    let byte = crate::datatype::byte();
    let mut distance = 1;
    // Dissemination: after round k everybody has heard, directly or not, of the 2^(k+1) - 1 ranks before it.
    while distance < size {
        let peer = |world: u32| Peer { rank: world as i32, world };
        let to = peer((rank + distance) % size);
        let from = peer((rank + size - distance) % size);
        let tag = distance.trailing_zeros() as i32;
        // SAFETY: no bytes are sent or received.
        let (received, sent) = unsafe {
            let received =
                p2p::irecv(FINALIZE, std::ptr::null_mut(), 0, &byte, Source::Rank(from), Some(tag))?;
            (
                received,
                p2p::isend(
                    FINALIZE,
                    std::ptr::null(),
                    0,
                    &byte,
                    to,
                    rank as i32,
                    tag,
                    p2p::SendMode::Standard,
                )?,
            )
        };
        p2p::wait_all([received, sent])?;
        distance *= 2;
    }
    p2p::drain()?;
    set_world(World { phase: Phase::Finalized, ..world() });
    Ok(())
}

/// Starts the engine, or wakes it: it is there until the process ends, as other ranks may go on when this one rests.
fn open(required: i32) -> Result<i32> {
    if p2p::is_installed() {
        p2p::reopen()?;
    } else {
        start_engine()?;
    }
    let level = threads::granted(required);
    // This thread enters with the next call.
    let most = MOST_THREADS.with(|most| most.replace(most.get().max(level)).max(level));
    threads::start(most);
    Ok(level)
}

fn start_engine() -> Result<()> {
    let begun = crate::observe::init_begins();
    let settings = Settings::read()?;
    platform::places::read()?;
    check::set_level(settings.check);
    check::silence::set_patience(settings.deadlock_s);
    let (channel, node) = platform::connect(&settings)?;
    node::install(node);
    let pace = Pace {
        spin_ns: settings.spin_ns,
        crowded: settings.crowded,
        make_way: if settings.crowded && settings.spin_ns > 0 { platform::yielding() } else { None },
        now_ns: platform::now_ns,
    };
    // SAFETY: the region stays mapped until the process or VM ends.
    unsafe { crate::observe::start() };
    // SAFETY: as above.
    let ivc = node::region().map(|region| unsafe { Ivc::new(region, settings.rank) });
    let links = Links::new(channel, ivc, settings.channel);
    let engine = Engine::new(settings.rank, settings.size, links, settings.eager, pace);
    p2p::install(Some(engine));
    set_world(World { rank: settings.rank, size: settings.size, ..world() });
    // SAFETY: the function lives as long as the process.
    unsafe { libc::atexit(ended) };
    crate::observe::init_done(begun);
    Ok(())
}

/// The library rests: nothing of this rank is under way, and it may end.
fn rest() {
    p2p::background::clear();
    crate::comm::shutdown();
    platform::notify("mpi-finalized");
}

/// `MPI_Init_thread`: opens the way to the other ranks and builds the communicators. Gives the level of thread support.
pub fn start(required: i32) -> Result<i32> {
    if world().phase != Phase::Before {
        return Err(MpiError::new(abi::MPI_ERR_OTHER, "MPI was initialised before; that is possible once"));
    }
    let first = !is_running();
    let thread_level = open(required)?;
    let World { rank, size, .. } = world();
    set_world(World { thread_level, ..world() });
    begin(rank, size);
    MAIN_THREAD.set(true);
    if first {
        platform::notify("mpi-init");
    }
    Ok(thread_level)
}

/// A session opens. Gives its level of thread support.
pub fn open_session(required: i32) -> Result<i32> {
    let first = !is_running();
    let level = open(required)?;
    p2p::let_ranks_end()?;
    let World { rank, size, .. } = world();
    crate::comm::on_session(rank, size);
    SESSIONS.with(|open| open.set(open.get() + 1));
    if first {
        platform::notify("mpi-init");
    }
    Ok(level)
}

/// A session is closed; the last one leaves nothing under way.
pub fn close_session() -> Result<()> {
    SESSIONS.with(|open| open.set(open.get() - 1));
    if is_running() {
        return Ok(());
    }
    p2p::finish_operations()?;
    p2p::bsend::flush_all()?;
    p2p::drain()?;
    p2p::close()?;
    rest();
    Ok(())
}

std::thread_local! {
    /// Whether this thread initialised MPI.
    static MAIN_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread called `MPI_Init`.
pub fn is_main_thread() -> bool {
    MAIN_THREAD.get()
}

/// `MPI_Finalize`.
pub fn finish() -> Result<()> {
    match world().phase {
        Phase::Running => leave()?,
        Phase::Before => return err(abi::MPI_ERR_OTHER, "MPI_Finalize without MPI_Init"),
        Phase::Finalized => return err(abi::MPI_ERR_OTHER, "called after MPI_Finalize"),
    }
    check::left::tell();
    if is_running() {
        crate::comm::open_world(false);
        return p2p::reopen();
    }
    rest();
    Ok(())
}

/// Runs at exit: a rank that ends without `MPI_Finalize` takes its job down, so it says why.
extern "C" fn ended() {
    if is_running() && !platform::has_launcher() {
        let missing = if world().phase == Phase::Running { "MPI_Finalize" } else { "MPI_Session_finalize" };
        eprintln!("unirank: rank {} ends without {missing}", world().rank);
    }
}

/// Ends the job: `text` says why, in one line.
pub fn abort(code: i32, text: &str) -> ! {
    if !platform::has_launcher() {
        eprintln!("unirank: {text}");
    }
    platform::notify(&format!("mpi-abort {code} {}", text.replace('\n', " ")));
    set_world(World { phase: Phase::Finalized, ..world() });
    SESSIONS.with(|open| open.set(0));
    std::process::exit(if (1..=255).contains(&code) { code } else { 1 })
}
