//! loom tries every order of the members' accesses, as the memory model allows them.
//! `RUSTFLAGS="--cfg loom" cargo test -p unirank-ivc --release proofs`

use super::*;
use loom::cell::UnsafeCell;
use loom::thread;
use std::boxed::Box;
use std::vec::Vec;

fn zero() -> AtomicU64 {
    AtomicU64::new(0)
}

fn control() -> Control {
    let line = || Line { stamp: zero(), words: core::array::from_fn(|_| zero()) };
    Control { lines: core::array::from_fn(|_| line()), status: Status { finished: zero(), wants: zero() } }
}

/// What the members share. Leaked: loom runs the model many times in one process, with little each time.
#[derive(Clone, Copy)]
struct Shared {
    head: &'static Head,
    controls: &'static [Control],
    /// Plain memory: slices of member 0.
    slices: &'static [UnsafeCell<u64>],
}

// SAFETY: the cells are what the protocol guards; loom notices when it does not.
unsafe impl Send for Shared {}

impl Shared {
    fn new(members: usize) -> Self {
        let controls: Vec<Control> = (0..members).map(|_| control()).collect();
        let slices: Vec<_> = (0..SLICES).map(|_| UnsafeCell::new(0)).collect();
        let head = Box::leak(Box::new(Head { waiting: Word(zero()), left: Word(zero()) }));
        Shared { head, controls: controls.leak(), slices: slices.leak() }
    }

    fn seat(&self, me: usize) -> Seat<'static> {
        Seat::new(self.head, self.controls, me)
    }
}

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    // Every order with so many involuntary switches; more takes hours.
    builder.preemption_bound = Some(3);
    builder.check(model);
}

fn until(mut ready: impl FnMut() -> bool) {
    while !ready() {
        thread::yield_now();
    }
}

fn found(seat: &Seat<'_>, member: usize, phase: u64) -> bool {
    seat.look(member, phase).expect("no garbage").is_some()
}

/// Each gets what the other has published in that phase, also when lines are used again.
fn exchange(seat: &Seat<'_>, phases: u64) {
    let (me, other) = (seat.me(), 1 - seat.me());
    for _ in 0..phases {
        let phase = seat.begin();
        assert!(seat.settled(seat.before(phase)), "after an exchange there is always room");
        seat.publish(phase, 9, &[100 * phase + me as u64]);
        until(|| found(seat, other, phase));
        seat.met(phase);
        let mut words = [0];
        seat.read(other, phase, &mut words);
        assert_eq!(words[0], 100 * phase + other as u64);
        seat.finish(phase);
    }
}

#[test]
fn members_exchange_lines() {
    check(|| {
        let shared = Shared::new(2);
        let other = thread::spawn(move || exchange(&shared.seat(1), SLOTS as u64 + 2));
        exchange(&shared.seat(0), SLOTS as u64 + 2);
        other.join().unwrap();
    });
}

/// Member 0 writes a slice and publishes its line, without an answer.
fn give(shared: &Shared, phases: u64) {
    let seat = shared.seat(0);
    for _ in 0..phases {
        let phase = seat.begin();
        until(|| seat.settled(phase.saturating_sub(SLICES as u64)));
        // SAFETY: loom checks that nobody else uses it now.
        shared.slices[phase as usize % SLICES].with_mut(|slice| unsafe { *slice = phase });
        seat.publish(phase, 0, &[phase]);
        seat.finish(phase);
    }
}

/// The other members read, one after the other: all in one thread, as loom lets threads that wait wait for ever.
fn take(shared: &Shared, members: &[usize], phases: u64) {
    let seats: Vec<_> = members.iter().map(|me| shared.seat(*me)).collect();
    for _ in 0..phases {
        for seat in &seats {
            let phase = seat.begin();
            until(|| found(seat, 0, phase));
            // SAFETY: loom checks that nobody writes it now.
            let value = shared.slices[phase as usize % SLICES].with(|slice| unsafe { *slice });
            assert_eq!(value, phase);
            seat.finish(phase);
        }
    }
}

#[test]
fn slices_are_not_written_while_they_are_read() {
    for members in [&[1][..], &[1, 2], &[2, 1]] {
        check(move || {
            let shared = Shared::new(members.len() + 1);
            let others = thread::spawn(move || take(&shared, members, 4));
            give(&shared, 4);
            others.join().unwrap();
        });
    }
}
