//! What the launcher tells the rank: a PVH module of `key=value` records, each ended by a NUL.
//!
//! `version=1` comes first; keys this kernel does not know are ignored. Without a module the arguments come from the PVH
//! command line and the environment is empty.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::cell::Once;
use crate::net::config::NetConfig;

/// Version of the boot configuration this kernel reads.
pub const VERSION: &str = "1";

/// A directory of the host to be mounted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mount {
    /// The 9p device's mount tag.
    pub tag: String,
    /// Where the program sees it.
    pub path: Vec<u8>,
    /// Refuse to write.
    pub read_only: bool,
}

/// Where the memory is that all ranks of the job on this host share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JobRegion {
    /// Its device's position on the PCI bus: slot and function.
    pub devfn: u8,
    /// Its bytes.
    pub len: u64,
}

/// Where the RAM of another rank is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PeerWindow {
    /// The rank.
    pub rank: u16,
    /// Its device's position on the PCI bus: slot and function.
    pub devfn: u8,
    /// Bytes of RAM.
    pub len: u64,
    /// It may not be written.
    pub read_only: bool,
}

/// The boot configuration.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct BootConfig {
    /// The program's arguments, its name first.
    pub args: Vec<Vec<u8>>,
    /// The program's environment, `NAME=value`.
    pub env: Vec<Vec<u8>>,
    /// Frequency of the time stamp counter; 0 if the launcher does not know.
    pub tsc_hz: u64,
    /// Processors the VM has.
    pub cpus: u16,
    /// CLOCK_REALTIME at the start of the VM, in nanoseconds.
    pub realtime_ns: u64,
    /// Directories to mount.
    pub mounts: Vec<Mount>,
    /// The working directory; empty means `/`.
    pub cwd: Vec<u8>,
    /// User the program believes to be.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Name of the host for `uname`.
    pub hostname: Vec<u8>,
    /// Random bytes of the launcher; without them the time stamp counter has to do.
    pub seed: Option<[u8; 32]>,
    /// Standard input is connected.
    pub stdin: bool,
    /// Standard output is a terminal.
    pub tty: bool,
    /// The launcher reads the VM's counters when the rank ends.
    pub stats: bool,
    /// The launcher wants to know which memory the program begins to use.
    pub large: bool,
    /// The launcher writes a core file if the rank dies.
    pub core: bool,
    /// System calls are shown.
    pub strace: bool,
    /// The launcher wants to know when the stages of the boot ended.
    pub boot_times: bool,
    /// Samples of the program a second; 0 for none.
    pub profile_hz: u32,
    /// This rank's number among the job's on this host.
    pub rank: u32,
    /// Ranks below this number can be woken directly.
    pub bells: u32,
    /// Bits of a physical address; 0 if the launcher does not know. Where ring 3 runs on the bare processor, as on KVM
    /// without hardware virtualization, CPUID tells the host's instead.
    pub address_bits: u32,
    /// Memory that all ranks share.
    pub job_region: Option<JobRegion>,
    /// RAM of other ranks.
    pub windows: Vec<PeerWindow>,
    /// The network, if there is one.
    pub net: Option<NetConfig>,
}

