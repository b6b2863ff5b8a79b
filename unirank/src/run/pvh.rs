//! The start information of the PVH boot protocol, version 1 (Xen, `public/arch-x86/hvm/start_info.h`): where RAM is, and
//! one module, the boot configuration.

use crate::failure::{Failure, Result};

/// microvm's RAM below 4 GiB ends here at the latest; what does not fit lies from 4 GiB on (QEMU, hw/i386/microvm.c).
const HOLE: u64 = 3 << 30;
const ABOVE_HOLE: u64 = 4 << 30;
/// The stretches of RAM: below the old video memory, below the hole, above it.
const VIDEO: u64 = 0xa_0000;
const HIGH: u64 = 1 << 20;

const MAGIC: u32 = 0x336e_c578;
const VERSION: u32 = 1;
const HEADER_BYTES: u64 = 56;
const MODULE_BYTES: u64 = 32;
const RAM_BYTES: u64 = 24;
const RAM: u32 = 1;
const PAGE: u64 = 4096;

/// What the VM finds in its memory at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// Physical address of the start information.
    pub address: u32,
    /// It, and behind it all it refers to.
    pub bytes: Vec<u8>,
}

/// The address of the handover of a VM with so much memory, if it has so many bytes: the last whole pages below the hole.
fn address(memory: u64, len: u64) -> Option<u32> {
    let address = memory.min(HOLE).checked_sub(len)? & !(PAGE - 1);
    u32::try_from(address).ok().filter(|&address| u64::from(address) >= HIGH)
}

/// Lays out the handover of a VM with `memory` bytes, whose image ends at `image_end`.
pub fn handover(memory: u64, image_end: u64, config: &[u8]) -> Result<Handover> {
    let mut ram = vec![(0, VIDEO), (HIGH, memory.min(HOLE) - HIGH)];
    if memory > HOLE {
        ram.push((ABOVE_HOLE, memory - HOLE));
    }
    let (modules, map) = (HEADER_BYTES, HEADER_BYTES + MODULE_BYTES);
    let config_at = map + RAM_BYTES * ram.len() as u64;
    let address = address(memory, config_at + config.len() as u64).filter(|&at| u64::from(at) >= image_end);
    let address = address.ok_or_else(|| {
        Failure::new("arguments and environment do not fit into a rank's memory")
            .remedy("say more with --mem")
    })?;
    let at = |offset: u64| (u64::from(address) + offset).to_le_bytes();
    let mut bytes = Vec::new();
    let mut put = |field: &[u8]| bytes.extend_from_slice(field);
    for word in [MAGIC, VERSION, 0, 1] {
        put(&word.to_le_bytes());
    }
    put(&at(modules));
    // No command line, no ACPI tables.
    put(&[0; 16]);
    put(&at(map));
    put(&(ram.len() as u64).to_le_bytes());
    put(&at(config_at));
    put(&(config.len() as u64).to_le_bytes());
    // The module has no command line of its own.
    put(&[0; 16]);
    for (start, len) in ram {
        put(&u64::to_le_bytes(start));
        put(&u64::to_le_bytes(len));
        put(&RAM.to_le_bytes());
        put(&[0; 4]);
    }
    put(config);
    Ok(Handover { address, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(handover: &Handover, address: u64) -> u64 {
        let at = (address - u64::from(handover.address)) as usize;
        u64::from_le_bytes(handover.bytes[at..at + 8].try_into().unwrap())
    }

    #[test]
    fn all_of_it_lies_at_the_end_of_low_memory() {
        for (memory, low_end, stretches) in [(64 << 20, 64 << 20, 2), (5 << 30, 3 << 30, 3)] {
            let handover = handover(memory, 8 << 20, &[7; 5000]).unwrap();
            let base = u64::from(handover.address);
            assert_eq!(base % PAGE, 0);
            assert!((low_end - 3 * PAGE..low_end).contains(&base));
            assert!(base + handover.bytes.len() as u64 <= low_end);
            assert_eq!(word(&handover, base), u64::from(VERSION) << 32 | u64::from(MAGIC));
            let module = word(&handover, base + 16);
            let (config, len) = (word(&handover, module), word(&handover, module + 8));
            assert_eq!((config + len, len), (base + handover.bytes.len() as u64, 5000));
            assert_eq!(handover.bytes[(config - base) as usize..], [7; 5000]);
            let (map, entries) = (word(&handover, base + 40), word(&handover, base + 48));
            assert_eq!(entries, stretches);
            let total: u64 = (0..entries).map(|i| word(&handover, map + 24 * i + 8)).sum();
            assert_eq!(total, memory - (HIGH - VIDEO));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let text = handover(16 << 20, 12 << 20, &vec![0; 5 << 20]).unwrap_err().to_string();
        assert!(text.contains("do not fit") && text.contains("--mem"), "{text}");
        assert!(handover(16 << 20, 0, &vec![0; 20 << 20]).is_err());
    }
}
