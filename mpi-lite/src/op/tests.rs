//! Every operation on every type against plain scalar code.

use super::*;
use crate::datatype::{self, predefined};

const OPERATIONS: [MPI_Op; 12] = [
    MPI_SUM, MPI_MIN, MPI_MAX, MPI_PROD, MPI_BAND, MPI_BOR, MPI_BXOR, MPI_LAND, MPI_LOR, MPI_LXOR,
    MPI_MINLOC, MPI_MAXLOC,
];

/// Applies `op` to two arrays of a predefined type.
fn apply<T: Copy>(op: MPI_Op, ty: MPI_Datatype, a: &[T], b: &[T]) -> Result<Vec<T>> {
    let dt = datatype::predefined(ty);
    assert_eq!(size_of::<T>() as isize, dt.extent(), "{dt:?}");
    let mut out = b.to_vec();
    // SAFETY: two arrays of the type, by the assertion.
    unsafe { get(op)?.apply(a.as_ptr().cast(), out.as_mut_ptr().cast(), a.len(), &dt)? };
    Ok(out)
}

/// Values with which sums, products and comparisons of all types are exact and differ;
/// products wrap in 8 bits.
const A: [i64; 9] = [0, 1, -1, 3, 7, -5, 40, 2, -2];
const B: [i64; 9] = [0, 0, 5, -3, 7, 2, 40, -40, -2];

/// The standard's definitions on wide integers; the result is cut to the type by the caller.
fn reference(op: MPI_Op, a: i128, b: i128) -> i128 {
    match op {
        MPI_SUM => a.wrapping_add(b),
        MPI_PROD => a.wrapping_mul(b),
        MPI_MAX => a.max(b),
        MPI_MIN => a.min(b),
        MPI_BAND => a & b,
        MPI_BOR => a | b,
        MPI_BXOR => a ^ b,
        MPI_LAND => (a != 0 && b != 0).into(),
        MPI_LOR => (a != 0 || b != 0).into(),
        _ => ((a != 0) != (b != 0)).into(),
    }
}

macro_rules! integers_agree {
    ($($ty:ty: $($handle:ident)*, $ops:expr;)*) => {$(
        let (a, b) = (A.map(|x| x as $ty), B.map(|x| x as $ty));
        for op in $ops {
            let wanted: Vec<_> = a.iter().zip(&b).map(|(a, b)| reference(op, *a as i128, *b as i128) as $ty).collect();
            $(assert_eq!(apply(op, $handle, &a, &b).as_deref(), Ok(&wanted[..]), "{op:?} {}", stringify!($handle));)*
        }
    )*};
}

#[test]
fn integers_and_logicals() {
    let all = || OPERATIONS.into_iter().filter(|op| ![MPI_MINLOC, MPI_MAXLOC].contains(op));
    let fortran = || all().filter(|op| ![MPI_LAND, MPI_LOR, MPI_LXOR].contains(op));
    let logical = [MPI_LAND, MPI_LOR, MPI_LXOR];
    let bits = [MPI_BAND, MPI_BOR, MPI_BXOR];
    integers_agree! {
        i8: MPI_CHAR MPI_SIGNED_CHAR MPI_INT8_T, all();
        u8: MPI_UNSIGNED_CHAR MPI_UINT8_T, all();
        i16: MPI_SHORT MPI_INT16_T, all();
        u16: MPI_UNSIGNED_SHORT MPI_UINT16_T, all();
        i32: MPI_INT MPI_INT32_T, all();
        u32: MPI_UNSIGNED MPI_UINT32_T, all();
        i64: MPI_LONG MPI_LONG_LONG MPI_INT64_T, all();
        u64: MPI_UNSIGNED_LONG MPI_UNSIGNED_LONG_LONG MPI_UINT64_T, all();
        i8: MPI_INTEGER1, fortran();
        i16: MPI_INTEGER2, fortran();
        i32: MPI_INTEGER MPI_INTEGER4, fortran();
        i64: MPI_INTEGER8 MPI_AINT MPI_COUNT MPI_OFFSET, fortran();
        i128: MPI_INTEGER16, fortran();
        u8: MPI_C_BOOL MPI_CXX_BOOL MPI_LOGICAL1, logical;
        u16: MPI_LOGICAL2, logical;
        u32: MPI_LOGICAL MPI_LOGICAL4, logical;
        u64: MPI_LOGICAL8, logical;
        u128: MPI_LOGICAL16, logical;
        u8: MPI_BYTE, bits;
    }
}

