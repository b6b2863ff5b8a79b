//! The driver against the fake adapter: doorbells, wake-ups of the engine, interrupts.

mod fake;

use std::sync::atomic::Ordering;

use fake::pair::pair;
use unirank_hca::SendRequest;

#[test]
fn posting_and_ringing_are_two_steps() {
    let pair = pair(16, 8, 4);
    for wr_id in 0..3 {
        // SAFETY: no memory is named.
        unsafe { pair.qps[0].post(&SendRequest::nop(wr_id).signalled()) }.unwrap();
    }
    pair.fabric.run();
    assert!(pair.poll(0).is_empty(), "the adapter must not see requests before the doorbell");
    let wakes = || pair.fabric.port(0).wakes.load(Ordering::Relaxed);
    let before = wakes();
    pair.qps[0].ring();
    pair.qps[0].ring();
    assert_eq!(wakes() - before, 1, "a doorbell without new requests rings nothing");
    assert_eq!(pair.poll(0).len(), 3);
}

#[test]
fn running_engine_is_not_woken() {
    let pair = pair(16, 8, 4);
    let port = pair.fabric.port(0);
    port.control().engine_asleep().store(0, Ordering::Relaxed);
    let before = port.wakes.load(Ordering::Relaxed);
    pair.send(SendRequest::nop(1).signalled()).unwrap();
    assert_eq!(port.wakes.load(Ordering::Relaxed), before);
    port.control().engine_asleep().store(1, Ordering::Relaxed);
    pair.fabric.run();
    assert_eq!(pair.one(0).wr_id, 1);
}

#[test]
fn no_wakeup_is_lost_between_arming_and_waiting() {
    let pair = pair(64, 64, 32);
    let engine = pair.fabric.spawn();
    let port = pair.fabric.port(0);
    let mut armed = None;
    for round in 0..20_000u64 {
        pair.send(SendRequest::nop(round).signalled()).unwrap();
        loop {
            let done = pair.poll(0);
            if let [done] = done[..] {
                assert_eq!(done.wr_id, round);
                break;
            }
            // Every other round as one who does not ask again for an interrupt that is still to come.
            let consumed = Some(pair.cqs[0].consumed());
            if armed.replace(consumed) != Some(consumed) || round % 2 == 0 {
                pair.cqs[0].arm();
            }
            let done = pair.poll(0);
            if let [done] = done[..] {
                assert_eq!(done.wr_id, round);
                break;
            }
            pair.devices[0].wait_event(60_000_000_000);
            assert_eq!(port.timeouts.load(Ordering::Relaxed), 0, "lost in round {round}");
        }
    }
    drop(engine);
}

/// The engine says that it sleeps, looks once more, and sleeps; the driver rings, then looks whether it sleeps.
#[test]
fn no_doorbell_is_lost_while_the_engine_falls_asleep() {
    let pair = pair(64, 64, 32);
    let engine = pair.fabric.spawn_sleeper();
    for round in 0..10_000u64 {
        pair.send(SendRequest::nop(round).signalled()).unwrap();
        let start = std::time::Instant::now();
        while pair.poll(0).is_empty() {
            assert!(start.elapsed().as_secs() < 60, "the engine slept through doorbell {round}");
            std::thread::yield_now();
        }
    }
    drop(engine);
}

#[test]
fn each_arming_raises_one_interrupt() {
    let pair = pair(16, 16, 8);
    let interrupted = || pair.fabric.port(0).take_interrupt();
    interrupted();
    let complete = || pair.send(SendRequest::nop(0).signalled()).unwrap();
    complete();
    assert!(!interrupted(), "not armed");
    pair.poll(0);
    pair.cqs[0].arm();
    complete();
    assert!(interrupted());
    complete();
    assert!(!interrupted(), "one interrupt for one arming");
    pair.cqs[0].arm();
    complete();
    assert!(interrupted(), "armed again at the same index");
}

#[test]
fn solicited_arming_waits_for_a_solicited_message() {
    let pair = pair(16, 16, 8);
    for wr_id in 0..3 {
        pair.receive(wr_id, &[]).unwrap();
    }
    let interrupted = || pair.fabric.port(1).take_interrupt();
    interrupted();
    pair.cqs[1].arm_solicited();
    pair.send(SendRequest::send(0)).unwrap();
    assert!(!interrupted());
    pair.send(SendRequest::send(1).solicited()).unwrap();
    assert!(interrupted());
    pair.cqs[1].arm_solicited();
    let parts: [&[u8]; 1] = [b"longer than the receive"];
    pair.send(SendRequest::send(2).inline(&parts)).unwrap();
    assert!(interrupted(), "errors count as solicited");
}
