//! Copying between a user buffer laid out as a [`Node`] and a dense message.

use super::layout::{Node, Part, Run, Shape};

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
fn at(base: *mut u8, offset: i64) -> *mut u8 {
    base.wrapping_offset(offset as isize)
}

/// `base + index * stride`, on the same terms as [`at`].
#[inline(always)]
fn step(base: *mut u8, index: u64, stride: i64) -> *mut u8 {
    at(base, (index as i64).wrapping_mul(stride))
}

/// Copies all bytes of `node`.
///
/// # Safety
/// 1. Every block of `node` from `base` lies in memory valid for the direction.
/// 2. `message` is valid for `node.size` bytes and does not overlap the blocks.
pub unsafe fn whole<D: Direction>(node: &Node, base: *mut u8, message: *mut u8) {
    let base = at(base, node.offset);
    // SAFETY: the blocks visited are those of the node, in order; their lengths sum up to `node.size`.
    unsafe {
        match &node.shape {
            Shape::Block => D::bytes(base, message, node.size as usize),
            Shape::Strided { count, stride, len } => {
                blocks::<D>(*len as usize, message, (0..*count).map(|i| step(base, i, *stride)));
            }
            Shape::Scatter { len, offsets } => {
                blocks::<D>(*len as usize, message, offsets.iter().map(|o| at(base, *o)));
            }
            Shape::Runs(runs) => {
                for run in runs.iter() {
                    short::<D>(at(base, run.offset), message.add(run.start as usize), run.len as usize);
                }
            }
            Shape::Loop { count, stride, body } => {
                for i in 0..*count {
                    whole::<D>(body, step(base, i, *stride), message.add((i * body.size) as usize));
                }
            }
            Shape::Seq(parts) => {
                for part in parts.iter() {
                    whole::<D>(&part.node, base, message.add(part.start as usize));
                }
            }
        }
    }
}

/// Moves a block that is probably short: not worth a call for the usual element sizes.
///
/// # Safety
/// As [`Direction::bytes`].
#[inline(always)]
unsafe fn short<D: Direction>(user: *mut u8, message: *mut u8, len: usize) {
    // SAFETY: promised by the caller.
    unsafe {
        match len {
            4 => D::array::<4>(user, message),
            8 => D::array::<8>(user, message),
            16 => D::array::<16>(user, message),
            _ => D::bytes(user, message, len),
        }
    }
}

/// Moves equal blocks with the length as a constant where it is a usual one.
///
/// # Safety
/// Every address is valid for `len` bytes, `message` for as many times `len`; no overlap.
#[inline(always)]
unsafe fn blocks<D: Direction>(len: usize, message: *mut u8, users: impl Iterator<Item = *mut u8>) {
    // SAFETY: promised by the caller.
    unsafe {
        match len {
            1 => arrays::<D, 1>(message, users),
            2 => arrays::<D, 2>(message, users),
            4 => arrays::<D, 4>(message, users),
            8 => arrays::<D, 8>(message, users),
            12 => arrays::<D, 12>(message, users),
            16 => arrays::<D, 16>(message, users),
            24 => arrays::<D, 24>(message, users),
            32 => arrays::<D, 32>(message, users),
            64 => arrays::<D, 64>(message, users),
            _ => {
                for (i, user) in users.enumerate() {
                    D::bytes(user, message.add(i * len), len);
                }
            }
        }
    }
}

/// # Safety
/// As [`blocks`] with `N` for `len`.
#[inline(always)]
unsafe fn arrays<D: Direction, const N: usize>(message: *mut u8, users: impl Iterator<Item = *mut u8>) {
    for (i, user) in users.enumerate() {
        // SAFETY: promised by the caller.
        unsafe { D::array::<N>(user, message.add(i * N)) }
    }
}

