//! The memory window through which configuration registers are reached (PCI Express Base Specification, 7.2.2).

use super::{ConfigSpace, ID};
use crate::mm;
use core::ptr::NonNull;

/// Where microvm has it (QEMU, include/hw/i386/microvm.h, PCIE_ECAM_BASE).
const BASE: u64 = 0xe000_0000;
/// Bytes per device: eight functions of 4 KiB.
const DEVICE_STRIDE: u64 = 32 << 10;
const DEVICES: u64 = 32;
const FUNCTION_STRIDE: u64 = 4 << 10;

/// A function on bus 0.
pub struct Function {
    registers: NonNull<u32>,
}

impl ConfigSpace for Function {
    fn read(&self, offset: u16) -> u32 {
        assert!(offset < 4096 && offset % 4 == 0);
        // SAFETY: `registers` is the mapped 4 KiB of this function and the offset is aligned and inside.
        unsafe { self.registers.byte_add(offset.into()).read_volatile() }
    }

    fn write(&mut self, offset: u16, value: u32) {
        assert!(offset < 4096 && offset % 4 == 0);
        // SAFETY: as in `read`; what the write means is the caller's matter.
        unsafe { self.registers.byte_add(offset.into()).write_volatile(value) }
    }
}

fn window() -> NonNull<u32> {
    mm::map_device(BASE, DEVICES * DEVICE_STRIDE).cast()
}

/// The function at a position: the slot in the upper five bits, the function's number in the lower three.
pub fn function(devfn: u8) -> Function {
    // SAFETY: the window was mapped for all functions of the bus.
    Function { registers: unsafe { window().byte_add(usize::from(devfn) * FUNCTION_STRIDE as usize) } }
}

/// The first device with these identities, or `None`. Each look costs a VM exit, so it stops at the first.
pub fn find(vendor: u16, device: u16) -> Option<Function> {
    (0..DEVICES as u8)
        .map(|slot| function(slot << 3))
        .find(|f| f.read(ID) == u32::from(device) << 16 | u32::from(vendor))
}
