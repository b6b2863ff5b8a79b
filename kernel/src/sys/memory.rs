//! `brk`, `mmap` and their family.

use super::{first_time, nr};
use crate::cell::KernelCell;
use crate::errno::{Errno, SysResult};
use crate::fs::open::Mapping;
use crate::mm::map::{self, Place};
use crate::mm::paging::LARGE;
use crate::mm::regions::Prot;
use crate::mm::remap::{self, Target};
use crate::mm::{PAGE, advice};

const MAP_PRIVATE: u64 = 0x2;
const MAP_TYPE: u64 = 0xf;
const MAP_FIXED: u64 = 0x10;
const MAP_ANONYMOUS: u64 = 0x20;
const MAP_FIXED_NOREPLACE: u64 = 0x10_0000;
const MAP_32BIT: u64 = 0x40;
const MAP_LOCKED: u64 = 0x2000;
const MAP_POPULATE: u64 = 0x8000;
const MAP_HUGETLB: u64 = 0x4_0000;
/// The size of a huge page as a power of two, in the flags' upper bits; 0 is the default.
const MAP_HUGE_SHIFT: u64 = 26;
const LARGE_SHIFT: u64 = LARGE.trailing_zeros() as u64;
const MREMAP_MAYMOVE: u64 = 1;
const MREMAP_FIXED: u64 = 2;
const MREMAP_DONTUNMAP: u64 = 4;

static TOLD_SHARED: KernelCell<[u64; 8]> = KernelCell::new([0; 8]);

/// The family's calls.
pub fn call(number: u64, args: &[u64; 6]) -> Option<SysResult> {
    let [a, b, c, d, ..] = *args;
    Some(match number {
        nr::BRK => Ok(map::set_break(a) as usize),
        nr::MMAP => mmap(args),
        nr::MUNMAP => map::unmap(a, b).map(|()| 0),
        nr::MPROTECT => rights(c).and_then(|prot| map::protect(a, b, prot)).map(|()| 0),
        nr::MREMAP => mremap(a, b, c, d, args[4]),
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
    if len.checked_add(LARGE).is_none() {
        return Err(Errno::ENOMEM);
    }
    // Of the sizes of huge pages there is one.
    if flags & MAP_HUGETLB != 0 && !matches!(flags >> MAP_HUGE_SHIFT, 0 | LARGE_SHIFT) {
        return Err(Errno::EINVAL);
    }
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
        return map_anonymous(address, len, prot, flags, place);
    }
    if offset % PAGE != 0 {
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

/// Anonymous memory. A hint is followed if that place is free.
fn map_anonymous(hint: u64, len: u64, prot: Prot, flags: u64, place: Place) -> SysResult {
    let (place, len) = match place {
        Place::Any if flags & MAP_HUGETLB != 0 => (Place::Large, len.next_multiple_of(LARGE)),
        Place::Any if flags & MAP_32BIT != 0 => (Place::Below(1 << 31), len),
        Place::Fixed(at) | Place::FixedFree(at) if flags & MAP_HUGETLB != 0 && at % LARGE != 0 => {
            return Err(Errno::EINVAL);
        }
        place => (place, len),
    };
    let hinted = if place == Place::Any && hint != 0 {
        map::map(len, prot, Place::FixedFree(hint & !(PAGE - 1))).ok()
    } else {
        None
    };
    let start = hinted.map_or_else(|| map::map(len, prot, place), Ok)?;
    if flags & (MAP_POPULATE | MAP_LOCKED) != 0 && prot.allows(Prot::READ) {
        advice::populate(start, len, if prot.allows(Prot::WRITE) { Prot::RW } else { Prot::READ })?;
    }
    Ok(start as usize)
}

fn mremap(start: u64, old_len: u64, new_len: u64, flags: u64, to: u64) -> SysResult {
    if flags & MREMAP_DONTUNMAP != 0 {
        note!(
            "the program asks mremap to leave the old pages in place (MREMAP_DONTUNMAP), which is not implemented: it gets EINVAL; use mmap and memcpy"
        );
    }
    let target = match flags {
        0 => Target::Stay,
        MREMAP_MAYMOVE => Target::Any,
        flags if flags == MREMAP_MAYMOVE | MREMAP_FIXED => Target::Fixed(to),
        _ => return Err(Errno::EINVAL),
    };
    remap::remap(start, old_len, new_len, target).map(|start| start as usize)
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
        assert_eq!(mmap(&[0, u64::MAX - 5, 3, 0x22, u64::MAX, 0]), Err(Errno::ENOMEM));
        assert_eq!(mmap(&[0, 4096, 3, 0x4_0022 | 30 << 26, u64::MAX, 0]), Err(Errno::EINVAL));
        assert_eq!(mmap(&[4096, 4096, 3, 0x4_0032, u64::MAX, 0]), Err(Errno::EINVAL));
        assert_eq!(mremap(0, 4096, 8192, 8, 0), Err(Errno::EINVAL));
        assert_eq!(mremap(0, 4096, 8192, MREMAP_FIXED, 0), Err(Errno::EINVAL));
    }
}
