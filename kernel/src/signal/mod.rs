//! Signals a rank can get: from itself (`raise`, `abort`) and from its own faults. Nobody else sends any.

mod frame;

pub(crate) use frame::VectorArea;

use crate::arch;
use crate::cell::KernelCell;
use crate::errno::{Errno, Result, SysResult};
use crate::process::PID;
use crate::regs::Regs;
use crate::sys::nr;
use crate::{fault, mm, user};

pub use frame::frame_bytes;

/// The signals the kernel itself knows (signal(7)).
#[expect(missing_docs, reason = "names of the standard")]
pub mod number {
    pub const SIGILL: u32 = 4;
    pub const SIGTRAP: u32 = 5;
    pub const SIGABRT: u32 = 6;
    pub const SIGBUS: u32 = 7;
    pub const SIGFPE: u32 = 8;
    pub const SIGKILL: u32 = 9;
    pub const SIGSEGV: u32 = 11;
    pub const SIGCHLD: u32 = 17;
    pub const SIGCONT: u32 = 18;
    pub const SIGSTOP: u32 = 19;
    pub const SIGTTOU: u32 = 22;
    pub const SIGURG: u32 = 23;
    pub const SIGWINCH: u32 = 28;
}

const SIGNALS: u32 = 64;
const SIG_DFL: u64 = 0;
const SIG_IGN: u64 = 1;
const SA_RESTORER: u64 = 0x0400_0000;
const SA_ONSTACK: u64 = 0x0800_0000;
const SA_NODEFER: u64 = 0x4000_0000;
const SA_RESETHAND: u64 = 0x8000_0000;
const SS_ONSTACK: i32 = 1;
const SS_DISABLE: i32 = 2;
const SI_USER: i32 = 0;
const SI_TKILL: i32 = -6;

/// `struct sigaction` of the kernel's interface.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Action {
    handler: u64,
    flags: u64,
    restorer: u64,
    mask: u64,
}

/// A stack for handlers (`stack_t`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct AltStack {
    start: u64,
    flags: i32,
    size: u64,
}

struct Signals {
    actions: [Action; SIGNALS as usize + 1],
    mask: u64,
    /// Sent while blocked, one bit per signal.
    pending: u64,
    alt: AltStack,
}

static SIGNALS_STATE: KernelCell<Signals> = KernelCell::new(Signals {
    actions: [Action { handler: 0, flags: 0, restorer: 0, mask: 0 }; SIGNALS as usize + 1],
    mask: 0,
    pending: 0,
    alt: AltStack { start: 0, flags: SS_DISABLE, size: 0 },
});

/// What a handler is told about a signal (`siginfo_t`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Info {
    /// The signal.
    pub signal: u32,
    /// Why, `si_code`.
    pub code: i32,
    /// The faulting address, or the sender's process id.
    pub value: u64,
}

fn bit(signal: u32) -> u64 {
    1 << (signal - 1)
}

/// The family's calls.
pub fn call(number: u64, args: &[u64; 6], regs: &Regs) -> Option<SysResult> {
    let [a, b, c, d, ..] = *args;
    Some(match number {
        nr::RT_SIGACTION => sigaction(a, b, c, d),
        nr::RT_SIGPROCMASK => sigprocmask(a, b, c, d),
        nr::SIGALTSTACK => sigaltstack(a, b, regs.rsp),
        nr::RT_SIGPENDING => user::write(a, &SIGNALS_STATE.borrow().pending).map(|()| 0),
        nr::KILL if matches!(a as i32, 0 | -1) || a as usize == PID => send(b, SI_USER),
        nr::TKILL if a as usize == PID => send(b, SI_TKILL),
        nr::TGKILL if a as usize == PID && b as usize == PID => send(c, SI_TKILL),
        nr::KILL | nr::TKILL | nr::TGKILL => Err(Errno::ESRCH),
        nr::RT_SIGSUSPEND => sigsuspend(a, b),
        nr::RT_SIGTIMEDWAIT => sigtimedwait(a, c),
        _ => return None,
    })
}

fn valid(signal: u64) -> Result<u32> {
    u32::try_from(signal).ok().filter(|s| (1..=SIGNALS).contains(s)).ok_or(Errno::EINVAL)
}

fn sigaction(signal: u64, new: u64, old: u64, set_size: u64) -> SysResult {
    let signal = valid(signal)?;
    if set_size != 8 {
        return Err(Errno::EINVAL);
    }
    let before = SIGNALS_STATE.borrow().actions[signal as usize];
    if new != 0 {
        if signal == number::SIGKILL || signal == number::SIGSTOP {
            return Err(Errno::EINVAL);
        }
        let [handler, flags, restorer, mask] = user::read::<[u64; 4]>(new)?;
        SIGNALS_STATE.borrow().actions[signal as usize] = Action { handler, flags, restorer, mask };
    }
    if old != 0 {
        user::write(old, &[before.handler, before.flags, before.restorer, before.mask])?;
    }
    Ok(0)
}

const UNBLOCKABLE: u64 = 1 << (number::SIGKILL - 1) | 1 << (number::SIGSTOP - 1);

