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
pub const PACE: Pace = Pace { spin_ns: 20_000, crowded: false, make_way: None, now_ns };

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
            // Else the thread's state goes after the job's memory, which its communicators use.
            crate::comm::shutdown();
            super::install(None);
            node::install(None);
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
        Self::with_heap(ranks, 16 << 20)
    }

    /// One with so many bytes of heap beside what rings need.
    pub fn with_heap(ranks: u32, shared: u64) -> Self {
        Self::of(Layout::new(1, ranks, 0, shared))
    }

    /// One of that layout.
    pub fn of(layout: Layout) -> Self {
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

/// A job of simulated ranks.
#[derive(Clone)]
pub struct Job {
    /// How many ranks are on each host. Hosts have a job region each.
    pub hosts: Vec<u32>,
    /// The network.
    pub nature: Nature,
    /// The way that messages take. Between hosts it is the network.
    pub choice: Choice,
    /// Ranks of a host reach each other's memory.
    pub windows: bool,
    /// Bytes of heap of a job region beside what rings need.
    pub shared: u64,
    /// Bytes of trace records of each rank.
    pub trace: u64,
}

impl Job {
    /// Ranks on one host.
    pub fn of(size: u32) -> Self {
        let nature = Nature { seed: u64::from(size), ..Nature::default() };
        Self { hosts: vec![size], nature, choice: Choice::Auto, windows: true, shared: 16 << 20, trace: 0 }
    }

    /// The node of a rank: the memory of the others is its own, at the same addresses.
    fn node(&self, region: JobRegion, number: u32, first: u32, network: &Arc<Network>) -> Node {
        let window = Window { base: std::ptr::null_mut(), len: 1 << 47, is_file: false, writable: true };
        let network = network.clone();
        let windows = match self.windows {
            true => Windows::Mapped(vec![Some(window); region.layout().ranks as usize]),
            false => Windows::Off("simulated".into()),
        };
        let own = network.clone();
        Node {
            region,
            rank: number,
            windows,
            bell: Box::new(move |number| network.ring(first + number)),
            own_bell: Some(Box::new(move || own.ring(first + number))),
        }
    }

    /// Runs `body(rank)` on all ranks; `MPI_COMM_WORLD` exists. Panics if one of them does.
    pub fn run(&self, body: impl Fn(u32) + Sync) {
        let size = self.hosts.iter().sum();
        let network = Network::new(size, self.nature);
        let regions: Vec<SimRegion> = self
            .hosts
            .iter()
            .map(|ranks| SimRegion::of(Layout::new(1, *ranks, self.trace, self.shared)))
            .collect();
        std::thread::scope(|scope| {
            let mut first = 0;
            for (ranks, region) in self.hosts.iter().zip(&regions) {
                for number in 0..*ranks {
                    let (network, body, region, rank) = (network.clone(), &body, region.0, first + number);
                    scope.spawn(move || {
                        let _guard = EndOnPanic(&network, rank);
                        node::place(first);
                        node::install(Some(self.node(region, number, first, &network)));
                        // Rings know ranks by their number in the region.
                        // SAFETY: the region is given back after the ranks' threads have ended.
                        let ivc = (self.hosts.len() == 1).then(|| unsafe { Ivc::new(region, rank) });
                        let links = Links::new(Box::new(network.channel(rank)), ivc, self.choice);
                        super::install(Some(Engine::new(rank, size, links, usize::MAX, PACE)));
                        crate::init::begin(rank, size);
                        body(rank);
                        crate::init::leave().expect("finalize");
                        crate::comm::shutdown();
                        super::install(None);
                        node::install(None);
                    });
                }
                first += ranks;
            }
        });
    }
}

/// Every way that messages take: the adapter, rings with windows and without, and both in turn.
const WAYS: [(Choice, bool); 4] =
    [(Choice::Hca, true), (Choice::Auto, true), (Choice::Auto, false), (Choice::Switch(3), true)];

/// Runs `body(rank)` on `size` ranks over a network of that nature, once for every way messages can take;
/// `MPI_COMM_WORLD` exists. Panics if one of them does.
pub fn run_on(size: u32, nature: Nature, body: impl Fn(u32) + Sync) {
    for (choice, windows) in WAYS {
        Job { nature, choice, windows, ..Job::of(size) }.run(&body);
    }
}

/// As [`run_on`] on the usual network.
pub fn run(size: u32, body: impl Fn(u32) + Sync) {
    run_on(size, Nature { seed: u64::from(size), ..Nature::default() }, body);
}
