//! The MPI-1 names that the standard removed, for programs that still call them: displacements and extents are default
//! INTEGERs.

use super::arguments::*;
use super::arrays::Handles;
use super::{fortran, fortran_fn, sentinels};
use crate::abi::*;
use crate::c::types::*;
use core::ffi::{c_int, c_void};

fortran! { plain
    mpi_errhandler_set = PMPI_Comm_set_errhandler(comm c_comm: In<MPI_Comm>, errhandler c_errhandler: In<MPI_Errhandler>;);
    mpi_errhandler_get = PMPI_Comm_get_errhandler(comm c_comm: In<MPI_Comm>, errhandler c_errhandler: Out<MPI_Errhandler>;);
}

/// Calls `get` for lower bound and extent and stores what `choose` takes of them, if it fits an INTEGER.
unsafe fn bound(
    datatype: *const c_int,
    out: *mut c_int,
    choose: impl FnOnce(MPI_Aint, MPI_Aint) -> MPI_Aint,
) -> c_int {
    let (mut lb, mut extent) = (0, 0);
    // SAFETY: the caller passes two INTEGERs.
    unsafe {
        let code = MPI_Type_get_extent(MPI_Datatype::from_fortran(*datatype), &mut lb, &mut extent);
        if code != MPI_SUCCESS {
            return code;
        }
        match c_int::try_from(choose(lb, extent)) {
            Ok(value) => *out = value,
            Err(_) => return MPI_ERR_ARG,
        }
    }
    MPI_SUCCESS
}

fortran_fn! { plain
    /// MPI_Address of MPI-1: an INTEGER, which only holds addresses below 2 GiB.
    fn mpi_address(location: *mut c_void, address: *mut c_int, ierror: *mut c_int) {
        let at = sentinels::buffer(location) as usize;
        // SAFETY: two writable INTEGERs.
        unsafe {
            *ierror = match c_int::try_from(at) {
                Ok(at) => {
                    *address = at;
                    MPI_SUCCESS
                }
                Err(_) => MPI_ERR_ARG,
            };
        }
    }

    /// MPI_TYPE_EXTENT
    fn mpi_type_extent(datatype: *const c_int, extent: *mut c_int, ierror: *mut c_int) {
        // SAFETY: arguments as the Fortran interface asks, here and below.
        unsafe { *ierror = bound(datatype, extent, |_, extent| extent) };
    }

    /// MPI_TYPE_LB
    fn mpi_type_lb(datatype: *const c_int, lb: *mut c_int, ierror: *mut c_int) {
        // SAFETY: as above.
        unsafe { *ierror = bound(datatype, lb, |lb, _| lb) };
    }

    /// MPI_TYPE_UB
    fn mpi_type_ub(datatype: *const c_int, ub: *mut c_int, ierror: *mut c_int) {
        // SAFETY: as above.
        unsafe { *ierror = bound(datatype, ub, |lb, extent| lb + extent) };
    }

    /// MPI_TYPE_HVECTOR
    fn mpi_type_hvector(
        count: *const c_int, length: *const c_int, stride: *const c_int, old: *const c_int, new: *mut c_int, ierror: *mut c_int,
    ) {
        // SAFETY: as above.
        unsafe {
            let mut created = MPI_DATATYPE_NULL;
            let old = MPI_Datatype::from_fortran(*old);
            *ierror = MPI_Type_create_hvector(*count, *length, *stride as MPI_Aint, old, &mut created);
            *new = created.to_fortran();
        }
    }

    /// MPI_TYPE_HINDEXED
    fn mpi_type_hindexed(
        count: *const c_int, lengths: *const c_int, displacements: *const c_int, old: *const c_int, new: *mut c_int,
        ierror: *mut c_int,
    ) {
        // SAFETY: as above.
        unsafe {
            let mut created = MPI_DATATYPE_NULL;
            let at = widen(displacements, *count);
            let old = MPI_Datatype::from_fortran(*old);
            *ierror = MPI_Type_create_hindexed(*count, lengths, at.as_ptr(), old, &mut created);
            *new = created.to_fortran();
        }
    }

    /// MPI_TYPE_STRUCT
    fn mpi_type_struct(
        count: *const c_int, lengths: *const c_int, displacements: *const c_int, types: *const c_int, new: *mut c_int,
        ierror: *mut c_int,
    ) {
        // SAFETY: as above.
        unsafe {
            let mut created = MPI_DATATYPE_NULL;
            let at = widen(displacements, *count);
            let mut types = Handles::<MPI_Datatype>::receive(types, at.len());
            *ierror = MPI_Type_create_struct(*count, lengths, at.as_ptr(), types.value(), &mut created);
            *new = created.to_fortran();
        }
    }
}

unsafe fn widen(integers: *const c_int, n: c_int) -> Vec<MPI_Aint> {
    // SAFETY: the caller passes an array of n INTEGERs.
    (0..usize::try_from(n).unwrap_or(0)).map(|i| unsafe { *integers.add(i) } as MPI_Aint).collect()
}
