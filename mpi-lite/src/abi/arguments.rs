//! Wildcards, sentinels, enumerations and special addresses that are passed as arguments or returned.

use core::ffi::{c_char, c_int, c_void};
use core::ptr;

use super::{MPI_Offset, constants};

constants!(ARGUMENTS: c_int {
    MPI_ANY_SOURCE = -1;
    MPI_ANY_TAG = -2;
    MPI_PROC_NULL = -3;
    MPI_ROOT = -4;
    MPI_UNDEFINED = -32766;
    MPI_THREAD_SINGLE = 0;
    MPI_THREAD_FUNNELED = 1024;
    MPI_THREAD_SERIALIZED = 2048;
    MPI_THREAD_MULTIPLE = 4096;
    MPI_ORDER_C = 0xC;
    MPI_ORDER_FORTRAN = 0xF;
    MPI_DISTRIBUTE_NONE = 16;
    MPI_DISTRIBUTE_BLOCK = 17;
    MPI_DISTRIBUTE_CYCLIC = 18;
    MPI_DISTRIBUTE_DFLT_DARG = 19;
    MPI_COMBINER_NAMED = 101;
    MPI_COMBINER_DUP = 102;
    MPI_COMBINER_CONTIGUOUS = 103;
    MPI_COMBINER_VECTOR = 104;
    MPI_COMBINER_HVECTOR = 105;
    MPI_COMBINER_INDEXED = 106;
    MPI_COMBINER_HINDEXED = 107;
    MPI_COMBINER_INDEXED_BLOCK = 108;
    MPI_COMBINER_HINDEXED_BLOCK = 109;
    MPI_COMBINER_STRUCT = 110;
    MPI_COMBINER_SUBARRAY = 111;
    MPI_COMBINER_DARRAY = 112;
    MPI_COMBINER_F90_REAL = 113;
    MPI_COMBINER_F90_COMPLEX = 114;
    MPI_COMBINER_F90_INTEGER = 115;
    MPI_COMBINER_RESIZED = 116;
    MPI_COMBINER_VALUE_INDEX = 117;
    MPI_TYPECLASS_INTEGER = 192;
    MPI_TYPECLASS_REAL = 193;
    MPI_TYPECLASS_COMPLEX = 194;
    MPI_IDENT = 201;
    MPI_CONGRUENT = 202;
    MPI_SIMILAR = 203;
    MPI_UNEQUAL = 204;
    MPI_CART = 211;
    MPI_GRAPH = 212;
    MPI_DIST_GRAPH = 213;
    MPI_COMM_TYPE_SHARED = 221;
    MPI_COMM_TYPE_HW_UNGUIDED = 222;
    MPI_COMM_TYPE_HW_GUIDED = 223;
    MPI_COMM_TYPE_RESOURCE_GUIDED = 224;
    MPI_LOCK_EXCLUSIVE = 301;
    MPI_LOCK_SHARED = 302;
    MPI_WIN_FLAVOR_CREATE = 311;
    MPI_WIN_FLAVOR_ALLOCATE = 312;
    MPI_WIN_FLAVOR_DYNAMIC = 313;
    MPI_WIN_FLAVOR_SHARED = 314;
    MPI_WIN_UNIFIED = 321;
    MPI_WIN_SEPARATE = 322;
    MPI_SEEK_CUR = 401;
    MPI_SEEK_END = 402;
    MPI_SEEK_SET = 403;
});

constants!(FILE_ARGUMENTS: MPI_Offset {
    MPI_DISPLACEMENT_CURRENT = -1;
});

pub const MPI_BOTTOM: *mut c_void = ptr::null_mut();
pub const MPI_IN_PLACE: *mut c_void = ptr::without_provenance_mut(1);
pub const MPI_BUFFER_AUTOMATIC: *mut c_void = ptr::without_provenance_mut(2);
pub const MPI_ARGV_NULL: *mut *mut c_char = ptr::null_mut();
pub const MPI_ARGVS_NULL: *mut *mut *mut c_char = ptr::null_mut();
pub const MPI_ERRCODES_IGNORE: *mut c_int = ptr::null_mut();
pub const MPI_UNWEIGHTED: *mut c_int = ptr::without_provenance_mut(10);
pub const MPI_WEIGHTS_EMPTY: *mut c_int = ptr::without_provenance_mut(11);
