//! Signals: from the program itself, from its faults and timers, and from outside by way of `unirank run`.
//!
//! # Terms
//!
//! A signal is **sent** to a thread or to the process and **pending** from then on ([`pending`]). It is **delivered** on
//! the way back to the program ([`delivery`]): to the thread it was sent to, or to any thread that does not block it.
//! What then becomes of it is its **action** ([`action`]), which all threads share; mask, alternative stack and the
//! signals sent to one thread are that thread's own ([`thread`]). A wait of the kernel ends early when a signal is there
//! that would be delivered ([`interrupts`]); whether the system call is made again is in [`restart`].

mod action;
mod altstack;
mod calls;
mod delivery;
pub mod descriptor;
mod frame;
mod host;
mod info;
pub mod number;
mod pending;
mod restart;
mod send;
mod thread;
mod wait;

use crate::cell::KernelCell;

pub use calls::{call, mask_for_now};
pub use delivery::{deliver_deferred, deliver_fault, deliver_here, deliver_pending, sigreturn};
pub use frame::{VectorArea, frame_bytes};
pub use host::poll_host;
pub use info::{Info, SI_KERNEL, SI_QUEUE, SI_TIMER, SI_TKILL, SI_USER};
pub use number::name;
pub use restart::Interrupted;
pub use send::{send_broken_pipe, send_to_process, send_to_thread};
pub use thread::{ThreadSignals, of_thread, own};

/// What all threads share.
struct Process {
    actions: action::Actions,
    /// Signals sent to no thread in particular.
    pending: pending::Pending,
}

static PROCESS: KernelCell<Process> =
    KernelCell::new(Process { actions: action::Actions::new(), pending: pending::Pending::new() });

/// Whether a wait of this thread would end now with EINTR: a signal is there that would be delivered and not ignored.
pub fn interrupts(thread: &ThreadSignals) -> bool {
    let process = PROCESS.borrow();
    let open = (thread.pending.set() | process.pending.set()) & !thread.mask();
    open != 0 && process.actions.heeded(open) != 0
}

/// What time and the host have sent meanwhile: called by waits, at the end of system calls, and by interrupts.
pub fn catch_up() {
    poll_host();
    crate::timers::catch_up();
}
