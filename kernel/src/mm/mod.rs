//! Memory: one identity-mapped address space, shared by program and kernel.
//!
//! # Terms
//!
//! *RAM* is what the boot protocol's memory map says. A *region* ([`regions`]) is a stretch of it with an owner and
//! rights. The *pool* ([`pool`]) holds the kernel's own pages; it starts as the low 640 KiB and grows by whole 2 MiB
//! pages, so that growing never needs a page table. Because virtual is physical, the program's memory is contiguous for
//! every device, and what `mmap` gives is taken from RAM at once.
//!
//! Fresh RAM is zero in QEMU. Only what has been used before is zeroed when it is given out again.
//!
//! # Reservations
//!
//! Programs map address space without rights (PROT_NONE) to use parts of it later. Every address that a program can use is
//! given to adapters and to other ranks as it is, so it has to be RAM; a reservation therefore takes RAM addresses. It costs
//! the host nothing until it is used, but the rank's other mappings have to do with what is left. What reserves most are the
//! C library's arenas, 64 MiB for each: a rank is told to have no more of them than fit a quarter of its RAM
//! ([`arenas`]), and threads share them. Likewise the stacks of threads, whose default size follows RAM
//! ([`thread_stack`]). A reservation that does not fit is ENOMEM, with a line to the user.

pub mod advice;
pub mod dma;
pub mod heap;
pub mod image;
mod init;
pub mod large;
pub mod map;
pub mod paging;
pub mod pool;
pub mod regions;
pub mod remap;
pub mod room;

use core::ptr::NonNull;

use crate::cell::KernelCell;
use crate::errno::{Errno, Result};
use crate::pvh::{Extent, MAX_EXTENTS};
use paging::{LARGE, PageTables, TablePages};
use pool::Pool;
use regions::{Kind, Prot, Region, RegionMap};

pub use init::{Layout, init, layout_error, start_pool};

/// Bytes of a page.
pub const PAGE: u64 = regions::PAGE;

/// The RAM of the VM.
#[derive(Clone, Copy)]
pub struct RamMap {
    extents: [Extent; MAX_EXTENTS],
    count: usize,
    /// End of the RAM below 4 GiB.
    pub low_end: u64,
    /// End of all RAM.
    pub high_end: u64,
}

impl RamMap {
    const EMPTY: RamMap =
        RamMap { extents: [Extent { start: 0, end: 0 }; MAX_EXTENTS], count: 0, low_end: 0, high_end: 0 };

    /// The stretches of RAM above the first MiB, ascending.
    pub fn extents(&self) -> &[Extent] {
        &self.extents[..self.count]
    }

    /// Bytes of RAM the program and the kernel share.
    pub fn total(&self) -> u64 {
        self.extents().iter().map(|e| e.end - e.start).sum()
    }
}

/// All state of memory management but the pool.
pub struct Memory {
    regions: RegionMap,
    tables: Option<PageTables>,
    ram: RamMap,
    brk_start: u64,
    brk: u64,
    told_out_of_memory: bool,
    told_no_ram: bool,
    told_no_room: bool,
}

static MEMORY: KernelCell<Memory> = KernelCell::new(Memory {
    regions: RegionMap::new(&mut []),
    tables: None,
    ram: RamMap::EMPTY,
    brk_start: 0,
    brk: 0,
    told_out_of_memory: false,
    told_no_ram: false,
    told_no_room: false,
});
static POOL: KernelCell<Pool> = KernelCell::new(Pool::new());

/// The pool never falls below this many pages, so that page tables can always be had while memory is being managed.
const RESERVE: usize = 16;

/// Table pages from the pool. Pages given back wait until the processor has forgotten them.
struct KernelTables {
    returned: [Option<NonNull<u8>>; 32],
    count: usize,
}

impl TablePages for KernelTables {
    fn take(&mut self) -> Option<NonNull<u8>> {
        POOL.borrow().take(1)
    }

    fn release(&mut self, page: NonNull<u8>) {
        if self.count == self.returned.len() {
            // Rare: one call that replaces this many tables. Leaking a few pages is better than reusing live ones.
            return;
        }
        self.returned[self.count] = Some(page);
        self.count += 1;
    }
}

