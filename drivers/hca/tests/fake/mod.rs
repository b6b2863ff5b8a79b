//! A fake adapter: executes the rings of several ranks of this process, so that the driver runs without a host backend.
//!
//! The engine says that it sleeps all the time, so every doorbell and command reaches [`FakePlatform::wake_engine`], which
//! runs the engine to its end: tests are deterministic. [`Fabric::hold`] delays the data path until [`Fabric::release`].
//! [`Fabric::spawn`] runs it in a thread instead, which never sleeps, [`Fabric::spawn_sleeper`] in one which sleeps
//! whenever it finds nothing to do.
#![allow(dead_code, reason = "each test program uses a part")]

mod engine;
pub mod pair;

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use unirank_hca::region::{ControlPage, REGION_LEN};
use unirank_hca::{Device, Limits, Platform};

pub use engine::Engine;

/// The fake host of a job.
#[derive(Clone)]
pub struct Fabric {
    engine: Arc<Mutex<Engine>>,
    ports: Arc<Vec<Port>>,
    /// A thread runs the engine.
    threaded: Arc<AtomicBool>,
    stopping: Arc<AtomicBool>,
}

/// What a rank and the engine share.
pub struct Port {
    region: NonNull<u8>,
    interrupt: Mutex<bool>,
    raised: Condvar,
    pub wakes: AtomicUsize,
    /// Waits that ended without an interrupt.
    pub timeouts: AtomicUsize,
    /// Live DMA allocations.
    pub dma: AtomicUsize,
    /// The engine does not look at commands.
    pub deaf: AtomicBool,
    woken: AtomicBool,
    /// Added to the clock by each wait, so that long time-outs take no time.
    skipped_ns: AtomicU64,
}

// SAFETY: the region is used through atomics by both sides.
unsafe impl Send for Port {}
// SAFETY: as above.
unsafe impl Sync for Port {}

impl Port {
    pub fn control(&self) -> ControlPage {
        // SAFETY: allocated in `Fabric::new`, page-aligned, REGION_LEN long, freed with the port.
        unsafe { ControlPage::new(self.region) }
    }

    /// Whether the interrupt came since the last call or wait.
    pub fn take_interrupt(&self) -> bool {
        std::mem::take(&mut *self.interrupt.lock().unwrap())
    }

    pub fn raise(&self) {
        *self.interrupt.lock().unwrap() = true;
        self.raised.notify_all();
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        // SAFETY: allocated in `Fabric::new` with this layout; platforms keep the port alive.
        unsafe { dealloc(self.region.as_ptr(), region_layout()) }
    }
}

fn region_layout() -> Layout {
    Layout::from_size_align(REGION_LEN, 4096).unwrap()
}

impl Fabric {
    pub fn new(ranks: u32) -> Fabric {
        Fabric::with_limits(ranks, Limits::DEFAULT)
    }

    pub fn with_limits(ranks: u32, limits: Limits) -> Fabric {
        let ports: Vec<Port> = (0..ranks)
            .map(|rank| {
                // SAFETY: the layout is not empty.
                let region = NonNull::new(unsafe { alloc_zeroed(region_layout()) }).unwrap();
                let port = Port {
                    region,
                    interrupt: Mutex::new(false),
                    raised: Condvar::new(),
                    wakes: 0.into(),
                    timeouts: 0.into(),
                    dma: 0.into(),
                    deaf: false.into(),
                    woken: false.into(),
                    skipped_ns: 0.into(),
                };
                port.control().publish(rank, ranks, 1, 0, &limits);
                port.control().engine_asleep().store(1, Ordering::Relaxed);
                port
            })
            .collect();
        let ports = Arc::new(ports);
        Fabric {
            engine: Arc::new(Mutex::new(Engine::new(ports.clone(), limits))),
            ports,
            threaded: Arc::default(),
            stopping: Arc::default(),
        }
    }

    pub fn port(&self, rank: usize) -> &Port {
        &self.ports[rank]
    }

    pub fn platform(&self, rank: usize) -> Rc<FakePlatform> {
        Rc::new(FakePlatform { fabric: self.clone(), rank, start: Instant::now() })
    }

    pub fn open(&self, rank: usize) -> Device {
        Device::open(self.platform(rank)).unwrap()
    }

    /// Stops the data path.
    pub fn hold(&self) {
        self.engine.lock().unwrap().held = true;
    }

