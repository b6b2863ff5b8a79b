//! `unirank logs`: what happened in recent jobs, from the records that runners leave and the host backend's log.

use std::path::Path;

use serde::Serialize;
use unirank_host_backend::paths::RuntimeDir;

use crate::failure::{Context, Failure, Result};
use crate::output::{self, say};
use crate::run::record::{self, JobRecord, now_ms};
use crate::text::{one_line, printable, ranks, size};

/// A record and what belongs to it.
#[derive(Debug, Serialize)]
struct Entry {
    #[serde(flatten)]
    record: JobRecord,
    /// `running`, `ended`, or `lost`: its runner was killed.
    state: &'static str,
    /// What the host backend's log says of it; only when one job is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<Vec<String>>,
}

impl Entry {
    fn of(record: JobRecord) -> Self {
        let state = match record.ended_ms {
            Some(_) => "ended",
            None if is_runner(record.runner_pid) => "running",
            None => "lost",
        };
        Self { record, state, backend: None }
    }
}

/// Whether a process lives that is a unirank; a number may have gone to another.
fn is_runner(pid: u32) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    matches!(name.trim(), "unirank" | "mpiexec" | "mpirun")
}

/// Lists recent jobs, or shows one.
pub fn logs(job: Option<u64>, json: bool) -> Result<()> {
    let runtime = RuntimeDir::from_env();
    let mut entries: Vec<Entry> = record::all(&runtime).into_iter().map(Entry::of).collect();
    if let Some(job) = job {
        let found = entries.into_iter().find(|entry| entry.record.job == job);
        let mut entry = found.ok_or_else(|| {
            Failure::new(format!("nothing is known of a job {job}"))
                .remedy(format!("`unirank logs` lists the last {} jobs", record::MOST_RECORDS))
        })?;
        let log = runtime.log();
        let logs = [log.with_extension("log.old"), log];
        entry.backend = Some(logs.iter().flat_map(|path| backend_lines(path, &entry.record)).collect());
        entries = vec![entry];
    }
    if json {
        let text = match job {
            Some(_) => serde_json::to_string_pretty(&entries[0]),
            None => serde_json::to_string_pretty(&entries),
        };
        say!("{}", text.context(|| "writing JSON".into())?);
    } else if job.is_some() {
        output::write(format_args!("{}", shown(&entries[0])));
    } else if entries.is_empty() {
        say!("no jobs yet");
    } else {
        output::write(format_args!("{}", table(&entries, now_ms())));
    }
    Ok(())
}

/// What the backend wrote of a job while it ran.
fn backend_lines(log: &Path, record: &JobRecord) -> Vec<String> {
    let text = std::fs::read(log).unwrap_or_default();
    let (from, to) =
        (record.started_ms.saturating_sub(1000), record.ended_ms.map_or(u64::MAX, |end| end + 2000));
    let starts = format!("job {}: ", record.job);
    String::from_utf8_lossy(&text)
        .lines()
        .filter(|line| line.contains(&starts) && time_of(line).is_some_and(|ms| from <= ms && ms <= to))
        .map(|line| one_line(line, 500))
        .collect()
}

/// The time at the start of a line of the log: seconds and milliseconds.
fn time_of(line: &str) -> Option<u64> {
    let (seconds, rest) = line.split_once('.')?;
    seconds.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(rest.get(..3)?.parse().ok()?)
}

fn table(entries: &[Entry], now: u64) -> String {
    let mut text = format!(
        "{:>5} {:>12} {:>9} {:>5} {:<6} {:<8} {}\n",
        "JOB", "STARTED", "TOOK", "RANKS", "ACCEL", "STATUS", "COMMAND"
    );
    for Entry { record, state, .. } in entries {
        let took = record.ended_ms.map_or("-".into(), |end| took(end.saturating_sub(record.started_ms)));
        let status = record.status.map_or_else(|| (*state).into(), |status| status.to_string());
        let command = one_line(&record.command.join(" "), 60);
        text += &format!(
            "{:>5} {:>12} {took:>9} {:>5} {:<6} {status:<8} {command}\n",
            record.job,
            age(now.saturating_sub(record.started_ms)),
            record.ranks,
            one_line(&record.accel, 6),
        );
    }
    text
}

