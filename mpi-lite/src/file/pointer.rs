//! File pointers: each rank's own and the shared one (MPI 5.0, sections 14.4.3 and 14.4.4).

use super::File;
use crate::abi::*;
use crate::error::{Result, err};
use crate::win::create::exchange;
use crate::win::{control, place::Place};
use std::ffi::c_int;

impl File {
    /// Where the shared file pointer is.
    fn shared_word(&self) -> Place {
        self.window.targets[0].control.at(control::SPARE)
    }

    /// The shared file pointer.
    pub fn shared(&self) -> Result<u64> {
        self.take_shared(0)
    }

    /// Moves the shared file pointer by `bytes`; gives where it was.
    pub fn take_shared(&self, bytes: u64) -> Result<u64> {
        // SAFETY: an aligned word of the control block, of which every window has one.
        unsafe { self.shared_word().fetch_add(bytes) }
    }

    /// Moves the shared file pointer past what all ranks access, in the order of ranks; gives where this rank's part starts.
    /// Collective.
    pub fn take_in_order(&self, bytes: u64) -> Result<u64> {
        let all = exchange(&self.comm, [bytes])?;
        let total = all.iter().fold(0u64, |sum, [bytes]| sum.wrapping_add(*bytes));
        let taken = if self.comm.rank() == 0 { self.take_shared(total) } else { Ok(0) };
        let base = exchange(&self.comm, [*taken.as_ref().unwrap_or(&0)])?[0][0];
        taken?;
        Ok(all[..self.comm.rank()].iter().fold(base, |sum, [bytes]| sum.wrapping_add(*bytes)))
    }

    /// Sets the shared file pointer for all. Collective; nobody uses it meanwhile, as all ranks have agreed before.
    pub fn reset_shared(&self, to: u64) -> Result<()> {
        let set = || {
            let (word, mut seen) = (self.shared_word(), self.shared()?);
            loop {
                // SAFETY: as in `take_shared`.
                let was = unsafe { word.compare_swap(seen, to)? };
                if was == seen {
                    return Ok(());
                }
                seen = was;
            }
        };
        self.agree([], if self.comm.rank() == 0 { set() } else { Ok(()) })
    }

    fn refuse_sequential(&self) -> Result<()> {
        if self.amode & MPI_MODE_SEQUENTIAL == 0 {
            return Ok(());
        }
        Err(self.error(MPI_ERR_UNSUPPORTED_OPERATION, "it was opened with MPI_MODE_SEQUENTIAL"))
    }

    /// Where a seek leads from pointer `now`, in bytes of the stream.
    fn sought(&self, now: u64, offset: i64, whence: c_int) -> Result<u64> {
        self.refuse_sequential()?;
        let view = self.view();
        let from = match whence {
            MPI_SEEK_SET => 0,
            MPI_SEEK_CUR => now / view.unit,
            MPI_SEEK_END => view.etypes_before(self.size()?),
            _ => {
                let text = format!("whence is {whence}, not MPI_SEEK_SET, MPI_SEEK_CUR or MPI_SEEK_END");
                return Err(self.error(MPI_ERR_ARG, &text));
            }
        };
        let to = (from as i64).checked_add(offset).and_then(|etypes| u64::try_from(etypes).ok());
        match to.and_then(|etypes| etypes.checked_mul(view.unit)) {
            Some(to) => Ok(to),
            None => {
                Err(self.error(MPI_ERR_ARG, &format!("a seek by {offset} from {from} leads out of the file")))
            }
        }
    }

    /// `MPI_File_seek`.
    pub fn seek(&self, offset: i64, whence: c_int) -> Result<()> {
        self.position.set(self.sought(self.position.get(), offset, whence)?);
        Ok(())
    }

    /// `MPI_File_seek_shared`.
    pub fn seek_shared(&self, offset: i64, whence: c_int) -> Result<()> {
        let sought = self.shared().and_then(|now| self.sought(now, offset, whence));
        let checked = sought.as_ref().map(|_| ()).map_err(Clone::clone);
        self.agree([("offset", offset as u64), ("whence", whence as u64)], checked)?;
        self.reset_shared(sought?)
    }

    /// `MPI_File_get_position`, in etypes.
    pub fn position(&self) -> Result<i64> {
        self.refuse_sequential()?;
        Ok((self.position.get() / self.view().unit) as i64)
    }

    /// `MPI_File_get_position_shared`, in etypes.
    pub fn position_shared(&self) -> Result<i64> {
        self.refuse_sequential()?;
        Ok((self.shared()? / self.view().unit) as i64)
    }

    /// An offset in etypes, in bytes of the stream.
    pub fn stream_offset(&self, etypes: i64) -> Result<u64> {
        self.refuse_sequential()?;
        let bytes = u64::try_from(etypes).ok().and_then(|etypes| etypes.checked_mul(self.view().unit));
        match bytes {
            Some(bytes) if i64::try_from(bytes).is_ok() => Ok(bytes),
            _ => err(MPI_ERR_ARG, format!("file {}: offset {etypes} is out of range", self.name)),
        }
    }

    /// `MPI_File_get_byte_offset`.
    pub fn byte_offset(&self, etypes: i64) -> Result<i64> {
        self.view().offset(self.stream_offset(etypes)?).map(|at| at as i64)
    }
}
