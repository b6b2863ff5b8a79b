//! The network device (Virtio 1.2, section 5.1): a queue for each direction, a header before each frame.
//!
//! Buffers are as large as the largest frame. With the device's help that is a TCP packet of 64 KiB, which it cuts into
//! segments or has put together from some, so that a frame's costs are shared by more than forty segments.

use super::slot::Features;
use super::{KernelHal, Slot};
use crate::mm;
use crate::net::link::{Abilities, Checksum, Frame, Link, Work};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ptr::NonNull;
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::Transport;
use virtio_drivers::{PAGE_SIZE, Result};

const RECEIVE: u16 = 0;
const TRANSMIT: u16 = 1;
/// Descriptors of a queue.
const DESCRIPTORS: usize = 128;
/// Buffers of a queue: short ones, or long ones.
const SHORT_BUFFERS: usize = 128;
const LONG_BUFFERS: usize = 32;
/// Bytes of `struct virtio_net_hdr`.
const HEADER: usize = 12;
/// Bytes of an Ethernet header.
const ETHERNET: usize = 14;
/// Longest IP packet on an Ethernet, if the device does not say.
const MTU: usize = 1500;
const LEAST_MTU: usize = 576;
/// Longest IP packet.
const LONGEST: usize = 65535;
/// Bits of the header's flags.
const NEEDS_CSUM: u8 = 1;
const DATA_VALID: u8 = 2;
/// The header's kind of segmentation: TCP over IPv4.
const GSO_TCPV4: u8 = 1;

type Queue = Box<VirtQueue<KernelHal, DESCRIPTORS>>;

/// Makes a queue. Not inlined: the kernel's stack has no room for several of them on their way to the heap.
#[inline(never)]
fn queue(transport: &mut impl Transport, index: u16) -> Result<Queue> {
    VirtQueue::new(transport, index, false, false).map(Box::new)
}

/// Buffers of one size, and which the device has.
struct Buffers {
    memory: Vec<NonNull<u8>>,
    size: usize,
    /// The buffer under each token.
    lent: Vec<Option<NonNull<u8>>>,
}

impl Buffers {
    fn new(count: usize, size: usize) -> Self {
        let memory = (0..count).map_while(|_| mm::dma::alloc(size.div_ceil(PAGE_SIZE))).collect();
        Self { memory, size: size.next_multiple_of(PAGE_SIZE), lent: vec![None; DESCRIPTORS] }
    }

    /// # Safety
    /// The buffer is one of these, the device does not have it, and no other slice of it lives.
    unsafe fn bytes(&self, buffer: NonNull<u8>) -> &'static mut [u8] {
        // SAFETY: the memory has `size` bytes and is never freed; the rest is the caller's promise.
        unsafe { core::slice::from_raw_parts_mut(buffer.as_ptr(), self.size) }
    }

    /// The buffer that came back under a token, if there was one.
    fn returned(&mut self, token: u16) -> Option<NonNull<u8>> {
        self.lent.get_mut(usize::from(token)).and_then(Option::take)
    }
}

/// The device.
pub struct NetDevice {
    slot: Slot,
    abilities: Abilities,
    receive: Queue,
    transmit: Queue,
    incoming: Buffers,
    outgoing: Buffers,
    /// Outgoing buffers that are free.
    free: Vec<NonNull<u8>>,
    /// The device was not told yet of new buffers: incoming, outgoing.
    untold: (bool, bool),
    /// It interrupts when a frame comes.
    armed: bool,
    /// It broke the rules: it is left alone.
    broken: bool,
}

impl NetDevice {
    /// Starts the device.
    #[inline(never)]
    pub fn new(mut slot: Slot) -> core::result::Result<Self, String> {
        let helpful = Features::NET_CSUM
            | Features::NET_GUEST_CSUM
            | Features::NET_GUEST_TSO4
            | Features::NET_HOST_TSO4;
        let optional = helpful | Features::NET_MTU;
        let started = slot.start_with(Features::NET_MAC, optional, |transport, features| {
            Ok((queue(transport, RECEIVE)?, queue(transport, TRANSMIT)?, features))
        });
        let fail = |e| format!("virtio-net device: {e}");
        let (receive, mut transmit, features) = started.map_err(fail)?;
        transmit.set_dev_notify(false);
        let abilities = abilities(slot.transport(), features).map_err(fail)?;
        let size = |long: bool| HEADER + ETHERNET + if long { LONGEST } else { abilities.mtu };
        let count = |long: bool| if long { LONG_BUFFERS } else { SHORT_BUFFERS };
        let joined = features.contains(Features::NET_GUEST_TSO4);
        let incoming = Buffers::new(count(joined), size(joined));
        let outgoing = Buffers::new(count(abilities.segments), size(abilities.segments));
        if incoming.memory.is_empty() || outgoing.memory.is_empty() {
            return Err(String::from(
                "virtio-net device: no memory for its buffers (choose more with --mem)",
            ));
        }
        let free = outgoing.memory.clone();
        let offered = incoming.memory.clone();
        let mut device = Self {
            slot,
            abilities,
            receive,
            transmit,
            incoming,
            outgoing,
            free,
            untold: (false, false),
            armed: true,
            broken: false,
        };
        for buffer in offered {
            device.lend(buffer);
        }
        device.flush();
        Ok(device)
    }

    /// Gives the device a buffer to fill.
    fn lend(&mut self, buffer: NonNull<u8>) {
        // SAFETY: the buffer is free, and not touched before it comes back.
        let token = unsafe {
            let bytes = self.incoming.bytes(buffer);
            self.receive.add(&[], &mut [bytes])
        };
        if let Ok(token) = token {
            self.incoming.lent[usize::from(token)] = Some(buffer);
            self.untold.0 = true;
        }
    }

