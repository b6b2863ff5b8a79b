//! Threads: what one is, and which one runs here.
//!
//! # Terms
//!
//! A thread runs the program, or the kernel on behalf of the program on its *kernel stack*, at whose top the program's
//! registers lie meanwhile. It is switched only inside a wait ([`sched::park`]) and on the way back to the program. The
//! GS base of a processor points to its current thread. Threads that ended are used again for new ones, so a reference to
//! a thread is always valid; only its number tells who it is.

pub mod clone;
pub mod futex;
pub mod robust;
pub mod sched;

use alloc::boxed::Box;
use core::cell::Cell;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::arch;
use crate::cell::KernelCell;
use crate::cpu::{self, Cpu};
use crate::errno::Result;
use crate::mm;
use crate::process::PID;
use crate::regs::Regs;
use crate::signal::ThreadSignals;

/// Bytes of the XSAVE area with x87, SSE, AVX and AVX-512, rounded up; `arch/gate.s` has room for as much.
pub const VECTORS: usize = 2816;

/// Vector registers of a thread that does not run.
#[repr(C, align(64))]
struct Vectors([u8; VECTORS]);

/// What a thread does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum State {
    /// It runs, or waits in a queue for a processor.
    Ready,
    /// It waits for something.
    Blocked,
    /// It has ended.
    Dead,
}

/// Why a wait is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Wake {
    /// What it waited for has come.
    Woken,
    /// An interrupt or a notification: it should look again.
    Event,
    /// The time is over.
    TimedOut,
    /// A signal has to be delivered.
    Signal,
}

/// A thread. `arch/gate.s` knows the first fields.
#[repr(C)]
pub struct Thread {
    own_address: Cell<*const Thread>,
    /// Below the top of the kernel stack: the place of the fault address; the registers are below it.
    stack: Cell<u64>,
    user_rsp: Cell<u64>,
    resume_rip: Cell<u64>,
    switch_rsp: Cell<u64>,
    vectors: Cell<*mut Vectors>,
    cpu: Cell<*const Cpu>,
    fs_base: Cell<u64>,
    tid: Cell<u32>,
    /// The processor that runs it or waits in it, or [`NOWHERE`].
    on_cpu: Cell<u32>,
    pub(crate) state: Cell<State>,
    pub(crate) wake: Cell<Wake>,
    /// TSC value at which the wait ends.
    pub(crate) deadline: Cell<u64>,
    /// Interrupts and notifications end the wait.
    pub(crate) on_events: Cell<bool>,
    /// Signals end the wait.
    pub(crate) interruptible: Cell<bool>,
    /// What it waits for, for the report of a deadlock.
    pub(crate) waits_for: Cell<&'static str>,
    /// Processors it may run on, one bit each.
    pub(crate) affinity: Cell<u64>,
    /// TSC value until which it may run while others wait.
    pub(crate) slice_end: Cell<u64>,
    /// TSC ticks it has run, up to `running_since`.
    pub(crate) ran: Cell<u64>,
    pub(crate) running_since: Cell<u64>,
    /// Address the kernel clears and wakes when the thread ends (`set_tid_address`).
    pub(crate) clear_tid: Cell<u64>,
    /// Head of the list of robust futexes (`set_robust_list`).
    pub(crate) robust_list: Cell<u64>,
    /// Its name (`prctl(PR_SET_NAME)`).
    pub name: Cell<[u8; 16]>,
    /// Its part of the signals' state.
    pub signals: KernelCell<ThreadSignals>,
}

const _: () = {
    assert!(core::mem::offset_of!(Thread, stack) == 8 && core::mem::offset_of!(Thread, user_rsp) == 16);
    assert!(core::mem::offset_of!(Thread, resume_rip) == 24);
    assert!(core::mem::offset_of!(Thread, switch_rsp) == 32 && core::mem::offset_of!(Thread, vectors) == 40);
};

// SAFETY: the fields are used under the kernel lock, or by the thread's own entry code.
unsafe impl Sync for Thread {}

/// Of a thread that no processor has.
const NOWHERE: u32 = u32::MAX;

/// The first thread exists: the GS base is valid.
static STARTED: AtomicBool = AtomicBool::new(false);

/// Words above the registers at the top of a kernel stack.
const ABOVE_REGISTERS: u64 = 16;

