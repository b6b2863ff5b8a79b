//! The user's buffer as message bytes: contiguous, or scattered and packed on the way.

use crate::Result;
use crate::abi::{MPI_ERR_BUFFER, MPI_ERR_COUNT};
use crate::datatype::{Datatype, Packer};
use crate::error::err;
use crate::node;

/// A buffer of a request. Its creator promises that the memory stays valid until the request is complete.
pub enum Buffer {
    /// The message bytes lie at `at`, one after the other.
    Bytes {
        /// First byte.
        at: *mut u8,
        /// Number of bytes.
        len: usize,
    },
    /// The message bytes are scattered.
    Scattered(Box<Packer>),
}

/// A run of message bytes in a rank's memory, as other ranks read it.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Run {
    /// Address of the first byte.
    pub at: u64,
    /// Bytes.
    pub len: u64,
}

/// Runs that a scattered buffer may have for others to read them one by one, and the bytes that each must have, on average:
/// else it is packed.
const MOST_RUNS: usize = 256;
const LEAST_RUN: usize = 1024;

impl Buffer {
    /// The buffer of `count` elements of `dt` at `buf`.
    ///
    /// # Safety
    /// The elements must be valid, for writing if [`Self::write`] is used, as long as the result is used.
    pub unsafe fn new(buf: *mut u8, count: usize, dt: &Datatype) -> Result<Self> {
        let Some(size) = dt.size().checked_mul(count).filter(|size| isize::try_from(*size).is_ok()) else {
            return err(
                MPI_ERR_COUNT,
                format!("{count} elements of {} bytes are more than memory can hold", dt.size()),
            );
        };
        if size == 0 {
            return Ok(Self::Bytes { at: buf, len: 0 });
        }
        match dt.contiguous_bytes(count) {
            Some((offset, len)) => {
                let at = buf.wrapping_offset(offset);
                if at.is_null() {
                    return err(MPI_ERR_BUFFER, format!("null buffer for {len} bytes"));
                }
                Ok(Self::Bytes { at, len })
            }
            // SAFETY: the caller's promise.
            None => Ok(Self::Scattered(Box::new(unsafe { Packer::new(dt, count, buf) }))),
        }
    }

    /// Message bytes it holds.
    pub fn size(&self) -> usize {
        match self {
            Self::Bytes { len, .. } => *len,
            Self::Scattered(packer) => packer.len(),
        }
    }

    /// Copies message bytes from `offset` on into `out`; no more than there are.
    pub fn read(&mut self, offset: usize, out: &mut [u8]) -> usize {
        match self {
            Self::Bytes { at, len } => {
                let n = out.len().min(len.saturating_sub(offset));
                // SAFETY: `new`'s promise covers `[at, at + len)`; `out` is the library's own memory.
                unsafe { unirank_ivc::copy::copy(out.as_mut_ptr(), at.add(offset.min(*len)), n) };
                n
            }
            Self::Scattered(packer) => {
                packer.seek(offset);
                packer.pack(out)
            }
        }
    }

    /// Puts message bytes from `offset` on; what does not fit is dropped. Says how many were put.
    pub fn write(&mut self, offset: usize, bytes: &[u8]) -> usize {
        match self {
            Self::Bytes { at, len } => {
                let n = bytes.len().min(len.saturating_sub(offset));
                let target = at.wrapping_add(offset.min(*len));
                let disjoint = target as usize + n <= bytes.as_ptr() as usize
                    || bytes.as_ptr() as usize + n <= target as usize;
                // SAFETY: as in `read`; only a message to oneself may lie in the same buffer.
                unsafe {
                    if disjoint {
                        unirank_ivc::copy::copy(target, bytes.as_ptr(), n);
                    } else {
                        target.copy_from(bytes.as_ptr(), n);
                    }
                }
                n
            }
            Self::Scattered(packer) => {
                packer.seek(offset);
                packer.unpack(bytes)
            }
        }
    }

    /// The address of message byte `offset` if the bytes lie one after the other, in memory of this rank, so that others and the
    /// adapter can use the address. What is in a shared window may be elsewhere, and then moves by copies.
    pub fn address(&self, offset: usize) -> Option<*mut u8> {
        match self {
            Self::Bytes { at, len } if node::is_own(*at, *len) => Some(at.wrapping_add(offset)),
            _ => None,
        }
    }

    /// The runs of a scattered buffer, if they are few and long, and in memory of this rank.
    pub fn runs(&self) -> Option<Box<[Run]>> {
        let Self::Scattered(packer) = self else { return None };
        let most = MOST_RUNS.min(packer.len() / LEAST_RUN);
        let mut packer = packer.clone();
        packer.seek(0);
        let mut runs = Vec::new();
        while let Some((at, len)) = packer.next_run(usize::MAX) {
            if runs.len() == most || !node::is_own(at, len) {
                return None;
            }
            runs.push(Run { at: at as u64, len: len as u64 });
        }
        Some(runs.into())
    }

    /// Moves the description of the memory out and leaves an empty buffer.
    pub fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Bytes { at: std::ptr::null_mut(), len: 0 })
    }

    /// Copies as much of `from` as fits, for messages to oneself.
    pub fn copy_from(&mut self, from: &mut Buffer) {
        let total = self.size().min(from.size());
        if let Self::Bytes { at, .. } = from {
            // SAFETY: `new`'s promise for `from`: its bytes are readable.
            self.write(0, unsafe { std::slice::from_raw_parts(*at, total) });
            return;
        }
        let mut piece = vec![0; total.min(64 << 10)];
        let mut offset = 0;
        while offset < total {
            let wanted = piece.len().min(total - offset);
            let n = from.read(offset, &mut piece[..wanted]);
            self.write(offset, &piece[..n]);
            offset += n;
        }
    }
}