fn sigprocmask(how: u64, new: u64, old: u64, set_size: u64) -> SysResult {
    if set_size != 8 {
        return Err(Errno::EINVAL);
    }
    let before = SIGNALS_STATE.borrow().mask;
    if new != 0 {
        let set = user::read::<u64>(new)?;
        let mask = match how {
            0 => before | set,
            1 => before & !set,
            2 => set,
            _ => return Err(Errno::EINVAL),
        };
        SIGNALS_STATE.borrow().mask = mask & !UNBLOCKABLE;
    }
    if old != 0 {
        user::write(old, &before)?;
    }
    Ok(0)
}

impl AltStack {
    fn holds(&self, rsp: u64) -> bool {
        self.flags & SS_DISABLE == 0 && rsp > self.start && rsp - self.start <= self.size
    }
}

fn sigaltstack(new: u64, old: u64, rsp: u64) -> SysResult {
    let before = SIGNALS_STATE.borrow().alt;
    let on_it = before.holds(rsp);
    if new != 0 {
        let [start, flags, size] = user::read::<[u64; 3]>(new)?;
        let flags = flags as i32;
        if on_it {
            return Err(Errno::EPERM);
        }
        if flags & !(SS_DISABLE | SS_ONSTACK) != 0 {
            return Err(Errno::EINVAL);
        }
        let alt = if flags & SS_DISABLE != 0 {
            AltStack { start: 0, flags: SS_DISABLE, size: 0 }
        } else {
            if size < 2048 {
                return Err(Errno::ENOMEM);
            }
            AltStack { start, flags: 0, size }
        };
        SIGNALS_STATE.borrow().alt = alt;
    }
    if old != 0 {
        let flags = if on_it { SS_ONSTACK } else { before.flags };
        user::write(old, &[before.start, flags as u32 as u64, before.size])?;
    }
    Ok(0)
}

/// The program signals itself; delivery is on the way back to it.
fn send(signal: u64, code: i32) -> SysResult {
    if signal == 0 {
        return Ok(0);
    }
    let signal = valid(signal)?;
    let _ = code;
    SIGNALS_STATE.borrow().pending |= bit(signal);
    Ok(0)
}

fn sigsuspend(mask: u64, set_size: u64) -> SysResult {
    if set_size != 8 {
        return Err(Errno::EINVAL);
    }
    let mask = user::read::<u64>(mask)?;
    let mut state = SIGNALS_STATE.borrow();
    if state.pending & !mask != 0 {
        state.mask = mask & !UNBLOCKABLE;
        return Err(Errno::EINTR);
    }
    drop(state);
    crate::sys::sync::wait_for_nothing("a signal (sigsuspend)")
}

fn sigtimedwait(set: u64, timeout: u64) -> SysResult {
    let set = user::read::<u64>(set)?;
    let mut state = SIGNALS_STATE.borrow();
    let found = state.pending & set;
    if found != 0 {
        state.pending &= !(1 << found.trailing_zeros());
        return Ok(found.trailing_zeros() as usize + 1);
    }
    drop(state);
    if timeout == 0 {
        return crate::sys::sync::wait_for_nothing("a signal (sigwait)");
    }
    crate::sys::time::sleep(crate::sys::time::timespec(timeout)?);
    Err(Errno::EAGAIN)
}

/// What becomes of a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Ignored,
    Handled(Action),
    Fatal,
}

impl Signals {
    fn fate(&self, signal: u32) -> Fate {
        let action = self.actions[signal as usize];
        match action.handler {
            SIG_IGN => Fate::Ignored,
            SIG_DFL => match signal {
                number::SIGCHLD | number::SIGURG | number::SIGWINCH => Fate::Ignored,
                // Stopping and continuing mean nothing without anybody to continue the rank.
                number::SIGCONT..=number::SIGTTOU => Fate::Ignored,
                _ => Fate::Fatal,
            },
            _ => Fate::Handled(action),
        }
    }
}

/// Delivers what the program has sent itself, on the way back from a system call.
pub fn deliver_pending(regs: &mut Regs, xmm: &mut [u8; 256]) {
    loop {
        let (signal, fate) = {
            let mut state = SIGNALS_STATE.borrow();
            let ready = state.pending & !state.mask;
            if ready == 0 {
                return;
            }
            let signal = ready.trailing_zeros() + 1;
            state.pending &= !bit(signal);
            (signal, state.fate(signal))
        };
        let info = Info { signal, code: SI_TKILL, value: PID as u64 };
        match fate {
            Fate::Ignored => {}
            Fate::Fatal => fault::killed(regs, signal),
            Fate::Handled(action) => {
                // The kernel has used the vector registers since; what the program had is in `xmm`.
                // SAFETY: 256 bytes of saved registers.
                unsafe { arch::k_load_xmm(xmm) };
                let mut area = frame::VectorArea::new();
                area.save();
                if enter_handler(regs, info, action, &area).is_err() {
                    fault::killed(regs, number::SIGSEGV);
                }
            }
        }
    }
}

