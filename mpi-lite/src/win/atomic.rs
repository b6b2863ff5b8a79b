//! Accumulates without a lock: one atomic operation of the processor for each element.
//!
//! For windows that all ranks reach directly, and elements of 1, 2, 4 or 8 bytes. All accumulates of such elements in
//! such a window come here, whatever their operation, so that they are atomic with each other.

use crate::abi::{MPI_NO_OP, MPI_REPLACE, MPI_SUM};
use crate::datatype::basic::{Class, Kind};
use crate::datatype::{Datatype, Element};
use crate::error::Result;
use crate::op::Op;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::SeqCst};

/// Bytes of an element that the processor can change atomically; none for others.
pub fn size(element: &Datatype) -> Option<usize> {
    match element.element()? {
        Element::Basic(basic) if basic.size() <= 8 => Some(basic.size()),
        _ => None,
    }
}

/// How an operation on an element is done.
#[derive(Clone, Copy)]
pub enum Way<'a> {
    /// The element is read.
    Load,
    /// The element is replaced.
    Swap,
    /// The operand is added, wrapping.
    Add,
    /// The operation is computed and tried until nobody came in between.
    Compute(&'a Op, &'a Datatype),
}

impl<'a> Way<'a> {
    /// Whether elements are only read or replaced.
    pub fn moves(self) -> bool {
        matches!(self, Self::Load | Self::Swap)
    }

    /// Bytes to do at once at `at`, with `left` bytes in a row, for elements of `size` bytes. Loads and swaps take as much as one
    /// operation can: programs read what was stored as a word by bytes, and expect to see all of it or nothing.
    pub fn step(self, at: *mut u8, size: usize, left: usize) -> usize {
        if !self.moves() {
            return size;
        }
        let fits = |&word: &usize| word > size && word <= left && at as usize % word == 0;
        [8, 4, 2].into_iter().find(fits).unwrap_or(size)
    }

    /// Of `op` on elements of type `dt`.
    pub fn new(op: &'a Op, dt: &'a Datatype) -> Self {
        let integer = |kind: Kind| {
            use Kind::*;
            matches!(kind, I8 | I16 | I32 | I64 | U8 | U16 | U32 | U64)
        };
        match (op.predefined(), dt.element()) {
            (Some(MPI_NO_OP), _) => Self::Load,
            (Some(MPI_REPLACE), _) => Self::Swap,
            (Some(MPI_SUM), Some(Element::Basic(basic)))
                if integer(basic.kind) && basic.class != Class::Logical =>
            {
                Self::Add
            }
            _ => Self::Compute(op, dt),
        }
    }
}

macro_rules! by_size {
    ($size:expr, $word:ident, $int:ident => $body:expr) => {
        match $size {
            1 => {
                type $word = AtomicU8;
                type $int = u8;
                $body
            }
            2 => {
                type $word = AtomicU16;
                type $int = u16;
                $body
            }
            4 => {
                type $word = AtomicU32;
                type $int = u32;
                $body
            }
            _ => {
                type $word = AtomicU64;
                type $int = u64;
                $body
            }
        }
    };
}

/// Changes the element of `size` bytes at `at` with the bytes at `operand`; gives what it was to `old`, if not null.
///
/// # Safety
/// 1. `at` is aligned to `size` and in a window; `size` is 1, 2, 4 or 8.
/// 2. `operand` has `size` bytes, unless the way is a load; so has `old`, unless null.
#[inline]
pub unsafe fn update(at: *mut u8, size: usize, way: Way<'_>, operand: *const u8, old: *mut u8) -> Result<()> {
    by_size!(size, Word, Int => {
        // SAFETY: promised by the caller; accumulates of others are atomic, too.
        let word = unsafe { Word::from_ptr(at.cast()) };
        // SAFETY: promised by the caller, as this is no load.
        let value = || unsafe { operand.cast::<Int>().read_unaligned() };
        let was = match way {
            Way::Load => word.load(SeqCst),
            Way::Swap => word.swap(value(), SeqCst),
            Way::Add => word.fetch_add(value(), SeqCst),
            Way::Compute(op, dt) => {
                let (value, mut seen) = (value(), word.load(SeqCst));
                loop {
                    let mut new = seen;
                    // SAFETY: two elements of the type.
                    unsafe { op.apply((&raw const value).cast(), (&raw mut new).cast(), 1, dt)? };
                    match word.compare_exchange_weak(seen, new, SeqCst, SeqCst) {
                        Ok(_) => break seen,
                        Err(now) => seen = now,
                    }
                }
            }
        };
        if !old.is_null() {
            // SAFETY: promised by the caller.
            unsafe { old.cast::<Int>().write_unaligned(was) };
        }
    });
    Ok(())
}

/// Replaces the element at `at` by the one at `new` if it equals the one at `compare`; gives what it was to `old`.
///
/// # Safety
/// As [`update`], for all three.
pub unsafe fn compare_swap(at: *mut u8, size: usize, compare: *const u8, new: *const u8, old: *mut u8) {
    by_size!(size, Word, Int => {
        // SAFETY: promised by the caller; accumulates of others are atomic, too.
        unsafe {
            let word = Word::from_ptr(at.cast());
            let (compare, new) = (compare.cast::<Int>().read_unaligned(), new.cast::<Int>().read_unaligned());
            let was = word.compare_exchange(compare, new, SeqCst, SeqCst).unwrap_or_else(|was| was);
            old.cast::<Int>().write_unaligned(was);
        }
    });
}