/// `12 s ago`.
fn age(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..=119 => format!("{seconds} s ago"),
        120..=7199 => format!("{} min ago", seconds / 60),
        7200..=172_799 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

fn took(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

fn shown(Entry { record, state, backend }: &Entry) -> String {
    let mut text = format!(
        "job {}: {}\n  {} in {}, {}{}, runner {}\n",
        record.job,
        one_line(&record.command.join(" "), 500),
        ranks(record.ranks),
        printable(&record.folder.display().to_string()),
        one_line(&record.accel, 10),
        if record.memory == 0 { String::new() } else { format!(", {} each", size(record.memory)) },
        record.runner_pid,
    );
    text += &format!("  started {}", age(now_ms().saturating_sub(record.started_ms)));
    text += &match (record.ended_ms, record.status) {
        (Some(end), Some(status)) => {
            format!(", took {}, exit status {status}\n", took(end.saturating_sub(record.started_ms)))
        }
        _ if *state == "running" => ", still running\n".into(),
        _ => ", its end is not known: the runner was killed\n".into(),
    };
    if record.ended_ms.is_some() {
        text += &statuses(&record.rank_statuses);
    }
    let sections = [
        ("told", &record.notices),
        ("files", &record.files.iter().map(|path| path.display().to_string()).collect()),
        ("host backend", backend.as_ref().unwrap_or(&Vec::new())),
    ]
    .map(|(title, lines)| match lines[..] {
        [] => String::new(),
        _ => {
            format!("{title}:\n{}", lines.iter().map(|l| format!("  {}\n", printable(l))).collect::<String>())
        }
    });
    if let Some(failure) = &record.failure {
        text += &format!("failure:\n  {}\n", printable(failure).replace('\n', "\n  "));
    }
    text + &sections.concat()
}

/// The ranks' statuses, ranks with the same one together.
fn statuses(list: &[Option<u8>]) -> String {
    let mut groups: Vec<(Option<u8>, Vec<usize>)> = Vec::new();
    for (rank, status) in list.iter().enumerate() {
        match groups.iter_mut().find(|(of, _)| of == status) {
            Some((_, ranks)) => ranks.push(rank),
            None => groups.push((*status, vec![rank])),
        }
    }
    let line = |(status, ranks): &(Option<u8>, Vec<usize>)| {
        let what = status
            .map_or("no exit status (ended by the runner or killed)".into(), |s| format!("exit status {s}"));
        let some: Vec<String> = ranks.iter().take(16).map(usize::to_string).collect();
        let more = if ranks.len() > 16 { format!(" and {} more", ranks.len() - 16) } else { String::new() };
        format!("  {what}: rank {}{more}\n", some.join(" "))
    };
    groups.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> JobRecord {
        JobRecord {
            job: 7,
            command: vec!["./heat".into(), "\u{1b}[2J".into()],
            ranks: 3,
            accel: "kvm".into(),
            started_ms: 100_000,
            ended_ms: Some(101_234),
            status: Some(139),
            failure: Some("rank 1 stopped".into()),
            rank_statuses: vec![Some(0), Some(139), None],
            ..JobRecord::default()
        }
    }

    #[test]
    fn a_job_is_told_in_full() {
        let text = shown(&Entry::of(record()));
        for part in [
            "job 7: ./heat",
            "took 1.234 s, exit status 139",
            "exit status 139: rank 1",
            "killed): rank 2",
            "rank 1 stopped",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains('\u{1b}'));
        let text = table(&[Entry::of(record())], 161_000);
        assert!(text.contains("61 s ago") && text.contains("1.234 s") && !text.contains('\u{1b}'), "{text}");
        let lost = Entry::of(JobRecord { ended_ms: None, status: None, runner_pid: u32::MAX, ..record() });
        assert!(table(&[lost], 161_000).contains("lost"));
    }

    #[test]
    fn only_its_lines_of_the_backend_log() {
        let path = std::env::temp_dir().join(format!("unirank-logs-{}", std::process::id()));
        let log = "50.000 INFO job 7: older\n100.100 INFO job 7: 3 ranks\n100.200 WARN job 77: other\nx\n\
                   100.300 INFO job 7: rank 1: its process has ended\n900.000 INFO job 7: later\n";
        std::fs::write(&path, log).unwrap();
        let lines = backend_lines(&path, &record());
        assert_eq!(
            lines,
            ["100.100 INFO job 7: 3 ranks", "100.300 INFO job 7: rank 1: its process has ended"]
        );
        std::fs::remove_file(path).unwrap();
    }
}
