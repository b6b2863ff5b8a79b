//! Opening, closing, sizes, hints, storage.

use crate::abi::*;
use crate::c::input::{place, store, text};
use crate::{comm, file, group, info, mpi_fn};
use std::ffi::{c_char, c_int};

/// The handle at an address of the caller's, to find its error handler.
fn handle_at(file: *const MPI_File) -> MPI_File {
    // SAFETY: null, or the address of the caller's handle.
    unsafe { file.as_ref() }.copied().unwrap_or(MPI_FILE_NULL)
}

mpi_fn! {
    /// Opens a file. Collective.
    fn MPI_File_open(comm: MPI_Comm, filename: *const c_char, amode: c_int, info: MPI_Info, fh: *mut MPI_File) on (MPI_FILE_NULL) {
        let comm = comm::get(comm)?;
        // SAFETY: the caller's string and result place.
        let (name, fh) = unsafe { (text("filename", filename)?, place("fh", fh)?) };
        *fh = file::open::open(&comm, &name, amode, &info::get_or_empty(info)?)?;
        Ok(())
    }

    /// Closes a file. Collective.
    fn MPI_File_close(fh: *mut MPI_File) on (handle_at(fh)) {
        // SAFETY: the caller's handle.
        file::open::close(unsafe { place("fh", fh)? })
    }

    /// Deletes a file.
    fn MPI_File_delete(filename: *const c_char, info: MPI_Info) on (MPI_FILE_NULL) {
        info::get_or_empty(info)?;
        // SAFETY: the caller's string.
        file::open::delete(&unsafe { text("filename", filename)? })
    }

    /// Sets the size. Collective.
    fn MPI_File_set_size(fh: MPI_File, size: MPI_Offset) on fh { file::get(fh)?.set_size(size) }

    /// Makes sure that there is room on storage. Collective.
    fn MPI_File_preallocate(fh: MPI_File, size: MPI_Offset) on fh { file::get(fh)?.preallocate(size) }

    /// The size in bytes.
    fn MPI_File_get_size(fh: MPI_File, size: *mut MPI_Offset) on fh {
        let found = file::get(fh)?.size()? as MPI_Offset;
        // SAFETY: the caller's result place.
        unsafe { store("size", size, found) }
    }

    /// The ranks that opened the file.
    fn MPI_File_get_group(fh: MPI_File, group: *mut MPI_Group) on fh {
        let found = group::publish(file::get(fh)?.comm.group().clone())?;
        // SAFETY: the caller's result place.
        unsafe { store("group", group, found) }
    }

    /// The access mode.
    fn MPI_File_get_amode(fh: MPI_File, amode: *mut c_int) on fh {
        let found = file::get(fh)?.amode;
        // SAFETY: the caller's result place.
        unsafe { store("amode", amode, found) }
    }

    /// Changes hints. Collective.
    fn MPI_File_set_info(fh: MPI_File, info: MPI_Info) on fh {
        let file = file::get(fh)?;
        let given = info::get_or_empty(info)?;
        file.hints.borrow_mut().change(&given, file.comm.size())
    }

    /// The hints in use.
    fn MPI_File_get_info(fh: MPI_File, info_used: *mut MPI_Info) on fh {
        let hints = file::get(fh)?.hints.borrow().info()?;
        // SAFETY: the caller's result place.
        unsafe { store("info_used", info_used, info::publish(hints)?) }
    }

    /// Brings what was written to storage. Collective.
    fn MPI_File_sync(fh: MPI_File) on fh { file::get(fh)?.sync() }

    /// Turns atomic mode on or off. Collective.
    fn MPI_File_set_atomicity(fh: MPI_File, flag: c_int) on fh { file::get(fh)?.set_atomicity(flag) }

    /// Whether the file is in atomic mode.
    fn MPI_File_get_atomicity(fh: MPI_File, flag: *mut c_int) on fh {
        let found = c_int::from(file::get(fh)?.is_atomic());
        // SAFETY: the caller's result place.
        unsafe { store("flag", flag, found) }
    }
}
