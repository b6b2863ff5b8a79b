//! The portable representation "external32" (MPI 5.0, section 14.5.2): big-endian, fixed sizes, no gaps.

use super::basic::{Basic, Kind};
use super::layout::too_large;
use super::{Datatype, Packer};
use crate::abi::{MPI_ERR_CONVERSION, MPI_ERR_TRUNCATE};
use crate::error::{Result, err};

/// Bytes of `count` elements of `dt`.
pub fn size(dt: &Datatype, count: u64) -> Result<u64> {
    let bytes = dt.body().signature.external_bytes().checked_mul(count);
    bytes.filter(|n| i64::try_from(*n).is_ok()).ok_or_else(|| too_large("external32 size"))
}

/// Writes `count` elements at `buf` to the start of `out`; says how many bytes that were.
///
/// # Safety
/// `buf` holds `count` elements of `dt` and does not overlap `out`.
pub unsafe fn pack(dt: &Datatype, count: usize, buf: *const u8, out: &mut [u8]) -> Result<usize> {
    let needed = size(dt, count as u64)? as usize;
    if needed > out.len() {
        return err(
            MPI_ERR_TRUNCATE,
            format!("{needed} bytes do not fit into the {} left of the buffer", out.len()),
        );
    }
    let mut native = vec![0; dt.packed_size(count)?];
    // SAFETY: promised by the caller; packing only reads.
    unsafe { Packer::new(dt, count, buf.cast_mut()) }.pack(&mut native);
    let (mut from, mut to) = (&native[..], &mut out[..]);
    dt.body().signature.repeated(count as u64)?.for_each_run(&mut |basic, n| {
        for _ in 0..n {
            let (a, rest) = from.split_at(basic.size());
            let (b, space) = std::mem::take(&mut to).split_at_mut(basic.external_size.into());
            encode(basic, a, b)?;
            (from, to) = (rest, space);
        }
        Ok(())
    })?;
    Ok(needed)
}

/// Reads `count` elements from the start of `data` into `buf`; says how many bytes that were.
///
/// # Safety
/// `buf` has room for `count` elements of `dt` and does not overlap `data`.
pub unsafe fn unpack(dt: &Datatype, count: usize, data: &[u8], buf: *mut u8) -> Result<usize> {
    let needed = size(dt, count as u64)? as usize;
    if needed > data.len() {
        return err(
            MPI_ERR_TRUNCATE,
            format!("{count} elements have {needed} bytes, the buffer has {} left", data.len()),
        );
    }
    let native = decoded(dt, dt.body().signature.elements * count as u64, data)?;
    // SAFETY: promised by the caller.
    unsafe { Packer::new(dt, count, buf) }.unpack(&native);
    Ok(needed)
}

/// Message bytes of the first `elements` elements of copies of `dt`, of which `data` has at least as many.
pub fn decoded(dt: &Datatype, elements: u64, data: &[u8]) -> Result<Vec<u8>> {
    let signature = &dt.body().signature;
    let copies = if signature.elements == 0 { 0 } else { elements.div_ceil(signature.elements) };
    let all = signature.repeated(copies)?;
    let mut native = vec![0; all.bytes_of(elements) as usize];
    let (mut from, mut to, mut left) = (data, &mut native[..], elements);
    all.for_each_run(&mut |basic, n| {
        let n = n.min(left);
        left -= n;
        for _ in 0..n {
            let (a, rest) = from.split_at(basic.external_size.into());
            let (b, space) = std::mem::take(&mut to).split_at_mut(basic.size());
            decode(basic, a, b);
            (from, to) = (rest, space);
        }
        Result::Ok(())
    })?;
    Ok(native)
}

/// Number of equal parts of an element: two of a complex number.
fn parts(basic: Basic) -> usize {
    basic.size() / basic.kind.part().size()
}

