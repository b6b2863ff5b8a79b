//! Is a message received as what was sent? Each carries a code of its elements, in a byte that was free.
//!
//! The code tells integers, floating-point and complex numbers and logicals apart, and their sizes. Types that the standard
//! keeps apart but every rank represents alike (`MPI_INT`, `MPI_UNSIGNED`, `MPI_INTEGER`, `MPI_INT32_T`) share one: programs
//! mix them in good faith, and nothing is lost. Bytes, packed data and mixed structures have none and go with everything.

use super::{Level, level, origin};
use crate::abi::MPI_ERR_TYPE;
use crate::datatype::basic::{Class, Kind};
use crate::datatype::signature::Signature;
use crate::error::MpiError;
use crate::p2p::matching::Envelope;

/// What all elements of some data are: a class in the upper four bits, the logarithm of the size in the lower.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct TypeCode(u8);

const INTEGER: u8 = 1;
const FLOAT: u8 = 2;
const COMPLEX: u8 = 3;
const LOGICAL: u8 = 4;
/// x87's extended precision and IEEE binary128 have the same size.
const EXTENDED: u8 = 5;

impl TypeCode {
    /// Of data that goes with everything.
    pub const ANY: Self = Self(0);

    /// The code that was sent.
    #[inline]
    pub const fn from_wire(byte: u8) -> Self {
        Self(byte)
    }

    /// The code as it is sent.
    #[inline]
    pub const fn to_wire(self) -> u8 {
        self.0
    }

    /// The code of data with such elements.
    pub fn of(signature: &Signature) -> Self {
        let Some(basic) = signature.uniform() else { return Self::ANY };
        let class = match (basic.class, basic.kind) {
            (Class::Byte | Class::Packed, _) => return Self::ANY,
            (Class::Integer | Class::FortranInteger | Class::MultiLanguage | Class::Text, _) => INTEGER,
            (Class::Float, Kind::F80) => EXTENDED,
            (Class::Float, _) => FLOAT,
            (Class::Complex, _) => COMPLEX,
            (Class::Logical, _) => LOGICAL,
        };
        Self(class << 4 | basic.size().trailing_zeros() as u8)
    }

    /// Whether data of one code was received as another.
    #[inline(always)]
    pub fn conflicts(self, other: Self) -> bool {
        self != other && self.really_conflicts(other)
    }

    #[cold]
    #[inline(never)]
    fn really_conflicts(self, other: Self) -> bool {
        self != Self::ANY && other != Self::ANY && level() != Level::Off
    }

    /// In words.
    fn name(self) -> String {
        let size = 1 << (self.0 & 15);
        let (what, example) = match (self.0 >> 4, size) {
            (INTEGER, 1) => ("integers or characters", "MPI_CHAR"),
            (INTEGER, 2) => ("integers", "MPI_SHORT"),
            (INTEGER, 4) => ("integers", "MPI_INT"),
            (INTEGER, 8) => ("integers", "MPI_LONG"),
            (INTEGER, _) => ("integers", "MPI_INTEGER16"),
            (FLOAT, 2) => ("floating-point numbers", "MPI_REAL2"),
            (FLOAT, 4) => ("floating-point numbers", "MPI_FLOAT"),
            (FLOAT, 8) => ("floating-point numbers", "MPI_DOUBLE"),
            (FLOAT, _) => ("floating-point numbers", "MPI_REAL16"),
            (EXTENDED, _) => ("extended floating-point numbers", "MPI_LONG_DOUBLE"),
            (COMPLEX, 8) => ("complex numbers", "MPI_C_FLOAT_COMPLEX"),
            (COMPLEX, 16) => ("complex numbers", "MPI_C_DOUBLE_COMPLEX"),
            (COMPLEX, _) => ("complex numbers", "MPI_COMPLEX"),
            (LOGICAL, 1) => ("logicals", "MPI_C_BOOL"),
            (LOGICAL, _) => ("logicals", "MPI_LOGICAL"),
            _ => ("unknown elements", "another version's"),
        };
        format!("{what} of {size} bytes (as {example})")
    }
}

/// The error of a message that is received as another type.
#[cold]
pub fn mismatch(envelope: &Envelope, size: u64, wanted: TypeCode) -> MpiError {
    let text = format!(
        "the message of {size} bytes {} holds {}, but is received as {}",
        origin(envelope),
        envelope.types.name(),
        wanted.name()
    );
    MpiError::new(MPI_ERR_TYPE, text)
}

#[cfg(test)]
mod tests {
    use super::super::set_level;
    use super::*;
    use crate::abi::*;
    use crate::datatype::predefined;

    fn code(handle: MPI_Datatype) -> TypeCode {
        TypeCode::of(&predefined(handle).body().signature)
    }

    #[test]
    fn what_every_rank_represents_alike_goes_together() {
        for (a, b) in [
            (MPI_INT, MPI_UNSIGNED),
            (MPI_INT, MPI_INTEGER),
            (MPI_LONG, MPI_AINT),
            (MPI_CHAR, MPI_INT8_T),
            (MPI_DOUBLE, MPI_DOUBLE_PRECISION),
            (MPI_C_DOUBLE_COMPLEX, MPI_DOUBLE_COMPLEX),
            (MPI_2INT, MPI_INT),
            (MPI_BYTE, MPI_DOUBLE),
            (MPI_PACKED, MPI_INT),
            (MPI_DOUBLE_INT, MPI_FLOAT),
        ] {
            assert!(!code(a).conflicts(code(b)), "{a:?} {b:?}");
        }
    }

    #[test]
    fn what_means_something_else_does_not() {
        for (a, b) in [
            (MPI_INT, MPI_FLOAT),
            (MPI_INT, MPI_LONG),
            (MPI_DOUBLE, MPI_LONG),
            (MPI_FLOAT, MPI_DOUBLE),
            (MPI_C_FLOAT_COMPLEX, MPI_DOUBLE),
            (MPI_LOGICAL, MPI_INTEGER),
            (MPI_C_BOOL, MPI_CHAR),
            (MPI_LONG_DOUBLE, MPI_REAL16),
        ] {
            assert!(code(a).conflicts(code(b)), "{a:?} {b:?}");
            assert_ne!(code(a).name(), code(b).name());
            assert!(!code(a).name().contains("unknown"));
        }
        set_level(Level::Off);
        assert!(!code(MPI_INT).conflicts(code(MPI_FLOAT)));
    }

    #[test]
    fn derived_types_of_one_kind_of_element_have_its_code() -> crate::Result<()> {
        let body = predefined(MPI_DOUBLE).body().hvector(3, 2, 64)?;
        assert_eq!(TypeCode::of(&body.signature), code(MPI_DOUBLE));
        Ok(())
    }
}
