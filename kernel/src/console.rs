//! Output, notices and input: three ports of one virtio console device.
//!
//! | port | name | guest to host | host to guest |
//! |---|---|---|---|
//! | 1 | out | standard output | standard input, if the boot configuration says `stdin=console` |
//! | 2 | err | standard error | nothing |
//! | 3 | ctl | lifecycle lines | `stdin-eof N`: standard input ends after N bytes; `signal N`: the rank gets signal N |
//!
//! Not `virtconsole` devices, which would be port 0: QEMU throws away what the host does not read fast enough from
//! them, while it holds back the buffers of other ports (hw/char/virtio-console.c, flush_buf).
//!
//! A write copies into buffers that the device owns until it has passed them on, tells the device once, and returns.
//! When all buffers are full the rank sleeps until the host has read some, as with a full pipe.

mod control;
mod input;
mod receiver;
mod sender;

use crate::cell::KernelCell;
use crate::errno::Result as SysResult;
use crate::virtio::Slot;
use crate::virtio::slot::Features;
use crate::{irq, log, time};
use alloc::format;
use alloc::string::String;
use control::{Control, Line};
use input::Input;
use receiver::Receiver;
use sender::Sender;
use virtio_drivers::Error;
use virtio_drivers::transport::Transport;

/// Queue on which the driver sends control messages (Virtio 1.2, 5.3.2).
const CONTROL_TRANSMIT: u16 = 3;
/// Event of a control message: the driver has opened a port (5.3.6.2). Only then does the host's data come.
const PORT_OPEN: u16 = 6;
/// How long a lifecycle line waits for a host that does not read; then it is lost, rather than the rank stuck.
const CTL_PATIENCE_NS: u64 = 2_000_000_000;
/// A host that does not read program output for so long is worth a notice.
const OUTPUT_PATIENCE_NS: u64 = 10_000_000_000;

/// One port.
struct Port {
    name: &'static str,
    sender: Sender,
    receiver: Option<Receiver>,
}

static SLOT: KernelCell<Option<Slot>> = KernelCell::new(None);
static OUT: KernelCell<Option<Port>> = KernelCell::new(None);
static ERR: KernelCell<Option<Port>> = KernelCell::new(None);
static CTL: KernelCell<Option<Port>> = KernelCell::new(None);
static INPUT: KernelCell<Option<Input>> = KernelCell::new(None);
static CONTROL: KernelCell<Control> = KernelCell::new(Control::new());

/// Starts the ports; with `input` standard input comes from out.
pub fn init(mut slot: Slot, input: bool) -> Result<(), String> {
    let started = slot.start(Features::CONSOLE_MULTIPORT, |transport| {
        let out = Port::new(transport, 1, "standard output", 16 << 10, input.then_some(4096))?;
        let err = Port::new(transport, 2, "standard error", 4096, None)?;
        let ctl = Port::new(transport, 3, "control", 4096, Some(256))?;
        let control = Sender::new(transport, CONTROL_TRANSMIT, 8)?;
        Ok((out, err, ctl, control))
    });
    let (mut out, err, mut ctl, mut control) = started.map_err(|e| match e {
        Error::Unsupported => String::from("the console device has one port: it needs max_ports=4"),
        e => format!("console device: {e}"),
    })?;
    for (number, port) in [(1u32, &mut out), (3, &mut ctl)] {
        let Some(receiver) = &mut port.receiver else { continue };
        let mut message = [0; 8];
        message[..4].copy_from_slice(&number.to_le_bytes());
        message[4..6].copy_from_slice(&PORT_OPEN.to_le_bytes());
        message[6] = 1;
        control.add(&message);
        receiver.offer(&mut slot);
    }
    control.kick(&mut slot);
    // The device may still read the messages, and nobody takes them back: they stay for the rest of the run.
    core::mem::forget(control);
    *INPUT.borrow() = input.then(Input::new);
    // A signal interrupts whatever the rank does.
    if let Some(receiver) = &mut ctl.receiver {
        receiver.interrupt(true);
    }
    slot.rearm();
    *SLOT.borrow() = Some(slot);
    *OUT.borrow() = Some(out);
    *ERR.borrow() = Some(err);
    *CTL.borrow() = Some(ctl);
    log::set_ctl(write_ctl);
    log::set_stderr(write_err);
    Ok(())
}

/// Does something with the device; `None` without one, or in a fault that interrupted such work.
fn with_slot<T>(f: impl FnOnce(&mut Slot) -> T) -> Option<T> {
    SLOT.try_borrow()?.as_mut().map(f)
}

impl Port {
    fn new(
        transport: &mut impl Transport,
        number: u16,
        name: &'static str,
        bytes: usize,
        receive: Option<usize>,
    ) -> virtio_drivers::Result<Self> {
        // Queues 0 and 1 are port 0's, 2 and 3 carry control messages, then two per port.
        let (receive_queue, transmit_queue) = (2 * number + 2, 2 * number + 3);
        let receiver = receive.map(|bytes| Receiver::new(transport, receive_queue, bytes)).transpose()?;
        Ok(Self { name, sender: Sender::new(transport, transmit_queue, bytes)?, receiver })
    }

