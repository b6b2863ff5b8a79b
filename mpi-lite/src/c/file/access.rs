//! Reads and writes: at an offset, at the rank's own or the shared file pointer; alone or by all ranks; blocking, with a
//! request, or split.

use crate::abi::*;
use crate::c::input::store;
use crate::c::p2p::put_status;
use crate::error::Result;
use crate::file::access::{Access, Direction, Start};
use crate::request::{self, Pending};
use crate::{file, mpi_fn};
use std::ffi::c_void;

/// Arguments of an access, as C has them.
fn arguments(
    direction: Direction,
    start: Start,
    collective: bool,
    buf: *const c_void,
    count: i64,
    datatype: MPI_Datatype,
) -> Access {
    Access { direction, start, collective, buf: buf.cast_mut(), count, datatype }
}

/// Reads or writes.
///
/// # Safety
/// The buffer is as the program says, `status` null or valid.
unsafe fn block(fh: MPI_File, access: &Access, status: *mut MPI_Status) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe {
        put_status(status, &file::get(fh)?.access(access)?);
    }
    Ok(())
}

/// Reads or writes; the request is complete.
///
/// # Safety
/// The buffer is as the program says, `request` null or valid.
unsafe fn start(fh: MPI_File, access: &Access, request: *mut MPI_Request) -> Result<()> {
    let file = file::get(fh)?;
    // SAFETY: the caller's promise.
    unsafe {
        let status = file.access(access)?;
        store("request", request, request::insert(file.comm.clone(), Pending::Complete(status))?)
    }
}

/// `status`: blocking; `request`: not blocking; `begin`: the first half of a split operation, with the name of the second.
macro_rules! accesses {
    ($($form:ident $name:ident, $large:ident: $direction:ident $buf:ty, $start:ident, $collective:literal $(, $end:ident)?;)*) => {
        $(accesses!(@$form $name, $large: $direction ($buf), $start, $collective $(, $end)?);)*
    };
    (@status $name:ident, $large:ident: $direction:ident ($buf:ty), At, $collective:literal) => { mpi_fn! {
        /// Reads or writes at an offset.
        large fn $name, $large(
            fh: MPI_File, offset: MPI_Offset, buf: $buf, count: Count, datatype: MPI_Datatype, status: *mut MPI_Status,
        ) on fh {
            let access = arguments(Direction::$direction, Start::At(offset), $collective, buf, i64::from(count), datatype);
            // SAFETY: the program gives a buffer of that type and a status.
            unsafe { block(fh, &access, status) }
        }
    } };
    (@status $name:ident, $large:ident: $direction:ident ($buf:ty), $start:ident, $collective:literal) => { mpi_fn! {
        /// Reads or writes at a file pointer.
        large fn $name, $large(
            fh: MPI_File, buf: $buf, count: Count, datatype: MPI_Datatype, status: *mut MPI_Status,
        ) on fh {
            let access = arguments(Direction::$direction, Start::$start, $collective, buf, i64::from(count), datatype);
            // SAFETY: the program gives a buffer of that type and a status.
            unsafe { block(fh, &access, status) }
        }
    } };
    (@request $name:ident, $large:ident: $direction:ident ($buf:ty), At, $collective:literal) => { mpi_fn! {
        /// Reads or writes at an offset, with a request.
        large fn $name, $large(
            fh: MPI_File, offset: MPI_Offset, buf: $buf, count: Count, datatype: MPI_Datatype, request: *mut MPI_Request,
        ) on fh {
            let access = arguments(Direction::$direction, Start::At(offset), $collective, buf, i64::from(count), datatype);
            // SAFETY: the program gives a buffer of that type and room for the request.
            unsafe { start(fh, &access, request) }
        }
    } };
    (@request $name:ident, $large:ident: $direction:ident ($buf:ty), $start:ident, $collective:literal) => { mpi_fn! {
        /// Reads or writes at a file pointer, with a request.
        large fn $name, $large(
            fh: MPI_File, buf: $buf, count: Count, datatype: MPI_Datatype, request: *mut MPI_Request,
        ) on fh {
            let access = arguments(Direction::$direction, Start::$start, $collective, buf, i64::from(count), datatype);
            // SAFETY: the program gives a buffer of that type and room for the request.
            unsafe { start(fh, &access, request) }
        }
    } };
    (@begin $name:ident, $large:ident: $direction:ident ($buf:ty), At, $collective:literal, $end:ident) => { mpi_fn! {
        /// Begins to read or write at an offset.
        large fn $name, $large(
            fh: MPI_File, offset: MPI_Offset, buf: $buf, count: Count, datatype: MPI_Datatype,
        ) on fh {
            let access = arguments(Direction::$direction, Start::At(offset), $collective, buf, i64::from(count), datatype);
            // SAFETY: the program gives a buffer of that type.
            unsafe { file::get(fh)?.begin(stringify!($end), &access) }
        }
    } accesses!(@end $end ($buf)); };
    (@begin $name:ident, $large:ident: $direction:ident ($buf:ty), $start:ident, $collective:literal, $end:ident) => { mpi_fn! {
        /// Begins to read or write at a file pointer.
        large fn $name, $large(fh: MPI_File, buf: $buf, count: Count, datatype: MPI_Datatype) on fh {
            let access = arguments(Direction::$direction, Start::$start, $collective, buf, i64::from(count), datatype);
            // SAFETY: the program gives a buffer of that type.
            unsafe { file::get(fh)?.begin(stringify!($end), &access) }
        }
    } accesses!(@end $end ($buf)); };
    (@end $end:ident ($buf:ty)) => { mpi_fn! {
        /// Ends a read or write that has begun.
        fn $end(fh: MPI_File, buf: $buf, status: *mut MPI_Status) on fh {
            let told = file::get(fh)?.end(stringify!($end), buf)?;
            // SAFETY: the program gives a status.
            unsafe { put_status(status, &told) };
            Ok(())
        }
    } };
}

