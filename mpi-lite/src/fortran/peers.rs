//! How many ranks the arrays of types of `MPI_Alltoallw` and its kin are for. An invalid communicator has none; the C function
//! reports it.

use super::arguments::Handle;
use super::sentinels;
use crate::abi::*;
use crate::c::comm::{MPI_Comm_rank, MPI_Comm_remote_size, MPI_Comm_size, MPI_Comm_test_inter};
use crate::c::topo::*;
use crate::comm;
use core::ffi::{c_int, c_void};

/// # Safety
/// As all functions here: `comm` is a readable INTEGER.
unsafe fn valid(comm: *const c_int) -> Option<MPI_Comm> {
    // SAFETY: promised by the caller.
    let handle = MPI_Comm::from_fortran(unsafe { *comm });
    comm::get(handle).is_ok().then_some(handle)
}

/// Ranks that data comes from or goes to: of the remote group, if there is one.
pub unsafe fn peers(comm: *const c_int) -> c_int {
    let (mut inter, mut ranks) = (0, 0);
    // SAFETY: promised by the caller; results are our own variables.
    unsafe {
        let Some(comm) = valid(comm) else { return 0 };
        MPI_Comm_test_inter(comm, &mut inter);
        match inter {
            0 => MPI_Comm_size(comm, &mut ranks),
            _ => MPI_Comm_remote_size(comm, &mut ranks),
        };
    }
    ranks
}

/// Elements of the arrays of the send side, which are not looked at with `MPI_IN_PLACE`.
pub unsafe fn senders(comm: *const c_int, sendbuf: *mut c_void) -> c_int {
    if core::ptr::eq(sentinels::buffer(sendbuf), MPI_IN_PLACE) {
        return 0;
    }
    // SAFETY: promised by the caller.
    unsafe { peers(comm) }
}

/// Neighbours that data goes to.
pub unsafe fn neighbours_out(comm: *const c_int) -> c_int {
    // SAFETY: promised by the caller.
    unsafe { neighbours(comm) }.1
}

/// Neighbours that data comes from.
pub unsafe fn neighbours_in(comm: *const c_int) -> c_int {
    // SAFETY: promised by the caller.
    unsafe { neighbours(comm) }.0
}

unsafe fn neighbours(comm: *const c_int) -> (c_int, c_int) {
    let (mut kind, mut n, mut out, mut rank) = (MPI_UNDEFINED, 0, 0, 0);
    // SAFETY: promised by the caller; results are our own variables.
    unsafe {
        let Some(comm) = valid(comm) else { return (0, 0) };
        MPI_Topo_test(comm, &mut kind);
        match kind {
            MPI_CART => {
                MPI_Cartdim_get(comm, &mut n);
                n *= 2;
                out = n;
            }
            MPI_GRAPH => {
                MPI_Comm_rank(comm, &mut rank);
                MPI_Graph_neighbors_count(comm, rank, &mut n);
                out = n;
            }
            MPI_DIST_GRAPH => {
                MPI_Dist_graph_neighbors_count(comm, &mut n, &mut out, &mut rank);
            }
            _ => {}
        }
    }
    (n, out)
}
