//! What each processor has of its own: a block that the interrupt entries find by its alignment.

use core::arch::x86_64::{__cpuid, __cpuid_count};
use core::cell::Cell;
use core::ptr::null;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crate::arch;
use crate::thread::Thread;

/// EAX to EDX of a CPUID leaf, if the processor has it. In a VM each look costs a trip to the host.
pub fn leaf(number: u32, sub: u32) -> Option<[u32; 4]> {
    let highest = __cpuid(number & 0x8000_0000).eax;
    (number <= highest).then(|| {
        let r = __cpuid_count(number, sub);
        [r.eax, r.ebx, r.ecx, r.edx]
    })
}

/// Most processors a rank can have: as many as an affinity mask has bits.
pub const MAX: usize = 64;

/// Bytes of the block, which is also its alignment. The rest of it are the stacks of the interrupt entries.
pub const BLOCK: usize = 8192;
const TSS: usize = 168;
/// Stack tops of IST1 to IST4, see `arch/boot.s`.
const STACKS: [u64; 4] = [0x0c00, 0x1400, 0x1c00, 0x2000];
/// Index of the task state segment's descriptor.
const TSS_DESCRIPTOR: usize = 8;

/// A processor. `arch/boot.s` and `arch/gate.s` know the layout.
#[repr(C, align(8192))]
pub struct Cpu {
    /// The thread that runs here, or that waits here with nothing else to run.
    current: Cell<*const Thread>,
    id: Cell<u32>,
    apic_id: Cell<u32>,
    /// Interrupts it has had; wraps.
    wakes: AtomicU32,
    /// An interrupt came while the kernel ran here.
    reschedule: AtomicU32,
    /// TSC value the timer is armed for.
    armed: AtomicU64,
    /// It halts.
    idle: AtomicBool,
    /// The page tables changed while it halted.
    flush: AtomicBool,
    /// The thread that ran here before the current one, until the switch is complete.
    previous: Cell<*const Thread>,
    /// What runs when no thread does and the last one had to leave.
    idler: Cell<*const Thread>,
    gdtr: Cell<[u16; 8]>,
    gdt: Cell<[u64; 12]>,
    tss: Cell<[u32; 26]>,
}

const _: () = {
    assert!(core::mem::offset_of!(Cpu, wakes) == 16 && core::mem::offset_of!(Cpu, armed) == 24);
    assert!(core::mem::offset_of!(Cpu, gdtr) == 56 && core::mem::offset_of!(Cpu, tss) == TSS);
    assert!(size_of::<Cpu>() == BLOCK);
};

// SAFETY: the cells are used under the kernel lock only, or before the processor runs.
unsafe impl Sync for Cpu {}

/// Addresses of the blocks.
static BLOCKS: [AtomicUsize; MAX] = [const { AtomicUsize::new(0) }; MAX];
static COUNT: AtomicUsize = AtomicUsize::new(1);

impl Cpu {
    /// A block that is all zero.
    #[expect(clippy::new_without_default, reason = "a static is built by the const function")]
    pub const fn new() -> Self {
        Self {
            current: Cell::new(null()),
            id: Cell::new(0),
            apic_id: Cell::new(0),
            wakes: AtomicU32::new(0),
            reschedule: AtomicU32::new(0),
            armed: AtomicU64::new(u64::MAX),
            idle: AtomicBool::new(false),
            flush: AtomicBool::new(false),
            previous: Cell::new(null()),
            idler: Cell::new(null()),
            gdtr: Cell::new([0; 8]),
            gdt: Cell::new([0; 12]),
            tss: Cell::new([0; 26]),
        }
    }

