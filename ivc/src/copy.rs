//! Copies of large blocks: the widest vectors the processor has, and stores past the caches where nobody will read the
//! target from a cache anyway.
//!
//! `unirank bench copy` prints the bandwidth of this routine beside that of the C library's `memcpy`.

use core::arch::asm;
use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
use core::sync::atomic::{AtomicU8, Ordering};

/// Below this the C library's routine is as good, and knows all the small cases. From 4 KiB on it may use `rep movsb`, which
/// takes ten times as long where the lines are in another core's cache (`unirank bench compare`, latency of 4 KiB).
const LARGE: usize = 512;
/// From here on stores go past the caches: target and source together are more than a core's share of them.
pub const STREAM: usize = 16 << 20;

/// Widths of vectors that may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Width {
    /// 16 bytes: every x86-64 processor.
    Sse2 = 1,
    /// 32 bytes.
    Avx = 2,
    /// 64 bytes.
    Avx512 = 3,
}

static WIDTH: AtomicU8 = AtomicU8::new(0);

/// The widest vectors that processor and system allow.
pub fn width() -> Width {
    match WIDTH.load(Ordering::Relaxed) {
        1 => Width::Sse2,
        2 => Width::Avx,
        3 => Width::Avx512,
        _ => {
            let width = detect();
            WIDTH.store(width as u8, Ordering::Relaxed);
            width
        }
    }
}

/// Intel SDM volume 1, 14.3 and 15.2: what the processor has, and which registers the system saves.
fn detect() -> Width {
    const OSXSAVE: u32 = 1 << 27;
    const AVX: u32 = 1 << 28;
    const AVX512F: u32 = 1 << 16;
    /// SSE and AVX state.
    const YMM: u64 = 0x6;
    /// Those and the mask and 512-bit registers.
    const ZMM: u64 = 0xe6;
    let features = __cpuid(1).ecx;
    if features & (OSXSAVE | AVX) != OSXSAVE | AVX {
        return Width::Sse2;
    }
    // SAFETY: the instruction exists where OSXSAVE says so.
    let enabled = unsafe { xgetbv() };
    let wide = __cpuid(0).eax >= 7 && __cpuid_count(7, 0).ebx & AVX512F != 0;
    match enabled {
        e if wide && e & ZMM == ZMM => Width::Avx512,
        e if e & YMM == YMM => Width::Avx,
        _ => Width::Sse2,
    }
}

#[target_feature(enable = "xsave")]
fn xgetbv() -> u64 {
    // SAFETY: register 0 always exists.
    unsafe { _xgetbv(0) }
}

/// Copies `len` bytes.
///
/// # Safety
/// `source` is readable and `target` writable for `len` bytes, and they do not overlap.
#[inline]
pub unsafe fn copy(target: *mut u8, source: *const u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if len < LARGE {
            target.copy_from_nonoverlapping(source, len);
        } else {
            copy_large(target, source, len, width(), len >= STREAM);
        }
    }
}

/// Copies with vectors of `width`, with stores past the caches if `stream`.
///
/// # Safety
/// As [`copy`]; the processor has vectors of that width; `len` is 512 or more.
pub unsafe fn copy_large(target: *mut u8, source: *const u8, len: usize, width: Width, stream: bool) {
    debug_assert!(len >= 512);
    // The first bytes bring the target to a line; the loop then moves blocks of 256 bytes; the last bytes follow.
    let head = target.align_offset(64);
    let blocks = (len - head) / 256;
    let middle = head + blocks * 256;
    // SAFETY: the parts are `[0, head)`, `[head, middle)` and `[middle, len)` of what the caller promised.
    unsafe {
        target.copy_from_nonoverlapping(source, head);
        if blocks > 0 {
            move_blocks(target.add(head), source.add(head), blocks, width, stream);
        }
        target.add(middle).copy_from_nonoverlapping(source.add(middle), len - middle);
    }
}

