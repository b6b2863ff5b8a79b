//! Receive slots: the strided ring shared by receive queues and shared receive queues, and the queue pair's own queue.

use alloc::boxed::Box;
use core::cell::Cell;

use super::dma::DmaBuffer;
use super::error::PostError;
use super::send_request::Sge;
use crate::srq_wqe::MIN_LOG_STRIDE;
use crate::wqe::segment::MAX_SEG_LEN;
use crate::wqe::{DataSeg, SEG_BYTES};

/// Ring of receive WQEs with equal stride; `first` bytes of each WQE are not data segments.
pub(super) struct ReceiveRing {
    buffer: DmaBuffer,
    log_stride: u32,
    first: usize,
    max_sges: usize,
}

impl ReceiveRing {
    pub(super) fn new(buffer: DmaBuffer, log_stride: u32, first: usize, max_sges: usize) -> ReceiveRing {
        ReceiveRing { buffer, log_stride, first, max_sges }
    }

    /// log2 of the stride for WQEs of `first` bytes and `sges` segments.
    pub(super) fn log_stride_for(first: usize, sges: usize) -> u32 {
        (first + sges * SEG_BYTES).next_power_of_two().trailing_zeros().max(MIN_LOG_STRIDE)
    }

    pub(super) fn leak(&self) {
        self.buffer.leak();
    }

    /// Bytes that a list can receive, if it fits a WQE.
    #[inline]
    pub(super) fn check(&self, sges: &[Sge]) -> Result<u32, PostError> {
        let (mut count, mut total) = (0, 0u64);
        for sge in sges {
            count += usize::from(sge.len != 0);
            total += u64::from(sge.len);
        }
        if count > self.max_sges {
            return Err(PostError::TooManySges { count, most: self.max_sges });
        }
        if total > u64::from(MAX_SEG_LEN) {
            return Err(PostError::TooLong(total));
        }
        Ok(total as u32)
    }

    /// Writes a checked list into WQE `slot`, which is below the ring's size.
    #[inline]
    pub(super) fn write_list(&self, slot: usize, sges: &[Sge]) {
        let capacity = ((1usize << self.log_stride) - self.first) / SEG_BYTES;
        let mut used = 0;
        for sge in sges.iter().filter(|sge| sge.len != 0) {
            self.write(slot, self.first + used * SEG_BYTES, sge.segment().encode());
            used += 1;
        }
        if used < capacity {
            self.write(slot, self.first + used * SEG_BYTES, DataSeg::END.encode());
        }
    }

    /// Writes 16 bytes at `offset` (a multiple of 16 below the stride) of WQE `slot`.
    #[inline(always)]
    pub(super) fn write(&self, slot: usize, offset: usize, bytes: [u8; SEG_BYTES]) {
        debug_assert!(offset + SEG_BYTES <= 1 << self.log_stride);
        // SAFETY: the buffer has a stride for every slot below the ring's size, and the offset lies within the stride; the
        // adapter does not use a slot that is not posted.
        unsafe {
            self.buffer
                .as_ptr()
                .add((slot << self.log_stride) + offset)
                .cast::<[u8; SEG_BYTES]>()
                .write(bytes)
        };
    }
}

/// What the driver remembers of a posted receive.
#[derive(Clone, Copy)]
struct Posted {
    wr_id: u64,
    len: u32,
}

/// A queue pair's own receive queue: consumed in order.
pub(super) struct ReceiveQueue {
    ring: ReceiveRing,
    slots: Box<[Cell<Posted>]>,
    head: Cell<u32>,
    tail: Cell<u32>,
}

impl ReceiveQueue {
    pub(super) fn new(ring: ReceiveRing, log_wqes: u32) -> ReceiveQueue {
        let empty = Posted { wr_id: 0, len: 0 };
        ReceiveQueue {
            ring,
            slots: (0..1usize << log_wqes).map(|_| Cell::new(empty)).collect(),
            head: Cell::new(0),
            tail: Cell::new(0),
        }
    }

    pub(super) fn leak(&self) {
        self.ring.leak();
    }

    /// Writes a receive behind the last one.
    #[inline]
    pub(super) fn post(&self, wr_id: u64, sges: &[Sge]) -> Result<(), PostError> {
        let len = self.ring.check(sges)?;
        let head = self.head.get();
        if head.wrapping_sub(self.tail.get()) as usize == self.slots.len() {
            return Err(PostError::QueueFull);
        }
        let slot = head as usize & (self.slots.len() - 1);
        self.ring.write_list(slot, sges);
        self.slots[slot].set(Posted { wr_id, len });
        self.head.set(head.wrapping_add(1));
        Ok(())
    }

    /// Counter for the doorbell record.
    #[inline]
    pub(super) fn counter(&self) -> u16 {
        self.head.get() as u16
    }

    /// Retires the oldest receive, which the adapter says is `counter`: its number and length.
    #[inline]
    pub(super) fn retire(&self, counter: u16) -> Option<(u64, u32)> {
        let tail = self.tail.get();
        let slot = tail as usize & (self.slots.len() - 1);
        if tail == self.head.get() || counter as usize & (self.slots.len() - 1) != slot {
            return None;
        }
        self.tail.set(tail.wrapping_add(1));
        let posted = self.slots[slot].get();
        Some((posted.wr_id, posted.len))
    }
}
