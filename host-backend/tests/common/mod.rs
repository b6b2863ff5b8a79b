//! Ranks in the test's own process: the real driver over the real engine.
#![allow(dead_code, reason = "each test file uses its part")]

use std::alloc::Layout;
use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap};
use rustix::time::Timespec;
use unirank_hca::event::Event;
use unirank_hca::platform::Platform;
use unirank_hca::platform::arena::Arena;
use unirank_hca::region::{ControlPage, REGION_LEN};
use unirank_hca::{Access, GuestAddr, Service};
use unirank_hca::{
    Completion, CompletionQueue, Device, MemoryRegion, ProtectionDomain, QpInit, QueuePair, SendRequest, Sge,
};
use unirank_host_backend::engine::soft::{PollPolicy, SoftEngine};
use unirank_host_backend::engine::{Counters, Engine, RankSetup};
use unirank_host_backend::memory::{Mapping, Space};
use unirank_host_backend::rpc::JobId;

/// No test waits longer for anything.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How a rank's memory is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RAM at the addresses above 4 GiB of a sparse memory file: guest addresses are this process's.
    Vm,
    /// A DMA arena, and this process's memory.
    Native,
}

pub fn memfd(len: u64) -> OwnedFd {
    let fd = memfd_create("test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    ftruncate(&fd, len).unwrap();
    fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW).unwrap();
    fd
}

pub fn new_eventfd() -> OwnedFd {
    eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap()
}

fn map(fd: &OwnedFd, at: usize, len: usize, offset: u64) -> NonNull<u8> {
    let flags = if at == 0 { MapFlags::SHARED } else { MapFlags::SHARED | MapFlags::FIXED_NOREPLACE };
    // SAFETY: a new mapping, at an address that is free or refused.
    let base = unsafe { mmap(at as *mut _, len, ProtFlags::READ | ProtFlags::WRITE, flags, fd, offset) };
    NonNull::new(base.expect("mapping").cast()).unwrap()
}

/// Bytes of a rank's DMA memory.
pub const DMA_LEN: usize = 64 << 20;

/// The place where the driver of a test's rank runs.
pub struct TestPlatform {
    region: NonNull<u8>,
    pub dma: NonNull<u8>,
    arena: RefCell<Arena>,
    pub wake: OwnedFd,
    irq: OwnedFd,
    native: bool,
}

// SAFETY: the region is a mapping of REGION_LEN that is never unmapped; the arena hands out disjoint zeroed ranges.
unsafe impl Platform for TestPlatform {
    fn region(&self) -> NonNull<u8> {
        self.region
    }

    fn region_len(&self) -> usize {
        REGION_LEN
    }

    fn alloc_dma(&self, layout: Layout) -> Option<NonNull<u8>> {
        let offset = self.arena.borrow_mut().alloc(layout)?;
        // SAFETY: the arena is as long as the mapping.
        unsafe {
            let at = self.dma.add(offset);
            at.write_bytes(0, layout.size());
            Some(at)
        }
    }

    unsafe fn free_dma(&self, pointer: NonNull<u8>, layout: Layout) {
        self.arena.borrow_mut().free(pointer.as_ptr() as usize - self.dma.as_ptr() as usize, layout);
    }

    fn dma_window(&self) -> (u64, u64) {
        if self.native { (self.dma.as_ptr() as u64, DMA_LEN as u64) } else { (0, 0) }
    }

    fn wake_engine(&self) {
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }

    fn wait_event(&self, timeout_ns: u64) {
        let timeout = Timespec {
            tv_sec: (timeout_ns / 1_000_000_000) as i64,
            tv_nsec: (timeout_ns % 1_000_000_000) as i64,
        };
        let _ = poll(&mut [PollFd::new(&self.irq, PollFlags::IN)], Some(&timeout));
        let _ = rustix::io::read(&self.irq, &mut [0u8; 8]);
    }

    fn now_ns(&self) -> u64 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    }
}

/// One rank with the objects most tests need.
pub struct Node {
    pub platform: Rc<TestPlatform>,
    pub counters: Arc<Counters>,
    pub dev: Device,
    pub pd: ProtectionDomain,
    pub cq: CompletionQueue,
}

/// An engine and its ranks. Nodes go before the engine: their teardown needs it.
pub struct World {
    pub nodes: Vec<Node>,
    pub engine: SoftEngine,
    pub job: JobId,
}

/// Attaches a rank and gives its platform.
pub fn attach(
    engine: &mut SoftEngine,
    job: JobId,
    rank: u32,
    size: u32,
    kind: Kind,
) -> (TestPlatform, Arc<Counters>) {
    let region = memfd(REGION_LEN as u64);
    let (wake, irq) = (new_eventfd(), new_eventfd());
    let counters = Arc::new(Counters::default());
    let (space, dma) = match kind {
        Kind::Native => {
            let fd = memfd(DMA_LEN as u64);
            let arena = Arc::new(Mapping::new(&fd, "arena").unwrap());
            let space = Space::Native { arena, base: 0, pid: Some(std::process::id() as i32) };
            (space, map(&fd, 0, DMA_LEN, 0))
        }
        Kind::Vm => {
            // Guest addresses 4 GiB and up are RAM from 3 GiB on. Each rank has a window of its own.
            static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
            let window = NEXT.fetch_add(1, Ordering::Relaxed);
            let offset = (3 << 30) + window * DMA_LEN as u64;
            let fd = memfd(offset + DMA_LEN as u64);
            let ram = Arc::new(Mapping::new(&fd, "ram").unwrap());
            let at = (4usize << 30) + window as usize * DMA_LEN;
            (Space::Vm { ram }, map(&fd, at, DMA_LEN, offset))
        }
    };
    let setup = RankSetup {
        job,
        rank,
        size,
        space,
        region: Mapping::new(&region, "region").unwrap(),
        wake: wake.try_clone().unwrap(),
        irq: irq.try_clone().unwrap(),
        counters: Arc::clone(&counters),
    };
    engine.attach(setup).unwrap();
    let platform = TestPlatform {
        region: map(&region, 0, REGION_LEN, 0),
        dma,
        arena: RefCell::new(Arena::new(DMA_LEN)),
        wake,
        irq,
        native: kind == Kind::Native,
    };
    (platform, counters)
}

