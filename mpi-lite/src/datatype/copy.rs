//! Copying between a user buffer laid out as a [`Node`] and a dense message.

use super::blocks::{Direction, at, column, scatter, short, step};
use super::layout::{Node, Part, Run, Shape};

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
                column::<D>(*len as usize, base, *stride, message, *len as usize, *count);
            }
            Shape::Scatter { len, offsets } => scatter::<D>(*len as usize, base, offsets, message),
            Shape::Runs(list) => runs::<D>(list, base, message),
            Shape::Loop { count, stride, body } => items::<D>(body, base, *stride, message, *count),
            Shape::Seq(parts) => {
                for part in parts.iter() {
                    whole::<D>(&part.node, base, message.add(part.start as usize));
                }
            }
        }
    }
}

/// Copies runs to or from their places in a message that begins at `message`.
///
/// # Safety
/// As [`whole`] for the runs and their places.
unsafe fn runs<D: Direction>(runs: &[Run], base: *mut u8, message: *mut u8) {
    for run in runs {
        let place = message.wrapping_add(run.start as usize);
        // SAFETY: the caller's promise.
        unsafe { short::<D>(at(base, run.offset), place, run.len as usize) };
    }
}

/// Items of a loop that have at most so many blocks are copied column by column.
const COLUMNS: usize = 16;
/// Columns are cut so that what they touch stays in the nearest cache: bytes of message, and of memory between the first and the
/// last item, unless there are fewer than eight.
const MESSAGE_TURN: u64 = 4 << 10;
const MEMORY_TURN: u64 = 16 << 10;

/// Copies `n` items of a loop, of which the first is at `base`.
///
/// Where an item is a few blocks, the first block of many items comes first, then their second, and so on: in such a column
/// all lengths are equal, so that nothing has to be decided block by block.
///
/// # Safety
/// As [`whole`] for each item.
unsafe fn items<D: Direction>(body: &Node, base: *mut u8, stride: i64, message: *mut u8, n: u64) {
    // SAFETY: the blocks visited are those of the items, each with its place in the message.
    unsafe {
        let columns = match &body.shape {
            Shape::Strided { count, .. } => *count as usize,
            Shape::Scatter { offsets, .. } => offsets.len(),
            Shape::Runs(runs) => runs.len(),
            _ => usize::MAX,
        };
        if columns > COLUMNS {
            for i in 0..n {
                whole::<D>(body, step(base, i, stride), message.add((i * body.size) as usize));
            }
            return;
        }
        let turn = (MESSAGE_TURN / body.size).min((MEMORY_TURN / stride.unsigned_abs().max(1)).max(8)).max(1);
        let mut first = 0;
        while first < n {
            let count = turn.min(n - first);
            let user = at(step(base, first, stride), body.offset);
            let message = message.add((first * body.size) as usize);
            let copy = |offset: i64, start: u64, len: u64| {
                let message = message.add(start as usize);
                column::<D>(len as usize, at(user, offset), stride, message, body.size as usize, count);
            };
            match &body.shape {
                Shape::Strided { count, stride, len } => {
                    (0..*count).for_each(|i| copy((i as i64).wrapping_mul(*stride), i * len, *len));
                }
                Shape::Scatter { len, offsets } => {
                    (0..).zip(offsets.iter()).for_each(|(i, offset)| copy(*offset, i * len, *len));
                }
                Shape::Runs(runs) => runs.iter().for_each(|run| copy(run.offset, run.start, run.len)),
                _ => {}
            }
            first += count;
        }
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
            Shape::Strided { count: _, stride, len } => uniform(
                message,
                from,
                to,
                *len,
                |first, n, message| {
                    column::<D>(
                        *len as usize,
                        step(base, first, *stride),
                        *stride,
                        message,
                        *len as usize,
                        n,
                    );
                },
                |i, skip, message, n| D::bytes(at(step(base, i, *stride), skip as i64), message, n as usize),
            ),
            Shape::Scatter { len, offsets } => uniform(
                message,
                from,
                to,
                *len,
                |first, n, message| {
                    let offsets = &offsets[first as usize..(first + n) as usize];
                    scatter::<D>(*len as usize, base, offsets, message);
                },
                |i, skip, message, n| {
                    D::bytes(at(at(base, offsets[i as usize]), skip as i64), message, n as usize);
                },
            ),
            Shape::Loop { count: _, stride, body } => uniform(
                message,
                from,
                to,
                body.size,
                |first, n, message| items::<D>(body, step(base, first, *stride), *stride, message, n),
                |i, skip, message, n| range::<D>(body, step(base, i, *stride), message, skip, skip + n),
            ),
            Shape::Runs(runs) => {
                let part = |run: &Run, message: *mut u8| {
                    let (a, b) = (from.max(run.start), to.min(run.start + run.len));
                    let user = at(base, run.offset.wrapping_add((a - run.start) as i64));
                    short::<D>(user, message.wrapping_add((a - from) as usize), (b - a) as usize);
                };
                let (first, last) = (run_at(runs, from), run_at(runs, to - 1));
                part(&runs[first], message);
                if first < last {
                    self::runs::<D>(&runs[first + 1..last], base, message.wrapping_sub(from as usize));
                    part(&runs[last], message);
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

/// Splits `from..to` over items of `len` bytes: the rest of a first item, whole items (the first and how many), the beginning
/// of a last one.
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
    if first < last {
        items(first, last - first, message_at(first * len));
    }
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
