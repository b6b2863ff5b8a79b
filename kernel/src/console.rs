//! Output, notices and input: three virtio consoles, told apart by their order on QEMU's command line.
//!
//! | console | guest to host | host to guest |
//! |---|---|---|
//! | out | standard output | standard input, if the boot configuration says `stdin=console` |
//! | err | standard error | nothing |
//! | ctl | lifecycle lines | `stdin-eof N`: standard input ends after N bytes |
//!
//! A write copies into buffers that the device owns until it has passed them on, tells the device once, and returns.
//! When all buffers are full the rank sleeps until the host has read some, as with a full pipe.

mod input;
mod receiver;
mod sender;

use crate::cell::KernelCell;
use crate::virtio::Port;
use crate::{irq, log, time};
use alloc::string::String;
use alloc::vec::Vec;
use input::Input;
use receiver::Receiver;
use sender::Sender;

/// Host-to-guest and guest-to-host queue of the first port (Virtio 1.2, 5.3.2).
const RECEIVE: u16 = 0;
const TRANSMIT: u16 = 1;
/// How long a lifecycle line waits for a host that does not read; then it is lost, rather than the rank stuck.
const CTL_PATIENCE_NS: u64 = 2_000_000_000;
/// A host that does not read program output for so long is worth a notice.
const OUTPUT_PATIENCE_NS: u64 = 10_000_000_000;

/// One device.
struct Console {
    name: &'static str,
    port: Port,
    sender: Sender,
    receiver: Option<Receiver>,
}

static OUT: KernelCell<Option<Console>> = KernelCell::new(None);
static ERR: KernelCell<Option<Console>> = KernelCell::new(None);
static CTL: KernelCell<Option<Console>> = KernelCell::new(None);
static INPUT: KernelCell<Option<Input>> = KernelCell::new(None);

/// Starts the consoles, given in the order out, err, ctl; with `input` standard input comes from out. Without consoles
/// output is lost, but a machine started by hand still boots.
pub fn init(ports: Vec<Port>, input: bool) -> Result<(), String> {
    let mut ports = ports.into_iter();
    let mut start = |name, bytes, receive| {
        ports.next().map(|port| Console::start(name, port, bytes, receive)).transpose()
    };
    *OUT.borrow() = start("standard output", 16 << 10, input.then_some(4096))?;
    *ERR.borrow() = start("standard error", 4096, None)?;
    *CTL.borrow() = start("control", 4096, input.then_some(256))?;
    if input {
        *INPUT.borrow() = Some(Input::new());
    }
    log::set_ctl(write_ctl);
    log::set_stderr(write_err);
    Ok(())
}

impl Console {
    fn start(
        name: &'static str,
        mut port: Port,
        bytes: usize,
        receive: Option<usize>,
    ) -> Result<Self, String> {
        let (sender, receiver) = port
            .start(|transport| {
                let receiver = receive.map(|bytes| Receiver::new(transport, RECEIVE, bytes)).transpose()?;
                Ok((Sender::new(transport, TRANSMIT, bytes)?, receiver))
            })
            .map_err(|e| alloc::format!("console for {name}: {e}"))?;
        let mut console = Self { name, port, sender, receiver };
        if let Some(receiver) = &mut console.receiver {
            receiver.offer(&mut console.port);
        }
        Ok(console)
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
            self.sender.kick(&mut self.port);
            if !self.sender.wait(&mut self.port, start + limit_ns.unwrap_or(patience)) {
                if limit_ns.is_some() {
                    break;
                }
                note!("{}: the host has not read for {} s", self.name, patience / 1_000_000_000);
                patience *= 3;
            }
        }
        self.sender.kick(&mut self.port);
    }

    /// Waits until the device has passed everything on.
    fn flush(&mut self, deadline_ns: u64) -> bool {
        while !self.sender.is_idle() {
            if !self.sender.wait(&mut self.port, deadline_ns) {
                return false;
            }
        }
        true
    }

    fn received(&mut self, sink: impl FnMut(&[u8])) {
        if let Some(receiver) = &mut self.receiver {
            receiver.take(&mut self.port, sink);
        }
    }

    /// Lets the device interrupt for what it receives, or not.
    fn listen(&mut self, on: bool) {
        if let Some(receiver) = &mut self.receiver {
            receiver.interrupt(on);
            if on {
                self.port.rearm();
            }
        }
    }
}

/// Writes program output.
pub fn write_out(data: &[u8]) {
    if let Some(console) = &mut *OUT.borrow() {
        console.write(data, None);
    }
}

/// Writes program error output.
pub fn write_err(data: &[u8]) {
    // A fault may have interrupted a write.
    if let Some(Some(console)) = ERR.try_borrow().as_deref_mut() {
        console.write(data, None);
    }
}

/// Writes a lifecycle line.
pub fn write_ctl(line: &[u8]) {
    // A fault may have interrupted a write.
    if let Some(Some(console)) = CTL.try_borrow().as_deref_mut() {
        console.write(line, Some(CTL_PATIENCE_NS));
    }
}

/// Waits, up to `limit_ns`, until the host has all output; false when it does not take it.
pub fn flush(limit_ns: u64) -> bool {
    let deadline = time::now_ns() + limit_ns;
    [&OUT, &ERR, &CTL].into_iter().all(|console| match &mut *console.borrow() {
        Some(console) => console.flush(deadline),
        None => true,
    })
}

/// Moves what the host sent into the input; returns whether a read would return at once. If not, the devices interrupt
/// from here on when something comes, so that the caller may sleep.
pub fn input_ready() -> bool {
    let mut input = INPUT.borrow();
    let Some(input) = &mut *input else { return true };
    let (mut out, mut ctl) = (OUT.borrow(), CTL.borrow());
    for listening in [false, true] {
        if input.is_ready() {
            return true;
        }
        for console in [out.as_mut(), ctl.as_mut()].into_iter().flatten() {
            console.listen(listening);
        }
        if let Some(ctl) = ctl.as_mut() {
            ctl.received(|line| input.control(line));
        }
        if let Some(out) = out.as_mut() {
            out.received(|data| input.data(data));
        }
    }
    input.is_ready()
}

/// Reads standard input, waiting until there is some; 0 at its end or when this rank has none.
pub fn read_in(buf: &mut [u8]) -> usize {
    if buf.is_empty() {
        return 0;
    }
    irq::wait_until(input_ready, None);
    INPUT.borrow().as_mut().map_or(0, |input| input.read(buf))
}