fn encode(basic: Basic, native: &[u8], external: &mut [u8]) -> Result<()> {
    let n = parts(basic);
    for (from, to) in native.chunks(native.len() / n).zip(external.chunks_mut(external.len() / n)) {
        let quad;
        let from = if basic.kind.part() == Kind::F80 {
            quad = quad_of_extended(from).to_le_bytes();
            &quad[..]
        } else {
            from
        };
        // Least significant first: what does not fit has to repeat the sign (or be zero, for unsigned numbers).
        let (kept, cut) = from.split_at(to.len());
        let negative = basic.kind != Kind::U64 && kept.last().is_some_and(|b| b >> 7 == 1);
        if cut.iter().any(|b| *b != if negative { 0xff } else { 0 }) {
            let text = format!("an integer does not fit the {} bytes it has in external32", to.len());
            return err(MPI_ERR_CONVERSION, text);
        }
        to.iter_mut().zip(kept.iter().rev()).for_each(|(to, from)| *to = *from);
    }
    Ok(())
}

fn decode(basic: Basic, external: &[u8], native: &mut [u8]) {
    let n = parts(basic);
    for (from, to) in external.chunks(external.len() / n).zip(native.chunks_mut(native.len() / n)) {
        if basic.kind.part() == Kind::F80 {
            let quad = from.iter().fold(0, |bits: u128, byte| bits << 8 | u128::from(*byte));
            to.copy_from_slice(&extended_of_quad(quad));
            continue;
        }
        let signed = !matches!(basic.kind, Kind::U64 | Kind::U32 | Kind::U16 | Kind::U8);
        let fill = if signed && from[0] >> 7 == 1 { 0xff } else { 0 };
        to.fill(fill);
        to.iter_mut().zip(from.iter().rev()).for_each(|(to, from)| *to = *from);
    }
}

const EXPONENT: u16 = 0x7fff;
/// Bits by which a binary128 fraction is longer.
const LONGER: u32 = 112 - 63;

/// x87 extended precision as binary128: exact.
fn quad_of_extended(bytes: &[u8]) -> u128 {
    let significand = bytes[..8].iter().rev().fold(0, |bits: u64, byte| bits << 8 | u64::from(*byte));
    let top = u16::from_le_bytes([bytes[8], bytes[9]]);
    // The integer bit is explicit here and implied there; with exponent 0 it stands for exponent 1.
    let exponent = match top & EXPONENT {
        0 => (significand >> 63) as u16,
        e => e,
    };
    u128::from(top & !EXPONENT | exponent) << 112 | u128::from(significand << 1 >> 1) << LONGER
}

