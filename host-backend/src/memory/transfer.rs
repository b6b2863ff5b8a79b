//! Moves bytes between scattered buffers of two ranks with as few copies as possible.
//!
//! Where both sides are mapped it is one `memcpy`. Where a side is a process's own memory it is one
//! `process_vm_readv` or `process_vm_writev` for a batch of pieces, and where both are, a bounce buffer between.

use std::ptr::NonNull;

use super::Space;

/// One piece of a scattered buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// `len` bytes at `addr` in the rank's space.
    Guest {
        /// Where.
        addr: u64,
        /// How many.
        len: u64,
    },
    /// `len` bytes at `offset` of the engine's private bytes: inline data. Only in a source.
    Private {
        /// Where.
        offset: u64,
        /// How many.
        len: u64,
    },
}

impl Segment {
    /// Bytes.
    #[inline]
    pub fn len(&self) -> u64 {
        match self {
            Self::Guest { len, .. } | Self::Private { len, .. } => *len,
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A scattered buffer of a rank.
#[derive(Clone, Copy)]
pub struct View<'a> {
    space: &'a Space,
    segments: &'a [Segment],
    private: &'a [u8],
}

impl<'a> View<'a> {
    /// Pieces of the rank's memory; private pieces count as a fault.
    pub fn guest(space: &'a Space, segments: &'a [Segment]) -> Self {
        Self { space, segments, private: &[] }
    }

    /// A source whose private pieces are in `private`.
    pub fn with_private(space: &'a Space, segments: &'a [Segment], private: &'a [u8]) -> Self {
        Self { space, segments, private }
    }
}

/// Which side could not be accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The source is not readable.
    Source,
    /// The destination is not writable.
    Destination,
}

/// Most pieces in one system call.
const BATCH: usize = 16;
/// Bytes of the bounce buffer between two processes.
const BOUNCE: usize = 64 * 1024;

/// Where a piece is.
#[derive(Clone, Copy)]
enum Place {
    Here(NonNull<u8>),
    There(i32, u64),
}

/// Copies `len` bytes, `offset` into both buffers. Buffers that overlap are copied as by `memmove`, piece by piece.
pub fn transfer(source: View<'_>, destination: View<'_>, offset: u64, len: u64) -> Result<(), Fault> {
    let mut from = Cursor::new(source, offset);
    let mut to = Cursor::new(destination, offset);
    let mut left = len;
    while left > 0 {
        let (at_from, n_from) = from.piece(left).ok_or(Fault::Source)?;
        let (at_to, n) = to.piece(n_from).ok_or(Fault::Destination)?;
        let done = match (at_from, at_to) {
            (Place::Here(a), Place::Here(b)) => {
                // SAFETY: both are n bytes inside live mappings or private memory (see `Cursor::piece`), and
                // the destination is never private. Guests may write at the same time: the bytes are then
                // whatever they are, as with an adapter's DMA; nothing is decided on them here.
                unsafe { std::ptr::copy(a.as_ptr(), b.as_ptr(), n as usize) };
                n
            }
            (Place::There(pid, _), Place::Here(_)) => {
                let (local, remote, total) = batch(to, from, left);
                process_vm(Direction::Read, pid, &local, &remote).ok_or(Fault::Source)?.min(total)
            }
            (Place::Here(_), Place::There(pid, _)) => {
                let (local, remote, total) = batch(from, to, left);
                process_vm(Direction::Write, pid, &local, &remote).ok_or(Fault::Destination)?.min(total)
            }
            (Place::There(a, from_addr), Place::There(b, to_addr)) => {
                bounce((a, from_addr), (b, to_addr), n.min(BOUNCE as u64))?
            }
        };
        from.advance(done);
        to.advance(done);
        left -= done;
    }
    Ok(())
}

/// Position in a view.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    view: View<'a>,
    index: usize,
    offset: u64,
}

impl<'a> Cursor<'a> {
    fn new(view: View<'a>, offset: u64) -> Self {
        let mut cursor = Self { view, index: 0, offset: 0 };
        cursor.advance(offset);
        cursor
    }

    fn advance(&mut self, bytes: u64) {
        self.offset += bytes;
        while let Some(segment) = self.view.segments.get(self.index) {
            if self.offset < segment.len() {
                break;
            }
            self.offset -= segment.len();
            self.index += 1;
        }
    }