impl BootConfig {
    /// Reads a module. The error is a sentence for the user.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut records = bytes.split(|&b| b == 0).filter(|r| !r.is_empty());
        match records.next().and_then(split) {
            Some((b"version", version)) if version == VERSION.as_bytes() => {}
            Some((b"version", version)) => {
                return Err(format!(
                    "boot configuration of version {}, the image's kernel reads version {VERSION}: use the unirank the image was built with",
                    String::from_utf8_lossy(version)
                ));
            }
            _ => return Err(String::from("the boot module is not a boot configuration (no version= first)")),
        }
        let mut config = Self::default();
        for record in records {
            let Some((key, value)) = split(record) else { continue };
            config.set(key, value).map_err(|what| {
                format!(
                    "boot configuration: {}={}: {what}",
                    String::from_utf8_lossy(key),
                    String::from_utf8_lossy(value)
                )
            })?;
        }
        Ok(config)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), &'static str> {
        match key {
            b"arg" => self.args.push(value.to_vec()),
            b"env" => self.env.push(value.to_vec()),
            b"cpus" => self.cpus = number::<u16>(value)?.max(1),
            b"tsc_hz" => self.tsc_hz = number(value)?,
            b"realtime_ns" => self.realtime_ns = number(value)?,
            b"uid" => self.uid = number(value)?,
            b"gid" => self.gid = number(value)?,
            b"cwd" => self.cwd = value.to_vec(),
            b"hostname" => self.hostname = value.to_vec(),
            b"mount" => self.mounts.push(mount(value)?),
            b"seed" => self.seed = Some(seed(value)?),
            b"stdin" => self.stdin = value == b"console",
            b"tty" => self.tty = value == b"1",
            b"stats" => self.stats = value == b"1",
            b"large" => self.large = value == b"1",
            b"core" => self.core = value == b"1",
            b"strace" => self.strace = value == b"1",
            b"boot_times" => self.boot_times = value == b"1",
            b"profile" => self.profile_hz = number(value)?,
            b"rank" => self.rank = number(value)?,
            b"address_bits" => self.address_bits = number(value)?,
            b"bells" => self.bells = number(value)?,
            b"ivc" => self.job_region = Some(job_region(value)?),
            b"window" => self.windows.push(window(value)?),
            b"net" => self.net = Some(NetConfig::parse(value)?),
            _ => {}
        }
        Ok(())
    }

    /// Arguments from a command line, separated by spaces.
    pub fn from_cmdline(line: &[u8]) -> Self {
        let args: Vec<Vec<u8>> =
            line.split(|&b| b == b' ').filter(|a| !a.is_empty()).map(<[u8]>::to_vec).collect();
        Self { args, ..Self::default() }
    }

    /// The value of an environment variable.
    pub fn env_var(&self, name: &str) -> Option<&[u8]> {
        self.env.iter().find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
    }
}

fn split(record: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = record.iter().position(|&b| b == b'=')?;
    Some((&record[..at], &record[at + 1..]))
}

fn number<T: core::str::FromStr>(value: &[u8]) -> Result<T, &'static str> {
    core::str::from_utf8(value).ok().and_then(|v| v.parse().ok()).ok_or("not a number of the right size")
}

fn mount(value: &[u8]) -> Result<Mount, &'static str> {
    let at = value.iter().position(|&b| b == b':').ok_or("expected TAG:PATH")?;
    let tag = core::str::from_utf8(&value[..at]).map_err(|_| "the tag is not text")?;
    let (path, read_only) = match value[at + 1..].strip_suffix(b":ro") {
        Some(path) => (path, true),
        None => (&value[at + 1..], false),
    };
    if !path.starts_with(b"/") {
        return Err("the path is not absolute");
    }
    Ok(Mount { tag: String::from(tag), path: path.to_vec(), read_only })
}

fn job_region(value: &[u8]) -> Result<JobRegion, &'static str> {
    let mut parts = value.split(|&b| b == b':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(devfn), Some(len), None) => Ok(JobRegion { devfn: number(devfn)?, len: number(len)? }),
        _ => Err("expected DEVFN:LENGTH"),
    }
}

fn window(value: &[u8]) -> Result<PeerWindow, &'static str> {
    let form = "expected RANK:DEVFN:LENGTH:rw or :ro";
    let mut parts = value.split(|&b| b == b':');
    let mut part = || parts.next().ok_or(form);
    let (rank, devfn, len) = (number(part()?)?, number(part()?)?, number(part()?)?);
    let read_only = match part()? {
        b"rw" => false,
        b"ro" => true,
        _ => return Err(form),
    };
    if parts.next().is_some() {
        return Err(form);
    }
    Ok(PeerWindow { rank, devfn, len, read_only })
}

fn seed(value: &[u8]) -> Result<[u8; 32], &'static str> {
    let mut seed = [0; 32];
    if value.len() != 64 {
        return Err("expected 64 hexadecimal digits");
    }
    for (byte, digits) in seed.iter_mut().zip(value.chunks(2)) {
        let digit = |c: u8| char::from(c).to_digit(16).ok_or("expected 64 hexadecimal digits");
        *byte = (digit(digits[0])? << 4 | digit(digits[1])?) as u8;
    }
    Ok(seed)
}

