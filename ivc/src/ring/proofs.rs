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
        returned: Returned { credit: AtomicU64::new(0), offers: AtomicU64::new(0) },
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

/// Every other small message is taken the short way.
fn get(receiver: &mut Receiver<'_>, n: u64, long: bool) -> bool {
    if !long && n % 2 == 1 {
        let Some(small) = receiver.small() else { return false };
        assert_eq!((small.kind(), small.words(), small.first()), (n as u8, [n, 100 + n], n));
        receiver.pop_small();
        return true;
    }
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

/// A sender offers data, gives up waiting after a look or two, moves the data and lets its user change the original: what
/// the receiver takes is always what was offered. The data is one atomic word here: on x86-64 stores become visible in order,
/// which release stores and acquire loads stand for.
#[test]
fn an_offer_that_is_moved_is_received_as_it_was() {
    use std::sync::Arc;
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let ring = ring(4, 4);
        let other = ring.clone();
        // What was offered, and its copy.
        let memory = Arc::new([AtomicU64::new(7), AtomicU64::new(7)]);
        let theirs = memory.clone();
        let sending = thread::spawn(move || {
            let mut sender = Sender::new(ring);
            let id = sender.offer(head(1), 1, 8).unwrap();
            if !sender.is_taken(id) {
                sender.move_offer(id, 2);
            }
            memory[0].store(99, Ordering::Release);
            while !sender.is_taken(id) {
                thread::yield_now();
            }
            memory[1].store(98, Ordering::Release);
        });
        let mut receiver = Receiver::new(other);
        let got = loop {
            if let Some(message) = receiver.peek().unwrap() {
                let offer = message.offer().unwrap();
                let read = |place: u64| theirs[place as usize - 1].load(Ordering::Acquire);
                let first = offer.moved();
                let got = read(first.unwrap_or(offer.address));
                break if first.is_some() { got } else { offer.moved().map_or(got, read) };
            }
            thread::yield_now();
        };
        assert_eq!(got, 7);
        receiver.pop();
        sending.join().unwrap();
    });
}
