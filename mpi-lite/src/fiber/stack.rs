//! Stacks of fibers, with a page below that nobody may touch, and a store of some that are free.

use crate::abi::MPI_ERR_NO_MEM;
use crate::error::{Result, err};
use crate::per_rank::per_rank;
use std::cell::RefCell;

/// Bytes of a stack. The library's collectives take a few KiB; the rest is for reduction functions of the program.
const BYTES: usize = 256 << 10;
/// Bytes below it: what goes too deep ends there instead of in other memory.
const GUARD: usize = 4096;
/// Stacks that are kept for later.
const KEPT: usize = 16;

/// The memory of a stack.
pub struct Stack(*mut u8);

per_rank! { static FREE: RefCell<Vec<Stack>> = RefCell::new(Vec::new()); }

impl Stack {
    /// One that was used before, or a new one.
    pub fn take() -> Result<Self> {
        match FREE.with(|free| free.borrow_mut().pop()) {
            Some(stack) => Ok(stack),
            None => Self::map(),
        }
    }

    fn map() -> Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK;
        // SAFETY: new memory at an address that the system chooses.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), GUARD + BYTES, libc::PROT_NONE, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return err(MPI_ERR_NO_MEM, format!("no memory for the {BYTES} bytes of an operation's stack"));
        }
        let stack = Self(start.cast());
        // SAFETY: a part of the memory that was mapped now.
        let open =
            unsafe { libc::mprotect(start.byte_add(GUARD), BYTES, libc::PROT_READ | libc::PROT_WRITE) };
        if open != 0 {
            return err(MPI_ERR_NO_MEM, format!("no memory for the {BYTES} bytes of an operation's stack"));
        }
        Ok(stack)
    }

    /// The end of the memory, where the stack begins.
    pub fn top(&self) -> *mut u8 {
        self.0.wrapping_add(GUARD + BYTES)
    }

    /// Keeps it for later, or gives it back.
    pub fn put_back(self) {
        FREE.with(|free| {
            let mut free = free.borrow_mut();
            if free.len() < KEPT {
                free.push(self);
            }
        });
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: mapped by `map` and in use by nobody.
        unsafe { libc::munmap(self.0.cast(), GUARD + BYTES) };
    }
}
