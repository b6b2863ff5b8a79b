//! Transport of 9P messages (Virtio 1.2 does not define device 9; QEMU, hw/9pfs/virtio-9p-device.c, does): one queue, a
//! request's descriptors are the message's pieces, then room for the reply.

use super::slot::Features;
use super::{KernelHal, Slot};
use crate::errno::{Errno, Result};
use crate::fs::p9::Channel;
use crate::time;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::Transport;

const QUEUE: u16 = 0;
/// Descriptors; a message has four at most. QEMU has room for 128.
const DESCRIPTORS: usize = 16;
/// A server that takes longer is worth a notice.
const PATIENCE_NS: u64 = 10_000_000_000;

/// The device of one mount.
pub struct P9Device {
    slot: Slot,
    queue: VirtQueue<KernelHal, DESCRIPTORS>,
    tag: String,
}

impl P9Device {
    /// Starts the device.
    pub fn new(mut slot: Slot) -> core::result::Result<Self, String> {
        let fail = |e| format!("virtio-9p device: {e}");
        let queue =
            slot.start(Features::empty(), |t| VirtQueue::new(t, QUEUE, false, false)).map_err(fail)?;
        let tag = mount_tag(slot.transport()).map_err(fail)?;
        let mut device = Self { slot, queue, tag };
        device.queue.set_dev_notify(false);
        Ok(device)
    }

    /// The name that the mount has on QEMU's command line.
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

fn mount_tag(transport: &impl Transport) -> virtio_drivers::Result<String> {
    let len = usize::from(transport.read_config_space::<u16>(0)?);
    let bytes: virtio_drivers::Result<Vec<u8>> =
        (0..len).map(|i| transport.read_config_space::<u8>(2 + i)).collect();
    Ok(String::from_utf8_lossy(&bytes?).into_owned())
}

impl Channel for P9Device {
    fn exchange<'a>(&mut self, request: &'a [&'a [u8]], reply: &'a mut [&'a mut [u8]]) -> Result<usize> {
        // SAFETY: this function does not return before the device has given the pieces back.
        let token = unsafe { self.queue.add(request, reply) }.map_err(|_| Errno::EIO)?;
        self.slot.kick(QUEUE, &self.queue);
        let start = time::now_ns();
        let mut patience = PATIENCE_NS;
        // The device may still write to the caller's memory, so giving up is no choice; saying why is.
        while !self.slot.wait(&mut self.queue, Some(start + patience)) {
            note!("waiting for the file server of mount {} for {} s", self.tag, patience / 1_000_000_000);
            patience *= 3;
        }
        // SAFETY: the same pieces as above.
        let n = unsafe { self.queue.pop_used(token, request, reply) }.map_err(|_| Errno::EIO)?;
        Ok(n as usize)
    }
}