/// Copies the message bytes `from..to` of `node`; `message` receives or gives byte `from` first.
///
/// # Safety
/// 1. `from <= to <= node.size`.
/// 2. As for [`whole`], for the blocks touched and `to - from` message bytes.
pub unsafe fn range<D: Direction>(node: &Node, base: *mut u8, message: *mut u8, from: u64, to: u64) {
    if from == to {
        return;
    }
    if from == 0 && to == node.size {
        // SAFETY: the same conditions.
        return unsafe { whole::<D>(node, base, message) };
    }
    let base = at(base, node.offset);
    // SAFETY: each arm copies exactly the blocks, or parts of them, that hold `from..to`, in order.
    unsafe {
        match &node.shape {
            Shape::Block => D::bytes(at(base, from as i64), message, (to - from) as usize),
            Shape::Strided { count: _, stride, len } => {
                uniform(
                    message,
                    from,
                    to,
                    *len,
                    |first, last, message| {
                        blocks::<D>(*len as usize, message, (first..last).map(|i| step(base, i, *stride)));
                    },
                    |i, skip, message, n| {
                        D::bytes(at(step(base, i, *stride), skip as i64), message, n as usize)
                    },
                );
            }
            Shape::Scatter { len, offsets } => {
                uniform(
                    message,
                    from,
                    to,
                    *len,
                    |first, last, message| {
                        let offsets = &offsets[first as usize..last as usize];
                        blocks::<D>(*len as usize, message, offsets.iter().map(|o| at(base, *o)));
                    },
                    |i, skip, message, n| {
                        D::bytes(at(at(base, offsets[i as usize]), skip as i64), message, n as usize);
                    },
                );
            }
            Shape::Loop { count: _, stride, body } => {
                uniform(
                    message,
                    from,
                    to,
                    body.size,
                    |first, last, message| {
                        for i in first..last {
                            whole::<D>(
                                body,
                                step(base, i, *stride),
                                message.add(((i - first) * body.size) as usize),
                            );
                        }
                    },
                    |i, skip, message, n| range::<D>(body, step(base, i, *stride), message, skip, skip + n),
                );
            }
            Shape::Runs(runs) => {
                for run in &runs[run_at(runs, from)..] {
                    if run.start >= to {
                        break;
                    }
                    let (a, b) = (from.max(run.start), to.min(run.start + run.len));
                    let user = at(base, run.offset.wrapping_add((a - run.start) as i64));
                    D::bytes(user, message.add((a - from) as usize), (b - a) as usize);
                }
            }
            Shape::Seq(parts) => {
                for part in &parts[part_at(parts, from)..] {
                    if part.start >= to {
                        break;
                    }
                    let (a, b) = (from.max(part.start), to.min(part.start + part.node.size));
                    let message = message.add((a - from) as usize);
                    range::<D>(&part.node, base, message, a - part.start, b - part.start);
                }
            }
        }
    }
}

/// Splits `from..to` over items of `len` bytes: the rest of a first item, whole items, the beginning of a last one.
#[inline(always)]
fn uniform(
    message: *mut u8,
    from: u64,
    to: u64,
    len: u64,
    items: impl FnOnce(u64, u64, *mut u8),
    part: impl Fn(u64, u64, *mut u8, u64),
) {
    let message_at = |byte: u64| message.wrapping_add((byte - from) as usize);
    let (mut first, skip) = (from / len, from % len);
    if skip != 0 {
        let end = to.min((first + 1) * len);
        part(first, skip, message, end - from);
        first += 1;
        if end == to {
            return;
        }
    }
    let (last, rest) = (to / len, to % len);
    items(first, last, message_at(first * len));
    if rest != 0 {
        part(last, 0, message_at(last * len), rest);
    }
}

/// Index of the run that holds message byte `byte`.
fn run_at(runs: &[Run], byte: u64) -> usize {
    runs.partition_point(|r| r.start <= byte) - 1
}

/// Index of the part that holds message byte `byte`.
fn part_at(parts: &[Part], byte: u64) -> usize {
    parts.partition_point(|p| p.start <= byte) - 1
}

/// Where message byte `byte` of `node` lies relative to the base, and how many bytes are dense from there.
/// `byte < node.size`.
pub fn locate(node: &Node, byte: u64) -> (i64, u64) {
    let (offset, len) = match &node.shape {
        Shape::Block => (byte as i64, node.size - byte),
        Shape::Strided { stride, len, .. } => {
            let (i, skip) = (byte / len, byte % len);
            ((i as i64).wrapping_mul(*stride).wrapping_add(skip as i64), len - skip)
        }
        Shape::Scatter { len, offsets } => {
            let skip = byte % len;
            (offsets[(byte / len) as usize].wrapping_add(skip as i64), len - skip)
        }
        Shape::Runs(runs) => {
            let run = &runs[run_at(runs, byte)];
            let skip = byte - run.start;
            (run.offset.wrapping_add(skip as i64), run.len - skip)
        }
        Shape::Loop { stride, body, .. } => {
            let (offset, len) = locate(body, byte % body.size);
            (((byte / body.size) as i64).wrapping_mul(*stride).wrapping_add(offset), len)
        }
        Shape::Seq(parts) => {
            let part = &parts[part_at(parts, byte)];
            locate(&part.node, byte - part.start)
        }
    };
    (node.offset.wrapping_add(offset), len)
}