impl Memory {
    /// Gives mapped rights to a stretch of the address space and makes the processor see it.
    fn protect_pages(&mut self, start: u64, end: u64, prot: Prot) -> Result<()> {
        let Some(tables) = &mut self.tables else { return Ok(()) };
        let mut pages = KernelTables { returned: [None; 32], count: 0 };
        let result = tables.map(start, end, prot, &mut pages);
        if tables.take_stale() {
            // SAFETY: the tables in use, with the kernel's own mappings unchanged.
            unsafe { crate::gate::set_cr3(tables.root()) };
            crate::smp::flush_others();
        }
        for page in pages.returned.into_iter().flatten() {
            // SAFETY: a table page that no table entry and no cached translation refers to any more.
            unsafe { POOL.borrow().release(page, 1) };
        }
        result.map_err(|_| Errno::ENOMEM)
    }

    /// Takes a chunk of RAM for the pool.
    fn grow_pool(&mut self, pages: usize) -> Result<()> {
        let bytes = pages as u64 * PAGE;
        let large = bytes.next_multiple_of(LARGE);
        let (start, len) = self
            .find_ram(large, LARGE)
            .map(|start| (start, large))
            .or_else(|| {
                let small = bytes.next_multiple_of(16 * PAGE);
                self.find_ram(small, PAGE).map(|start| (start, small))
            })
            .ok_or(Errno::ENOMEM)?;
        self.regions.set(start, start + len, Kind::Kernel, Prot::NONE)?;
        self.protect_pages(start, start + len, Prot::RW)?;
        let start = NonNull::new(start as *mut u8).ok_or(Errno::ENOMEM)?;
        // SAFETY: RAM that was nobody's and is mapped now.
        unsafe { POOL.borrow().add(start, (len / PAGE) as usize) };
        Ok(())
    }

    /// Bytes of RAM that are nobody's.
    fn free_bytes(&self) -> u64 {
        self.ram.extents().iter().map(|&extent| self.regions.free_bytes(extent)).sum()
    }

    /// The highest free RAM that fits.
    fn find_ram(&self, len: u64, align: u64) -> Option<u64> {
        self.find_ram_below(u64::MAX, len, align)
    }

    /// The highest free RAM below a limit that fits.
    fn find_ram_below(&self, limit: u64, len: u64, align: u64) -> Option<u64> {
        self.ram.extents().iter().rev().find_map(|&Extent { start, end }| {
            self.regions.find_top(Extent { start, end: end.min(limit).max(start) }, len, align)
        })
    }

    /// Room in the pool and in the region list for one operation on so many bytes. To be called before a place is chosen:
    /// the room may come from free RAM.
    fn ensure_reserve(&mut self, bytes: u64) -> Result<()> {
        if self.regions.is_nearly_full() {
            let entries = self.regions.capacity() * 2;
            let pages = (entries * size_of::<Region>()).div_ceil(pool::PAGE);
            if POOL.borrow().free_pages() < pages + RESERVE {
                self.grow_pool(pages + RESERVE)?;
            }
            let Some(storage) = POOL.borrow().take(pages) else { return Err(Errno::ENOMEM) };
            let old = self.regions.move_to(region_storage(storage, pages));
            let old_pages = size_of_val(old).div_ceil(pool::PAGE);
            if let Some(start) = NonNull::new(old.as_mut_ptr().cast::<u8>()) {
                // SAFETY: the old storage came from the pool and is not referenced any more.
                unsafe { POOL.borrow().release(start, old_pages) };
            }
        }
        // One page directory for each GiB.
        let pages = RESERVE + room::HEADROOM + (bytes.min(self.ram.high_end) >> 30) as usize;
        if POOL.borrow().free_pages() < pages {
            self.grow_pool(pages)?;
        }
        Ok(())
    }
}

/// A list of empty regions in pages of the pool.
fn region_storage(start: NonNull<u8>, pages: usize) -> &'static mut [Region] {
    let entries = pages * pool::PAGE / size_of::<Region>();
    let list = start.cast::<Region>();
    // SAFETY: pages of the pool, ours from here on, large and aligned enough for the entries, which are all written.
    unsafe {
        for i in 0..entries {
            list.add(i).write(RegionMap::empty_entry());
        }
        core::slice::from_raw_parts_mut(list.as_ptr(), entries)
    }
}

