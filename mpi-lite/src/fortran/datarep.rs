//! Data representations of files: C's functions call the program's subroutines.

use super::arguments::{Handle, give};
use super::names;
use super::text::to_c;
use crate::abi::*;
use core::ffi::{c_char, c_int, c_void};

type Extent = unsafe extern "C" fn(*mut c_int, *mut MPI_Aint, *mut MPI_Aint, *mut c_int);
/// `Count` is an INTEGER or one of the kind of counts.
type Convert<Count> = unsafe extern "C" fn(
    *mut c_void,
    *mut c_int,
    *mut Count,
    *mut c_void,
    *mut MPI_Offset,
    *mut MPI_Aint,
    *mut c_int,
);

unsafe extern "C" {
    fn PMPI_Register_datarep(
        name: *const c_char,
        read: MPI_Datarep_conversion_function,
        write: MPI_Datarep_conversion_function,
        extent: MPI_Datarep_extent_function,
        extra: *mut c_void,
    ) -> c_int;
    fn PMPI_Register_datarep_c(
        name: *const c_char,
        read: MPI_Datarep_conversion_function_c,
        write: MPI_Datarep_conversion_function_c,
        extent: MPI_Datarep_extent_function,
        extra: *mut c_void,
    ) -> c_int;
}

/// The subroutines of a representation and their extra state; it stays registered as long as the library runs.
struct Subroutines<Count> {
    read: Convert<Count>,
    write: Convert<Count>,
    extent: Extent,
    extra: MPI_Aint,
}

unsafe extern "C" fn extent<Count>(
    datatype: MPI_Datatype,
    extent: *mut MPI_Aint,
    state: *mut c_void,
) -> c_int {
    let (state, mut code) = (state.cast::<Subroutines<Count>>(), MPI_SUCCESS);
    // SAFETY: `state` is what `register` made; the program's subroutine takes these references.
    unsafe { ((*state).extent)(&mut datatype.to_fortran(), extent, &raw mut (*state).extra, &mut code) };
    code
}

/// # Safety
/// `convert` is one of `state`'s subroutines.
unsafe fn call<Count>(
    convert: Convert<Count>,
    user: *mut c_void,
    datatype: MPI_Datatype,
    mut count: Count,
    file: *mut c_void,
    mut position: MPI_Offset,
    state: *mut c_void,
) -> c_int {
    let (state, mut code) = (state.cast::<Subroutines<Count>>(), MPI_SUCCESS);
    // SAFETY: as above.
    unsafe {
        let extra = &raw mut (*state).extra;
        convert(user, &mut datatype.to_fortran(), &mut count, file, &mut position, extra, &mut code);
    }
    code
}

unsafe extern "C" fn read<Count>(
    user: *mut c_void,
    datatype: MPI_Datatype,
    count: Count,
    file: *mut c_void,
    position: MPI_Offset,
    state: *mut c_void,
) -> c_int {
    // SAFETY: `state` is what `register` made.
    unsafe { call((*state.cast::<Subroutines<Count>>()).read, user, datatype, count, file, position, state) }
}

unsafe extern "C" fn write<Count>(
    user: *mut c_void,
    datatype: MPI_Datatype,
    count: Count,
    file: *mut c_void,
    position: MPI_Offset,
    state: *mut c_void,
) -> c_int {
    // SAFETY: as above.
    unsafe { call((*state.cast::<Subroutines<Count>>()).write, user, datatype, count, file, position, state) }
}

macro_rules! register {
    ($($name:ident, $names:ident $suffix:literal, $null:ident $null_suffix:literal, $count:ty, $c:ident;)*) => {$(
        /// Stands for no conversion; it is recognised by its address and never called.
        #[unsafe(export_name = concat!("p", stringify!($null), "_"))]
        pub unsafe extern "C" fn $null(
            _user: *mut c_void, _datatype: *mut c_int, _count: *mut $count, _file: *mut c_void, _position: *mut MPI_Offset,
            _extra: *mut MPI_Aint, ierror: *mut c_int,
        ) {
            // SAFETY: called with a reference to an INTEGER.
            unsafe { give(ierror, MPI_ERR_CONVERSION) };
        }
        names!(plain $null);

        /// MPI_Register_datarep, for one type of counts.
        #[unsafe(export_name = concat!("p", stringify!($name), $suffix))]
        pub unsafe extern "C" fn $name(
            datarep: *const c_char, read_fn: Convert<$count>, write_fn: Convert<$count>, extent_fn: Extent,
            extra: *const MPI_Aint, ierror: *mut c_int, length: usize,
        ) {
            unsafe extern "C" {
                // The address that programs have, which is that of the weak name.
                #[link_name = $null_suffix]
                fn null();
            }
            let given = |f: Convert<$count>| !core::ptr::eq(f as *const c_void, null as *const c_void);
            // SAFETY: arguments as the Fortran interface asks; the box stays, as C keeps its address, unless C refuses it.
            unsafe {
                let state = Subroutines { read: read_fn, write: write_fn, extent: extent_fn, extra: *extra };
                let state = Box::into_raw(Box::new(state));
                let name = to_c(datarep, length);
                let code = $c(
                    name.as_ptr(),
                    if given(read_fn) { Some(read::<$count>) } else { None },
                    if given(write_fn) { Some(write::<$count>) } else { None },
                    Some(extent::<$count>),
                    state.cast(),
                );
                if code != MPI_SUCCESS {
                    drop(Box::from_raw(state));
                }
                give(ierror, code);
            }
        }
        names!($names $name);
    )*};
}

register! {
    mpi_register_datarep, both "_", mpi_conversion_fn_null "mpi_conversion_fn_null_", c_int, PMPI_Register_datarep;
    mpi_register_datarep_c, f08 "_f08_", mpi_conversion_fn_null_c "mpi_conversion_fn_null_c_", MPI_Count, PMPI_Register_datarep_c;
}
