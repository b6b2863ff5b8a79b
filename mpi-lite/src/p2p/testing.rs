//! Jobs of simulated ranks, for tests of this crate: each rank is a thread with its own state (see `per_rank`).

use super::engine::{Engine, Pace};
use crate::node::{self, Node, Window, Windows};
use crate::transport::sim::{Nature, Network};
use std::alloc::{Layout as Block, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Instant;
use unirank_ivc::{JobRegion, Layout};

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

/// A job region in memory of this process.
pub struct SimRegion(pub JobRegion);

impl SimRegion {
    fn block(region: &JobRegion) -> Block {
        Block::from_size_align(region.layout().len as usize, 4096).expect("a size")
    }

    /// An empty one.
    pub fn new(ranks: u32) -> Self {
        let layout = Layout::new(1, ranks, 0, 16 << 20);
        let block = Block::from_size_align(layout.len as usize, 4096).expect("a size");
        // SAFETY: the size is not zero; the block is zeroed and ours alone until it is dropped.
        Self(unsafe { JobRegion::format(NonNull::new(alloc_zeroed(block)).expect("memory"), layout) })
    }
}

impl Drop for SimRegion {
    fn drop(&mut self) {
        let start = self.0.bytes(4096, 0).expect("behind the header").as_ptr().wrapping_sub(4096);
        // SAFETY: allocated in `new` with this layout; the ranks' threads have ended.
        unsafe { dealloc(start, Self::block(&self.0)) }
    }
}

/// The node of a simulated rank: the memory of the others is its own, at the same addresses.
fn sim_node(region: JobRegion, rank: u32, network: &Arc<Network>) -> Node {
    let window = Window { base: std::ptr::null_mut(), len: 1 << 47, writable: true };
    let network = network.clone();
    Node {
        region,
        rank,
        windows: Windows::Mapped(vec![Some(window); region.layout().ranks as usize]),
        bell: Box::new(move |rank| network.ring(rank)),
    }
}

/// Runs `body(rank)` on `size` ranks over a network of that nature; `MPI_COMM_WORLD` exists. Panics if one of them does.
pub fn run_on(size: u32, nature: Nature, body: impl Fn(u32) + Sync) {
    let network = Network::new(size, nature);
    let region = SimRegion::new(size);
    std::thread::scope(|scope| {
        for rank in 0..size {
            let (network, body, region) = (network.clone(), &body, region.0);
            scope.spawn(move || {
                let _guard = EndOnPanic(&network, rank);
                let engine = Engine::new(rank, size, Box::new(network.channel(rank)), usize::MAX, PACE);
                super::install(Some(engine));
                node::install(Some(sim_node(region, rank, &network)));
                crate::init::begin(rank, size);
                body(rank);
                crate::init::leave().expect("finalize");
                crate::comm::shutdown();
                super::install(None);
                node::install(None);
            });
        }
    });
}

/// As [`run_on`] on the usual network.
pub fn run(size: u32, body: impl Fn(u32) + Sync) {
    run_on(size, Nature { seed: u64::from(size), ..Nature::default() }, body);
}