impl Thread {
    /// A thread with a kernel stack that ends at `top`, without registers yet.
    fn make(top: u64) -> &'static Self {
        let vectors = Box::leak(Box::new(Vectors([0; VECTORS])));
        let thread = Box::leak(Box::new(Self {
            own_address: Cell::new(core::ptr::null()),
            stack: Cell::new(top - ABOVE_REGISTERS),
            user_rsp: Cell::new(0),
            resume_rip: Cell::new(0),
            switch_rsp: Cell::new(0),
            vectors: Cell::new(vectors),
            cpu: Cell::new(cpu::first()),
            fs_base: Cell::new(0),
            tid: Cell::new(0),
            on_cpu: Cell::new(NOWHERE),
            state: Cell::new(State::Ready),
            wake: Cell::new(Wake::Woken),
            deadline: Cell::new(u64::MAX),
            on_events: Cell::new(false),
            interruptible: Cell::new(false),
            waits_for: Cell::new(""),
            affinity: Cell::new(u64::MAX),
            slice_end: Cell::new(u64::MAX),
            ran: Cell::new(0),
            running_since: Cell::new(0),
            clear_tid: Cell::new(0),
            robust_list: Cell::new(0),
            name: Cell::new([0; 16]),
            signals: KernelCell::new(ThreadSignals::new()),
        }));
        thread.own_address.set(thread);
        thread
    }

    /// Makes an ended thread as new.
    fn renew(&self) {
        self.state.set(State::Ready);
        self.deadline.set(u64::MAX);
        self.on_events.set(false);
        self.clear_tid.set(0);
        self.robust_list.set(0);
        self.ran.set(0);
    }

    /// Its number, as `gettid` tells.
    pub fn tid(&self) -> u32 {
        self.tid.get()
    }

    /// The processor it runs on, or ran on last.
    pub fn cpu(&self) -> &'static Cpu {
        // SAFETY: processors live for ever.
        unsafe { &*self.cpu.get() }
    }

    /// The program's registers: valid while the thread is in the kernel.
    pub fn registers(&self) -> *mut Regs {
        (self.stack.get() - size_of::<Regs>() as u64) as *mut Regs
    }

    /// The processor that runs it or waits in it.
    fn on_cpu(&self) -> Option<u32> {
        Some(self.on_cpu.get()).filter(|&id| id != NOWHERE)
    }

    /// Whether its affinity allows a processor.
    pub fn may_run_on(&self, cpu: u32) -> bool {
        self.affinity.get() & 1 << cpu != 0
    }

    /// Lets it begin at `entry` in the kernel when it runs first. `below` is where its kernel stack is used from, and
    /// `entry` is jumped to, not called: a function wants 8 more than a multiple of 16 there.
    fn begin_at(&self, below: u64, entry: u64) {
        let frame = below - 7 * 8;
        // SAFETY: the top of the thread's own kernel stack; it does not run.
        unsafe { (frame as *mut [u64; 7]).write([0, 0, 0, 0, 0, 0, entry]) };
        self.switch_rsp.set(frame);
    }

    /// Gives it the vector registers, control words included, of the current thread.
    fn copy_vectors(&self) {
        // SAFETY: an area of this thread's own, which does not run.
        unsafe { arch::k_save_vectors(self.vectors.get().cast()) };
    }

    /// TSC ticks it has run.
    pub fn ticks(&self) -> u64 {
        let now = if self.on_cpu().is_some() && self.state.get() == State::Ready {
            crate::time::tsc().saturating_sub(self.running_since.get())
        } else {
            0
        };
        self.ran.get() + now
    }

    /// The FS base of a thread that does not run.
    pub fn fs_base(&self) -> u64 {
        self.fs_base.get()
    }
}

/// The thread this code runs in; none before the first, nor in unit tests.
pub fn current() -> Option<&'static Thread> {
    if !STARTED.load(Ordering::Relaxed) {
        return None;
    }
    let thread: *const Thread;
    // SAFETY: the GS base points to the current thread, whose first word is its own address.
    unsafe {
        core::arch::asm!("mov {}, gs:[0]", out(reg) thread, options(nostack, readonly, preserves_flags));
        thread.as_ref()
    }
}

/// Number of the thread this code runs in.
pub fn current_tid() -> usize {
    current().map_or(PID, |thread| thread.tid() as usize)
}

/// Points the GS base of this processor to a thread.
fn set_gs(thread: &'static Thread) {
    set_base(Base::Gs, core::ptr::from_ref(thread) as u64);
}

/// The two segment bases.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// The program's thread-local storage.
    Fs,
    /// The kernel's thread.
    Gs,
}

const MSR_FS_BASE: u32 = 0xc000_0100;
const MSR_GS_BASE: u32 = 0xc000_0101;

/// Sets a segment base of this processor, which must be canonical.
pub fn set_base(base: Base, value: u64) {
    // SAFETY: the instructions are enabled when the flag is set; the caller's value is an address.
    unsafe {
        match (arch::k_has_fsgsbase != 0, base) {
            (true, Base::Fs) => core::arch::asm!("wrfsbase {}", in(reg) value),
            (true, Base::Gs) => core::arch::asm!("wrgsbase {}", in(reg) value),
            (false, Base::Fs) => crate::gate::wrmsr(MSR_FS_BASE, value),
            (false, Base::Gs) => crate::gate::wrmsr(MSR_GS_BASE, value),
        }
    }
}

/// The FS base of this processor.
pub fn get_fs_base() -> u64 {
    // SAFETY: as in `set_base`.
    unsafe {
        if arch::k_has_fsgsbase == 0 {
            return crate::gate::rdmsr(MSR_FS_BASE);
        }
        let value: u64;
        core::arch::asm!("rdfsbase {}", out(reg) value);
        value
    }
}

/// Makes the boot code's thread of control the main thread. `top` is the end of its kernel stack.
pub fn start_main(top: u64) {
    let thread = Thread::make(top);
    thread.tid.set(PID as u32);
    thread.on_cpu.set(0);
    thread.running_since.set(crate::time::tsc());
    cpu::first().set_current(thread);
    set_gs(thread);
    STARTED.store(true, Ordering::Relaxed);
    sched::add(thread);
    crate::klock::acquire();
}

/// A thread for when a processor has none: it looks for others. It counts as ended.
pub fn make_idler(cpu: &'static Cpu, top: u64) {
    let thread = Thread::make(top);
    thread.state.set(State::Dead);
    thread.cpu.set(cpu);
    thread.copy_vectors();
    thread.begin_at(top - 24, sched::idler as *const () as u64);
    cpu.set_idler(thread);
}

/// Makes a processor that has just started, on its idler's stack, run that.
pub fn adopt_idler(cpu: &'static Cpu) {
    if let Some(idler) = cpu.idler() {
        idler.on_cpu.set(cpu.id());
        cpu.set_current(idler);
        set_gs(idler);
    }
}

/// A thread that has ended and left its processor can be one again.
fn take_ended() -> Result<&'static Thread> {
    match sched::take_free() {
        Some(thread) => {
            thread.renew();
            Ok(thread)
        }
        None => Ok(Thread::make(mm::kernel_stack()?)),
    }
}