/// Representations of small integers in each floating type.
trait FromInt: Copy {
    fn from_int(x: i64) -> Self;
    fn to_int(self) -> i64;
}

macro_rules! native {
    ($($ty:ty),*) => {$(
        impl FromInt for $ty {
            fn from_int(x: i64) -> Self {
                x as $ty
            }
            fn to_int(self) -> i64 {
                self as i64
            }
        }
    )*};
}

native!(f32, f64);

impl FromInt for number::F16 {
    fn from_int(x: i64) -> Self {
        Self::from_f32(x as f32)
    }
    fn to_int(self) -> i64 {
        self.to_f32() as i64
    }
}

impl FromInt for number::F80 {
    fn from_int(x: i64) -> Self {
        let sign = u16::from(x < 0) << 15;
        let (shift, padding) = (x.unsigned_abs().leading_zeros(), [0; 3]);
        match x {
            0 => Self { significand: 0, sign_and_exponent: 0, padding },
            _ => Self {
                significand: x.unsigned_abs() << shift,
                sign_and_exponent: sign | (16383 + 63 - shift as u16),
                padding,
            },
        }
    }
    fn to_int(self) -> i64 {
        let exponent = i32::from(self.sign_and_exponent & 0x7fff);
        let magnitude = match exponent {
            0 => 0,
            e => (self.significand >> (63 - (e - 16383))) as i64,
        };
        if self.sign_and_exponent >> 15 == 1 { -magnitude } else { magnitude }
    }
}

/// Bits of a binary128 number.
fn quad(bits: u128) -> number::F128 {
    // SAFETY: both are 16 bytes of plain data.
    number::F128(unsafe { std::mem::transmute::<u128, core::arch::x86_64::__m128i>(bits) })
}

impl FromInt for number::F128 {
    fn from_int(x: i64) -> Self {
        let magnitude = u128::from(x.unsigned_abs());
        let shift = magnitude.leading_zeros();
        let bits = match x {
            0 => 0,
            _ => {
                u128::from(x < 0) << 127
                    | u128::from(16383 + 127 - shift) << 112
                    | (magnitude << shift << 1) >> 16
            }
        };
        quad(bits)
    }
    fn to_int(self) -> i64 {
        // SAFETY: as in `quad`.
        let bits = unsafe { std::mem::transmute::<core::arch::x86_64::__m128i, u128>(self.0) };
        let exponent = (bits >> 112 & 0x7fff) as i32;
        let fraction = bits & ((1 << 112) - 1) | 1 << 112;
        let magnitude = if exponent == 0 { 0 } else { (fraction >> (112 - (exponent - 16383))) as i64 };
        if bits >> 127 == 1 { -magnitude } else { magnitude }
    }
}

fn floats_agree<T: FromInt>(handles: &[MPI_Datatype]) {
    let (a, b) = (A.map(T::from_int), B.map(T::from_int));
    assert_eq!(a.map(T::to_int), A, "the test's own conversion");
    for op in [MPI_SUM, MPI_PROD, MPI_MAX, MPI_MIN] {
        let wanted: Vec<_> =
            A.iter().zip(&B).map(|(a, b)| reference(op, (*a).into(), (*b).into()) as i64).collect();
        for handle in handles {
            let got = apply(op, *handle, &a, &b).map(|v| v.into_iter().map(T::to_int).collect::<Vec<_>>());
            assert_eq!(got.as_ref(), Ok(&wanted), "{op:?} {handle:?}");
        }
    }
}

fn complexes_agree<T: FromInt>(handles: &[MPI_Datatype]) {
    use number::Complex;
    let make = |(re, im): (&i64, &i64)| Complex { re: T::from_int(*re), im: T::from_int(*im) };
    let (a, b): (Vec<_>, Vec<_>) =
        (A.iter().zip(&B).map(make).collect(), B.iter().zip(A.iter().rev()).map(make).collect());
    for handle in handles {
        for op in [MPI_SUM, MPI_PROD] {
            let got = apply(op, *handle, &a, &b).expect("defined for complex numbers");
            for (i, z) in got.iter().enumerate() {
                let (x, y, u, v) = (A[i], B[i], B[i], A[A.len() - 1 - i]);
                let wanted = if op == MPI_SUM { (x + u, y + v) } else { (x * u - y * v, x * v + y * u) };
                assert_eq!((z.re.to_int(), z.im.to_int()), wanted, "{op:?} {handle:?} element {i}");
            }
        }
    }
}

