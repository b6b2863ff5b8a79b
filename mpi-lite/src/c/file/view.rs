//! Views and data representations.

use crate::abi::*;
use crate::c::input::{store, store_text, text};
use crate::datatype;
use crate::error::{Result, err};
use crate::file::datarep::{Conversion, User, register};
use crate::{file, info, mpi_fn};
use std::ffi::{c_char, c_void};

/// Bytes from one element of a type to the next in the file.
fn type_extent(fh: MPI_File, datatype: MPI_Datatype) -> Result<i64> {
    Ok(file::get(fh)?.view().datarep.body(&datatype::lookup(datatype)?)?.bounds.extent())
}

/// Registers a representation of the program.
///
/// # Safety
/// `name` is null or a C string.
unsafe fn registered(
    name: *const c_char,
    read: Option<Conversion>,
    write: Option<Conversion>,
    extent: MPI_Datarep_extent_function,
    state: *mut c_void,
) -> Result<()> {
    crate::init::require_running()?;
    let Some(extent) = extent else { return err(MPI_ERR_ARG, "the extent function is a null pointer") };
    // SAFETY: the caller's promise.
    register(&unsafe { text("datarep", name)? }, User { read, write, extent, state })
}

mpi_fn! {
    /// Sets the view. Collective.
    fn MPI_File_set_view(
        fh: MPI_File, disp: MPI_Offset, etype: MPI_Datatype, filetype: MPI_Datatype, datarep: *const c_char, info: MPI_Info,
    ) on fh {
        let file = file::get(fh)?;
        // SAFETY: the caller's string.
        let name = unsafe { text("datarep", datarep)? };
        let hints = info::get_or_empty(info)?;
        file.set_view(disp, datatype::get(etype), datatype::get(filetype), &name, &hints)
    }

    /// The view.
    fn MPI_File_get_view(
        fh: MPI_File, disp: *mut MPI_Offset, etype: *mut MPI_Datatype, filetype: *mut MPI_Datatype, datarep: *mut c_char,
    ) on fh {
        let view = file::get(fh)?.view();
        // SAFETY: the caller's result places; the last has MPI_MAX_DATAREP_STRING bytes.
        unsafe {
            store("disp", disp, view.disp as MPI_Offset)?;
            store_text("datarep", &view.datarep.name, datarep, MPI_MAX_DATAREP_STRING as usize)?;
            store("etype", etype, datatype::insert(view.etype.clone())?)?;
            store("filetype", filetype, datatype::insert(view.filetype.clone())?)
        }
    }

    /// The extent of a type in the file.
    fn MPI_File_get_type_extent(fh: MPI_File, datatype: MPI_Datatype, extent: *mut MPI_Aint) on fh {
        // SAFETY: the caller's result place.
        unsafe { store("extent", extent, type_extent(fh, datatype)? as MPI_Aint) }
    }

    /// The extent of a type in the file.
    fn MPI_File_get_type_extent_c(fh: MPI_File, datatype: MPI_Datatype, extent: *mut MPI_Count) on fh {
        // SAFETY: the caller's result place.
        unsafe { store("extent", extent, type_extent(fh, datatype)?) }
    }

    /// Registers a data representation.
    fn MPI_Register_datarep(
        datarep: *const c_char, read_conversion_fn: MPI_Datarep_conversion_function,
        write_conversion_fn: MPI_Datarep_conversion_function, dtype_file_extent_fn: MPI_Datarep_extent_function,
        extra_state: *mut c_void,
    ) on (MPI_FILE_NULL) {
        let (read, write) = (read_conversion_fn.map(Conversion::Small), write_conversion_fn.map(Conversion::Small));
        // SAFETY: the caller's string.
        unsafe { registered(datarep, read, write, dtype_file_extent_fn, extra_state) }
    }

    /// Registers a data representation.
    fn MPI_Register_datarep_c(
        datarep: *const c_char, read_conversion_fn: MPI_Datarep_conversion_function_c,
        write_conversion_fn: MPI_Datarep_conversion_function_c, dtype_file_extent_fn: MPI_Datarep_extent_function,
        extra_state: *mut c_void,
    ) on (MPI_FILE_NULL) {
        let (read, write) = (read_conversion_fn.map(Conversion::Large), write_conversion_fn.map(Conversion::Large));
        // SAFETY: the caller's string.
        unsafe { registered(datarep, read, write, dtype_file_extent_fn, extra_state) }
    }
}
