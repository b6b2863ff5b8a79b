//! What goes in comes out, in order and whole; garbage is noticed.

use super::*;
use std::boxed::Box;
use std::vec;
use std::vec::Vec;

/// Parts of a ring in memory that is never given back.
fn parts(slots: usize, payload: usize) -> Ring<'static> {
    let zero = |n: usize| -> &'static mut [u64] { Box::leak(vec![0u64; n + 8].into_boxed_slice()) };
    let line = |words: &'static mut [u64]| {
        let at = words.as_mut_ptr().cast::<u8>();
        at.wrapping_add(at.align_offset(64))
    };
    let control = line(zero(32));
    let slots_at = line(zero(8 * slots));
    let bytes = line(zero(payload / 8));
    // SAFETY: zeroed memory of that size and alignment, leaked.
    unsafe {
        let slots = core::slice::from_raw_parts(slots_at.cast::<Slot>(), slots);
        Ring::new(&*control.cast::<Control>(), slots, Payload::new(bytes, payload))
    }
}

fn head(n: u64) -> Head {
    Head { kind: n as u8, flags: (n >> 8) as u8, words: [n, !n] }
}

fn data(n: u64, len: usize) -> Vec<u8> {
    (0..len).map(|i| (n as usize * 31 + i * 7) as u8).collect()
}

fn put(sender: &mut Sender<'_>, n: u64, len: usize) -> bool {
    let bytes = data(n, len);
    if len <= INLINE {
        return sender.send(head(n), &bytes);
    }
    // SAFETY: the ring gives room for `len` bytes.
    sender.send_long(head(n), len, |to| unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), len) })
}

fn get(receiver: &mut Receiver<'_>) -> Option<(Head, Vec<u8>)> {
    let got = receiver.peek().expect("no garbage").map(|message| {
        // SAFETY: the message has `len` bytes.
        let copy = |at: *const u8| unsafe { core::slice::from_raw_parts(at, message.len).to_vec() };
        (message.head, message.with_data(copy))
    })?;
    receiver.pop();
    Some(got)
}

#[test]
fn messages_of_all_lengths_come_out_whole_and_in_order() {
    let ring = parts(8, 1024);
    let (mut sender, mut receiver) = (Sender::new(ring.clone()), Receiver::new(ring));
    let lengths = [0, 1, 7, 8, 9, 39, 40, 41, 63, 64, 65, 100, 255, 256];
    let (mut sent, mut received) = (0u64, 0u64);
    let mut state = 1u64;
    while received < 20_000 {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        if state >> 63 == 0 {
            let len = lengths[sent as usize % lengths.len()];
            sent += u64::from(put(&mut sender, sent, len));
        } else if let Some((found, bytes)) = get(&mut receiver) {
            assert_eq!(
                (found, bytes),
                (head(received), data(received, lengths[received as usize % lengths.len()]))
            );
            received += 1;
        }
    }
}

#[test]
fn a_full_ring_says_so_and_empties() {
    let ring = parts(8, 1024);
    let (mut sender, mut receiver) = (Sender::new(ring.clone()), Receiver::new(ring));
    assert_eq!((0..20).filter(|&n| put(&mut sender, n, 8)).count(), 8);
    (0..8).for_each(|n| assert_eq!(get(&mut receiver), Some((head(n), data(n, 8)))));
    assert_eq!((0..20).filter(|&n| put(&mut sender, n, 256)).count(), 4);
    assert_eq!(get(&mut receiver).map(|(found, _)| found), Some(head(0)));
    assert!(put(&mut sender, 9, 256), "a quarter is free again");
}

