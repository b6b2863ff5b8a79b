//! A dead rank's memory, read by its own addresses. They come from the guest: each is checked against the RAM there is.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{SeekFrom, seek};
use rustix::io::{Errno, pread};
use unirank_hca::ram::{HIGH_START, LOW_END};

/// RAM of a VM.
#[derive(Clone, Copy, Debug)]
pub struct GuestRam<'a> {
    file: BorrowedFd<'a>,
    len: u64,
}

impl<'a> GuestRam<'a> {
    /// `len` bytes of RAM in `file`.
    pub fn new(file: &'a impl AsFd, len: u64) -> Self {
        Self { file: file.as_fd(), len }
    }

    /// The stretches of addresses that are RAM.
    pub fn extents(&self) -> Vec<(u64, u64)> {
        let high = self.len.saturating_sub(LOW_END);
        let all = [(0, self.len.min(LOW_END)), (HIGH_START, HIGH_START + high)];
        all.into_iter().filter(|(start, end)| start < end).collect()
    }

    /// Where in the file `len` bytes at an address are, if they are RAM in one piece.
    pub fn offset(&self, address: u64, len: u64) -> Option<u64> {
        let end = address.checked_add(len)?;
        let (start, _) = *self.extents().iter().find(|(start, to)| *start <= address && end <= *to)?;
        Some(address - start + if start == 0 { 0 } else { LOW_END })
    }

    /// Reads memory; `None` where there is none.
    pub fn read(&self, address: u64, len: u64) -> Option<Vec<u8>> {
        let offset = self.offset(address, len)?;
        let mut bytes = vec![0; usize::try_from(len).ok()?];
        let mut done = 0;
        while done < bytes.len() {
            match pread(self.file, &mut bytes[done..], offset + done as u64) {
                Ok(0) => return None,
                Ok(n) => done += n,
                Err(Errno::INTR) => {}
                Err(_) => return None,
            }
        }
        Some(bytes)
    }

    /// The first stretch of pages that were ever written, in `[start, end)`, which is RAM.
    pub fn written(&self, start: u64, end: u64) -> Option<(u64, u64)> {
        let offset = self.offset(start, end.checked_sub(start)?)?;
        let place = |position: u64| (start + (position - offset)).min(end);
        let data = seek(self.file, SeekFrom::Data(offset)).ok().map(place).filter(|&data| data < end)?;
        let hole = seek(self.file, SeekFrom::Hole(offset + (data - start))).map_or(end, place);
        Some((data, hole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::memory;

    #[test]
    fn the_hole_is_no_memory() {
        let file = memory::sealed("test", 8 << 30).unwrap();
        let ram = GuestRam::new(&file, 5 << 30);
        assert_eq!(ram.offset(0x1000, 0x1000), Some(0x1000));
        assert_eq!(ram.offset(LOW_END - 1, 2), None);
        assert_eq!(ram.offset(LOW_END, 1), None);
        assert_eq!(ram.offset(HIGH_START, 2 << 30), Some(LOW_END));
        assert_eq!(ram.offset(HIGH_START, (2 << 30) + 1), None);
        assert_eq!(ram.offset(u64::MAX, 2), None);
        assert_eq!(ram.read(u64::MAX - 7, 8), None);
        assert_eq!(GuestRam::new(&file, 1 << 20).extents(), [(0, 1 << 20)]);
    }

    #[test]
    fn only_written_pages_are_found() {
        let file = memory::sealed("test", 8 << 30).unwrap();
        let ram = GuestRam::new(&file, 5 << 30);
        rustix::io::pwrite(&file, b"x", LOW_END + 0x5000).unwrap();
        assert_eq!(ram.written(0, 1 << 20), None);
        let found = ram.written(HIGH_START + 0x1000, HIGH_START + 0x10_0000).unwrap();
        assert_eq!(found, (HIGH_START + 0x5000, HIGH_START + 0x6000));
        assert_eq!(
            ram.written(HIGH_START + 0x5800, HIGH_START + 0x5900),
            Some((HIGH_START + 0x5800, HIGH_START + 0x5900))
        );
        assert_eq!(ram.read(HIGH_START + 0x5000, 2).unwrap(), b"x\0");
    }
}
