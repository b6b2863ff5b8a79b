//! What lies where in the job region.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 KiB | header, see [`field`] |
//! | `pages` | 4 KiB per rank | what the rank tells the others ([`crate::page`]) |
//! | `directory` | 4 bytes per ordered pair of ranks | where the pair's ring lies: offset / 64, 0 while there is none |
//! | `trace` | `trace_len` per rank | trace records, when the runner asked for them |
//! | `heap` | the rest | rings, segments of collectives, shared windows ([`crate::heap`]) |
//!
//! The runner writes the header before the first rank starts; ranks only read it, but for the heap's words.

use core::fmt;

/// `UNIRIVC\0`, little-endian.
pub const MAGIC: u64 = u64::from_le_bytes(*b"UNIRIVC\0");
/// Version of everything in the region.
pub const VERSION: u32 = 1;
/// Bytes of the header, of a rank's page, and the alignment of every part.
pub const PAGE: u64 = 4096;
/// Most ranks of a job on one host.
pub const MAX_RANKS: u32 = 1024;

/// Offsets in the header.
pub mod field {
    /// u64: [`super::MAGIC`].
    pub const MAGIC: usize = 0x00;
    /// u32: [`super::VERSION`].
    pub const VERSION: usize = 0x08;
    /// u32: ranks of the job on this host.
    pub const RANKS: usize = 0x0c;
    /// u64: bytes of the region.
    pub const LEN: usize = 0x10;
    /// u64: the host backend's number of the job.
    pub const JOB: usize = 0x18;
    /// u64: offset of the ranks' pages.
    pub const PAGES: usize = 0x20;
    /// u64: offset of the directory.
    pub const DIRECTORY: usize = 0x28;
    /// u64: offset of the trace records.
    pub const TRACE: usize = 0x30;
    /// u64: bytes of trace records of each rank.
    pub const TRACE_LEN: usize = 0x38;
    /// u64: offset of the heap.
    pub const HEAP: usize = 0x40;
    /// u32: bytes of a ring.
    pub const RING: usize = 0x48;
    /// u32: rank + 1 of who changes the heap now, else 0.
    pub const HEAP_LOCK: usize = 0x100;
    /// u64: first byte of the heap never given out.
    pub const HEAP_NEXT: usize = 0x108;
    /// u64 each: first free block of each size class, 0 for none.
    pub const HEAP_FREE: usize = 0x110;
}

/// Where the parts are. Checked: every part lies in the region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// Ranks of the job on this host.
    pub ranks: u32,
    /// Bytes of the region; a power of two, as a PCI range must be.
    pub len: u64,
    /// The host backend's number of the job.
    pub job: u64,
    /// Offset of the ranks' pages.
    pub pages: u64,
    /// Offset of the directory.
    pub directory: u64,
    /// Offset of the trace records.
    pub trace: u64,
    /// Bytes of trace records of each rank; 0 without tracing.
    pub trace_len: u64,
    /// Offset of the heap.
    pub heap: u64,
    /// Bytes of a ring; a power of two.
    pub ring: u32,
}

/// Why a region cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegionError {
    /// Not [`MAGIC`].
    Magic(u64),
    /// Another version than [`VERSION`].
    Version(u32),
    /// Shorter than it says, or than its parts need.
    Length {
        /// Bytes that are there.
        found: u64,
        /// Bytes that are wanted.
        wanted: u64,
    },
    /// A part is misplaced, or a number out of range.
    Damaged(&'static str),
}

impl fmt::Display for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic(found) => {
                write!(f, "the job region has magic {found:#x}, wanted {MAGIC:#x}: it is none of unirank's")
            }
            Self::Version(found) => write!(
                f,
                "the job region has version {found}, this image knows version {VERSION}: rebuild the image, or use the unirank it was built with"
            ),
            Self::Length { found, wanted } => {
                write!(
                    f,
                    "the job region has {found} bytes, wanted {wanted}: its file was cut or is another's"
                )
            }
            Self::Damaged(what) => write!(f, "the job region is damaged: {what}"),
        }
    }
}

