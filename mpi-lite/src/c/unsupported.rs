//! Functions of the header that this library does not offer: each fails with `MPI_ERR_UNSUPPORTED_OPERATION` and a message.

use crate::abi::MPI_ERR_UNSUPPORTED_OPERATION;
use crate::error::err;
use crate::mpi_fn;

macro_rules! unsupported {
    ($($name:ident)*) => {$(
        mpi_fn! {
            /// Not offered. The arguments are not looked at.
            fn $name() {
                err(MPI_ERR_UNSUPPORTED_OPERATION, concat!("unirank does not offer ", stringify!($name)))
            }
        }
    )*};
}

// Processes that start or meet later.
unsupported! {
    MPI_Close_port MPI_Comm_accept MPI_Comm_connect MPI_Comm_join MPI_Comm_spawn MPI_Comm_spawn_multiple
    MPI_Lookup_name MPI_Open_port MPI_Publish_name MPI_Unpublish_name
}
