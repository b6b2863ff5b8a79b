//! Delivery: what happens to pending signals on the way back to the program.

use super::action::{Action, Fate, SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SA_RESTART, SA_RESTORER};
use super::frame::{self, Trap, VectorArea};
use super::number::{SIGSEGV, bit};
use super::restart::Interrupted;
use super::thread::own;
use super::{Info, PROCESS, wait};
use crate::errno::{Errno, Result};
use crate::regs::Regs;
use crate::{arch, fault};

/// Bytes below the stack pointer that belong to the program (System V psABI for x86-64, 3.2.2).
const RED_ZONE: u64 = 128;

/// Delivers what is pending on the way back from a system call, which a signal may have interrupted.
pub fn deliver_pending(regs: &mut Regs, xmm: &mut [u8; 256], interrupted: Option<Interrupted>) {
    deliver(regs, interrupted, || {
        // The kernel has used the vector registers since; what the program had is in `xmm`.
        // SAFETY: 256 bytes of saved registers.
        unsafe { arch::k_load_xmm(xmm) };
        let mut area = VectorArea::new();
        area.save();
        area
    });
}

/// Delivers what is pending to a program that an interrupt has stopped between two instructions. `saved` is its vector
/// state as XSAVE has left it.
pub fn deliver_deferred(regs: &mut Regs, saved: &[u8]) {
    deliver(regs, None, || VectorArea::from_saved(saved));
}

/// Lets signals be delivered to a program that called the kernel without a system call and is about to return.
pub fn deliver_here() {
    if own(|thread| super::interrupts(thread)) {
        arch::system_call(crate::sys::nr::GETPID);
    }
}

/// The next signal to be delivered.
fn next() -> Option<(Info, Fate)> {
    let open = own(|thread| !thread.mask());
    let info = wait::take(open)?;
    let fate = PROCESS.borrow().actions.fate(info.signal);
    Some((info, fate))
}

fn deliver(regs: &mut Regs, mut interrupted: Option<Interrupted>, mut vectors: impl FnMut() -> VectorArea) {
    if interrupted.is_none() {
        own(|thread| thread.restore_mask());
    }
    loop {
        while let Some((info, fate)) = next() {
            match fate {
                Fate::Ignored => {}
                Fate::Fatal => fault::killed(regs, &info),
                Fate::Handled(action) => {
                    let call = interrupted.take();
                    if let Some(call) =
                        call.filter(|c| action.flags & SA_RESTART != 0 && c.restarts_after_handler())
                    {
                        call.restart(regs);
                    }
                    if enter_handler(regs, info, action, Trap::default(), &vectors()).is_err() {
                        fault::killed(regs, &Info::kernel(SIGSEGV));
                    }
                }
            }
        }
        // Another thread took the signal: the program must not see an interruption.
        if let Some(call) = interrupted.take() {
            call.restart(regs);
        }
        // The mask that comes back may let others through.
        if !own(|thread| thread.restore_mask()) {
            return;
        }
    }
}

/// Hands a fault to the program's handler, if it has one that can be called: true if `regs` now start the handler.
/// `saved` is the program's vector state as XSAVE has left it.
pub fn deliver_fault(regs: &mut Regs, info: Info, cr2: u64, saved: &[u8]) -> bool {
    let fate = {
        let Some(process) = PROCESS.try_borrow() else { return false };
        if own(|thread| thread.mask() & bit(info.signal) != 0) {
            return false;
        }
        process.actions.fate(info.signal)
    };
    let Fate::Handled(action) = fate else { return false };
    let trap = Trap { vector: regs.vector, error: regs.error, cr2 };
    enter_handler(regs, info, action, trap, &VectorArea::from_saved(saved)).is_ok()
}

/// Builds the handler's frame on the program's stack and lets `regs` start it.
fn enter_handler(
    regs: &mut Regs,
    info: Info,
    action: Action,
    trap: Trap,
    vectors: &VectorArea,
) -> Result<()> {
    if action.flags & SA_RESTORER == 0 {
        return Err(Errno::EFAULT);
    }
    let alt = own(|thread| thread.alt);
    let fresh = alt.top(regs.rsp).filter(|_| action.flags & SA_ONSTACK != 0);
    let room = match fresh {
        Some(top) => alt.start()..top,
        None => {
            let bottom = if alt.holds(regs.rsp) { alt.start() } else { 0 };
            bottom..regs.rsp.checked_sub(RED_ZONE).ok_or(Errno::EFAULT)?
        }
    };
    let mask = own(|thread| thread.take_mask_after_handler());
    let context = frame::Context { mask, alt: alt.words(), trap };
    frame::push(regs, info, action, context, room, vectors)?;
    own(|thread| {
        let itself = if action.flags & SA_NODEFER == 0 { bit(info.signal) } else { 0 };
        thread.set_mask(thread.mask() | action.mask | itself);
        if fresh.is_some() && alt.disarms() {
            thread.alt = super::altstack::AltStack::NONE;
        }
    });
    if action.flags & SA_RESETHAND != 0 {
        PROCESS.borrow().actions.reset(info.signal);
    }
    Ok(())
}

/// `rt_sigreturn`: continues what the handler interrupted. A frame that is none is a fault.
pub fn sigreturn(regs: &mut Regs, xmm: &mut [u8; 256]) {
    match frame::pop(regs, xmm) {
        Ok((mask, alt)) => own(|thread| {
            thread.set_mask(mask);
            if let Some(alt) = super::altstack::AltStack::from_words(alt).ok().filter(|alt| alt.disarms()) {
                thread.alt = alt;
            }
        }),
        Err(_) => fault::killed(regs, &Info::kernel(SIGSEGV)),
    }
}
