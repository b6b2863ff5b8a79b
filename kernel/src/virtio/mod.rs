//! Virtio devices in microvm's virtio-mmio slots: finding them, and waiting for them.
//!
//! Device registers cost a VM exit each (some 40 us where ring 0 is emulated), memory costs none. So a slot is read
//! once, completions are looked for in the used ring, and a device interrupts only while somebody waits in `hlt`.

pub mod hal;
pub mod net;
pub mod p9;
pub mod slot;

pub use hal::KernelHal;
pub use slot::Slot;

use crate::mm;
use alloc::vec::Vec;
use core::ptr::NonNull;
use virtio_drivers::transport::mmio::{MmioTransport, VirtIOHeader};

/// First slot (QEMU, include/hw/i386/microvm.h, VIRTIO_MMIO_BASE).
const BASE: u64 = 0xfeb0_0000;
const SLOT_BYTES: u64 = 512;
/// Slots with the second I/O APIC, which microvm has unless it was switched off (hw/i386/microvm.c).
const SLOTS: u64 = 24;
/// Interrupt line of slot 0: the first pin of the second I/O APIC.
const FIRST_GSI: u32 = 24;

/// All devices in the order of QEMU's command line.
///
/// Devices put on `bus=virtio-mmio-bus.0`, `.1` and so on fill the slots upwards; left to itself QEMU 7.2 fills them
/// from the last one downwards. Either way the devices lie side by side, and the first empty slot ends the search.
pub fn devices() -> Vec<Slot> {
    let window = mm::map_device(BASE, SLOTS * SLOT_BYTES);
    let upwards: Vec<Slot> = (0..SLOTS).map_while(|n| device(window, n)).collect();
    if !upwards.is_empty() {
        return upwards;
    }
    (1..SLOTS).rev().map_while(|n| device(window, n)).collect()
}

fn device(window: NonNull<u8>, slot: u64) -> Option<Slot> {
    // SAFETY: 1. the slot lies in the mapped window; 2. the window stays mapped; 3. each slot is visited once while it
    // is in use: `devices` goes downwards only when slot 0, the only one visited twice, is empty.
    let transport = unsafe {
        let header = window.byte_add((slot * SLOT_BYTES) as usize).cast::<VirtIOHeader>();
        MmioTransport::new(header, SLOT_BYTES as usize)
    };
    // An empty slot has device number 0, which the transport refuses.
    Some(Slot::new(transport.ok()?, FIRST_GSI + slot as u32))
}
