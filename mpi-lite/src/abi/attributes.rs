//! Predefined attribute keys.

use core::ffi::c_int;

use super::constants;

constants!(ATTRIBUTES: c_int {
    MPI_KEYVAL_INVALID = 0;
    MPI_TAG_UB = 501;
    MPI_IO = 502;
    MPI_HOST = 503;
    MPI_WTIME_IS_GLOBAL = 504;
    MPI_APPNUM = 505;
    MPI_LASTUSEDCODE = 506;
    MPI_UNIVERSE_SIZE = 507;
    MPI_WIN_BASE = 601;
    MPI_WIN_DISP_UNIT = 602;
    MPI_WIN_SIZE = 603;
    MPI_WIN_CREATE_FLAVOR = 604;
    MPI_WIN_MODEL = 605;
});