    /// The piece here: where it is and how long it is, at most `max` (which is not 0).
    fn piece(&self, max: u64) -> Option<(Place, u64)> {
        match *self.view.segments.get(self.index)? {
            Segment::Private { offset, len } => {
                let n = max.min(len - self.offset);
                let start = usize::try_from(offset + self.offset).ok()?;
                let bytes = self.view.private.get(start..start.checked_add(n as usize)?)?;
                Some((Place::Here(NonNull::from(bytes).cast()), n))
            }
            Segment::Guest { addr, len } => {
                let space = self.view.space;
                let addr = addr.checked_add(self.offset)?;
                let n = max.min(len - self.offset);
                if let Some(here) = space.direct(addr, n) {
                    return Some((Place::Here(here), n));
                }
                if !space.contains(addr, n) {
                    return None;
                }
                Some((Place::There(space.pid()?, addr), n))
            }
        }
    }
}

/// Collects pieces while one side stays mapped and the other stays in the process: equal totals on both.
fn batch(
    mut here: Cursor<'_>,
    mut there: Cursor<'_>,
    mut left: u64,
) -> (Vec<libc::iovec>, Vec<libc::iovec>, u64) {
    let (mut local, mut remote, mut total) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH), 0);
    while left > 0 && local.len() < BATCH {
        let Some((Place::There(_, addr), n)) = there.piece(left) else { break };
        let Some((Place::Here(at), n)) = here.piece(n) else { break };
        local.push(libc::iovec { iov_base: at.as_ptr().cast(), iov_len: n as usize });
        remote.push(libc::iovec { iov_base: addr as *mut libc::c_void, iov_len: n as usize });
        here.advance(n);
        there.advance(n);
        left -= n;
        total += n;
    }
    (local, remote, total)
}

fn bounce(from: (i32, u64), to: (i32, u64), len: u64) -> Result<u64, Fault> {
    let mut buffer = vec![0u8; len as usize];
    let got = read_process(from.0, from.1, &mut buffer).ok_or(Fault::Source)?;
    let got = buffer.get(..got as usize).ok_or(Fault::Source)?;
    write_process(to.0, to.1, got).ok_or(Fault::Destination)
}

/// Reads from a process's memory; how many bytes, at least one.
pub(super) fn read_process(pid: i32, addr: u64, out: &mut [u8]) -> Option<u64> {
    let local = [libc::iovec { iov_base: out.as_mut_ptr().cast(), iov_len: out.len() }];
    let remote = [libc::iovec { iov_base: addr as *mut libc::c_void, iov_len: out.len() }];
    process_vm(Direction::Read, pid, &local, &remote)
}

/// Writes into a process's memory; how many bytes, at least one.
pub(super) fn write_process(pid: i32, addr: u64, bytes: &[u8]) -> Option<u64> {
    let local = [libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() }];
    let remote = [libc::iovec { iov_base: addr as *mut libc::c_void, iov_len: bytes.len() }];
    process_vm(Direction::Write, pid, &local, &remote)
}

enum Direction {
    Read,
    Write,
}

/// One call; `None` when nothing could be moved. It may move less than asked: the caller goes on from there
/// and meets the reason at the start of its next call.
fn process_vm(direction: Direction, pid: i32, local: &[libc::iovec], remote: &[libc::iovec]) -> Option<u64> {
    let (ln, rn) = (local.len() as libc::c_ulong, remote.len() as libc::c_ulong);
    // SAFETY: `local` names live memory of ours, writable for `Read` (built by `batch` from mappings or by
    // `bounce` from its buffer); `remote` is checked by the kernel.
    let moved = unsafe {
        match direction {
            Direction::Read => libc::process_vm_readv(pid, local.as_ptr(), ln, remote.as_ptr(), rn, 0),
            Direction::Write => libc::process_vm_writev(pid, local.as_ptr(), ln, remote.as_ptr(), rn, 0),
        }
    };
    u64::try_from(moved).ok().filter(|moved| *moved > 0)
}

#[cfg(test)]
mod tests {
    use super::super::Mapping;
    use super::*;
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
    use std::sync::Arc;