impl Node {
    pub fn open((platform, counters): (TestPlatform, Arc<Counters>)) -> Self {
        let platform = Rc::new(platform);
        let dev = Device::open(platform.clone()).unwrap();
        let pd = dev.alloc_pd().unwrap();
        let cq = dev.create_cq(1024).unwrap();
        Self { platform, counters, dev, pd, cq }
    }

    pub fn qp(&self) -> QueuePair {
        self.dev.create_qp(&QpInit::new(&self.pd, &self.cq, &self.cq)).unwrap()
    }

    /// Zeroed memory that the adapter can reach, never freed.
    pub fn memory(&self, len: usize) -> &'static mut [u8] {
        let at = self.platform.alloc_dma(Layout::from_size_align(len, 64).unwrap()).expect("DMA memory");
        // SAFETY: exclusively ours, and the mapping is never unmapped.
        unsafe { std::slice::from_raw_parts_mut(at.as_ptr(), len) }
    }

    pub fn sge(&self, bytes: &[u8]) -> Sge {
        Sge::new(bytes.as_ptr(), bytes.len() as u32, self.dev.lkey())
    }

    pub fn register(&self, bytes: &[u8], access: Access) -> MemoryRegion {
        // SAFETY: test memory is never freed while its region lives.
        unsafe { self.dev.reg_mr(&self.pd, GuestAddr::of(bytes), bytes.len() as u64, access) }.unwrap()
    }

    pub fn post(&self, qp: &QueuePair, request: &SendRequest<'_>) {
        // SAFETY: test memory outlives its requests.
        unsafe { qp.post_send(request) }.unwrap();
    }

    pub fn receive(&self, qp: &QueuePair, wr_id: u64, bytes: &[u8]) {
        // SAFETY: as above.
        unsafe { qp.post_recv(wr_id, &[self.sge(bytes)]) }.unwrap();
    }

    /// The next completion of the node's queue.
    pub fn next(&self) -> Completion {
        self.next_of(&self.cq)
    }

    pub fn next_of(&self, cq: &CompletionQueue) -> Completion {
        let mut out = [Completion::EMPTY];
        let deadline = Instant::now() + PATIENCE;
        while cq.poll(&mut out).unwrap() == 0 {
            assert!(Instant::now() < deadline, "no completion on {}", cq.number());
            std::thread::sleep(std::time::Duration::from_micros(5));
        }
        out[0]
    }

    /// Whether no completion comes for a while.
    pub fn quiet(&self) -> bool {
        std::thread::sleep(Duration::from_millis(20));
        self.cq.poll(&mut [Completion::EMPTY]).unwrap() == 0
    }

    pub fn event(&self) -> Event {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(event) = self.dev.poll_event().unwrap() {
                return event;
            }
            assert!(Instant::now() < deadline, "no event at rank {}", self.dev.rank());
            std::thread::sleep(std::time::Duration::from_micros(5));
        }
    }

    pub fn control(&self) -> ControlPage {
        // SAFETY: the region stays mapped.
        unsafe { ControlPage::new(self.platform.region()) }
    }
}

impl World {
    pub fn new(size: u32, kind: Kind) -> Self {
        Self::with_policy(size, kind, PollPolicy::default())
    }

    pub fn with_policy(size: u32, kind: Kind, policy: PollPolicy) -> Self {
        let mut engine = SoftEngine::start(policy).unwrap();
        let job = JobId(1);
        let nodes = (0..size).map(|rank| Node::open(attach(&mut engine, job, rank, size, kind))).collect();
        Self { nodes, engine, job }
    }

    /// Connects a new queue pair of rank 0 with one of rank 1.
    pub fn pair(&self) -> (QueuePair, QueuePair) {
        let (a, b) = (&self.nodes[0], &self.nodes[1]);
        let (qa, qb) = (a.qp(), b.qp());
        connect(a, &qa, b, &qb, 0);
        (qa, qb)
    }
}

/// Connects two queue pairs through events, as ranks do.
pub fn connect(a: &Node, qa: &QueuePair, b: &Node, qb: &QueuePair, service: u32) {
    let service = Service(service);
    qa.connect(b.dev.rank(), service).unwrap();
    assert_eq!(b.event(), Event::ConnectRequest { peer: a.dev.rank(), service });
    qb.connect(a.dev.rank(), service).unwrap();
    assert_eq!(a.event(), Event::Connected { peer: b.dev.rank(), qpn: qa.number(), service });
    assert_eq!(b.event(), Event::Connected { peer: a.dev.rank(), qpn: qb.number(), service });
}

/// Bytes that differ from place to place.
pub fn pattern(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 255 + seed * 97) as u8).collect()
}
