//! The runner's side: finds or starts the daemon, and asks it.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustix::time::Timespec;

use crate::error::{BackendError, Context, Result};
use crate::paths::RuntimeDir;
use crate::rpc::{Channel, PROTOCOL, RankShape, Received, Reply, Request, VERSION};
pub use crate::rpc::{EngineCounters, Event, JobId, JobInfo, JobSpec, RankInfo, RankState};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);
/// How long the daemon may take to come up.
const START: Duration = Duration::from_secs(5);

/// What a rank brings.
#[derive(Debug)]
pub enum RankKind {
    /// A virtual machine.
    Vm {
        /// The memory file that is its RAM, sealed against shrinking.
        ram: OwnedFd,
        /// The device region, a memory file of a power-of-two size, sealed against shrinking.
        region: OwnedFd,
    },
    /// A native process.
    Native {
        /// The device region.
        region: OwnedFd,
        /// The memory file where the process keeps its queues.
        dma: OwnedFd,
        /// Eventfd by which the process wakes the engine.
        wake: OwnedFd,
        /// Eventfd by which the engine wakes the process.
        irq: OwnedFd,
    },
}

/// What the daemon hands back for a rank.
#[derive(Debug)]
pub struct AddedRank {
    /// QEMU's end for `-chardev socket,fd=`; `None` for a native rank.
    pub ivshmem: Option<OwnedFd>,
    /// Whether its memory is locked; else why not and what to do about it.
    pub pinned: std::result::Result<(), String>,
}

/// A connection to the daemon. The jobs it created end with it.
#[derive(Debug)]
pub struct Client {
    channel: Channel,
    events: VecDeque<Event>,
    daemon_pid: u32,
}

impl Client {
    /// Connects to the daemon of the default runtime directory; starts it as `<exe> backend` when there is none.
    pub fn connect_or_start(exe: &Path) -> Result<Self> {
        Self::connect_or_start_in(&RuntimeDir::from_env(), exe)
    }

