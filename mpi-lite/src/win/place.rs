//! One piece of a rank's memory, reached by loads and stores or through the adapter.

use super::hot;
use crate::abi::MPI_ERR_INTERN;
use crate::error::{Result, err};
use crate::node;
use crate::p2p::remote;
use crate::transport::MAX_READ;
use crate::transport::remote::{Action, Remote};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Copies directly between the rank's memory and a target's.
///
/// Stores of a processor become visible in their order, so a put that was flushed needs no fence before this rank tells
/// others about it. Only a later load may be made before the store is visible: a get therefore waits for puts before it, and
/// for a program's own loads there is `MPI_Win_sync` (MPI 5.0, section 12.7).
///
/// # Safety
/// Both sides have `len` bytes, valid for the direction.
#[inline(always)]
pub unsafe fn direct_copy(write: bool, local: *mut u8, there: *mut u8, len: usize) {
    // SAFETY: promised by the caller; origin and target may overlap in the rank's own window.
    unsafe {
        if write {
            copy(local, there, len);
            hot::stored();
        } else {
            hot::settle();
            copy(there, local, len);
        }
    }
}

/// Where memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At this address of this rank.
    Direct(*mut u8),
    /// In the memory of another process on this host, which the system copies.
    Process {
        /// That rank in `MPI_COMM_WORLD`.
        world: u32,
        /// Address there.
        address: u64,
    },
    /// In another rank's memory, reached through the adapter.
    Remote {
        /// That rank in `MPI_COMM_WORLD`.
        world: u32,
        /// Address there.
        address: u64,
        /// Its key there.
        key: u32,
    },
}

impl Place {
    /// The place `by` bytes further on.
    pub fn at(self, by: i64) -> Self {
        match self {
            Self::Direct(pointer) => Self::Direct(pointer.wrapping_offset(by as isize)),
            Self::Process { world, address } => {
                Self::Process { world, address: address.wrapping_add_signed(by) }
            }
            Self::Remote { world, address, key } => {
                Self::Remote { world, address: address.wrapping_add_signed(by), key }
            }
        }
    }

    /// Its address, for looks at alignment and for layouts.
    pub fn address(self) -> *mut u8 {
        match self {
            Self::Direct(pointer) => pointer,
            Self::Process { address, .. } | Self::Remote { address, .. } => {
                std::ptr::without_provenance_mut(address as usize)
            }
        }
    }

    /// The same way to another address (see [`Self::address`]).
    pub fn to(self, address: *mut u8) -> Self {
        match self {
            Self::Direct(_) => Self::Direct(address),
            Self::Process { world, .. } => Self::Process { world, address: address as u64 },
            Self::Remote { world, key, .. } => Self::Remote { world, address: address as u64, key },
        }
    }

    /// Starts to copy `len` bytes to or from `local`; a direct copy is done at once. `left` counts what is under way.
    ///
    /// # Safety
    /// 1. `local` has as many bytes, valid for the direction until `left` is down again.
    /// 2. The place has as many bytes in a window of its rank.
    pub unsafe fn start_copy(
        self,
        write: bool,
        local: *mut u8,
        len: usize,
        left: &Rc<Cell<u32>>,
    ) -> Result<()> {
        let (world, address, key) = match self {
            Self::Direct(at) => {
                // SAFETY: promised by the caller.
                unsafe { direct_copy(write, local, at, len) };
                return Ok(());
            }
            Self::Process { world, address } if write => {
                // SAFETY: promised by the caller.
                return unsafe { node::write(world, address, local, len) };
            }
            Self::Process { world, address } => {
                // SAFETY: promised by the caller.
                return unsafe { node::read(world, address, local, len) };
            }
            Self::Remote { world, address, key } => (world, address, key),
        };
        let mut done = 0;
        while done < len {
            let piece = (len - done).min(MAX_READ as usize);
            let access = Remote {
                to: world,
                remote: address + done as u64,
                key,
                local: local.wrapping_add(done),
                len: piece as u64,
                action: if write { Action::Write } else { Action::Read },
                token: 0,
            };
            // SAFETY: promised by the caller.
            unsafe { remote::start(access, left)? };
            done += piece;
        }
        Ok(())
    }

