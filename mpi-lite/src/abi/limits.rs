//! Lengths of strings, terminating NUL included, and the overhead of a buffered send.

use core::ffi::c_int;

use super::constants;

constants!(LIMITS: c_int {
    MPI_MAX_DATAREP_STRING = 128;
    MPI_MAX_ERROR_STRING = 512;
    MPI_MAX_INFO_KEY = 256;
    MPI_MAX_INFO_VAL = 1024;
    MPI_MAX_LIBRARY_VERSION_STRING = 8192;
    MPI_MAX_OBJECT_NAME = 128;
    MPI_MAX_PORT_NAME = 1024;
    MPI_MAX_PROCESSOR_NAME = 256;
    MPI_MAX_STRINGTAG_LEN = 1024;
    MPI_MAX_PSET_NAME_LEN = 1024;
    MPI_BSEND_OVERHEAD = 512;
});
