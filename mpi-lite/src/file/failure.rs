//! Classes of the system's errors on files.

use crate::abi::*;
use crate::error::MpiError;
use std::ffi::c_int;
use std::io::Error;

/// The class that the standard has for an error number (MPI 5.0, section 14.8).
fn class(error: &Error) -> c_int {
    match error.raw_os_error() {
        Some(libc::ENOENT) => MPI_ERR_NO_SUCH_FILE,
        Some(libc::EEXIST) => MPI_ERR_FILE_EXISTS,
        Some(libc::EACCES | libc::EPERM) => MPI_ERR_ACCESS,
        Some(libc::EROFS) => MPI_ERR_READ_ONLY,
        Some(libc::ENOSPC | libc::EFBIG) => MPI_ERR_NO_SPACE,
        Some(libc::EDQUOT) => MPI_ERR_QUOTA,
        Some(libc::ENAMETOOLONG | libc::ENOTDIR | libc::EISDIR | libc::ELOOP) => MPI_ERR_BAD_FILE,
        Some(libc::EBUSY | libc::ETXTBSY) => MPI_ERR_FILE_IN_USE,
        Some(libc::ENOMEM) => MPI_ERR_NO_MEM,
        _ => MPI_ERR_IO,
    }
}

/// The error of a system call on the file `name`; `what` is what was tried.
pub fn of(name: &str, what: &str, error: &Error) -> MpiError {
    MpiError::new(class(error), format!("file {name}: {what}: {error}"))
}
