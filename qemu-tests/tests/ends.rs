//! How jobs end: every way within seconds, with one clear message and the right status, and nothing left behind.

use rustix::process::{Pid, Signal, kill_process};
use std::time::{Duration, Instant};
use unirank_qemu_tests::{Job, Leftovers, Outcome, Program, Running, accelerator, descendants, everywhere};

/// Starts three ranks of `wait.c`.
fn launched(kind: &str, place: &str, options: &[&str]) -> Running {
    Job::new(&Program::new("wait.c"), place).ranks(3).option(options).args(&[kind]).limit(60).start()
}

/// The processes of the ranks below `launcher`; the host backend, which the first job starts, is none of them.
fn ranks_of(launcher: u32, place: &str) -> Vec<(u32, String)> {
    let name = if place == "native" { "wait" } else { "qemu" };
    descendants(launcher).into_iter().filter(|(_, n)| n.starts_with(name)).collect()
}

/// [`launched`], once all three ranks are there and have met in a barrier.
fn started(kind: &str, place: &str, options: &[&str]) -> (Running, Vec<(u32, String)>) {
    let job = launched(kind, place, options);
    job.says("ready");
    let processes = ranks_of(job.id(), place);
    assert_eq!(processes.len(), 3, "{processes:?}");
    (job, processes)
}

fn ids(processes: &[(u32, String)]) -> Vec<u32> {
    processes.iter().map(|(pid, _)| *pid).collect()
}

fn ends(kind: &str, place: &str, status: i32, says: &[&str]) {
    let leftovers = Leftovers::before();
    let began = Instant::now();
    let mut job = launched(kind, place, &[]);
    let mut processes = std::collections::BTreeSet::new();
    while job.is_running() && began.elapsed() < Duration::from_secs(60) {
        processes.extend(ids(&ranks_of(job.id(), place)));
        std::thread::sleep(Duration::from_millis(5));
    }
    let outcome = job.wait();
    leftovers.none_of(&Vec::from_iter(processes));
    assert_eq!(outcome.status, status, "{kind} {place}: {outcome:#?}");
    for text in says {
        assert!(outcome.stderr.contains(text), "{kind} {place}: no `{text}` in {outcome:#?}");
    }
    assert!(began.elapsed() < Duration::from_secs(30), "{kind} {place}: {outcome:#?}");
}

#[test]
fn a_rank_that_exits_non_zero() {
    for place in everywhere() {
        ends("exit", place, 9, &["rank 1", "9"]);
    }
}

#[test]
fn a_rank_that_aborts() {
    for place in everywhere() {
        ends("abort", place, 11, &["rank 1", "MPI_Abort"]);
    }
}

#[test]
fn a_rank_that_faults() {
    ends("fault", accelerator(), 139, &["rank 1", "main", "wait.c:"]);
}

#[test]
fn a_rank_that_leaves_without_finalize() {
    let outcome = launched("leave", accelerator(), &[]).wait();
    assert_ne!(outcome.status, 0, "{outcome:#?}");
    assert!(outcome.stderr.contains("rank 1") && outcome.stderr.contains("MPI_Finalize"), "{outcome:#?}");
}

#[test]
fn the_time_limit() {
    let leftovers = Leftovers::before();
    let (job, processes) = started("none", accelerator(), &["--timeout", "3"]);
    let outcome = job.wait();
    leftovers.none_of(&ids(&processes));
    assert_eq!(outcome.status, 124, "{outcome:#?}");
    assert!(outcome.stderr.contains("3 s"), "{outcome:#?}");
}

/// Sends `signal` to the process `pick` chooses among the launcher and its processes, once the program runs.
fn signalled(
    place: &str,
    signal: Signal,
    pick: impl Fn(u32, &[(u32, String)]) -> u32,
) -> (Outcome, Duration) {
    let leftovers = Leftovers::before();
    let (job, processes) = started("none", place, &[]);
    let target = pick(job.id(), &processes);
    let pid = Pid::from_raw(target as i32).expect("a process id");
    let sent = Instant::now();
    kill_process(pid, signal).expect("the process lives");
    let outcome = job.wait();
    let took = sent.elapsed();
    leftovers.none_of(&ids(&processes));
    (outcome, took)
}

#[test]
fn ctrl_c_and_sigterm() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        for place in everywhere() {
            let (outcome, took) = signalled(place, signal, |launcher, _| launcher);
            assert_eq!(outcome.status, status, "{place}: {outcome:#?}");
            assert!(took < Duration::from_secs(5), "{place}: {took:?}");
        }
    }
}

#[test]
fn a_killed_rank() {
    for place in everywhere() {
        let (outcome, took) = signalled(place, Signal::KILL, |_, processes| processes[1].0);
        assert_ne!(outcome.status, 0, "{place}: {outcome:#?}");
        assert!(
            outcome.stderr.contains("rank") && outcome.stderr.contains("killed"),
            "{place}: {outcome:#?}"
        );
        assert!(took < Duration::from_secs(5), "{place}: {took:?}");
    }
}

#[test]
fn a_rank_that_stops_answering() {
    let (outcome, took) = signalled(accelerator(), Signal::STOP, |_, processes| processes[1].0);
    assert_ne!(outcome.status, 0, "{outcome:#?}");
    assert!(outcome.stderr.contains("answer"), "{outcome:#?}");
    assert!(took < Duration::from_secs(15), "{took:?}");
}

#[test]
fn a_killed_backend() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let program = Program::new("wait.c");
    let runtime = directory.path().join("runtime");
    let job = Job::new(&program, accelerator())
        .ranks(2)
        .env("UNIRANK_RUNTIME_DIR", runtime.to_str().expect("UTF-8"));
    let job = job.args(&["none"]).limit(60).start();
    job.says("ready");
    let ranks = ids(&ranks_of(job.id(), accelerator()));
    let backend = descendants(job.id()).into_iter().find(|(_, name)| name == "unirank");
    let (backend, _) = backend.expect("this job started the backend of its folder");
    kill_process(Pid::from_raw(backend as i32).expect("a process id"), Signal::KILL)
        .expect("the backend lives");
    let sent = Instant::now();
    let outcome = job.wait();
    assert!(sent.elapsed() < Duration::from_secs(5), "{outcome:#?}");
    assert_ne!(outcome.status, 0, "{outcome:#?}");
    assert!(outcome.stderr.contains("backend"), "{outcome:#?}");
    Leftovers::before().none_of(&ranks);
}
