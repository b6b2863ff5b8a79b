//! The one error type of this crate: what failed, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, BackendError>;

/// Why the daemon, or a request to it, failed.
#[derive(Debug)]
pub enum BackendError {
    /// A system call failed; `what` says what was being done.
    Io {
        /// What was being done.
        what: String,
        /// The error of the system call.
        source: io::Error,
    },
    /// Client and daemon are of different versions.
    Version {
        /// Version of the side that reports the error.
        ours: String,
        /// Version of the other side.
        theirs: String,
    },
    /// The daemon refused a request, with its reason.
    Refused(String),
    /// The peer broke the protocol.
    Protocol(String),
    /// The daemon did not answer in time.
    Timeout {
        /// What was asked.
        what: String,
        /// How long was waited, in seconds.
        seconds: u64,
    },
    /// The connection to the daemon ended.
    Disconnected(String),
    /// The daemon could not be started; `log` is where it tells more.
    Start {
        /// What was seen.
        text: String,
        /// The daemon's log file.
        log: PathBuf,
    },
    /// Another daemon already serves this runtime directory.
    AlreadyRunning(PathBuf),
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { what, source } => write!(f, "{what}: {source}"),
            Self::Version { ours, theirs } => write!(
                f,
                "host backend version mismatch: this side is {ours}, the other is {theirs}; \
                 wait until the jobs of the running backend have ended, or use the same unirank for all"
            ),
            Self::Refused(text) => write!(f, "the host backend refused: {text}"),
            Self::Protocol(text) => write!(f, "host backend protocol error: {text}"),
            Self::Timeout { what, seconds } => {
                write!(f, "the host backend did not answer {what} within {seconds} s")
            }
            Self::Disconnected(text) => write!(f, "lost the connection to the host backend: {text}"),
            Self::Start { text, log } => {
                write!(f, "cannot start the host backend: {text} (its log: {})", log.display())
            }
            Self::AlreadyRunning(path) => {
                write!(f, "another host backend already serves {}", path.display())
            }
        }
    }
}

impl std::error::Error for BackendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Names what was being done when a system call fails.
pub(crate) trait Context<T> {
    /// Wraps the error with the text that `what` gives.
    fn context(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<io::Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| BackendError::Io { what: what(), source: e.into() })
    }
}
