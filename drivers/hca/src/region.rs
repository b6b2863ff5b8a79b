//! The device region: BAR2 of the ivshmem device in a VM, a shared mapping in a native process.
//!
//! | offset | size | what |
//! |---|---|---|
//! | 0x0000 | 4 KiB | control page ([`ControlPage`]) |
//! | 0x1000 | 4 KiB | command ring: 32 slots of a 64-byte request and a 64-byte response |
//! | 0x2000 | 8 KiB | event ring: 256 slots of 32 bytes |
//! | 0x8000 | 4 KiB | UAR page 0: CQ arm doorbell at 0x20, send doorbell at 0x800 (as mlx5) |
//!
//! Ring indices run freely (modulo 2^32); the slot is the index modulo the ring's size. Each index stands on a cache
//! line of its own, and each word has exactly one writer.

use core::fmt;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::limits::Limits;

/// `UNIRHCA\0`, little-endian.
pub const MAGIC: u64 = u64::from_le_bytes(*b"UNIRHCA\0");
/// Version of everything in the region, commands and events included.
pub const VERSION: u32 = 1;
/// Bytes of the region.
pub const REGION_LEN: usize = 1 << 20;

/// Command ring.
pub const CMD_RING: usize = 0x1000;
/// Slots of the command ring.
pub const CMD_SLOTS: u32 = 32;
/// Bytes of a request, and of a response; a slot is both.
pub const CMD_BYTES: usize = 64;
/// Event ring.
pub const EVT_RING: usize = 0x2000;
/// Slots of the event ring.
pub const EVT_SLOTS: u32 = 256;
/// Bytes of an event.
pub const EVT_BYTES: usize = 32;
/// First doorbell page.
pub const UAR_PAGE: usize = 0x8000;
/// CQ arm doorbell in a UAR page: `MLX5_CQ_DOORBELL`.
pub const UAR_CQ_DOORBELL: usize = 0x20;
/// Send doorbell in a UAR page: `MLX5_BF_OFFSET` of rdma-core's `providers/mlx5`.
pub const UAR_SEND_DOORBELL: usize = 0x800;

/// Offsets in the control page.
pub mod control {
    /// u64, host.
    pub const MAGIC: usize = 0x000;
    /// u32, host.
    pub const VERSION: usize = 0x008;
    /// u32, host.
    pub const REGION_LEN: usize = 0x00c;
    /// u32, host.
    pub const RANK: usize = 0x010;
    /// u32, host: ranks of the job.
    pub const SIZE: usize = 0x014;
    /// u64, host.
    pub const JOB: usize = 0x018;
    /// u64, host: bytes of guest RAM; 0 natively.
    pub const RAM_LEN: usize = 0x020;
    /// [`Limits`](crate::Limits), host.
    pub const LIMITS: usize = 0x030;
    /// u64, guest: counts up about four times a second while the rank lives.
    pub const HEARTBEAT: usize = 0x080;
    /// u64, guest: where a native process mapped its DMA arena.
    pub const DMA_BASE: usize = 0x088;
    /// u64, guest: bytes of the DMA arena.
    pub const DMA_LEN: usize = 0x090;
    /// u32, host: 1 while the engine sleeps and wants to be woken after a doorbell or command.
    pub const ENGINE_ASLEEP: usize = 0x100;
    /// u32, guest.
    pub const CMD_PRODUCER: usize = 0x140;
    /// u32, host.
    pub const CMD_CONSUMER: usize = 0x180;
    /// u32, host.
    pub const EVT_PRODUCER: usize = 0x1c0;
    /// u32, guest.
    pub const EVT_CONSUMER: usize = 0x200;
    /// u32, guest: 1 while the guest blocks for a command's answer; the host, after it stored `CMD_CONSUMER` and a
    /// full fence, reads it and raises the interrupt if it is set.
    pub const CMD_ARMED: usize = 0x240;
    /// u32, runner: moments recorded (`unirank run --record`, `--stats`), so that a program or kernel can wait for one.
    pub const RECORDED: usize = 0x280;
    /// u32, runner: requests for large pages (`large` on the control console) that it has seen to, done or not.
    pub const PREPARED: usize = 0x2c0;
}

/// Accessors of the control page, for both sides. Copies are cheap; every access is one atomic load or store.
#[derive(Clone, Copy)]
pub struct ControlPage {
    base: NonNull<u8>,
}

/// Why a region is not one this crate can talk to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegionError {
    /// Not [`MAGIC`].
    Magic(u64),
    /// Another version than [`VERSION`].
    Version(u32),
    /// The host's length, or the mapping, is too short.
    Length(u64),
}

