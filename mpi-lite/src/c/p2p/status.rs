//! Reading and making statuses.

use crate::abi::*;
use crate::datatype::{self, count};
use crate::error::{Result, err};
use crate::mpi_fn;
use std::ffi::c_int;

/// Sets the bytes that a status tells so that it shows `elements` elements.
///
/// # Safety
/// `status` is valid.
unsafe fn set_elements(status: *mut MPI_Status, datatype: MPI_Datatype, elements: i64) -> Result<()> {
    let elements = crate::request::count(elements)? as u64;
    match count::bytes_of_elements(elements, &datatype::get(datatype)?) {
        // SAFETY: the caller's promise.
        Some(bytes) => unsafe { (*status).set_count_bytes(bytes) },
        None => return err(MPI_ERR_COUNT, format!("{elements} elements are too many bytes")),
    }
    Ok(())
}

mpi_fn! {
    /// Whole elements of a type that were received.
    fn MPI_Get_count(status: *const MPI_Status, datatype: MPI_Datatype, out: *mut c_int) {
        // SAFETY: the program gives a status and a place for the count.
        unsafe { *out = count::to_int(count::get_count((*status).count_bytes(), &datatype::get(datatype)?)) };
        Ok(())
    }

    /// As `MPI_Get_count`.
    fn MPI_Get_count_c(status: *const MPI_Status, datatype: MPI_Datatype, out: *mut MPI_Count) {
        // SAFETY: the program gives a status and a place for the count.
        unsafe { *out = count::get_count((*status).count_bytes(), &datatype::get(datatype)?) };
        Ok(())
    }

    /// Predefined elements that were received.
    fn MPI_Get_elements(status: *const MPI_Status, datatype: MPI_Datatype, out: *mut c_int) {
        // SAFETY: the program gives a status and a place for the count.
        unsafe { *out = count::to_int(count::get_elements((*status).count_bytes(), &datatype::get(datatype)?)) };
        Ok(())
    }

    /// As `MPI_Get_elements`.
    fn MPI_Get_elements_c(status: *const MPI_Status, datatype: MPI_Datatype, out: *mut MPI_Count) {
        // SAFETY: the program gives a status and a place for the count.
        unsafe { *out = count::get_elements((*status).count_bytes(), &datatype::get(datatype)?) };
        Ok(())
    }

    /// As `MPI_Get_elements`.
    fn MPI_Get_elements_x(status: *const MPI_Status, datatype: MPI_Datatype, out: *mut MPI_Count) {
        // SAFETY: the program gives a status and a place for the count.
        unsafe { *out = count::get_elements((*status).count_bytes(), &datatype::get(datatype)?) };
        Ok(())
    }

    /// Makes a status show so many elements.
    large fn MPI_Status_set_elements, MPI_Status_set_elements_c(status: *mut MPI_Status, datatype: MPI_Datatype, elements: Count) {
        // SAFETY: the program gives a status.
        unsafe { set_elements(status, datatype, i64::from(elements)) }
    }

    /// As `MPI_Status_set_elements`.
    fn MPI_Status_set_elements_x(status: *mut MPI_Status, datatype: MPI_Datatype, elements: MPI_Count) {
        // SAFETY: the program gives a status.
        unsafe { set_elements(status, datatype, elements) }
    }

    /// Whether the operation was cancelled.
    fn MPI_Test_cancelled(status: *const MPI_Status, flag: *mut c_int) {
        // SAFETY: the program gives a status and a flag.
        unsafe { *flag = c_int::from((*status).cancelled()) };
        Ok(())
    }

    /// Makes a status say whether the operation was cancelled.
    fn MPI_Status_set_cancelled(status: *mut MPI_Status, flag: c_int) {
        // SAFETY: the program gives a status.
        unsafe { (*status).set_cancelled(flag != 0) };
        Ok(())
    }
}

mpi_fn! {
    /// Copies a status into a Fortran one, which has the same layout.
    fn MPI_Status_c2f(c_status: *const MPI_Status, f_status: *mut c_int) {
        // SAFETY: the program gives a status and room for one.
        unsafe { f_status.cast::<MPI_Status>().write_unaligned(*c_status) };
        Ok(())
    }

    /// Copies a Fortran status, which has the same layout.
    fn MPI_Status_f2c(f_status: *const c_int, c_status: *mut MPI_Status) {
        // SAFETY: the program gives a status and room for one.
        unsafe { *c_status = f_status.cast::<MPI_Status>().read_unaligned() };
        Ok(())
    }

    /// Copies a status into one of `mpi_f08`, which has the same layout, as in the next functions.
    fn MPI_Status_c2f08(c_status: *const MPI_Status, f08_status: *mut MPI_Status) {
        // SAFETY: the program gives a status and room for one, here and below.
        unsafe { *f08_status = *c_status };
        Ok(())
    }

    /// Copies a status of `mpi_f08`.
    fn MPI_Status_f082c(f08_status: *const MPI_Status, c_status: *mut MPI_Status) {
        // SAFETY: as above.
        unsafe { *c_status = *f08_status };
        Ok(())
    }

    /// Copies a Fortran status into one of `mpi_f08`.
    fn MPI_Status_f2f08(f_status: *const c_int, f08_status: *mut MPI_Status) {
        // SAFETY: as above.
        unsafe { *f08_status = f_status.cast::<MPI_Status>().read_unaligned() };
        Ok(())
    }

    /// Copies a status of `mpi_f08` into a Fortran one.
    fn MPI_Status_f082f(f08_status: *const MPI_Status, f_status: *mut c_int) {
        // SAFETY: as above.
        unsafe { f_status.cast::<MPI_Status>().write_unaligned(*f08_status) };
        Ok(())
    }
}

macro_rules! status_fields {
    ($($get:ident, $set:ident, $field:ident;)*) => { mpi_fn! { $(
        /// Reads a field.
        fn $get(status: *const MPI_Status, value: *mut c_int) {
            // SAFETY: the program gives a status and a place for the value.
            unsafe { *value = (*status).$field };
            Ok(())
        }

        /// Sets a field.
        fn $set(status: *mut MPI_Status, value: c_int) {
            // SAFETY: the program gives a status.
            unsafe { (*status).$field = value };
            Ok(())
        }
    )* } };
}

status_fields! {
    MPI_Status_get_source, MPI_Status_set_source, MPI_SOURCE;
    MPI_Status_get_tag, MPI_Status_set_tag, MPI_TAG;
    MPI_Status_get_error, MPI_Status_set_error, MPI_ERROR;
}
