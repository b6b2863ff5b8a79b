//! The program's file in memory: its ELF program headers (System V gABI, chapter 5).

use super::regions::Prot;
use crate::arch;
use crate::pvh::Extent;

/// A loadable segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// First byte.
    pub start: u64,
    /// Byte after the last that comes from the file.
    pub file_end: u64,
    /// Byte after the last, zero-initialised data included.
    pub end: u64,
    /// Its rights.
    pub prot: Prot,
}

/// What the program headers say.
#[derive(Clone, Copy)]
pub struct Image {
    bytes: &'static [u8],
    headers: usize,
    count: usize,
}

const PT_LOAD: u32 = 1;
const PT_GNU_EH_FRAME: u32 = 0x6474_e550;
const PT_GNU_STACK: u32 = 0x6474_e551;
const PF_UNIRANK_FILES: u32 = 0x0010_0000;
const HEADER: usize = 56;

impl Image {
    /// The image this kernel is part of.
    pub fn own() -> Self {
        // SAFETY: the linker puts the ELF header at the start of the first loaded segment, program headers behind it.
        let header = unsafe { core::slice::from_raw_parts((&raw const arch::__ehdr_start).cast::<u8>(), 64) };
        let (headers, count) = (u64_at(header, 32) as usize, usize::from(u16_at(header, 56)));
        // SAFETY: as above; the first loaded page holds the header table.
        let bytes = unsafe { core::slice::from_raw_parts(header.as_ptr(), headers + HEADER * count) };
        Self { bytes, headers, count }
    }

    /// An image in these bytes, for tests.
    #[cfg(test)]
    fn of(bytes: &'static [u8]) -> Self {
        Self { bytes, headers: u64_at(bytes, 32) as usize, count: usize::from(u16_at(bytes, 56)) }
    }

    fn header(&self, i: usize) -> &'static [u8] {
        &self.bytes[self.headers + HEADER * i..][..HEADER]
    }

    /// The loadable segments.
    pub fn segments(&self) -> impl Iterator<Item = Segment> + '_ {
        (0..self.count).map(|i| self.header(i)).filter(|h| u32_at(h, 0) == PT_LOAD && u64_at(h, 40) != 0).map(
            |h| {
                let flags = u32_at(h, 4);
                let prot = ((flags >> 2 & 1) | (flags & 2) | (flags & 1) << 2) as u8;
                let start = u64_at(h, 16);
                let (file_end, end) = (start + u64_at(h, 32), start + u64_at(h, 40));
                Segment { start, file_end, end, prot: Prot(prot) }
            },
        )
    }

    /// The program wants its stack executable: nested functions of Fortran and C need it.
    pub fn executable_stack(&self) -> bool {
        (0..self.count).map(|i| self.header(i)).any(|h| u32_at(h, 0) == PT_GNU_STACK && u32_at(h, 4) & 1 != 0)
    }

    /// Address of the search table for call frame information (`.eh_frame_hdr`).
    pub fn eh_frame_header(&self) -> Option<u64> {
        (0..self.count)
            .map(|i| self.header(i))
            .find(|h| u32_at(h, 0) == PT_GNU_EH_FRAME)
            .map(|h| u64_at(h, 16))
    }

    /// The file tree that was packed into the image (`PF_UNIRANK_FILES` of images/src/elf/attach.rs), as it lies in
    /// memory below `ram_end`.
    pub fn files(&self, ram_end: u64) -> Option<Extent> {
        let header = (0..self.count)
            .map(|i| self.header(i))
            .find(|h| u32_at(h, 0) == PT_LOAD && u32_at(h, 4) & PF_UNIRANK_FILES != 0)?;
        let start = u64_at(header, 16);
        let end = start.checked_add(u64_at(header, 40)).filter(|&end| end <= ram_end)?;
        Some(Extent { start, end })
    }

    /// Address of the program header table.
    pub fn headers_address(&self) -> u64 {
        self.bytes.as_ptr() as u64 + self.headers as u64
    }

    /// Number of program headers.
    pub fn header_count(&self) -> u64 {
        self.count as u64
    }

    /// Bytes of one program header.
    pub const fn header_size() -> u64 {
        HEADER as u64
    }

    /// First and last-plus-one address of all segments, page aligned.
    pub fn span(&self) -> (u64, u64) {
        let start = self.segments().map(|s| s.start & !4095).min().unwrap_or(0);
        let end = self.segments().map(|s| s.end.next_multiple_of(4096)).max().unwrap_or(0);
        (start, end)
    }
}

/// Where the kernel's own code, constants and data lie in the image; `link/prelink.ld` marks them.
pub fn kernel_extents() -> [Extent; 3] {
    let extent = |start: *const u8, end: *const u8| Extent { start: start as u64, end: end as u64 };
    [
        extent(&raw const arch::k_text_start, &raw const arch::k_text_end),
        extent(&raw const arch::k_rodata_start, &raw const arch::k_rodata_end),
        extent(&raw const arch::k_data_start, &raw const arch::k_data_end),
    ]
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(kind: u32, flags: u32, start: u64, size: u64) -> Vec<u8> {
        let mut h = vec![0; HEADER];
        h[0..4].copy_from_slice(&kind.to_le_bytes());
        h[4..8].copy_from_slice(&flags.to_le_bytes());
        h[16..24].copy_from_slice(&start.to_le_bytes());
        h[32..40].copy_from_slice(&(size & !0xfff).to_le_bytes());
        h[40..48].copy_from_slice(&size.to_le_bytes());
        h
    }

    #[test]
    fn segments_and_stack() {
        let mut file = vec![0u8; 64];
        file[32..40].copy_from_slice(&64u64.to_le_bytes());
        file[56..58].copy_from_slice(&4u16.to_le_bytes());
        file.extend(header(PT_LOAD, 5, 0x40_0000, 0x1234));
        file.extend(header(PT_LOAD, 6, 0x40_2300, 0x10_0000));
        file.extend(header(4, 4, 0x40_0200, 0x20));
        file.extend(header(PT_GNU_STACK, 6, 0, 0));
        let image = Image::of(Vec::leak(file));
        let segments: Vec<_> = image.segments().collect();
        assert_eq!(
            segments[0],
            Segment { start: 0x40_0000, file_end: 0x40_1000, end: 0x40_1234, prot: Prot(5) }
        );
        assert_eq!(segments[1].prot, Prot::RW);
        assert_eq!(image.span(), (0x40_0000, 0x50_3000));
        assert!(!image.executable_stack());
        assert_eq!(image.files(1 << 32), None);
    }
}