static CONFIG: Once<BootConfig> = Once::new();
static EMPTY: BootConfig = BootConfig {
    args: Vec::new(),
    env: Vec::new(),
    tsc_hz: 0,
    cpus: 1,
    realtime_ns: 0,
    mounts: Vec::new(),
    cwd: Vec::new(),
    uid: 0,
    gid: 0,
    hostname: Vec::new(),
    seed: None,
    stdin: false,
    tty: false,
    stats: false,
    large: false,
    core: false,
    strace: false,
    boot_times: false,
    profile_hz: 0,
    rank: 0,
    bells: 0,
    address_bits: 0,
    job_region: None,
    windows: Vec::new(),
    net: None,
};

/// Keeps the configuration of this VM.
pub fn set(config: BootConfig) -> &'static BootConfig {
    CONFIG.set(config)
}

/// The configuration of this VM; an empty one before it has been read.
pub fn get() -> &'static BootConfig {
    CONFIG.get().unwrap_or(&EMPTY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_all_keys() {
        let hex = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fff";
        let text = format!(
            "version=1\0arg=app\0arg=\0arg=a b\0env=HOME=/x=y\0tsc_hz=2445000000\0realtime_ns=5\0mount=r0:/data:ro\0mount=r1:/\0cwd=/data\0uid=1000\0gid=100\0hostname=n1\0seed={hex}\0future=1\0rank=3\0bells=5\0address_bits=40\0ivc=16:1048576\0window=0:24:83886080:ro\0window=4:25:4096:rw\0"
        );
        let config = BootConfig::parse(text.as_bytes()).expect("valid");
        assert_eq!(config.args, [&b"app"[..], b"", b"a b"]);
        assert_eq!(config.env_var("HOME"), Some(&b"/x=y"[..]));
        assert_eq!(config.env_var("HOM"), None);
        assert_eq!(
            (config.tsc_hz, config.realtime_ns, config.uid, config.gid),
            (2_445_000_000, 5, 1000, 100)
        );
        assert_eq!(config.mounts[0], Mount { tag: "r0".into(), path: b"/data".to_vec(), read_only: true });
        assert_eq!(config.mounts[1], Mount { tag: "r1".into(), path: b"/".to_vec(), read_only: false });
        assert_eq!((config.rank, config.bells, config.address_bits), (3, 5, 40));
        assert_eq!(config.job_region, Some(JobRegion { devfn: 16, len: 1 << 20 }));
        let window = |rank, devfn, len, read_only| PeerWindow { rank, devfn, len, read_only };
        assert_eq!(config.windows, [window(0, 24, 80 << 20, true), window(4, 25, 4096, false)]);
        assert_eq!(config.seed.map(|s| (s[0], s[31])), Some((1, 0xff)));
    }

    #[test]
    fn another_version_is_named() {
        let error = BootConfig::parse(b"version=2\0").expect_err("refused");
        assert!(error.contains("version 2") && error.contains("version 1"), "{error}");
        assert!(BootConfig::parse(b"arg=x\0version=1\0").is_err());
        assert!(BootConfig::parse(b"").is_err());
    }

    #[test]
    fn bad_values_name_their_key() {
        for bad in [
            "tsc_hz=fast",
            "uid=-1",
            "mount=r0",
            "mount=r0:rel",
            "seed=12",
            "gid=4294967296",
            "ivc=16",
            "ivc=16:1:2",
            "ivc=256:4096",
            "window=1:24:4096",
            "window=1:24:4096:wr",
            "window=1:24:4096:rw:",
            "window=65536:24:4096:rw",
            "window=1:24:-1:rw",
        ] {
            let error = BootConfig::parse(format!("version=1\0{bad}\0").as_bytes()).expect_err(bad);
            assert!(error.contains(bad), "{error}");
        }
    }

    #[test]
    fn command_line_becomes_arguments() {
        assert_eq!(BootConfig::from_cmdline(b" app  -n 3 ").args, [&b"app"[..], b"-n", b"3"]);
    }
}