impl core::error::Error for RegionError {}

/// Bytes of a ring in a job of so many ranks: rings of all pairs together stay within bounds.
const fn ring(ranks: u32) -> u32 {
    match ranks {
        0..=128 => 64 << 10,
        129..=512 => 32 << 10,
        _ => 16 << 10,
    }
}

/// Heap that rings may take at most: pairs beyond use the adapter. Pages that are not touched cost nothing.
const RINGS_MOST: u64 = 4 << 30;

impl Layout {
    /// A region for `ranks` ranks, with `trace_len` bytes of trace records for each and `shared` bytes of heap beside
    /// what rings need.
    pub const fn new(job: u64, ranks: u32, trace_len: u64, shared: u64) -> Layout {
        let n = ranks as u64;
        let ring = ring(ranks);
        let pages = PAGE;
        let directory = pages + n * PAGE;
        let trace = (directory + 4 * n * n).next_multiple_of(PAGE);
        let trace_len = trace_len.next_multiple_of(PAGE);
        let heap = trace + n * trace_len;
        let all_rings = n * n * ring as u64;
        let rings = if all_rings < RINGS_MOST { all_rings } else { RINGS_MOST };
        let len = (heap + rings + shared).next_power_of_two();
        Layout { ranks, len, job, pages, directory, trace, trace_len, heap, ring }
    }

    /// Checks a layout that a header claims for a region of which `mapped` bytes are there.
    pub fn check(self, mapped: u64) -> Result<Layout, RegionError> {
        let Layout { ranks, len, pages, directory, trace, trace_len, heap, ring, .. } = self;
        if len > mapped {
            return Err(RegionError::Length { found: mapped, wanted: len });
        }
        if ranks == 0 || ranks > MAX_RANKS {
            return Err(RegionError::Damaged("its number of ranks is out of range"));
        }
        if !ring.is_power_of_two() || !(16 << 10..=1 << 20).contains(&ring) {
            return Err(RegionError::Damaged("its rings have an impossible size"));
        }
        let n = u64::from(ranks);
        let traces = trace_len.checked_mul(n).ok_or(RegionError::Damaged("its trace is too long"))?;
        // In this order, with room for each.
        let parts = [(pages, n * PAGE), (directory, 4 * n * n), (trace, traces), (heap, 0)];
        let mut end = PAGE;
        for (start, size) in parts {
            let next = start.checked_add(size);
            match next {
                Some(next) if start >= end && start % PAGE == 0 && next <= len => end = next,
                _ => return Err(RegionError::Damaged("its parts overlap or lie outside of it")),
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_of_all_sizes_pass_their_own_check() {
        for ranks in [1, 2, 3, 16, 64, 65, 128, 257, 1024] {
            for (trace, shared) in [(0, 0), (1 << 20, 1 << 30)] {
                let layout = Layout::new(7, ranks, trace, shared);
                assert_eq!(layout.check(layout.len), Ok(layout));
                assert!(layout.len.is_power_of_two() && layout.len - layout.heap >= shared);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let good = Layout::new(7, 4, 0, 1 << 20);
        let found = good.len - 1;
        assert_eq!(good.check(found), Err(RegionError::Length { found, wanted: good.len }));
        for bad in [
            Layout { ranks: 0, ..good },
            Layout { ranks: MAX_RANKS + 1, ..good },
            Layout { ring: 30_000, ..good },
            Layout { ring: 8192, ..good },
            Layout { pages: 0, ..good },
            Layout { directory: good.pages, ..good },
            Layout { heap: good.len + PAGE, ..good },
            Layout { trace_len: u64::MAX / 2, ..good },
            Layout { trace: u64::MAX - 100, ..good },
            Layout { heap: good.heap + 1, ..good },
        ] {
            assert!(matches!(bad.check(good.len), Err(RegionError::Damaged(_))), "{bad:?}");
        }
    }

    #[test]
    fn refusals_name_both_versions() {
        let text = std::format!("{}", RegionError::Version(9));
        assert!(text.contains("version 9") && text.contains("version 1"), "{text}");
    }
}
