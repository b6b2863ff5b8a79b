//! What a job is to be: the options of `unirank run`, which `mpiexec` fills in as well.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use unirank_ivc::trace;

use super::gdb::GdbChoice;
use super::hugepages::{self, HugePages};
use super::net::NetChoice;
use super::profile::DEFAULT_HZ;
use super::strace::StraceChoice;

/// Smallest memory a rank may have, bytes.
pub const LEAST_MEMORY: u64 = 16 << 20;
/// Largest memory a rank may have, bytes: twice as much fits the PCI window of a VM, beside a job region.
pub const MOST_MEMORY: u64 = 128 << 30;
/// Memory of a rank when nothing is said, bytes.
pub const DEFAULT_MEMORY: u64 = 512 << 20;
/// Most shared memory of a job, bytes: with as much again for rounding up to a power of two it fits the PCI window of a
/// VM.
pub const MOST_SHARED: u64 = 128 << 30;
/// Bytes of trace records kept of each rank when nothing is said.
pub const DEFAULT_TRACE: u64 = 4 << 20;
/// Most bytes of trace records of a rank.
pub const MOST_TRACE: u64 = 1 << 30;
/// Most ranks on one host.
pub const MOST_RANKS: u32 = 1024;

/// How ranks run, as asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum AccelChoice {
    /// KVM when /dev/kvm works, else TCG (emulation), with one line that says why
    #[default]
    Auto,
    /// Hardware virtual machines; refused when /dev/kvm does not work
    Kvm,
    /// Emulated virtual machines: slow, works everywhere
    Tcg,
    /// No virtual machines: the same file as Linux processes
    Native,
}

/// Most processors of a rank: as many as its kernel's affinity masks have bits.
pub const MOST_CPUS: u32 = 64;

/// Whether ranks are bound to processor cores, as asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum BindChoice {
    /// Each rank to a core of its own when there are enough cores and no other job runs
    #[default]
    Auto,
    /// Rank i to core i (modulo the number of cores); with --cpus-per-rank N to N cores, each processor to one
    Core,
    /// Leave it to the system
    None,
}

/// What ranks may do with each other's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum WindowRights {
    /// Read and write: large messages are copied once, by both sides
    #[default]
    Rw,
    /// Read only: large messages are copied once, by the receiver
    Ro,
    /// None: large messages are copied twice, through memory that all ranks share
    Off,
}

impl WindowRights {
    /// As the command line has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rw => "rw",
            Self::Ro => "ro",
            Self::Off => "off",
        }
    }
}

/// How the ranks' counters are told when the job ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatsChoice {
    /// Tables on standard error.
    Tables {
        /// A row for each rank, however many there are.
        full: bool,
    },
    /// A JSON object for each rank, one a line, in a file.
    Json(PathBuf),
}

impl FromStr for StatsChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Tables { full: false }),
            "full" => Ok(Self::Tables { full: true }),
            _ => match text.strip_prefix("json:") {
                Some("") => Err("the file is missing; the form is json:FILE".into()),
                Some(file) => Ok(Self::Json(file.into())),
                None => Err(format!("{text:?} is none of auto, full and json:FILE")),
            },
        }
    }
}

/// A folder of the host that ranks see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Folder on the host.
    pub host: PathBuf,
    /// Absolute path in the guest.
    pub guest: PathBuf,
    /// Whether ranks may not write.
    pub read_only: bool,
}

impl FromStr for Mount {
    type Err = String;

    /// Parses `DIR[:GUEST[:ro]]`; without `GUEST`, `DIR` is seen at its own absolute path.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let host = parts.next().filter(|p| !p.is_empty()).ok_or("the folder is missing")?;
        let (guest, flag) = match (parts.next(), parts.next(), parts.next()) {
            (_, _, Some(_)) => return Err("too many colons; the form is DIR[:GUEST[:ro]]".into()),
            (Some("ro"), None, _) => (None, Some("ro")),
            (guest, flag, None) => (guest.filter(|g| !g.is_empty()), flag),
        };
        let read_only = match flag {
            None | Some("rw") => false,
            Some("ro") => true,
            Some(other) => return Err(format!("{other:?} is neither ro nor rw")),
        };
        let host = std::path::absolute(host).map_err(|e| e.to_string())?;
        let guest = guest.map_or_else(|| host.clone(), PathBuf::from);
        if !guest.is_absolute() {
            return Err(format!("the path in the guest, {}, must be absolute", guest.display()));
        }
        Ok(Self { host, guest, read_only })
    }
}

