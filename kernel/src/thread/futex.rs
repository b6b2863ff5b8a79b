//! Futexes: threads that wait for a word of memory to change (futex(2)).
//!
//! The word is compared and the thread put to sleep under the kernel lock, and a wake-up needs that lock, too: none is
//! lost. There is one process, so private and shared futexes are the same, known by their address.

use alloc::vec::Vec;

use super::{Thread, Wake, sched};
use crate::cell::KernelCell;
use crate::errno::{Errno, Result};
use crate::user;

/// A thread that waits.
struct Waiter {
    address: u64,
    bits: u32,
    thread: &'static Thread,
}

/// In the order in which they came.
static WAITERS: KernelCell<Vec<Waiter>> = KernelCell::new(Vec::new());

/// Waits while the word at `address` is `value`. `deadline` is a TSC value.
pub fn wait(address: u64, value: u32, bits: u32, deadline: u64) -> Result<()> {
    if user::read::<u32>(address)? != value {
        return Err(Errno::EAGAIN);
    }
    let Some(thread) = super::current() else { return Err(Errno::ENOSYS) };
    crate::signal::catch_up();
    if crate::signal::own(|own| crate::signal::interrupts(own)) {
        return Err(Errno::EINTR);
    }
    WAITERS.borrow().push(Waiter { address, bits, thread });
    let until = sched::Until { deadline, events: None, signals: true };
    let wake = sched::park(until, "a lock, a condition variable or a join (futex)");
    if wake != Wake::Woken {
        WAITERS.borrow().retain(|waiter| !core::ptr::eq(waiter.thread, thread));
    }
    match wake {
        Wake::TimedOut => Err(Errno::ETIMEDOUT),
        Wake::Signal => Err(Errno::EINTR),
        Wake::Woken | Wake::Event => Ok(()),
    }
}

/// Takes the first waiter for an address off the list.
fn take(address: u64, bits: u32) -> Option<&'static Thread> {
    let mut waiters = WAITERS.borrow();
    let at = waiters.iter().position(|w| w.address == address && w.bits & bits != 0)?;
    Some(waiters.remove(at).thread)
}

/// Wakes up to `count` threads that wait for the word; how many.
pub fn wake(address: u64, count: u32, bits: u32) -> usize {
    let mut woken = 0;
    while woken < count as usize {
        let Some(thread) = take(address, bits) else { break };
        woken += usize::from(sched::wake(thread, Wake::Woken));
    }
    woken
}

/// Lets up to `count` threads that wait for one word wait for another; how many.
pub fn requeue(from: u64, to: u64, count: u32) -> usize {
    let mut waiters = WAITERS.borrow();
    let moved = waiters.iter_mut().filter(|w| w.address == from).take(count as usize);
    moved.map(|waiter| waiter.address = to).count()
}

/// The operation and the comparison of FUTEX_WAKE_OP: stores the new word, tells whether the second wake-up happens.
pub fn operate(address: u64, code: u32) -> Result<bool> {
    let sign_extend = |value: u32| ((value << 20) as i32 >> 20) as u32;
    let (operation, comparison) = (code >> 28, code >> 24 & 15);
    let (mut operand, compared) = (sign_extend(code >> 12), sign_extend(code));
    if operation & 8 != 0 {
        operand = 1u32.checked_shl(operand).ok_or(Errno::EINVAL)?;
    }
    let old = user::read::<u32>(address)?;
    let new = match operation & 7 {
        0 => operand,
        1 => old.wrapping_add(operand),
        2 => old | operand,
        3 => old & !operand,
        4 => old ^ operand,
        _ => return Err(Errno::ENOSYS),
    };
    store(address, old, new)?;
    let (old, compared) = (old as i32, compared as i32);
    Ok(match comparison {
        0 => old == compared,
        1 => old != compared,
        2 => old < compared,
        3 => old <= compared,
        4 => old > compared,
        5 => old >= compared,
        _ => return Err(Errno::ENOSYS),
    })
}

/// Replaces a word that other threads change meanwhile: EAGAIN if they did, as Linux may answer, too.
fn store(address: u64, old: u32, new: u32) -> Result<()> {
    user::check(address, 4, crate::mm::regions::Prot::RW)?;
    if address % 4 != 0 {
        return Err(Errno::EINVAL);
    }
    // SAFETY: an aligned word of the program, checked to be writable.
    let word = unsafe { core::sync::atomic::AtomicU32::from_ptr(address as *mut u32) };
    use core::sync::atomic::Ordering::SeqCst;
    word.compare_exchange(old, new, SeqCst, SeqCst).map(drop).map_err(|_| Errno::EAGAIN)
}