    /// Lets the data path go on, and runs it.
    pub fn release(&self) {
        let mut engine = self.engine.lock().unwrap();
        engine.held = false;
        engine.run();
    }

    pub fn run(&self) {
        self.engine.lock().unwrap().run();
    }

    pub fn with<T>(&self, with: impl FnOnce(&mut Engine) -> T) -> T {
        with(&mut self.engine.lock().unwrap())
    }

    /// Runs the engine in a thread until the guard is dropped; no rank wakes it any more.
    pub fn spawn(&self) -> Spinning {
        self.tell_asleep(0);
        self.spawn_thread(|fabric| {
            fabric.run();
            std::thread::yield_now();
        })
    }

    /// Runs the engine in a thread that tells the ranks that it sleeps, looks once more, and sleeps until one wakes it.
    pub fn spawn_sleeper(&self) -> Spinning {
        self.tell_asleep(0);
        self.spawn_thread(|fabric| {
            fabric.run();
            fabric.tell_asleep(1);
            fence(Ordering::SeqCst);
            fabric.run();
            while !fabric.ports.iter().any(|port| port.woken.swap(false, Ordering::SeqCst)) {
                if fabric.stopping.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::yield_now();
            }
            fabric.tell_asleep(0);
        })
    }

    fn tell_asleep(&self, asleep: u32) {
        for port in self.ports.iter() {
            port.control().engine_asleep().store(asleep, Ordering::Relaxed);
        }
    }

    fn spawn_thread(&self, mut turn: impl FnMut(&Fabric) + Send + 'static) -> Spinning {
        let fabric = self.clone();
        fabric.threaded.store(true, Ordering::Relaxed);
        let thread = std::thread::spawn(move || {
            while !fabric.stopping.load(Ordering::Relaxed) {
                turn(&fabric);
            }
        });
        Spinning { thread: Some(thread), fabric: self.clone() }
    }
}

/// The engine's thread.
pub struct Spinning {
    thread: Option<std::thread::JoinHandle<()>>,
    fabric: Fabric,
}

impl Drop for Spinning {
    fn drop(&mut self) {
        self.fabric.stopping.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        self.fabric.stopping.store(false, Ordering::Relaxed);
        self.fabric.threaded.store(false, Ordering::Relaxed);
        self.fabric.tell_asleep(1);
    }
}

/// A rank's end of the fabric.
pub struct FakePlatform {
    fabric: Fabric,
    rank: usize,
    start: Instant,
}

impl FakePlatform {
    fn port(&self) -> &Port {
        &self.fabric.ports[self.rank]
    }
}

// SAFETY: 1. the port owns the region; 2. memory comes zeroed from the global allocator, and the engine runs in this process.
unsafe impl Platform for FakePlatform {
    fn region(&self) -> NonNull<u8> {
        self.port().region
    }

    fn region_len(&self) -> usize {
        REGION_LEN
    }

    fn alloc_dma(&self, layout: Layout) -> Option<NonNull<u8>> {
        self.port().dma.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the driver asks for 64 bytes at least.
        NonNull::new(unsafe { alloc_zeroed(layout) })
    }

    unsafe fn free_dma(&self, pointer: NonNull<u8>, layout: Layout) {
        self.port().dma.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: the caller promises that it came from `alloc_dma` with this layout.
        unsafe { dealloc(pointer.as_ptr(), layout) }
    }

    fn dma_window(&self) -> (u64, u64) {
        (0, 0)
    }

    fn wake_engine(&self) {
        self.port().wakes.fetch_add(1, Ordering::Relaxed);
        if self.fabric.threaded.load(Ordering::Relaxed) {
            self.port().woken.store(true, Ordering::SeqCst);
        } else {
            self.fabric.run();
        }
    }

    fn wait_event(&self, timeout_ns: u64) {
        let port = self.port();
        if port.deaf.load(Ordering::Relaxed) {
            port.skipped_ns.fetch_add(10_000_000_000, Ordering::Relaxed);
            return;
        }
        let pending = port.interrupt.lock().unwrap();
        let timeout = Duration::from_nanos(timeout_ns);
        let (mut pending, result) =
            port.raised.wait_timeout_while(pending, timeout, |pending| !*pending).unwrap();
        if result.timed_out() {
            port.timeouts.fetch_add(1, Ordering::Relaxed);
        }
        *pending = false;
    }

    fn now_ns(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64 + self.port().skipped_ns.load(Ordering::Relaxed)
    }
}