impl Mount {
    /// `dir` at its own absolute path, writable.
    pub fn at_own_path(dir: &Path) -> Self {
        Self { host: dir.to_owned(), guest: dir.to_owned(), read_only: false }
    }
}

/// Parses a size such as `512M` or `2G` (powers of 1024); a unit is required.
fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "k" | "kb" | "kib" => 1u64 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "" => return Err(format!("say the unit: {text}M or {text}G")),
        other => return Err(format!("{other:?} is no unit; use K, M or G")),
    };
    let number: u64 = digits.parse().map_err(|_| format!("{digits:?} is no whole number"))?;
    number.checked_mul(unit).ok_or_else(|| "too large".into())
}

/// Parses the memory of a rank.
pub fn parse_memory(text: &str) -> Result<u64, String> {
    let bytes = parse_size(text)?;
    if !(LEAST_MEMORY..=MOST_MEMORY).contains(&bytes) {
        return Err(format!(
            "a rank can have {} to {}",
            crate::text::size(LEAST_MEMORY),
            crate::text::size(MOST_MEMORY)
        ));
    }
    // Whole 2 MiB pages, so that huge pages can back all of it.
    Ok(bytes.next_multiple_of(hugepages::SIZE))
}

/// Parses the shared memory of a job.
pub fn parse_shared(text: &str) -> Result<u64, String> {
    let bytes = parse_size(text)?;
    if bytes > MOST_SHARED {
        return Err(format!("ranks can share {} at most", crate::text::size(MOST_SHARED)));
    }
    Ok(bytes)
}

/// Parses the memory for trace records of a rank.
pub fn parse_trace(text: &str) -> Result<u64, String> {
    let bytes = parse_size(text)?;
    if (trace::LEAST..=MOST_TRACE).contains(&bytes) {
        return Ok(bytes);
    }
    let (least, most) = (crate::text::size(trace::LEAST), crate::text::size(MOST_TRACE));
    Err(format!("trace records of a rank can have {least} to {most}"))
}

/// Parses seconds, fractions allowed, more than 0.
pub fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 =
        text.strip_suffix('s').unwrap_or(text).parse().map_err(|_| "not a number".to_owned())?;
    if seconds > 0.0 && seconds <= 1e9 {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("must be more than 0 and at most 1e9 seconds".into())
    }
}

/// Parses `K=V`, or `K` alone: the value it has here.
pub fn parse_env(text: &str) -> Result<(OsString, Option<OsString>), String> {
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (text, None),
    };
    if key.is_empty() { Err("the name is missing".into()) } else { Ok((key.into(), value.map(Into::into))) }
}

