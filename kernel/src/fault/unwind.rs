//! Backtraces: call frame information of the image (`.eh_frame`, DWARF 5 section 6.4), where that ends, frame pointers,
//! and in an image linked without `--eh-frame-hdr` whatever on the stack looks like a return address.

use alloc::vec::Vec;

use gimli::{
    BaseAddresses, CfaRule, EhFrame, EhFrameHdr, EndianSlice, LittleEndian, Pointer, Register, RegisterRule,
    UnwindContext, UnwindContextStorage, UnwindSection, UnwindTableRow, X86_64,
};

use crate::mm::{self, image::Image};
use crate::regs::Regs;

/// Longest backtrace.
const FRAMES: usize = 64;

type Slice = EndianSlice<'static, LittleEndian>;

/// Registers of a frame, by DWARF number 0 to 16 (16 is the return address).
#[derive(Clone, Copy)]
struct Frame([u64; 17]);

impl Frame {
    fn of(r: &Regs) -> Self {
        // DWARF numbers the registers rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8 to r15 (System V psABI, figure 3.36).
        Self([
            r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8, r.r9, r.r10, r.r11, r.r12, r.r13,
            r.r14, r.r15, r.rip,
        ])
    }

    fn get(&self, register: Register) -> Option<u64> {
        self.0.get(usize::from(register.0)).copied()
    }

    fn ip(&self) -> u64 {
        self.0[16]
    }

    fn sp(&self) -> u64 {
        self.0[usize::from(X86_64::RSP.0)]
    }
}

/// Room for the rules of one frame: all registers that are saved, and a few remembered states. The default storage is
/// too large for the fault stack.
struct SmallStorage;

impl UnwindContextStorage<usize> for SmallStorage {
    type Rules = [(Register, RegisterRule<usize>); 24];
    type Stack = [UnwindTableRow<usize, Self>; 4];
}

/// A word of memory, if it is mapped.
fn word(address: u64) -> Option<u64> {
    // SAFETY: both ends are mapped, so the word can be read.
    (mm::is_mapped(address) && mm::is_mapped(address.checked_add(7)?))
        .then(|| unsafe { (address as *const u64).read_unaligned() })
}

/// The addresses of the calls that led here, innermost first. The first is the instruction itself, the others are
/// return addresses.
pub fn backtrace(regs: &Regs) -> Vec<u64> {
    let mut trace = Vec::new();
    walk(regs, |address| {
        trace.push(address);
        trace.len() < FRAMES
    });
    trace
}

/// As [`backtrace`]: shows each address, as long as `show` wants more. Allocates nothing.
pub fn walk(regs: &Regs, mut show: impl FnMut(u64) -> bool) {
    let mut frame = Frame::of(regs);
    let mut wanted = show(frame.ip());
    let tables = Tables::of_image();
    let mut is_call = false;
    // A call through a bad pointer has no frame information; its return address is on top of the stack.
    if !is_code(frame.ip()) {
        if let Some(address) = word(frame.sp()).filter(|&a| is_code(a)) {
            wanted = wanted && show(address);
            frame.0[16] = address;
            frame.0[usize::from(X86_64::RSP.0)] += 8;
            is_call = true;
        }
    }
    while wanted {
        let next = tables
            .as_ref()
            .and_then(|t| t.caller(&frame, is_call))
            .or_else(|| by_frame_pointer(&frame))
            .or_else(|| by_scan(&frame).filter(|_| tables.is_none()));
        let Some((next, next_is_call)) = next else { break };
        // A stack that does not shrink would never end.
        if next.ip() == 0 || next.sp() <= frame.sp() && next_is_call {
            break;
        }
        wanted = show(next.ip());
        (frame, is_call) = (next, next_is_call);
    }
}

/// True inside an executable segment of the image.
fn is_code(address: u64) -> bool {
    Image::own().segments().any(|s| s.prot.0 & 4 != 0 && s.start <= address && address < s.end)
}

fn by_frame_pointer(frame: &Frame) -> Option<(Frame, bool)> {
    let rbp = frame.get(X86_64::RBP)?;
    if rbp < frame.sp() || rbp % 8 != 0 {
        return None;
    }
    let (caller_rbp, ip) = (word(rbp)?, word(rbp + 8)?);
    if !is_code(ip) {
        return None;
    }
    let mut next = *frame;
    next.0[usize::from(X86_64::RBP.0)] = caller_rbp;
    next.0[usize::from(X86_64::RSP.0)] = rbp + 16;
    next.0[16] = ip;
    Some((next, true))
}

