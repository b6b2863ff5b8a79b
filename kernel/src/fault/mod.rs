//! What went wrong, in words, and where; then the end of the rank, unless the program handles it.

mod cause;
pub mod postmortem;
mod report;
pub mod unwind;

use core::sync::atomic::{AtomicU32, Ordering};

use crate::arch;
use crate::mm::image::kernel_extents;
use crate::regs::Regs;
use crate::signal::{self, Info, number};
use cause::Cause;

/// How often the end of the rank has begun; the second time skips whatever failed the first.
static ENDING: AtomicU32 = AtomicU32::new(0);

/// An exception, continued here by `arch/gate.s` at ring 3 on the fault stack. Returns if the program has a handler,
/// which `regs` then start.
#[unsafe(no_mangle)]
extern "C" fn k_fault_main(regs: &mut Regs) {
    // SAFETY: saved by the entry code; this is the only reader.
    let cr2 = unsafe { arch::k_fault_regs[22] };
    let cause = Cause::of(regs, cr2);
    let in_kernel = kernel_extents()[0].start <= regs.rip && regs.rip < kernel_extents()[0].end;
    // SAFETY: a counter of the entry code.
    let nested = unsafe { arch::k_fault_depth } > 1;
    if !in_kernel && !nested && signal::deliver_fault(regs, cause.info) {
        return;
    }
    let text = if nested {
        alloc::format!("{} (while a fault was being reported)", cause.text)
    } else if in_kernel {
        alloc::format!("{} (in the library OS)", cause.text)
    } else {
        cause.text
    };
    // SAFETY: saved by the entry code, which nothing enters again but a fault of this code.
    let vectors = unsafe { (&raw const arch::k_fault_vectors).as_ref() };
    end(regs, cr2, &text, cause.info, vectors.map_or(&[], |saved| saved), nested)
}

/// The program is ended by a signal it did not handle.
pub fn killed(regs: &Regs, signal: u32) -> ! {
    let text = match signal {
        number::SIGABRT => alloc::string::String::from("the program aborted (SIGABRT)"),
        number::SIGSEGV => alloc::string::String::from("a signal handler's frame cannot be used (SIGSEGV)"),
        _ => alloc::format!("the program ended itself with {}", signal::name(signal)),
    };
    let info = Info { signal, code: SI_TKILL, value: crate::process::PID as u64 };
    end(regs, 0, &text, info, postmortem::vectors_now().bytes(), false)
}

/// The program's only thread waits for something that cannot come.
pub fn deadlock(what: &str) -> ! {
    let text = alloc::format!("deadlock: the rank's only thread waits for {what}, which nobody can end");
    end(&syscall_regs(), 0, &text, ABORTED, postmortem::vectors_now().bytes(), false)
}

/// The kernel itself is wrong.
pub fn kernel_panic(text: core::fmt::Arguments) -> ! {
    if ENDING.load(Ordering::Relaxed) > 1 {
        crate::gate::shutdown(STATUS_KERNEL);
    }
    let text = alloc::format!("{text}");
    end(&own_regs(), 0, &text, ABORTED, &[], false)
}

/// Exit status of a rank whose library OS failed: SIGABRT's.
const STATUS_KERNEL: u8 = 128 + number::SIGABRT as u8;
/// `si_code` of a signal that a thread was sent by its own process.
const SI_TKILL: i32 = -6;
/// The signal of a rank that the library OS gives up.
const ABORTED: Info = Info { signal: number::SIGABRT, code: SI_TKILL, value: 0 };

fn end(regs: &Regs, cr2: u64, text: &str, info: Info, vectors: &[u8], nested: bool) -> ! {
    let status = 128 + info.signal as u8;
    let before = ENDING.fetch_add(1, Ordering::Relaxed);
    match before {
        0 if !nested => {
            // Before the report, for the runner waits only a moment after that.
            if dumps_core(info.signal) {
                postmortem::send(info, &[postmortem::current(regs, vectors)]);
            }
            let trace = unwind::backtrace(regs);
            report::send(text, regs, cr2, &trace);
            crate::process::exit(status)
        }
        // Reporting or flushing failed: only the bare facts, and no more flushing.
        0 | 1 => {
            report::send(text, regs, cr2, &[regs.rip]);
            ctl!("exit {status}");
            crate::gate::shutdown(status)
        }
        _ => crate::gate::shutdown(status),
    }
}

/// Whether Linux would write a core file for a signal (`signal(7)`).
fn dumps_core(signal: u32) -> bool {
    // QUIT, ILL, TRAP, ABRT, BUS, FPE; SEGV; XCPU, XFSZ; SYS.
    matches!(signal, 3..=8 | 11 | 24..=25 | 31)
}

/// Registers of the program at the system call being handled.
fn syscall_regs() -> Regs {
    // SAFETY: set at boot; the entry code pushes the registers at the top of this stack.
    unsafe { ((arch::k_syscall_stack - size_of::<Regs>() as u64) as *const Regs).read() }
}

/// Enough of the kernel's own registers for a backtrace.
fn own_regs() -> Regs {
    let mut regs = Regs::default();
    // SAFETY: reads registers.
    unsafe {
        core::arch::asm!(
            "lea {rip}, [rip]",
            "mov {rsp}, rsp",
            "mov {rbp}, rbp",
            "mov {rbx}, rbx",
            rip = out(reg) regs.rip,
            rsp = out(reg) regs.rsp,
            rbp = out(reg) regs.rbp,
            rbx = out(reg) regs.rbx,
            options(nomem, nostack)
        );
    }
    regs
}
