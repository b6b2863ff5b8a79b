//! The native platform: shared memory files and eventfds as the launcher makes them, with a host in a thread.

use std::alloc::Layout;
use std::ffi::CStr;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use unirank_hca::command::{Command, Reply, Request, Response, Status};
use unirank_hca::platform::native::{NativeError, NativePlatform};
use unirank_hca::region::{ControlPage, REGION_LEN};
use unirank_hca::{CqNum, Device, Limits, Lkey, Platform};

const ARENA: usize = 1 << 20;

fn memfd(name: &CStr, len: usize) -> i32 {
    // SAFETY: a new descriptor, sized below; the process keeps it to its end.
    let fd = unsafe { libc::memfd_create(name.as_ptr(), 0) };
    // SAFETY: as above.
    assert_eq!(unsafe { libc::ftruncate(fd, len as i64) }, 0);
    fd
}

fn eventfd() -> i32 {
    // SAFETY: a new descriptor.
    unsafe { libc::eventfd(0, libc::EFD_NONBLOCK) }
}

/// The host's view of a region file.
fn map_region(fd: i32) -> ControlPage {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping of a file that has this length; it stays to the end of the process.
    let base = unsafe { libc::mmap(std::ptr::null_mut(), REGION_LEN, protection, libc::MAP_SHARED, fd, 0) };
    // SAFETY: as above; page-aligned.
    unsafe { ControlPage::new(NonNull::new(base.cast()).unwrap()) }
}

fn ring(fd: i32) {
    // SAFETY: eight bytes of a local.
    assert_eq!(unsafe { libc::write(fd, (&raw const ONE).cast(), 8) }, 8);
}

static ONE: u64 = 1;

fn pending(fd: i32) -> bool {
    let mut count = 0u64;
    // SAFETY: eight bytes into a local; the descriptor does not block.
    unsafe { libc::read(fd, (&raw mut count).cast(), 8) == 8 }
}

#[test]
fn device_opens_over_shared_files() {
    let (region, dma) = (memfd(c"region", REGION_LEN), memfd(c"dma", ARENA));
    let (wake, irq) = (eventfd(), eventfd());
    map_region(region).publish(3, 8, 77, 0, &Limits::DEFAULT);
    // SAFETY: the descriptors were made for this.
    let platform =
        unsafe { NativePlatform::from_environment(&format!("{region},{dma},{wake},{irq}")) }.unwrap();
    let (base, len) = platform.dma_window();
    assert_eq!(len as usize, ARENA);

    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let control = map_region(region);
            control.engine_asleep().store(1, Ordering::SeqCst);
            let mut served = 0;
            while !stop.load(Ordering::Relaxed) {
                if control.cmd_producer().load(Ordering::Acquire) == served {
                    std::thread::yield_now();
                    continue;
                }
                // The guest sees our flag only after its command; it wakes us in any case.
                while !pending(wake) {
                    std::thread::yield_now();
                }
                let request = Request::decode(&control.read_request(served)).unwrap();
                let result = match request.command {
                    Command::Handshake { version } => {
                        assert_eq!(control.dma_base().load(Ordering::Relaxed), base);
                        assert_eq!(control.dma_len().load(Ordering::Relaxed), len);
                        Ok(Reply::Handshake { version, reserved_lkey: Lkey(5), limits: Limits::DEFAULT })
                    }
                    Command::CreateCq(cq) => {
                        let inside = |addr: u64| (base..base + len).contains(&addr);
                        assert!(inside(cq.buf.0) && inside(cq.dbrec.0) && cq.buf.0 % 64 == 0);
                        Ok(Reply::Cq(CqNum(9)))
                    }
                    Command::DestroyCq(CqNum(9)) => Ok(Reply::Done),
                    _ => Err(Status::Invalid),
                };
                control.write_response(served, &Response { id: request.id, result }.encode());
                served += 1;
                control.cmd_consumer().store(served, Ordering::SeqCst);
                if control.cmd_armed().load(Ordering::SeqCst) != 0 {
                    ring(irq);
                }
            }
        });
        // The host says that it sleeps before the guest starts.
        let control = map_region(region);
        while control.engine_asleep().load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        let device = Device::open(Rc::new(platform)).unwrap();
        assert_eq!((device.rank().0, device.size(), device.lkey()), (3, 8, Lkey(5)));
        let cq = device.create_cq(100).unwrap();
        assert_eq!((cq.number(), cq.capacity()), (CqNum(9), 128));
        cq.destroy().unwrap();
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn waiting_ends_with_the_interrupt_or_the_timeout() {
    let (region, dma, irq) = (memfd(c"region", REGION_LEN), memfd(c"dma", ARENA), eventfd());
    // SAFETY: the descriptors were made for this.
    let platform =
        unsafe { NativePlatform::from_environment(&format!("{region},{dma},{},{irq}", eventfd())) }.unwrap();
    ring(irq);
    let start = Instant::now();
    platform.wait_event(600_000_000_000);
    assert!(!pending(irq), "the interrupt is taken");
    platform.wait_event(20_000_000);
    let waited = start.elapsed();
    assert!(waited >= Duration::from_millis(20), "no second interrupt came: {waited:?}");
}

#[test]
fn arena_memory_is_zeroed_again_and_ends() {
    let (region, dma) = (memfd(c"region", REGION_LEN), memfd(c"dma", 4096));
    // SAFETY: the descriptors were made for this.
    let platform =
        unsafe { NativePlatform::from_environment(&format!("{region},{dma},{},{}", eventfd(), eventfd())) }
            .unwrap();
    let layout = Layout::from_size_align(4096, 64).unwrap();
    let memory = platform.alloc_dma(layout).unwrap();
    assert!(platform.alloc_dma(layout).is_none());
    // SAFETY: ours until it is freed.
    unsafe {
        memory.write_bytes(0xff, 4096);
        platform.free_dma(memory, layout);
    }
    let memory = platform.alloc_dma(layout).unwrap();
    // SAFETY: ours.
    assert!(unsafe { std::slice::from_raw_parts(memory.as_ptr(), 4096) }.iter().all(|byte| *byte == 0));
}

#[test]
fn bad_environment_is_refused() {
    for value in ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "-1,2,3,4"] {
        // SAFETY: refused before any descriptor is used.
        let refused = unsafe { NativePlatform::from_environment(value) }.err();
        assert_eq!(refused, Some(NativeError::Environment), "{value}");
    }
    let short = memfd(c"short", 4096);
    // SAFETY: the first descriptor is ours, the others are not reached.
    let refused = unsafe { NativePlatform::from_environment(&format!("{short},{short},0,0")) }.err();
    assert!(matches!(refused, Some(NativeError::Map { what: "HCA region", .. })));
}
