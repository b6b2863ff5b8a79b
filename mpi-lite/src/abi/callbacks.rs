//! Functions that a program gives to the library, and the predefined ones.
//!
//! All are `Option`s: a null pointer is a legal value of the C argument, and the standard gives the
//! predefined copy and delete functions the addresses 0 and 1, which are never called but recognised.

use core::ffi::{c_int, c_void};

use super::{
    MPI_Aint, MPI_Comm, MPI_Count, MPI_Datatype, MPI_File, MPI_Offset, MPI_Session, MPI_Status, MPI_Win,
};

pub type MPI_User_function =
    Option<unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_int, *mut MPI_Datatype)>;
pub type MPI_User_function_c =
    Option<unsafe extern "C" fn(*mut c_void, *mut c_void, *mut MPI_Count, *mut MPI_Datatype)>;

pub type MPI_Grequest_query_function = Option<unsafe extern "C" fn(*mut c_void, *mut MPI_Status) -> c_int>;
pub type MPI_Grequest_free_function = Option<unsafe extern "C" fn(*mut c_void) -> c_int>;
pub type MPI_Grequest_cancel_function = Option<unsafe extern "C" fn(*mut c_void, c_int) -> c_int>;

/// Arguments: object, keyval, extra state, value in, address of the value out, flag.
pub type CopyAttrFn<H> =
    Option<unsafe extern "C" fn(H, c_int, *mut c_void, *mut c_void, *mut c_void, *mut c_int) -> c_int>;
/// Arguments: object, keyval, value, extra state.
pub type DeleteAttrFn<H> = Option<unsafe extern "C" fn(H, c_int, *mut c_void, *mut c_void) -> c_int>;

pub type MPI_Copy_function = CopyAttrFn<MPI_Comm>;
pub type MPI_Delete_function = DeleteAttrFn<MPI_Comm>;
pub type MPI_Comm_copy_attr_function = CopyAttrFn<MPI_Comm>;
pub type MPI_Comm_delete_attr_function = DeleteAttrFn<MPI_Comm>;
pub type MPI_Type_copy_attr_function = CopyAttrFn<MPI_Datatype>;
pub type MPI_Type_delete_attr_function = DeleteAttrFn<MPI_Datatype>;
pub type MPI_Win_copy_attr_function = CopyAttrFn<MPI_Win>;
pub type MPI_Win_delete_attr_function = DeleteAttrFn<MPI_Win>;

/// Address of `MPI_NULL_COPY_FN` and its like: the attribute is not copied.
pub const NULL_COPY_FN: usize = 0;
/// Address of `MPI_DUP_FN` and its like: the value is copied as it is.
pub const DUP_FN: usize = 1;
/// Address of `MPI_NULL_DELETE_FN` and its like: nothing is done.
pub const NULL_DELETE_FN: usize = 0;

/// The C functions are variadic; callees that look at further arguments are not portable, so none are passed.
pub type MPI_Comm_errhandler_function = Option<unsafe extern "C" fn(*mut MPI_Comm, *mut c_int, ...)>;
pub type MPI_File_errhandler_function = Option<unsafe extern "C" fn(*mut MPI_File, *mut c_int, ...)>;
pub type MPI_Win_errhandler_function = Option<unsafe extern "C" fn(*mut MPI_Win, *mut c_int, ...)>;
pub type MPI_Session_errhandler_function = Option<unsafe extern "C" fn(*mut MPI_Session, *mut c_int, ...)>;

pub type MPI_Datarep_extent_function =
    Option<unsafe extern "C" fn(MPI_Datatype, *mut MPI_Aint, *mut c_void) -> c_int>;
pub type MPI_Datarep_conversion_function = Option<
    unsafe extern "C" fn(*mut c_void, MPI_Datatype, c_int, *mut c_void, MPI_Offset, *mut c_void) -> c_int,
>;
pub type MPI_Datarep_conversion_function_c = Option<
    unsafe extern "C" fn(*mut c_void, MPI_Datatype, MPI_Count, *mut c_void, MPI_Offset, *mut c_void) -> c_int,
>;
