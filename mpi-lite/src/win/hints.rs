//! What a window tells about itself: predefined attributes and hints (MPI 5.0, sections 12.2.6 and 12.2.7).

use super::Window;
use crate::abi::{
    MPI_Aint, MPI_UNDEFINED, MPI_WIN_BASE, MPI_WIN_CREATE_FLAVOR, MPI_WIN_DISP_UNIT, MPI_WIN_MODEL,
    MPI_WIN_SIZE, MPI_WIN_UNIFIED,
};
use crate::error::Result;
use crate::info::Info;
use std::ffi::{c_int, c_void};

/// Hints that a window knows, and what holds without them.
const HINTS: [(&str, &str); 6] = [
    ("no_locks", "false"),
    ("accumulate_ordering", "rar,raw,war,waw"),
    ("accumulate_ops", "same_op_no_op"),
    ("same_size", "false"),
    ("same_disp_unit", "false"),
    ("alloc_shared_noncontig", "false"),
];

/// Numbers behind predefined attributes: C gets their addresses.
pub struct Numbers {
    size: MPI_Aint,
    unit: i64,
    /// For C, which has an int for it: `MPI_UNDEFINED` if that is too small.
    small_unit: c_int,
    flavor: c_int,
    model: c_int,
}

impl Numbers {
    /// Those of a window.
    pub fn new(size: MPI_Aint, unit: i64, flavor: c_int) -> Self {
        let small_unit = c_int::try_from(unit).unwrap_or(MPI_UNDEFINED);
        // Loads and stores of the rank and accesses of others meet in the same memory, in every form.
        Self { size, unit, small_unit, flavor, model: MPI_WIN_UNIFIED }
    }
}

/// Whether `key` is one of the standard's.
pub fn is_predefined(key: c_int) -> bool {
    matches!(key, MPI_WIN_BASE | MPI_WIN_SIZE | MPI_WIN_DISP_UNIT | MPI_WIN_CREATE_FLAVOR | MPI_WIN_MODEL)
}

impl Window {
    /// The predefined attribute `key` for C: the base, or the address of the number.
    pub fn number_at(&self, key: c_int) -> Option<*mut c_void> {
        let numbers = &self.numbers;
        let at = |number: *const c_int| number.cast_mut().cast::<c_void>();
        Some(match key {
            MPI_WIN_BASE => self.base.cast(),
            MPI_WIN_SIZE => (&raw const numbers.size).cast_mut().cast(),
            MPI_WIN_DISP_UNIT => at(&raw const numbers.small_unit),
            MPI_WIN_CREATE_FLAVOR => at(&raw const numbers.flavor),
            MPI_WIN_MODEL => at(&raw const numbers.model),
            _ => return None,
        })
    }

    /// The predefined attribute `key` for Fortran: the number itself.
    pub fn number(&self, key: c_int) -> Option<MPI_Aint> {
        let numbers = &self.numbers;
        Some(match key {
            MPI_WIN_BASE => self.base as MPI_Aint,
            MPI_WIN_SIZE => numbers.size,
            MPI_WIN_DISP_UNIT => numbers.unit as MPI_Aint,
            MPI_WIN_CREATE_FLAVOR => numbers.flavor as MPI_Aint,
            MPI_WIN_MODEL => numbers.model as MPI_Aint,
            _ => return None,
        })
    }
}

/// The hints of a new window: those of `info` that it knows, and for the rest what holds.
pub fn hints(info: &Info) -> Result<Info> {
    let mut hints = Info::default();
    for (key, value) in HINTS {
        hints.set(key, value)?;
    }
    change(&mut hints, info)?;
    Ok(hints)
}

/// Takes over from `info` what a window knows.
pub fn change(hints: &mut Info, info: &Info) -> Result<()> {
    for (key, _) in HINTS {
        if let Some(value) = info.value(key)? {
            hints.set(key, value)?;
        }
    }
    Ok(())
}
