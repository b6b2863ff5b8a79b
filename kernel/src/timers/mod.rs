//! Timers: what happens at a time without anybody waiting for it.
//!
//! # Terms
//!
//! A **timer** counts on a [`clock::TimerClock`] and expires at a reading of it, then perhaps every so often. What counts
//! on wall clocks has a **deadline** on the monotonic clock; what counts processor time has the earliest moment at which
//! the processor time can have passed, and is looked at again then. All deadlines stand in one sorted [`queue`].
//! Whoever lets time pass calls [`expire`] and sees to it that it is called again at [`next_deadline_ns`].
//!
//! Three families share this: interval timers ([`interval`]), those of timer_create(2) ([`posix`]) and descriptors
//! ([`descriptor`]).

pub mod clock;
pub mod descriptor;
pub mod interval;
pub mod posix;
mod queue;
mod table;

use crate::cell::KernelCell;
use crate::signal::{Info, send_to_process, send_to_thread};
use crate::{irq, time};
use alloc::vec::Vec;
use table::{Notice, Table};

pub use table::{Id, Setting};

static TIMERS: KernelCell<Table> = KernelCell::new(Table::new());

/// The time of the monotonic clock at which [`expire`] has something to do; `None` if no timer runs.
pub fn next_deadline_ns() -> Option<u64> {
    TIMERS.borrow().next_deadline_ns()
}

/// Lets expire what is due: signals are sent, descriptors become readable.
pub fn expire(now_ns: u64) {
    let notices: Vec<Notice> = {
        let mut timers = TIMERS.borrow();
        if timers.next_deadline_ns().is_none_or(|deadline| deadline > now_ns) {
            return;
        }
        timers.expire(now_ns)
    };
    for notice in notices {
        send(notice);
    }
    irq::notify();
}

/// [`expire`] by now.
pub fn catch_up() {
    // Without timers, which is the rule, not even the clock is read.
    if next_deadline_ns().is_some() {
        expire(time::now_ns());
    }
}

fn send(notice: Notice) {
    // A signal that finds the queue full is lost, as on Linux: the timer counts it as an overrun.
    let _ = match notice {
        Notice::None => Ok(()),
        Notice::Process(info) => send_to_process(info),
        Notice::Thread(tid, info) => send_to_thread(tid, info),
    };
}

/// A timer's signal leaves the queue of pending signals: how often it expired beyond the first time.
pub fn accept_signal(timer: u32) -> u32 {
    TIMERS.borrow().accept_signal(Id(timer))
}

/// What the interval timer `signal` belongs to sends.
fn interval_notice(signal: u32) -> Notice {
    Notice::Process(Info::kernel(signal))
}