impl fmt::Display for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegionError::Magic(found) => {
                write!(f, "HCA region has magic {found:#x}, want {MAGIC:#x}: not a unirank HCA")
            }
            RegionError::Version(found) => {
                write!(
                    f,
                    "the host speaks HCA protocol {found}, this image speaks {VERSION}: rebuild the image or update unirank"
                )
            }
            RegionError::Length(found) => write!(f, "HCA region of {found} bytes, want {REGION_LEN}"),
        }
    }
}

impl core::error::Error for RegionError {}

impl ControlPage {
    /// View of the region that starts at `base`.
    ///
    /// # Safety
    /// `base` is page-aligned and [`REGION_LEN`] bytes from it stay mapped, readable and writable, as long as the view
    /// or a copy of it is used. Other writers (the other side) use atomic accesses or are another machine.
    pub const unsafe fn new(base: NonNull<u8>) -> ControlPage {
        ControlPage { base }
    }

    /// Start of the region.
    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    fn word32(&self, offset: usize) -> &AtomicU32 {
        debug_assert!(offset % 4 == 0 && offset < CMD_RING);
        // SAFETY: `new` promises a mapped, page-aligned region; every offset of `control` is a multiple of 4 in the
        // first page; concurrent access is atomic.
        unsafe { self.base.add(offset).cast::<AtomicU32>().as_ref() }
    }

    fn word64(&self, offset: usize) -> &AtomicU64 {
        debug_assert!(offset % 8 == 0 && offset < CMD_RING);
        // SAFETY: as in `word32`, with a multiple of 8.
        unsafe { self.base.add(offset).cast::<AtomicU64>().as_ref() }
    }

    /// Host: writes everything that the guest reads at start, the magic last.
    pub fn publish(&self, rank: u32, size: u32, job: u64, ram_len: u64, limits: &Limits) {
        self.word32(control::VERSION).store(VERSION, Ordering::Relaxed);
        self.word32(control::REGION_LEN).store(REGION_LEN as u32, Ordering::Relaxed);
        self.word32(control::RANK).store(rank, Ordering::Relaxed);
        self.word32(control::SIZE).store(size, Ordering::Relaxed);
        self.word64(control::JOB).store(job, Ordering::Relaxed);
        self.word64(control::RAM_LEN).store(ram_len, Ordering::Relaxed);
        for (index, word) in limits.encode().chunks_exact(4).enumerate() {
            let value = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
            self.word32(control::LIMITS + 4 * index).store(value, Ordering::Relaxed);
        }
        self.word64(control::MAGIC).store(MAGIC, Ordering::Release);
    }

    /// Guest: whether this is a region of a host that speaks our version. `mapped` is the length of the mapping.
    pub fn check(&self, mapped: u64) -> Result<(), RegionError> {
        if mapped < REGION_LEN as u64 {
            return Err(RegionError::Length(mapped));
        }
        let magic = self.word64(control::MAGIC).load(Ordering::Acquire);
        if magic != MAGIC {
            return Err(RegionError::Magic(magic));
        }
        let version = self.word32(control::VERSION).load(Ordering::Relaxed);
        if version != VERSION {
            return Err(RegionError::Version(version));
        }
        let length = self.word32(control::REGION_LEN).load(Ordering::Relaxed);
        if (length as usize) < REGION_LEN {
            return Err(RegionError::Length(length.into()));
        }
        Ok(())
    }

    /// Rank of this VM or process, and ranks of its job.
    pub fn rank_and_size(&self) -> (u32, u32) {
        (
            self.word32(control::RANK).load(Ordering::Relaxed),
            self.word32(control::SIZE).load(Ordering::Relaxed),
        )
    }

    /// Number of the job.
    pub fn job(&self) -> u64 {
        self.word64(control::JOB).load(Ordering::Relaxed)
    }

    /// Limits as the control page tells them.
    pub fn limits(&self) -> Limits {
        let mut bytes = [0; Limits::BYTES];
        for (index, word) in bytes.chunks_exact_mut(4).enumerate() {
            word.copy_from_slice(
                &self.word32(control::LIMITS + 4 * index).load(Ordering::Relaxed).to_le_bytes(),
            );
        }
        Limits::decode(&bytes)
    }

    /// Guest: sign of life, read by the launcher.
    pub fn heartbeat(&self) -> &AtomicU64 {
        self.word64(control::HEARTBEAT)
    }

    /// Native guest: where the DMA arena is mapped in the process.
    pub fn dma_base(&self) -> &AtomicU64 {
        self.word64(control::DMA_BASE)
    }

