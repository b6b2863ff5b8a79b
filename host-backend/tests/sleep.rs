//! Sleep and wake-up on both sides: the engine's flag, the ranks' armed queues.

mod common;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use common::{Kind, Node, World};
use unirank_hca::command::{Opcode, Status};
use unirank_hca::platform::Platform;
use unirank_hca::{Completion, Error, Rank, SendRequest};
use unirank_host_backend::engine::soft::PollPolicy;

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + common::PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn asleep(node: &Node) -> bool {
    node.control().engine_asleep().load(Ordering::SeqCst) == 1
}

#[test]
fn an_idle_engine_sleeps_and_a_doorbell_wakes_it() {
    let world = World::new(2, Kind::Vm);
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    let (qa, qb) = world.pair();
    for round in 0..20 {
        until("the engine does not sleep", || asleep(a) && asleep(b));
        let before = a.counters.read();
        let room = b.memory(8);
        b.receive(&qb, round, room);
        a.post(&qa, &SendRequest::send(round).inline(&[b"wake"]).signalled());
        assert_eq!((b.next().wr_id, a.next().wr_id), (round, round));
        let after = a.counters.read();
        assert!(after.wakeups > before.wakeups, "the message came without a wake-up");
    }
}

#[test]
fn a_rank_wakes_another_through_the_engine() {
    let world = World::new(2, Kind::Vm);
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    for round in 1..=20 {
        let before = b.counters.read().interrupts;
        a.dev.wake_rank(b.dev.rank()).unwrap();
        assert_eq!(b.counters.read().interrupts, before + 1);
        if round % 2 == 0 {
            // Ends at once: the interrupt came before.
            b.platform.wait_event(u64::MAX / 2);
        }
    }
    let refusal = |status| Err(Error::Refused { opcode: Opcode::WakeRank, status });
    assert_eq!(a.dev.wake_rank(Rank(2)), refusal(Status::Invalid));
    assert_eq!(a.dev.wake_rank(Rank(u32::MAX)), refusal(Status::Invalid));
}

#[test]
fn an_awake_engine_needs_no_wake_ups() {
    // It lingers for longer than the test takes.
    let policy = PollPolicy { linger: Duration::from_secs(3600), ..PollPolicy::default() };
    let world = World::with_policy(2, Kind::Vm, policy);
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    let (qa, qb) = world.pair();
    let room = b.memory(8);
    let exchange = |round| {
        b.receive(&qb, round, room);
        a.post(&qa, &SendRequest::send(round).inline(&[b"spin"]).signalled());
        assert_eq!((b.next().wr_id, a.next().wr_id), (round, round));
    };
    // Once it is through, the interrupts of connecting have been counted.
    exchange(0);
    let before = a.counters.read();
    (1..=500).for_each(exchange);
    let after = a.counters.read();
    assert_eq!(after.messages - before.messages, 500);
    assert_eq!((after.wakeups, after.interrupts), (before.wakeups, before.interrupts));
}

#[test]
fn an_armed_queue_interrupts_once() {
    let world = World::new(2, Kind::Vm);
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    let (qa, qb) = world.pair();
    let room = b.memory(8);
    for round in 0..20 {
        b.receive(&qb, 2 * round, room);
        b.receive(&qb, 2 * round + 1, room);
        let before = b.counters.read().interrupts;
        b.cq.arm();
        assert_eq!(b.cq.poll(&mut [Completion::EMPTY]).unwrap(), 0);
        a.post(&qa, &SendRequest::send(0).inline(&[b"one"]));
        let start = Instant::now();
        b.dev.wait_event(10_000_000_000);
        assert!(start.elapsed() < Duration::from_secs(9), "the interrupt did not come");
        assert_eq!(b.next().wr_id, 2 * round);
        a.post(&qa, &SendRequest::send(0).inline(&[b"two"]).signalled());
        assert_eq!(b.next().wr_id, 2 * round + 1);
        assert!(a.next().result.is_ok());
        assert_eq!(b.counters.read().interrupts, before + 1, "one arming, one interrupt");
    }
}

/// Interrupts of a node so far. One that a command of the set-up has raised is counted after its answer is there.
fn settled_interrupts(node: &Node) -> u64 {
    let mut count = node.counters.read().interrupts;
    loop {
        std::thread::sleep(Duration::from_millis(20));
        match node.counters.read().interrupts {
            same if same == count => return count,
            other => count = other,
        }
    }
}

#[test]
fn armed_for_solicited_only() {
    let world = World::new(2, Kind::Vm);
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    let (qa, qb) = world.pair();
    let room = b.memory(8);
    b.receive(&qb, 1, room);
    b.receive(&qb, 2, room);
    let before = settled_interrupts(b);
    b.cq.arm_solicited();
    a.post(&qa, &SendRequest::send(0).inline(&[b"plain"]).signalled());
    assert_eq!(b.next().wr_id, 1);
    assert!(a.next().result.is_ok());
    assert_eq!(b.counters.read().interrupts, before);
    a.post(&qa, &SendRequest::send(0).inline(&[b"urgent"]).solicited().signalled());
    assert_eq!(b.next().wr_id, 2);
    until("no interrupt", || b.counters.read().interrupts == before + 1);
}

#[test]
fn arming_a_queue_that_has_something_interrupts_at_once() {
    let world = World::new(2, Kind::Vm);
    let (a, b) = (&world.nodes[0], &world.nodes[1]);
    let (qa, qb) = world.pair();
    let room = b.memory(8);
    b.receive(&qb, 1, room);
    a.post(&qa, &SendRequest::send(0).inline(&[b"early"]).signalled());
    assert!(a.next().result.is_ok());
    // The receive's completion is there, not yet taken; the engine is awake or its flag says so.
    b.cq.arm();
    if asleep(b) {
        use unirank_hca::Platform as _;
        b.platform.wake_engine();
    }
    let start = Instant::now();
    b.dev.wait_event(10_000_000_000);
    assert!(start.elapsed() < Duration::from_secs(9), "the interrupt did not come");
    assert_eq!(b.next().wr_id, 1);
}
