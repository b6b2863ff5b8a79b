//! What ranks of a host share: messages that change their way, a peer that spoils its rings or dies in the middle of a
//! copy, and a job region that is none.

use rustix::process::{Pid, Signal, kill_process};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;
use unirank_qemu_tests::{Job, Leftovers, Outcome, Program, accelerator, descendants, everywhere};

/// Runs `switching.c` on three ranks; the messages that each sent through rings and through the adapter.
fn switching(place: &str, every: u32, rounds: u32, windows: &str) -> Vec<[u64; 2]> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("stats");
    let flag = format!("--stats=json:{}", file.display());
    let way = format!("UNIRANK_CHANNEL=switch:{every}");
    let job = Job::new(&Program::new("switching.c"), place).ranks(3).args(&[&rounds.to_string()]).limit(240);
    let job = job.option(&["--mem", "80M", "--windows", windows, "--env", &way, &flag]);
    assert_eq!(job.succeed().stdout, "switching: passed\n", "{place} {way} {windows}");
    let text = std::fs::read_to_string(&file).expect("statistics");
    let read = |line: &str| -> [u64; 2] {
        let rank: serde_json::Value = serde_json::from_str(line).expect("JSON");
        ["ring", "adapter"].map(|way| rank["sent"][way]["messages"].as_u64().expect("a number"))
    };
    text.lines().map(read).collect()
}

#[test]
fn order_and_content_hold_while_messages_change_their_way() {
    for place in everywhere() {
        let rounds = 200;
        for (every, windows) in [(1, "rw"), (7, "off")] {
            let ranks = switching(place, every, rounds, windows);
            assert_eq!(ranks.len(), 3, "{place}");
            // After so many messages the way changes: no way carries much more than the other. Counted are those that
            // came with their data, and most do.
            for [ring, adapter] in ranks {
                let (fewest, all) = (ring.min(adapter), u64::from(2 * 16 * rounds));
                let text = format!("{place}, {every}, {windows}: {ring} by rings, {adapter} by adapter");
                assert!(ring + adapter > all * 3 / 4 && fewest > all / 5, "{text}");
            }
        }
    }
}

/// Runs `garble.c`; the job ends by itself, with the rank that was misled as the one that tells of it.
fn garbled(kind: &str, place: &str) {
    let leftovers = Leftovers::before();
    let job = Job::new(&Program::new("garble.c"), place).ranks(3).option(&["--mem", "64M"]).args(&[kind]);
    let mut job = job.limit(60).start();
    let mut processes = std::collections::BTreeSet::new();
    while job.is_running() {
        processes.extend(ranks_of(job.id(), place, "garble"));
        std::thread::sleep(Duration::from_millis(5));
    }
    let outcome = job.wait();
    leftovers.none_of(&Vec::from_iter(processes));
    // The class of the error: MPI_ERR_INTERN, or MPI_ERR_TRUNCATE for a message that says it is longer than any buffer.
    let truncated = kind == "rendezvous-length";
    assert_eq!(outcome.status, if truncated { 15 } else { 17 }, "{kind} {place}: {outcome:#?}");
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.lines().count()), ("", 1), "{kind}: {outcome:#?}");
    let (_, told) = outcome.stderr.split_once("aborted the job").unwrap_or_default();
    assert!(told.contains("rank 1 ") && !told.contains("rank 1: "), "{kind} {place}: {outcome:#?}");
}

#[test]
fn garbage_in_a_ring_ends_the_job_and_names_the_writer() {
    let kinds = [
        "kind",
        "length",
        "length-in-slot",
        "place",
        "sequence-ahead",
        "sequence-behind",
        "stamp",
        "offer",
        "offer-length",
        "offer-moved",
        "rendezvous",
        "rendezvous-length",
        "part",
        "end",
        "directory",
        "segment",
    ];
    for kind in kinds {
        garbled(kind, "native");
        garbled(kind, accelerator());
    }
    for kind in ["length", "offer-moved", "stamp"] {
        garbled(kind, "tcg");
    }
}

/// The processes of the ranks below `launcher` in a job of that program.
fn ranks_of(launcher: u32, place: &str, program: &str) -> Vec<u32> {
    let name = if place == "native" { program } else { "qemu" };
    descendants(launcher).into_iter().filter(|(_, n)| n.starts_with(name)).map(|(pid, _)| pid).collect()
}

/// Kills rank 1 of three in the middle of what `dying.c` does, so many milliseconds after it has begun.
fn killed(kind: &str, place: &str, after: u64) -> Outcome {
    let leftovers = Leftovers::before();
    let job = Job::new(&Program::new("dying.c"), place).ranks(3).option(&["--mem", "160M"]).args(&[kind]);
    let job = job.limit(60).start();
    job.says("flowing");
    let mut processes = ranks_of(job.id(), place, "dying");
    assert_eq!(processes.len(), 3, "{kind} {place}");
    // Ranks are started one after the other; numbers of processes begin anew at the end of their range.
    processes.sort_by_key(|pid| started(*pid));
    std::thread::sleep(Duration::from_millis(after));
    let pid = Pid::from_raw(processes[1] as i32).expect("a process id");
    kill_process(pid, Signal::KILL).expect("the process lives");
    let outcome = job.wait();
    leftovers.none_of(&processes);
    outcome
}