    /// Native guest: bytes of the DMA arena.
    pub fn dma_len(&self) -> &AtomicU64 {
        self.word64(control::DMA_LEN)
    }

    /// Host: see [`control::ENGINE_ASLEEP`].
    pub fn engine_asleep(&self) -> &AtomicU32 {
        self.word32(control::ENGINE_ASLEEP)
    }

    /// Guest: requests written.
    pub fn cmd_producer(&self) -> &AtomicU32 {
        self.word32(control::CMD_PRODUCER)
    }

    /// Host: requests answered.
    pub fn cmd_consumer(&self) -> &AtomicU32 {
        self.word32(control::CMD_CONSUMER)
    }

    /// Guest: see [`control::CMD_ARMED`].
    pub fn cmd_armed(&self) -> &AtomicU32 {
        self.word32(control::CMD_ARMED)
    }

    /// Host: events written.
    pub fn evt_producer(&self) -> &AtomicU32 {
        self.word32(control::EVT_PRODUCER)
    }

    /// Guest: events taken.
    pub fn evt_consumer(&self) -> &AtomicU32 {
        self.word32(control::EVT_CONSUMER)
    }

    /// Doorbell word at `offset` of UAR page 0 ([`UAR_SEND_DOORBELL`] or [`UAR_CQ_DOORBELL`]).
    pub fn doorbell(&self, offset: usize) -> &AtomicU64 {
        debug_assert!(offset % 8 == 0 && offset < 0x1000);
        // SAFETY: `new` promises a mapped, page-aligned region of REGION_LEN; the UAR page lies in it.
        unsafe { self.base.add(UAR_PAGE + offset).cast::<AtomicU64>().as_ref() }
    }

    /// Copies the request of command `index`.
    pub fn read_request(&self, index: u32) -> [u8; CMD_BYTES] {
        self.copy_out(CMD_RING + slot(index, CMD_SLOTS) * 2 * CMD_BYTES)
    }

    /// Writes the request of command `index`.
    pub fn write_request(&self, index: u32, bytes: &[u8; CMD_BYTES]) {
        self.copy_in(CMD_RING + slot(index, CMD_SLOTS) * 2 * CMD_BYTES, bytes);
    }

    /// Copies the response of command `index`.
    pub fn read_response(&self, index: u32) -> [u8; CMD_BYTES] {
        self.copy_out(CMD_RING + slot(index, CMD_SLOTS) * 2 * CMD_BYTES + CMD_BYTES)
    }

    /// Writes the response of command `index`.
    pub fn write_response(&self, index: u32, bytes: &[u8; CMD_BYTES]) {
        self.copy_in(CMD_RING + slot(index, CMD_SLOTS) * 2 * CMD_BYTES + CMD_BYTES, bytes);
    }

    /// Copies event `index`.
    pub fn read_event(&self, index: u32) -> [u8; EVT_BYTES] {
        self.copy_out(EVT_RING + slot(index, EVT_SLOTS) * EVT_BYTES)
    }

    /// Writes event `index`.
    pub fn write_event(&self, index: u32, bytes: &[u8; EVT_BYTES]) {
        self.copy_in(EVT_RING + slot(index, EVT_SLOTS) * EVT_BYTES, bytes);
    }

    // Ring contents move as atomic words, so that a side that breaks the protocol causes wrong values, not a data race.
    fn copy_out<const N: usize>(&self, offset: usize) -> [u8; N] {
        debug_assert!(offset >= CMD_RING && offset + N <= UAR_PAGE);
        let mut bytes = [0; N];
        for (index, chunk) in bytes.chunks_exact_mut(8).enumerate() {
            // SAFETY: ring offsets are multiples of 8 below UAR_PAGE, in the region that `new` promises.
            let word = unsafe { self.base.add(offset + 8 * index).cast::<AtomicU64>().as_ref() };
            chunk.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
        }
        bytes
    }

    fn copy_in<const N: usize>(&self, offset: usize, bytes: &[u8; N]) {
        debug_assert!(offset >= CMD_RING && offset + N <= UAR_PAGE);
        for (index, chunk) in bytes.chunks_exact(8).enumerate() {
            let mut value = [0; 8];
            value.copy_from_slice(chunk);
            // SAFETY: as in `copy_out`.
            let word = unsafe { self.base.add(offset + 8 * index).cast::<AtomicU64>().as_ref() };
            word.store(u64::from_le_bytes(value), Ordering::Relaxed);
        }
    }
}

fn slot(index: u32, slots: u32) -> usize {
    (index % slots) as usize
}
