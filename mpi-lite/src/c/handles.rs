//! Numbers of handles: `MPI_X_toint`, `MPI_X_fromint` of the ABI, and `MPI_X_c2f`, `MPI_X_f2c` of the standard. Those of
//! datatypes and operations stand with them.

use crate::abi::*;
use crate::handle::{from_int, to_int};
use crate::mpi_fn;
use std::ffi::c_int;

macro_rules! conversions {
    ($($handle:ident $toint:ident $fromint:ident $c2f:ident $f2c:ident;)*) => {$(
        mpi_fn! {
            /// The number of a handle.
            raw fn $toint(handle: $handle) -> c_int { to_int(handle.0) }
            /// The handle of a number.
            raw fn $fromint(number: c_int) -> $handle { $handle(from_int(number)) }
            /// The number of a handle.
            raw fn $c2f(handle: $handle) -> c_int { to_int(handle.0) }
            /// The handle of a number.
            raw fn $f2c(number: c_int) -> $handle { $handle(from_int(number)) }
        }
    )*};
}

conversions! {
    MPI_Comm MPI_Comm_toint MPI_Comm_fromint MPI_Comm_c2f MPI_Comm_f2c;
    MPI_Errhandler MPI_Errhandler_toint MPI_Errhandler_fromint MPI_Errhandler_c2f MPI_Errhandler_f2c;
    MPI_File MPI_File_toint MPI_File_fromint MPI_File_c2f MPI_File_f2c;
    MPI_Group MPI_Group_toint MPI_Group_fromint MPI_Group_c2f MPI_Group_f2c;
    MPI_Info MPI_Info_toint MPI_Info_fromint MPI_Info_c2f MPI_Info_f2c;
    MPI_Message MPI_Message_toint MPI_Message_fromint MPI_Message_c2f MPI_Message_f2c;
    MPI_Request MPI_Request_toint MPI_Request_fromint MPI_Request_c2f MPI_Request_f2c;
    MPI_Session MPI_Session_toint MPI_Session_fromint MPI_Session_c2f MPI_Session_f2c;
    MPI_Win MPI_Win_toint MPI_Win_fromint MPI_Win_c2f MPI_Win_f2c;
}
