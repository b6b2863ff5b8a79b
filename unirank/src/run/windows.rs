//! On whose RAM a rank's VM gets windows, and where their PCI functions are.
//!
//! A window costs its VM a PCI function and the host a memory slot of KVM, and all windows of a job are many: each rank
//! has one on every other. So there is a limit, and beyond it ranks that are likely to talk come first.

use super::options::WindowRights;

/// Most bits of a VM's physical addresses. With the 48 of large hosts the 64-bit PCI ranges would lie in the upper
/// canonical half, where the kernel, which maps them one to one, cannot reach them. TCG's processors have as many.
pub const MOST_ADDRESS_BITS: u32 = 40;
/// Position of the adapter on the PCI bus: slot 1.
pub const HCA: u8 = 1 << 3;
/// Position of the job region: slot 2.
pub const JOB_REGION: u8 = 2 << 3;
/// Position of the first window: slot 3.
const FIRST: u8 = 3 << 3;
/// Windows of one VM. Measured with `unirank run -n 64 --mem 64M --accel kvm` of a program that only initialises MPI, on
/// two cores: processor time of a VM from start to end 106 ms without windows (and without a job region before: 113), 142
/// with 31, 178 to 230 with 63, as QEMU goes over all its ranges for each new one. Where KVM has no hardware page tables
/// for guests, it keeps 2.5 KiB for each MiB it maps (`VmallocUsed`: 16 MiB a VM with 63 windows of 64 MiB beside a region
/// of 2 GiB, 11 with 31, 5.5 with none): 32 windows as large as the VM itself are 8 % of its RAM.
pub const MOST: u32 = 32;

/// A window of a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Whose RAM.
    pub rank: u32,
    /// Position on the PCI bus: slot and function.
    pub devfn: u8,
    /// Bytes of RAM.
    pub len: u64,
    /// What may be done with it.
    pub rights: WindowRights,
}

/// Bits of the physical addresses of VMs under KVM: the host's, within the limit.
pub fn address_bits() -> u32 {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    host_address_bits(&text).unwrap_or(MOST_ADDRESS_BITS).min(MOST_ADDRESS_BITS)
}

/// From `address sizes : 48 bits physical, 48 bits virtual` of /proc/cpuinfo.
fn host_address_bits(cpuinfo: &str) -> Option<u32> {
    let line = cpuinfo.lines().find_map(|line| line.strip_prefix("address sizes"))?;
    line.trim_start_matches([' ', '\t', ':']).split(' ').next()?.parse().ok()
}

/// Address space that such a VM has for 64-bit PCI ranges: the top quarter (QEMU, hw/i386/microvm.c).
pub fn pci_space(address_bits: u32) -> u64 {
    1 << (address_bits - 2)
}

/// Windows of `size` bytes each that fit a VM beside a job region of that size. Both are powers of two.
pub fn room(space: u64, region: u64, size: u64) -> u32 {
    let fit = space.saturating_sub(region.max(size)) / size;
    u32::try_from(fit).unwrap_or(MOST).min(MOST)
}

/// The ranks on whose RAM `rank` of `ranks` gets windows, at most `room`: those at a distance of a power of two, as in
/// tree and butterfly patterns, then the nearest. If a rank has a window on another, that has one on it.
pub fn peers(rank: u32, ranks: u32, room: u32) -> Vec<u32> {
    let half = ranks / 2;
    let trees = (0..32).map(|k| 1 << k).take_while(|&distance| distance <= half);
    let nearest = (1..=half).filter(|distance: &u32| !distance.is_power_of_two());
    let mut peers = Vec::new();
    for distance in trees.chain(nearest) {
        let (above, below) = ((rank + distance) % ranks, (rank + ranks - distance) % ranks);
        let both = [above, below];
        let new = if above == below { &both[..1] } else { &both };
        // All or none: ranks at this distance decide alike.
        if peers.len() + new.len() <= room as usize {
            peers.extend_from_slice(new);
        }
    }
    peers
}

/// Where the windows are, in the order of the ranks.
pub fn place(ranks: &[u32], len: u64, rights: WindowRights) -> Vec<Window> {
    let at = (FIRST..=u8::MAX).zip(ranks);
    at.map(|(devfn, &rank)| Window { rank, devfn, len, rights }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_while_there_is_room() {
        for ranks in [1, 2, 3, 8, 17, MOST + 1] {
            for rank in 0..ranks {
                let mut peers = peers(rank, ranks, MOST);
                peers.sort_unstable();
                assert_eq!(peers, (0..ranks).filter(|&r| r != rank).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn likely_partners_first() {
        assert_eq!(peers(5, 100, 9), [6, 4, 7, 3, 9, 1, 13, 97, 55]);
        let all = |room| (0..100).map(|rank| peers(rank, 100, room)).collect::<Vec<_>>();
        for all in [all(9), all(10), all(60), all(99)] {
            let has = |a: usize, b: usize| all[a].contains(&(b as u32));
            assert!((0..100).all(|a| (0..100).all(|b| has(a, b) == has(b, a))));
        }
    }

    #[test]
    fn what_fits_beside_the_region() {
        let space = pci_space(40);
        assert_eq!(space, 256 << 30);
        assert_eq!(room(space, 512 << 20, 64 << 20), MOST);
        assert_eq!(room(pci_space(38), 2 << 30, 4 << 30), 15);
        assert_eq!(room(space, space, 64 << 20), 0);
        assert_eq!(room(pci_space(36), 32 << 30, 64 << 20), 0);
    }

    #[test]
    fn the_hosts_address_bits() {
        let text = "processor\t: 0\naddress sizes\t: 39 bits physical, 48 bits virtual\n";
        assert_eq!(host_address_bits(text), Some(39));
        assert_eq!(host_address_bits("address sizes\t: many"), None);
    }

    #[test]
    fn functions_follow_each_other_and_slots_begin_at_function_0() {
        let windows = place(&(0..MOST).collect::<Vec<_>>(), 1 << 20, WindowRights::Rw);
        assert_eq!(windows.len(), MOST as usize);
        assert!(windows.iter().zip(FIRST..).all(|(window, devfn)| window.devfn == devfn));
        assert_eq!(FIRST % 8, 0);
    }
}
