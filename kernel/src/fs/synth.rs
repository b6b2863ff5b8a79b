//! Devices and the few files of /dev, /proc and /sys that programs and their libraries look for.

use super::path::{Name, split};
use super::ram::{Body, DEVICE_MODE, LINK_MODE, Ram, file_mode};
use super::text;
use crate::bootconfig::BootConfig;
use crate::console;
use crate::errno::{Errno, Result};
use crate::net;
use alloc::vec::Vec;

/// A character device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// Swallows, and is at its end.
    Null,
    /// Swallows, gives zeros.
    Zero,
    /// Is full, gives zeros.
    Full,
    /// Gives random bytes.
    Random,
    /// The terminal, if there is one.
    Terminal,
    /// Standard input.
    Input,
    /// Standard output.
    Output,
    /// Standard error.
    Errors,
}

impl Device {
    /// Device number, as Linux has it (Documentation/admin-guide/devices.txt).
    pub fn number(self) -> u64 {
        let (major, minor) = match self {
            Device::Null => (1, 3),
            Device::Zero => (1, 5),
            Device::Full => (1, 7),
            Device::Random => (1, 9),
            Device::Terminal => (5, 0),
            Device::Input | Device::Output | Device::Errors => (136, 0),
        };
        major << 8 | minor
    }

    /// Whether it is one of the program's three standard files.
    pub fn is_console(self) -> bool {
        matches!(self, Device::Terminal | Device::Input | Device::Output | Device::Errors)
    }

    /// Reads.
    pub fn read(self, buf: &mut [u8]) -> Result<usize> {
        match self {
            Device::Null => return Ok(0),
            Device::Zero | Device::Full => buf.fill(0),
            Device::Random => crate::random::fill(buf),
            Device::Input | Device::Terminal => return console::read_in(buf),
            Device::Output | Device::Errors => return Err(Errno::EBADF),
        }
        Ok(buf.len())
    }

    /// Writes.
    pub fn write(self, data: &[u8]) -> Result<usize> {
        match self {
            Device::Null | Device::Zero | Device::Random => {}
            Device::Full => return Err(Errno::ENOSPC),
            Device::Output | Device::Terminal => console::write_out(data),
            Device::Errors => console::write_err(data),
            Device::Input => return Err(Errno::EBADF),
        }
        Ok(data.len())
    }
}

type MakeText = fn() -> Vec<u8>;

fn names(path: &[u8]) -> Vec<Name> {
    split(path).map(|s| s.names).unwrap_or_default()
}

/// Fills the tree.
pub fn populate(ram: &Ram, config: &BootConfig) -> Result<()> {
    for (path, device) in [
        ("/dev/null", Device::Null),
        ("/dev/zero", Device::Zero),
        ("/dev/full", Device::Full),
        ("/dev/random", Device::Random),
        ("/dev/urandom", Device::Random),
        ("/dev/tty", Device::Terminal),
        ("/dev/stdin", Device::Input),
        ("/dev/stdout", Device::Output),
        ("/dev/stderr", Device::Errors),
        ("/proc/self/fd/0", Device::Input),
        ("/proc/self/fd/1", Device::Output),
        ("/proc/self/fd/2", Device::Errors),
    ] {
        ram.put(&names(path.as_bytes()), DEVICE_MODE, Body::Device(device))?;
    }
    let texts: [(&str, MakeText); 13] = [
        ("/proc/cpuinfo", text::cpuinfo),
        ("/proc/meminfo", text::meminfo),
        ("/proc/stat", text::stat),
        ("/proc/self/maps", text::maps),
        ("/proc/self/cmdline", text::cmdline),
        ("/proc/self/status", text::status),
        ("/proc/sys/kernel/osrelease", text::osrelease),
        ("/proc/sys/vm/overcommit_memory", text::zero),
        ("/sys/devices/system/cpu/online", text::zero),
        ("/sys/devices/system/cpu/possible", text::zero),
        ("/etc/hosts", net::config::hosts),
        ("/etc/nsswitch.conf", net::config::nsswitch),
        ("/etc/resolv.conf", net::config::resolv_conf),
    ];
    for (path, make) in texts {
        ram.put(&names(path.as_bytes()), file_mode(0o444), Body::Text(make))?;
    }
    if let Some(program) = config.args.first() {
        ram.put(&names(b"/proc/self/exe"), LINK_MODE, Body::Link(text::program_path(config, program)))?;
    }
    for path in ["/tmp", "/dev/shm"] {
        ram.make_directories(&names(path.as_bytes()), true)?;
    }
    Ok(())
}