#[test]
fn floating_point_and_complex() {
    floats_agree::<f32>(&[MPI_FLOAT, MPI_REAL, MPI_REAL4]);
    floats_agree::<f64>(&[MPI_DOUBLE, MPI_DOUBLE_PRECISION, MPI_REAL8]);
    floats_agree::<number::F16>(&[MPI_REAL2]);
    floats_agree::<number::F80>(&[MPI_LONG_DOUBLE]);
    floats_agree::<number::F128>(&[MPI_REAL16]);
    complexes_agree::<f32>(&[MPI_COMPLEX, MPI_COMPLEX8, MPI_C_FLOAT_COMPLEX, MPI_CXX_FLOAT_COMPLEX]);
    complexes_agree::<f64>(&[
        MPI_DOUBLE_COMPLEX,
        MPI_COMPLEX16,
        MPI_C_DOUBLE_COMPLEX,
        MPI_CXX_DOUBLE_COMPLEX,
    ]);
    complexes_agree::<number::F16>(&[MPI_COMPLEX4]);
    complexes_agree::<number::F80>(&[MPI_C_LONG_DOUBLE_COMPLEX, MPI_CXX_LONG_DOUBLE_COMPLEX]);
    complexes_agree::<number::F128>(&[MPI_COMPLEX32]);
}

#[test]
fn long_double_keeps_all_64_bits_of_its_significand() {
    let one = number::F80::from_int(1);
    let tiny = number::F80 { significand: 1 << 63, sign_and_exponent: 16383 - 63, padding: [0; 3] };
    let sum = apply(MPI_SUM, MPI_LONG_DOUBLE, &[one], &[tiny]).expect("defined");
    assert_eq!((sum[0].significand, sum[0].sign_and_exponent), (1 << 63 | 1, 16383));
}

#[test]
fn half_precision_rounds_to_nearest_even_and_keeps_subnormals() {
    for bits in 0..=0xffffu16 {
        let x = number::F16(bits).to_f32();
        let back = number::F16::from_f32(x);
        assert!(back.0 == bits || x.is_nan() && back.to_f32().is_nan(), "{bits:#x}");
        let next = number::F16(bits.wrapping_add(1)).to_f32();
        if bits & 0x7fff < 0x7bff {
            // Half-way between neighbours: the even one.
            let even = if bits & 1 == 0 { bits } else { bits + 1 };
            assert_eq!(number::F16::from_f32((x + next) / 2.0).0, even, "{bits:#x}");
        }
    }
    assert_eq!(number::F16::from_f32(65519.9).0, 0x7bff);
    assert_eq!(number::F16::from_f32(65520.0).0, 0x7c00);
}

fn pairs_agree<V: FromInt, I: FromInt>(handle: MPI_Datatype) {
    use loops::Pair;
    let pair = |v: i64, i: i64| Pair { value: V::from_int(v), index: I::from_int(i) };
    let a: Vec<_> = A.iter().enumerate().map(|(i, v)| pair(*v, i as i64)).collect();
    let b: Vec<_> = B.iter().enumerate().map(|(i, v)| pair(*v, 8 - i as i64)).collect();
    for op in [MPI_MINLOC, MPI_MAXLOC] {
        let got = apply(op, handle, &a, &b).expect("defined for pairs");
        for (i, p) in got.iter().enumerate() {
            let (x, y, j, k) = (A[i], B[i], i as i64, 8 - i as i64);
            let wanted = match (x == y, (x > y) == (op == MPI_MAXLOC)) {
                (true, _) => (x, j.min(k)),
                (_, true) => (x, j),
                _ => (y, k),
            };
            assert_eq!((p.value.to_int(), p.index.to_int()), wanted, "{op:?} {handle:?} element {i}");
        }
    }
}

native!(i16, i32, i64);

