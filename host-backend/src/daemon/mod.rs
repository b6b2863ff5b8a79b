//! The daemon: one thread that answers runners and watches ranks, beside the engine's.

mod jobs;
mod rank;
mod server;

use std::fs::{File, OpenOptions};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};

use crate::engine::Engine;
use crate::engine::soft::{PollPolicy, SoftEngine};
use crate::error::{BackendError, Context, Result};
use crate::log_file::LogFile;
use crate::paths::RuntimeDir;
use crate::rpc::{PROTOCOL, VERSION};

use server::Server;

/// How the daemon runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where its socket, locks and log are.
    pub runtime_dir: RuntimeDir,
    /// How long it stays without jobs and connections.
    pub idle: Duration,
    /// How the engine waits.
    pub policy: PollPolicy,
    /// Leave the terminal's session and close inherited descriptors: for a process that is the daemon only.
    pub detach: bool,
}

impl Options {
    /// As `unirank backend` runs it: `UNIRANK_BACKEND_IDLE_S` (10), `UNIRANK_ENGINE_SETTLE_US`,
    /// `UNIRANK_ENGINE_SPIN_US`, `UNIRANK_ENGINE_NAP_US`, `UNIRANK_ENGINE_LINGER_US` (see [`PollPolicy`]).
    pub fn from_env() -> Result<Self> {
        let default = PollPolicy::default();
        let micros = |name: &str, default: Duration| -> Result<Duration> {
            Ok(Duration::from_micros(number(name, default.as_micros() as u64)?))
        };
        Ok(Self {
            runtime_dir: RuntimeDir::from_env(),
            idle: Duration::from_secs(number("UNIRANK_BACKEND_IDLE_S", 10)?),
            policy: PollPolicy {
                settle: micros("UNIRANK_ENGINE_SETTLE_US", default.settle)?,
                spin: micros("UNIRANK_ENGINE_SPIN_US", default.spin)?,
                nap: micros("UNIRANK_ENGINE_NAP_US", default.nap)?,
                linger: micros("UNIRANK_ENGINE_LINGER_US", default.linger)?,
            },
            detach: true,
        })
    }
}

fn number(name: &str, default: u64) -> Result<u64> {
    match std::env::var(name) {
        Err(_) => Ok(default),
        Ok(text) => text.parse().map_err(|_| {
            BackendError::Refused(format!("{name}={text} is not a number; unset it or give a whole number"))
        }),
    }
}

/// Runs the daemon until it is idle. Fails at once when another serves the same runtime directory.
pub fn run(options: Options) -> Result<()> {
    if options.detach {
        detach();
    }
    let dir = &options.runtime_dir;
    dir.prepare()?;
    LogFile::open(&dir.log())?.install();
    let outcome = serve(&options);
    match &outcome {
        Ok(()) => log::info!("host backend {VERSION} leaves"),
        Err(e) => log::error!("host backend {VERSION}: {e}"),
    }
    outcome
}

fn serve(options: &Options) -> Result<()> {
    let dir = &options.runtime_dir;
    let _lock = lock(dir)?;
    let path = dir.socket();
    // We hold the daemon's lock, so a socket that is there belongs to a daemon that is not.
    if path.exists() {
        log::warn!("replacing the stale socket {}", path.display());
        std::fs::remove_file(&path).context(|| format!("removing {}", path.display()))?;
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let listener = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
        .context(|| "creating the socket".into())?;
    let address =
        SocketAddrUnix::new(&path).context(|| format!("using {} as a socket name", path.display()))?;
    bind(&listener, &address).context(|| format!("binding {}", path.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
        .context(|| format!("protecting {}", path.display()))?;
    let engine: Box<dyn Engine> = Box::new(SoftEngine::start(options.policy)?);
    listen(&listener, 128).context(|| format!("listening on {}", path.display()))?;
    log::info!("host backend {VERSION} (protocol {PROTOCOL}) serves {}", path.display());
    let first_job = dir.job_numbers().into_iter().max().map_or(1, |last| last.saturating_add(1));
    let outcome = Server::new(listener, engine, options.idle, first_job).run();
    // Before the lock goes: a client that comes now finds no socket and starts a new daemon, which waits for the lock.
    if let Err(e) = std::fs::remove_file(&path) {
        log::warn!("removing {}: {e}", path.display());
    }
    outcome
}

/// Takes the daemon's lock; a daemon that is just leaving is waited for.
fn lock(dir: &RuntimeDir) -> Result<File> {
    let path = dir.daemon_lock();
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .context(|| format!("opening {}", path.display()))?;
    let deadline = Instant::now() + Duration::from_secs(2);
    while flock(file.as_fd(), FlockOperation::NonBlockingLockExclusive).is_err() {
        if Instant::now() >= deadline {
            return Err(BackendError::AlreadyRunning(dir.path().into()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(file)
}

/// A daemon outlives the command that starts it: it must not hold its descriptors, terminal or directory.
fn detach() {
    // SAFETY: no descriptor above standard error is in use yet: the caller is a process that does nothing else.
    let closed = unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
    // Each of these can only fail where there is nothing to detach from.
    let _ = (closed, rustix::process::setsid(), rustix::process::chdir("/"));
}
