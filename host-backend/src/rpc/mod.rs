//! What the command and the daemon say to each other.
//!
//! A `SOCK_SEQPACKET` unix socket; one JSON value per message, file descriptors as `SCM_RIGHTS` beside it.
//! The client sends [`Request`]s one at a time; the daemon answers each with a [`Reply`] (several for
//! [`Request::List`]) and sends [`Reply::Event`]s at any time in between. The first request is
//! [`Request::Hello`]; whatever comes before it is refused.

mod channel;

pub(crate) use channel::{Channel, Received};

use serde::{Deserialize, Serialize};

/// Version of this protocol; raised by every incompatible change.
pub const PROTOCOL: u32 = 1;
/// Version of the crate, told in the handshake so that a refusal can name both.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A job's number, unique during the daemon's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub u64);

impl std::fmt::Display for JobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a runner says about its job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobSpec {
    /// Short name for `unirank ps`.
    pub name: String,
    /// Number of ranks.
    pub ranks: u32,
    /// `kvm`, `tcg` or `native`.
    pub accel: String,
    /// Memory of each rank, bytes.
    pub mem: u64,
    /// The command line as the user gave it.
    pub command: Vec<String>,
    /// Process id of the runner.
    pub runner_pid: u32,
}

/// How a rank's memory is reached; the descriptors travel beside, in the order given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RankShape {
    /// RAM memory file, device region.
    Vm,
    /// Device region, DMA arena, eventfd to the engine, eventfd to the rank.
    Native,
}

/// Where a rank is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RankState {
    /// Known to the daemon, not yet in `main`.
    Starting,
    /// In `main`.
    Running,
    /// Ended with this status: its HCA is gone, and its peers are told.
    Exited(i32),
    /// Ended otherwise, with a short reason.
    Failed(String),
}

impl RankState {
    /// Whether the rank has ended.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Exited(_) | Self::Failed(_))
    }
}

/// Client to daemon.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// First message.
    Hello {
        /// [`PROTOCOL`] of the client.
        protocol: u32,
        /// [`VERSION`] of the client.
        version: String,
    },
    /// Answered by [`Reply::Job`].
    CreateJob(JobSpec),
    /// Answered by [`Reply::Rank`].
    AddRank {
        /// The job, one of this connection.
        job: JobId,
        /// Rank number below the job's size.
        rank: u32,
        /// How its memory is reached.
        shape: RankShape,
    },
    /// Tells the rank's process: QEMU, or the native program itself.
    RankPid {
        /// The job, one of this connection.
        job: JobId,
        /// Rank number.
        rank: u32,
        /// Process id.
        pid: u32,
    },
    /// Tells where the rank is in its life.
    RankState {
        /// The job, one of this connection.
        job: JobId,
        /// Rank number.
        rank: u32,
        /// The new state.
        state: RankState,
    },
    /// Ends one job of this connection.
    EndJob {
        /// The job.
        job: JobId,
    },
    /// Answered by any number of [`Reply::Info`] and one [`Reply::Done`].
    List,
}

/// Daemon to client.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// Answers `Hello` of the same version.
    Hello {
        /// [`PROTOCOL`] of the daemon.
        protocol: u32,
        /// [`VERSION`] of the daemon.
        version: String,
        /// Process id of the daemon.
        pid: u32,
    },
    /// Answers `Hello` of another version, then the connection ends. An idle daemon exits, so that a new
    /// one can take its place.
    OtherVersion {
        /// [`PROTOCOL`] of the daemon.
        protocol: u32,
        /// [`VERSION`] of the daemon.
        version: String,
        /// Number of jobs it serves.
        jobs: usize,
    },
    /// The request was refused.
    Refused {
        /// Why.
        text: String,
    },
    /// The request was carried out.
    Done,
    /// A job was created.
    Job {
        /// Its number.
        job: JobId,
    },
    /// A rank was added; a VM's chardev socket travels beside.
    Rank {
        /// Whether its memory is locked; else why not and what to do.
        pinned: Result<(), String>,
    },
    /// One job, or the next ranks of the job before.
    Info(JobInfo),
    /// Something happened.
    Event(Event),
}

/// What the daemon tells a runner unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A rank's HCA was disabled: it broke the device protocol, or its memory is gone.
    RankError {
        /// The job.
        job: JobId,
        /// The rank.
        rank: u32,
        /// What it did.
        text: String,
    },
}

/// One job as `unirank ps` shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobInfo {
    /// The job.
    pub job: JobId,
    /// What the runner said of it.
    pub spec: JobSpec,
    /// Seconds since the epoch when it was created.
    pub started: u64,
    /// Its ranks, by number; ranks not yet added are absent.
    pub ranks: Vec<RankInfo>,
}

/// One rank as `unirank ps` shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RankInfo {
    /// Rank number.
    pub rank: u32,
    /// Process id once the runner has told it.
    pub pid: Option<u32>,
    /// Where it is in its life.
    pub state: RankState,
    /// Bytes of memory the host holds for it: a VM's RAM file and device region; a native process's RSS.
    pub resident: u64,
    /// Whether its memory is locked.
    pub pinned: bool,
    /// What the engine did for it.
    pub engine: EngineCounters,
}

/// What the engine did for one rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineCounters {
    /// Work requests of its queue pairs that completed well.
    pub messages: u64,
    /// Payload bytes of those.
    pub bytes: u64,
    /// Interrupts raised for it.
    pub interrupts: u64,
    /// Times it woke the sleeping engine.
    pub wakeups: u64,
    /// Commands carried out.
    pub commands: u64,
    /// Completions with error, flushed ones included.
    pub errors: u64,
}