#[test]
fn places_of_extremes() {
    pairs_agree::<f32, i32>(MPI_FLOAT_INT);
    pairs_agree::<f64, i32>(MPI_DOUBLE_INT);
    pairs_agree::<i64, i32>(MPI_LONG_INT);
    pairs_agree::<i32, i32>(MPI_2INT);
    pairs_agree::<i16, i32>(MPI_SHORT_INT);
    pairs_agree::<number::F80, i32>(MPI_LONG_DOUBLE_INT);
    pairs_agree::<f32, f32>(MPI_2REAL);
    pairs_agree::<f64, f64>(MPI_2DOUBLE_PRECISION);
    pairs_agree::<i32, i32>(MPI_2INTEGER);
}

/// Which operations the standard defines, and those on `MPI_CHAR`, told by the types' names: the tests above cover exactly these.
#[test]
fn all_other_combinations_are_refused_with_the_reason() {
    let mut defined = 0;
    for handle in predefined::handles() {
        let dt = datatype::predefined(handle);
        for op in OPERATIONS {
            match get(op).and_then(|op| op.check(&dt)) {
                Ok(()) => defined += 1,
                Err(e) => {
                    assert_eq!(e.class, MPI_ERR_OP);
                    assert!(e.text.contains(dt.default_name()), "{}", e.text);
                }
            }
        }
    }
    // 19 C integers with `MPI_CHAR` (10 operations), 9 Fortran and multi-language integers (7), 8 logicals (3), 9 real types (4),
    // 12 complex types (2), bytes (3) and 9 pair types (2).
    assert_eq!(defined, 19 * 10 + 9 * 7 + 8 * 3 + 9 * 4 + 12 * 2 + 3 + 9 * 2);
}

#[test]
fn bad_handles_and_one_sided_operations_are_refused() {
    let class = |r: Result<()>| r.map_err(|e| e.class);
    assert_eq!(class(get(MPI_OP_NULL).map(drop)), Err(MPI_ERR_OP));
    assert_eq!(class(get(MPI_Op(0x3f)).map(drop)), Err(MPI_ERR_OP));
    assert_eq!(class(get(MPI_Op(0x7fff_fff0)).map(drop)), Err(MPI_ERR_OP));
    assert_eq!(class(free(MPI_SUM)), Err(MPI_ERR_OP));
    let int = datatype::predefined(MPI_INT);
    assert_eq!(class(get(MPI_REPLACE).and_then(|op| op.check(&int))), Err(MPI_ERR_OP));
    assert_eq!(apply(MPI_REPLACE, MPI_INT, &[1, 2], &[3, 4]), Ok(vec![1, 2]));
    assert_eq!(apply(MPI_NO_OP, MPI_INT, &[1, 2], &[3, 4]), Ok(vec![3, 4]));
}

unsafe extern "C" fn subtract(
    a: *mut core::ffi::c_void,
    b: *mut core::ffi::c_void,
    len: *mut i32,
    dt: *mut MPI_Datatype,
) {
    // SAFETY: called by `apply` below, with arrays of `*len` integers.
    unsafe {
        assert_eq!(datatype::lookup(*dt).map(|d| d.size()), Ok(8));
        let (a, b) = (a.cast::<i64>(), b.cast::<i64>());
        for i in 0..*len as usize {
            *b.add(i) = *a.add(i) - *b.add(i);
        }
    }
}

#[test]
fn a_user_function_gets_operands_in_order_and_a_usable_type_handle() -> Result<()> {
    let handle = insert(UserOp { function: Function::C(subtract), commutative: false })?;
    assert!(!get(handle)?.is_commutative());
    assert_eq!(apply(handle, MPI_LONG, &[10i64, 20, 30], &[1, 2, 3]), Ok(vec![9, 18, 27]));
    // A type that has no handle of its own: it was made and freed.
    let derived = datatype::predefined(MPI_LONG).duplicate();
    datatype::free(datatype::insert(derived.clone())?)?;
    let mut out = [1i64, 2];
    // SAFETY: arrays of two elements of the type.
    unsafe { get(handle)?.apply([5i64, 5].as_ptr().cast(), out.as_mut_ptr().cast(), 2, &derived)? };
    assert_eq!(out, [4, 3]);
    free(handle)?;
    assert_eq!(get(handle).map(drop).map_err(|e| e.class), Err(MPI_ERR_OP));
    Ok(())
}
