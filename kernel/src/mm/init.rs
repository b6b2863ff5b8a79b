//! Building the address space at boot.

use alloc::string::String;
use core::ptr::NonNull;

use super::image::{Image, kernel_extents};
use super::paging::{LARGE, PageTables};
use super::regions::{Kind, Prot};
use super::{KERNEL_STACK_PAGES, KernelTables, MEMORY, PAGE, POOL, RamMap, region_storage};
use crate::arch;
use crate::errno::{Errno, Result};
use crate::pvh::{Extent, StartInfo};

/// Memory below this belongs to the kernel: firmware left-overs, the null page, and the pool's first pages.
const LOW_MEMORY: u64 = 1 << 20;
/// The pool's first pages begin here; below lies what the firmware and the null page need.
const POOL_START: u64 = crate::smp::TRAMPOLINE + PAGE;
/// Page directories of RAM below are made at boot, so that mapping it in large pages needs no memory.
const PREPARED: u64 = 16 << 30;
/// Pages of the first region list.
const REGION_PAGES: usize = 8;
/// Most RAM that is the kernel's from the start: its heap, page tables, stacks and queues.
const MOST_SHARE: u64 = 8 << 20;
/// Stack of the program when nobody says otherwise, as on Linux.
const DEFAULT_STACK: u64 = 8 << 20;
const SMALLEST_STACK: u64 = 64 << 10;

/// What [`init`] found and made.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The main stack.
    pub stack: Extent,
    /// End of the image.
    pub image_end: u64,
    /// End of the main thread's kernel stack.
    pub kernel_stack: u64,
}

/// Gives the pool its first pages: from here on the kernel's heap works.
pub fn start_pool(info: &StartInfo) {
    let Some(low) = info.ram().iter().find(|e| e.start <= POOL_START && e.end > POOL_START) else { return };
    let end = low.end.min(0xa_0000);
    let Some(start) = NonNull::new(POOL_START as *mut u8) else { return };
    // SAFETY: RAM below the image that nobody uses; mapped by the boot tables and by the final ones.
    unsafe { POOL.borrow().add(start, ((end - POOL_START) / PAGE) as usize) };
}

/// Why the image does not fit into RAM: a sentence for the user, or None.
pub fn layout_error(info: &StartInfo) -> Option<String> {
    let (start, end) = Image::own().span();
    let extent = info.ram().iter().find(|e| e.start <= start && start < e.end);
    let available = extent.map_or(0, |e| e.end);
    // The launcher's module lies in the same RAM; an image that reaches it has been overwritten by it.
    let limit = info.module.filter(|m| m.end > start).map_or(available, |m| m.start.min(available));
    let needed = end + SMALLEST_STACK + LARGE;
    (limit < needed).then(|| {
        alloc::format!(
            "not enough memory: the program's image needs {} MiB, the VM has {} MiB (choose more with --mem)",
            needed.div_ceil(1 << 20),
            available >> 20
        )
    })
}

