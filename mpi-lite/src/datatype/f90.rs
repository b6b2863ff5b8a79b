//! Fortran types by precision and range (MPI 5.0, section 19.1.9), as gfortran's `selected_*_kind` choose them.

use core::ffi::c_int;
use std::cell::RefCell;

use super::{Datatype, Recipe, insert, predefined};
use crate::abi::*;
use crate::error::{Result, err};
use crate::per_rank::per_rank;

/// Made types: combiner, precision, range and handle. The standard wants the same handle for the same arguments.
type Made = Vec<(c_int, c_int, c_int, MPI_Datatype)>;

per_rank! { static MADE: RefCell<Made> = const { RefCell::new(Vec::new()) }; }

fn cached(
    combiner: c_int,
    p: c_int,
    r: c_int,
    arguments: &[c_int],
    like: MPI_Datatype,
) -> Result<MPI_Datatype> {
    let known =
        |m: &RefCell<Made>| m.borrow().iter().find(|e| (e.0, e.1, e.2) == (combiner, p, r)).map(|e| e.3);
    if let Some(handle) = MADE.with(known) {
        return Ok(handle);
    }
    let recipe = Recipe::new(combiner, false).ints(arguments);
    let handle = insert(Datatype::permanent(&predefined(like), recipe))?;
    MADE.with(|m| m.borrow_mut().push((combiner, p, r, handle)));
    Ok(handle)
}

/// Real and complex types with decimal precision `p` and exponent range `r`, smallest first.
const REALS: [(c_int, c_int, MPI_Datatype, MPI_Datatype); 4] = [
    (6, 37, MPI_REAL4, MPI_COMPLEX8),
    (15, 307, MPI_REAL8, MPI_COMPLEX16),
    (18, 4931, MPI_LONG_DOUBLE, MPI_C_LONG_DOUBLE_COMPLEX),
    (33, 4931, MPI_REAL16, MPI_COMPLEX32),
];

fn select(p: c_int, r: c_int) -> Result<(MPI_Datatype, MPI_Datatype)> {
    if p == MPI_UNDEFINED && r == MPI_UNDEFINED {
        return err(MPI_ERR_ARG, "precision and range are both MPI_UNDEFINED");
    }
    let enough = |have: c_int, wanted: c_int| wanted == MPI_UNDEFINED || wanted <= have;
    match REALS.iter().find(|t| enough(t.0, p) && enough(t.1, r)) {
        Some(t) => Ok((t.2, t.3)),
        None => err(MPI_ERR_ARG, format!("no real type has {p} decimal digits and a range of {r}")),
    }
}

/// `MPI_Type_create_f90_real`.
pub fn real(p: c_int, r: c_int) -> Result<MPI_Datatype> {
    cached(MPI_COMBINER_F90_REAL, p, r, &[p, r], select(p, r)?.0)
}

/// `MPI_Type_create_f90_complex`.
pub fn complex(p: c_int, r: c_int) -> Result<MPI_Datatype> {
    cached(MPI_COMBINER_F90_COMPLEX, p, r, &[p, r], select(p, r)?.1)
}

/// `MPI_Type_create_f90_integer`.
pub fn integer(r: c_int) -> Result<MPI_Datatype> {
    let like = match r {
        ..=2 => MPI_INTEGER1,
        3..=4 => MPI_INTEGER2,
        5..=9 => MPI_INTEGER4,
        10..=18 => MPI_INTEGER8,
        19..=38 => MPI_INTEGER16,
        _ => return err(MPI_ERR_ARG, format!("no integer type has a range of {r}")),
    };
    cached(MPI_COMBINER_F90_INTEGER, 0, r, &[r], like)
}

/// `MPI_Type_match_size`: the Fortran type of a class with so many bytes.
pub fn match_size(class: c_int, size: c_int) -> Result<MPI_Datatype> {
    let found = match (class, size) {
        (MPI_TYPECLASS_INTEGER, 1) => MPI_INTEGER1,
        (MPI_TYPECLASS_INTEGER, 2) => MPI_INTEGER2,
        (MPI_TYPECLASS_INTEGER, 4) => MPI_INTEGER4,
        (MPI_TYPECLASS_INTEGER, 8) => MPI_INTEGER8,
        (MPI_TYPECLASS_INTEGER, 16) => MPI_INTEGER16,
        (MPI_TYPECLASS_REAL, 2) => MPI_REAL2,
        (MPI_TYPECLASS_REAL, 4) => MPI_REAL4,
        (MPI_TYPECLASS_REAL, 8) => MPI_REAL8,
        (MPI_TYPECLASS_REAL, 16) => MPI_REAL16,
        (MPI_TYPECLASS_COMPLEX, 4) => MPI_COMPLEX4,
        (MPI_TYPECLASS_COMPLEX, 8) => MPI_COMPLEX8,
        (MPI_TYPECLASS_COMPLEX, 16) => MPI_COMPLEX16,
        (MPI_TYPECLASS_COMPLEX, 32) => MPI_COMPLEX32,
        (MPI_TYPECLASS_INTEGER | MPI_TYPECLASS_REAL | MPI_TYPECLASS_COMPLEX, _) => {
            return err(MPI_ERR_ARG, format!("no Fortran type of this class has {size} bytes"));
        }
        _ => return err(MPI_ERR_ARG, format!("{class} is no type class")),
    };
    Ok(found)
}
