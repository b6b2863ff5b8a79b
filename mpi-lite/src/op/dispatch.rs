//! Which loop serves which operation and element type: the table of MPI 5.0, section 6.9.2.

use super::Kernel;
use super::loops::*;
use super::number::{F16, F80, F128};
use crate::abi::*;
use crate::datatype::Element;
use crate::datatype::basic::{Basic, Class, Kind};

/// Whether the handle is a predefined operation.
#[inline]
pub fn is_operation(op: MPI_Op) -> bool {
    !name(op).is_empty()
}

/// Its name; empty for other handles.
pub fn name(op: MPI_Op) -> &'static str {
    match op {
        MPI_SUM => "MPI_SUM",
        MPI_MIN => "MPI_MIN",
        MPI_MAX => "MPI_MAX",
        MPI_PROD => "MPI_PROD",
        MPI_BAND => "MPI_BAND",
        MPI_BOR => "MPI_BOR",
        MPI_BXOR => "MPI_BXOR",
        MPI_LAND => "MPI_LAND",
        MPI_LOR => "MPI_LOR",
        MPI_LXOR => "MPI_LXOR",
        MPI_MINLOC => "MPI_MINLOC",
        MPI_MAXLOC => "MPI_MAXLOC",
        MPI_REPLACE => "MPI_REPLACE",
        MPI_NO_OP => "MPI_NO_OP",
        _ => "",
    }
}

/// The loop of a predefined operation on elements of a type; none if the standard does not define it.
///
/// `MPI_CHAR` the standard leaves out, but other implementations take it for an integer and programs rely on it.
pub fn kernel(op: MPI_Op, element: Element) -> Option<Kernel> {
    use Class::*;
    let Basic { kind, class, .. } = match element {
        Element::Basic(basic) => basic,
        Element::Pair { value, index } => return pair(op, value, index),
    };
    match op {
        MPI_SUM if class == Complex => complex_sums(kind),
        MPI_PROD if class == Complex => complex_products(kind),
        MPI_SUM | MPI_PROD | MPI_MAX | MPI_MIN => match class {
            Integer | FortranInteger | Float | MultiLanguage => arithmetic(op, kind),
            _ => None,
        },
        MPI_LAND | MPI_LOR | MPI_LXOR => match class {
            Integer | Logical => bitwise(op, kind.size()),
            _ => None,
        },
        MPI_BAND | MPI_BOR | MPI_BXOR => match class {
            Integer | FortranInteger | Byte | MultiLanguage => bitwise(op, kind.size()),
            _ => None,
        },
        _ => None,
    }
}

/// One of four generic loops for a type.
macro_rules! by_operation {
    ($op:expr, $ty:ty) => {
        match $op {
            MPI_SUM => sum::<$ty>,
            MPI_PROD => product::<$ty>,
            MPI_MAX => max::<$ty>,
            _ => min::<$ty>,
        }
    };
}

fn arithmetic(op: MPI_Op, kind: Kind) -> Option<Kernel> {
    // Sums and products of integers do not depend on the sign: fewer loops to carry in every image.
    let kind = match (op, kind) {
        (MPI_SUM | MPI_PROD, Kind::U8) => Kind::I8,
        (MPI_SUM | MPI_PROD, Kind::U16) => Kind::I16,
        (MPI_SUM | MPI_PROD, Kind::U32) => Kind::I32,
        (MPI_SUM | MPI_PROD, Kind::U64) => Kind::I64,
        (_, kind) => kind,
    };
    let unsigned = |max: Kernel, min: Kernel| if op == MPI_MAX { max } else { min };
    Some(match kind {
        Kind::I8 => by_operation!(op, i8),
        Kind::I16 => by_operation!(op, i16),
        Kind::I32 => by_operation!(op, i32),
        Kind::I64 => by_operation!(op, i64),
        Kind::I128 => by_operation!(op, i128),
        Kind::U8 => unsigned(max::<u8>, min::<u8>),
        Kind::U16 => unsigned(max::<u16>, min::<u16>),
        Kind::U32 => unsigned(max::<u32>, min::<u32>),
        Kind::U64 => unsigned(max::<u64>, min::<u64>),
        Kind::F16 => by_operation!(op, F16),
        Kind::F32 => by_operation!(op, f32),
        Kind::F64 => by_operation!(op, f64),
        Kind::F80 => by_operation!(op, F80),
        Kind::F128 => by_operation!(op, F128),
        _ => return None,
    })
}

fn complex_sums(kind: Kind) -> Option<Kernel> {
    Some(match kind {
        Kind::C16 => complex_sum::<F16>,
        Kind::C32 => complex_sum::<f32>,
        Kind::C64 => complex_sum::<f64>,
        Kind::C80 => complex_sum::<F80>,
        Kind::C128 => complex_sum::<F128>,
        _ => return None,
    })
}

fn complex_products(kind: Kind) -> Option<Kernel> {
    Some(match kind {
        Kind::C16 => complex_product::<F16>,
        Kind::C32 => complex_product::<f32>,
        Kind::C64 => complex_product::<f64>,
        Kind::C80 => complex_product::<F80>,
        Kind::C128 => complex_product::<F128>,
        _ => return None,
    })
}

fn bitwise(op: MPI_Op, size: usize) -> Option<Kernel> {
    macro_rules! by_operation {
        ($ty:ty) => {
            match op {
                MPI_BAND => bit_and::<$ty>,
                MPI_BOR => bit_or::<$ty>,
                MPI_BXOR => bit_xor::<$ty>,
                MPI_LAND => and::<$ty>,
                MPI_LOR => or::<$ty>,
                _ => xor::<$ty>,
            }
        };
    }
    Some(match size {
        1 => by_operation!(u8),
        2 => by_operation!(u16),
        4 => by_operation!(u32),
        8 => by_operation!(u64),
        16 => by_operation!(u128),
        _ => return None,
    })
}

fn pair(op: MPI_Op, value: Kind, index: Kind) -> Option<Kernel> {
    let max = match op {
        MPI_MAXLOC => true,
        MPI_MINLOC => false,
        _ => return None,
    };
    macro_rules! by_operation {
        ($value:ty, $index:ty) => {
            if max { locate::<true, $value, $index> } else { locate::<false, $value, $index> }
        };
    }
    Some(match (value, index) {
        (Kind::F32, Kind::I32) => by_operation!(f32, i32),
        (Kind::F64, Kind::I32) => by_operation!(f64, i32),
        (Kind::I64, Kind::I32) => by_operation!(i64, i32),
        (Kind::I32, Kind::I32) => by_operation!(i32, i32),
        (Kind::I16, Kind::I32) => by_operation!(i16, i32),
        (Kind::F80, Kind::I32) => by_operation!(F80, i32),
        (Kind::F32, Kind::F32) => by_operation!(f32, f32),
        (Kind::F64, Kind::F64) => by_operation!(f64, f64),
        _ => return None,
    })
}
