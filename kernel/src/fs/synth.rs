//! Devices and the few files of /dev, /proc and /sys that programs and their libraries look for.

use super::path::{Name, split};
use super::ram::{Body, DEVICE_MODE, LINK_MODE, Ram, file_mode};
use super::{processors, text};
use crate::bootconfig::BootConfig;
use crate::console;
use crate::errno::{Errno, Result};
use crate::net;
use crate::process::PID;
use alloc::format;
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

/// Files whose text is made when they are opened.
const TEXTS: [(&str, MakeText); 23] = [
    ("/proc/cpuinfo", processors::cpuinfo),
    ("/proc/loadavg", text::loadavg),
    ("/proc/meminfo", text::meminfo),
    ("/proc/stat", text::stat),
    ("/proc/uptime", text::uptime),
    ("/proc/version", text::version),
    ("/proc/self/cmdline", text::cmdline),
    ("/proc/self/comm", text::comm),
    ("/proc/self/environ", text::environ),
    ("/proc/self/maps", text::maps),
    ("/proc/self/mounts", text::mounts),
    ("/proc/self/stat", text::process_stat),
    ("/proc/self/statm", text::statm),
    ("/proc/self/status", text::status),
    ("/proc/sys/kernel/hostname", text::hostname),
    ("/proc/sys/kernel/osrelease", text::osrelease),
    ("/proc/sys/vm/overcommit_memory", text::zero),
    ("/proc/sys/vm/nr_hugepages", text::zero),
    ("/sys/devices/system/node/node0/meminfo", text::node_meminfo),
    ("/sys/kernel/mm/transparent_hugepage/enabled", text::huge_pages),
    ("/etc/hosts", net::config::hosts),
    ("/etc/nsswitch.conf", net::config::nsswitch),
    ("/etc/resolv.conf", net::config::resolv_conf),
];

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
    for (path, make) in TEXTS {
        ram.put(&names(path.as_bytes()), file_mode(0o444), Body::Text(make))?;
    }
    processors::files(config.cpus.into(), |path, text| {
        let body = Body::Packed(text.as_bytes().to_vec().leak());
        // Only a name that is no path fails, and these are none.
        let _ = ram.put(&names(path.as_bytes()), file_mode(0o444), body);
    });
    ram.put(&names(format!("/proc/{PID}").as_bytes()), LINK_MODE, Body::Link(b"self".to_vec()))?;
    ram.put(&names(b"/proc/mounts"), LINK_MODE, Body::Link(b"self/mounts".to_vec()))?;
    if let Some(program) = config.args.first() {
        ram.put(&names(b"/proc/self/exe"), LINK_MODE, Body::Link(text::program_path(config, program)))?;
    }
    for path in ["/tmp", "/dev/shm"] {
        ram.make_directories(&names(path.as_bytes()), true)?;
    }
    Ok(())
}
