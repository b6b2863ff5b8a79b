//! What went wrong, in words, and where; then the end of the rank, unless the program handles it.

mod cause;
mod report;
mod unwind;

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
    // SAFETY: the entry code saved the vector registers of the fault there.
    let saved = unsafe { (&raw const arch::k_fault_vectors).as_ref() };
    let may_handle = !in_kernel && !nested;
    if may_handle && saved.is_some_and(|saved| signal::deliver_fault(regs, cause.info, cr2, saved)) {
        return;
    }
    let text = if nested {
        alloc::format!("{} (while a fault was being reported)", cause.text)
    } else if in_kernel {
        alloc::format!("{} (in the library OS)", cause.text)
    } else {
        cause.text
    };
    end(regs, cr2, &text, cause.info.signal, nested)
}

/// The program is ended by a signal it did not handle.
pub fn killed(regs: &Regs, info: &Info) -> ! {
    if info.is_from_host() {
        // Whoever sent it knows why.
        crate::process::exit(128 + info.signal as u8);
    }
    let name = signal::name(info.signal);
    let text = match (info.signal, info.code) {
        (number::SIGABRT, _) => alloc::string::String::from("the program aborted (SIGABRT)"),
        (number::SIGSEGV, signal::SI_KERNEL) => {
            alloc::string::String::from("a signal handler's frame cannot be used (SIGSEGV)")
        }
        (_, signal::SI_KERNEL | signal::SI_TIMER) => {
            alloc::format!("a timer of the program ended it with {name}, for which it has no handler")
        }
        _ => alloc::format!("the program ended itself with {name}"),
    };
    end(&without_exception(regs), 0, &text, info.signal, false)
}

/// The program's only thread waits for something that cannot come.
pub fn deadlock(what: &str) -> ! {
    let text = alloc::format!("deadlock: the rank's only thread waits for {what}, which nobody can end");
    end(&without_exception(&syscall_regs()), 0, &text, number::SIGABRT, false)
}

/// The kernel itself is wrong.
pub fn kernel_panic(text: core::fmt::Arguments) -> ! {
    if ENDING.load(Ordering::Relaxed) > 1 {
        crate::gate::shutdown(STATUS_KERNEL);
    }
    let text = alloc::format!("{text}");
    end(&without_exception(&own_regs()), 0, &text, number::SIGABRT, false)
}

/// Exit status of a rank whose library OS failed: SIGABRT's.
const STATUS_KERNEL: u8 = 128 + number::SIGABRT as u8;

/// Registers of a rank that no exception ends.
fn without_exception(regs: &Regs) -> Regs {
    Regs { vector: report::NO_EXCEPTION, error: 0, ..*regs }
}

fn end(regs: &Regs, cr2: u64, text: &str, signal: u32, nested: bool) -> ! {
    let status = 128 + signal as u8;
    let before = ENDING.fetch_add(1, Ordering::Relaxed);
    match before {
        0 if !nested => {
            let trace = unwind::backtrace(regs);
            report::send(text, signal, regs, cr2, &trace);
            crate::process::exit(status)
        }
        // Reporting or flushing failed: only the bare facts, and no more flushing.
        0 | 1 => {
            report::send(text, signal, regs, cr2, &[regs.rip]);
            ctl!("exit {status}");
            crate::gate::shutdown(status)
        }
        _ => crate::gate::shutdown(status),
    }
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