/// When a process was started, and its number for those of the same tick.
fn started(pid: u32) -> (u64, u32) {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process lives");
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    (fields.split_ascii_whitespace().nth(19).and_then(|text| text.parse().ok()).expect("a number"), pid)
}

#[test]
fn a_rank_that_dies_in_the_middle_of_a_copy_is_named() {
    for place in everywhere() {
        for (kind, after) in [("copy", 0), ("copy", 7), ("offers", 3), ("node", 2)] {
            let outcome = killed(kind, place, after);
            let name = if place == "native" { "rank 1" } else { "rank 1's VM" };
            let says = format!("{name} was killed by signal 9");
            assert_eq!(outcome.status, 137, "{kind} {place}: {outcome:#?}");
            assert!(outcome.stderr.contains(&says), "{kind} {place}: {outcome:#?}");
            assert!(!outcome.stderr.contains("aborted"), "{kind} {place}: {outcome:#?}");
        }
    }
}

/// Starts the program as a process whose job region is that file, as its standard input; what it says.
fn with_region(file: Option<std::fs::File>) -> String {
    let mut command = Command::new(Program::new("hello.c").path());
    command.env("UNIRANK_RANK", "0").env("UNIRANK_SIZE", "1");
    command.env("UNIRANK_IVC", if file.is_some() { "0:rw:0" } else { "999:rw:0" });
    let output = command.stdin(file.map_or(Stdio::null(), Stdio::from)).output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && output.stdout.is_empty(), "{text}");
    text
}

/// A file that begins like the header of a job region of that version and says that it has so many bytes.
fn region(version: u32, says: u64, bytes: u64) -> std::fs::File {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.set_len(bytes).expect("room");
    let mut header = [0; 0x50];
    header[..8].copy_from_slice(b"UNIRIVC\0");
    header[0x08..0x0c].copy_from_slice(&version.to_le_bytes());
    header[0x0c..0x10].copy_from_slice(&1u32.to_le_bytes());
    header[0x10..0x18].copy_from_slice(&says.to_le_bytes());
    file.write_all(&header[..bytes.min(0x50) as usize]).expect("written");
    file
}

#[test]
fn a_process_refuses_a_job_region_that_is_none() {
    let other = with_region(Some(region(7, 1 << 20, 1 << 20)));
    assert!(other.contains("has version 7") && other.contains("knows version 1"), "{other}");
    let short = with_region(Some(region(1, 1 << 20, 8192)));
    assert!(short.contains("has 8192 bytes, wanted 1048576"), "{short}");
    let empty = with_region(Some(region(1, 1 << 20, 0)));
    assert!(empty.contains("mapping the job region failed"), "{empty}");
    let missing = with_region(None);
    assert!(missing.contains("mapping the job region failed"), "{missing}");
    for text in [other, short, empty, missing] {
        assert!(text.contains("rank 0"), "{text}");
    }
}

/// Runs two VMs whose QEMU is a script that does `spoil` to the job region's file `$job` before it starts QEMU with `$@`.
fn with_spoiled_region(place: &str, spoil: &str) -> Outcome {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let script = directory.path().join("qemu");
    let text = format!(
        r#"#!/bin/bash
for word; do
    case $word in memory-backend-file,id=job,*) job=${{word##*mem-path=}} ;; esac
done
put() {{ printf "$2" | dd of="$job" bs=1 seek="$1" conv=notrunc status=none; }}
{spoil}
exec qemu-system-x86_64 "$@"
"#
    );
    std::fs::write(&script, text).expect("writable");
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).expect("ours");
    let job = Job::new(&Program::new("hello.c"), place).ranks(2).option(&["--mem", "64M"]);
    job.env("UNIRANK_QEMU", script.to_str().expect("UTF-8")).limit(60).run()
}

#[test]
fn a_vm_refuses_a_job_region_that_is_none() {
    for (spoil, says) in
        [(r"put 8 '\007'", "has version 7, this image knows version 1"), (r"put 23 '\001'", "bytes, wanted ")]
    {
        let leftovers = Leftovers::before();
        let outcome = with_spoiled_region(accelerator(), spoil);
        leftovers.none_of(&[]);
        assert_ne!(outcome.status, 0, "{outcome:#?}");
        assert!(outcome.stderr.contains(says) && outcome.stderr.contains("rank "), "{outcome:#?}");
        assert_eq!(outcome.stdout, "", "{outcome:#?}");
    }
}