/// The loop of [`move_blocks`] for one kind of instruction: load, store, register, bytes of a register, and after the loop.
macro_rules! blocks {
    ($target:ident, $source:ident, $blocks:ident, $load:literal, $store:literal, $reg:literal, $width:literal, $end:literal) => {
        asm!(
            "2:",
            concat!($load, " ", $reg, "0, [{s}]"),
            concat!($load, " ", $reg, "1, [{s} + ", $width, "]"),
            concat!($load, " ", $reg, "2, [{s} + 2 * ", $width, "]"),
            concat!($load, " ", $reg, "3, [{s} + 3 * ", $width, "]"),
            concat!($store, " [{t}], ", $reg, "0"),
            concat!($store, " [{t} + ", $width, "], ", $reg, "1"),
            concat!($store, " [{t} + 2 * ", $width, "], ", $reg, "2"),
            concat!($store, " [{t} + 3 * ", $width, "], ", $reg, "3"),
            concat!("add {s}, 4 * ", $width),
            concat!("add {t}, 4 * ", $width),
            "dec {n}",
            "jnz 2b",
            $end,
            s = inout(reg) $source => _,
            t = inout(reg) $target => _,
            n = inout(reg) $blocks => _,
            out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
            options(nostack)
        )
    };
}

/// # Safety
/// As [`copy_large`] for `blocks` blocks of 256 bytes, at least one; `target` is aligned to 64.
unsafe fn move_blocks(target: *mut u8, source: *const u8, blocks: usize, width: Width, stream: bool) {
    // SAFETY: the caller's promise; the loops move 256 bytes, or two or four times as often a part of that. Stores past the
    // caches are ordered by the fence behind them.
    unsafe {
        match (width, stream) {
            (Width::Avx512, false) => {
                blocks!(target, source, blocks, "vmovdqu64", "vmovdqa64", "zmm", "64", "vzeroupper")
            }
            (Width::Avx512, true) => {
                blocks!(target, source, blocks, "vmovdqu64", "vmovntdq", "zmm", "64", "sfence\nvzeroupper")
            }
            (Width::Avx, false) => {
                let blocks = 2 * blocks;
                blocks!(target, source, blocks, "vmovdqu", "vmovdqa", "ymm", "32", "vzeroupper")
            }
            (Width::Avx, true) => {
                let blocks = 2 * blocks;
                blocks!(target, source, blocks, "vmovdqu", "vmovntdq", "ymm", "32", "sfence\nvzeroupper")
            }
            (Width::Sse2, false) => {
                let blocks = 4 * blocks;
                blocks!(target, source, blocks, "movdqu", "movdqa", "xmm", "16", "")
            }
            (Width::Sse2, true) => {
                let blocks = 4 * blocks;
                blocks!(target, source, blocks, "movdqu", "movntdq", "xmm", "16", "sfence")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    fn widths() -> impl Iterator<Item = Width> {
        [Width::Sse2, Width::Avx, Width::Avx512].into_iter().filter(|w| *w as u8 <= width() as u8)
    }

    #[test]
    fn all_lengths_and_alignments_are_copied_and_nothing_else() {
        let source: Vec<u8> = (0..20_000).map(|i| (i * 7 + (i >> 8)) as u8).collect();
        for width in widths() {
            for stream in [false, true] {
                for (from, to) in [(0, 0), (1, 0), (0, 1), (63, 17), (8, 56)] {
                    for len in [512, 513, 575, 767, 768, 769, 1024, 4096, 4097, 9999] {
                        let mut target = vec![0xa5u8; 12_000];
                        // SAFETY: both vectors are longer than what is copied from the places.
                        unsafe {
                            copy_large(
                                target.as_mut_ptr().add(to),
                                source.as_ptr().add(from),
                                len,
                                width,
                                stream,
                            )
                        };
                        assert!(
                            target[to..to + len] == source[from..from + len],
                            "{width:?} {stream} {from} {to} {len}"
                        );
                        let outside = target[..to].iter().chain(&target[to + len..]);
                        assert!(outside.into_iter().all(|byte| *byte == 0xa5));
                    }
                }
            }
        }
    }

    #[test]
    fn small_and_very_large_copies_are_whole() {
        for len in [0, 1, 100, 4095, 4096, STREAM + 77] {
            let source: Vec<u8> = (0..len).map(|i| (i ^ i >> 11) as u8).collect();
            let mut target = vec![0; len];
            // SAFETY: vectors of that length.
            unsafe { copy(target.as_mut_ptr(), source.as_ptr(), len) };
            assert!(target == source, "{len}");
        }
    }
}
