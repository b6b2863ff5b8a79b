//! The predefined types: one table from handle to object.

use std::sync::LazyLock;

use super::basic::{Basic, Class, Kind};
use super::body::{Block, Body};
use super::{Element, TypeInner};
use crate::abi::*;

use Class::*;
use Kind::*;

const fn basic(kind: Kind, class: Class) -> Basic {
    Basic::new(kind, class)
}

/// Handle, name and element of every basic type. Of two names the first in the standard's tables (MPI 5.0, section 3.2.2).
#[rustfmt::skip]
const BASICS: &[(MPI_Datatype, &str, Basic)] = &[
    (MPI_AINT,                    "MPI_AINT",                    basic(I64, MultiLanguage)),
    (MPI_COUNT,                   "MPI_COUNT",                   basic(I64, MultiLanguage)),
    (MPI_OFFSET,                  "MPI_OFFSET",                  basic(I64, MultiLanguage)),
    (MPI_PACKED,                  "MPI_PACKED",                  basic(U8, Packed)),
    (MPI_SHORT,                   "MPI_SHORT",                   basic(I16, Integer)),
    (MPI_INT,                     "MPI_INT",                     basic(I32, Integer)),
    (MPI_LONG,                    "MPI_LONG",                    Basic::with_external_size(I64, Integer, 4)),
    (MPI_LONG_LONG,               "MPI_LONG_LONG_INT",           basic(I64, Integer)),
    (MPI_UNSIGNED_SHORT,          "MPI_UNSIGNED_SHORT",          basic(U16, Integer)),
    (MPI_UNSIGNED,                "MPI_UNSIGNED",                basic(U32, Integer)),
    (MPI_UNSIGNED_LONG,           "MPI_UNSIGNED_LONG",           Basic::with_external_size(U64, Integer, 4)),
    (MPI_UNSIGNED_LONG_LONG,      "MPI_UNSIGNED_LONG_LONG",      basic(U64, Integer)),
    (MPI_FLOAT,                   "MPI_FLOAT",                   basic(F32, Float)),
    (MPI_DOUBLE,                  "MPI_DOUBLE",                  basic(F64, Float)),
    (MPI_LONG_DOUBLE,             "MPI_LONG_DOUBLE",             basic(F80, Float)),
    (MPI_C_FLOAT_COMPLEX,         "MPI_C_COMPLEX",               basic(C32, Complex)),
    (MPI_CXX_FLOAT_COMPLEX,       "MPI_CXX_FLOAT_COMPLEX",       basic(C32, Complex)),
    (MPI_C_DOUBLE_COMPLEX,        "MPI_C_DOUBLE_COMPLEX",        basic(C64, Complex)),
    (MPI_CXX_DOUBLE_COMPLEX,      "MPI_CXX_DOUBLE_COMPLEX",      basic(C64, Complex)),
    (MPI_C_LONG_DOUBLE_COMPLEX,   "MPI_C_LONG_DOUBLE_COMPLEX",   basic(C80, Complex)),
    (MPI_CXX_LONG_DOUBLE_COMPLEX, "MPI_CXX_LONG_DOUBLE_COMPLEX", basic(C80, Complex)),
    (MPI_LOGICAL,                 "MPI_LOGICAL",                 basic(L32, Logical)),
    (MPI_INTEGER,                 "MPI_INTEGER",                 basic(I32, FortranInteger)),
    (MPI_REAL,                    "MPI_REAL",                    basic(F32, Float)),
    (MPI_COMPLEX,                 "MPI_COMPLEX",                 basic(C32, Complex)),
    (MPI_DOUBLE_PRECISION,        "MPI_DOUBLE_PRECISION",        basic(F64, Float)),
    (MPI_DOUBLE_COMPLEX,          "MPI_DOUBLE_COMPLEX",          basic(C64, Complex)),
    (MPI_CHARACTER,               "MPI_CHARACTER",               basic(I8, Text)),
    (MPI_C_BOOL,                  "MPI_C_BOOL",                  basic(Bool, Logical)),
    (MPI_CXX_BOOL,                "MPI_CXX_BOOL",                basic(Bool, Logical)),
    (MPI_WCHAR,                   "MPI_WCHAR",                   Basic::with_external_size(I32, Text, 2)),
    (MPI_INT8_T,                  "MPI_INT8_T",                  basic(I8, Integer)),
    (MPI_UINT8_T,                 "MPI_UINT8_T",                 basic(U8, Integer)),
    (MPI_CHAR,                    "MPI_CHAR",                    basic(I8, Integer)),
    (MPI_SIGNED_CHAR,             "MPI_SIGNED_CHAR",             basic(I8, Integer)),
    (MPI_UNSIGNED_CHAR,           "MPI_UNSIGNED_CHAR",           basic(U8, Integer)),
    (MPI_BYTE,                    "MPI_BYTE",                    basic(U8, Byte)),
    (MPI_INT16_T,                 "MPI_INT16_T",                 basic(I16, Integer)),
    (MPI_UINT16_T,                "MPI_UINT16_T",                basic(U16, Integer)),
    (MPI_INT32_T,                 "MPI_INT32_T",                 basic(I32, Integer)),
    (MPI_UINT32_T,                "MPI_UINT32_T",                basic(U32, Integer)),
    (MPI_INT64_T,                 "MPI_INT64_T",                 basic(I64, Integer)),
    (MPI_UINT64_T,                "MPI_UINT64_T",                basic(U64, Integer)),
    (MPI_LOGICAL1,                "MPI_LOGICAL1",                basic(L8, Logical)),
    (MPI_LOGICAL2,                "MPI_LOGICAL2",                basic(L16, Logical)),
    (MPI_LOGICAL4,                "MPI_LOGICAL4",                basic(L32, Logical)),
    (MPI_LOGICAL8,                "MPI_LOGICAL8",                basic(L64, Logical)),
    (MPI_LOGICAL16,               "MPI_LOGICAL16",               basic(L128, Logical)),
    (MPI_INTEGER1,                "MPI_INTEGER1",                basic(I8, FortranInteger)),
    (MPI_INTEGER2,                "MPI_INTEGER2",                basic(I16, FortranInteger)),
    (MPI_INTEGER4,                "MPI_INTEGER4",                basic(I32, FortranInteger)),
    (MPI_INTEGER8,                "MPI_INTEGER8",                basic(I64, FortranInteger)),
    (MPI_INTEGER16,               "MPI_INTEGER16",               basic(I128, FortranInteger)),
    (MPI_REAL2,                   "MPI_REAL2",                   basic(F16, Float)),
    (MPI_REAL4,                   "MPI_REAL4",                   basic(F32, Float)),
    (MPI_REAL8,                   "MPI_REAL8",                   basic(F64, Float)),
    (MPI_REAL16,                  "MPI_REAL16",                  basic(F128, Float)),
    (MPI_COMPLEX4,                "MPI_COMPLEX4",                basic(C16, Complex)),
    (MPI_COMPLEX8,                "MPI_COMPLEX8",                basic(C32, Complex)),
    (MPI_COMPLEX16,               "MPI_COMPLEX16",               basic(C64, Complex)),
    (MPI_COMPLEX32,               "MPI_COMPLEX32",               basic(C128, Complex)),
];