accesses! {
    status MPI_File_read_at, MPI_File_read_at_c: Read *mut c_void, At, false;
    status MPI_File_read_at_all, MPI_File_read_at_all_c: Read *mut c_void, At, true;
    status MPI_File_read, MPI_File_read_c: Read *mut c_void, Own, false;
    status MPI_File_read_all, MPI_File_read_all_c: Read *mut c_void, Own, true;
    status MPI_File_read_shared, MPI_File_read_shared_c: Read *mut c_void, Shared, false;
    status MPI_File_read_ordered, MPI_File_read_ordered_c: Read *mut c_void, Ordered, true;
    status MPI_File_write_at, MPI_File_write_at_c: Write *const c_void, At, false;
    status MPI_File_write_at_all, MPI_File_write_at_all_c: Write *const c_void, At, true;
    status MPI_File_write, MPI_File_write_c: Write *const c_void, Own, false;
    status MPI_File_write_all, MPI_File_write_all_c: Write *const c_void, Own, true;
    status MPI_File_write_shared, MPI_File_write_shared_c: Write *const c_void, Shared, false;
    status MPI_File_write_ordered, MPI_File_write_ordered_c: Write *const c_void, Ordered, true;
}

// What has a request must not wait for other ranks, so the collective ones do without an exchange.
accesses! {
    request MPI_File_iread_at, MPI_File_iread_at_c: Read *mut c_void, At, false;
    request MPI_File_iread_at_all, MPI_File_iread_at_all_c: Read *mut c_void, At, false;
    request MPI_File_iread, MPI_File_iread_c: Read *mut c_void, Own, false;
    request MPI_File_iread_all, MPI_File_iread_all_c: Read *mut c_void, Own, false;
    request MPI_File_iread_shared, MPI_File_iread_shared_c: Read *mut c_void, Shared, false;
    request MPI_File_iwrite_at, MPI_File_iwrite_at_c: Write *const c_void, At, false;
    request MPI_File_iwrite_at_all, MPI_File_iwrite_at_all_c: Write *const c_void, At, false;
    request MPI_File_iwrite, MPI_File_iwrite_c: Write *const c_void, Own, false;
    request MPI_File_iwrite_all, MPI_File_iwrite_all_c: Write *const c_void, Own, false;
    request MPI_File_iwrite_shared, MPI_File_iwrite_shared_c: Write *const c_void, Shared, false;
}

accesses! {
    begin MPI_File_read_at_all_begin, MPI_File_read_at_all_begin_c: Read *mut c_void, At, true, MPI_File_read_at_all_end;
    begin MPI_File_read_all_begin, MPI_File_read_all_begin_c: Read *mut c_void, Own, true, MPI_File_read_all_end;
    begin MPI_File_read_ordered_begin, MPI_File_read_ordered_begin_c: Read *mut c_void, Ordered, true, MPI_File_read_ordered_end;
    begin MPI_File_write_at_all_begin, MPI_File_write_at_all_begin_c: Write *const c_void, At, true, MPI_File_write_at_all_end;
    begin MPI_File_write_all_begin, MPI_File_write_all_begin_c: Write *const c_void, Own, true, MPI_File_write_all_end;
    begin MPI_File_write_ordered_begin, MPI_File_write_ordered_begin_c: Write *const c_void, Ordered, true, MPI_File_write_ordered_end;
}