/// Adjacent pages for the kernel, with whatever content.
pub fn kernel_pages(pages: usize) -> Option<NonNull<u8>> {
    if let Some(start) = POOL.borrow().take(pages) {
        return Some(start);
    }
    // Within memory management itself the reserve has to do.
    MEMORY.try_borrow()?.grow_pool(pages).ok()?;
    POOL.borrow().take(pages)
}

/// Gives pages of the kernel back.
///
/// # Safety
/// They come from [`kernel_pages`]; nobody uses them any more.
pub unsafe fn release_kernel_pages(start: NonNull<u8>, pages: usize) {
    // SAFETY: the caller's promise.
    unsafe { POOL.borrow().release(start, pages) };
}

/// Pages of a thread's kernel stack.
const KERNEL_STACK_PAGES: usize = 16;

/// A kernel stack with a guard page below it; its end.
pub fn kernel_stack() -> Result<u64> {
    let bottom = kernel_pages(KERNEL_STACK_PAGES + 1).ok_or(Errno::ENOMEM)?.as_ptr() as u64;
    let mut memory = MEMORY.borrow();
    memory.ensure_reserve(PAGE)?;
    memory.regions.set(bottom, bottom + PAGE, Kind::Guard, Prot::NONE)?;
    memory.protect_pages(bottom, bottom + PAGE, Prot::NONE)?;
    Ok(bottom + (KERNEL_STACK_PAGES as u64 + 1) * PAGE)
}

/// Address of the page tables in use.
pub fn page_tables() -> u64 {
    MEMORY.borrow().tables.as_ref().map_or(0, PageTables::root)
}

/// Makes this processor forget cached translations.
pub fn flush_here() {
    let root = page_tables();
    // SAFETY: the tables in use.
    unsafe { crate::gate::set_cr3(root) };
}

/// Source of the kernel heap's pages.
pub struct PoolPages;

impl heap::Pages for PoolPages {
    fn take(&self, pages: usize) -> Option<NonNull<u8>> {
        kernel_pages(pages)
    }

    unsafe fn release(&self, start: NonNull<u8>, pages: usize) {
        // SAFETY: the caller's promise.
        unsafe { release_kernel_pages(start, pages) };
    }
}

#[cfg(not(test))]
#[global_allocator]
static HEAP: heap::Heap<PoolPages> = heap::Heap::new(PoolPages);

/// The RAM of the VM.
pub fn ram() -> RamMap {
    MEMORY.borrow().ram
}

/// Bytes of RAM that are nobody's.
pub fn free_bytes() -> u64 {
    MEMORY.borrow().free_bytes()
}

/// Bytes of RAM that the program or the kernel has.
pub fn used_bytes() -> u64 {
    let memory = MEMORY.borrow();
    memory.ram.total().saturating_sub(memory.free_bytes())
}

/// Makes registers or memory of a device accessible at their physical address. Does nothing where that is so already.
///
/// # Panics
/// If the range touches RAM: a device's registers are not there.
pub fn map_device(address: u64, len: u64) -> NonNull<u8> {
    let (start, end) = (address & !(PAGE - 1), (address + len).next_multiple_of(PAGE));
    let mut memory = MEMORY.borrow();
    let is_device = |r: &Region| r.kind == Kind::Device;
    // Before there are tables of its own, the kernel runs on those of the boot code, which map the low 4 GiB.
    if memory.tables.is_some() && !memory.regions.covers(start, end - start, is_device) {
        let hits_ram = memory.ram.extents().iter().any(|e| e.start < end && start < e.end);
        assert!(!hits_ram, "device registers at {address:#x} inside RAM");
        let mapped = memory.ensure_reserve(len).and_then(|()| {
            memory.regions.set(start, end, Kind::Device, Prot::RW)?;
            memory.protect_pages(start, end, Prot::RW)
        });
        assert!(mapped.is_ok(), "no memory to map device registers at {address:#x}");
    }
    NonNull::new(address as *mut u8).expect("device registers at address 0")
}

