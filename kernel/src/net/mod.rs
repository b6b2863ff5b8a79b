//! Sockets: TCP, UDP and ping over IPv4, and pairs in memory.
//!
//! # Theory
//!
//! `smoltcp` does the protocols in [`stack`]; below it, [`port`] sends frames to the machine itself back and others to a
//! [`link`], the driver in `virtio::net`. Above it are the socket objects, which file descriptors stand for. There is no
//! stack before the first socket is made or the VM has a network device.
//!
//! Nothing runs by itself: the stack works when a socket call is made, during waits, and when somebody calls [`poll`]
//! because the device has interrupted or [`next_deadline_ns`] has passed. Without socket and device both cost a
//! comparison.

pub mod config;
pub mod datagram;
pub mod frame;
#[cfg(test)]
mod fuzz;
pub mod link;
pub mod listener;
pub mod options;
pub mod port;
pub mod ports;
pub mod socket;
pub mod stack;
pub mod tcp;
pub mod unix;

use crate::cell::KernelCell;
use crate::errno::{Errno, Result};
use crate::time::{self, now_ns};
use crate::{bootconfig, irq, random};
use alloc::boxed::Box;
use link::Link;
use stack::Stack;

/// How long a program waits for the network to give the rank an address.
const ADDRESS_PATIENCE_NS: u64 = 15 * time::SECOND;
/// How long the end of a rank waits for its peers to have taken what was sent.
const LINGER_NS: u64 = 5 * time::SECOND;

static STACK: KernelCell<Option<Box<Stack>>> = KernelCell::new(None);

/// Not inlined: it needs more of the kernel's stack than what calls it.
#[inline(never)]
fn new_stack(link: Option<Box<dyn Link>>) -> Box<Stack> {
    let mut seed = [0; 8];
    random::fill(&mut seed);
    let config = bootconfig::get().net.clone().unwrap_or_default();
    Box::new(Stack::new(link, config, u64::from_le_bytes(seed), now_ns()))
}

/// Starts the stack over a device.
pub fn init(link: Box<dyn Link>) {
    let stack = new_stack(Some(link));
    *STACK.borrow() = Some(stack);
}

/// Does something with the stack, which is made if there is none.
fn with<T>(f: impl FnOnce(&mut Stack) -> Result<T>) -> Result<T> {
    let mut stack = STACK.borrow();
    f(stack.get_or_insert_with(|| new_stack(None)))
}

/// Tries something, and again after the stack has handled what has come meanwhile.
fn retried<T>(mut f: impl FnMut(&mut Stack) -> Result<T>) -> Result<T> {
    with(|stack| match f(stack) {
        Err(Errno::EAGAIN) => {
            stack.poll(now_ns());
            f(stack)
        }
        result => result,
    })
}

/// Handles what has come and is due. Cheap when there is nothing.
pub fn poll() {
    if let Some(stack) = &mut *STACK.borrow() {
        let now = now_ns();
        if stack.is_due(now) {
            stack.poll(now);
        }
    }
}

/// As [`poll`], and lets the device interrupt from here on when more comes.
pub fn poll_before_sleep() {
    if let Some(stack) = &mut *STACK.borrow() {
        let now = now_ns();
        if stack.is_due(now) {
            stack.poll(now);
        }
        if stack.arm() {
            stack.poll(now);
            stack.arm();
        }
    }
}

/// When [`poll`] has something to do if no frame comes before, on the monotonic clock.
pub fn next_deadline_ns() -> Option<u64> {
    STACK.borrow().as_ref().and_then(|stack| stack.deadline())
}

/// Waits until the rank has an address, if it is to get one. Said once if it gets none.
pub fn await_address() -> Result<()> {
    static TOLD: KernelCell<bool> = KernelCell::new(false);
    let awaits = || STACK.borrow().as_ref().is_some_and(|stack| stack.awaits_address());
    if !awaits() {
        return Ok(());
    }
    let told = *TOLD.borrow();
    let patience = if told { 0 } else { ADDRESS_PATIENCE_NS };
    if crate::fs::like::wait(|| !awaits(), Some(now_ns() + patience), || None)? {
        return Ok(());
    }
    if !core::mem::replace(&mut *TOLD.borrow(), true) {
        note!(
            "no DHCP server has answered in {} s: check the network behind --net, or give the rank an address with --net tap=IF,ip=ADDRESS/PREFIX",
            ADDRESS_PATIENCE_NS / time::SECOND
        );
    }
    Err(Errno::ENETUNREACH)
}

/// The end of the program: connections are closed, and peers have some time to take what was sent.
pub fn shutdown() {
    {
        let Some(mut stack) = STACK.try_borrow() else { return };
        let Some(stack) = &mut *stack else { return };
        stack.close_all();
        stack.poll(now_ns());
        if !stack.is_sending() {
            return;
        }
    }
    let deadline = now_ns() + LINGER_NS;
    let sending = || STACK.borrow().as_ref().is_some_and(|stack| stack.is_sending());
    loop {
        poll_before_sleep();
        let now = now_ns();
        if !sending() || now >= deadline {
            return;
        }
        let next = next_deadline_ns().unwrap_or(deadline).min(deadline);
        irq::wait_until(
            || {
                poll_before_sleep();
                !sending()
            },
            Some(next),
        );
    }
}
