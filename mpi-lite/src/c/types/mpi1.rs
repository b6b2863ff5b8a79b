//! Functions that MPI 3.0 removed, for programs older than that. Our header declares them in its extension block.

use core::ffi::{c_int, c_void};

use super::{Count, get_extent, store};
use crate::abi::*;
use crate::datatype::lookup;
use crate::mpi_fn;

mpi_fn! {
    /// Now `MPI_Get_address`.
    fn MPI_Address(location: *const c_void, address: *mut MPI_Aint) {
        // SAFETY: the program passes the address of its result.
        unsafe { store(address, location as MPI_Aint) }
    }

    /// Now `MPI_Type_create_hvector`.
    raw fn MPI_Type_hvector(
        count: c_int, blocklength: c_int, stride: MPI_Aint, oldtype: MPI_Datatype, newtype: *mut MPI_Datatype,
    ) -> c_int {
        // SAFETY: the same conditions.
        unsafe { super::MPI_Type_create_hvector(count, blocklength, stride, oldtype, newtype) }
    }

    /// Now `MPI_Type_create_hindexed`.
    raw fn MPI_Type_hindexed(
        count: c_int, blocklengths: *const c_int, displacements: *const MPI_Aint, oldtype: MPI_Datatype,
        newtype: *mut MPI_Datatype,
    ) -> c_int {
        // SAFETY: the same conditions.
        unsafe { super::MPI_Type_create_hindexed(count, blocklengths, displacements, oldtype, newtype) }
    }

    /// Now `MPI_Type_create_struct`.
    raw fn MPI_Type_struct(
        count: c_int, blocklengths: *const c_int, displacements: *const MPI_Aint, types: *const MPI_Datatype,
        newtype: *mut MPI_Datatype,
    ) -> c_int {
        // SAFETY: the same conditions.
        unsafe { super::MPI_Type_create_struct(count, blocklengths, displacements, types, newtype) }
    }

    /// Now `MPI_Type_get_extent`.
    fn MPI_Type_extent(datatype: MPI_Datatype, extent: *mut MPI_Aint) {
        let mut lb = 0;
        // SAFETY: the program passes the address of its result.
        unsafe { get_extent(datatype, &mut lb, extent) }
    }

    /// Now part of `MPI_Type_get_extent`.
    fn MPI_Type_lb(datatype: MPI_Datatype, displacement: *mut MPI_Aint) {
        let mut extent = 0;
        // SAFETY: the program passes the address of its result.
        unsafe { get_extent(datatype, displacement, &mut extent) }
    }

    /// Now the sum of what `MPI_Type_get_extent` gives.
    fn MPI_Type_ub(datatype: MPI_Datatype, displacement: *mut MPI_Aint) {
        // SAFETY: the program passes the address of its result.
        unsafe { store(displacement, Count::put(lookup(datatype)?.ub() as MPI_Count)) }
    }
}
