//! Engines: what carries out the work requests of ranks.
//!
//! The daemon hands each rank's memory, device region and the two eventfds to an [`Engine`] and otherwise only
//! tells it when ranks and jobs end. The [`soft`] engine needs no hardware; engines for real adapters come
//! behind the same trait.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "guests must not be able to stop the daemon"
)]

pub mod soft;

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Result;
use crate::memory::{Mapping, Space};
use crate::rpc::{EngineCounters, JobId};

/// A rank as it is handed to an engine.
#[derive(Debug)]
pub struct RankSetup {
    /// Its job.
    pub job: JobId,
    /// Its number.
    pub rank: u32,
    /// Ranks of the job.
    pub size: u32,
    /// Its memory.
    pub space: Space,
    /// Its device region, at least `region::REGION_LEN` bytes.
    pub region: Mapping,
    /// Eventfd that the rank writes when the engine sleeps.
    pub wake: OwnedFd,
    /// Eventfd that interrupts the rank.
    pub irq: OwnedFd,
    /// Where the engine counts.
    pub counters: Arc<Counters>,
}

/// What an engine tells the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineEvent {
    /// The rank broke the device protocol and its HCA is disabled.
    RankError {
        /// The job.
        job: JobId,
        /// The rank.
        rank: u32,
        /// What it did.
        text: String,
    },
}

/// Something that implements the adapter.
pub trait Engine {
    /// Publishes the rank's control page and serves it from now on. The rank is served when this returns.
    fn attach(&mut self, setup: RankSetup) -> Result<()>;
    /// Tells the process behind a native rank's addresses.
    fn set_pid(&mut self, job: JobId, rank: u32, pid: u32);
    /// Stops serving a rank, lets go of its memory and tells its peers.
    fn detach(&mut self, job: JobId, rank: u32);
    /// Stops serving all ranks of a job. Nothing of the job is mapped when this returns.
    fn end_job(&mut self, job: JobId);
    /// Readable when [`Engine::next_event`] has something.
    fn event_fd(&self) -> BorrowedFd<'_>;
    /// The next event, without waiting.
    fn next_event(&mut self) -> Option<EngineEvent>;
}

/// What the engine did for one rank; read while it counts.
#[derive(Debug, Default)]
pub struct Counters {
    /// See [`EngineCounters::messages`].
    pub messages: AtomicU64,
    /// See [`EngineCounters::bytes`].
    pub bytes: AtomicU64,
    /// See [`EngineCounters::interrupts`].
    pub interrupts: AtomicU64,
    /// See [`EngineCounters::wakeups`].
    pub wakeups: AtomicU64,
    /// See [`EngineCounters::commands`].
    pub commands: AtomicU64,
    /// See [`EngineCounters::errors`].
    pub errors: AtomicU64,
}

impl Counters {
    /// Adds without a locked instruction: only the engine's thread counts.
    #[inline]
    pub(crate) fn add(counter: &AtomicU64, n: u64) {
        counter.store(counter.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// The values now.
    pub fn read(&self) -> EngineCounters {
        EngineCounters {
            messages: self.messages.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            interrupts: self.interrupts.load(Ordering::Relaxed),
            wakeups: self.wakeups.load(Ordering::Relaxed),
            commands: self.commands.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
        }
    }
}
