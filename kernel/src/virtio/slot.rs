//! One device: its registers and the wait for its completions.

use super::KernelHal;
use crate::cell::KernelCell;
use crate::irq::{self, Vector};
use crate::time;
use alloc::collections::BTreeMap;
use bitflags::bitflags;
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::mmio::MmioTransport;
use virtio_drivers::transport::{DeviceType, Transport};

bitflags! {
    /// Feature bits that the drivers here know.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Features: u64 {
        /// A console device has several ports.
        const CONSOLE_MULTIPORT = 1 << 1;
        /// A network device completes checksums of what it sends.
        const NET_CSUM = 1 << 0;
        /// The driver takes frames with incomplete checksums.
        const NET_GUEST_CSUM = 1 << 1;
        /// A network device says how long packets may be.
        const NET_MTU = 1 << 3;
        /// A network device has an address.
        const NET_MAC = 1 << 5;
        /// The driver takes TCP packets of many segments.
        const NET_GUEST_TSO4 = 1 << 7;
        /// A network device cuts TCP packets into segments.
        const NET_HOST_TSO4 = 1 << 11;
        /// The device follows virtio 1.0 or later.
        const VERSION_1 = 1 << 32;
    }
}

/// A completion that comes while the processor still looks costs no interrupt; then the processor is left to the host's
/// device thread, which may need it. How long it looks adapts between these: longer when looking paid, shorter when not.
const SPIN_NS: core::ops::RangeInclusive<u64> = 20_000..=400_000;
/// Inputs of an I/O APIC.
const INPUTS: u32 = 24;
/// Longest sleep before the ring is looked at again, should an interrupt be lost.
const NAP_NS: u64 = 100_000_000;

/// Vectors of lines that were routed.
static ROUTED: KernelCell<BTreeMap<u32, Vector>> = KernelCell::new(BTreeMap::new());

/// The vector of an interrupt line, routed when it is first asked for.
fn vector_of(gsi: u32) -> Vector {
    // QEMU passes input 0 of every I/O APIC on as its input 2 (hw/intc/ioapic.c, ioapic_set_irq).
    let gsi = if gsi % INPUTS == 0 { gsi + 2 } else { gsi };
    *ROUTED.borrow().entry(gsi).or_insert_with(|| {
        let vector = irq::allocate();
        irq::ioapic_route(gsi, vector);
        vector
    })
}

/// A device's registers and its interrupt.
pub struct Slot {
    transport: MmioTransport<'static>,
    gsi: u32,
    interrupt: Option<Interrupt>,
    spin_ns: u64,
}

/// The line of a device that somebody has waited for.
struct Interrupt {
    vector: Vector,
    /// Count of interrupts that were acknowledged at the device.
    acknowledged: u32,
}

impl Slot {
    pub(super) fn new(transport: MmioTransport<'static>, gsi: u32) -> Self {
        Self { transport, gsi, interrupt: None, spin_ns: *SPIN_NS.end() }
    }

    /// What the device is.
    pub fn kind(&self) -> DeviceType {
        self.transport.device_type()
    }

    /// Resets the device, agrees on features and lets `queues` make its queues. Features that the device does not have
    /// are an error.
    pub fn start<T>(
        &mut self,
        features: Features,
        queues: impl FnOnce(&mut MmioTransport<'static>) -> virtio_drivers::Result<T>,
    ) -> virtio_drivers::Result<T> {
        self.start_with(features, Features::empty(), |transport, _| queues(transport))
    }

    /// As [`Slot::start`], with features that the device need not have; `queues` gets those it has.
    pub fn start_with<T>(
        &mut self,
        required: Features,
        optional: Features,
        queues: impl FnOnce(&mut MmioTransport<'static>, Features) -> virtio_drivers::Result<T>,
    ) -> virtio_drivers::Result<T> {
        let required = required | Features::VERSION_1;
        let agreed = self.transport.begin_init(required | optional);
        if !agreed.contains(required) {
            return Err(virtio_drivers::Error::Unsupported);
        }
        let made = queues(&mut self.transport, agreed)?;
        self.transport.finish_init();
        Ok(made)
    }

    /// The transport, for the configuration space.
    pub fn transport(&self) -> &MmioTransport<'static> {
        &self.transport
    }

    /// Tells the device of buffers added to a queue, unless it is looking anyway.
    pub fn kick<const N: usize>(&mut self, index: u16, queue: &VirtQueue<KernelHal, N>) {
        if queue.should_notify() {
            self.transport.notify(index);
        }
    }

    /// Waits until the device has used a buffer of the queue or until `deadline_ns`; whether it has.
    pub fn wait<const N: usize>(
        &mut self,
        queue: &mut VirtQueue<KernelHal, N>,
        deadline_ns: Option<u64>,
    ) -> bool {
        let start = time::now_ns();
        while time::now_ns() - start < self.spin_ns {
            if queue.can_pop() {
                self.spin_ns = (2 * self.spin_ns).min(*SPIN_NS.end());
                return true;
            }
            core::hint::spin_loop();
        }
        self.spin_ns = (self.spin_ns / 2).max(*SPIN_NS.start());
        queue.set_dev_notify(true);
        let done = self.sleep_until(|| queue.can_pop(), deadline_ns);
        queue.set_dev_notify(false);
        done
    }

    /// Sleeps until `ready` or `deadline_ns`, woken by the device; whether it is ready.
    pub fn sleep_until(&mut self, ready: impl Fn() -> bool, deadline_ns: Option<u64>) -> bool {
        loop {
            if ready() {
                return true;
            }
            self.rearm();
            let now = time::now_ns();
            if deadline_ns.is_some_and(|d| now >= d) {
                return ready();
            }
            let nap = deadline_ns.unwrap_or(u64::MAX).min(now + NAP_NS);
            let interrupt = self.interrupt.as_ref().map(|i| (i.vector, i.acknowledged));
            let woken = || interrupt.is_some_and(|(vector, seen)| irq::pending(vector) != seen);
            if !irq::wait_here(|| ready() || woken(), Some(nap)) {
                self.acknowledge();
            }
        }
    }

    /// Makes the next completion an interrupt: the line is edge-triggered, and it falls when the device's interrupt
    /// status is acknowledged.
    pub fn rearm(&mut self) {
        match &mut self.interrupt {
            None => {
                let vector = vector_of(self.gsi);
                self.interrupt = Some(Interrupt { vector, acknowledged: irq::pending(vector) });
                self.acknowledge();
            }
            Some(i) if irq::pending(i.vector) != i.acknowledged => {
                i.acknowledged = irq::pending(i.vector);
                self.acknowledge();
            }
            Some(_) => {}
        }
    }

    /// Whether it has interrupted since its interrupt was acknowledged last.
    pub fn interrupted(&self) -> bool {
        self.interrupt.as_ref().is_some_and(|i| irq::pending(i.vector) != i.acknowledged)
    }

    /// Tells the device that its interrupt was seen, so that its line falls.
    pub fn acknowledge(&mut self) {
        self.transport.ack_interrupt();
    }
}