    /// Copies the place's bytes into `bytes`.
    ///
    /// # Safety
    /// The place has as many bytes in a window or control block of its rank.
    pub unsafe fn read(self, bytes: &mut [u8]) -> Result<()> {
        let left = Rc::default();
        // SAFETY: the slice outlives the wait; else promised by the caller.
        let started = unsafe { self.start_copy(false, bytes.as_mut_ptr(), bytes.len(), &left) };
        remote::wait(&left).and(started)
    }

    /// Copies `bytes` to the place.
    ///
    /// # Safety
    /// As [`Self::read`].
    pub unsafe fn write(self, bytes: &[u8]) -> Result<()> {
        let left = Rc::default();
        // SAFETY: as in `read`; a write does not change its source.
        let started = unsafe { self.start_copy(true, bytes.as_ptr().cast_mut(), bytes.len(), &left) };
        remote::wait(&left).and(started)
    }

    /// Adds to the word; gives what it was.
    ///
    /// # Safety
    /// The place is an aligned word of a control block.
    pub unsafe fn fetch_add(self, add: u64) -> Result<u64> {
        match self {
            Self::Direct(at) => {
                // SAFETY: promised by the caller; all access to the word is atomic.
                let word = unsafe { AtomicU64::from_ptr(at.cast()) };
                Ok(word.fetch_add(add, Ordering::SeqCst))
            }
            Self::Process { .. } => no_word(),
            // SAFETY: promised by the caller.
            Self::Remote { world, address, key } => unsafe {
                atomic(world, address, key, Action::FetchAdd(add))
            },
        }
    }

    /// Replaces the word if it equals `compare`; gives what it was.
    ///
    /// # Safety
    /// As [`Self::fetch_add`].
    pub unsafe fn compare_swap(self, compare: u64, swap: u64) -> Result<u64> {
        match self {
            Self::Direct(at) => {
                // SAFETY: promised by the caller; all access to the word is atomic.
                let word = unsafe { AtomicU64::from_ptr(at.cast()) };
                let swapped = word.compare_exchange(compare, swap, Ordering::SeqCst, Ordering::SeqCst);
                Ok(swapped.unwrap_or_else(|old| old))
            }
            Self::Process { .. } => no_word(),
            // SAFETY: promised by the caller.
            Self::Remote { world, address, key } => unsafe {
                atomic(world, address, key, Action::CompareSwap { compare, swap })
            },
        }
    }
}

/// Words that ranks synchronise through are never placed where only copies are possible.
#[cold]
fn no_word() -> Result<u64> {
    err(MPI_ERR_INTERN, "a window's control block is in memory without atomic access")
}

/// # Safety
/// The address is that of an aligned word of a control block of the rank.
unsafe fn atomic(world: u32, address: u64, key: u32, action: Action) -> Result<u64> {
    let (mut old, left) = (Box::new(0u64), Rc::default());
    let local = (&raw mut *old).cast();
    let access = Remote { to: world, remote: address, key, local, len: 8, action, token: 0 };
    // SAFETY: the box lives until the wait is over; else promised by the caller.
    let outcome = unsafe { remote::start(access, &left) }.and_then(|()| remote::wait(&left));
    if outcome.is_err() {
        // The adapter may still write there.
        std::mem::forget(old);
        return outcome.map(|()| 0);
    }
    // SAFETY: written by the adapter, out of the compiler's sight.
    Ok(unsafe { (&raw const *old).read_volatile() })
}

/// Copies bytes; words of 8, 4, 2 and 1 bytes as such, so that nobody sees half of one.
///
/// # Safety
/// Both sides have `len` bytes, `to` for writing.
#[inline(always)]
unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    macro_rules! word {
        ($ty:ty) => {
            // SAFETY: promised by the caller; the volatile access is to an aligned word.
            unsafe {
                if (from as usize | to as usize) % size_of::<$ty>() == 0 {
                    to.cast::<$ty>().write_volatile(from.cast::<$ty>().read_volatile());
                    return;
                }
            }
        };
    }
    match len {
        8 => word!(u64),
        4 => word!(u32),
        2 => word!(u16),
        1 => word!(u8),
        _ => {}
    }
    // SAFETY: promised by the caller; the sides may overlap.
    unsafe { to.copy_from(from, len) };
}