/// Handle, name, value and index of the pair types. They are structures as C or Fortran lays them out.
#[rustfmt::skip]
const PAIRS: &[(MPI_Datatype, &str, MPI_Datatype, MPI_Datatype)] = &[
    (MPI_FLOAT_INT,         "MPI_FLOAT_INT",         MPI_FLOAT,            MPI_INT),
    (MPI_DOUBLE_INT,        "MPI_DOUBLE_INT",        MPI_DOUBLE,           MPI_INT),
    (MPI_LONG_INT,          "MPI_LONG_INT",          MPI_LONG,             MPI_INT),
    (MPI_2INT,              "MPI_2INT",              MPI_INT,              MPI_INT),
    (MPI_SHORT_INT,         "MPI_SHORT_INT",         MPI_SHORT,            MPI_INT),
    (MPI_LONG_DOUBLE_INT,   "MPI_LONG_DOUBLE_INT",   MPI_LONG_DOUBLE,      MPI_INT),
    (MPI_2REAL,             "MPI_2REAL",             MPI_REAL,             MPI_REAL),
    (MPI_2DOUBLE_PRECISION, "MPI_2DOUBLE_PRECISION", MPI_DOUBLE_PRECISION, MPI_DOUBLE_PRECISION),
    (MPI_2INTEGER,          "MPI_2INTEGER",          MPI_INTEGER,          MPI_INTEGER),
];

/// Datatype handles start here; there are 256 of them.
const FIRST: usize = MPI_DATATYPE_NULL.0;

static TABLE: LazyLock<Vec<Option<TypeInner>>> = LazyLock::new(|| {
    let mut table = Vec::new();
    table.resize_with(0x100, || None);
    for &(handle, name, basic) in BASICS {
        let inner = TypeInner::predefined(handle, name, Body::basic(basic), Element::Basic(basic));
        table[handle.0 - FIRST] = Some(inner);
    }
    for &(handle, name, value, index) in PAIRS {
        table[handle.0 - FIRST] = Some(pair(handle, name, element(value), element(index)));
    }
    table
});

fn element(handle: MPI_Datatype) -> Basic {
    let found = BASICS.iter().find(|b| b.0 == handle);
    found.expect("pairs are made of basic types").2
}

