//! Type constructors.
//!
//! `MPI_Aint` stands for `MPI_Count` in large variants where only the size matters: both have 64 bits.

use core::ffi::c_int;

use super::{Count, list, made, natural, naturals, recipe};
use crate::abi::*;
use crate::datatype::arrays::{self, Dimension};
use crate::datatype::body::{Block, Body};
use crate::datatype::{Datatype, lookup};
use crate::error::{Result, err};
use crate::mpi_fn;

/// Displacements given in extents of a type, in bytes.
fn in_bytes(displacements: &[MPI_Count], old: &Datatype) -> Result<Vec<i64>> {
    displacements.iter().map(|d| old.body().extents(*d)).collect()
}

mpi_fn! {
    /// `count` elements after each other.
    large fn MPI_Type_contiguous, MPI_Type_contiguous_c(
        count: Count, oldtype: MPI_Datatype, newtype: *mut MPI_Datatype,
    ) {
        let old = lookup(oldtype)?;
        let body = old.body().contiguous(natural("count", count)?)?;
        let recipe = recipe(MPI_COMBINER_CONTIGUOUS, count).counts(&[count.get()]).types(&[old]);
        // SAFETY: the program passes the address of its result.
        unsafe { made(newtype, body, recipe) }
    }

    /// Equal blocks, `stride` elements apart.
    large fn MPI_Type_vector, MPI_Type_vector_c(
        count: Count, blocklength: Count, stride: Count, oldtype: MPI_Datatype, newtype: *mut MPI_Datatype,
    ) {
        let old = lookup(oldtype)?;
        let (n, len) = (natural("count", count)?, natural("blocklength", blocklength)?);
        let body = old.body().hvector(n, len, old.body().extents(stride.get())?)?;
        let arguments = [count.get(), blocklength.get(), stride.get()];
        let recipe = recipe(MPI_COMBINER_VECTOR, count).counts(&arguments).types(&[old]);
        // SAFETY: the program passes the address of its result.
        unsafe { made(newtype, body, recipe) }
    }

    /// Equal blocks, `stride` bytes apart.
    large fn MPI_Type_create_hvector, MPI_Type_create_hvector_c(
        count: Count, blocklength: Count, stride: MPI_Aint, oldtype: MPI_Datatype, newtype: *mut MPI_Datatype,
    ) {
        let old = lookup(oldtype)?;
        let (n, len) = (natural("count", count)?, natural("blocklength", blocklength)?);
        let body = old.body().hvector(n, len, stride.get())?;
        let recipe = recipe(MPI_COMBINER_HVECTOR, count).counts(&[count.get(), blocklength.get()]);
        // SAFETY: the program passes the address of its result.
        unsafe { made(newtype, body, recipe.addresses(&[stride.get()]).types(&[old])) }
    }

    /// Blocks at displacements in elements.
    large fn MPI_Type_indexed, MPI_Type_indexed_c(
        count: Count, blocklengths: *const Count, displacements: *const Count, oldtype: MPI_Datatype,
        newtype: *mut MPI_Datatype,
    ) {
        let old = lookup(oldtype)?;
        let n = natural("count", count)?;
        // SAFETY: the program passes arrays of `count` integers.
        let (lens, at) = unsafe { (list("blocklengths", blocklengths, n)?, list("displacements", displacements, n)?) };
        let body = old.body().hindexed(&naturals("blocklengths", &lens)?, &in_bytes(&at, &old)?)?;
        let recipe = recipe(MPI_COMBINER_INDEXED, count).counts(&[count.get()]).counts(&lens).counts(&at).types(&[old]);
        // SAFETY: the program passes the address of its result.
        unsafe { made(newtype, body, recipe) }
    }

    /// Blocks at displacements in bytes.
    large fn MPI_Type_create_hindexed, MPI_Type_create_hindexed_c(
        count: Count, blocklengths: *const Count, displacements: *const MPI_Aint, oldtype: MPI_Datatype,
        newtype: *mut MPI_Datatype,
    ) {
        let old = lookup(oldtype)?;
        let n = natural("count", count)?;
        // SAFETY: the program passes arrays of `count` integers.
        let (lens, at) = unsafe { (list("blocklengths", blocklengths, n)?, list("displacements", displacements, n)?) };
        let body = old.body().hindexed(&naturals("blocklengths", &lens)?, &at)?;
        let recipe = recipe(MPI_COMBINER_HINDEXED, count).counts(&[count.get()]).counts(&lens).addresses(&at);
        // SAFETY: the program passes the address of its result.
        unsafe { made(newtype, body, recipe.types(&[old])) }
    }

    /// Equal blocks at displacements in elements.
    large fn MPI_Type_create_indexed_block, MPI_Type_create_indexed_block_c(
        count: Count, blocklength: Count, displacements: *const Count, oldtype: MPI_Datatype,
        newtype: *mut MPI_Datatype,
    ) {
        let old = lookup(oldtype)?;
        let (n, len) = (natural("count", count)?, natural("blocklength", blocklength)?);
        // SAFETY: the program passes an array of `count` integers.
        let at = unsafe { list("displacements", displacements, n)? };
        let body = old.body().hindexed(&vec![len; at.len()], &in_bytes(&at, &old)?)?;
        let recipe = recipe(MPI_COMBINER_INDEXED_BLOCK, count).counts(&[count.get(), blocklength.get()]).counts(&at);
        // SAFETY: the program passes the address of its result.
        unsafe { made(newtype, body, recipe.types(&[old])) }
    }

    /// Equal blocks at displacements in bytes.
    large fn MPI_Type_create_hindexed_block, MPI_Type_create_hindexed_block_c(
        count: Count, blocklength: Count, displacements: *const MPI_Aint, oldtype: MPI_Datatype,
        newtype: *mut MPI_Datatype,
    ) {
        let old = lookup(oldtype)?;
        let (n, len) = (natural("count", count)?, natural("blocklength", blocklength)?);
        // SAFETY: the program passes an array of `count` integers.
        let at = unsafe { list("displacements", displacements, n)? };
        let body = old.body().hindexed(&vec![len; at.len()], &at)?;
        let recipe = recipe(MPI_COMBINER_HINDEXED_BLOCK, count).counts(&[count.get(), blocklength.get()]);
        // SAFETY: the program passes the address of its result.
        unsafe { made(newtype, body, recipe.addresses(&at).types(&[old])) }
    }

    /// Blocks of different types at displacements in bytes.
    large fn MPI_Type_create_struct, MPI_Type_create_struct_c(
        count: Count, blocklengths: *const Count, displacements: *const MPI_Aint, types: *const MPI_Datatype,
        newtype: *mut MPI_Datatype,
    ) {
        let n = natural("count", count)?;
        if n > 0 && types.is_null() {
            return err(MPI_ERR_ARG, "types is NULL");
        }
        // SAFETY: the program passes arrays of `count` elements.
        let (lens, at) = unsafe { (list("blocklengths", blocklengths, n)?, list("displacements", displacements, n)?) };
        // SAFETY: as above; `i` is less than `count`.
        let olds = (0..n as usize).map(|i| lookup(unsafe { types.add(i).read() })).collect::<Result<Vec<_>>>()?;
        let numbers = naturals("blocklengths", &lens)?;
        let blocks = numbers.iter().zip(&at).zip(&olds);
        let body = Body::structure(blocks.map(|((&len, &displacement), old)| Block { displacement, len, old: old.body() }))?;
        let recipe = recipe(MPI_COMBINER_STRUCT, count).counts(&[count.get()]).counts(&lens).addresses(&at);
        // SAFETY: the program passes the address of its result.
        unsafe { made(newtype, body, recipe.types(&olds)) }
    }

    /// The same type with other bounds.
    fn MPI_Type_create_resized(oldtype: MPI_Datatype, lb: MPI_Aint, extent: MPI_Aint, newtype: *mut MPI_Datatype) {
        // SAFETY: the program passes the address of its result.
        unsafe { resized(false, oldtype, lb.get(), extent.get(), newtype) }
    }

    /// The same type with other bounds.
    fn MPI_Type_create_resized_c(oldtype: MPI_Datatype, lb: MPI_Count, extent: MPI_Count, newtype: *mut MPI_Datatype) {
        // SAFETY: the program passes the address of its result.
        unsafe { resized(true, oldtype, lb, extent, newtype) }
    }

    /// A part of an array of `ndims` dimensions.
    large fn MPI_Type_create_subarray, MPI_Type_create_subarray_c(
        ndims: c_int, sizes: *const Count, subsizes: *const Count, starts: *const Count, order: c_int,
        oldtype: MPI_Datatype, newtype: *mut MPI_Datatype,
    ) {
        let old = lookup(oldtype)?;
        let n = natural("ndims", ndims)?;
        let recipe = of_variant(MPI_COMBINER_SUBARRAY, sizes);
        // SAFETY: the program passes arrays of `ndims` integers.
        let [sizes, subsizes, starts] = unsafe {
            [list("sizes", sizes, n)?, list("subsizes", subsizes, n)?, list("starts", starts, n)?]
        };
        let body = arrays::subarray(&sizes, &subsizes, &starts, order, old.body())?;
        let recipe = recipe.ints(&[ndims]).counts(&sizes).counts(&subsizes).counts(&starts).ints(&[order]);
        // SAFETY: the program passes the address of its result.
        unsafe { made(newtype, body, recipe.types(&[old])) }
    }

    /// What one process has of a distributed array.
    large fn MPI_Type_create_darray, MPI_Type_create_darray_c(
        size: c_int, rank: c_int, ndims: c_int, gsizes: *const Count, distribs: *const c_int, dargs: *const c_int,
        psizes: *const c_int, order: c_int, oldtype: MPI_Datatype, newtype: *mut MPI_Datatype,
    ) {
        let old = lookup(oldtype)?;
        let n = natural("ndims", ndims)?;
        let recipe = of_variant(MPI_COMBINER_DARRAY, gsizes);
        // SAFETY: the program passes arrays of `ndims` integers.
        let [gsizes, distribs, dargs, psizes] = unsafe {
            [list("gsizes", gsizes, n)?, list("distribs", distribs, n)?, list("dargs", dargs, n)?, list("psizes", psizes, n)?]
        };
        let ints = |values: &[MPI_Count]| values.iter().map(|v| *v as c_int).collect::<Vec<_>>();
        let [distribs, dargs, psizes] = [ints(&distribs), ints(&dargs), ints(&psizes)];
        let dimension = |d: usize| Dimension {
            size: gsizes[d], distribution: distribs[d], argument: dargs[d], processes: psizes[d],
        };
        let dimensions: Vec<_> = (0..gsizes.len()).map(dimension).collect();
        let body = arrays::darray(size, rank, &dimensions, order, old.body())?;
        let recipe = recipe.ints(&[size, rank, ndims]).counts(&gsizes).ints(&distribs).ints(&dargs);
        // SAFETY: the program passes the address of its result.
        unsafe { made(newtype, body, recipe.ints(&psizes).ints(&[order]).types(&[old])) }
    }
}

/// The recipe of a constructor whose variant an array tells.
fn of_variant<T: Count>(combiner: c_int, _array: *const T) -> crate::datatype::Recipe {
    crate::datatype::Recipe::new(combiner, T::LARGE)
}

/// # Safety
/// `newtype` is null or valid for writing.
unsafe fn resized(
    large: bool,
    oldtype: MPI_Datatype,
    lb: MPI_Count,
    extent: MPI_Count,
    newtype: *mut MPI_Datatype,
) -> Result<()> {
    let old = lookup(oldtype)?;
    let body = old.body().resized(lb, extent)?;
    let recipe =
        crate::datatype::Recipe::new(MPI_COMBINER_RESIZED, large).addresses(&[lb, extent]).types(&[old]);
    // SAFETY: promised by the caller.
    unsafe { made(newtype, body, recipe) }
}