/// Bytes of stack that are searched for a return address.
const SCAN: u64 = 16 << 10;

fn by_scan(frame: &Frame) -> Option<(Frame, bool)> {
    let start = frame.sp().checked_next_multiple_of(8)?;
    for at in (start..start.checked_add(SCAN)?).step_by(8) {
        let ip = word(at)?;
        if is_code(ip) && follows_call(ip) {
            let mut next = *frame;
            next.0[usize::from(X86_64::RSP.0)] = at + 8;
            next.0[16] = ip;
            return Some((next, true));
        }
    }
    None
}

/// True if the instruction before this address is a call: relative, through a register or through memory.
fn follows_call(ip: u64) -> bool {
    let Ok(code) = crate::user::slice(ip - 7, 7) else { return false };
    let indirect =
        |at: usize, modrm: core::ops::RangeInclusive<u8>| code[at] == 0xff && modrm.contains(&code[at + 1]);
    code[2] == 0xe8
        || indirect(5, 0x10..=0x17)
        || indirect(5, 0xd0..=0xd7)
        || indirect(4, 0x50..=0x57)
        || indirect(1, 0x90..=0x97)
        || indirect(1, 0x15..=0x15)
}

/// The image's call frame information.
struct Tables {
    header: gimli::ParsedEhFrameHdr<Slice>,
    frames: EhFrame<Slice>,
    bases: BaseAddresses,
}

fn image_bytes(start: u64) -> Option<&'static [u8]> {
    let segment = Image::own().segments().find(|s| s.start <= start && start < s.end)?;
    // SAFETY: a loaded segment of the image stays mapped; the tables in it are constants.
    Some(unsafe { core::slice::from_raw_parts(start as *const u8, (segment.end - start) as usize) })
}

impl Tables {
    fn of_image() -> Option<Self> {
        let start = Image::own().eh_frame_header()?;
        let bases = BaseAddresses::default().set_eh_frame_hdr(start);
        let header = EhFrameHdr::new(image_bytes(start)?, LittleEndian).parse(&bases, 8).ok()?;
        let Pointer::Direct(frames) = header.eh_frame_ptr() else { return None };
        let bases = bases.set_eh_frame(frames);
        Some(Self { header, frames: EhFrame::new(image_bytes(frames)?, LittleEndian), bases })
    }

    /// The frame that called this one. A return address belongs to the call before it.
    fn caller(&self, frame: &Frame, is_call: bool) -> Option<(Frame, bool)> {
        let ip = frame.ip() - u64::from(is_call);
        let table = self.header.table()?;
        let fde = table.fde_for_address(&self.frames, &self.bases, ip, EhFrame::cie_from_offset).ok()?;
        if fde.is_signal_trampoline() {
            return signal_frame(frame).map(|frame| (frame, false));
        }
        let mut context: UnwindContext<usize, SmallStorage> = UnwindContext::new_in();
        let row = fde.unwind_info_for_address(&self.frames, &self.bases, &mut context, ip).ok()?;
        let cfa = match row.cfa() {
            CfaRule::RegisterAndOffset { register, offset } => {
                frame.get(*register)?.wrapping_add_signed(*offset)
            }
            CfaRule::Expression(_) => return None,
        };
        let mut next = *frame;
        next.0[usize::from(X86_64::RSP.0)] = cfa;
        for number in (0..17).filter(|&n| n != X86_64::RSP.0) {
            let value = match row.register(Register(number)) {
                RegisterRule::Offset(offset) => word(cfa.wrapping_add_signed(offset))?,
                RegisterRule::ValOffset(offset) => cfa.wrapping_add_signed(offset),
                RegisterRule::Register(other) => frame.get(other)?,
                // The outermost frame says that it has no return address.
                RegisterRule::Undefined if number == 16 => return None,
                _ => continue,
            };
            next.0[usize::from(number)] = value;
        }
        (next.ip() != frame.ip() || next.sp() != frame.sp()).then_some((next, true))
    }
}

/// What a signal handler interrupted: its frame begins with the ucontext, whose registers are at 40.
fn signal_frame(frame: &Frame) -> Option<Frame> {
    let g = |i: u64| word(frame.sp() + 40 + 8 * i);
    Some(Frame([
        g(13)?,
        g(12)?,
        g(14)?,
        g(11)?,
        g(9)?,
        g(8)?,
        g(10)?,
        g(15)?,
        g(0)?,
        g(1)?,
        g(2)?,
        g(3)?,
        g(4)?,
        g(5)?,
        g(6)?,
        g(7)?,
        g(16)?,
    ]))
}
