//! Life and inquiry of datatypes, addresses, handle conversion.

use core::ffi::{c_int, c_void};

use super::{Count, store};
use crate::abi::*;
use crate::datatype::{self, f90, labels, lookup};
use crate::error::{Result, err};
use crate::{handle, init, mpi_fn};

mpi_fn! {
    /// Allows a type in communication.
    fn MPI_Type_commit(datatype: *mut MPI_Datatype) {
        init::require_running()?;
        // SAFETY: the program passes the address of its handle.
        lookup(unsafe { read(datatype)? })?.commit();
        Ok(())
    }

    /// Frees a handle; the type lives while communication or other types need it.
    fn MPI_Type_free(datatype: *mut MPI_Datatype) {
        // SAFETY: the program passes the address of its handle.
        let handle = unsafe { read(datatype)? };
        if lookup(handle)?.is_permanent() {
            return err(MPI_ERR_TYPE, "a predefined datatype cannot be freed");
        }
        labels::remove(handle)?;
        datatype::free(handle)?;
        // SAFETY: as above.
        unsafe { store(datatype, MPI_DATATYPE_NULL) }
    }

    /// A duplicate, with the attributes that their copy functions let through.
    fn MPI_Type_dup(oldtype: MPI_Datatype, newtype: *mut MPI_Datatype) {
        init::require_running()?;
        let new = datatype::insert(lookup(oldtype)?.duplicate())?;
        if let Err(error) = labels::duplicate(oldtype, new) {
            datatype::free(new)?;
            // SAFETY: the program passes the address of its result.
            unsafe { store(newtype, MPI_DATATYPE_NULL)? };
            return Err(error);
        }
        // SAFETY: the program passes the address of its result.
        unsafe { store(newtype, new) }
    }

    /// Bytes of data.
    large fn MPI_Type_size, MPI_Type_size_c(datatype: MPI_Datatype, size: *mut Count) {
        // SAFETY: the program passes the address of its result.
        unsafe { store(size, Count::put(lookup(datatype)?.size() as MPI_Count)) }
    }

    /// Bytes of data.
    fn MPI_Type_size_x(datatype: MPI_Datatype, size: *mut MPI_Count) {
        // SAFETY: the program passes the address of its result.
        unsafe { store(size, lookup(datatype)?.size() as MPI_Count) }
    }

    /// Lower bound and extent.
    fn MPI_Type_get_extent(datatype: MPI_Datatype, lb: *mut MPI_Aint, extent: *mut MPI_Aint) {
        // SAFETY: the program passes the addresses of its results.
        unsafe { get_extent(datatype, lb, extent) }
    }

    /// Lower bound and extent.
    fn MPI_Type_get_extent_c(datatype: MPI_Datatype, lb: *mut MPI_Count, extent: *mut MPI_Count) {
        // SAFETY: the program passes the addresses of its results.
        unsafe { get_extent(datatype, lb, extent) }
    }

    /// Lower bound and extent.
    fn MPI_Type_get_extent_x(datatype: MPI_Datatype, lb: *mut MPI_Count, extent: *mut MPI_Count) {
        // SAFETY: the program passes the addresses of its results.
        unsafe { get_extent(datatype, lb, extent) }
    }

    /// Lower bound and extent of the data.
    fn MPI_Type_get_true_extent(datatype: MPI_Datatype, true_lb: *mut MPI_Aint, true_extent: *mut MPI_Aint) {
        // SAFETY: the program passes the addresses of its results.
        unsafe { get_true_extent(datatype, true_lb, true_extent) }
    }

    /// Lower bound and extent of the data.
    fn MPI_Type_get_true_extent_c(datatype: MPI_Datatype, true_lb: *mut MPI_Count, true_extent: *mut MPI_Count) {
        // SAFETY: the program passes the addresses of its results.
        unsafe { get_true_extent(datatype, true_lb, true_extent) }
    }

    /// Lower bound and extent of the data.
    fn MPI_Type_get_true_extent_x(datatype: MPI_Datatype, true_lb: *mut MPI_Count, true_extent: *mut MPI_Count) {
        // SAFETY: the program passes the addresses of its results.
        unsafe { get_true_extent(datatype, true_lb, true_extent) }
    }

    /// How many arguments of which kind the constructor had.
    fn MPI_Type_get_envelope(
        datatype: MPI_Datatype, num_integers: *mut c_int, num_addresses: *mut c_int, num_datatypes: *mut c_int,
        combiner: *mut c_int,
    ) {
        let dt = lookup(datatype)?;
        let recipe = dt.recipe();
        if recipe.large {
            return err(MPI_ERR_TYPE, "the type was made with large counts: use MPI_Type_get_envelope_c");
        }
        // SAFETY: the program passes the addresses of its results.
        unsafe {
            store(num_integers, recipe.ints.len() as c_int)?;
            store(num_addresses, recipe.addresses.len() as c_int)?;
            store(num_datatypes, recipe.types.len() as c_int)?;
            store(combiner, recipe.combiner)
        }
    }

    /// How many arguments of which kind the constructor had.
    fn MPI_Type_get_envelope_c(
        datatype: MPI_Datatype, num_integers: *mut MPI_Count, num_addresses: *mut MPI_Count,
        num_large_counts: *mut MPI_Count, num_datatypes: *mut MPI_Count, combiner: *mut c_int,
    ) {
        let dt = lookup(datatype)?;
        let recipe = dt.recipe();
        // SAFETY: the program passes the addresses of its results.
        unsafe {
            store(num_integers, recipe.ints.len() as MPI_Count)?;
            store(num_addresses, recipe.addresses.len() as MPI_Count)?;
            store(num_large_counts, recipe.counts.len() as MPI_Count)?;
            store(num_datatypes, recipe.types.len() as MPI_Count)?;
            store(combiner, recipe.combiner)
        }
    }

    /// The constructor's arguments. Types among them get handles of their own, for the program to free.
    fn MPI_Type_get_contents(
        datatype: MPI_Datatype, max_integers: c_int, max_addresses: c_int, max_datatypes: c_int,
        integers: *mut c_int, addresses: *mut MPI_Aint, datatypes: *mut MPI_Datatype,
    ) {
        if lookup(datatype)?.recipe().large {
            return err(MPI_ERR_TYPE, "the type was made with large counts: use MPI_Type_get_contents_c");
        }
        let room = [max_integers, max_addresses, 0, max_datatypes].map(i64::from);
        // SAFETY: the program passes arrays as long as it says.
        unsafe { get_contents(datatype, room, integers, addresses, std::ptr::null_mut(), datatypes) }
    }

    /// The constructor's arguments. Types among them get handles of their own, for the program to free.
    fn MPI_Type_get_contents_c(
        datatype: MPI_Datatype, max_integers: MPI_Count, max_addresses: MPI_Count, max_large_counts: MPI_Count,
        max_datatypes: MPI_Count, integers: *mut c_int, addresses: *mut MPI_Aint, large_counts: *mut MPI_Count,
        datatypes: *mut MPI_Datatype,
    ) {
        let room = [max_integers, max_addresses, max_large_counts, max_datatypes];
        // SAFETY: the program passes arrays as long as it says.
        unsafe { get_contents(datatype, room, integers, addresses, large_counts, datatypes) }
    }

    /// The Fortran real type for so many digits and such a range.
    fn MPI_Type_create_f90_real(p: c_int, r: c_int, newtype: *mut MPI_Datatype) {
        // SAFETY: the program passes the address of its result.
        unsafe { store(newtype, f90::real(p, r)?) }
    }

    /// The Fortran complex type for so many digits and such a range.
    fn MPI_Type_create_f90_complex(p: c_int, r: c_int, newtype: *mut MPI_Datatype) {
        // SAFETY: the program passes the address of its result.
        unsafe { store(newtype, f90::complex(p, r)?) }
    }

    /// The Fortran integer type for so many digits.
    fn MPI_Type_create_f90_integer(r: c_int, newtype: *mut MPI_Datatype) {
        // SAFETY: the program passes the address of its result.
        unsafe { store(newtype, f90::integer(r)?) }
    }

    /// The Fortran type of a class with so many bytes.
    fn MPI_Type_match_size(typeclass: c_int, size: c_int, datatype: *mut MPI_Datatype) {
        // SAFETY: the program passes the address of its result.
        unsafe { store(datatype, f90::match_size(typeclass, size)?) }
    }

    /// The pair type for MINLOC and MAXLOC; `MPI_DATATYPE_NULL` if there is none.
    fn MPI_Type_get_value_index(value_type: MPI_Datatype, index_type: MPI_Datatype, pair_type: *mut MPI_Datatype) {
        lookup(value_type)?;
        lookup(index_type)?;
        let pair = datatype::predefined::value_index(value_type, index_type);
        // SAFETY: the program passes the address of its result.
        unsafe { store(pair_type, pair.unwrap_or(MPI_DATATYPE_NULL)) }
    }

    /// An address as an integer.
    fn MPI_Get_address(location: *const c_void, address: *mut MPI_Aint) {
        // SAFETY: the program passes the address of its result.
        unsafe { store(address, location as MPI_Aint) }
    }

    /// Sum of an address and a displacement.
    raw fn MPI_Aint_add(base: MPI_Aint, disp: MPI_Aint) -> MPI_Aint {
        base.wrapping_add(disp)
    }

    /// Difference of addresses.
    raw fn MPI_Aint_diff(addr1: MPI_Aint, addr2: MPI_Aint) -> MPI_Aint {
        addr1.wrapping_sub(addr2)
    }

    /// The Fortran number of a handle.
    raw fn MPI_Type_toint(datatype: MPI_Datatype) -> c_int {
        handle::to_int(datatype.0)
    }

    /// The handle of a Fortran number.
    raw fn MPI_Type_fromint(datatype: c_int) -> MPI_Datatype {
        MPI_Datatype(handle::from_int(datatype))
    }

    /// The Fortran number of a handle.
    raw fn MPI_Type_c2f(datatype: MPI_Datatype) -> MPI_Fint {
        handle::to_int(datatype.0)
    }

    /// The handle of a Fortran number.
    raw fn MPI_Type_f2c(datatype: MPI_Fint) -> MPI_Datatype {
        MPI_Datatype(handle::from_int(datatype))
    }
}

