//! Size, preallocation and storage (MPI 5.0, sections 14.2.4 to 14.2.6 and 14.6.1).

use super::File;
use crate::abi::{
    MPI_ERR_ARG, MPI_ERR_READ_ONLY, MPI_ERR_UNSUPPORTED_OPERATION, MPI_MODE_RDONLY, MPI_MODE_SEQUENTIAL,
};
use crate::error::Result;
use std::os::fd::AsRawFd;

impl File {
    /// Bytes of the file.
    pub fn size(&self) -> Result<u64> {
        match self.system.metadata() {
            Ok(data) => Ok(data.len()),
            Err(error) => Err(self.failed("its size cannot be found out", &error)),
        }
    }

    fn checked_size(&self, size: i64) -> Result<u64> {
        if self.amode & MPI_MODE_RDONLY != 0 {
            return Err(self.error(MPI_ERR_READ_ONLY, "it was opened with MPI_MODE_RDONLY"));
        }
        if self.amode & MPI_MODE_SEQUENTIAL != 0 {
            return Err(self.error(MPI_ERR_UNSUPPORTED_OPERATION, "it was opened with MPI_MODE_SEQUENTIAL"));
        }
        u64::try_from(size).map_err(|_| self.error(MPI_ERR_ARG, &format!("negative size {size}")))
    }

    /// Rank 0 does it when all have agreed on the size; the others return after it.
    fn resize(&self, size: i64, change: impl FnOnce(u64) -> Result<()>) -> Result<()> {
        let checked = self.checked_size(size);
        self.agree([("size", size as u64)], checked.as_ref().map(|_| ()).map_err(Clone::clone))?;
        self.agree([], if self.comm.rank() == 0 { change(checked?) } else { Ok(()) })
    }

    /// `MPI_File_set_size`.
    pub fn set_size(&self, size: i64) -> Result<()> {
        self.resize(size, |size| {
            self.system.set_len(size).map_err(|error| self.failed("its size cannot be set", &error))
        })
    }

    /// `MPI_File_preallocate`.
    pub fn preallocate(&self, size: i64) -> Result<()> {
        self.resize(size, |size| {
            if size == 0 {
                return Ok(());
            }
            // SAFETY: the descriptor is open; the call touches no memory.
            match unsafe { libc::posix_fallocate(self.system.as_raw_fd(), 0, size as i64) } {
                0 => Ok(()),
                code => {
                    let error = std::io::Error::from_raw_os_error(code);
                    Err(self.failed(&format!("{size} bytes cannot be preallocated"), &error))
                }
            }
        })
    }

    /// `MPI_File_sync`: what this rank wrote is on storage, and all ranks have come this far.
    pub fn sync(&self) -> Result<()> {
        let synced = match self.amode & MPI_MODE_RDONLY {
            0 => self.system.sync_all().map_err(|error| self.failed("it cannot be synchronised", &error)),
            _ => Ok(()),
        };
        self.agree([], synced)
    }
}
