//! The devices of a rank's VM, brought up in one pass over the slots.

use crate::virtio::net::NetDevice;
use crate::{bootconfig, console, fs, hca_dev, net, shared, stages, virtio};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use virtio_drivers::transport::DeviceType;

/// How long the end of a rank waits for the host to read what is left.
const FLUSH_NS: u64 = 30_000_000_000;

/// Starts consoles, mounts and the adapter. What fails is told in a notice; the program meets it as an error. An error
/// here is a sentence for the user: the program is not to start.
pub fn init() -> Result<(), String> {
    let config = bootconfig::get();
    let (mut consoles, mut mounts, mut networks) = (None, Vec::new(), Vec::new());
    for slot in virtio::devices() {
        match slot.kind() {
            DeviceType::Console => consoles = Some(slot),
            DeviceType::_9P => mounts.push(slot),
            DeviceType::Network => networks.push(slot),
            other => note!("no driver for virtio device {other:?}"),
        }
    }
    stages::end("slots");
    if let Some(slot) = consoles {
        if let Err(text) = console::init(slot, config.stdin) {
            note!("{text}");
        }
    }
    stages::end("console");
    let files = fs::init(config, mounts);
    stages::end("files");
    for slot in networks {
        match NetDevice::new(slot) {
            Ok(device) => net::init(Box::new(device)),
            Err(text) => note!("{text}"),
        }
    }
    hca_dev::init();
    stages::end("adapter");
    shared::init(config);
    stages::end("windows");
    files
}

/// Lets the host have all output before the power goes.
pub fn shutdown() {
    net::shutdown();
    console::flush(FLUSH_NS);
}