    /// A new block; None without memory for it. Blocks are never given back.
    pub fn allocate() -> Option<&'static Self> {
        let pages = 2 * BLOCK / crate::mm::PAGE as usize;
        let start = crate::mm::kernel_pages(pages)?.as_ptr();
        let block = start.wrapping_add(start.align_offset(BLOCK)).cast::<Self>();
        // SAFETY: twice the size holds one that is aligned; the pages are nobody else's.
        unsafe {
            block.write(Self::new());
            block.as_ref()
        }
    }

    /// Gives a new block its number, descriptor tables and stacks.
    pub fn prepare(&self, id: u32, apic_id: u32) {
        self.id.set(id);
        self.apic_id.set(apic_id);
        let base = core::ptr::from_ref(self) as u64;
        let mut tss = [0u32; 26];
        let mut put = |at: usize, value: u64| {
            tss[at / 4] = value as u32;
            tss[at / 4 + 1] = (value >> 32) as u32;
        };
        // RSP0, then IST1 to IST4 (Intel SDM volume 3, 8.7).
        put(4, base + STACKS[1]);
        for (i, top) in STACKS.into_iter().enumerate() {
            put(36 + 8 * i, base + top);
        }
        // No I/O permission map: every port access of ring 3 faults.
        tss[25] = 104 << 16;
        self.tss.set(tss);
        let mut gdt = [0u64; 12];
        let common = &raw const arch::k_gdt;
        // SAFETY: a table of ten descriptors; the boot processor's own one in it is replaced below.
        gdt[..10].copy_from_slice(unsafe { &*common });
        let at = base + TSS as u64;
        gdt[TSS_DESCRIPTOR] = 0x67 | (at & 0xff_ffff) << 16 | 0x89 << 40 | (at >> 24 & 0xff) << 56;
        gdt[TSS_DESCRIPTOR + 1] = at >> 32;
        self.gdt.set(gdt);
        let table = self.gdt.as_ptr() as u64;
        let word = |i: u32| (table >> (16 * i)) as u16;
        self.gdtr.set([10 * 8 - 1, word(0), word(1), word(2), word(3), 0, 0, 0]);
    }

    /// Its number, from 0 on.
    pub fn id(&self) -> u32 {
        self.id.get()
    }

    /// Its local APIC's number.
    pub fn apic_id(&self) -> u32 {
        self.apic_id.get()
    }

    /// The thread that runs or waits here; none before the first.
    pub fn current(&self) -> Option<&'static Thread> {
        // SAFETY: threads live for ever once made.
        unsafe { self.current.get().as_ref() }
    }

    /// Makes a thread the current one.
    pub fn set_current(&self, thread: &'static Thread) {
        self.current.set(thread);
    }

    /// Remembers which thread leaves.
    pub fn set_previous(&self, thread: &'static Thread) {
        self.previous.set(thread);
    }

    /// The thread that has just left.
    pub fn take_previous(&self) -> Option<&'static Thread> {
        // SAFETY: threads live for ever once made.
        unsafe { self.previous.replace(null()).as_ref() }
    }

    /// What runs when no thread does and the last one had to leave; a lone processor has none.
    pub fn idler(&self) -> Option<&'static Thread> {
        // SAFETY: threads live for ever once made.
        unsafe { self.idler.get().as_ref() }
    }

    /// Gives it its idler.
    pub fn set_idler(&self, thread: &'static Thread) {
        self.idler.set(thread);
    }

    /// Interrupts it has had; wraps.
    pub fn wakes(&self) -> u32 {
        self.wakes.load(Ordering::Relaxed)
    }

    /// Whether an interrupt came while the kernel ran here; asks anew from here on.
    pub fn take_reschedule(&self) -> bool {
        self.reschedule.load(Ordering::Relaxed) != 0 && self.reschedule.swap(0, Ordering::Relaxed) != 0
    }

    /// TSC value the timer is armed for.
    pub fn armed(&self) -> u64 {
        self.armed.load(Ordering::Relaxed)
    }

    /// Whether it halts.
    pub fn is_idle(&self) -> bool {
        self.idle.load(Ordering::Relaxed)
    }

    /// Says that it halts, or no longer does.
    pub fn set_idle(&self, idle: bool) {
        self.idle.store(idle, Ordering::Relaxed);
    }

    /// Lets it forget cached translations before it runs the program again.
    pub fn flush_later(&self) {
        self.flush.store(true, Ordering::Relaxed);
    }

    /// Whether it has to forget cached translations.
    pub fn take_flush(&self) -> bool {
        self.flush.swap(false, Ordering::Relaxed)
    }
}

/// The boot processor.
pub fn first() -> &'static Cpu {
    let block = &raw const arch::k_cpu0;
    // SAFETY: the block in the image.
    unsafe { &*block }
}

/// Processors that run.
pub fn count() -> usize {
    COUNT.load(Ordering::Acquire)
}

/// A processor that runs.
pub fn get(id: usize) -> Option<&'static Cpu> {
    if id == 0 {
        return Some(first());
    }
    // SAFETY: blocks are added once and live for ever.
    BLOCKS.get(id).and_then(|block| unsafe { (block.load(Ordering::Acquire) as *const Cpu).as_ref() })
}

/// All processors that run.
pub fn all() -> impl Iterator<Item = &'static Cpu> {
    (0..count()).filter_map(get)
}

/// Adds a processor.
pub fn add(cpu: &'static Cpu) {
    let id = cpu.id() as usize;
    BLOCKS[id].store(core::ptr::from_ref(cpu) as usize, Ordering::Release);
    COUNT.fetch_max(id + 1, Ordering::AcqRel);
}

/// The processor this code runs on.
pub fn this() -> &'static Cpu {
    crate::thread::current().map_or(first(), Thread::cpu)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_as_the_processor_wants_them() {
        let cpu: &'static Cpu = Box::leak(Box::new(Cpu::new()));
        cpu.prepare(3, 7);
        let base = core::ptr::from_ref(cpu) as u64;
        assert_eq!(base % BLOCK as u64, 0);
        let tss = cpu.tss.get();
        assert_eq!(u64::from(tss[9]) | u64::from(tss[10]) << 32, base + 0xc00, "IST1");
        assert_eq!(u64::from(tss[15]) | u64::from(tss[16]) << 32, base + 0x2000, "IST4");
        let gdt = cpu.gdt.get();
        let low = gdt[8];
        let address = (low >> 16 & 0xff_ffff) | (low >> 56) << 24 | gdt[9] << 32;
        assert_eq!((address, low & 0xffff, low >> 40 & 0xff), (base + TSS as u64, 0x67, 0x89));
        assert_eq!(cpu.gdtr.get()[0], 79);
    }
}
