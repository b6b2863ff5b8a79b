//! Large pages of the host, for memory that the program is about to use for the first time.
//!
//! The first touch of a page of 4 KiB leaves the VM, and the host finds a page, 512 times for 2 MiB. The launcher can put one
//! large page there in a tenth of the time (`unirank run --hugepages`), if it knows in time: the rank tells which memory its
//! program is given, and waits for the launcher's answer before the program gets it.

use super::image::Image;
use super::paging::LARGE;
use crate::cell::KernelCell;
use crate::{bootconfig, hca_dev, irq, time};

/// Longest wait for an answer. A launcher that takes longer is still told, but no longer waited for.
const PATIENCE_NS: u64 = 100_000_000;
/// How often it is looked whether the answer is there: it comes without an interrupt.
const LOOK_NS: u64 = 100_000;

struct Asked {
    /// Requests made, and thus answers to come.
    requests: u32,
    waits: bool,
}

static ASKED: KernelCell<Asked> = KernelCell::new(Asked { requests: 0, waits: true });

/// Fewer stretches at a time are not worth the wait.
const LEAST: u64 = 2;

/// The stretches of 2 MiB that a range has half of or more.
fn stretches(start: u64, end: u64) -> (u64, u64) {
    let nearest = |address: u64| address.saturating_add(LARGE / 2) / LARGE * LARGE;
    (nearest(start), nearest(end))
}

/// The program is about to use `[start, end)` for the first time. Nothing may be borrowed.
pub fn prepare(start: u64, end: u64) {
    let (start, end) = stretches(start, end);
    if end.saturating_sub(start) < LEAST * LARGE || !bootconfig::get().large {
        return;
    }
    let (request, waits) = {
        let mut asked = ASKED.borrow();
        asked.requests = asked.requests.wrapping_add(1);
        (asked.requests, asked.waits)
    };
    ctl!("large {start:x} {end:x}");
    if waits && !is_answered(request) {
        ASKED.borrow().waits = false;
    }
}

/// The same for the part of the image that is zero.
pub fn prepare_image() {
    Image::own().segments().for_each(|segment| prepare(segment.file_end, segment.end));
}

/// Waits until the launcher has seen to this request; false if it takes too long.
fn is_answered(request: u32) -> bool {
    let give_up = time::now_ns() + PATIENCE_NS;
    loop {
        // Answers come in order. Without an adapter there is nobody to answer.
        let is_there = || hca_dev::prepared().is_none_or(|answers| answers.wrapping_sub(request) as i32 >= 0);
        let now = time::now_ns();
        if irq::wait_until(is_there, Some(now + LOOK_NS)) {
            return true;
        }
        if now >= give_up {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_stretch_counts_when_half_of_it_does() {
        assert_eq!(stretches(4 * MIB, 8 * MIB), (4 * MIB, 8 * MIB));
        assert_eq!(stretches(5 * MIB - 1, 7 * MIB), (4 * MIB, 8 * MIB));
        assert_eq!(stretches(5 * MIB, 7 * MIB - 1), (6 * MIB, 6 * MIB));
        let (start, end) = stretches(5 * MIB + 4096, 6 * MIB + 4096);
        assert!(start >= end);
    }
}
