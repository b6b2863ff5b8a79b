//! The error every MPI operation returns: a class and a text that names the cause.

use std::fmt;

/// An MPI error: `class` is one of the `MPI_ERR_*` constants, `text` says what failed, on which rank, and why.
/// The name of the call is put in front by [`crate::errhandler::guard`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MpiError {
    /// `MPI_ERR_*` class; also the error code given to the caller.
    pub class: i32,
    /// What failed, in words.
    pub text: String,
}

impl MpiError {
    /// An error of `class` described by `text`.
    pub fn new(class: i32, text: impl Into<String>) -> Self {
        Self { class, text: text.into() }
    }
}

impl fmt::Display for MpiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for MpiError {}

/// Result of an MPI operation.
pub type Result<T> = std::result::Result<T, MpiError>;

/// Shorthand for `Err(MpiError::new(class, text))`.
pub fn err<T>(class: i32, text: impl Into<String>) -> Result<T> {
    Err(MpiError::new(class, text))
}
