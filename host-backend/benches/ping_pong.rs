//! Half round trips of small messages between two spinning ranks, with the engine beside them.
//!
//! `cargo bench -p unirank-host-backend --bench ping_pong`; `UNIRANK_ENGINE_*` sets the engine's policy, `ROUNDS`,
//! `BYTES` and `PIN=0|1` (each rank on a processor of its own, on by default) the rest. Prints microseconds.

#[path = "../tests/common/mod.rs"]
mod common;

use std::sync::Barrier;
use std::time::Instant;

use common::{Kind, Node, attach};
use unirank_hca::{Completion, CompletionQueue, Event, Rank, SendRequest, Service};
use unirank_host_backend::daemon::Options;
use unirank_host_backend::engine::soft::SoftEngine;
use unirank_host_backend::rpc::JobId;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn pin(cpu: usize) {
    let mut set = rustix::thread::CpuSet::new();
    set.set(cpu);
    if let Err(e) = rustix::thread::sched_setaffinity(None, &set) {
        println!("not pinned to {cpu}: {e}");
    }
}

/// Spins until a completion comes; counts the looks, as a measure of the processor time it gets.
fn spin(cq: &CompletionQueue, looks: &mut u64) -> Completion {
    let mut out = [Completion::EMPTY];
    while cq.poll(&mut out).expect("the queue") == 0 {
        *looks += 1;
        std::hint::spin_loop();
    }
    out[0]
}

fn main() {
    let (rounds, bytes) = (number("ROUNDS", 20_000), number("BYTES", 8) as usize);
    let policy = Options::from_env().expect("options").policy;
    let mut engine = SoftEngine::start(policy).expect("an engine");
    let ranks: Vec<_> =
        (0..2).map(|rank| SendBox(attach(&mut engine, JobId(1), rank, 2, Kind::Vm))).collect();
    let barrier = Barrier::new(2);
    std::thread::scope(|scope| {
        for (me, rank) in ranks.into_iter().enumerate() {
            let barrier = &barrier;
            scope.spawn(move || {
                let rank = rank;
                if number("PIN", 1) == 1 {
                    pin(me);
                }
                let node = Node::open(rank.0);
                play(&node, me, rounds, bytes, barrier);
            });
        }
    });
}

struct SendBox<T>(T);

// SAFETY: moved to its thread once, before it is used.
unsafe impl<T> Send for SendBox<T> {}

fn play(node: &Node, me: usize, rounds: u64, bytes: usize, barrier: &Barrier) {
    let qp = node.qp();
    qp.connect(Rank(1 - me as u32), Service(0)).expect("a connection");
    while !matches!(node.event(), Event::Connected { .. }) {}
    let (room, data) = (node.memory(bytes.max(8)), node.memory(bytes.max(8)));
    let mut looks = 0;
    let sges = [node.sge(&data[..bytes])];
    let parts: [&[u8]; 1] = [&data[..bytes]];
    let request = SendRequest::send(1);
    let request = if bytes <= 220 { request.inline(&parts) } else { request.sges(&sges) };
    let mut times = Vec::with_capacity(rounds as usize);
    for _ in 0..16 {
        node.receive(&qp, 0, room);
    }
    barrier.wait();
    let start = Instant::now();
    let before = node.counters.read();
    for round in 0..rounds {
        let begin = Instant::now();
        // One signalled request now and then retires the others.
        let request = if round % 32 == 31 { request.signalled() } else { request };
        if me == 0 {
            node.post(&qp, &request);
        }
        while !spin(&node.cq, &mut looks).is_receive() {}
        node.receive(&qp, 0, room);
        if me == 1 {
            node.post(&qp, &request);
        }
        times.push(begin.elapsed().as_nanos() as u64);
    }
    let elapsed = start.elapsed();
    let after = node.counters.read();
    times.sort_unstable();
    let half = |of: f64| times[(of * (rounds - 1) as f64) as usize] as f64 / 2000.0;
    println!(
        "rank {me}: {bytes} bytes: half round trip us: mean {:.2} p10 {:.2} median {:.2} p90 {:.2} p99 {:.2} max {:.0}; \
         looks/us {:.1}; wakeups {} interrupts {}",
        elapsed.as_nanos() as f64 / 2000.0 / rounds as f64,
        half(0.1),
        half(0.5),
        half(0.9),
        half(0.99),
        half(1.0),
        looks as f64 / elapsed.as_micros() as f64,
        after.wakeups - before.wakeups,
        after.interrupts - before.interrupts,
    );
    barrier.wait();
}
