//! The boot configuration, which the kernel finds as PVH module 0: records `key=value`, each ended by NUL.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::net::RankNet;
use super::options::Mount;
use super::windows::Window;
use crate::failure::{Failure, Result};

/// Version of the configuration's format.
const VERSION: u32 = 1;

/// What a rank's kernel is told at boot.
#[derive(Clone, Debug)]
pub struct BootConfig<'a> {
    /// `argv`, the program's name first.
    pub args: &'a [OsString],
    /// The environment.
    pub env: &'a [(OsString, OsString)],
    /// Processors of the VM.
    pub cpus: u32,
    /// TSC frequency in Hz.
    pub tsc_hz: u64,
    /// Host's real time in nanoseconds since the epoch.
    pub realtime_ns: u128,
    /// Folders, in the order of the machine's 9p devices.
    pub mounts: &'a [Mount],
    /// Working directory in the guest.
    pub cwd: &'a Path,
    /// User and group the program sees.
    pub ids: (u32, u32),
    /// Host's name.
    pub hostname: &'a OsStr,
    /// For `AT_RANDOM` and `getrandom`.
    pub seed: [u8; 32],
    /// Whether this rank gets the runner's standard input.
    pub has_stdin: bool,
    /// Whether the runner's standard output is a terminal.
    pub tty: bool,
    /// Whether the rank waits at its end until its counters were read.
    pub stats: bool,
    /// Whether the rank tells which memory its program begins to use.
    pub large: bool,
    /// Whether a core file is written if the rank dies.
    pub core: bool,
    /// Whether its system calls are shown.
    pub strace: bool,
    /// Whether the rank tells of the stages of its boot.
    pub boot_times: bool,
    /// Samples of the program a second; 0 for none.
    pub profile_hz: u32,
    /// Its number among the ranks on this host.
    pub rank: u32,
    /// Ranks below this number can be woken directly.
    pub bells: u32,
    /// Bits of a physical address.
    pub address_bits: u32,
    /// Position of the job region on the PCI bus, and its length.
    pub job_region: (u8, u64),
    /// RAM of other ranks.
    pub windows: &'a [Window],
    /// The network.
    pub net: RankNet<'a>,
}

/// The tag of the `n`th mount: its 9p device's and its record's.
pub fn mount_tag(n: usize) -> String {
    format!("root{n}")
}

impl BootConfig<'_> {
    /// Encodes the records.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut records = Records::default();
        records.text("version", VERSION)?;
        for arg in self.args {
            records.add("arg", &[arg.as_bytes()])?;
        }
        for (key, value) in self.env {
            records.add("env", &[key.as_bytes(), b"=", value.as_bytes()])?;
        }
        records.text("cpus", self.cpus)?;
        records.text("tsc_hz", self.tsc_hz)?;
        records.text("realtime_ns", self.realtime_ns)?;
        for (n, mount) in self.mounts.iter().enumerate() {
            let flag: &[u8] = if mount.read_only { b":ro" } else { b"" };
            let tag = mount_tag(n);
            records.add("mount", &[tag.as_bytes(), b":", mount.guest.as_os_str().as_bytes(), flag])?;
        }
        records.add("cwd", &[self.cwd.as_os_str().as_bytes()])?;
        records.text("uid", self.ids.0)?;
        records.text("gid", self.ids.1)?;
        records.add("hostname", &[self.hostname.as_bytes()])?;
        records.text("seed", self.seed.iter().map(|b| format!("{b:02x}")).collect::<String>())?;
        if self.has_stdin {
            records.text("stdin", "console")?;
        }
        records.text("tty", u8::from(self.tty))?;
        if self.stats {
            records.text("stats", 1)?;
        }
        if self.large {
            records.text("large", 1)?;
        }
        if self.core {
            records.text("core", 1)?;
        }
        if self.strace {
            records.text("strace", 1)?;
        }
        if self.boot_times {
            records.text("boot_times", 1)?;
        }
        if self.profile_hz > 0 {
            records.text("profile", self.profile_hz)?;
        }
        records.text("rank", self.rank)?;
        records.text("bells", self.bells)?;
        records.text("address_bits", self.address_bits)?;
        let (devfn, len) = self.job_region;
        records.text("ivc", format!("{devfn}:{len}"))?;
        for Window { rank, devfn, len, rights } in self.windows {
            records.text("window", format!("{rank}:{devfn}:{len}:{}", rights.name()))?;
        }
        if let Some(net) = self.net.record() {
            records.text("net", net)?;
        }
        Ok(records.bytes)
    }
}

#[derive(Default)]
struct Records {
    bytes: Vec<u8>,
}

impl Records {
    fn text(&mut self, key: &str, value: impl ToString) -> Result<()> {
        self.add(key, &[value.to_string().as_bytes()])
    }

    fn add(&mut self, key: &str, parts: &[&[u8]]) -> Result<()> {
        if parts.iter().any(|p| p.contains(&0)) {
            return Err(Failure::usage(format!("a NUL byte in {key} cannot be passed to a program")));
        }
        self.bytes.extend_from_slice(key.as_bytes());
        self.bytes.push(b'=');
        parts.iter().for_each(|p| self.bytes.extend_from_slice(p));
        self.bytes.push(0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::net::NetChoice;
    use crate::run::options::WindowRights;

    #[test]
    fn records_are_in_order_and_ended() {
        let args = ["app".into(), OsStr::from_bytes(b"\xff=x").to_owned()];
        let env = [("A".into(), "b=c".into())];
        let net: NetChoice = "user".parse().unwrap();
        let mounts = [Mount { host: "/h".into(), guest: "/g".into(), read_only: true }];
        let config = BootConfig {
            args: &args,
            env: &env,
            cpus: 3,
            tsc_hz: 5,
            realtime_ns: 6,
            mounts: &mounts,
            cwd: Path::new("/g/w"),
            ids: (1, 2),
            hostname: OsStr::new("host"),
            seed: [0xab; 32],
            has_stdin: true,
            tty: false,
            stats: true,
            large: true,
            core: true,
            strace: true,
            boot_times: true,
            profile_hz: 99,
            rank: 1,
            bells: 2,
            address_bits: 40,
            job_region: (16, 1 << 20),
            windows: &[Window { rank: 0, devfn: 24, len: 80 << 20, rights: WindowRights::Ro }],
            net: net.of(0),
        };
        let expected = [
            b"version=1\0arg=app\0arg=\xff=x\0env=A=b=c\0cpus=3\0tsc_hz=5\0realtime_ns=6\0mount=root0:/g:ro\0"
                .as_slice(),
            b"cwd=/g/w\0uid=1\0gid=2\0hostname=host\0seed=",
            "ab".repeat(32).as_bytes(),
            b"\0stdin=console\0tty=0\0stats=1\0large=1\0core=1\0strace=1\0boot_times=1\0profile=99\0rank=1\0bells=2\0address_bits=40\0ivc=16:1048576\0window=0:24:83886080:ro\0net=dhcp\0",
        ]
        .concat();
        assert_eq!(config.encode().unwrap(), expected);
        let args = [OsStr::from_bytes(b"a\0b").to_owned()];
        assert!(BootConfig { args: &args, ..config }.encode().is_err());
    }
}