    fn mapping(len: u64) -> Arc<Mapping> {
        let fd = memfd_create("t", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        ftruncate(&fd, len).unwrap();
        fcntl_add_seals(&fd, SealFlags::SHRINK).unwrap();
        Arc::new(Mapping::new(&fd, "t").unwrap())
    }

    fn native() -> Space {
        Space::Native { arena: mapping(4096), base: 0x1000, pid: Some(std::process::id() as i32) }
    }

    fn split(bytes: &[u8], at: &[usize]) -> Vec<Segment> {
        let mut start = 0;
        let mut segments = Vec::new();
        for end in at.iter().copied().chain([bytes.len()]) {
            segments.push(Segment::Guest {
                addr: bytes.as_ptr() as u64 + start as u64,
                len: (end - start) as u64,
            });
            start = end;
        }
        segments
    }

    #[test]
    fn private_to_vm_to_process_to_process() {
        let data: Vec<u8> = (0..200_000u32).map(|i| (i * 7 + i / 256) as u8).collect();
        let vm = Space::Vm { ram: mapping(1 << 20) };
        let in_vm = [
            Segment::Guest { addr: 5000, len: 3 },
            Segment::Guest { addr: 0, len: 0 },
            Segment::Guest { addr: 70_001, len: 99_997 },
            Segment::Guest { addr: 300_000, len: 100_000 },
        ];
        let own = [Segment::Private { offset: 0, len: 10 }, Segment::Private { offset: 10, len: 199_990 }];
        transfer(View::with_private(&vm, &own, &data), View::guest(&vm, &in_vm), 0, 200_000).unwrap();
        let over = [Segment::Private { offset: 1, len: 200_000 }];
        assert_eq!(
            transfer(View::with_private(&vm, &over, &data), View::guest(&vm, &in_vm), 0, 200_000),
            Err(Fault::Source)
        );
        let (a, b) = (native(), native());
        let middle = vec![0u8; 200_000];
        let in_a = split(&middle, &[1, 77, 90_000, 90_001, 150_000]);
        // In two halves, as slices are.
        transfer(View::guest(&vm, &in_vm), View::guest(&a, &in_a), 0, 99_999).unwrap();
        transfer(View::guest(&vm, &in_vm), View::guest(&a, &in_a), 99_999, 100_001).unwrap();
        assert!(middle == data);
        let end = vec![0u8; 200_000];
        let in_b = split(&end, &[65_537]);
        transfer(View::guest(&a, &in_a), View::guest(&b, &in_b), 0, 200_000).unwrap();
        assert!(end == data);
        let back = [Segment::Guest { addr: 1 << 19, len: 200_000 }];
        transfer(View::guest(&b, &in_b), View::guest(&vm, &back), 0, 200_000).unwrap();
        let Space::Vm { ram } = &vm else { unreachable!() };
        let at = ram.at(1 << 19, 200_000).unwrap();
        // SAFETY: 200,000 bytes inside the mapping, which nobody else writes.
        assert!(unsafe { std::slice::from_raw_parts(at.as_ptr(), 200_000) } == data);
    }

    #[test]
    fn faults_name_the_side() {
        let vm = Space::Vm { ram: mapping(4096) };
        let bad = [Segment::Guest { addr: 4090, len: 8 }];
        let good = [Segment::Guest { addr: 0, len: 8 }];
        assert_eq!(transfer(View::guest(&vm, &bad), View::guest(&vm, &good), 0, 8), Err(Fault::Source));
        assert_eq!(transfer(View::guest(&vm, &good), View::guest(&vm, &bad), 0, 8), Err(Fault::Destination));
        let process = native();
        let unmapped = [Segment::Guest { addr: 0x2000_0000, len: 8 }];
        assert_eq!(
            transfer(View::guest(&process, &unmapped), View::guest(&vm, &good), 0, 8),
            Err(Fault::Source)
        );
        assert_eq!(
            transfer(View::guest(&vm, &good), View::guest(&process, &unmapped), 0, 8),
            Err(Fault::Destination)
        );
        let short = [Segment::Guest { addr: 0, len: 4 }];
        assert_eq!(transfer(View::guest(&vm, &short), View::guest(&vm, &good), 0, 8), Err(Fault::Source));
    }
}
