//! `brk`, `mmap` and their family.

use super::{first_time, nr};
use crate::cell::KernelCell;
use crate::errno::{Errno, SysResult};
use crate::fs::open::Mapping;
use crate::mm::map::{self, Place};
use crate::mm::regions::Prot;

const MAP_PRIVATE: u64 = 0x2;
const MAP_TYPE: u64 = 0xf;
const MAP_FIXED: u64 = 0x10;
const MAP_ANONYMOUS: u64 = 0x20;
const MAP_FIXED_NOREPLACE: u64 = 0x10_0000;
const MREMAP_MAYMOVE: u64 = 1;
const MREMAP_KNOWN: u64 = 7;
const MADV_DONTNEED: u64 = 4;

static TOLD_SHARED: KernelCell<[u64; 8]> = KernelCell::new([0; 8]);

/// The family's calls.
pub fn call(number: u64, args: &[u64; 6]) -> Option<SysResult> {
    let [a, b, c, d, ..] = *args;
    Some(match number {
        nr::BRK => Ok(map::set_break(a) as usize),
        nr::MMAP => mmap(args),
        nr::MUNMAP => map::unmap(a, b).map(|()| 0),
        nr::MPROTECT => rights(c).and_then(|prot| map::protect(a, b, prot)).map(|()| 0),
        nr::MREMAP => mremap(a, b, c, d),
        nr::MADVISE => madvise(a, b, c),
        // All memory of a rank is present and stays so.
        nr::MLOCK | nr::MLOCK2 | nr::MUNLOCK | nr::MLOCKALL | nr::MUNLOCKALL | nr::MSYNC => Ok(0),
        nr::MBIND | nr::SET_MEMPOLICY => Ok(0),
        _ => return None,
    })
}

fn rights(prot: u64) -> Result<Prot, Errno> {
    // PROT_GROWSDOWN and PROT_GROWSUP belong to stacks the kernel grows; there are none.
    if prot & !7 != 0 { Err(Errno::EINVAL) } else { Ok(Prot(prot as u8)) }
}

fn mmap(&[address, len, prot, flags, fd, offset]: &[u64; 6]) -> SysResult {
    let prot = rights(prot)?;
    if len == 0 || !(1..=3).contains(&(flags & MAP_TYPE)) {
        return Err(Errno::EINVAL);
    }
    let place = if flags & MAP_FIXED_NOREPLACE != 0 {
        Place::FixedFree(address)
    } else if flags & MAP_FIXED != 0 {
        Place::Fixed(address)
    } else {
        Place::Any
    };
    if flags & MAP_ANONYMOUS != 0 {
        return Ok(map::map(len, prot, place)? as usize);
    }
    if offset % crate::mm::PAGE != 0 {
        return Err(Errno::EINVAL);
    }
    let shared = flags & MAP_TYPE != MAP_PRIVATE && prot.allows(Prot::WRITE);
    match crate::fs::open_file(fd as i32)?.mapping(shared)? {
        Mapping::Anonymous => Ok(map::map(len, prot, place)? as usize),
        Mapping::Content if shared => {
            if first_time(&TOLD_SHARED, 0) {
                note!(
                    "the program maps a file shared and writable (mmap), but what it stores there could not reach the file: it gets ENODEV; map it MAP_PRIVATE, or use read and write"
                );
            }
            Err(Errno::ENODEV)
        }
        Mapping::Content => map_file(fd as i32, offset, len, prot, place),
    }
}

/// A private copy of a file's content as it is now; the part past its end is zero.
fn map_file(fd: i32, offset: u64, len: u64, prot: Prot, place: Place) -> SysResult {
    let start = map::map(len, Prot::RW, place)?;
    let buffer = crate::user::slice_mut(start, len as usize)?;
    let mut done = 0;
    while done < buffer.len() {
        match crate::fs::read_at(fd, offset + done as u64, &mut buffer[done..]) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(errno) => {
                map::unmap(start, len)?;
                return Err(errno);
            }
        }
    }
    if prot != Prot::RW {
        map::protect(start, len, prot)?;
    }
    Ok(start as usize)
}

fn mremap(start: u64, old_len: u64, new_len: u64, flags: u64) -> SysResult {
    if flags & !MREMAP_KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    if flags & !MREMAP_MAYMOVE != 0 {
        note!("the program asks mremap for a certain address, which is not implemented: it gets ENOMEM");
        return Err(Errno::ENOMEM);
    }
    map::remap(start, old_len, new_len, flags & MREMAP_MAYMOVE != 0).map(|start| start as usize)
}

fn madvise(start: u64, len: u64, advice: u64) -> SysResult {
    match advice {
        MADV_DONTNEED if len == 0 => Ok(0),
        MADV_DONTNEED => map::discard(start, len).map(|()| 0),
        // Every other advice may be ignored (madvise(2)); MADV_FREE too: the content may stay.
        0..=25 => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_before_memory_is_touched() {
        assert_eq!(mmap(&[0, 0, 3, 0x22, u64::MAX, 0]), Err(Errno::EINVAL));
        assert_eq!(mmap(&[0, 4096, 3, 0x20, u64::MAX, 0]), Err(Errno::EINVAL));
        assert_eq!(mmap(&[0, 4096, 8, 0x22, u64::MAX, 0]), Err(Errno::EINVAL));
        assert_eq!(mmap(&[0, 4096, 1, 0x2, 3, 17]), Err(Errno::EINVAL));
        assert_eq!(mremap(0, 4096, 8192, 8), Err(Errno::EINVAL));
        assert_eq!(madvise(0, 4096, 99), Err(Errno::EINVAL));
        assert_eq!(madvise(1, 4096, MADV_DONTNEED), Err(Errno::EINVAL));
    }
}
