//! gdb, core files, system calls shown, profiles and the record of jobs.

use std::path::Path;
use std::process::Command;
use unirank_qemu_tests::{Job, Outcome, Program, accelerators, root, tool};

fn gdb(program: &Program, further: &[&str], commands: &[&str]) -> String {
    let mut command = Command::new("gdb");
    command.args(["-batch", "-nx"]).args(commands.iter().flat_map(|c| ["-ex", c])).arg(program.path());
    let output = command.args(further).output().expect("gdb starts");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The one file in a folder.
fn only_file(directory: &Path) -> std::path::PathBuf {
    let mut files: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

#[test]
fn a_core_file_shows_all_threads_to_gdb() {
    let program = Program::threaded("crash.c");
    for accelerator in accelerators() {
        let directory = tempfile::tempdir().unwrap();
        let option = format!("--core={}", directory.path().display());
        let outcome = Job::new(&program, accelerator).option(&[&option, "-c", "2"]).run();
        assert_eq!(outcome.status, 139, "{outcome:#?}");
        let core = only_file(directory.path());
        assert!(outcome.stderr.contains(core.to_str().unwrap()), "{outcome:#?}");
        let text =
            gdb(&program, &[core.to_str().unwrap()], &["thread apply all bt", "frame 0", "print local"]);
        for part in
            ["crash.c:30", "wait_for_ever", "compute_for_ever", "fall (pointer", "main (argc=1", "$1 = 42"]
        {
            assert!(text.contains(part), "{accelerator}: no {part} in {text}");
        }
    }
}

/// Starts a rank that waits for gdb at a socket, and lets gdb have it.
fn debugged(accelerator: &str, cpus: &str, commands: &[&str]) -> (String, Outcome) {
    let program = Program::compile(&root().join("qemu-tests/programs/fatal.c"), &["-O0", "-g"]);
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("gdb");
    let option = format!("--gdb=0:{}", socket.display());
    let job = Job::new(&program, accelerator).ranks(1).option(&[&option, "-c", cpus]).start();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !socket.exists() {
        assert!(std::time::Instant::now() < deadline, "no socket for gdb");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let remote = format!("target remote {}", socket.display());
    let commands: Vec<&str> = std::iter::once(remote.as_str()).chain(commands.iter().copied()).collect();
    let text = gdb(&program, &[], &commands);
    (text, job.wait())
}

#[test]
fn gdb_steps_by_source_line() {
    for accelerator in accelerators() {
        for cpus in ["1", "2"] {
            let commands = ["break main", "continue", "next", "next", "info source", "bt", "kill"];
            let (text, outcome) = debugged(accelerator, cpus, &commands);
            assert!(text.contains("main (") && text.contains("fatal.c"), "{accelerator}: {text} {outcome:?}");
            assert!(text.contains("Current source file is"), "{accelerator}: {text}");
        }
    }
}

#[test]
fn system_calls_are_shown() {
    let program = Program::new("files.c");
    for accelerator in accelerators() {
        let directory = tempfile::tempdir().unwrap();
        let job = Job::new(&program, accelerator).current_dir(directory.path()).option(&["--strace"]);
        let outcome = job.succeed();
        assert_eq!(outcome.stdout, "files: passed\n", "{accelerator}");
        for part in ["openat(", "= -1 ENOENT", "exit_group("] {
            assert!(outcome.stderr.contains(part), "{accelerator}: no {part} in {}", outcome.stderr);
        }
    }
}

#[test]
fn a_profile_names_what_is_hot() {
    let program = Program::threaded("hot.c");
    for accelerator in accelerators() {
        let directory = tempfile::tempdir().unwrap();
        let (svg, folded) = (directory.path().join("p.svg"), directory.path().join("p.folded"));
        for file in [&svg, &folded] {
            let options = ["--profile", file.to_str().unwrap(), "--profile-hz", "500", "-c", "2"];
            Job::new(&program, accelerator).ranks(2).option(&options).succeed();
        }
        let samples = |name: &str| -> u64 {
            let text = std::fs::read_to_string(&folded).unwrap();
            let lines = text.lines().filter_map(|line| line.rsplit_once(' '));
            let leaf = |stack: &str| stack.rsplit(';').next() == Some(name);
            lines.filter(|(stack, _)| leaf(stack)).map(|(_, count)| count.parse::<u64>().unwrap()).sum()
        };
        assert!(
            samples("hot") > 3 * samples("warm"),
            "{accelerator}: {} {}",
            samples("hot"),
            samples("warm")
        );
        let text = std::fs::read_to_string(&folded).unwrap();
        assert!(text.contains(";main;ask;getrandom;[library OS] "), "{accelerator}: {text}");
        assert!(text.contains("main;work;hot ") && text.contains("start_thread;work;hot "), "{text}");
        let picture = std::fs::read_to_string(&svg).unwrap();
        assert!(
            picture.contains("<svg") && picture.contains("hot (") && picture.trim_end().ends_with("</svg>"),
            "{svg:?}"
        );
    }
    let native = Job::new(&program, "native").option(&["--profile", "/nonexistent/p.svg"]).run();
    assert!(native.status == 2 && native.stderr.contains("perf record"), "{native:?}");
}

#[test]
fn recent_jobs_are_remembered() {
    let directory = tempfile::tempdir().unwrap();
    // A folder that is not there yet is made for this user alone.
    let place = directory.path().join("runtime");
    let place = place.to_str().unwrap();
    let job = Job::new(&Program::threaded("crash.c"), accelerators()[0]).env("UNIRANK_RUNTIME_DIR", place);
    let outcome = job.run();
    assert_eq!(outcome.status, 139, "{outcome:#?}");
    let logs = |arguments: &[&str]| {
        let mut command = Command::new(tool("unirank"));
        let output = command.arg("logs").args(arguments).env("UNIRANK_RUNTIME_DIR", place).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let list = logs(&["--json"]);
    let jobs: serde_json::Value = serde_json::from_str(&list).unwrap();
    let number = jobs[0]["job"].to_string();
    let text = logs(&[&number]);
    assert!(text.contains("crash") && text.contains("null pointer"), "{list} {text}");
}
