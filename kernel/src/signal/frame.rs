//! The frame of a signal handler, as Linux lays it out on x86-64 (`struct rt_sigframe`): unwinders know it.

use super::Info;
use super::action::Action;
use crate::arch;
use crate::errno::{Errno, Result};
use crate::mm::{self, regions::Prot};
use crate::regs::Regs;
use crate::user;
use core::ops::Range;

/// Vector state in the format of XSAVE. With x87, SSE, AVX and AVX-512 it takes 2696 bytes.
#[repr(C, align(64))]
#[derive(Clone)]
pub struct VectorArea {
    bytes: [u8; AREA],
}

const AREA: usize = 2752;
/// Where XSAVE's header begins, and the bytes of the part that FXSAVE knows.
const XSAVE_HEADER: usize = 512;
const MXCSR: usize = 24;
/// MXCSR bits every processor has.
const MXCSR_MASK: u32 = 0xffbf;
const XMM: core::ops::Range<usize> = 160..416;

/// Words of the frame: return address, ucontext, siginfo.
const RETURN: usize = 0;
const UC_FLAGS: usize = 1;
const UC_STACK: usize = 3;
const GREGS: usize = 6;
const FPSTATE: usize = GREGS + 23;
const UC_SIGMASK: usize = FPSTATE + 9;
const SIGINFO: usize = UC_SIGMASK + 1;
const WORDS: usize = SIGINFO + 16;
/// UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS
const FLAGS: u64 = 6;
/// Flags a program may have: CF PF AF ZF SF DF OF AC ID.
const RFLAGS: u64 = 0x24_0cd5;

/// Bytes of stack a handler's frame takes, its vector state and alignment included.
pub const fn frame_bytes() -> usize {
    WORDS * 8 + AREA + 64 + 128 + 1024
}

impl Default for VectorArea {
    fn default() -> Self {
        Self::new()
    }
}

impl VectorArea {
    /// All zero: the state after reset.
    pub fn new() -> Self {
        Self { bytes: [0; AREA] }
    }

    /// Control and status of SSE arithmetic.
    pub fn mxcsr(&self) -> u32 {
        u32::from_le_bytes([0, 1, 2, 3].map(|i| self.bytes[MXCSR + i]))
    }

    /// Control and status word of the x87 unit (Intel SDM volume 1, 10.5.1).
    pub fn x87(&self) -> (u32, u32) {
        let word = |at: usize| u32::from(self.bytes[at]) | u32::from(self.bytes[at + 1]) << 8;
        (word(0), word(2))
    }

    /// The state in the format of XSAVE.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A copy of a saved state.
    pub fn from_saved(saved: &[u8]) -> Self {
        let mut area = Self::new();
        let len = saved.len().min(AREA);
        area.bytes[..len].copy_from_slice(&saved[..len]);
        area
    }

    /// Saves the processor's vector registers.
    pub fn save(&mut self) {
        // SAFETY: aligned, and large enough for every state the boot code enables.
        unsafe { arch::k_save_vectors(self.bytes.as_mut_ptr()) };
    }

    /// Makes a state the program could have changed one that can be loaded.
    fn sanitize(&mut self) {
        // SAFETY: a value the boot code wrote.
        let enabled = u64::from(unsafe { arch::k_xcr0 });
        let header = &mut self.bytes[XSAVE_HEADER..XSAVE_HEADER + 64];
        let present = header[..8].iter().rev().fold(0u64, |value, &b| value << 8 | u64::from(b)) & enabled;
        header.fill(0);
        header[..8].copy_from_slice(&present.to_le_bytes());
        let at = MXCSR..MXCSR + 4;
        let mxcsr = self.bytes[at.clone()].iter().rev().fold(0u32, |value, &b| value << 8 | u32::from(b));
        self.bytes[at].copy_from_slice(&(mxcsr & MXCSR_MASK).to_le_bytes());
    }
}

/// The exception that is the cause of a signal; zero if none is.
#[derive(Clone, Copy, Default, Debug)]
pub struct Trap {
    /// Its number.
    pub vector: u64,
    /// Its error code.
    pub error: u64,
    /// The address a page fault tells.
    pub cr2: u64,
}

/// What a handler's context holds beside the registers.
#[derive(Clone, Copy, Default, Debug)]
pub struct Context {
    /// The mask that comes back.
    pub mask: u64,
    /// The alternative stack.
    pub alt: [u64; 3],
    /// The cause.
    pub trap: Trap,
}

/// The general registers in the order of `gregs` (`sys/ucontext.h`).
fn gregs(regs: &Regs, mask: u64, trap: Trap) -> [u64; 23] {
    let selectors = regs.cs & 0xffff | (regs.ss & 0xffff) << 48;
    [
        regs.r8,
        regs.r9,
        regs.r10,
        regs.r11,
        regs.r12,
        regs.r13,
        regs.r14,
        regs.r15,
        regs.rdi,
        regs.rsi,
        regs.rbp,
        regs.rbx,
        regs.rdx,
        regs.rax,
        regs.rcx,
        regs.rsp,
        regs.rip,
        regs.rflags,
        selectors,
        trap.error,
        trap.vector,
        mask,
        trap.cr2,
    ]
}