/// The handle at `at`.
///
/// # Safety
/// `at` is null or valid.
unsafe fn read(at: *mut MPI_Datatype) -> Result<MPI_Datatype> {
    if at.is_null() {
        return err(MPI_ERR_ARG, "the address of the datatype is NULL");
    }
    // SAFETY: promised by the caller.
    Ok(unsafe { at.read() })
}

/// # Safety
/// Both addresses are null or valid for writing.
pub(super) unsafe fn get_extent<T: Count>(datatype: MPI_Datatype, lb: *mut T, extent: *mut T) -> Result<()> {
    let dt = lookup(datatype)?;
    // SAFETY: promised by the caller.
    unsafe {
        store(lb, T::put(dt.lb() as MPI_Count))?;
        store(extent, T::put(dt.extent() as MPI_Count))
    }
}

/// # Safety
/// Both addresses are null or valid for writing.
unsafe fn get_true_extent<T: Count>(datatype: MPI_Datatype, lb: *mut T, extent: *mut T) -> Result<()> {
    let dt = lookup(datatype)?;
    // SAFETY: promised by the caller.
    unsafe {
        store(lb, T::put(dt.true_lb() as MPI_Count))?;
        store(extent, T::put(dt.true_extent() as MPI_Count))
    }
}

/// Room for integers, addresses, counts and types; then the arrays.
///
/// # Safety
/// The arrays are as long as `room` says.
unsafe fn get_contents(
    datatype: MPI_Datatype,
    room: [MPI_Count; 4],
    integers: *mut c_int,
    addresses: *mut MPI_Aint,
    counts: *mut MPI_Count,
    types: *mut MPI_Datatype,
) -> Result<()> {
    let dt = lookup(datatype)?;
    let recipe = dt.recipe();
    if recipe.combiner == MPI_COMBINER_NAMED {
        return err(MPI_ERR_TYPE, "a predefined datatype has no contents");
    }
    let needed = [recipe.ints.len(), recipe.addresses.len(), recipe.counts.len(), recipe.types.len()];
    if needed.iter().zip(room).any(|(n, room)| *n as MPI_Count > room) {
        let text = format!(
            "the contents are {needed:?} integers, addresses, counts and types; there is room for {room:?}"
        );
        return err(MPI_ERR_ARG, text);
    }
    // SAFETY: the lengths have been checked against what the caller promised.
    unsafe {
        integers.copy_from_nonoverlapping(recipe.ints.as_ptr(), needed[0]);
        addresses.copy_from_nonoverlapping(recipe.addresses.as_ptr(), needed[1]);
        counts.copy_from_nonoverlapping(recipe.counts.as_ptr(), needed[2]);
    }
    for (i, old) in recipe.types.iter().enumerate() {
        // SAFETY: as above.
        unsafe { types.add(i).write(datatype::insert(old.clone())?) };
    }
    Ok(())
}