#[test]
fn two_threads_agree() {
    let ring = parts(128, 32 << 10);
    let other = ring.clone();
    struct Whole(Ring<'static>);
    // SAFETY: the ring's memory is leaked, and its two ends are used by one thread each.
    unsafe impl Send for Whole {}
    let (ring, other) = (Whole(ring), Whole(other));
    let len = |n: u64| [8, 40, 41, 1000, 8000][(n % 5) as usize];
    const COUNT: u64 = 20_000;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let ring = ring;
            let mut sender = Sender::new(ring.0);
            for n in 0..COUNT {
                while !put(&mut sender, n, len(n)) {
                    std::thread::yield_now();
                }
            }
        });
        scope.spawn(move || {
            let other = other;
            let mut receiver = Receiver::new(other.0);
            for n in 0..COUNT {
                let (found, bytes) = loop {
                    match get(&mut receiver) {
                        Some(got) => break got,
                        None => std::thread::yield_now(),
                    }
                };
                assert!(found == head(n) && bytes == data(n, len(n)), "message {n}");
            }
        });
    });
}

#[test]
fn credit_adds_up() {
    let ring = parts(8, 1024);
    let (sender, mut receiver) = (Sender::new(ring.clone()), Receiver::new(ring));
    receiver.give_credit(5);
    receiver.give_credit(u32::MAX);
    assert_eq!(sender.credit(), 5 + u64::from(u32::MAX));
}

#[test]
fn garbage_is_noticed_and_stays_inside() {
    let mut state = 7u64;
    let mut random = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state >> 20 ^ state << 30
    };
    let (mut garbage, mut messages) = (0, 0);
    for _ in 0..20_000 {
        let ring = parts_once();
        let mut receiver = Receiver::new(ring.clone());
        for slot in ring.slots {
            slot.words.iter().for_each(|word| word.store(random() >> (random() % 64), Ordering::Relaxed));
        }
        let mark = [0, 8, 40, 41, 100, IN_PAYLOAD, IN_PAYLOAD, IN_PAYLOAD][(random() % 8) as usize];
        ring.slots[0].words[0].store(1 | mark << 48, Ordering::Relaxed);
        match receiver.peek() {
            // `with_data` panics if anything lies outside.
            Ok(Some(message)) => {
                message.with_data(|at| assert!(!at.is_null()));
                messages += 1;
            }
            Ok(None) => panic!("the stamp is right"),
            Err(Garbage) => garbage += 1,
        }
    }
    assert!(garbage > 1000 && messages > 1000, "{garbage} {messages}");
}

#[test]
fn offers_are_taken_in_order_and_moved_until_then() {
    let ring = parts(8, 1024);
    let (mut sender, mut receiver) = (Sender::new(ring.clone()), Receiver::new(ring));
    assert!(put(&mut sender, 0, 8));
    let offer = sender.offer(head(1), 0x1234, 100).unwrap();
    sender.move_offer(offer, 0x5678);
    assert_eq!(get(&mut receiver).map(|(found, _)| found), Some(head(0)));
    assert!(!sender.is_taken(offer));
    let message = receiver.peek().unwrap().unwrap();
    let found = message.offer().map(|offer| (offer.address, offer.moved()));
    assert_eq!((found, message.len, message.head), (Some((0x1234, Some(0x5678))), 100, head(1)));
    receiver.pop();
    assert!(sender.is_taken(offer));
    let next = sender.offer(head(2), 0x1000, 1).unwrap();
    assert_eq!(receiver.peek().unwrap().unwrap().offer().unwrap().moved(), None);
    assert!(!sender.is_taken(next));
}

/// The same parts each time, for tests that only look.
fn parts_once() -> Ring<'static> {
    std::thread_local! { static RING: Ring<'static> = parts(8, 1024); }
    RING.with(Clone::clone)
}

#[test]
fn a_senders_view_survives_nonsense_of_the_receiver() {
    let ring = parts(8, 1024);
    let mut sender = Sender::new(ring.clone());
    for nonsense in [u64::MAX, 1 << 40, 9] {
        ring.control.progress.slots.store(nonsense, Ordering::Relaxed);
        ring.control.progress.payload.store(nonsense, Ordering::Relaxed);
        (0..20).for_each(|n| _ = put(&mut sender, n, 200));
        assert!(sender.next <= 8 + 9 && sender.taken <= sender.next);
    }
}