/// Hands a fault to the program's handler, if it has one that can be called: true if `regs` now start the handler.
pub fn deliver_fault(regs: &mut Regs, info: Info) -> bool {
    let fate = {
        let Some(state) = SIGNALS_STATE.try_borrow() else { return false };
        if state.mask & bit(info.signal) != 0 {
            return false;
        }
        state.fate(info.signal)
    };
    let Fate::Handled(action) = fate else { return false };
    // SAFETY: the entry code saved the vector registers of the fault there.
    let Some(saved) = (unsafe { (&raw const arch::k_fault_vectors).as_ref() }) else { return false };
    let area = frame::VectorArea::from_saved(saved);
    enter_handler(regs, info, action, &area).is_ok()
}

/// Builds the handler's frame on the program's stack and lets `regs` start it.
fn enter_handler(regs: &mut Regs, info: Info, action: Action, vectors: &frame::VectorArea) -> Result<()> {
    if action.flags & SA_RESTORER == 0 {
        return Err(Errno::EFAULT);
    }
    let mut state = SIGNALS_STATE.borrow();
    let alt = state.alt;
    let on_alt = alt.holds(regs.rsp);
    let top = if action.flags & SA_ONSTACK != 0 && alt.flags & SS_DISABLE == 0 && !on_alt {
        alt.start + alt.size
    } else {
        // Below the red zone.
        regs.rsp.checked_sub(128).ok_or(Errno::EFAULT)?
    };
    let alt_words = [alt.start, if on_alt { SS_ONSTACK } else { alt.flags } as u32 as u64, alt.size];
    frame::push(regs, info, action, state.mask, alt_words, top, vectors)?;
    state.mask |= action.mask & !UNBLOCKABLE;
    if action.flags & SA_NODEFER == 0 {
        state.mask |= bit(info.signal);
    }
    if action.flags & SA_RESETHAND != 0 {
        state.actions[info.signal as usize].handler = SIG_DFL;
    }
    Ok(())
}

/// `rt_sigreturn`: continues what the handler interrupted. A frame that is none is a fault.
pub fn sigreturn(regs: &mut Regs, xmm: &mut [u8; 256]) {
    match frame::pop(regs, xmm) {
        Ok(mask) => SIGNALS_STATE.borrow().mask = mask & !UNBLOCKABLE,
        Err(_) => fault::killed(regs, number::SIGSEGV),
    }
}

/// Name of a signal for messages.
pub fn name(signal: u32) -> &'static str {
    const NAMES: [&str; 32] = [
        "signal 0",
        "SIGHUP",
        "SIGINT",
        "SIGQUIT",
        "SIGILL",
        "SIGTRAP",
        "SIGABRT",
        "SIGBUS",
        "SIGFPE",
        "SIGKILL",
        "SIGUSR1",
        "SIGSEGV",
        "SIGUSR2",
        "SIGPIPE",
        "SIGALRM",
        "SIGTERM",
        "SIGSTKFLT",
        "SIGCHLD",
        "SIGCONT",
        "SIGSTOP",
        "SIGTSTP",
        "SIGTTIN",
        "SIGTTOU",
        "SIGURG",
        "SIGXCPU",
        "SIGXFSZ",
        "SIGVTALRM",
        "SIGPROF",
        "SIGWINCH",
        "SIGIO",
        "SIGPWR",
        "SIGSYS",
    ];
    NAMES.get(signal as usize).copied().unwrap_or("a real-time signal")
}

/// True if a page of the program's stack or memory can take a frame there.
fn writable(start: u64, len: u64) -> bool {
    mm::program_may(start, len, mm::regions::Prot::RW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signal_numbers_are_checked() {
        assert_eq!(sigaction(0, 0, 0, 8), Err(Errno::EINVAL));
        assert_eq!(sigaction(65, 0, 0, 8), Err(Errno::EINVAL));
        assert_eq!(sigaction(11, 0, 0, 4), Err(Errno::EINVAL));
        assert_eq!(sigaction(11, 64, 0, 8), Err(Errno::EFAULT));
        assert_eq!(sigaction(9, 64, 0, 8), Err(Errno::EINVAL));
        assert_eq!(send(u64::MAX, SI_USER), Err(Errno::EINVAL));
        assert_eq!(call(nr::KILL, &[77, 9, 0, 0, 0, 0], &Regs::default()), Some(Err(Errno::ESRCH)));
    }

    #[test]
    fn default_actions() {
        let mut state = Signals {
            actions: [Action::default(); 65],
            mask: 0,
            pending: 0,
            alt: AltStack { start: 0, flags: SS_DISABLE, size: 0 },
        };
        assert_eq!(state.fate(number::SIGSEGV), Fate::Fatal);
        assert_eq!(state.fate(number::SIGCHLD), Fate::Ignored);
        assert_eq!(state.fate(number::SIGSTOP), Fate::Ignored);
        assert_eq!(state.fate(40), Fate::Fatal);
        state.actions[11].handler = SIG_IGN;
        assert_eq!(state.fate(number::SIGSEGV), Fate::Ignored);
    }
}
