//! Messages and bytes per second through the engine, one rank to another, both driven by one thread.
//!
//! `UNIRANK_ENGINE_SETTLE_US=1000 cargo bench -p unirank-host-backend --bench rate`: with the engine spinning on a
//! processor of its own this is what the engine can do.

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use common::{Kind, Node, attach};
use unirank_hca::{Access, Completion, GuestAddr, SendRequest};
use unirank_host_backend::daemon::Options;
use unirank_host_backend::engine::soft::SoftEngine;
use unirank_host_backend::rpc::JobId;

/// Messages between two looks at the completion queues.
const BATCH: u64 = 32;

fn drain(node: &Node, mut wanted: u64) {
    let mut out = [Completion::EMPTY; BATCH as usize];
    while wanted > 0 {
        let n = node.cq.poll(&mut out).expect("the queue");
        assert!(out[..n].iter().all(|completion| completion.result.is_ok()));
        wanted -= n as u64;
        std::hint::spin_loop();
    }
}

fn main() {
    let policy = Options::from_env().expect("options").policy;
    let mut engine = SoftEngine::start(policy).expect("an engine");
    let [a, b] = [0, 1].map(|rank| Node::open(attach(&mut engine, JobId(1), rank, 2, Kind::Vm)));
    let (qa, qb) = (a.qp(), b.qp());
    common::connect(&a, &qa, &b, &qb, 0);
    let room = b.memory(64);
    let rounds = 20_000;
    let start = Instant::now();
    for _ in 0..rounds {
        for i in 0..BATCH {
            b.receive(&qb, i, room);
        }
        for i in 0..BATCH {
            let request = SendRequest::send(i).inline(&[b"8 bytes."]);
            let request = if i == BATCH - 1 { request.signalled() } else { request };
            // SAFETY: only inline data.
            unsafe { qa.post(&request) }.expect("room");
        }
        qa.ring();
        drain(&b, BATCH);
        drain(&a, 1);
    }
    let ns = start.elapsed().as_nanos() as f64 / (rounds * BATCH) as f64;
    println!("8-byte sends in batches of {BATCH}: {ns:.0} ns each");
    for len in [4096usize, 65536, 1 << 20, 16 << 20] {
        let (here, there) = (a.memory(len), b.memory(len));
        let region = b.register(there, Access::ALL);
        let rounds = ((256 << 20) / len).clamp(8, 20_000);
        let start = Instant::now();
        for _ in 0..rounds {
            let sges = [a.sge(here)];
            let read = SendRequest::read(1, GuestAddr::of(&*there), region.rkey()).sges(&sges).signalled();
            a.post(&qa, &read);
            drain(&a, 1);
        }
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "reads of {len} bytes: {:.2} us each, {:.2} GB/s",
            seconds * 1e6 / rounds as f64,
            (rounds * len) as f64 / seconds / 1e9
        );
    }
}
