//! What benchmarks want to know of a rank at a given moment: when the moment was, the exit counters of the VM's
//! processor (QMP `query-stats`), and the memory and the adapter's counters as the host backend has them.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use serde_json::{Value, json};
use unirank_host_backend::client::RankInfo;
use unirank_ivc::page::{COUNTERS, RankPage};

use super::qmp;
use super::rank::Rank;
use crate::failure::{Context, Result};

/// Writes a JSON line for each moment: `{"rank", "label", "ms"}`, where `ms` is the time since the rank's process was
/// started, and for the moments of a start `"command_ms"`, the time since the command was given; if a rank asked for it with `"counters"`, `"library"` (counters of the MPI library), `"resident"` (bytes of RAM and device region), `"qemu_private"`
/// (bytes of the process's own memory) and `"engine"`, too.
#[derive(Debug)]
pub struct Recorder {
    file: File,
    command: Instant,
}

impl Recorder {
    /// Creates the file. The command was given at `command`.
    pub fn create(path: &Path, command: Instant) -> Result<Self> {
        let file = File::create(path).context(|| format!("creating {}", path.display()))?;
        Ok(Self { file, command })
    }

    /// Appends a line with the time only: the rank has come to this point.
    pub fn mark(&mut self, rank: &Rank, label: &str) -> io::Result<()> {
        let (ms, command_ms) = (milliseconds(rank.started), milliseconds(self.command));
        let line = json!({ "rank": rank.number, "label": label, "ms": ms, "command_ms": command_ms });
        writeln!(self.file, "{line}")
    }

    /// Asks the rank's monitor, then the backend through `info`, and appends a line.
    pub fn record(
        &mut self,
        rank: &Rank,
        label: &str,
        library: &RankPage,
        info: impl FnOnce() -> Option<RankInfo>,
    ) -> io::Result<()> {
        let ms = milliseconds(rank.started);
        let counters = match &rank.qmp {
            Some(monitor) => Value::Object(qmp::exits(monitor)?),
            None => Value::Null,
        };
        let info = info();
        let line = json!({
            "rank": rank.number,
            "label": label,
            "ms": ms,
            "qemu_private": private_memory(rank.process.id()),
            "counters": counters,
            "library": counted(library),
            "resident": info.as_ref().map(|info| info.resident),
            "engine": info.map(|info| info.engine),
        });
        writeln!(self.file, "{line}")
    }
}

/// The MPI library's counters, without the zeros at the end.
fn counted(page: &RankPage) -> Vec<u64> {
    let all: Vec<u64> = (0..COUNTERS).map(|index| page.counter(index).load(Ordering::Relaxed)).collect();
    let used = all.iter().rposition(|&count| count != 0).map_or(0, |last| last + 1);
    all[..used].to_vec()
}

/// Resident bytes of a process that are neither files nor shared memory.
fn private_memory(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
