//! What the driver needs from the place where it runs.

use core::alloc::Layout;
use core::ptr::NonNull;

#[cfg(feature = "native")]
pub mod arena;
#[cfg(feature = "native")]
pub mod native;
pub mod vm;

#[cfg(feature = "native")]
pub use native::NativePlatform;
pub use vm::VmPlatform;

/// The place where the driver runs: a VM, a native process, or a test.
///
/// # Safety
/// 1. `region` points to [`REGION_LEN`](crate::region::REGION_LEN) bytes or more (`region_len` tells), page-aligned, mapped
///    readable and writable as long as the platform lives.
/// 2. `alloc_dma` returns memory that is zeroed, laid out as asked, exclusively the caller's until `free_dma`, at an address
///    that is also the adapter's address.
pub unsafe trait Platform {
    /// Start of the device region.
    fn region(&self) -> NonNull<u8>;

    /// Bytes mapped at [`Platform::region`].
    fn region_len(&self) -> usize;

    /// Memory for rings and doorbell records; `None` when there is no more.
    fn alloc_dma(&self, layout: Layout) -> Option<NonNull<u8>>;

    /// Returns memory of [`Platform::alloc_dma`].
    ///
    /// # Safety
    /// `pointer` came from `alloc_dma` with this `layout`, and neither the program nor the adapter uses it any more.
    unsafe fn free_dma(&self, pointer: NonNull<u8>, layout: Layout);

    /// Base and length of the DMA arena when it is a mapping of its own (native); zeros in a VM.
    fn dma_window(&self) -> (u64, u64);

    /// Wakes the engine, which said that it sleeps.
    fn wake_engine(&self);

    /// Blocks until the adapter's interrupt or the timeout; returns at once if an interrupt came since the last return.
    fn wait_event(&self, timeout_ns: u64);

    /// Monotonic time.
    fn now_ns(&self) -> u64;
}