/// Pushes a frame at the end of `room` and lets `regs` enter the handler.
pub fn push(
    regs: &mut Regs,
    info: Info,
    action: Action,
    context: Context,
    room: Range<u64>,
    vectors: &VectorArea,
) -> Result<()> {
    let top = room.end;
    let area = top.checked_sub(AREA as u64).ok_or(Errno::EFAULT)? & !63;
    // The handler begins as after a call: the stack pointer is 8 past a multiple of 16.
    let frame = (area.checked_sub(WORDS as u64 * 8).ok_or(Errno::EFAULT)? & !15)
        .checked_sub(8)
        .ok_or(Errno::EFAULT)?;
    if frame < room.start || !mm::program_may(frame, top - frame, Prot::RW) || action.handler >= 1 << 47 {
        return Err(Errno::EFAULT);
    }
    let mut words = [0u64; WORDS];
    words[RETURN] = action.restorer;
    words[UC_FLAGS] = FLAGS;
    words[UC_STACK..GREGS].copy_from_slice(&context.alt);
    words[GREGS..FPSTATE].copy_from_slice(&gregs(regs, context.mask, context.trap));
    words[FPSTATE] = area;
    words[UC_SIGMASK] = context.mask;
    words[SIGINFO..].copy_from_slice(&info.words());
    user::write(frame, &words)?;
    user::write(area, &vectors.bytes)?;

    regs.rdi = u64::from(info.signal);
    regs.rsi = frame + 8 * SIGINFO as u64;
    regs.rdx = frame + 8 * UC_FLAGS as u64;
    regs.rax = 0;
    regs.rsp = frame;
    regs.rip = action.handler;
    regs.rflags = 0x202;
    Ok(())
}

/// Takes a frame off the stack: registers and vector registers are as they were. Returns the signal mask to restore,
/// and the alternative stack of the context.
pub fn pop(regs: &mut Regs, xmm: &mut [u8; 256]) -> Result<(u64, [u64; 3])> {
    // The handler's return has taken the restorer's address off.
    let frame = regs.rsp.checked_sub(8).ok_or(Errno::EFAULT)?;
    let words = user::read::<[u64; WORDS]>(frame)?;
    let g: [u64; 23] = core::array::from_fn(|i| words[GREGS + i]);
    if g[16] >= 1 << 47 {
        return Err(Errno::EFAULT);
    }
    if words[FPSTATE] != 0 {
        let mut area = VectorArea { bytes: user::read(words[FPSTATE])? };
        area.sanitize();
        xmm.copy_from_slice(&area.bytes[XMM]);
        // SAFETY: aligned, in the format XSAVE wrote, its header and control bits made valid above.
        unsafe { arch::k_restore_vectors(area.bytes.as_ptr()) };
    }
    *regs = Regs {
        r8: g[0],
        r9: g[1],
        r10: g[2],
        r11: g[3],
        r12: g[4],
        r13: g[5],
        r14: g[6],
        r15: g[7],
        rdi: g[8],
        rsi: g[9],
        rbp: g[10],
        rbx: g[11],
        rdx: g[12],
        rax: g[13],
        rcx: g[14],
        rsp: g[15],
        rip: g[16],
        rflags: g[17] & RFLAGS | 0x202,
        ..*regs
    };
    Ok((words[UC_SIGMASK], core::array::from_fn(|i| words[UC_STACK + i])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Offsets of `struct rt_sigframe` on Linux: ucontext at 8, its gregs at +40, fpregs at +224, sigmask at +296,
    /// siginfo at +304.
    #[test]
    fn layout_is_that_of_linux() {
        assert_eq!((UC_FLAGS, GREGS, FPSTATE, UC_SIGMASK, SIGINFO), (1, 6, 29, 38, 39));
        let uc = UC_FLAGS * 8;
        assert_eq!((GREGS * 8 - uc, FPSTATE * 8 - uc, UC_SIGMASK * 8 - uc), (40, 224, 296));
        assert_eq!(SIGINFO * 8 - uc, 304);
    }

    #[test]
    fn a_forged_vector_state_becomes_loadable() {
        let mut area = VectorArea::new();
        area.bytes.fill(0xff);
        area.sanitize();
        assert_eq!(area.bytes[XSAVE_HEADER..XSAVE_HEADER + 64], [0; 64]);
        assert_eq!(area.bytes[MXCSR..MXCSR + 4], MXCSR_MASK.to_le_bytes());
    }

    #[test]
    fn frames_outside_of_the_program_are_refused() {
        let mut regs = Regs { rsp: 0x1000, ..Regs::default() };
        assert_eq!(pop(&mut regs, &mut [0; 256]), Err(Errno::EFAULT));
        let info = Info::fault(11, 1, 0);
        let mut push = |room, handler| {
            let action = Action { handler, ..Action::default() };
            push(&mut regs, info, action, Context::default(), room, &VectorArea::new())
        };
        assert_eq!(push(0..0x9000, 0x40_1000), Err(Errno::EFAULT));
        assert_eq!(push(0..100, 0x40_1000), Err(Errno::EFAULT));
        assert_eq!(push(0..0x9000, u64::MAX), Err(Errno::EFAULT));
    }
}
