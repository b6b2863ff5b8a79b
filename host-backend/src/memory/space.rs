//! Which addresses a rank has, and where the engine finds them.

use std::ptr::NonNull;
use std::sync::Arc;

use super::Mapping;

/// Guest RAM up to here is below the PCI hole of QEMU's microvm; the rest starts at [`HIGH_RAM`].
pub const LOW_RAM: u64 = 3 << 30;
/// Guest address of the RAM that does not fit below the hole.
pub const HIGH_RAM: u64 = 4 << 30;
/// End of the user half of the address space of a native process.
const USER_END: u64 = 1 << 47;
/// Lowest address a native process may have mapped memory at.
const USER_START: u64 = 4096;

/// A rank's address space.
#[derive(Debug)]
pub enum Space {
    /// Guest-physical addresses over the RAM file.
    Vm {
        /// The RAM file.
        ram: Arc<Mapping>,
    },
    /// Virtual addresses of a process.
    Native {
        /// The DMA arena, where the queues are.
        arena: Arc<Mapping>,
        /// Where the process mapped the arena; 0 until it has said so.
        base: u64,
        /// The process, once the runner has told it.
        pid: Option<i32>,
    },
}

impl Space {
    /// The engine's address of `len` bytes at `addr`, when they are mapped here in one piece.
    #[inline]
    pub fn direct(&self, addr: u64, len: u64) -> Option<NonNull<u8>> {
        match self {
            Self::Vm { ram } => {
                if addr < LOW_RAM {
                    let end = addr.checked_add(len)?;
                    if end > LOW_RAM {
                        return None;
                    }
                    return ram.at(addr, len);
                }
                ram.at(addr.checked_sub(HIGH_RAM)?.checked_add(LOW_RAM)?, len)
            }
            Self::Native { arena, base, .. } => {
                if *base == 0 {
                    return None;
                }
                arena.at(addr.checked_sub(*base)?, len)
            }
        }
    }

    /// As [`Space::direct`], with a share in the mapping so that the address outlives the rank's space.
    pub fn hold(&self, addr: u64, len: u64) -> Option<(Arc<Mapping>, NonNull<u8>)> {
        let at = self.direct(addr, len)?;
        match self {
            Self::Vm { ram } => Some((Arc::clone(ram), at)),
            Self::Native { arena, .. } => Some((Arc::clone(arena), at)),
        }
    }

    /// Whether a buffer of `len` bytes at `addr` can be the rank's; for a process only its own page tables
    /// know more.
    #[inline]
    pub fn contains(&self, addr: u64, len: u64) -> bool {
        match self {
            Self::Vm { .. } => self.direct(addr, len).is_some(),
            Self::Native { .. } => {
                addr >= USER_START && addr.checked_add(len).is_some_and(|end| end <= USER_END)
            }
        }
    }

    /// The process behind addresses that are not mapped here.
    pub fn pid(&self) -> Option<i32> {
        match self {
            Self::Vm { .. } => None,
            Self::Native { pid, .. } => *pid,
        }
    }

    /// Bytes of RAM of a VM, 0 for a process.
    pub fn ram_len(&self) -> u64 {
        match self {
            Self::Vm { ram } => ram.len() as u64,
            Self::Native { .. } => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};

    fn mapping(len: u64) -> Arc<Mapping> {
        let fd = memfd_create("t", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        ftruncate(&fd, len).unwrap();
        fcntl_add_seals(&fd, SealFlags::SHRINK).unwrap();
        Arc::new(Mapping::new(&fd, "t").unwrap())
    }

    #[test]
    fn the_pci_hole_is_not_memory() {
        let space = Space::Vm { ram: mapping(5 << 30) };
        assert!(space.contains(LOW_RAM - 8, 8));
        assert!(!space.contains(LOW_RAM - 8, 9));
        assert!(!space.contains(LOW_RAM, 8));
        assert!(space.contains(HIGH_RAM, 2 << 30));
        assert!(!space.contains(HIGH_RAM, (2 << 30) + 1));
        assert!(!space.contains(u64::MAX - 3, 8));
    }

    #[test]
    fn a_process_has_no_arena_until_it_says_where() {
        let space = Space::Native { arena: mapping(1 << 20), base: 0, pid: None };
        assert!(space.direct(0, 8).is_none());
        let Space::Native { arena, .. } = space else { unreachable!() };
        let space = Space::Native { arena, base: 0x7000_0000_0000, pid: None };
        assert!(space.direct(0x7000_0000_0000, 1 << 20).is_some());
        assert!(space.direct(0x7000_0000_0001, 1 << 20).is_none());
        assert!(space.contains(0x1000, 8) && !space.contains(0, 8) && !space.contains(USER_END - 4, 8));
    }
}
