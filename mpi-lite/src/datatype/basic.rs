//! Elements that no constructor takes apart, as x86-64 and gfortran represent them.

/// How an element is represented in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "letter and number of bits say it: integers, floats, complex, logical")]
pub enum Kind {
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    F16,
    F32,
    F64,
    /// x87 extended precision in 16 bytes: C's `long double`.
    F80,
    /// IEEE binary128: Fortran's `REAL*16`.
    F128,
    C16,
    C32,
    C64,
    C80,
    C128,
    /// C's `bool`: 0 or 1 in one byte.
    Bool,
    /// A Fortran LOGICAL of so many bits: 0 is `.false.`, 1 is what we store for `.true.`.
    L8,
    L16,
    L32,
    L64,
    L128,
}

impl Kind {
    /// Bytes in memory.
    pub const fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 | Self::Bool | Self::L8 => 1,
            Self::I16 | Self::U16 | Self::F16 | Self::L16 => 2,
            Self::I32 | Self::U32 | Self::F32 | Self::C16 | Self::L32 => 4,
            Self::I64 | Self::U64 | Self::F64 | Self::C32 | Self::L64 => 8,
            Self::I128 | Self::F80 | Self::F128 | Self::C64 | Self::L128 => 16,
            Self::C80 | Self::C128 => 32,
        }
    }

    /// For a complex number its parts, else itself.
    pub const fn part(self) -> Self {
        match self {
            Self::C16 => Self::F16,
            Self::C32 => Self::F32,
            Self::C64 => Self::F64,
            Self::C80 => Self::F80,
            Self::C128 => Self::F128,
            other => other,
        }
    }

    /// Alignment in bytes, by the System V ABI.
    pub const fn align(self) -> usize {
        self.part().size()
    }
}

/// What an element means to the standard: which operations it takes (MPI 5.0, section 6.9.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Class {
    /// C integer, `MPI_CHAR` among them.
    Integer,
    /// Fortran integer.
    FortranInteger,
    /// Floating point.
    Float,
    /// Complex.
    Complex,
    /// C `bool` and Fortran LOGICAL.
    Logical,
    /// `MPI_BYTE`.
    Byte,
    /// `MPI_AINT`, `MPI_OFFSET`, `MPI_COUNT`.
    MultiLanguage,
    /// `MPI_WCHAR`, `MPI_CHARACTER`: text, no numbers.
    Text,
    /// `MPI_PACKED`.
    Packed,
}

/// One element.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Basic {
    /// Representation.
    pub kind: Kind,
    /// Meaning.
    pub class: Class,
    /// Bytes in the `external32` representation (MPI 5.0, table 14.2).
    pub external_size: u8,
}

impl Basic {
    /// An element whose external size is its size.
    pub const fn new(kind: Kind, class: Class) -> Self {
        Self { kind, class, external_size: kind.size() as u8 }
    }

    /// An element with another size in `external32`.
    pub const fn with_external_size(kind: Kind, class: Class, external_size: u8) -> Self {
        Self { kind, class, external_size }
    }

    /// Bytes in memory and in messages.
    pub const fn size(self) -> usize {
        self.kind.size()
    }
}
