//! How a type was made: what `MPI_Type_get_envelope` and `MPI_Type_get_contents` tell (MPI 5.0, section 5.1.13).

use core::ffi::c_int;

use super::Datatype;
use crate::abi::{MPI_Aint, MPI_COMBINER_NAMED, MPI_Count};

/// The constructor's arguments, by kind, in the order in which it takes them.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// `MPI_COMBINER_*`.
    pub combiner: c_int,
    /// Made by a large-count (`_c`) constructor: counts and displacements are in `counts`.
    pub large: bool,
    /// `int` arguments.
    pub ints: Vec<c_int>,
    /// `MPI_Aint` arguments.
    pub addresses: Vec<MPI_Aint>,
    /// `MPI_Count` arguments.
    pub counts: Vec<MPI_Count>,
    /// Types it was made from.
    pub types: Vec<Datatype>,
}

impl Recipe {
    /// A predefined type.
    pub const NAMED: Self = Self {
        combiner: MPI_COMBINER_NAMED,
        large: false,
        ints: Vec::new(),
        addresses: Vec::new(),
        counts: Vec::new(),
        types: Vec::new(),
    };

    /// Made by `combiner`; arguments follow.
    pub fn new(combiner: c_int, large: bool) -> Self {
        Self { combiner, large, ..Self::NAMED }
    }

    /// Arguments that are `int` in both variants.
    pub fn ints(mut self, values: &[c_int]) -> Self {
        self.ints.extend(values);
        self
    }

    /// Arguments that are `int` or, large, `MPI_Count`.
    pub fn counts(mut self, values: &[MPI_Count]) -> Self {
        if self.large {
            self.counts.extend(values);
        } else {
            // They came in as `int`.
            self.ints.extend(values.iter().map(|&v| v as c_int));
        }
        self
    }

    /// Arguments that are `MPI_Aint` or, large, `MPI_Count`.
    pub fn addresses(mut self, values: &[MPI_Count]) -> Self {
        if self.large {
            self.counts.extend(values);
        } else {
            self.addresses.extend(values.iter().map(|&v| v as MPI_Aint));
        }
        self
    }

    /// The old types.
    pub fn types(mut self, types: &[Datatype]) -> Self {
        self.types.extend_from_slice(types);
        self
    }
}
