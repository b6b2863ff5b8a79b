//! Categories of variables.

use super::{call, name, put, put_text};
use crate::abi::*;
use crate::mpi_fn;
use crate::tool::{Result, categories};
use std::ffi::{c_char, c_int};

/// Gives as many indices as there is room for.
///
/// # Safety
/// `at` has room for `len`.
unsafe fn put_indices(indices: &[c_int], len: c_int, at: *mut c_int) -> Result<()> {
    let n = usize::try_from(len).map_err(|_| MPI_T_ERR_INVALID)?.min(indices.len());
    if n > 0 && at.is_null() {
        return Err(MPI_T_ERR_INVALID);
    }
    if n > 0 {
        // SAFETY: the caller's promise.
        unsafe { at.copy_from_nonoverlapping(indices.as_ptr(), n) };
    }
    Ok(())
}

mpi_fn! {
    /// How many there are.
    raw fn MPI_T_category_get_num(num_cat: *mut c_int) -> c_int {
        call(|| {
            // SAFETY: the tool's result place.
            unsafe { put(num_cat, categories::ALL.len() as c_int) };
            Ok(())
        })
    }

    /// What a category is.
    raw fn MPI_T_category_get_info(
        cat_index: c_int, name: *mut c_char, name_len: *mut c_int, desc: *mut c_char, desc_len: *mut c_int,
        num_cvars: *mut c_int, num_pvars: *mut c_int, num_categories: *mut c_int
    ) -> c_int {
        call(|| {
            let category = categories::get(cat_index)?;
            // SAFETY: the tool's result places.
            unsafe {
                put_text(category.name(), name, name_len);
                put_text(category.description(), desc, desc_len);
                put(num_cvars, category.cvars().len() as c_int);
                put(num_pvars, category.pvars().len() as c_int);
                put(num_categories, 0);
            }
            Ok(())
        })
    }

    /// The index of a name.
    raw fn MPI_T_category_get_index(cat_name: *const c_char, cat_index: *mut c_int) -> c_int {
        call(|| {
            // SAFETY: the tool's string and result place.
            unsafe { put(cat_index, categories::index(name(cat_name)?)? as c_int) };
            Ok(())
        })
    }

    /// How many kinds of events are in a category: none.
    raw fn MPI_T_category_get_num_events(cat_index: c_int, num_events: *mut c_int) -> c_int {
        call(|| {
            categories::get(cat_index)?;
            // SAFETY: the tool's result place.
            unsafe { put(num_events, 0) };
            Ok(())
        })
    }

    /// The control variables of a category.
    raw fn MPI_T_category_get_cvars(cat_index: c_int, len: c_int, indices: *mut c_int) -> c_int {
        // SAFETY: the tool's array.
        call(|| unsafe { put_indices(&categories::get(cat_index)?.cvars(), len, indices) })
    }

    /// The performance variables of a category.
    raw fn MPI_T_category_get_pvars(cat_index: c_int, len: c_int, indices: *mut c_int) -> c_int {
        // SAFETY: the tool's array.
        call(|| unsafe { put_indices(&categories::get(cat_index)?.pvars(), len, indices) })
    }

    /// The kinds of events in a category: none.
    raw fn MPI_T_category_get_events(cat_index: c_int, _len: c_int, _indices: *mut c_int) -> c_int {
        call(|| categories::get(cat_index).map(|_| ()))
    }

    /// The categories in a category: none.
    raw fn MPI_T_category_get_categories(cat_index: c_int, _len: c_int, _indices: *mut c_int) -> c_int {
        call(|| categories::get(cat_index).map(|_| ()))
    }

    /// A number that tells whether categories have changed: they never do.
    raw fn MPI_T_category_changed(update_number: *mut c_int) -> c_int {
        call(|| {
            // SAFETY: the tool's result place.
            unsafe { put(update_number, 0) };
            Ok(())
        })
    }
}
