//! What `virtio-drivers` needs to know of memory: nothing is translated, a pointer is the device's address.

use crate::mm;
use core::ptr::NonNull;
use virtio_drivers::{BufferDirection, Hal, PhysAddr};

/// The kernel's identity-mapped memory.
pub struct KernelHal;

// SAFETY: 1. `mm::dma` gives zeroed pages to nobody else until they are freed; 2. `mm::map_device` maps what it is asked
// for; 3. memory is identity-mapped, so `share` may give the pointer itself.
unsafe impl Hal for KernelHal {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        match mm::dma::alloc(pages) {
            Some(memory) => (memory.as_ptr() as PhysAddr, memory),
            // Address 0 tells virtio-drivers that there was no memory.
            None => (0, NonNull::dangling()),
        }
    }

    unsafe fn dma_dealloc(_: PhysAddr, memory: NonNull<u8>, pages: usize) -> i32 {
        // SAFETY: the caller passes on what `dma_alloc` gave.
        unsafe { mm::dma::free(memory, pages) };
        0
    }

    unsafe fn mmio_phys_to_virt(address: PhysAddr, size: usize) -> NonNull<u8> {
        mm::map_device(address, size as u64)
    }

    unsafe fn share(buffer: NonNull<[u8]>, _: BufferDirection) -> PhysAddr {
        buffer.cast::<u8>().as_ptr() as PhysAddr
    }

    unsafe fn unshare(_: PhysAddr, _: NonNull<[u8]>, _: BufferDirection) {}
}
