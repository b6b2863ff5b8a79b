//! Enumerations: a control variable that is a choice has one, of the same number.

use super::cvars::{self, Knob};
use super::{Result, at};
use crate::abi::{MPI_T_ERR_INVALID_HANDLE, MPI_T_ERR_INVALID_INDEX};
use std::ffi::c_int;

/// The handle of the enumeration of a control variable; null if it has none.
pub fn of(cvar: usize) -> usize {
    match cvars::all().get(cvar).map(Knob::choices) {
        Some(choices) if !choices.is_empty() => cvar + 1,
        _ => 0,
    }
}

/// The name of an enumeration, and its items in the order of their values, which count from 0.
pub fn get(handle: usize) -> Result<(String, Vec<&'static str>)> {
    let number = handle.checked_sub(1).ok_or(MPI_T_ERR_INVALID_HANDLE)?;
    let all = cvars::all();
    let knob = all.get(number).filter(|knob| !knob.choices().is_empty()).ok_or(MPI_T_ERR_INVALID_HANDLE)?;
    Ok((format!("choices of {}", knob.name()), knob.choices()))
}

/// The name of an item.
pub fn item(handle: usize, index: c_int) -> Result<&'static str> {
    let (_, items) = get(handle)?;
    at(&items, index).copied().map_err(|_| MPI_T_ERR_INVALID_INDEX)
}