/// Makes memory of a device accessible at its physical address, where nothing was before.
pub fn map_memory(start: u64, len: u64, prot: Prot) -> Result<NonNull<u8>> {
    let end = start + len.next_multiple_of(PAGE);
    let mut memory = MEMORY.borrow();
    memory.ensure_reserve(len)?;
    memory.regions.set(start, end, Kind::Device, prot)?;
    memory.protect_pages(start, end, prot)?;
    NonNull::new(start as *mut u8).ok_or(Errno::ENOMEM)
}

/// The region an address lies in, for the fault report. None also while memory is being managed.
pub fn region_at(address: u64) -> Option<Region> {
    MEMORY.try_borrow()?.regions.at(address).copied()
}

/// Address space one arena of the C library reserves (glibc, malloc/arena.c, HEAP_MAX_SIZE).
const ARENA: u64 = 64 << 20;

/// How many arenas the C library may have with this much RAM, beside the one in the program break's heap.
fn arenas_in(ram: u64) -> u64 {
    ram / 4 / ARENA
}

/// How many arenas for `malloc` the C library should have at most, the main one included.
pub fn arenas() -> u64 {
    1 + arenas_in(MEMORY.borrow().ram.total())
}

/// Default size of a thread's stack for a main stack of this size: as much, or what leaves half of RAM to others when 64
/// threads have one.
fn thread_stack_in(ram: u64, main_stack: u64) -> u64 {
    (ram / 128).max(128 << 10).min(main_stack) & !(PAGE - 1)
}

/// Default size of a thread's stack, which the C library asks for as the limit of stacks. What the user has set
/// (`UNIRANK_STACK`) is for all of them.
pub fn thread_stack(is_set: bool) -> u64 {
    let memory = MEMORY.borrow();
    let stack: u64 =
        memory.regions.all().iter().filter(|r| r.kind == Kind::Stack).map(|r| r.end - r.start).sum();
    if is_set { stack } else { thread_stack_in(memory.ram.total(), stack) }
}

/// True if the program may access `[start, start + len)` like this.
pub fn program_may(start: u64, len: u64, prot: Prot) -> bool {
    MEMORY.try_borrow().is_some_and(|memory| {
        let accept = |r: &Region| r.kind.is_program() && r.prot.allows(prot);
        memory.regions.covers(start, len, accept)
            && !(prot.allows(Prot::WRITE) && overlaps_kernel_data(start, len))
    })
}

/// Shows every region of the address space that is somebody's.
pub fn for_each_region(mut show: impl FnMut(&Region)) {
    let memory = MEMORY.borrow();
    memory.regions.all().iter().filter(|r| r.kind != Kind::Free).for_each(&mut show);
}

/// A system call must not be made to overwrite the kernel.
fn overlaps_kernel_data(start: u64, len: u64) -> bool {
    let data = image::kernel_extents()[2];
    start < data.end && data.start < start.saturating_add(len)
}

/// As [`for_each_region`] for the fault path: shows nothing while memory is being managed.
pub fn for_each_region_now(mut show: impl FnMut(&Region)) {
    if let Some(memory) = MEMORY.try_borrow() {
        memory.regions.all().iter().for_each(&mut show);
    }
}

/// True if the page tables map the page, for whomever.
pub fn is_mapped(address: u64) -> bool {
    MEMORY
        .try_borrow()
        .is_some_and(|memory| memory.tables.as_ref().is_some_and(|t| t.lookup(address).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_reserve_by_default_leaves_half_of_ram() {
        for ram in [16u64 << 20, 64 << 20, 512 << 20, 6 << 30] {
            assert!(arenas_in(ram) * ARENA <= ram / 4);
            let stack = thread_stack_in(ram, 8 << 20);
            assert!(stack % PAGE == 0 && stack <= 8 << 20);
            assert!(stack == 128 << 10 || stack * 64 <= ram / 2, "{ram:#x} {stack:#x}");
        }
        assert_eq!((arenas_in(512 << 20), thread_stack_in(512 << 20, 8 << 20)), (2, 4 << 20));
        assert_eq!((arenas_in(16 << 20), thread_stack_in(16 << 20, 64 << 10)), (0, 64 << 10));
    }
}
