//! Jobs of simulated ranks, for tests of this crate: each rank is a thread with its own state (see `per_rank`).

use super::engine::{Choice, Engine, Links, Pace};
use crate::node::{self, Node, Window, Windows};
use crate::transport::ivc::Ivc;
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
fn sim_node(region: JobRegion, rank: u32, network: &Arc<Network>, windows: bool) -> Node {
    let window = Window { base: std::ptr::null_mut(), len: 1 << 47, writable: true };
    let network = network.clone();
    Node {
        region,
        rank,
        windows: if windows {
            Windows::Mapped(vec![Some(window); region.layout().ranks as usize])
        } else {
            Windows::Off("simulated".into())
        },
        bell: Box::new(move |rank| network.ring(rank)),
    }
}

/// Every way that messages take: the adapter, rings with windows and without, and both in turn.
const WAYS: [(Choice, bool); 4] =
    [(Choice::Hca, true), (Choice::Auto, true), (Choice::Auto, false), (Choice::Switch(3), true)];

/// Runs `body(rank)` on `size` ranks over a network of that nature, once for every way messages can take;
/// `MPI_COMM_WORLD` exists. Panics if one of them does.
pub fn run_on(size: u32, nature: Nature, body: impl Fn(u32) + Sync) {
    WAYS.iter().for_each(|way| run_way(size, nature, *way, &body));
}

/// As [`run_on`] for one way.
pub fn run_way(size: u32, nature: Nature, (choice, windows): (Choice, bool), body: impl Fn(u32) + Sync) {
    let network = Network::new(size, nature);
    let region = SimRegion::new(size);
    std::thread::scope(|scope| {
        for rank in 0..size {
            let (network, body, region) = (network.clone(), &body, region.0);
            scope.spawn(move || {
                let _guard = EndOnPanic(&network, rank);
                node::install(Some(sim_node(region, rank, &network, windows)));
                // SAFETY: the region is given back after the ranks' threads have ended.
                let ivc = unsafe { Ivc::new(region, rank) };
                let links = Links::new(Box::new(network.channel(rank)), Some(ivc), choice);
                super::install(Some(Engine::new(rank, size, links, usize::MAX, PACE)));
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