/// Binary128 as x87 extended precision in 16 bytes, to nearest, ties to even.
fn extended_of_quad(quad: u128) -> [u8; 16] {
    let top = (quad >> 112) as u16;
    let (sign, mut exponent) = (top & !EXPONENT, top & EXPONENT);
    let fraction = quad & ((1 << 112) - 1);
    let cut = fraction & ((1 << LONGER) - 1);
    let mut significand = (fraction >> LONGER) as u64 | u64::from(exponent != 0) << 63;
    let half = 1 << (LONGER - 1);
    match exponent {
        // A NaN must not become an infinity.
        EXPONENT if fraction != 0 => significand |= 1 << 62,
        EXPONENT => {}
        _ if cut > half || (cut == half && significand & 1 == 1) => match significand.checked_add(1) {
            Some(next) => {
                significand = next;
                exponent += u16::from(exponent == 0 && next >> 63 == 1);
            }
            None => {
                significand = 1 << 63;
                exponent += 1;
            }
        },
        _ => {}
    }
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&significand.to_le_bytes());
    bytes[8..10].copy_from_slice(&(sign | exponent).to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::predefined;
    use super::*;
    use crate::abi::*;

    /// Packs an array of `count` elements, checks the bytes, unpacks and compares.
    fn round_trip<T: Copy + PartialEq + std::fmt::Debug>(ty: MPI_Datatype, values: &[T], wanted: &[u8]) {
        let dt = predefined(ty);
        let count = size_of_val(values) / dt.extent() as usize;
        assert_eq!(size(&dt, count as u64), Ok(wanted.len() as u64), "{dt:?}");
        let mut out = vec![0; wanted.len()];
        // SAFETY: the array is of the type, by the callers below.
        assert_eq!(unsafe { pack(&dt, count, values.as_ptr().cast(), &mut out) }, Ok(wanted.len()), "{dt:?}");
        assert_eq!(out, wanted, "{dt:?}");
        let mut back = values.to_vec();
        back.reverse();
        // SAFETY: as above.
        assert_eq!(unsafe { unpack(&dt, count, &out, back.as_mut_ptr().cast()) }, Ok(wanted.len()));
        assert_eq!(back, values, "{dt:?}");
    }

    #[test]
    fn numbers_become_big_endian_of_the_standards_sizes() {
        round_trip(MPI_INT, &[1i32, -2], &[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe]);
        round_trip(MPI_LONG, &[258i64, -2], &[0, 0, 1, 2, 0xff, 0xff, 0xff, 0xfe]);
        round_trip(MPI_UNSIGNED_LONG, &[0xffff_fffeu64, 1], &[0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 1]);
        round_trip(MPI_LONG_LONG, &[1i64], &[0, 0, 0, 0, 0, 0, 0, 1]);
        round_trip(MPI_WCHAR, &[0x41i32, 0x20ac], &[0, 0x41, 0x20, 0xac]);
        round_trip(MPI_DOUBLE, &[1.0f64], &[0x3f, 0xf0, 0, 0, 0, 0, 0, 0]);
        round_trip(MPI_COMPLEX, &[1.0f32, -2.0], &[0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0]);
        round_trip(MPI_SHORT_INT, &[7i16, 5, 5, 0], &[0, 7, 0, 0, 0, 5]);
        round_trip(MPI_LOGICAL, &[1i32, 0], &[0, 0, 0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn extended_precision_becomes_binary128() {
        // 1.5 = significand 0xc0.., exponent 0x3fff.
        let mut x = [0u8; 16];
        x[7] = 0xc0;
        x[8..10].copy_from_slice(&0x3fffu16.to_le_bytes());
        let mut wanted = [0; 16];
        wanted[..3].copy_from_slice(&[0x3f, 0xff, 0x80]);
        round_trip(MPI_LONG_DOUBLE, &[x], &wanted);
        for (significand, top) in
            [(0, 0), (1, 0), (u64::MAX, 0x7ffe), (1 << 63, 0xffff), (0xc000_0000_0000_0001, 0x7fff)]
        {
            let mut x = [0u8; 16];
            x[..8].copy_from_slice(&u64::to_le_bytes(significand));
            x[8..10].copy_from_slice(&u16::to_le_bytes(top));
            assert_eq!(extended_of_quad(quad_of_extended(&x)), x, "{significand:#x} {top:#x}");
        }
    }

    #[test]
    fn rounding_to_extended_precision_carries_into_the_exponent() {
        let below_two = 0x3fffu128 << 112 | ((1 << 112) - 1);
        let mut two = [0u8; 16];
        two[7] = 0x80;
        two[8..10].copy_from_slice(&0x4000u16.to_le_bytes());
        assert_eq!(extended_of_quad(below_two), two);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let class = |r: Result<usize>| r.map_err(|e| e.class);
        let mut out = [0; 8];
        for wide in [1i64 << 31, -(1 << 31) - 1, i64::MAX] {
            let at = (&raw const wide).cast();
            // SAFETY: one element.
            let long = unsafe { pack(&predefined(MPI_LONG), 1, at, &mut out) };
            assert_eq!(class(long), Err(MPI_ERR_CONVERSION));
        }
        // SAFETY: three integers, and one.
        unsafe {
            assert_eq!(
                class(pack(&predefined(MPI_INT), 3, [0i32; 3].as_ptr().cast(), &mut out)),
                Err(MPI_ERR_TRUNCATE)
            );
            let mut int = 0i32;
            let short = unpack(&predefined(MPI_INT), 1, &out[..3], (&raw mut int).cast());
            assert_eq!(class(short), Err(MPI_ERR_TRUNCATE));
        }
    }
}
