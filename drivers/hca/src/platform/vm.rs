//! Inside a VM: the library OS gives the region, the time stamp counter is the clock, all memory is the adapter's.

use alloc::alloc::{alloc_zeroed, dealloc};
use core::alloc::Layout;
use core::arch::x86_64::_rdtsc;
use core::ptr::NonNull;

use super::Platform;
use crate::vm::UnirankVm;

/// The VM of a rank.
pub struct VmPlatform {
    vm: &'static UnirankVm,
    region: NonNull<u8>,
    clock: TscClock,
}

impl VmPlatform {
    /// Platform of this VM; `None` when the VM has no adapter.
    pub fn new(vm: &'static UnirankVm) -> Option<VmPlatform> {
        Some(VmPlatform { vm, region: NonNull::new(vm.hca_region)?, clock: TscClock::new(vm.tsc_hz) })
    }
}

// SAFETY: 1. the kernel maps the ivshmem BAR for as long as the VM runs; 2. the program's heap is zeroed on request by
// `alloc_zeroed`, and in the VM every address is the adapter's address.
unsafe impl Platform for VmPlatform {
    fn region(&self) -> NonNull<u8> {
        self.region
    }

    fn region_len(&self) -> usize {
        self.vm.hca_region_len as usize
    }

    fn alloc_dma(&self, layout: Layout) -> Option<NonNull<u8>> {
        if layout.size() == 0 {
            return None;
        }
        // SAFETY: the size is not zero.
        NonNull::new(unsafe { alloc_zeroed(layout) })
    }

    unsafe fn free_dma(&self, pointer: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller promises that it came from `alloc_dma`, which allocates with this allocator.
        unsafe { dealloc(pointer.as_ptr(), layout) }
    }

    fn dma_window(&self) -> (u64, u64) {
        (0, 0)
    }

    fn wake_engine(&self) {
        (self.vm.hca_wake)();
    }

    fn wait_event(&self, timeout_ns: u64) {
        (self.vm.wait_event)(timeout_ns);
    }

    fn now_ns(&self) -> u64 {
        // SAFETY: reading the counter has no effects; the kernel leaves it readable at CPL 3.
        self.clock.ns(unsafe { _rdtsc() })
    }
}

/// Nanoseconds from a time stamp counter, by one multiplication.
struct TscClock {
    /// Nanoseconds per tick, times 2^32.
    scale: u64,
}

impl TscClock {
    fn new(tsc_hz: u64) -> TscClock {
        TscClock { scale: (1_000_000_000u64 << 32).checked_div(tsc_hz).unwrap_or(1 << 32) }
    }

    fn ns(&self, ticks: u64) -> u64 {
        ((u128::from(ticks) * u128::from(self.scale)) >> 32) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::TscClock;

    #[test]
    fn clock_scales_ticks() {
        assert_eq!(TscClock::new(1_000_000_000).ns(12345), 12345);
        let ns = TscClock::new(3_000_000_000).ns(3_000_000_000_000);
        assert!((999_999_999_000..=1_000_000_000_000).contains(&ns), "{ns}");
        assert_eq!(TscClock::new(0).ns(7), 7, "an unknown frequency counts ticks");
    }
}
