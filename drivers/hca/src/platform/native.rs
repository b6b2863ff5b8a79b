//! In an ordinary process: region and DMA arena are shared memory files, the doorbell and the interrupt are eventfds, all
//! inherited from the launcher and named in `UNIRANK_NATIVE="region_fd,dma_fd,wake_fd,irq_fd"`.

use core::alloc::Layout;
use core::cell::RefCell;
use core::fmt;
use core::ptr::{NonNull, null_mut};

use super::Platform;
use super::arena::Arena;
use crate::region::REGION_LEN;

/// Name of the environment variable with the descriptors.
pub const ENVIRONMENT: &str = "UNIRANK_NATIVE";

/// A rank as a process.
pub struct NativePlatform {
    region: Mapping,
    dma: Mapping,
    arena: RefCell<Arena>,
    wake_fd: i32,
    irq_fd: i32,
}

/// Why the process cannot use the adapter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NativeError {
    /// The variable is not four descriptors.
    Environment,
    /// Mapping a file failed.
    Map {
        /// Which.
        what: &'static str,
        /// Its descriptor.
        fd: i32,
        /// The system's error number.
        errno: i32,
    },
}

impl fmt::Display for NativeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NativeError::Environment => {
                write!(
                    f,
                    "{ENVIRONMENT} is not \"region_fd,dma_fd,wake_fd,irq_fd\": start the program with unirank run --native"
                )
            }
            NativeError::Map { what, fd, errno } => {
                write!(f, "mapping the {what} (descriptor {fd}) failed: error {errno}")
            }
        }
    }
}

impl core::error::Error for NativeError {}

impl NativePlatform {
    /// From the value of [`ENVIRONMENT`]. Also allows the engine to read and write this process's memory.
    ///
    /// # Safety
    /// The four descriptors are those of the launcher, and nothing else in the process uses them.
    pub unsafe fn from_environment(value: &str) -> Result<NativePlatform, NativeError> {
        let mut fds = [0; 4];
        let mut numbers = value.split(',');
        for fd in &mut fds {
            let number = numbers.next().ok_or(NativeError::Environment)?;
            *fd = number.trim().parse::<u16>().map_err(|_| NativeError::Environment)?.into();
        }
        if numbers.next().is_some() {
            return Err(NativeError::Environment);
        }
        let [region_fd, dma_fd, wake_fd, irq_fd] = fds;
        let region = Mapping::new("HCA region", region_fd)?;
        if region.len < REGION_LEN {
            return Err(NativeError::Map { what: "HCA region", fd: region_fd, errno: libc::ENXIO });
        }
        let dma = Mapping::new("DMA arena", dma_fd)?;
        // SAFETY: no memory is passed. Where the kernel has no Yama, the call fails and is not needed.
        unsafe { libc::prctl(libc::PR_SET_PTRACER, libc::PR_SET_PTRACER_ANY, 0, 0, 0) };
        let arena = RefCell::new(Arena::new(dma.len));
        Ok(NativePlatform { region, dma, arena, wake_fd, irq_fd })
    }
}

// SAFETY: 1. the region is mapped page-aligned, checked to be long enough, until the platform is dropped; 2. the arena hands
// out disjoint ranges of the DMA mapping, zeroed here; the engine finds them at the same address through the DMA window.
unsafe impl Platform for NativePlatform {
    fn region(&self) -> NonNull<u8> {
        self.region.base
    }

    fn region_len(&self) -> usize {
        self.region.len
    }

    fn alloc_dma(&self, layout: Layout) -> Option<NonNull<u8>> {
        if layout.align() > 4096 {
            return None;
        }
        let offset = self.arena.borrow_mut().alloc(layout)?;
        // SAFETY: the arena is as long as the mapping, so offset and size lie in it; the range is nobody's.
        unsafe {
            let pointer = self.dma.base.add(offset);
            pointer.write_bytes(0, layout.size());
            Some(pointer)
        }
    }

    unsafe fn free_dma(&self, pointer: NonNull<u8>, layout: Layout) {
        let offset = pointer.as_ptr() as usize - self.dma.base.as_ptr() as usize;
        self.arena.borrow_mut().free(offset, layout);
    }

    fn dma_window(&self) -> (u64, u64) {
        (self.dma.base.as_ptr() as u64, self.dma.len as u64)
    }

    fn wake_engine(&self) {
        let one = 1u64;
        // SAFETY: eight bytes of a local. A full counter (EAGAIN) means that the engine is being woken already.
        unsafe { libc::write(self.wake_fd, (&raw const one).cast(), 8) };
    }

    fn wait_event(&self, timeout_ns: u64) {
        let mut poll = libc::pollfd { fd: self.irq_fd, events: libc::POLLIN, revents: 0 };
        let timeout = libc::timespec {
            tv_sec: (timeout_ns / 1_000_000_000) as libc::time_t,
            tv_nsec: (timeout_ns % 1_000_000_000) as libc::c_long,
        };
        // SAFETY: one pollfd and one timespec, both locals; no signal mask.
        let ready = unsafe { libc::ppoll(&mut poll, 1, &timeout, core::ptr::null()) };
        if ready > 0 && poll.revents & libc::POLLIN != 0 {
            let mut count = 0u64;
            // SAFETY: eight bytes into a local; the descriptor is readable, so the call does not block.
            unsafe { libc::read(self.irq_fd, (&raw mut count).cast(), 8) };
        }
    }

    fn now_ns(&self) -> u64 {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes a local.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    }
}

/// A whole file, mapped shared.
struct Mapping {
    base: NonNull<u8>,
    len: usize,
}

impl Mapping {
    fn new(what: &'static str, fd: i32) -> Result<Mapping, NativeError> {
        // SAFETY: all zeros is a valid `stat`, which is written next.
        let mut stat: libc::stat = unsafe { core::mem::zeroed() };
        // SAFETY: `stat` is a local of the right type.
        if unsafe { libc::fstat(fd, &mut stat) } != 0 {
            return Err(NativeError::Map { what, fd, errno: errno() });
        }
        let len = stat.st_size.max(0) as usize;
        // SAFETY: a new mapping at an address of the system's choice.
        let base = unsafe {
            libc::mmap(null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, fd, 0)
        };
        if base == libc::MAP_FAILED {
            return Err(NativeError::Map { what, fd, errno: errno() });
        }
        let base = NonNull::new(base.cast()).ok_or(NativeError::Map { what, fd, errno: libc::ENOMEM })?;
        Ok(Mapping { base, len })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped in `new`; the owner's users are gone.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}

fn errno() -> i32 {
    // SAFETY: the address of this thread's errno.
    unsafe { *libc::__errno_location() }
}
