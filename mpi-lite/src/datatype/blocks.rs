//! Moving blocks between a user buffer and a dense message: one, equal ones a step apart, and equal ones anywhere.

/// Which way the bytes go. `user` is the laid-out side, `message` the dense one.
pub trait Direction {
    /// Moves `len` bytes.
    ///
    /// # Safety
    /// Both sides are valid for `len` bytes, the target for writing, and do not overlap.
    unsafe fn bytes(user: *mut u8, message: *mut u8, len: usize);

    /// Moves `N` bytes; `N` is known when compiled, so this is a few moves.
    ///
    /// # Safety
    /// As [`Direction::bytes`] with `N` for `len`.
    unsafe fn array<const N: usize>(user: *mut u8, message: *mut u8);
}

/// From the user buffer into the message.
pub struct Pack;

/// From the message into the user buffer.
pub struct Unpack;

impl Direction for Pack {
    #[inline(always)]
    unsafe fn bytes(user: *mut u8, message: *mut u8, len: usize) {
        // SAFETY: promised by the caller.
        unsafe { message.copy_from_nonoverlapping(user, len) }
    }

    #[inline(always)]
    unsafe fn array<const N: usize>(user: *mut u8, message: *mut u8) {
        // SAFETY: promised by the caller; byte arrays have no alignment.
        unsafe { message.cast::<[u8; N]>().write(user.cast::<[u8; N]>().read()) }
    }
}

impl Direction for Unpack {
    #[inline(always)]
    unsafe fn bytes(user: *mut u8, message: *mut u8, len: usize) {
        // SAFETY: promised by the caller.
        unsafe { user.copy_from_nonoverlapping(message, len) }
    }

    #[inline(always)]
    unsafe fn array<const N: usize>(user: *mut u8, message: *mut u8) {
        // SAFETY: promised by the caller; byte arrays have no alignment.
        unsafe { user.cast::<[u8; N]>().write(message.cast::<[u8; N]>().read()) }
    }
}

/// `base + offset`. Wrapping, because the sums on the way to a block may leave the buffer, as with `MPI_BOTTOM`.
#[inline(always)]
pub fn at(base: *mut u8, offset: i64) -> *mut u8 {
    base.wrapping_offset(offset as isize)
}

/// `base + index * stride`, on the same terms as [`at`].
#[inline(always)]
pub fn step(base: *mut u8, index: u64, stride: i64) -> *mut u8 {
    at(base, (index as i64).wrapping_mul(stride))
}

/// Moves a block that is probably short: not worth a call. One of 8 and one of 16 bytes, which often come mixed, go the same
/// way: a wrong guess of the way costs more than moving some bytes twice.
///
/// # Safety
/// As [`Direction::bytes`].
#[inline(always)]
pub unsafe fn short<D: Direction>(user: *mut u8, message: *mut u8, len: usize) {
    // SAFETY: promised by the caller; of two halves that overlap both are inside.
    unsafe {
        if len > 64 {
            D::bytes(user, message, len);
        } else if len > 16 {
            if len > 32 { ends::<D, 32>(user, message, len) } else { ends::<D, 16>(user, message, len) }
        } else if len >= 8 {
            ends::<D, 8>(user, message, len);
        } else if len >= 4 {
            ends::<D, 4>(user, message, len);
        } else if len >= 2 {
            ends::<D, 2>(user, message, len);
        } else if len == 1 {
            D::array::<1>(user, message);
        }
    }
}

/// Moves a block by its first and its last `N` bytes, which may overlap.
///
/// # Safety
/// As [`Direction::bytes`], and `N <= len <= 2 * N`.
#[inline(always)]
unsafe fn ends<D: Direction, const N: usize>(user: *mut u8, message: *mut u8, len: usize) {
    // SAFETY: promised by the caller.
    unsafe {
        D::array::<N>(user, message);
        D::array::<N>(user.add(len - N), message.add(len - N));
    }
}

/// Moves `n` blocks of `len` bytes, which are `stride` bytes apart in the user buffer and `pitch` bytes in the message.
///
/// # Safety
/// As [`Direction::bytes`] for each.
#[inline(never)]
pub unsafe fn column<D: Direction>(
    len: usize,
    user: *mut u8,
    stride: i64,
    message: *mut u8,
    pitch: usize,
    n: u64,
) {
    let user = |i: u64| step(user, i, stride);
    // SAFETY: promised by the caller.
    let message = |i: u64| unsafe { message.add(i as usize * pitch) };
    // SAFETY: promised by the caller.
    unsafe { blocks::<D>(len, user, message, n) }
}

/// Moves blocks of `len` bytes at the offsets from `base`, one after the other in the message.
///
/// # Safety
/// As [`Direction::bytes`] for each.
#[inline(never)]
pub unsafe fn scatter<D: Direction>(len: usize, base: *mut u8, offsets: &[i64], message: *mut u8) {
    // SAFETY: `blocks` asks for as many as there are offsets.
    let user = |i: u64| at(base, unsafe { *offsets.get_unchecked(i as usize) });
    // SAFETY: promised by the caller.
    let message = |i: u64| unsafe { message.add(i as usize * len) };
    // SAFETY: promised by the caller.
    unsafe { blocks::<D>(len, user, message, offsets.len() as u64) }
}

/// Moves `n` equal blocks, with their length as a constant where it is short or a usual one.
///
/// # Safety
/// As [`Direction::bytes`] for each of the `n` pairs of addresses.
#[inline(always)]
unsafe fn blocks<D: Direction>(
    len: usize,
    user: impl Fn(u64) -> *mut u8,
    message: impl Fn(u64) -> *mut u8,
    n: u64,
) {
    // SAFETY: promised by the caller.
    unsafe {
        match len {
            1 => arrays::<D, 1>(user, message, n),
            2 => arrays::<D, 2>(user, message, n),
            3 => arrays::<D, 3>(user, message, n),
            4 => arrays::<D, 4>(user, message, n),
            5 => arrays::<D, 5>(user, message, n),
            6 => arrays::<D, 6>(user, message, n),
            7 => arrays::<D, 7>(user, message, n),
            8 => arrays::<D, 8>(user, message, n),
            9 => arrays::<D, 9>(user, message, n),
            10 => arrays::<D, 10>(user, message, n),
            11 => arrays::<D, 11>(user, message, n),
            12 => arrays::<D, 12>(user, message, n),
            13 => arrays::<D, 13>(user, message, n),
            14 => arrays::<D, 14>(user, message, n),
            15 => arrays::<D, 15>(user, message, n),
            16 => arrays::<D, 16>(user, message, n),
            20 => arrays::<D, 20>(user, message, n),
            24 => arrays::<D, 24>(user, message, n),
            32 => arrays::<D, 32>(user, message, n),
            64 => arrays::<D, 64>(user, message, n),
            _ => (0..n).for_each(|i| short::<D>(user(i), message(i), len)),
        }
    }
}

/// # Safety
/// As [`blocks`] with `N` for `len`.
#[inline(always)]
unsafe fn arrays<D: Direction, const N: usize>(
    user: impl Fn(u64) -> *mut u8,
    message: impl Fn(u64) -> *mut u8,
    n: u64,
) {
    // Four a turn: a loop's own steps cost as much as a block.
    let fours = n / 4 * 4;
    // SAFETY: promised by the caller.
    let copy = |i: u64| unsafe { D::array::<N>(user(i), message(i)) };
    let mut i = 0;
    while i < fours {
        copy(i);
        copy(i + 1);
        copy(i + 2);
        copy(i + 3);
        i += 4;
    }
    (fours..n).for_each(copy);
}
