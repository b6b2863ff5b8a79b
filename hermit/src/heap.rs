//! Memory in pieces of any size and alignment.

use dlmalloc::{Allocator, Dlmalloc};

use crate::lock::Lock;
use crate::memory::{self, PAGE};

/// The heap takes pages from the kernel and gives them back.
struct Pages;

// SAFETY: each region is a mapping of its own, given out once.
unsafe impl Allocator for Pages {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        (memory::map(size), size, 0)
    }

    fn remap(&self, ptr: *mut u8, oldsize: usize, newsize: usize, can_move: bool) -> *mut u8 {
        const MREMAP_MAYMOVE: u64 = 1;
        let result = linux!(MREMAP, ptr, oldsize, newsize, if can_move { MREMAP_MAYMOVE } else { 0 });
        if result < 0 { core::ptr::null_mut() } else { result as *mut u8 }
    }

    fn free_part(&self, ptr: *mut u8, oldsize: usize, newsize: usize) -> bool {
        // SAFETY: the heap no longer uses the rest.
        unsafe { memory::unmap(ptr.wrapping_add(newsize), oldsize - newsize) }
    }

    fn free(&self, ptr: *mut u8, size: usize) -> bool {
        // SAFETY: the heap no longer uses it.
        unsafe { memory::unmap(ptr, size) }
    }

    fn can_release_part(&self, _flags: u32) -> bool {
        true
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE
    }
}

static HEAP: Lock<Dlmalloc<Pages>> = Lock::new(Dlmalloc::new_with_allocator(Pages));

/// What Rust's `Layout` accepts, and not nothing.
fn valid(size: usize, align: usize) -> bool {
    size != 0 && align.is_power_of_two() && size <= isize::MAX as usize - (align - 1)
}

/// A place for a `T`; null when memory is exhausted.
pub fn place<T>() -> *mut T {
    // SAFETY: any size and alignment are fine.
    unsafe { sys_malloc(size_of::<T>(), align_of::<T>()).cast() }
}

/// Gives a place back.
///
/// # Safety
/// It is one of [`place`], and not used any more.
pub unsafe fn vacate<T>(place: *mut T) {
    // SAFETY: as the caller says.
    unsafe { sys_free(place.cast(), size_of::<T>(), align_of::<T>()) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_malloc(size: usize, align: usize) -> *mut u8 {
    if !valid(size, align) {
        return core::ptr::null_mut();
    }
    // SAFETY: a valid layout.
    unsafe { HEAP.lock().malloc(size, align) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_alloc(size: usize, align: usize) -> *mut u8 {
    // SAFETY: as ours.
    unsafe { sys_malloc(size, align) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_alloc_zeroed(size: usize, align: usize) -> *mut u8 {
    if !valid(size, align) {
        return core::ptr::null_mut();
    }
    // SAFETY: a valid layout.
    unsafe { HEAP.lock().calloc(size, align) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_realloc(ptr: *mut u8, size: usize, align: usize, new_size: usize) -> *mut u8 {
    if ptr.is_null() || !valid(size, align) || !valid(new_size, align) {
        return core::ptr::null_mut();
    }
    // SAFETY: the caller's piece of this layout, and a valid new one.
    unsafe { HEAP.lock().realloc(ptr, size, align, new_size) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_free(ptr: *mut u8, size: usize, align: usize) {
    if !ptr.is_null() && valid(size, align) {
        // SAFETY: the caller's piece of this layout.
        unsafe { HEAP.lock().free(ptr, size, align) }
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn sys_dealloc(ptr: *mut u8, size: usize, align: usize) {
    // SAFETY: as ours.
    unsafe { sys_free(ptr, size, align) }
}
