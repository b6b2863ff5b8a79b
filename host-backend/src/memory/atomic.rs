//! Read-modify-write of a word in a rank's memory.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Space;
use super::transfer::{read_process, write_process};

/// Replaces the word at `addr` by what `new` gives for it; gives the old one, or `None` when the address is
/// not the rank's or not a multiple of 8.
///
/// In mapped memory this is atomic against everything, the rank's own processors included. In the rest of a
/// native process it is atomic against other ranks' operations only (`IBV_ATOMIC_HCA`), as one thread
/// executes them all.
pub fn update(space: &Space, addr: u64, new: impl Fn(u64) -> u64) -> Option<u64> {
    if addr % 8 != 0 {
        return None;
    }
    if let Some(at) = space.direct(addr, 8) {
        if at.as_ptr() as usize % 8 != 0 {
            return None;
        }
        // SAFETY: eight bytes inside a live mapping, aligned; all parties access the word atomically or are
        // another machine.
        let word = unsafe { at.cast::<AtomicU64>().as_ref() };
        return word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |old| Some(new(old))).ok();
    }
    if !space.contains(addr, 8) {
        return None;
    }
    let mut bytes = [0u8; 8];
    read_process(space.pid()?, addr, &mut bytes)?;
    let old = u64::from_ne_bytes(bytes);
    write_process(space.pid()?, addr, &new(old).to_ne_bytes())?;
    Some(old)
}

#[cfg(test)]
mod tests {
    use super::super::Mapping;
    use super::*;
    use std::sync::Arc;

    #[test]
    fn mapped_and_process_memory() {
        let fd = rustix::fs::memfd_create("t", rustix::fs::MemfdFlags::ALLOW_SEALING).unwrap();
        rustix::fs::ftruncate(&fd, 4096).unwrap();
        rustix::fs::fcntl_add_seals(&fd, rustix::fs::SealFlags::SHRINK).unwrap();
        let mapping = Arc::new(Mapping::new(&fd, "t").unwrap());
        let space = Space::Native { arena: mapping, base: 1 << 32, pid: Some(std::process::id() as i32) };
        assert_eq!(update(&space, 1 << 32, |old| old + 5), Some(0));
        assert_eq!(update(&space, 1 << 32, |old| old * 2), Some(5));
        assert_eq!(update(&space, (1 << 32) + 4, |old| old), None);
        assert_eq!(update(&space, (1 << 32) + 4096, |old| old), None);
        let word = Box::new(41u64);
        assert_eq!(update(&space, &raw const *word as u64, |old| old + 1), Some(41));
        // SAFETY: the box is alive; the write came from outside the compiler's sight.
        assert_eq!(unsafe { std::ptr::read_volatile(&raw const *word) }, 42);
    }
}
