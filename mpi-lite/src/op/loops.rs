//! The loops behind predefined operations. Each is compiled for an element type, so that the compiler can vectorise it.

use super::number::{Complex, Number};

/// `inout[i] = f(in[i], inout[i])`. Elements may lie at any address.
///
/// # Safety
/// Both are arrays of `count` elements, `inout` is writable, and they do not overlap.
#[inline(always)]
unsafe fn each<T: Copy>(input: *const u8, inout: *mut u8, count: usize, f: impl Fn(T, T) -> T) {
    let (input, inout) = (input.cast::<T>(), inout.cast::<T>());
    for i in 0..count {
        // SAFETY: `i < count`.
        unsafe {
            let value = f(input.add(i).read_unaligned(), inout.add(i).read_unaligned());
            inout.add(i).write_unaligned(value);
        }
    }
}

macro_rules! kernels {
    ($($(#[$doc:meta])* $name:ident<$t:ident: $bound:path> on $item:ty = $f:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// Both are arrays of `count` elements, `inout` is writable, and they do not overlap.
        pub unsafe fn $name<$t: $bound>(input: *const u8, inout: *mut u8, count: usize) {
            // SAFETY: promised by the caller.
            unsafe { each::<$item>(input, inout, count, $f) }
        }
    )*};
}

kernels! {
    /// SUM of real numbers.
    sum<T: Number> on T = T::add;
    /// PROD of real numbers.
    product<T: Number> on T = T::mul;
    /// MAX.
    max<T: Number> on T = |a, b| if a.greater(b) { a } else { b };
    /// MIN.
    min<T: Number> on T = |a, b| if b.greater(a) { a } else { b };
    /// SUM of complex numbers.
    complex_sum<T: Number> on Complex<T> = Complex::add;
    /// PROD of complex numbers.
    complex_product<T: Number> on Complex<T> = Complex::mul;
    /// BAND.
    bit_and<T: Bits> on T = |a, b| a & b;
    /// BOR.
    bit_or<T: Bits> on T = |a, b| a | b;
    /// BXOR.
    bit_xor<T: Bits> on T = |a, b| a ^ b;
    /// LAND.
    and<T: Bits> on T = |a, b| T::from(a.truth() && b.truth());
    /// LOR.
    or<T: Bits> on T = |a, b| T::from(a.truth() || b.truth());
    /// LXOR.
    xor<T: Bits> on T = |a, b| T::from(a.truth() != b.truth());
}

/// Unsigned integers as patterns of bits and as logicals: 0 is false, all else is true.
pub trait Bits:
    Copy
    + From<bool>
    + std::ops::BitAnd<Output = Self>
    + std::ops::BitOr<Output = Self>
    + std::ops::BitXor<Output = Self>
{
    fn truth(self) -> bool;
}

macro_rules! bits {
    ($($ty:ty),*) => {$(
        impl Bits for $ty {
            #[inline(always)]
            fn truth(self) -> bool {
                self != 0
            }
        }
    )*};
}

bits!(u8, u16, u32, u64, u128);

/// A value and its index as C lays them out.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Pair<V, I> {
    pub value: V,
    pub index: I,
}

/// MAXLOC if `MAX`, else MINLOC: the better value, and of equal values the lower index.
///
/// # Safety
/// Both are arrays of `count` pairs, `inout` is writable, and they do not overlap.
pub unsafe fn locate<const MAX: bool, V: Number, I: Number>(input: *const u8, inout: *mut u8, count: usize) {
    let (input, inout) = (input.cast::<Pair<V, I>>(), inout.cast::<Pair<V, I>>());
    for i in 0..count {
        // SAFETY: `i < count`. Members are moved one by one, so that the gap between them is left alone.
        unsafe {
            let (from, to) = (input.add(i), inout.add(i));
            let (a, b) =
                ((&raw const (*from).value).read_unaligned(), (&raw const (*to).value).read_unaligned());
            let (j, k) =
                ((&raw const (*from).index).read_unaligned(), (&raw const (*to).index).read_unaligned());
            let better = if MAX { a.greater(b) } else { b.greater(a) };
            if better || (a.equal(b) && k.greater(j)) {
                (&raw mut (*to).value).write_unaligned(a);
                (&raw mut (*to).index).write_unaligned(j);
            }
        }
    }
}
