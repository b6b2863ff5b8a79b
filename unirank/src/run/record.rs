//! What stays of a job when it is over: a record in the runtime folder, read by `unirank logs`.
//!
//! Records are few and small: the newest [`MOST_RECORDS`] are kept, and no text in one is longer than a bound. A record is
//! written when the job starts and again when it ends, so that a job whose runner was killed is seen, too.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use unirank_host_backend::paths::RuntimeDir;

use crate::failure::{Failure, Result};
use crate::text::{one_line, printable};

/// Jobs that are remembered.
pub const MOST_RECORDS: usize = 20;
/// Most notices kept of a job, and characters of each.
pub const MOST_NOTICES: usize = 200;
const LONGEST_NOTICE: usize = 1000;
/// Most words kept of a command, and characters of each.
const MOST_WORDS: usize = 100;
const LONGEST_WORD: usize = 200;
/// Longest failure kept, bytes.
const LONGEST_FAILURE: usize = 64 << 10;
/// Largest file that is taken for a record.
const MOST_BYTES: u64 = 1 << 20;

/// A job as it is remembered. Unknown fields are ignored and missing ones are empty: other versions write here as well.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct JobRecord {
    /// The backend's number of the job.
    pub job: u64,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Folder it was started in.
    pub folder: PathBuf,
    /// Number of ranks.
    pub ranks: u32,
    /// How they ran.
    pub accel: String,
    /// Memory of each VM, bytes; 0 for processes.
    pub memory: u64,
    /// Process id of the runner.
    pub runner_pid: u32,
    /// When it began, milliseconds since the epoch.
    pub started_ms: u64,
    /// When it ended; none as long as it runs, or if its runner was killed.
    pub ended_ms: Option<u64>,
    /// Exit status of the runner.
    pub status: Option<u8>,
    /// Why it failed.
    pub failure: Option<String>,
    /// What the user was told meanwhile.
    pub notices: Vec<String>,
    /// Exit status of each rank; none of one that was ended by the runner or killed.
    pub rank_statuses: Vec<Option<u8>>,
    /// Files the job has left: core files, traces.
    pub files: Vec<PathBuf>,
}

/// Milliseconds since the epoch.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

impl JobRecord {
    /// Adds what the user was told.
    pub fn note(&mut self, text: &str) {
        if self.notices.len() < MOST_NOTICES {
            self.notices.push(one_line(text, LONGEST_NOTICE));
        }
    }

    /// A command with its words cut to a bound.
    pub fn set_command(&mut self, words: impl Iterator<Item = String>) {
        self.command = words.take(MOST_WORDS).map(|word| one_line(&word, LONGEST_WORD)).collect();
    }

    /// Writes the record of a job that starts, and forgets the oldest.
    pub fn begin(&mut self, runtime: &RuntimeDir) -> io::Result<()> {
        fs::create_dir_all(runtime.jobs())?;
        self.started_ms = now_ms();
        self.write(runtime)?;
        let mut numbers = runtime.job_numbers();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        for old in numbers.into_iter().skip(MOST_RECORDS) {
            // Another runner may have been faster.
            let _ = fs::remove_file(path(runtime, old));
        }
        Ok(())
    }

    /// Writes how the job has ended.
    pub fn end(&mut self, outcome: &Result<()>, runtime: &RuntimeDir) -> io::Result<()> {
        self.ended_ms = Some(now_ms());
        self.status = Some(outcome.as_ref().map_or_else(|failure| failure.status, |()| 0));
        self.failure = outcome.as_ref().err().map(cut);
        self.write(runtime)
    }

    fn write(&self, runtime: &RuntimeDir) -> io::Result<()> {
        let whole = path(runtime, self.job);
        let part = whole.with_extension("part");
        fs::write(&part, serde_json::to_vec_pretty(self)?)?;
        fs::rename(part, whole)
    }
}

fn cut(failure: &Failure) -> String {
    let mut text = printable(&failure.to_string());
    if text.len() > LONGEST_FAILURE {
        let end = (0..=LONGEST_FAILURE).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

fn path(runtime: &RuntimeDir, job: u64) -> PathBuf {
    runtime.jobs().join(format!("{job}.json"))
}

/// All records, the newest first. What cannot be read is left out: another runner may be removing it.
pub fn all(runtime: &RuntimeDir) -> Vec<JobRecord> {
    let mut numbers = runtime.job_numbers();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    numbers.into_iter().filter_map(|job| read(&path(runtime, job)).ok()).collect()
}

fn read(path: &Path) -> io::Result<JobRecord> {
    if fs::metadata(path)?.len() > MOST_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept() {
        let dir = std::env::temp_dir().join(format!("unirank-record-{}", std::process::id()));
        let runtime = RuntimeDir::new(&dir);
        for job in 1..=25 {
            let mut record = JobRecord { job, ranks: 2, ..JobRecord::default() };
            record.begin(&runtime).unwrap();
            record.note(&"\u{1b}x".repeat(2000));
            let failure = Failure::new("y".repeat(1 << 20)).status(3);
            record.end(&Err(failure), &runtime).unwrap();
        }
        fs::write(dir.join("jobs/junk.json"), "x").unwrap();
        fs::write(dir.join("jobs/26.json"), "not JSON").unwrap();
        let records = all(&runtime);
        assert_eq!(records.iter().map(|r| r.job).collect::<Vec<_>>(), (6..=25).rev().collect::<Vec<_>>());
        assert_eq!(
            (records[0].status, records[0].failure.as_ref().unwrap().len()),
            (Some(3), LONGEST_FAILURE)
        );
        assert!(records[0].notices[0].len() < 2000 && !records[0].notices[0].contains('\u{1b}'));
        fs::remove_dir_all(dir).unwrap();
    }
}
