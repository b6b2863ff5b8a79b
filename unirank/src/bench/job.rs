//! Runs a benchmark program as a job, and reads what the runner recorded of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde::Deserialize;
use unirank_host_backend::client::EngineCounters;

use super::workshop::Workshop;
use crate::failure::{Context, Failure, Result};
use crate::run::accel::Accel;

/// Longer than any wait of the programs here: ranks that wait spin, they do not sleep.
pub const SPIN: (&str, &str) = ("UNIRANK_SPIN_US", "1000000");
/// How much later than the job itself the runner is given up.
const GRACE: Duration = Duration::from_secs(30);

/// One moment the runner recorded.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Record {
    /// Of which rank.
    pub rank: u32,
    /// What the rank calls it.
    pub label: String,
    /// Since its process was started.
    pub ms: f64,
    /// Since the command was given, where that is recorded.
    #[serde(default)]
    pub command_ms: Option<f64>,
    /// Exit counters of its processor.
    #[serde(default)]
    pub counters: Option<BTreeMap<String, u64>>,
    /// Bytes of RAM and device region that are there.
    #[serde(default)]
    pub resident: Option<u64>,
    /// Bytes QEMU itself has.
    #[serde(default)]
    pub qemu_private: Option<u64>,
    /// What the engine did for it.
    #[serde(default)]
    pub engine: Option<EngineCounters>,
}

/// What a job came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Standard output.
    pub output: String,
    /// What the runner recorded.
    pub records: Vec<Record>,
    /// From the runner's start to its end.
    pub wall: Duration,
}

/// A job to be run.
#[derive(Clone, Debug)]
pub struct Job {
    image: PathBuf,
    ranks: u32,
    accel: Accel,
    flags: Vec<OsString>,
    args: Vec<OsString>,
    cores: Option<String>,
    limit: Duration,
}

impl Job {
    /// `ranks` ranks of `image`.
    pub fn new(image: &Path, ranks: u32, accel: Accel) -> Self {
        let limit = Duration::from_secs(600);
        Self {
            image: image.to_owned(),
            ranks,
            accel,
            flags: Vec::new(),
            args: Vec::new(),
            cores: None,
            limit,
        }
    }

    /// Further flags of `unirank run`.
    pub fn flags(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(OsString::from));
        self
    }

    /// An environment variable for the ranks.
    pub fn env(self, (key, value): (&str, &str)) -> Self {
        self.flags(&["--env", &format!("{key}={value}")])
    }

    /// Arguments of the program.
    pub fn args(mut self, args: &[String]) -> Self {
        self.args.extend(args.iter().map(OsString::from));
        self
    }

    /// Confines all of it to these cores.
    pub fn on(self, cores: &[usize]) -> Self {
        Self { cores: Some(core_list(cores)), ..self }
    }

    /// How long it may take.
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Runs it to its end.
    pub fn run(&self, workshop: &Workshop) -> Result<Outcome> {
        let exe = std::env::current_exe().context(|| "finding this program".into())?;
        let records = workshop.folder().join("records");
        let mut command = match &self.cores {
            None => Command::new(exe),
            Some(cores) => {
                let mut taskset = Command::new("taskset");
                taskset.args(["-c", cores]).arg(exe);
                taskset
            }
        };
        command
            .args(["run", "--quiet", "--accel", self.accel.name(), "-n", &self.ranks.to_string()])
            .args(["--timeout", &self.limit.as_secs().to_string(), "--record"])
            .arg(&records)
            .args(&self.flags)
            .arg("--")
            .arg(&self.image)
            .args(&self.args);
        let began = Instant::now();
        let output = workshop.run(command, self.limit + GRACE)?;
        let wall = began.elapsed();
        let text = std::fs::read_to_string(&records).context(|| "reading the job's records".into())?;
        Ok(Outcome { output, records: parse(&text)?, wall })
    }
}

/// Cores as `taskset` takes them.
pub fn core_list(cores: &[usize]) -> String {
    cores.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

fn parse(text: &str) -> Result<Vec<Record>> {
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<std::result::Result<_, _>>().context(|| "reading the job's records".into())
}

impl Outcome {
    /// The record of a rank under a label.
    pub fn record(&self, rank: u32, label: &str) -> Result<&Record> {
        let found = self.records.iter().find(|r| r.rank == rank && r.label == label);
        found.ok_or_else(|| Failure::new(format!("rank {rank} recorded nothing under {label:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_boot_and_of_moments() {
        let text = r#"{"rank":1,"label":"main","ms":80.5}
{"rank":0,"label":"leaving 0","ms":95.0,"counters":{"exits":7},"resident":4096,"qemu_private":null,
"engine":{"messages":1,"bytes":4,"interrupts":0,"wakeups":2,"commands":9,"errors":0}}"#;
        let records = parse(&text.replace(",\n", ",")).unwrap();
        let outcome = Outcome { output: String::new(), records, wall: Duration::ZERO };
        assert_eq!(outcome.record(1, "main").unwrap().ms, 80.5);
        let record = outcome.record(0, "leaving 0").unwrap();
        assert_eq!(record.counters.as_ref().unwrap()["exits"], 7);
        assert_eq!((record.resident, record.engine.unwrap().wakeups), (Some(4096), 2));
        assert!(outcome.record(0, "main").unwrap_err().cause.contains("rank 0 recorded nothing"));
        assert!(parse("{").is_err());
    }
}
