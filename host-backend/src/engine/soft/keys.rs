//! Protection domains, memory regions and their keys, per rank.
//!
//! A key is `index << 16 | tag`. The tags of lkey and rkey are random and differ, so a key that was not handed
//! out, a key of a region that is gone, and an lkey used as rkey are refused.

use std::collections::{HashSet, VecDeque};

use rustix::rand::{GetRandomFlags, getrandom};
use unirank_hca::command::Status;
use unirank_hca::{Access, GuestAddr, Lkey, PdNum, Rkey};

use crate::memory::Space;

use super::LIMITS;

/// Most regions of a rank: 16 bits of index, from 1 on, so that small keys are never a region's.
pub(super) const MAX_REGIONS: u32 = 65535;
/// Key that covers all of a rank's memory for local access.
pub(super) const RESERVED_LKEY: Lkey = Lkey(0x700);

#[derive(Debug)]
struct Region {
    lkey: u32,
    rkey: u32,
    pd: u32,
    addr: u64,
    len: u64,
    access: Access,
}

impl Region {
    fn covers(&self, addr: u64, len: u64) -> bool {
        let Some(end) = addr.checked_add(len) else { return false };
        addr >= self.addr && end <= self.addr + self.len
    }
}

/// All keys of a rank.
#[derive(Debug, Default)]
pub(super) struct Keys {
    domains: HashSet<u32>,
    next_domain: u32,
    regions: Vec<Option<Region>>,
    free: VecDeque<u32>,
}

impl Keys {
    pub(super) fn alloc_pd(&mut self) -> Result<PdNum, Status> {
        if self.domains.len() >= LIMITS.max_pd as usize {
            return Err(Status::LimitReached);
        }
        loop {
            self.next_domain = self.next_domain.wrapping_add(1) & 0x00ff_ffff;
            if self.domains.insert(self.next_domain) {
                return Ok(PdNum(self.next_domain));
            }
        }
    }

    /// The caller has checked that no queue uses the domain.
    pub(super) fn dealloc_pd(&mut self, pd: PdNum) -> Result<(), Status> {
        if self.regions.iter().flatten().any(|region| region.pd == pd.0) {
            return Err(Status::Busy);
        }
        if self.domains.remove(&pd.0) { Ok(()) } else { Err(Status::NotFound) }
    }

    pub(super) fn has_pd(&self, pd: PdNum) -> bool {
        self.domains.contains(&pd.0)
    }

    pub(super) fn register(
        &mut self,
        space: &Space,
        pd: PdNum,
        addr: GuestAddr,
        len: u64,
        access: Access,
    ) -> Result<(Lkey, Rkey), Status> {
        if !self.has_pd(pd) {
            return Err(Status::NotFound);
        }
        if !space.spans(addr.0, len) {
            return Err(Status::BadAddress);
        }
        let index = match self.free.pop_front() {
            Some(index) => index,
            None if self.regions.len() < MAX_REGIONS as usize => {
                self.regions.push(None);
                self.regions.len() as u32 - 1
            }
            None => return Err(Status::LimitReached),
        };
        let tag = random();
        let other = if tag >> 16 == tag & 0xffff { !tag } else { tag >> 16 };
        let lkey = (index + 1) << 16 | (tag & 0xffff);
        let rkey = (index + 1) << 16 | (other & 0xffff);
        let slot = self.regions.get_mut(index as usize).ok_or(Status::NoMemory)?;
        *slot = Some(Region { lkey, rkey, pd: pd.0, addr: addr.0, len, access });
        Ok((Lkey(lkey), Rkey(rkey)))
    }

    pub(super) fn deregister(&mut self, lkey: Lkey) -> Result<(), Status> {
        let index = (lkey.0 >> 16).wrapping_sub(1);
        let slot = self.regions.get_mut(index as usize).ok_or(Status::NotFound)?;
        if slot.as_ref().is_none_or(|region| region.lkey != lkey.0) {
            return Err(Status::NotFound);
        }
        *slot = None;
        self.free.push_back(index);
        Ok(())
    }

    fn region(&self, key: u32) -> Option<&Region> {
        self.regions.get(((key >> 16) as usize).wrapping_sub(1))?.as_ref()
    }

    /// Whether `lkey` lets the adapter touch the bytes for a queue of domain `pd`.
    #[inline]
    pub(super) fn local(&self, space: &Space, lkey: Lkey, pd: u32, addr: u64, len: u64, write: bool) -> bool {
        if lkey == RESERVED_LKEY {
            return space.contains(addr, len);
        }
        self.region(lkey.0).is_some_and(|region| {
            region.lkey == lkey.0
                && region.pd == pd
                && region.covers(addr, len)
                && space.contains(addr, len)
                && (!write || region.access.contains(Access::LOCAL_WRITE))
        })
    }

