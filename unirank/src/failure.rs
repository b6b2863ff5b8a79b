//! Why a command ends without success: one message with a cause and a remedy, and the exit status.

use std::fmt;

use crate::text::printable;

/// Result of a command's steps.
pub type Result<T> = std::result::Result<T, Failure>;

/// A command's one message and its exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Exit status of the command, never 0.
    pub status: u8,
    /// What happened.
    pub cause: String,
    /// What the user can do about it, when that is not plain from the cause.
    pub remedy: Option<String>,
}

impl Failure {
    /// A failure with exit status 1.
    pub fn new(cause: impl Into<String>) -> Self {
        Self { status: 1, cause: cause.into(), remedy: None }
    }

    /// Wrong use of the command: exit status 2.
    pub fn usage(cause: impl Into<String>) -> Self {
        Self { status: 2, ..Self::new(cause) }
    }

    /// Adds what to do.
    pub fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    /// Sets the exit status.
    pub fn status(self, status: u8) -> Self {
        Self { status, ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", printable(&self.cause))?;
        if let Some(remedy) = &self.remedy {
            write!(f, "; {}", printable(remedy))?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// Names what was being done when a call fails.
pub trait Context<T> {
    /// Turns the error into a [`Failure`] that starts with what was being done.
    fn context(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Failure::new(format!("{}: {error}", what())))
    }
}
