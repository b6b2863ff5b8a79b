//! The devices of a rank's VM, brought up in one pass over the slots.

use crate::{bootconfig, console, fs, hca_dev, shared, virtio};
use alloc::string::String;
use alloc::vec::Vec;
use virtio_drivers::transport::DeviceType;

/// How long the end of a rank waits for the host to read what is left.
const FLUSH_NS: u64 = 30_000_000_000;

/// Starts consoles, mounts and the adapter. What fails is told in a notice; the program meets it as an error. An error
/// here is a sentence for the user: the program is not to start.
pub fn init() -> Result<(), String> {
    let config = bootconfig::get();
    let (mut consoles, mut mounts) = (None, Vec::new());
    for slot in virtio::devices() {
        match slot.kind() {
            DeviceType::Console => consoles = Some(slot),
            DeviceType::_9P => mounts.push(slot),
            other => note!("no driver for virtio device {other:?}"),
        }
    }
    if let Some(slot) = consoles {
        if let Err(text) = console::init(slot, config.stdin) {
            note!("{text}");
        }
    }
    let files = fs::init(config, mounts);
    hca_dev::init();
    shared::init(config);
    files
}

/// Lets the host have all output before the power goes.
pub fn shutdown() {
    console::flush(FLUSH_NS);
}
