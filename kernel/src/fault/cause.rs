//! The cause of an exception, in words (Intel SDM volume 3, chapter 6).

use alloc::format;
use alloc::string::String;

use crate::mm::{self, regions::Kind, regions::Prot};
use crate::process::PID;
use crate::regs::Regs;
use crate::signal::{Info, VectorArea, number::*};
use crate::thread;

/// An exception explained.
pub struct Cause {
    /// For people.
    pub text: String,
    /// For a signal handler.
    pub info: Info,
}

const SEGV_MAPERR: i32 = 1;
const SEGV_ACCERR: i32 = 2;
const SI_KERNEL: i32 = 128;
const FPE_INTDIV: i32 = 1;
const FPE_FLTDIV: i32 = 3;
const FPE_FLTOVF: i32 = 4;
const FPE_FLTUND: i32 = 5;
const FPE_FLTRES: i32 = 6;
const FPE_FLTINV: i32 = 7;
const ILL_ILLOPN: i32 = 2;
const BUS_ADRALN: i32 = 1;
const TRAP_BRKPT: i32 = 1;

/// Page fault error code bits.
const PRESENT: u64 = 1;
const WRITE: u64 = 2;
const RESERVED: u64 = 8;
const FETCH: u64 = 16;

impl Cause {
    /// Explains what the entry code saved.
    pub fn of(regs: &Regs, cr2: u64, vectors: &VectorArea) -> Self {
        let plain = |text: &str, signal, code| Self {
            text: String::from(text),
            info: Info::fault(signal, code, regs.rip),
        };
        match regs.vector {
            0 => plain(
                "divide error: integer division by zero, or a quotient that does not fit",
                SIGFPE,
                FPE_INTDIV,
            ),
            1 => plain("debug exception", SIGTRAP, TRAP_BRKPT),
            2 => plain("non-maskable interrupt", SIGBUS, SI_KERNEL),
            3 => plain("breakpoint", SIGTRAP, SI_KERNEL),
            4 => plain("overflow trap", SIGSEGV, SI_KERNEL),
            5 => plain("bound range exceeded", SIGSEGV, SI_KERNEL),
            6 => plain("invalid instruction", SIGILL, ILL_ILLOPN),
            7 => plain("floating point unit not available", SIGILL, SI_KERNEL),
            8 => plain("double fault", SIGSEGV, SI_KERNEL),
            11 => plain("segment not present", SIGBUS, SI_KERNEL),
            12 => plain("stack fault: stack pointer or frame pointer is not an address", SIGBUS, SI_KERNEL),
            13 => general_protection(regs),
            14 => page_fault(regs, cr2),
            16 => x87(regs, vectors.x87()),
            17 => plain("misaligned access", SIGBUS, BUS_ADRALN),
            18 => plain("machine check", SIGBUS, SI_KERNEL),
            19 => simd(regs, vectors.mxcsr()),
            n => Self { text: format!("exception {n}"), info: Info::fault(SIGSEGV, SI_KERNEL, regs.rip) },
        }
    }
}

fn general_protection(regs: &Regs) -> Cause {
    let text = if regs.error != 0 {
        format!("general protection fault: interrupt or segment {:#x}", regs.error)
    } else if is_privileged(regs.rip) {
        String::from("general protection fault: privileged instruction")
    } else {
        String::from(
            "general protection fault: use of a number that is no address, or a misaligned vector access",
        )
    };
    Cause { text, info: Info::fault(SIGSEGV, SI_KERNEL, 0) }
}

/// True for the common instructions that need ring 0.
fn is_privileged(rip: u64) -> bool {
    let Ok(code) = crate::user::slice(rip, 2) else { return false };
    match code[0] {
        // in, out, ins, outs, hlt, cli, sti
        0xe4..=0xe7 | 0xec..=0xef | 0x6c..=0x6f | 0xf4 | 0xfa | 0xfb => true,
        // lgdt and its like, clts, invd, wbinvd, moves to and from control and debug registers, wrmsr, rdmsr
        0x0f => matches!(code[1], 0x00 | 0x01 | 0x06 | 0x08 | 0x09 | 0x20..=0x23 | 0x30 | 0x32),
        _ => false,
    }
}

fn page_fault(regs: &Regs, cr2: u64) -> Cause {
    let access = match regs.error {
        e if e & FETCH != 0 => "jump to",
        e if e & WRITE != 0 => "write to",
        _ => "read from",
    };
    let region = mm::region_at(cr2);
    // Nothing can be mapped in the first page: that it is reserved here is no right it lacks.
    let taken = cr2 >= mm::PAGE && region.is_some_and(|r| r.kind != Kind::Free);
    let code = if cr2 >= mm::PAGE && regs.error & PRESENT != 0 || taken { SEGV_ACCERR } else { SEGV_MAPERR };
    let overflown = overflown_stack(regs.rsp, cr2).or_else(|| overflown_thread_stack(regs.rsp, cr2));
    let text = if let Some(stack) = overflown {
        stack
    } else if cr2 < mm::PAGE {
        format!("null pointer: {access} address {cr2:#x}")
    } else if regs.error & RESERVED != 0 {
        format!("page fault: {access} {cr2:#x}, whose page table entry is damaged")
    } else {
        format!(
            "page fault: {access} {} {cr2:#x}",
            what_is_there(region.map(|r| (r.kind, r.prot)), regs.error)
        )
    };
    Cause { text, info: Info::fault(SIGSEGV, code, cr2) }
}

