//! `unirank ps`: the jobs on this host, their ranks, memory and state.

use std::time::{SystemTime, UNIX_EPOCH};

use unirank_host_backend::client::{Client, JobInfo, RankInfo, RankState};
use unirank_host_backend::paths::RuntimeDir;

use crate::failure::{Context, Result};
use crate::output::{self, say};
use crate::text::{one_line, size};

/// Prints all jobs of this user's backend, as a table or as JSON.
pub fn ps(json: bool) -> Result<()> {
    let client = Client::connect(&RuntimeDir::from_env()).context(|| "asking the host backend".into())?;
    let jobs = match client {
        Some(mut client) => client.list().context(|| "asking the host backend".into())?,
        None => Vec::new(),
    };
    if json {
        let text = serde_json::to_string_pretty(&jobs).context(|| "writing JSON".into())?;
        say!("{text}");
    } else if jobs.is_empty() {
        say!("no jobs");
    } else {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        output::write(format_args!("{}", table(&jobs, now)));
    }
    Ok(())
}

fn table(jobs: &[JobInfo], now: u64) -> String {
    let mut text = String::new();
    for job in jobs {
        let spec = &job.spec;
        let resident: u64 = job.ranks.iter().map(|r| r.resident).sum();
        text += &format!(
            "job {} {}: {}, {}, {} each, {} in use, {} s, runner {}\n  {}\n",
            job.job,
            one_line(&spec.name, 40),
            crate::text::ranks(spec.ranks),
            one_line(&spec.accel, 10),
            if spec.mem == 0 { "as much as it takes".into() } else { size(spec.mem) },
            size(resident),
            now.saturating_sub(job.started),
            spec.runner_pid,
            one_line(&spec.command.join(" "), 100),
        );
        text += &format!(
            "  {:>5} {:>8} {:<10} {:>10} {:>7} {:>12} {:>10} {:>10}\n",
            "RANK", "PID", "STATE", "MEMORY", "LOCKED", "MESSAGES", "DATA", "INTERRUPTS"
        );
        job.ranks.iter().for_each(|rank| text += &row(rank));
    }
    text
}

fn row(rank: &RankInfo) -> String {
    let state = match &rank.state {
        RankState::Starting => "starting".into(),
        RankState::Running => "running".into(),
        RankState::Exited(status) => format!("exited {status}"),
        RankState::Failed(why) => format!("failed: {}", one_line(why, 40)),
    };
    format!(
        "  {:>5} {:>8} {:<10} {:>10} {:>7} {:>12} {:>10} {:>10}\n",
        rank.rank,
        rank.pid.map_or("-".into(), |pid| pid.to_string()),
        state,
        size(rank.resident),
        if rank.pinned { "yes" } else { "no" },
        rank.engine.messages,
        size(rank.engine.bytes),
        rank.engine.interrupts,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use unirank_host_backend::client::{EngineCounters, JobId, JobSpec};

    #[test]
    fn a_table_names_what_matters() {
        let spec = JobSpec {
            name: "heat\u{1b}".into(),
            ranks: 2,
            accel: "kvm".into(),
            mem: 512 << 20,
            command: vec!["./heat".into(), "a b".into()],
            runner_pid: 77,
        };
        let rank = RankInfo {
            rank: 1,
            pid: Some(78),
            state: RankState::Running,
            resident: 3 << 20,
            pinned: true,
            engine: EngineCounters { messages: 9, ..EngineCounters::default() },
        };
        let text = table(&[JobInfo { job: JobId(4), spec, started: 100, ranks: vec![rank] }], 107);
        for part in ["job 4", "2 ranks", "kvm", "512 MiB each", "7 s", "./heat a b", "78 running", "3 MiB"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains('\u{1b}'));
    }
}