/// Everything `unirank run` was told.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Number of ranks, 1 to [`MOST_RANKS`].
    pub ranks: u32,
    /// Memory of each rank in bytes; `None` is [`DEFAULT_MEMORY`], or less when the host has less.
    pub memory: Option<u64>,
    /// Whether it is in reserved huge pages of the host.
    pub hugepages: HugePages,
    /// How ranks run.
    pub accel: AccelChoice,
    /// Folders ranks see; none means the current one at its own path.
    pub mounts: Vec<Mount>,
    /// Environment variables over those of the runner; `None` takes the runner's value.
    pub env: Vec<(OsString, Option<OsString>)>,
    /// Whether the runner's own environment is passed.
    pub pass_env: bool,
    /// The job is ended after this time.
    pub timeout: Option<Duration>,
    /// A rank that gives no sign of life for this long ends the job; `None` is the default.
    pub answer_timeout: Option<Duration>,
    /// Each line starts with `[rank] `.
    pub tag_output: bool,
    /// Processors of each rank.
    pub cpus: u32,
    /// Binding to cores.
    pub bind: BindChoice,
    /// Working directory in the guest.
    pub workdir: Option<PathBuf>,
    /// What ranks may do with each other's memory.
    pub windows: WindowRights,
    /// Memory that ranks share beside their rings, bytes; `None` is a default by the number of ranks.
    pub shared: Option<u64>,
    /// How ranks get into a network.
    pub net: NetChoice,
    /// No notices, only errors.
    pub quiet: bool,
    /// What is told of the ranks' counters at the end.
    pub stats: Option<StatsChoice>,
    /// Whether it is told where the time of the start went.
    pub boot_times: bool,
    /// File that gets the timeline.
    pub trace: Option<PathBuf>,
    /// Bytes of trace records kept of each rank.
    pub trace_buffer: u64,
    /// File that gets the exit counters each time a rank asks for them.
    pub record: Option<PathBuf>,
    /// Folder of the core files of ranks that die; `None` leaves it to the limit of the shell.
    pub core: Option<PathBuf>,
    /// Ranks whose system calls are shown.
    pub strace: Option<StraceChoice>,
    /// File that gets them, instead of standard error.
    pub strace_file: Option<PathBuf>,
    /// File that gets the profile.
    pub profile: Option<PathBuf>,
    /// Samples a second.
    pub profile_hz: u32,
    /// Whether the profile tells ranks apart.
    pub profile_by_rank: bool,
    /// The rank that is debugged, and where.
    pub gdb: Option<GdbChoice>,
    /// The image.
    pub app: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl RunOptions {
    /// Runs `app` with `ranks` ranks and defaults for the rest.
    pub fn new(app: impl Into<PathBuf>, ranks: u32) -> Self {
        Self {
            ranks,
            memory: None,
            hugepages: HugePages::Auto,
            accel: AccelChoice::Auto,
            mounts: Vec::new(),
            env: Vec::new(),
            pass_env: true,
            timeout: None,
            answer_timeout: None,
            tag_output: false,
            cpus: 1,
            bind: BindChoice::Auto,
            workdir: None,
            windows: WindowRights::Rw,
            shared: None,
            net: NetChoice::None,
            quiet: false,
            stats: None,
            boot_times: false,
            trace: None,
            trace_buffer: DEFAULT_TRACE,
            record: None,
            core: None,
            strace: None,
            strace_file: None,
            profile: None,
            profile_hz: DEFAULT_HZ,
            profile_by_rank: false,
            gdb: None,
            app: app.into(),
            args: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts() {
        let mount: Mount = "/a:/b:ro".parse().unwrap();
        assert_eq!(mount, Mount { host: "/a".into(), guest: "/b".into(), read_only: true });
        let mount: Mount = "/a:ro".parse().unwrap();
        assert_eq!(mount, Mount { host: "/a".into(), guest: "/a".into(), read_only: true });
        let mount: Mount = "/a".parse().unwrap();
        assert_eq!(mount, Mount::at_own_path(Path::new("/a")));
        for bad in ["", ":/b", "/a:b", "/a:/b:rx", "/a:/b:ro:x"] {
            assert!(bad.parse::<Mount>().is_err(), "{bad}");
        }
    }

    #[test]
    fn memory_needs_a_unit_and_fits() {
        assert_eq!(parse_memory("512M"), Ok(512 << 20));
        assert_eq!(parse_memory("1GiB"), Ok(1 << 30));
        assert_eq!(parse_memory("33M"), Ok(34 << 20));
        for bad in
            ["512", "", "M", "1M", "129G", "5T", "99999999999999999999G", "18446744073709551615G", "-1G"]
        {
            assert!(parse_memory(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shared_memory_has_an_end() {
        assert_eq!(parse_shared("1M"), Ok(1 << 20));
        assert_eq!(parse_shared("128G"), Ok(MOST_SHARED));
        for bad in ["129G", "1", "x", "-1M", "99999999999999999G"] {
            assert!(parse_shared(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn statistics_and_traces() {
        assert_eq!("auto".parse(), Ok(StatsChoice::Tables { full: false }));
        assert_eq!("full".parse(), Ok(StatsChoice::Tables { full: true }));
        assert_eq!("json:a:b".parse(), Ok(StatsChoice::Json("a:b".into())));
        for bad in ["", "json", "json:", "table"] {
            assert!(bad.parse::<StatsChoice>().is_err(), "{bad}");
        }
        assert_eq!((parse_trace("64K"), parse_trace("1G")), (Ok(64 << 10), Ok(1 << 30)));
        for bad in ["63K", "2G", "4", ""] {
            assert!(parse_trace(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn seconds() {
        assert_eq!(parse_seconds("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_seconds("2s"), Ok(Duration::from_secs(2)));
        for bad in ["0", "-1", "inf", "nan", "x", ""] {
            assert!(parse_seconds(bad).is_err(), "{bad}");
        }
    }
}