    /// As [`Client::connect_or_start`] in a given runtime directory.
    pub fn connect_or_start_in(dir: &RuntimeDir, exe: &Path) -> Result<Self> {
        dir.prepare()?;
        let deadline = Instant::now() + START;
        loop {
            match Self::connect(dir) {
                Ok(Some(client)) => return Ok(client),
                Ok(None) => start(dir, exe, deadline)?,
                // The daemon was about to leave as we came: there will be none, or a new one, in a moment.
                Err(e @ (BackendError::Disconnected(_) | BackendError::Version { .. })) => {
                    if Instant::now() >= deadline
                        || matches!(e, BackendError::Version { .. }) && !leaving(dir)
                    {
                        return Err(e);
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// Connects if a daemon runs in `dir`; `None` when there is none.
    pub fn connect(dir: &RuntimeDir) -> Result<Option<Self>> {
        let Some(socket) = dial(dir)? else { return Ok(None) };
        let mut client = Self { channel: Channel::new(socket), events: VecDeque::new(), daemon_pid: 0 };
        let hello = Request::Hello { protocol: PROTOCOL, version: VERSION.into() };
        match client.ask(&hello, Vec::new())? {
            (Reply::Hello { pid, .. }, _) => client.daemon_pid = pid,
            (Reply::OtherVersion { protocol, version, jobs }, _) => {
                return Err(BackendError::Version {
                    ours: format!("{VERSION} (protocol {PROTOCOL})"),
                    theirs: format!("{version} (protocol {protocol}, serving {jobs} jobs)"),
                });
            }
            (other, _) => return Err(unexpected("hello", &other)),
        }
        Ok(Some(client))
    }

    /// Process id of the daemon.
    pub fn daemon_pid(&self) -> u32 {
        self.daemon_pid
    }

    /// Creates a job that lives as long as this connection.
    pub fn create_job(&mut self, spec: JobSpec) -> Result<JobId> {
        match self.ask(&Request::CreateJob(spec), Vec::new())? {
            (Reply::Job { job }, _) => Ok(job),
            (other, _) => Err(unexpected("create_job", &other)),
        }
    }

    /// Adds one rank; the engine serves it from now on.
    pub fn add_rank(&mut self, job: JobId, rank: u32, kind: RankKind) -> Result<AddedRank> {
        let (shape, fds) = match kind {
            RankKind::Vm { ram, region } => (RankShape::Vm, vec![ram, region]),
            RankKind::Native { region, dma, wake, irq } => (RankShape::Native, vec![region, dma, wake, irq]),
        };
        match self.ask(&Request::AddRank { job, rank, shape }, fds)? {
            (Reply::Rank { pinned }, mut fds) => Ok(AddedRank { ivshmem: fds.pop(), pinned }),
            (other, _) => Err(unexpected("add_rank", &other)),
        }
    }

    /// Tells the process of a rank: QEMU, or the native program. The daemon notices by itself when it ends.
    pub fn rank_pid(&mut self, job: JobId, rank: u32, pid: u32) -> Result<()> {
        self.done(&Request::RankPid { job, rank, pid })
    }

    /// Tells where a rank is in its life; a final state detaches it and tells its peers.
    pub fn rank_state(&mut self, job: JobId, rank: u32, state: RankState) -> Result<()> {
        self.done(&Request::RankState { job, rank, state })
    }

    /// Ends a job of this connection before the connection ends.
    pub fn end_job(&mut self, job: JobId) -> Result<()> {
        self.done(&Request::EndJob { job })
    }

    /// All jobs of the daemon.
    pub fn list(&mut self) -> Result<Vec<JobInfo>> {
        let mut jobs: Vec<JobInfo> = Vec::new();
        let mut answer = self.ask(&Request::List, Vec::new())?.0;
        loop {
            match answer {
                Reply::Done => return Ok(jobs),
                Reply::Info(part) => match jobs.last_mut().filter(|last| last.job == part.job) {
                    Some(last) => last.ranks.extend(part.ranks),
                    None => jobs.push(part),
                },
                other => return Err(unexpected("list", &other)),
            }
            answer = self.answer("list")?.0;
        }
    }

    /// Readable when an event may have come. Events that came while a request waited for its answer are
    /// kept: call [`Client::next_event`] until it gives `None` after requests, too.
    pub fn event_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }

    /// The next event, without waiting.
    pub fn next_event(&mut self) -> Result<Option<Event>> {
        if let Some(event) = self.events.pop_front() {
            return Ok(Some(event));
        }
        match self.channel.receive()? {
            Received::Message(Reply::Event(event), _) => Ok(Some(event)),
            Received::Message(other, _) => Err(unexpected("an event", &other)),
            Received::Empty => Ok(None),
            Received::Closed => Err(BackendError::Disconnected("it closed the connection".into())),
        }
    }

    fn done(&mut self, request: &Request) -> Result<()> {
        match self.ask(request, Vec::new())? {
            (Reply::Done, _) => Ok(()),
            (other, _) => Err(unexpected("a request", &other)),
        }
    }

    fn ask(&mut self, request: &Request, fds: Vec<OwnedFd>) -> Result<(Reply, Vec<OwnedFd>)> {
        self.channel.send(request, fds).map_err(|e| match e {
            BackendError::Io { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe => {
                BackendError::Disconnected("it closed the connection".into())
            }
            other => other,
        })?;
        self.answer(&format!("{request:?}"))
    }

    fn answer(&mut self, what: &str) -> Result<(Reply, Vec<OwnedFd>)> {
        let deadline = Instant::now() + ANSWER;
        loop {
            match self.channel.receive()? {
                Received::Message(Reply::Event(event), _) => self.events.push_back(event),
                Received::Message(Reply::Refused { text }, _) => return Err(BackendError::Refused(text)),
                Received::Message(reply, fds) => return Ok((reply, fds)),
                Received::Closed => {
                    return Err(BackendError::Disconnected(format!("it closed the connection at {what}")));
                }
                Received::Empty => {
                    let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                        return Err(BackendError::Timeout { what: what.into(), seconds: ANSWER.as_secs() });
                    };
                    self.channel.flush()?;
                    let flags = if self.channel.has_backlog() {
                        PollFlags::IN | PollFlags::OUT
                    } else {
                        PollFlags::IN
                    };
                    let timeout =
                        Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
                    match poll(&mut [PollFd::new(&self.channel, flags)], Some(&timeout)) {
                        Ok(_) | Err(Errno::INTR) => {}
                        Err(e) => return Err(e).context(|| "waiting for the host backend".into()),
                    }
                }
            }
        }
    }
}

fn unexpected(what: &str, reply: &Reply) -> BackendError {
    BackendError::Protocol(format!("{what} was answered by {reply:?}"))
}

/// A connected socket, or `None` when nobody listens.
fn dial(dir: &RuntimeDir) -> Result<Option<OwnedFd>> {
    let path = dir.socket();
    let address =
        SocketAddrUnix::new(&path).context(|| format!("using {} as a socket name", path.display()))?;
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .context(|| "creating a socket".into())?;
    match connect(&socket, &address) {
        Ok(()) => Ok(Some(socket)),
        Err(Errno::NOENT | Errno::CONNREFUSED) => Ok(None),
        Err(e) => Err(e).context(|| format!("connecting to {}", path.display())),
    }
}

/// Whether no daemon holds its lock any more, or will soon not.
fn leaving(dir: &RuntimeDir) -> bool {
    std::thread::sleep(Duration::from_millis(50));
    !dir.socket().exists()
}

/// Starts the daemon unless another client does so at this moment, and waits until it listens.
fn start(dir: &RuntimeDir, exe: &Path, deadline: Instant) -> Result<()> {
    let path = dir.start_lock();
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .context(|| format!("opening {}", path.display()))?;
    flock(lock.as_fd(), FlockOperation::LockExclusive).context(|| format!("locking {}", path.display()))?;
    if dial(dir)?.is_some() {
        return Ok(());
    }
    let mut child = Command::new(exe)
        .arg("backend")
        .env("UNIRANK_RUNTIME_DIR", dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context(|| format!("starting {} backend", exe.display()))?;
    loop {
        if dial(dir)?.is_some() {
            return Ok(());
        }
        if let Some(status) = child.try_wait().context(|| "waiting for the host backend".into())? {
            let text = format!("{} backend ended with {status}: {}", exe.display(), last_line(dir));
            return Err(BackendError::Start { text, log: dir.log() });
        }
        if Instant::now() >= deadline {
            let text = format!("it does not listen after {} s", START.as_secs());
            return Err(BackendError::Start { text, log: dir.log() });
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn last_line(dir: &RuntimeDir) -> String {
    let text = std::fs::read(dir.log()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().last().unwrap_or("it wrote no log").to_string()
}
