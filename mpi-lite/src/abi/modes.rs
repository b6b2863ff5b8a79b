//! Modes of files and windows: bits which may be OR-ed.

use core::ffi::c_int;

use super::constants;

constants!(MODES: c_int {
    MPI_MODE_APPEND = 1;
    MPI_MODE_CREATE = 2;
    MPI_MODE_DELETE_ON_CLOSE = 4;
    MPI_MODE_EXCL = 8;
    MPI_MODE_RDONLY = 16;
    MPI_MODE_RDWR = 32;
    MPI_MODE_SEQUENTIAL = 64;
    MPI_MODE_UNIQUE_OPEN = 128;
    MPI_MODE_WRONLY = 256;
    MPI_MODE_NOCHECK = 1024;
    MPI_MODE_NOPRECEDE = 2048;
    MPI_MODE_NOPUT = 4096;
    MPI_MODE_NOSTORE = 8192;
    MPI_MODE_NOSUCCEED = 16384;
});