    fn fail(&mut self, what: &str) {
        self.broken = true;
        note!("the network device {what}: the rank goes on without it");
    }

    /// Takes buffers back that were sent.
    fn reclaim(&mut self) {
        while let Some(token) = self.transmit.peek_used() {
            let Some((buffer, len)) =
                self.outgoing.returned(token).map(|buffer| (buffer, self.outgoing.size))
            else {
                return self.fail("has sent what it was not given");
            };
            // SAFETY: the buffer lent under this token, and it is back. Its length is not looked at (see `send`).
            let popped = unsafe {
                let bytes = core::slice::from_raw_parts(buffer.as_ptr(), len);
                self.transmit.pop_used(token, &[bytes], &mut [])
            };
            if popped.is_err() {
                return self.fail("changes its mind about what it has sent");
            }
            self.free.push(buffer);
        }
    }
}

fn abilities(transport: &impl Transport, features: Features) -> Result<Abilities> {
    let mut mac = [0; 6];
    for (i, byte) in mac.iter_mut().enumerate() {
        *byte = transport.read_config_space(i)?;
    }
    let mut mtu = MTU;
    if features.contains(Features::NET_MTU) {
        // Behind mac[6], status[2] and max_virtqueue_pairs[2].
        mtu = usize::from(transport.read_config_space::<u16>(10)?).clamp(LEAST_MTU, LONGEST);
    }
    let checksums = features.contains(Features::NET_CSUM);
    Ok(Abilities { mac, mtu, checksums, segments: checksums && features.contains(Features::NET_HOST_TSO4) })
}

/// The header of a frame to be sent: flags[1] gso_type[1] hdr_len[2] gso_size[2] csum_start[2] csum_offset[2]
/// num_buffers[2].
fn header(work: Work) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    if let Some((start, offset)) = work.checksum {
        header[0] = NEEDS_CSUM;
        header[6..8].copy_from_slice(&start.to_le_bytes());
        header[8..10].copy_from_slice(&offset.to_le_bytes());
    }
    if let Some((size, headers)) = work.segments {
        header[1] = GSO_TCPV4;
        header[2..4].copy_from_slice(&headers.to_le_bytes());
        header[4..6].copy_from_slice(&size.to_le_bytes());
    }
    header
}

impl Link for NetDevice {
    fn abilities(&self) -> Abilities {
        self.abilities
    }

    fn receive(&mut self) -> Option<(Frame, Checksum)> {
        loop {
            let token = self.receive.peek_used().filter(|_| !self.broken)?;
            if core::mem::take(&mut self.armed) {
                self.receive.set_dev_notify(false);
            }
            let Some(buffer) = self.incoming.returned(token) else {
                self.fail("has filled what it was not given");
                return None;
            };
            // SAFETY: 1. the very buffer that was lent under this token; 2. it is back, so ours to read.
            let (bytes, len) = unsafe {
                let bytes = self.incoming.bytes(buffer);
                let len = self.receive.pop_used(token, &[], &mut [&mut *bytes]);
                (bytes, len)
            };
            let Ok(len) = len else {
                self.fail("changes its mind about what has come");
                return None;
            };
            let end = len as usize;
            if end < HEADER + ETHERNET || end > bytes.len() {
                self.lend(buffer);
                continue;
            }
            let checksum = match bytes[0] {
                flags if flags & NEEDS_CSUM != 0 => Checksum::Partial,
                flags if flags & DATA_VALID != 0 => Checksum::Checked,
                _ => Checksum::Unknown,
            };
            return Some((Frame::Lent { buffer: bytes, start: HEADER, end }, checksum));
        }
    }

    fn recycle(&mut self, frame: Frame) {
        if let Frame::Lent { buffer, .. } = frame {
            self.lend(NonNull::from(buffer).cast());
        }
    }

    fn buffer(&mut self) -> Option<&mut [u8]> {
        if self.broken {
            return None;
        }
        if self.free.is_empty() {
            self.reclaim();
        }
        let buffer = *self.free.last()?;
        // SAFETY: the buffer is free, and the slice lives no longer than the borrow of this device.
        Some(&mut unsafe { self.outgoing.bytes(buffer) }[HEADER..])
    }

    fn send(&mut self, len: usize, work: Work) {
        let Some(buffer) = self.free.pop() else { return };
        // SAFETY: the buffer is free, and not touched before it comes back. What `reclaim` passes is longer, which does
        // not matter: the HAL does not copy.
        let token = unsafe {
            let bytes = self.outgoing.bytes(buffer);
            bytes[..HEADER].copy_from_slice(&header(work));
            self.transmit.add(&[&bytes[..HEADER + len]], &mut [])
        };
        match token {
            Ok(token) => {
                self.outgoing.lent[usize::from(token)] = Some(buffer);
                self.untold.1 = true;
            }
            Err(_) => self.free.push(buffer),
        }
    }

    fn flush(&mut self) {
        let (incoming, outgoing) = core::mem::take(&mut self.untold);
        if incoming {
            self.slot.kick(RECEIVE, &self.receive);
        }
        if outgoing {
            self.slot.kick(TRANSMIT, &self.transmit);
        }
    }

    fn pending(&self) -> bool {
        !self.broken && self.receive.can_pop()
    }

    fn arm(&mut self, full: bool) {
        if self.broken {
            return;
        }
        self.transmit.set_dev_notify(full);
        self.receive.set_dev_notify(true);
        self.armed = true;
        self.slot.rearm();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_as_the_standard_has_them() {
        assert_eq!(header(Work::default()), [0; 12]);
        let work = Work { checksum: Some((34, 16)), segments: Some((1460, 54)) };
        assert_eq!(header(work), [1, 1, 54, 0, 0xb4, 5, 34, 0, 16, 0, 0, 0]);
    }
}