fn what_is_there(region: Option<(Kind, Prot)>, error: u64) -> &'static str {
    match region {
        Some((Kind::Kernel, _)) => "memory of the library OS at",
        Some((Kind::Guard, _)) => "the guard of another stack at",
        Some((Kind::Reserved | Kind::ReservedUsed, _)) => "protected memory at",
        Some((Kind::Free, _)) | None if error & PRESENT == 0 => "unmapped address",
        Some((_, prot)) if error & FETCH != 0 && !prot.allows(Prot::EXEC) => "non-executable memory at",
        Some((_, prot)) if prot.allows(Prot::READ) && error & WRITE != 0 => "read-only memory at",
        _ => "protected memory at",
    }
}

/// Says so if the main stack has grown into its guard, or past it with a large frame: there other threads have their stacks.
fn overflown_stack(rsp: u64, cr2: u64) -> Option<String> {
    let mut stack = None;
    mm::for_each_region_now(|r| {
        if r.kind == Kind::Stack && stack.is_none() {
            stack = Some((r.start, r.end));
        }
    });
    let (start, end) = stack?;
    let in_guard = mm::region_at(cr2).is_some_and(|r| r.kind == Kind::Guard && r.end == start);
    let is_main = thread::current().is_none_or(|thread| thread.tid() == PID as u32);
    let past_it = is_main && rsp < start && start - rsp < 1 << 30 && cr2 < start && cr2 + (1 << 20) > rsp;
    (in_guard || past_it).then(|| {
        format!(
            "stack overflow: the main stack of {} KiB is used up at {cr2:#x} (set UNIRANK_STACK, for example to 64M)",
            (end - start) >> 10
        )
    })
}

/// Says so if a thread's stack has grown into the guard that the C library has mapped below it. The kernel does not know
/// threads' stacks: it is one if the stack pointer is about where the access was.
fn overflown_thread_stack(rsp: u64, cr2: u64) -> Option<String> {
    let guard = mm::region_at(cr2).filter(|r| r.kind.is_mapped() && r.prot == Prot::NONE)?;
    let stack = mm::region_at(guard.end).filter(|r| r.kind == Kind::Mmap && r.prot.allows(Prot::RW))?;
    is_stack_access(rsp, cr2, guard.end).then(|| {
        format!(
            "stack overflow: a thread's stack is used up at {cr2:#x}, {} KiB below its end or more (give threads a larger one: pthread_attr_setstacksize, OMP_STACKSIZE, or UNIRANK_STACK for all)",
            (stack.end - cr2) >> 10
        )
    })
}

/// True for an access to a guard, which ends at `bottom`, with a stack pointer near it, in the guard or just above.
fn is_stack_access(rsp: u64, address: u64, bottom: u64) -> bool {
    rsp.abs_diff(address) < 1 << 20 && rsp < bottom + mm::PAGE
}

fn x87(regs: &Regs, (control, status): (u32, u32)) -> Cause {
    floating_point(regs, status & !control, " (x87)")
}

fn simd(regs: &Regs, mxcsr: u32) -> Cause {
    floating_point(regs, mxcsr & !(mxcsr >> 7), "")
}

/// The first of the exceptions that have occurred and are not masked, in the order of Linux.
fn floating_point(regs: &Regs, unmasked: u32, unit: &str) -> Cause {
    let (what, code) = match unmasked & 0x3f {
        e if e & 1 != 0 => ("invalid operation", FPE_FLTINV),
        e if e & 4 != 0 => ("division by zero", FPE_FLTDIV),
        e if e & 8 != 0 => ("overflow", FPE_FLTOVF),
        e if e & 0x12 != 0 => ("underflow or denormal operand", FPE_FLTUND),
        e if e & 0x20 != 0 => ("inexact result", FPE_FLTRES),
        _ => ("of unknown kind", FPE_FLTINV),
    };
    Cause {
        text: format!("floating point exception{unit}: {what}"),
        info: Info::fault(SIGFPE, code, regs.rip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(vector: u64, error: u64, cr2: u64) -> (String, Info) {
        let cause = Cause::of(
            &Regs { vector, error, rip: 0x40_1000, rsp: 0x7f_0000, ..Regs::default() },
            cr2,
            &VectorArea::new(),
        );
        (cause.text, cause.info)
    }

    #[test]
    fn only_accesses_near_the_stack_pointer_overflow_a_stack() {
        assert!(is_stack_access(0x7f_0000, 0x7e_fff8, 0x7f_0000), "a call");
        assert!(is_stack_access(0x7e_0000, 0x7e_8000, 0x7f_0000), "a large frame");
        assert!(!is_stack_access(0x9f_0000, 0x7e_fff8, 0x7f_0000), "a frame further up");
        assert!(!is_stack_access(0x7000_0000, 0x7e_fff8, 0x7f_0000), "another stack");
    }

    #[test]
    fn causes_have_words_and_signals() {
        let (text, info) = cause(14, 6, 0x10);
        assert_eq!(text, "null pointer: write to address 0x10");
        assert_eq!(info, Info::fault(SIGSEGV, SEGV_MAPERR, 0x10));
        assert_eq!(cause(14, 4, 0x1234_5000).0, "page fault: read from unmapped address 0x12345000");
        assert_eq!(cause(14, 0x14, 0x1234_5000).0, "page fault: jump to unmapped address 0x12345000");
        assert_eq!(cause(0, 0, 0).1.signal, SIGFPE);
        assert_eq!(cause(6, 0, 0).1.signal, SIGILL);
        assert_eq!(cause(17, 0, 0).1.signal, SIGBUS);
        assert!(cause(13, 0x402, 0).0.contains("0x402"));
    }
}