    /// Whether `rkey` lets a peer do `right` to the bytes through a queue pair of domain `pd`.
    #[inline]
    pub(super) fn remote(
        &self,
        space: &Space,
        rkey: Rkey,
        pd: u32,
        (addr, len): (u64, u64),
        right: Access,
    ) -> bool {
        self.region(rkey.0).is_some_and(|region| {
            region.rkey == rkey.0
                && region.pd == pd
                && region.covers(addr, len)
                && space.contains(addr, len)
                && region.access.contains(right)
        })
    }
}

fn random() -> u32 {
    let mut bytes = [0u8; 4];
    // The kernel's pool is ready long before this daemon runs; were it not, the time still differs.
    if getrandom(&mut bytes, GetRandomFlags::NONBLOCK).is_err() {
        return super::now_ns() as u32;
    }
    u32::from_ne_bytes(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn space() -> Space {
        vm(1 << 20)
    }

    fn vm(bytes: u64) -> Space {
        let fd = rustix::fs::memfd_create("t", rustix::fs::MemfdFlags::ALLOW_SEALING).unwrap();
        rustix::fs::ftruncate(&fd, bytes).unwrap();
        rustix::fs::fcntl_add_seals(&fd, rustix::fs::SealFlags::SHRINK).unwrap();
        Space::Vm { ram: std::sync::Arc::new(crate::memory::Mapping::new(&fd, "t").unwrap()) }
    }

    #[test]
    fn bounds_rights_domains_and_kinds_of_key() {
        let (space, mut keys) = (space(), Keys::default());
        let (pd, other) = (keys.alloc_pd().unwrap(), keys.alloc_pd().unwrap());
        let access = Access::LOCAL_WRITE | Access::REMOTE_READ;
        let (lkey, rkey) = keys.register(&space, pd, GuestAddr(4096), 100, access).unwrap();
        assert_ne!(lkey.0, rkey.0);
        assert!(keys.local(&space, lkey, pd.0, 4096, 100, true));
        assert!(!keys.local(&space, lkey, pd.0, 4095, 1, true));
        assert!(!keys.local(&space, lkey, pd.0, 4096, 101, true));
        assert!(!keys.local(&space, lkey, other.0, 4096, 1, true));
        assert!(!keys.local(&space, lkey, pd.0, u64::MAX, 2, false));
        assert!(!keys.local(&space, Lkey(rkey.0), pd.0, 4096, 1, false));
        assert!(keys.remote(&space, rkey, pd.0, (4100, 96), Access::REMOTE_READ));
        assert!(!keys.remote(&space, rkey, pd.0, (4100, 96), Access::REMOTE_WRITE));
        assert!(!keys.remote(&space, Rkey(lkey.0), pd.0, (4100, 96), Access::REMOTE_READ));
        assert!(!keys.remote(&space, Rkey(RESERVED_LKEY.0), pd.0, (4100, 1), Access::REMOTE_READ));
        assert_eq!(keys.dealloc_pd(pd), Err(Status::Busy));
        keys.deregister(lkey).unwrap();
        assert_eq!(keys.deregister(lkey), Err(Status::NotFound));
        assert!(!keys.local(&space, lkey, pd.0, 4096, 1, false));
        keys.dealloc_pd(pd).unwrap();
        assert_eq!(
            keys.register(&space, other, GuestAddr((1 << 20) - 4), 8, access),
            Err(Status::BadAddress)
        );
        assert_eq!(keys.register(&space, pd, GuestAddr(0), 8, access), Err(Status::NotFound));
    }

    #[test]
    fn the_hole_in_a_region_of_all_memory_is_no_memory() {
        let (space, mut keys) = (vm(6 << 30), Keys::default());
        let pd = keys.alloc_pd().unwrap();
        let (lkey, rkey) = keys.register(&space, pd, GuestAddr(0), 7 << 30, Access::ALL).unwrap();
        for (addr, len, is_memory) in [
            ((3 << 30) - 8, 8, true),
            ((3 << 30) - 8, 9, false),
            (3 << 30, 8, false),
            ((4 << 30) - 8, 16, false),
            (4 << 30, 8, true),
            ((7 << 30) - 8, 8, true),
            ((7 << 30) - 8, 9, false),
        ] {
            assert_eq!(keys.local(&space, lkey, pd.0, addr, len, true), is_memory, "{addr:#x} {len}");
            let remote = keys.remote(&space, rkey, pd.0, (addr, len), Access::REMOTE_WRITE);
            assert_eq!(remote, is_memory, "{addr:#x} {len}");
        }
        assert_eq!(
            keys.register(&space, pd, GuestAddr(0), (7 << 30) + 1, Access::ALL),
            Err(Status::BadAddress)
        );
    }
}
