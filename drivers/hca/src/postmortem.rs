//! What a rank that dies leaves in its memory for whoever writes its core file: registers of its threads and the map of
//! its address space.
//!
//! The library OS writes the record somewhere into its RAM and tells address and length on the control console. All
//! numbers are little-endian:
//!
//! | part | content |
//! |---|---|
//! | header, 80 bytes | magic, version u32, bytes of the record u32, threads u32, regions u32, signal u32, code i32, value u64, address and bytes of the auxiliary vector u64 u64, enabled vector states (XCR0) u64, bytes of a thread's vector state u32, zero u32, checksum u64 |
//! | each thread | tid u32, zero u32, name 16 bytes, 27 registers u64, vector state in the format of XSAVE |
//! | each region | first byte u64, byte after the last u64, rights u64 (1 read, 2 write, 4 execute) |
//!
//! The first thread is the one that died. The checksum is FNV-1a (64 bit) of everything behind the header: a record that
//! the dying rank did not finish, or that somebody wrote over, is not taken for one.

use alloc::vec::Vec;
use core::fmt;

/// `UNIRPM\0\0`, little-endian.
const MAGIC: u64 = u64::from_le_bytes(*b"UNIRPM\0\0");
/// Version of the record.
pub const VERSION: u32 = 1;
/// Bytes of the header.
const HEADER: usize = 80;
/// Bytes of a thread without its vector state.
const THREAD: usize = 24 + 8 * REGISTERS;
const REGION: usize = 24;
/// Longest record that is read.
pub const MOST: usize = 16 << 20;
/// Longest vector state.
const MOST_VECTORS: usize = 16 << 10;

/// Registers of a thread, in the order of Linux's `struct user_regs_struct` (`sys/user.h`): r15, r14, r13, r12, rbp, rbx,
/// r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs.
pub const REGISTERS: usize = 27;

/// A thread's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread<'a> {
    /// Its number.
    pub tid: u32,
    /// Its name, ended by NUL if shorter.
    pub name: [u8; 16],
    /// See [`REGISTERS`].
    pub registers: [u64; REGISTERS],
    /// Its vector registers: as long as every other thread's, in the format of XSAVE (FXSAVE if 512 bytes).
    pub vectors: &'a [u8],
}

/// A stretch of memory with equal rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub start: u64,
    /// Byte after the last.
    pub end: u64,
    /// The `PROT_` bits of `mmap`.
    pub rights: u8,
}

/// How a rank died.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record<'a> {
    /// The signal that Linux would have sent.
    pub signal: u32,
    /// Its `si_code`.
    pub code: i32,
    /// Its `si_addr`.
    pub value: u64,
    /// Address and bytes of the auxiliary vector.
    pub auxv: (u64, u64),
    /// Vector states that are enabled: XCR0.
    pub xcr0: u64,
    /// The threads, the one that died first.
    pub threads: Vec<Thread<'a>>,
    /// The address space, ascending; none if the rank died while it was changed.
    pub regions: Vec<Region>,
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It does not begin as one.
    Magic,
    /// It is of another version.
    Version(u32),
    /// Its lengths contradict each other.
    Length,
    /// Its checksum is wrong.
    Checksum,
    /// Its regions are not pages in ascending order.
    Regions,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => write!(f, "it does not begin as a record"),
            Self::Version(version) => write!(f, "it is of version {version}, not {VERSION}"),
            Self::Length => write!(f, "its lengths contradict each other"),
            Self::Checksum => write!(f, "its checksum is wrong"),
            Self::Regions => write!(f, "its regions are not pages in ascending order"),
        }
    }
}

impl Record<'_> {
    /// The record as bytes; None without memory for them.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let vectors = self.threads.first().map_or(0, |thread| thread.vectors.len());
        let len = HEADER + self.threads.len() * (THREAD + vectors) + self.regions.len() * REGION;
        let mut out = Vec::new();
        out.try_reserve_exact(len).ok()?;
        out.resize(HEADER, 0);
        for thread in &self.threads {
            out.extend(u64::from(thread.tid).to_le_bytes());
            out.extend(thread.name);
            thread.registers.iter().for_each(|register| out.extend(register.to_le_bytes()));
            out.extend(&thread.vectors[..vectors.min(thread.vectors.len())]);
            // A thread whose vector registers are not known has zeros.
            out.resize(out.len() + vectors.saturating_sub(thread.vectors.len()), 0);
        }
        for region in &self.regions {
            [region.start, region.end, region.rights.into()].iter().for_each(|n| out.extend(n.to_le_bytes()));
        }
        let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        let header = [
            MAGIC,
            pair(VERSION, len as u32),
            pair(self.threads.len() as u32, self.regions.len() as u32),
            pair(self.signal, self.code as u32),
            self.value,
            self.auxv.0,
            self.auxv.1,
            self.xcr0,
            vectors as u64,
            checksum(&out[HEADER..]),
        ];
        out.chunks_exact_mut(8).zip(header).for_each(|(to, word)| to.copy_from_slice(&word.to_le_bytes()));
        Some(out)
    }
}

