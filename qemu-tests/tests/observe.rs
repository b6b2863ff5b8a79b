//! What `unirank run --stats` and `--trace` tell of programs whose messages are known, and of one that fails.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use unirank_qemu_tests::{Job, Program, everywhere};

const MIB: u64 = 1 << 20;

fn pair(messages: u64, bytes: u64) -> Value {
    json!({ "messages": messages, "bytes": bytes })
}

/// Two ranks of the program, and what was told of each.
fn stats(place: &str, options: &[&str], argument: &str) -> [Value; 2] {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("stats");
    let flag = format!("--stats=json:{}", file.display());
    let job = Job::new(&Program::new("observe.c"), place).ranks(2).option(&["--mem", "80M", &flag]);
    job.option(options).args(&[argument]).succeed();
    let text = std::fs::read_to_string(&file).expect("statistics");
    let ranks: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    ranks.try_into().unwrap_or_else(|ranks| panic!("two ranks in {ranks:?}"))
}

#[test]
fn messages_are_counted_by_the_way_they_take() {
    for place in everywhere() {
        // An empty message of MPI_Finalize is among the eager ones, and two by which rank 1 says that it is ready.
        for (options, way) in [(&[][..], "window"), (&["--windows", "off"], "stream")] {
            let [first, second] = stats(place, options, "messages");
            let all = format!("{place}, {options:?}: {first} {second}");
            assert_eq!(first["sent"]["ring"], pair(7, 40), "{all}");
            assert_eq!(first["sent"]["rendezvous"], pair(5, 3 * MIB + 8), "{all}");
            assert_eq!(first["sent"]["self"], pair(1, 16), "{all}");
            assert_eq!(first["sent"]["adapter"], pair(0, 0), "{all}");
            assert_eq!(first["received"]["ring"], pair(3, 0), "{all}");
            assert_eq!(second["sent"]["ring"], pair(3, 0), "{all}");
            assert_eq!(second["received"]["ring"], pair(7, 40), "{all}");
            for other in ["window", "stream", "adapter"] {
                let expected = if other == way { pair(5, 3 * MIB + 8) } else { pair(0, 0) };
                assert_eq!(second["received"]["rendezvous"][other], expected, "{all}");
            }
        }
        let [first, second] = stats(place, &["--env", "UNIRANK_CHANNEL=hca"], "messages");
        let all = format!("{place}: {first} {second}");
        assert_eq!(first["sent"]["adapter"], pair(9, 48), "{all}");
        assert_eq!(
            (&first["sent"]["ring"], &second["received"]["ring"]),
            (&pair(0, 0), &pair(0, 0)),
            "{all}"
        );
        assert_eq!(first["sent"]["rendezvous"], pair(3, 3 * MIB), "{all}");
        assert_eq!(second["received"]["adapter"], pair(9, 48), "{all}");
        assert_eq!(second["received"]["rendezvous"]["adapter"], pair(3, 3 * MIB), "{all}");
    }
}

#[test]
fn unexpected_messages_waits_and_exits_are_counted() {
    for place in everywhere() {
        let [first, second] = stats(place, &[], "messages");
        let all = format!("{place}: {first} {second}");
        let unexpected = &second["unexpected"];
        // That of MPI_Finalize may be one.
        let count = unexpected["messages"].as_u64().expect("a number");
        assert!((5..=6).contains(&count) && unexpected["most_at_once"] == 5, "{all}");
        assert_eq!(unexpected["bytes"], 40, "{all}");
        let seconds = |name: &str| second[name].as_f64().expect("seconds");
        assert!(seconds("blocked_seconds") >= seconds("asleep_seconds"), "{all}");
        assert!((second["asleep_seconds"] == 0.0) == (second["sleeps"] == 0), "{all}");
        for rank in [&first, &second] {
            let exits = rank["exits"]["exits"].as_u64();
            assert_eq!(exits.is_some_and(|exits| exits > 0), place == "kvm", "{all}");
        }
    }
}

#[test]
fn collective_calls_are_counted() {
    for place in everywhere() {
        for rank in stats(place, &[], "collectives") {
            assert_eq!(rank["collectives"], json!({ "node": 9, "messages": 1 }), "{place}: {rank}");
        }
    }
}

