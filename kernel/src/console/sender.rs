//! The guest-to-host queue of a console: a handful of buffers that go round.

use crate::mm;
use crate::virtio::{KernelHal, Slot};
use core::ptr::NonNull;
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::Transport;
use virtio_drivers::{Error, PAGE_SIZE, Result};

const BUFFERS: usize = 8;

/// Buffers and the queue they travel in.
pub struct Sender {
    queue: VirtQueue<KernelHal, BUFFERS>,
    index: u16,
    memory: NonNull<u8>,
    size: usize,
    /// The buffer and length under way in each descriptor; only descriptors in use count.
    under_way: [Option<(u8, usize)>; BUFFERS],
    free: u8,
    /// Buffers the device has not been told of.
    untold: bool,
}

impl Sender {
    /// Makes the queue with buffers of `size` bytes.
    pub fn new(transport: &mut impl Transport, index: u16, size: usize) -> Result<Self> {
        let mut queue = VirtQueue::new(transport, index, false, false)?;
        queue.set_dev_notify(false);
        let memory = mm::dma::alloc((BUFFERS * size).div_ceil(PAGE_SIZE)).ok_or(Error::DmaError)?;
        Ok(Self { queue, index, memory, size, under_way: [None; BUFFERS], free: !0, untold: false })
    }

    /// Copies the first part of `data` into a free buffer for the device; returns how much, 0 when none is free.
    pub fn add(&mut self, data: &[u8]) -> usize {
        self.reap();
        let buffer = self.free.trailing_zeros() as usize;
        if buffer >= BUFFERS {
            return 0;
        }
        let len = data.len().min(self.size);
        // SAFETY: the buffer is free, so only this function uses it now.
        let bytes = unsafe {
            let start = self.memory.add(buffer * self.size);
            core::slice::from_raw_parts_mut(start.as_ptr(), len)
        };
        bytes.copy_from_slice(&data[..len]);
        // SAFETY: the buffer is marked as taken until `reap` gets it back.
        match unsafe { self.queue.add(&[bytes], &mut []) } {
            Ok(token) => self.under_way[usize::from(token)] = Some((buffer as u8, len)),
            // One descriptor per buffer: cannot be full with a buffer free.
            Err(_) => return 0,
        }
        self.free &= !(1 << buffer);
        self.untold = true;
        len
    }

    /// Takes back the buffers that the device is done with.
    fn reap(&mut self) {
        while let Some(token) = self.queue.peek_used() {
            let Some((buffer, len)) = self.under_way.get_mut(usize::from(token)).and_then(Option::take)
            else {
                // The device names a buffer it does not have. The queue stays as it is and output stops with notices.
                return;
            };
            // SAFETY: the very buffer that was added under this token.
            unsafe {
                let start = self.memory.add(usize::from(buffer) * self.size);
                let bytes = core::slice::from_raw_parts(start.as_ptr(), len);
                let _ = self.queue.pop_used(token, &[bytes], &mut []);
            }
            self.free |= 1 << buffer;
        }
    }

    /// Tells the device of what was added.
    pub fn kick(&mut self, slot: &mut Slot) {
        if core::mem::take(&mut self.untold) {
            slot.kick(self.index, &self.queue);
        }
    }

    /// Waits for the device to finish a buffer; false at the deadline.
    pub fn wait(&mut self, slot: &mut Slot, deadline_ns: u64) -> bool {
        slot.wait(&mut self.queue, Some(deadline_ns))
    }

    /// The device has everything passed on.
    pub fn is_idle(&mut self) -> bool {
        self.reap();
        self.free == !0
    }
}
