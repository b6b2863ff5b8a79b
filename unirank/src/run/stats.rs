//! What benchmarks want to know of a rank at a given moment: when the moment was, the exit counters of the VM's
//! processor (QMP `query-stats`), and the memory and the adapter's counters as the host backend has them.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;
use serde_json::{Value, json};
use unirank_host_backend::client::RankInfo;
use unirank_ivc::page::{COUNTERS, RankPage};

use super::rank::Rank;
use crate::failure::{Context, Result};

/// How long the monitor may take.
const ANSWER: Duration = Duration::from_secs(5);
/// Longest answer taken.
const MOST: usize = 1 << 20;

/// Writes a JSON line for each moment: `{"rank", "label", "ms"}`, where `ms` is the time since the rank's process was
/// started; if a rank asked for it with `"counters"`, `"library"` (counters of the MPI library), `"resident"` (bytes of RAM and device region), `"qemu_private"`
/// (bytes of the process's own memory) and `"engine"`, too.
#[derive(Debug)]
pub struct Recorder {
    file: File,
}

impl Recorder {
    /// Creates the file.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).context(|| format!("creating {}", path.display()))?;
        Ok(Self { file })
    }

    /// Appends a line with the time only: the rank has come to this point.
    pub fn mark(&mut self, rank: &Rank, label: &str) -> io::Result<()> {
        let line = json!({ "rank": rank.number, "label": label, "ms": milliseconds(rank.started) });
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
            Some(qmp) => query(qmp)?,
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

/// The counters of the first processor by name.
fn query(qmp: &OwnedFd) -> io::Result<Value> {
    // Answered with an error when it was negotiated before; that is as good.
    ask(qmp, &json!({ "execute": "qmp_capabilities", "id": "c" }), "c")?;
    let request = json!({ "execute": "query-stats", "arguments": { "target": "vcpu" }, "id": "s" });
    let answer = ask(qmp, &request, "s")?;
    if let Some(error) = answer.get("error") {
        return Err(io::Error::other(error["desc"].as_str().unwrap_or("refused").to_owned()));
    }
    let mut counters = serde_json::Map::new();
    for entry in answer["return"].as_array().into_iter().flatten() {
        for stat in entry["stats"].as_array().into_iter().flatten() {
            if let (Some(name), true) = (stat["name"].as_str(), stat["value"].is_u64()) {
                counters.insert(name.to_owned(), stat["value"].clone());
            }
        }
    }
    Ok(Value::Object(counters))
}

/// Sends a request and reads until its answer, over greetings and events.
fn ask(qmp: &OwnedFd, request: &Value, id: &str) -> io::Result<Value> {
    rustix::io::write(qmp, format!("{request}\n").as_bytes())?;
    let give_up = Instant::now() + ANSWER;
    let mut bytes = Vec::new();
    loop {
        let left = give_up.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        if poll(&mut [PollFd::new(qmp, PollFlags::IN)], Some(&timeout))? == 0 || bytes.len() > MOST {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "QEMU's monitor does not answer"));
        }
        let mut buffer = [0; 16 << 10];
        match rustix::io::read(qmp, &mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => bytes.extend_from_slice(&buffer[..n]),
        }
        while let Some(end) = bytes.iter().position(|&b| b == b'\n') {
            let line: Vec<u8> = bytes.drain(..=end).collect();
            match serde_json::from_slice::<Value>(&line) {
                Ok(value) if value["id"] == id => return Ok(value),
                _ => {}
            }
        }
    }
}
