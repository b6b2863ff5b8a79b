//! Arithmetic on the element types, those included which Rust has no name for.

use core::arch::asm;

/// What SUM, PROD, MAX and MIN need. Integers wrap, as the C programs around us would.
pub trait Number: Copy {
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn greater(self, other: Self) -> bool;
    fn equal(self, other: Self) -> bool;
}

macro_rules! integers {
    ($($ty:ty),*) => {$(
        impl Number for $ty {
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline(always)]
            fn greater(self, other: Self) -> bool {
                self > other
            }
            #[inline(always)]
            fn equal(self, other: Self) -> bool {
                self == other
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, i128, u8, u16, u32, u64);

macro_rules! floats {
    ($($ty:ty),*) => {$(
        impl Number for $ty {
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self + other
            }
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                self - other
            }
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                self * other
            }
            #[inline(always)]
            fn greater(self, other: Self) -> bool {
                self > other
            }
            #[inline(always)]
            fn equal(self, other: Self) -> bool {
                self == other
            }
        }
    )*};
}

floats!(f32, f64);

/// A complex number as C and Fortran lay it out.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(C)]
pub struct Complex<T> {
    pub re: T,
    pub im: T,
}

impl<T: Number> Complex<T> {
    #[inline(always)]
    pub fn add(self, other: Self) -> Self {
        Self { re: self.re.add(other.re), im: self.im.add(other.im) }
    }

    #[inline(always)]
    pub fn mul(self, other: Self) -> Self {
        Self {
            re: self.re.mul(other.re).sub(self.im.mul(other.im)),
            im: self.re.mul(other.im).add(self.im.mul(other.re)),
        }
    }
}

/// IEEE binary16, computed in binary32. (A sum or product of two binary16 numbers rounded twice, through binary32, is rounded
/// as if once: 24 bits are at least twice 11 plus 2.)
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(transparent)]
pub struct F16(pub u16);

impl F16 {
    /// Exact.
    pub fn to_f32(self) -> f32 {
        let sign = u32::from(self.0 >> 15) << 31;
        let (exponent, fraction) = (u32::from(self.0 >> 10 & 0x1f), u32::from(self.0 & 0x3ff));
        match exponent {
            // Subnormal: fraction * 2^-24, exact in binary32.
            0 => f32::from_bits((fraction as f32 * f32::from_bits((127 - 24) << 23)).to_bits() | sign),
            0x1f => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
            _ => f32::from_bits(sign | (exponent + 127 - 15) << 23 | fraction << 13),
        }
    }

    /// To nearest, ties to even.
    pub fn from_f32(x: f32) -> Self {
        let bits = x.to_bits();
        let sign = (bits >> 16 & 0x8000) as u16;
        let magnitude = f32::from_bits(bits & 0x7fff_ffff);
        if magnitude.is_nan() {
            return Self(sign | 0x7e00);
        }
        // 65520 is half-way from the largest number to 2^16.
        if magnitude >= 65520.0 {
            return Self(sign | 0x7c00);
        }
        // Adding a number whose last place is that of the result rounds as the processor does.
        if magnitude < f32::from_bits((127 - 14) << 23) {
            let shifted = magnitude + f32::from_bits((127 - 1) << 23);
            return Self(sign | (shifted.to_bits() - ((127 - 1) << 23)) as u16);
        }
        let even = bits >> 13 & 1;
        let rounded = (bits & 0x7fff_ffff) + 0xfff + even;
        Self(sign | ((rounded >> 13) - ((127 - 15) << 10)) as u16)
    }
}

impl Number for F16 {
    fn add(self, other: Self) -> Self {
        Self::from_f32(self.to_f32() + other.to_f32())
    }
    fn sub(self, other: Self) -> Self {
        Self::from_f32(self.to_f32() - other.to_f32())
    }
    fn mul(self, other: Self) -> Self {
        Self::from_f32(self.to_f32() * other.to_f32())
    }
    fn greater(self, other: Self) -> bool {
        self.to_f32() > other.to_f32()
    }
    fn equal(self, other: Self) -> bool {
        self.to_f32() == other.to_f32()
    }
}

/// x87 extended precision in the 16 bytes of a C `long double`.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub struct F80 {
    pub significand: u64,
    pub sign_and_exponent: u16,
    pub padding: [u16; 3],
}

