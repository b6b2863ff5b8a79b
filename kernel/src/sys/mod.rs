//! The system calls of Linux on x86-64 that static programs use.
//!
//! Each family is a module with `call(number, arguments)`, which answers None for a number that is not its own. What no
//! family knows is ENOSYS, and the user is told once per number.

pub mod epoll;
pub mod file;
pub mod id;
pub mod info;
pub mod memory;
pub mod nr;
pub mod poll;
pub mod refused;
pub mod residence;
pub mod sched;
pub mod socket;
pub mod strace;
pub mod sync;
pub mod time;
pub mod timers;

use crate::cell::KernelCell;
use crate::errno::{Errno, SysResult};
use crate::mm::room::room;
use crate::regs::Regs;
use crate::thread::sched as scheduler;
use crate::{cpu, klock, profile, signal};

/// Kernel release the program sees in `uname`. The C library refuses to start on one it finds too old.
pub const RELEASE: &str = "6.1.0-unirank";

/// Numbers nobody knew, one bit each; the last bit stands for all beyond the table.
static UNKNOWN: KernelCell<[u64; 8]> = KernelCell::new([0; 8]);

/// Handles the system call a program has made: called by `arch/gate.s` at ring 3 on the kernel's stack.
///
/// `xmm` holds the program's vector registers; they and `regs` are what it continues with.
#[unsafe(no_mangle)]
extern "C" fn k_syscall(regs: &mut Regs, xmm: &mut [u8; 256]) {
    klock::acquire();
    let number = regs.rax;
    let args = [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9];
    let shown = strace::begin(number, &args);
    let mut interrupted = None;
    if number == nr::RT_SIGRETURN {
        signal::sigreturn(regs, xmm);
    } else {
        // What a signal handler or a fault report finds in the registers is the state after the call.
        let result = dispatch(number, &args, regs);
        if let Some(call) = shown {
            call.end(number, &args, result);
        }
        regs.rax = match result {
            Ok(value) => value as u64,
            Err(errno) => {
                interrupted = (errno == Errno::EINTR).then(|| signal::Interrupted::new(number, args));
                -i64::from(errno.0) as u64
            }
        };
    }
    signal::catch_up();
    while cpu::this().take_reschedule() {
        profile::tick(cpu::this().id(), profile::Met::LibraryOs, regs);
        scheduler::tick();
    }
    signal::deliver_pending(regs, xmm, interrupted);
    klock::release();
}

/// The calls of one module: None for a number that is not its own.
type Family = fn(u64, &[u64; 6]) -> Option<SysResult>;

/// Whether a call leaves something behind in the kernel's memory: it fails when there is none left.
fn makes(number: u64) -> bool {
    matches!(
        number,
        nr::OPEN
            | nr::OPENAT
            | nr::CREAT
            | nr::PIPE
            | nr::PIPE2
            | nr::SOCKET
            | nr::SOCKETPAIR
            | nr::ACCEPT
            | nr::ACCEPT4
            | nr::BIND
            | nr::LISTEN
            | nr::CONNECT
            | nr::SENDTO
            | nr::SENDMSG
            | nr::CLONE
            | nr::CLONE3
            | nr::RENAME
            | nr::RENAMEAT
            | nr::RENAMEAT2
            | nr::MKDIR
            | nr::MKDIRAT
            | nr::LINK
            | nr::LINKAT
            | nr::SYMLINK
            | nr::SYMLINKAT
            | nr::EPOLL_CREATE
            | nr::EPOLL_CREATE1
            | nr::EPOLL_CTL
            | nr::SIGNALFD
            | nr::SIGNALFD4
            | nr::TIMER_CREATE
            | nr::TIMERFD_CREATE
            | nr::EVENTFD
            | nr::EVENTFD2
            | nr::RT_SIGQUEUEINFO
            | nr::RT_TGSIGQUEUEINFO
    )
}

fn dispatch(number: u64, args: &[u64; 6], regs: &Regs) -> SysResult {
    if makes(number) {
        room(0)?;
    }
    let families: [Family; 12] = [
        file::call,
        memory::call,
        residence::call,
        time::call,
        timers::call,
        id::call,
        info::call,
        sync::call,
        poll::call,
        epoll::call,
        socket::call,
        refused::call,
    ];
    if let Some(result) = signal::call(number, args, regs) {
        return result;
    }
    if let Some(result) = sched::call(number, args, regs) {
        return result;
    }
    families.iter().find_map(|family| family(number, args)).unwrap_or_else(|| unknown(number))
}

fn unknown(number: u64) -> SysResult {
    if first_time(&UNKNOWN, number) {
        match nr::name(number) {
            Some(name) => note!(
                "the program uses the system call {name} ({number}), which is not implemented: it gets ENOSYS"
            ),
            None => {
                note!("the program uses system call number {number}, which does not exist: it gets ENOSYS")
            }
        }
    }
    Err(Errno::ENOSYS)
}

/// True the first time it is asked about a number.
fn first_time(seen: &KernelCell<[u64; 8]>, number: u64) -> bool {
    let bit = number.min(511) as usize;
    let word = &mut seen.borrow()[bit / 64];
    let fresh = *word & 1 << (bit % 64) == 0;
    *word |= 1 << (bit % 64);
    fresh
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_reported_once() {
        static SEEN: KernelCell<[u64; 8]> = KernelCell::new([0; 8]);
        assert!(first_time(&SEEN, 41));
        assert!(!first_time(&SEEN, 41));
        assert!(first_time(&SEEN, u64::MAX));
        assert!(!first_time(&SEEN, 1 << 40));
    }

    #[test]
    fn unknown_numbers_are_enosys() {
        for number in [500, 511, 512, u64::MAX] {
            assert_eq!(dispatch(number, &[u64::MAX; 6], &Regs::default()), Err(Errno::ENOSYS));
        }
    }
}