impl<'a> Record<'a> {
    /// Reads a record, which may be anything.
    pub fn decode(data: &'a [u8]) -> Result<Self, Error> {
        let at = |i: usize| word(data, 8 * i);
        let halves = |i: usize| (at(i) as u32, (at(i) >> 32) as u32);
        if data.len() < HEADER || at(0) != MAGIC {
            return Err(Error::Magic);
        }
        let ((version, len), (threads, regions), vectors) = (halves(1), halves(2), at(8));
        if version != VERSION {
            return Err(Error::Version(version));
        }
        if vectors > MOST_VECTORS as u64 || data.len() > MOST {
            return Err(Error::Length);
        }
        // All three factors are below 2^32.
        let (thread_len, vectors) = (THREAD as u64 + vectors, vectors as usize);
        let needed = HEADER as u64 + u64::from(threads) * thread_len + u64::from(regions) * REGION as u64;
        if needed != data.len() as u64 || u64::from(len) != needed {
            return Err(Error::Length);
        }
        if checksum(&data[HEADER..]) != at(9) {
            return Err(Error::Checksum);
        }
        let (thread_bytes, region_bytes) = data[HEADER..].split_at(threads as usize * thread_len as usize);
        let regions: Vec<Region> = region_bytes.chunks_exact(REGION).map(Region::read).collect();
        let mut free = 0;
        for region in &regions {
            if region.start % 4096 != 0
                || region.end % 4096 != 0
                || region.start < free
                || region.end <= region.start
            {
                return Err(Error::Regions);
            }
            free = region.end;
        }
        let (signal, code) = halves(3);
        Ok(Self {
            signal,
            code: code as i32,
            value: at(4),
            auxv: (at(5), at(6)),
            xcr0: at(7),
            threads: thread_bytes.chunks_exact(THREAD + vectors).map(Thread::read).collect(),
            regions,
        })
    }
}

impl<'a> Thread<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let mut name = [0; 16];
        name.copy_from_slice(&bytes[8..24]);
        Self {
            tid: word(bytes, 0) as u32,
            name,
            registers: core::array::from_fn(|i| word(bytes, 24 + 8 * i)),
            vectors: &bytes[THREAD..],
        }
    }
}

impl Region {
    fn read(bytes: &[u8]) -> Self {
        Self { start: word(bytes, 0), end: word(bytes, 8), rights: (word(bytes, 16) & 7) as u8 }
    }
}

/// The number at an offset; 0 past the end.
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u64::from_le_bytes(*word))
}

fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &b| (hash ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn record(vectors: &[u8]) -> Record<'_> {
        let thread =
            |tid| Thread { tid, name: *b"name\0\0\0\0\0\0\0\0\0\0\0\0", registers: [7; 27], vectors };
        Record {
            signal: 11,
            code: -6,
            value: 0x10,
            auxv: (0x1000, 64),
            xcr0: 7,
            threads: vec![thread(2), thread(3)],
            regions: vec![
                Region { start: 0x1000, end: 0x3000, rights: 5 },
                Region { start: 0x3000, end: 0x4000, rights: 3 },
            ],
        }
    }

    #[test]
    fn a_record_survives() {
        let vectors = [9; 832];
        let bytes = record(&vectors).encode().unwrap();
        assert_eq!(Record::decode(&bytes), Ok(record(&vectors)));
        let empty = Record::default().encode().unwrap();
        assert_eq!((empty.len(), Record::decode(&empty)), (HEADER, Ok(Record::default())));
    }

    #[test]
    fn damage_is_seen() {
        let bytes = record(&[0; 576]).encode().unwrap();
        for len in 0..bytes.len() {
            assert!(Record::decode(&bytes[..len]).is_err(), "{len} bytes");
        }
        // The words of the header that are content (signal, value, vector, XCR0) may be anything.
        for at in (0..bytes.len()).filter(|at| !(24..64).contains(at)) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x40;
            assert!(Record::decode(&bytes).is_err(), "byte {at}");
        }
    }

    #[test]
    fn regions_must_be_pages_in_order() {
        for (start, end) in
            [(0x2000, 0x5000), (0x4001, 0x5000), (0x5000, 0x5000), (0x6000, 0x5000), (0x4000, 0x5001)]
        {
            let mut record = record(&[]);
            record.regions.push(Region { start, end, rights: 3 });
            assert_eq!(Record::decode(&record.encode().unwrap()), Err(Error::Regions), "{start:#x}");
        }
    }
}
