//! What went wrong, in words, and where; then the end of the rank, unless the program handles it.

mod cause;
pub mod postmortem;
mod report;
pub mod unwind;

use core::sync::atomic::{AtomicU32, Ordering};

use crate::regs::Regs;
use crate::signal::{self, Info, VectorArea, number};
use crate::thread::Thread;
use crate::{arch, klock};
use cause::Cause;

/// How often the end of the rank has begun; the second time skips whatever failed the first.
static ENDING: AtomicU32 = AtomicU32::new(0);

/// An exception of the program, continued here by `arch/gate.s` at ring 3 on the thread's kernel stack. Returns if the
/// program has a handler, which `regs` then start.
#[unsafe(no_mangle)]
extern "C" fn k_fault_main(regs: &mut Regs, vectors: &mut VectorArea, cr2: u64) {
    klock::acquire();
    let cause = Cause::of(regs, cr2, vectors);
    if !signal::deliver_fault(regs, cause.info, cr2, vectors.bytes()) {
        end(regs, cr2, &cause.text, cause.info, vectors.bytes(), false);
    }
    klock::release();
}

/// An exception of the kernel itself, continued here at ring 3 on the fault stack.
#[unsafe(no_mangle)]
extern "C" fn k_kernel_fault_main(regs: &mut Regs) -> ! {
    // SAFETY: saved by the entry code; this is the only reader.
    let cr2 = unsafe { arch::k_fault_regs[22] };
    // SAFETY: a counter of the entry code.
    let nested = unsafe { arch::k_fault_depth } > 1;
    let cause = Cause::of(regs, cr2, &VectorArea::new());
    let place = if nested { "while a fault was being reported" } else { "in the library OS" };
    let text = alloc::format!("{} ({place})", cause.text);
    end(regs, cr2, &text, cause.info, &[], nested)
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
    let vectors = postmortem::vectors_now();
    end(&without_exception(regs), 0, &text, *info, vectors.bytes(), false)
}

/// Every thread of the program waits for another one.
pub fn deadlock(main: &Thread, threads: usize) -> ! {
    let what = main.waits_for.get();
    let text = if threads == 1 {
        alloc::format!("deadlock: the rank's only thread waits for {what}, which nobody can end")
    } else {
        alloc::format!("deadlock: all {threads} threads wait for each other, the oldest for {what}")
    };
    // SAFETY: it waits in a system call, so its registers are at the top of its kernel stack.
    let regs = unsafe { main.registers().read() };
    end(&without_exception(&regs), 0, &text, Info::own(number::SIGABRT, signal::SI_TKILL), &[], false)
}

/// The kernel itself is wrong.
pub fn kernel_panic(text: core::fmt::Arguments) -> ! {
    if ENDING.load(Ordering::Relaxed) > 1 {
        crate::gate::shutdown(STATUS_KERNEL);
    }
    let text = alloc::format!("{text}");
    let info = Info::own(number::SIGABRT, signal::SI_TKILL);
    end(&without_exception(&own_regs()), 0, &text, info, &[], false)
}

/// Exit status of a rank whose library OS failed: SIGABRT's.
const STATUS_KERNEL: u8 = 128 + number::SIGABRT as u8;

/// Registers of a rank that no exception ends.
fn without_exception(regs: &Regs) -> Regs {
    Regs { vector: report::NO_EXCEPTION, error: 0, ..*regs }
}

fn end(regs: &Regs, cr2: u64, text: &str, info: Info, vectors: &[u8], nested: bool) -> ! {
    let status = 128 + info.signal as u8;
    let before = ENDING.fetch_add(1, Ordering::Relaxed);
    match before {
        0 if !nested => {
            // Before the report, for the runner waits only a moment after that.
            if dumps_core(info.signal) {
                postmortem::send(info, regs, vectors);
            }
            let trace = unwind::backtrace(regs);
            report::send(text, info.signal, regs, cr2, &trace);
            crate::process::exit(status)
        }
        // Reporting or flushing failed: only the bare facts, and no more flushing.
        0 | 1 => {
            report::send(text, info.signal, regs, cr2, &[regs.rip]);
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