/// Builds regions and page tables and switches to them. `stack` is the size the user asked for, if any.
pub fn init(info: &StartInfo, stack: Option<u64>, module: Option<Extent>) -> Result<Layout> {
    let image = Image::own();
    let mut memory = MEMORY.borrow();
    let memory = &mut *memory;

    let mut ram = RamMap::EMPTY;
    for extent in info.ram() {
        ram.high_end = ram.high_end.max(extent.end);
        if extent.start < 1 << 32 {
            ram.low_end = ram.low_end.max(extent.end);
        }
        let start = extent.start.max(LOW_MEMORY);
        if start < extent.end {
            ram.extents[ram.count] = Extent { start, end: extent.end };
            ram.count += 1;
        }
    }
    memory.ram = ram;
    let storage = POOL.borrow().take(REGION_PAGES).ok_or(Errno::ENOMEM)?;
    memory.regions.move_to(region_storage(storage, REGION_PAGES));

    let mut pages = KernelTables { returned: [None; 32], count: 0 };
    // SAFETY: a flag the boot code wrote.
    let nx = unsafe { arch::k_has_nx } != 0;
    let mut tables = PageTables::new(&mut pages, nx).map_err(|_| Errno::ENOMEM)?;
    for extent in ram.extents() {
        let end = extent.end.min(PREPARED);
        tables.prepare(extent.start, end, &mut pages).map_err(|_| Errno::ENOMEM)?;
    }
    memory.tables = Some(tables);
    // Not loaded yet: nothing the tables say is in a cache, and `protect_pages` must not load them half built.
    let mut map = |start: u64, end: u64, kind: Kind, prot: Prot, pages_prot: Prot| -> Result<()> {
        memory.regions.set(start, end, kind, prot)?;
        let tables = memory.tables.as_mut().ok_or(Errno::ENOMEM)?;
        tables.map(start, end, pages_prot, &mut pages).map_err(|_| Errno::ENOMEM)?;
        tables.take_stale();
        Ok(())
    };

    map(0, LOW_MEMORY, Kind::Kernel, Prot::NONE, Prot::NONE)?;
    let low_end = info.ram().iter().find(|e| e.start <= POOL_START).map_or(0, |e| e.end.min(0xa_0000));
    if low_end > POOL_START {
        map(crate::smp::TRAMPOLINE, low_end, Kind::Kernel, Prot::NONE, Prot::RW)?;
    }
    // Firmware has worked between the first MiB and the image: used RAM.
    let (image_start, image_end) = image.span();
    if image_start > LOW_MEMORY {
        map(LOW_MEMORY, image_start, Kind::Free, Prot::NONE, Prot::NONE)?;
    }
    let mut last_page = (0, Prot::NONE);
    for segment in image.segments() {
        let (mut start, end) = (segment.start & !(PAGE - 1), segment.end.next_multiple_of(PAGE));
        if start == last_page.0 {
            // Two segments meet in this page: it has to serve both.
            let both = Prot(segment.prot.0 | last_page.1.0);
            map(start, start + PAGE, Kind::Image, both, both)?;
            start += PAGE;
        }
        if start < end {
            map(start, end, Kind::Image, segment.prot, segment.prot)?;
        }
        last_page = (end - PAGE, segment.prot);
    }
    let guard = &raw const arch::k_boot_stack_bottom as u64;
    map(guard, guard + PAGE, Kind::Guard, Prot::NONE, Prot::NONE)?;
    let mut kernel_stack = || -> Result<u64> {
        let bottom = POOL.borrow().take(KERNEL_STACK_PAGES + 1).ok_or(Errno::ENOMEM)?.as_ptr() as u64;
        map(bottom, bottom + PAGE, Kind::Guard, Prot::NONE, Prot::NONE)?;
        Ok(bottom + (KERNEL_STACK_PAGES as u64 + 1) * PAGE)
    };
    let (main_stack, fault_stack) = (kernel_stack()?, kernel_stack()?);

    let stack = place_stack(&ram, image_end, stack);
    if let Some(stack) = stack {
        let stack_prot = if image.executable_stack() { Prot(7) } else { Prot::RW };
        let bottom = stack.start + guard_bytes(&ram);
        map(stack.start, bottom, Kind::Guard, Prot::NONE, Prot::NONE)?;
        map(bottom, stack.end, Kind::Stack, stack_prot, stack_prot)?;
        // The launcher's module has been read: used RAM, unless it lies in the stack, which need not be zero.
        if let Some(module) = module.filter(|m| m.start < stack.start && m.start >= image_end) {
            let end = module.end.next_multiple_of(PAGE).min(stack.start);
            map(module.start & !(PAGE - 1), end, Kind::Free, Prot::NONE, Prot::NONE)?;
        }
    }
    memory.brk_start = image_end;
    memory.brk = image_end;
    if let Some(tables) = &memory.tables {
        // SAFETY: the tables map the pool, the image with gate and kernel, and the stack in use. From then on faults can
        // use their own stack.
        unsafe {
            crate::gate::set_cr3(tables.root());
            arch::k_fault_stack = fault_stack;
        }
    }
    // What the kernel will need when the program has all the rest. RAM that is not touched costs the host nothing.
    let share = (ram.total() / 64).min(MOST_SHARE) / PAGE;
    memory.grow_pool(share as usize)?;
    // Without room for a stack the devices still work, so that the user can be told.
    let stack = stack.ok_or(Errno::ENOMEM)?;
    let stack = Extent { start: stack.start + guard_bytes(&ram), end: stack.end };
    Ok(Layout { stack, image_end, kernel_stack: main_stack })
}

/// The main stack lies at the end of the low RAM, where the firmware has left its traces, away from the growing heap.
fn place_stack(ram: &RamMap, image_end: u64, wanted: Option<u64>) -> Option<Extent> {
    let extent = ram.extents().iter().find(|e| e.start < image_end && image_end <= e.end)?;
    let space = extent.end - image_end;
    let size =
        wanted.unwrap_or(DEFAULT_STACK.min(space / 4)).clamp(SMALLEST_STACK, (space / 2).max(SMALLEST_STACK));
    let end = extent.end;
    let start = end.checked_sub(size.next_multiple_of(PAGE) + guard_bytes(ram))?;
    (start > image_end).then_some(Extent { start, end })
}

/// Guard below the main stack: large local arrays step over a small one. As much as on Linux, if RAM is not scarce.
fn guard_bytes(ram: &RamMap) -> u64 {
    (ram.total() / 256).clamp(PAGE, 1 << 20) & !(PAGE - 1)
}

/// True if a page of the kernel's own code or data lies in `[start, end)`.
pub fn holds_kernel(start: u64, end: u64) -> bool {
    kernel_extents().iter().any(|e| e.start & !(PAGE - 1) < end && start < e.end.next_multiple_of(PAGE))
}
