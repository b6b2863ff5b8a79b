//! loom tries every order of the two sides' accesses, as the memory model allows them.
//! `RUSTFLAGS="--cfg loom" cargo test -p unirank-ivc --release proofs`

use super::*;
use loom::thread;
use std::vec::Vec;

/// A small ring on the heap of the model. Leaked: loom runs the model many times in one process, with little each time.
fn ring(slots: usize, lines: usize) -> Ring<'static> {
    let slot = || Slot { words: core::array::from_fn(|_| AtomicU64::new(0)) };
    let control = Control {
        progress: Progress { slots: AtomicU64::new(0), payload: AtomicU64::new(0) },
        credit: Credit(AtomicU64::new(0)),
        desk: Desk::new(),
    };
    let slots: Vec<Slot> = (0..slots).map(|_| slot()).collect();
    Ring::new(std::boxed::Box::leak(std::boxed::Box::new(control)), slots.leak(), Payload::in_memory(lines))
}

fn head(n: u64) -> Head {
    Head { kind: n as u8, flags: 0, words: [n, 100 + n] }
}

/// Message `n` is inline or in the payload.
fn put(sender: &mut Sender<'_>, n: u64, long: bool) -> bool {
    if long {
        // SAFETY: the ring gives room for the bytes.
        sender.send_long(head(n), 48, |to| unsafe { to.write_bytes(n as u8, 48) })
    } else {
        sender.send(head(n), &n.to_ne_bytes())
    }
}

fn get(receiver: &mut Receiver<'_>, n: u64, long: bool) -> bool {
    match receiver.peek().expect("no garbage") {
        None => return false,
        Some(message) => {
            assert_eq!(message.head, head(n));
            let len = if long { 48 } else { 8 };
            assert_eq!(message.len, len);
            // SAFETY: the message has so many bytes.
            let first = message.with_data(|at| unsafe { at.read() });
            assert_eq!(first, n as u8);
        }
    }
    receiver.pop();
    true
}

/// `count` messages through a ring that holds fewer: slots and payload are used again.
fn run(count: u64, long: fn(u64) -> bool) {
    let mut model = loom::model::Builder::new();
    // Every order with so many involuntary switches between the two sides; more takes hours.
    model.preemption_bound = Some(3);
    model.check(move || {
        let ring = ring(4, 4);
        let other = ring.clone();
        let sending = thread::spawn(move || {
            let mut sender = Sender::new(ring);
            for n in 0..count {
                while !put(&mut sender, n, long(n)) {
                    thread::yield_now();
                }
            }
        });
        let mut receiver = Receiver::new(other);
        for n in 0..count {
            while !get(&mut receiver, n, long(n)) {
                thread::yield_now();
            }
        }
        sending.join().unwrap();
    });
}

#[test]
fn slots_are_used_again_without_loss() {
    run(5, |_| false);
}

#[test]
fn payload_is_used_again_without_overlap() {
    run(5, |_| true);
}

#[test]
fn both_kinds_mix() {
    run(5, |n| n % 2 == 0);
}
