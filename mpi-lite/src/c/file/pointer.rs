//! File pointers.

use crate::abi::*;
use crate::c::input::store;
use crate::{file, mpi_fn};
use std::ffi::c_int;

mpi_fn! {
    /// Moves the rank's own file pointer.
    fn MPI_File_seek(fh: MPI_File, offset: MPI_Offset, whence: c_int) on fh { file::get(fh)?.seek(offset, whence) }

    /// Moves the shared file pointer. Collective.
    fn MPI_File_seek_shared(fh: MPI_File, offset: MPI_Offset, whence: c_int) on fh {
        file::get(fh)?.seek_shared(offset, whence)
    }

    /// The rank's own file pointer, in etypes.
    fn MPI_File_get_position(fh: MPI_File, offset: *mut MPI_Offset) on fh {
        let found = file::get(fh)?.position()?;
        // SAFETY: the caller's result place.
        unsafe { store("offset", offset, found) }
    }

    /// The shared file pointer, in etypes.
    fn MPI_File_get_position_shared(fh: MPI_File, offset: *mut MPI_Offset) on fh {
        let found = file::get(fh)?.position_shared()?;
        // SAFETY: the caller's result place.
        unsafe { store("offset", offset, found) }
    }

    /// Where in the file an offset of the view is.
    fn MPI_File_get_byte_offset(fh: MPI_File, offset: MPI_Offset, disp: *mut MPI_Offset) on fh {
        let found = file::get(fh)?.byte_offset(offset)?;
        // SAFETY: the caller's result place.
        unsafe { store("disp", disp, found) }
    }
}