/// The events of a trace, each as the Trace Event Format demands.
fn events(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("a trace");
    let trace: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e} in {text}"));
    let events = trace["traceEvents"].as_array().expect("events").clone();
    for event in &events {
        assert!(event["pid"].is_u64() && event["tid"].is_u64() && event["name"].is_string(), "{event}");
        let time = |name: &str| event[name].as_f64().is_some_and(|us| us >= 0.0);
        match event["ph"].as_str() {
            Some("M") => {}
            Some("X") => assert!(time("ts") && time("dur"), "{event}"),
            Some("s" | "f") => assert!(time("ts") && event["id"].is_string(), "{event}"),
            _ => panic!("{event}"),
        }
    }
    events
}

#[test]
fn a_trace_shows_calls_and_messages_of_all_ranks() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("trace.json");
    let path = file.to_str().expect("UTF-8");
    for place in everywhere() {
        let job = Job::new(&Program::new("observe.c"), place).ranks(2).args(&["messages"]);
        let outcome = job.option(&["--mem", "80M", "--trace", path, "--trace-buffer", "64K"]).succeed();
        assert!(outcome.stderr.contains(path) && outcome.stderr.contains("ui.perfetto.dev"), "{outcome:?}");
        let events = events(&file);
        let of = |rank: u64, name: &str| {
            let all = events.iter().filter(|event| event["pid"] == rank && event["name"] == name);
            all.collect::<Vec<_>>()
        };
        assert_eq!((of(0, "MPI_Send").len(), of(0, "MPI_Ssend").len()), (9, 2), "{place}");
        assert_eq!((of(1, "MPI_Recv").len(), of(1, "MPI_Waitall").len()), (5, 1), "{place}");
        for (rank, call, tag, bytes) in [(0, "MPI_Send", 1, 8), (0, "MPI_Ssend", 4, 4), (1, "MPI_Recv", 1, 8)]
        {
            let args = &of(rank, call)[0]["args"];
            let expected = (&json!(1 - rank), &json!(tag), &json!(bytes));
            assert_eq!((&args["peer"], &args["tag"], &args["bytes"]), expected, "{place}: {args}");
        }
        // An arrow for each message: eleven of rank 0, and one of MPI_Finalize from each, and two that rank 1 is ready.
        let ends = |phase: &str| {
            let all = events.iter().filter(|event| event["ph"] == phase);
            all.map(|event| event["id"].to_string()).collect::<BTreeSet<_>>()
        };
        assert_eq!((ends("s").len(), ends("s")), (15, ends("f")), "{place}");
    }
}

#[test]
fn a_job_that_fails_still_tells_what_it_did() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("trace.json");
    let path = file.to_str().expect("UTF-8");
    for place in everywhere() {
        let job = Job::new(&Program::new("fatal.c"), place).ranks(3);
        let outcome = job.option(&["--mem", "80M", "--stats", "--trace", path]).run();
        assert_ne!(outcome.status, 0, "{place}");
        assert!(outcome.stderr.contains("MPI_Send: invalid rank 17"), "{place}: {outcome:?}");
        assert!(outcome.stderr.contains("Statistics of 3 ranks"), "{place}: {outcome:?}");
        assert_eq!(outcome.stderr.contains("\nVM exits\n"), place == "kvm", "{place}: {outcome:?}");
        let unfinished: BTreeSet<_> = events(&file)
            .iter()
            .filter(|event| event["args"]["unfinished"] == true)
            .map(|event| (event["pid"].as_u64(), event["name"].as_str().map(str::to_owned)))
            .collect();
        let failed = (Some(1), Some("MPI_Send".to_owned()));
        assert!(unfinished.contains(&failed), "{place}: {unfinished:?}");
    }
}

#[test]
fn the_stages_of_a_start_are_told() {
    let program = Program::new("hello.c");
    for place in everywhere() {
        let outcome = Job::new(&program, place).ranks(2).option(&["--boot-times"]).succeed();
        let row = |name: &str| outcome.stderr.lines().find(|line| line.trim_start().starts_with(name));
        let common = ["launcher: host backend", "launcher: starting the process", "MPI_Init"];
        let of_vms =
            ["QEMU until the first instruction", "firmware", "kernel: page tables", "kernel: adapter"];
        for name in common.iter().chain(of_vms.iter().filter(|_| place != "native")) {
            let row = row(name).unwrap_or_else(|| panic!("{place}: no {name}: {outcome:#?}"));
            // Two ranks, and the time from the command on.
            let numbers = row.split_whitespace().rev().take_while(|word| word.parse::<f64>().is_ok());
            assert!(numbers.count() >= 3, "{place}: {row}");
        }
    }
}
