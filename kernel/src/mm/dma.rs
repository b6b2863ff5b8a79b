//! Memory for device queues: adjacent, zeroed, and at the same address for the device.

use core::ptr::NonNull;

use super::pool::PAGE;

/// Page-aligned zeroed memory of the kernel.
pub fn alloc(pages: usize) -> Option<NonNull<u8>> {
    let start = super::kernel_pages(pages)?;
    // SAFETY: pages of the kernel, just taken.
    unsafe { start.write_bytes(0, pages * PAGE) };
    Some(start)
}

/// Gives memory back.
///
/// # Safety
/// It comes from [`alloc`] with this number of pages; neither the kernel nor a device uses it any more.
pub unsafe fn free(start: NonNull<u8>, pages: usize) {
    // SAFETY: the caller's promise.
    unsafe { super::release_kernel_pages(start, pages) };
}
