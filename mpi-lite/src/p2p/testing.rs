//! Jobs of simulated ranks, for tests of this crate: each rank is a thread with its own state (see `per_rank`).

use super::engine::{Engine, Pace};
use crate::transport::sim::{Nature, Network};
use std::time::Instant;

/// Spins briefly, by the system's clock.
pub const PACE: Pace = Pace { spin_ns: 20_000, now_ns };

fn now_ns() -> u64 {
    std::thread_local! { static START: Instant = Instant::now(); }
    START.with(|start| start.elapsed().as_nanos() as u64)
}

/// Ends its rank for the others when its thread panics, so that they do not wait for it.
struct EndOnPanic<'a>(&'a Network, u32);

impl Drop for EndOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.end(self.1);
        }
    }
}

/// Runs `body(rank)` on `size` ranks over a network of that nature; `MPI_COMM_WORLD` exists. Panics if one of them does.
pub fn run_on(size: u32, nature: Nature, body: impl Fn(u32) + Sync) {
    let network = Network::new(size, nature);
    std::thread::scope(|scope| {
        for rank in 0..size {
            let (network, body) = (network.clone(), &body);
            scope.spawn(move || {
                let _guard = EndOnPanic(&network, rank);
                let engine = Engine::new(rank, size, Box::new(network.channel(rank)), usize::MAX, PACE);
                super::install(Some(engine));
                crate::init::begin(rank, size);
                body(rank);
                crate::init::leave().expect("finalize");
                crate::comm::shutdown();
                super::install(None);
            });
        }
    });
}

/// As [`run_on`] on the usual network.
pub fn run(size: u32, body: impl Fn(u32) + Sync) {
    run_on(size, Nature { seed: u64::from(size), ..Nature::default() }, body);
}
