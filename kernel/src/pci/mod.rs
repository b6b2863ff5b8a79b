//! PCI functions on bus 0, reached through ECAM.
//!
//! There is no firmware in this machine: base address registers come up empty and are placed here, in the windows below
//! 4 GiB and at the end of the address space that microvm gives to PCI (QEMU, hw/i386/microvm.c, PCIE_MMIO_BASE and
//! microvm_devices_init). Source of the registers: PCI Local Bus Specification 3.0, sections 6.1, 6.2.5 and 6.8.2.

pub mod bar;
pub mod ecam;
pub mod msix;

pub use bar::{Bar, Window};

/// Where a function's configuration registers are read and written, in aligned words of 32 bits.
pub trait ConfigSpace {
    /// Reads the word at a byte offset divisible by four.
    fn read(&self, offset: u16) -> u32;
    /// Writes it.
    fn write(&mut self, offset: u16, value: u32);
}

/// Offset of the vendor and device word.
pub const ID: u16 = 0x00;
const COMMAND: u16 = 0x04;
const COMMAND_MEMORY: u32 = 1 << 1;
const COMMAND_MASTER: u32 = 1 << 2;
const STATUS_CAPABILITIES: u32 = 1 << 20;
const CAPABILITIES: u16 = 0x34;

/// Lets the function answer in its memory ranges and send interrupt messages.
pub fn enable(config: &mut impl ConfigSpace) {
    let command = config.read(COMMAND) & 0xffff;
    config.write(COMMAND, command | COMMAND_MEMORY | COMMAND_MASTER);
}

/// Lets a function that was not enabled before answer in its memory ranges.
pub fn enable_memory(config: &mut impl ConfigSpace) {
    config.write(COMMAND, COMMAND_MEMORY);
}

/// Offset of the first capability of a kind.
pub fn capability(config: &impl ConfigSpace, kind: u8) -> Option<u16> {
    if config.read(COMMAND) & STATUS_CAPABILITIES == 0 {
        return None;
    }
    let mut at = config.read(CAPABILITIES) as u8 & !3;
    // 48 capabilities fill the 192 bytes behind the header: a longer list is a loop.
    for _ in 0..48 {
        if at < 0x40 {
            return None;
        }
        let word = config.read(at.into());
        if word as u8 == kind {
            return Some(at.into());
        }
        at = (word >> 8) as u8 & !3;
    }
    None
}

#[cfg(test)]
pub(crate) mod fake {
    use super::ConfigSpace;

    /// Registers in memory; a base address register keeps only the bits its size leaves.
    pub struct Fake {
        pub words: [u32; 64],
        pub bar_masks: [u32; 6],
    }

    impl ConfigSpace for Fake {
        fn read(&self, offset: u16) -> u32 {
            self.words[usize::from(offset / 4)]
        }

        fn write(&mut self, offset: u16, value: u32) {
            let i = usize::from(offset / 4);
            self.words[i] = match i {
                4..10 => {
                    let mask = self.bar_masks[i - 4];
                    // The low bits of a register say what it is and cannot be written; an upper half has none.
                    let fixed = if mask == !0 { 0 } else { 0xf };
                    value & mask & !fixed | self.words[i] & fixed
                }
                _ => value,
            };
        }
    }

    impl Fake {
        /// An ivshmem-doorbell: 256 bytes of registers, 4 KiB of MSI-X, 1 MiB of 64-bit prefetchable memory.
        pub fn ivshmem() -> Self {
            let mut f = Fake { words: [0; 64], bar_masks: [!0xff, !0xfff, !0xf_ffff, !0, 0, 0] };
            f.words[0] = 0x1110_1af4;
            f.words[1] = 1 << 20;
            f.words[6] = 0xc;
            f.words[0x34 / 4] = 0x40;
            f.words[0x40 / 4] = 0x0000_0011;
            f.words[0x44 / 4] = 0x0000_0001;
            f
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fake::Fake;
    use super::*;

    #[test]
    fn finds_capabilities_and_survives_a_looping_list() {
        let mut f = Fake::ivshmem();
        assert_eq!(capability(&f, 0x11), Some(0x40));
        assert_eq!(capability(&f, 0x05), None);
        f.words[0x40 / 4] = 0x4009;
        assert_eq!(capability(&f, 0x11), None);
        f.words[1] = 0;
        assert_eq!(capability(&f, 0x09), None);
    }
}