fn pair(handle: MPI_Datatype, name: &'static str, value: Basic, index: Basic) -> TypeInner {
    let index_at = value.size().next_multiple_of(index.kind.align());
    let (value_body, index_body) = (Body::basic(value), Body::basic(index));
    let blocks = [
        Block { displacement: 0, len: 1, old: &value_body },
        Block { displacement: index_at as i64, len: 1, old: &index_body },
    ];
    let body = Body::structure(blocks).expect("a pair is small");
    TypeInner::predefined(handle, name, body, Element::Pair { value: value.kind, index: index.kind })
}

/// The object of a predefined handle; none for `MPI_DATATYPE_NULL`, unused values and all other handles.
#[inline]
pub(super) fn get(handle: MPI_Datatype) -> Option<&'static TypeInner> {
    TABLE.get(handle.0.wrapping_sub(FIRST))?.as_ref()
}

/// Sizes of basic types, by handle from [`FIRST`] on; 0 for all else.
static SIZES: [u8; 0x100] = {
    let (mut sizes, mut i) = ([0; 0x100], 0);
    while i < BASICS.len() {
        sizes[BASICS[i].0.0 - FIRST] = BASICS[i].2.size() as u8;
        i += 1;
    }
    sizes
};

/// Bytes of a basic type, without a look at the type itself; 0 for pairs, derived types and all other handles.
#[inline(always)]
pub fn basic_size(handle: MPI_Datatype) -> usize {
    let index = handle.0.wrapping_sub(FIRST);
    if index < SIZES.len() { usize::from(SIZES[index]) } else { 0 }
}

/// The first basic type whose elements are such.
pub fn named(basic: Basic) -> MPI_Datatype {
    BASICS.iter().find(|b| b.2 == basic).map_or(MPI_DATATYPE_NULL, |b| b.0)
}

/// The pair type of a value and an index type (`MPI_Type_get_value_index`).
pub fn value_index(value: MPI_Datatype, index: MPI_Datatype) -> Option<MPI_Datatype> {
    let same = |a: MPI_Datatype, b: MPI_Datatype| a == b;
    PAIRS.iter().find(|p| same(p.2, value) && same(p.3, index)).map(|p| p.0)
}

/// All predefined types.
#[cfg(test)]
pub fn handles() -> impl Iterator<Item = MPI_Datatype> {
    BASICS.iter().map(|b| b.0).chain(PAIRS.iter().map(|p| p.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_handle_of_the_abi_has_an_object_of_its_name() {
        for (name, value) in crate::abi::DATATYPES {
            let found = get(MPI_Datatype(*value as usize));
            match *name {
                "MPI_DATATYPE_NULL" => assert!(found.is_none()),
                // Two names each; the type itself tells the older one.
                "MPI_LONG_LONG" => assert_eq!(found.map(|t| t.name()), Some("MPI_LONG_LONG_INT")),
                "MPI_C_FLOAT_COMPLEX" => assert_eq!(found.map(|t| t.name()), Some("MPI_C_COMPLEX")),
                _ => assert_eq!(found.map(|t| t.name()), Some(*name)),
            }
        }
        assert!(get(MPI_Datatype(0)).is_none() && get(MPI_Datatype(0x300)).is_none());
        assert!(get(MPI_Datatype(usize::MAX)).is_none());
    }

    #[test]
    fn sizes_agree_with_the_bits_of_the_handles_that_tell_them() {
        for handle in handles().filter(|h| (0x240..0x280).contains(&h.0) || h.0 >= 0x2c0) {
            let size = get(handle).map(|t| t.body.layout.size);
            assert_eq!(size, Some(basic_size(handle) as u64), "{handle:?}");
            assert_eq!(size, Some(1 << (handle.0 >> 3 & 7)), "{handle:?}");
        }
    }

    #[test]
    fn pairs_are_laid_out_as_c_does() {
        let facts = |h| {
            let b = &get(h).expect("a pair").body;
            (b.layout.size, b.bounds.extent(), b.bounds.true_extent())
        };
        assert_eq!(facts(MPI_FLOAT_INT), (8, 8, 8));
        assert_eq!(facts(MPI_DOUBLE_INT), (12, 16, 12));
        assert_eq!(facts(MPI_LONG_INT), (12, 16, 12));
        assert_eq!(facts(MPI_SHORT_INT), (6, 8, 8));
        assert_eq!(facts(MPI_LONG_DOUBLE_INT), (20, 32, 20));
        assert_eq!(facts(MPI_2DOUBLE_PRECISION), (16, 16, 16));
        assert_eq!(value_index(MPI_DOUBLE, MPI_INT), Some(MPI_DOUBLE_INT));
        assert_eq!(value_index(MPI_DOUBLE, MPI_DOUBLE), None);
    }
}