    /// Copies everything to the device. Program output waits as long as it takes and says so; `limit_ns` bounds it.
    fn write(&mut self, mut data: &[u8], limit_ns: Option<u64>) {
        let start = time::now_ns();
        let mut patience = OUTPUT_PATIENCE_NS;
        while !data.is_empty() {
            let n = self.sender.add(data);
            data = &data[n..];
            if n > 0 {
                continue;
            }
            let deadline = start + limit_ns.unwrap_or(patience);
            let free = with_slot(|slot| {
                self.sender.kick(slot);
                self.sender.wait(slot, deadline)
            });
            match free {
                Some(true) => {}
                Some(false) if limit_ns.is_none() => {
                    note!("{}: the host has not read for {} s", self.name, patience / 1_000_000_000);
                    patience *= 3;
                }
                _ => return,
            }
        }
        with_slot(|slot| self.sender.kick(slot));
    }

    /// Waits until the device has passed everything on.
    fn flush(&mut self, deadline_ns: u64) -> bool {
        while !self.sender.is_idle() {
            if with_slot(|slot| self.sender.wait(slot, deadline_ns)) != Some(true) {
                return false;
            }
        }
        true
    }

    /// Passes what the host sent to `sink`. With `interrupt` the device interrupts from here on when more comes.
    fn receive(&mut self, slot: &mut Slot, interrupt: bool, sink: impl FnMut(&[u8])) {
        if let Some(receiver) = &mut self.receiver {
            receiver.interrupt(interrupt);
            receiver.take(slot, sink);
        }
    }
}

/// Writes program output.
pub fn write_out(data: &[u8]) {
    if let Some(port) = &mut *OUT.borrow() {
        port.write(data, None);
    }
}

/// Writes program error output.
pub fn write_err(data: &[u8]) {
    // A fault may have interrupted a write.
    if let Some(Some(port)) = ERR.try_borrow().as_deref_mut() {
        port.write(data, None);
    }
}

/// Writes a lifecycle line.
pub fn write_ctl(line: &[u8]) {
    // A fault may have interrupted a write.
    if let Some(Some(port)) = CTL.try_borrow().as_deref_mut() {
        port.write(line, Some(CTL_PATIENCE_NS));
    }
}

/// Writes a line of what the user asked to see, however long the host takes.
pub fn write_ctl_all(line: &[u8]) {
    if let Some(Some(port)) = CTL.try_borrow().as_deref_mut() {
        port.write(line, None);
    }
}

/// Waits, up to `limit_ns`, until the host has all output; false when it does not take it.
pub fn flush(limit_ns: u64) -> bool {
    let deadline = time::now_ns() + limit_ns;
    [&OUT, &ERR, &CTL].into_iter().all(|port| match port.try_borrow().as_deref_mut() {
        Some(Some(port)) => port.flush(deadline),
        Some(None) => true,
        None => false,
    })
}

/// Takes what the host has said on the control console. Its interrupt is acknowledged first, so that what comes from
/// then on interrupts again.
fn take_control() {
    // A fault may have interrupted such work.
    let (Some(mut slot), Some(mut ctl)) = (SLOT.try_borrow(), CTL.try_borrow()) else { return };
    let (Some(slot), Some(receiver)) = (slot.as_mut(), ctl.as_mut().and_then(|ctl| ctl.receiver.as_mut()))
    else {
        return;
    };
    if slot.interrupted() || receiver.has_some() {
        slot.rearm();
        receiver.take(slot, |text| CONTROL.borrow().feed(text));
    }
}

/// Takes a signal that the host wants the rank to get.
pub fn take_signal() -> Option<u32> {
    take_control();
    let (signal, ends) = {
        let mut control = CONTROL.borrow();
        let mut ends = None;
        let signal = loop {
            match control.next() {
                Some(Line::InputEnds(bytes)) => ends = Some(bytes),
                Some(Line::Signal(signal)) => break Some(signal),
                None => break None,
            }
        };
        (signal, ends)
    };
    if let (Some(bytes), Some(input)) = (ends, INPUT.borrow().as_mut()) {
        input.ends_after(bytes);
    }
    signal
}

/// Moves what the host sent into the input; returns whether a read would return at once. If not, the device interrupts
/// from here on when something comes, so that the caller may sleep.
pub fn input_ready() -> bool {
    // Where input ends is told on the control console.
    crate::signal::poll_host();
    let mut input = INPUT.borrow();
    let Some(input) = &mut *input else { return true };
    let (mut slot, mut out) = (SLOT.borrow(), OUT.borrow());
    let (Some(slot), Some(out)) = (slot.as_mut(), out.as_mut()) else { return true };
    for interrupt in [false, true] {
        if input.is_ready() {
            return true;
        }
        if interrupt {
            slot.rearm();
        }
        out.receive(slot, interrupt, |data| input.data(data));
    }
    input.is_ready()
}

/// Reads standard input, waiting until there is some; 0 at its end or when this rank has none. EINTR if a signal comes
/// first.
pub fn read_in(buf: &mut [u8]) -> SysResult<usize> {
    if buf.is_empty() {
        return Ok(0);
    }
    irq::wait_interruptible(input_ready, None)?;
    Ok(INPUT.borrow().as_mut().map_or(0, |input| input.read(buf)))
}