macro_rules! x87 {
    ($instruction:literal, $a:expr, $b:expr) => {{
        let mut result = F80 { significand: 0, sign_and_exponent: 0, padding: [0; 3] };
        // SAFETY: reads 10 bytes of each operand, writes 10 of the result; the register stack, empty at entry because all of
        // it is declared as changed, is empty again.
        unsafe {
            asm!(
                "fld tbyte ptr [{a}]",
                "fld tbyte ptr [{b}]",
                $instruction,
                "fstp tbyte ptr [{result}]",
                a = in(reg) &$a, b = in(reg) &$b, result = in(reg) &mut result,
                out("st(0)") _, out("st(1)") _, out("st(2)") _, out("st(3)") _,
                out("st(4)") _, out("st(5)") _, out("st(6)") _, out("st(7)") _,
                options(nostack)
            );
        }
        result
    }};
}

impl F80 {
    /// -1, 0 or 1 by order; none if one of them is not a number.
    fn order(self, other: Self) -> Option<i32> {
        let (above, equal, unordered): (u8, u8, u8);
        // SAFETY: as in `x87!`; both operands are taken from the register stack.
        unsafe {
            asm!(
                "fld tbyte ptr [{b}]",
                "fld tbyte ptr [{a}]",
                "fcomip st(0), st(1)",
                "fstp st(0)",
                "seta {above}",
                "sete {equal}",
                "setp {unordered}",
                a = in(reg) &self, b = in(reg) &other,
                above = lateout(reg_byte) above, equal = lateout(reg_byte) equal, unordered = lateout(reg_byte) unordered,
                out("st(0)") _, out("st(1)") _, out("st(2)") _, out("st(3)") _,
                out("st(4)") _, out("st(5)") _, out("st(6)") _, out("st(7)") _,
                options(nostack)
            );
        }
        match (above, equal, unordered) {
            (_, _, 1) => None,
            (1, _, _) => Some(1),
            (_, 1, _) => Some(0),
            _ => Some(-1),
        }
    }
}

impl Number for F80 {
    fn add(self, other: Self) -> Self {
        x87!("faddp st(1), st(0)", self, other)
    }
    fn sub(self, other: Self) -> Self {
        x87!("fsubp st(1), st(0)", self, other)
    }
    fn mul(self, other: Self) -> Self {
        x87!("fmulp st(1), st(0)", self, other)
    }
    fn greater(self, other: Self) -> bool {
        self.order(other) == Some(1)
    }
    fn equal(self, other: Self) -> bool {
        self.order(other) == Some(0)
    }
}

/// IEEE binary128, computed by the functions of libgcc that gfortran calls for `REAL*16`.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub struct F128(pub core::arch::x86_64::__m128i);

unsafe extern "C" {
    // Called with their arguments in vector registers, which cannot be declared here.
    fn __addtf3();
    fn __subtf3();
    fn __multf3();
    fn __gttf2();
    fn __eqtf2();
}

macro_rules! tf {
    ($function:path, $a:expr, $b:expr) => {{
        let mut a = $a.0;
        // SAFETY: by the System V ABI both operands and the result are in xmm registers; the stack is aligned for a call.
        unsafe { asm!("call {f}", f = sym $function, inout("xmm0") a, inout("xmm1") $b.0 => _, clobber_abi("C")) };
        F128(a)
    }};
}

macro_rules! tf_compare {
    ($function:path, $a:expr, $b:expr) => {{
        let order: i32;
        // SAFETY: as in `tf!`; the result is an int.
        unsafe {
            asm!(
                "call {f}",
                f = sym $function,
                inout("xmm0") $a.0 => _, inout("xmm1") $b.0 => _, lateout("eax") order,
                clobber_abi("C")
            );
        }
        order
    }};
}

impl Number for F128 {
    fn add(self, other: Self) -> Self {
        tf!(__addtf3, self, other)
    }
    fn sub(self, other: Self) -> Self {
        tf!(__subtf3, self, other)
    }
    fn mul(self, other: Self) -> Self {
        tf!(__multf3, self, other)
    }
    fn greater(self, other: Self) -> bool {
        tf_compare!(__gttf2, self, other) > 0
    }
    fn equal(self, other: Self) -> bool {
        tf_compare!(__eqtf2, self, other) == 0
    }
}
