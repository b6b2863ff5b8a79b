//! The host-to-guest queue of a console.

use crate::mm;
use crate::virtio::{KernelHal, Slot};
use core::ptr::NonNull;
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::Transport;
use virtio_drivers::{Error, PAGE_SIZE, Result};

const BUFFERS: usize = 4;

/// Buffers that the device fills.
pub struct Receiver {
    queue: VirtQueue<KernelHal, BUFFERS>,
    index: u16,
    memory: NonNull<u8>,
    size: usize,
    /// The buffer in each descriptor.
    lent: [Option<u8>; BUFFERS],
}

impl Receiver {
    /// Makes the queue with buffers of `size` bytes; the device has none before [`Receiver::offer`].
    pub fn new(transport: &mut impl Transport, index: u16, size: usize) -> Result<Self> {
        let mut queue = VirtQueue::new(transport, index, false, false)?;
        queue.set_dev_notify(false);
        let memory = mm::dma::alloc((BUFFERS * size).div_ceil(PAGE_SIZE)).ok_or(Error::DmaError)?;
        Ok(Self { queue, index, memory, size, lent: [None; BUFFERS] })
    }

    /// Gives the device all buffers.
    pub fn offer(&mut self, slot: &mut Slot) {
        (0..BUFFERS as u8).for_each(|buffer| self.lend(buffer));
        slot.kick(self.index, &self.queue);
    }

    fn lend(&mut self, buffer: u8) {
        // SAFETY: the buffer is not lent, and it is not touched before it comes back.
        let lent = unsafe {
            let bytes = self.bytes(buffer);
            self.queue.add(&[], &mut [bytes])
        };
        if let Ok(token) = lent {
            self.lent[usize::from(token)] = Some(buffer);
        }
    }

    /// # Safety
    /// The buffer is not lent, and no other slice of it lives.
    unsafe fn bytes(&self, buffer: u8) -> &'static mut [u8] {
        // SAFETY: the memory is this receiver's, never freed, and divided into BUFFERS pieces.
        unsafe {
            let start = self.memory.add(usize::from(buffer) * self.size);
            core::slice::from_raw_parts_mut(start.as_ptr(), self.size)
        }
    }

    /// Passes what came to `sink` and gives the device its buffers back.
    pub fn take(&mut self, slot: &mut Slot, mut sink: impl FnMut(&[u8])) {
        let mut any = false;
        while let Some(token) = self.queue.peek_used() {
            let Some(buffer) = self.lent.get_mut(usize::from(token)).and_then(Option::take) else { break };
            // SAFETY: 1. the very buffer that was lent under this token; 2. it is back, so ours to read.
            let (bytes, len) = unsafe {
                let bytes = self.bytes(buffer);
                let len = self.queue.pop_used(token, &[], &mut [&mut *bytes]).unwrap_or(0);
                (bytes, len as usize)
            };
            sink(&bytes[..len.min(bytes.len())]);
            self.lend(buffer);
            any = true;
        }
        if any {
            slot.kick(self.index, &self.queue);
        }
    }

    /// Whether something has come.
    pub fn has_some(&self) -> bool {
        self.queue.can_pop()
    }

    /// Asks the device to interrupt when something comes, or not to.
    pub fn interrupt(&mut self, on: bool) {
        self.queue.set_dev_notify(on);
    }
}
