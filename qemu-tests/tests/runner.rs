//! What `unirank run` does beside running: input, output, environment, folders, `ps`, `mpiexec`.

use std::process::Command;
use unirank_qemu_tests::{Job, Program, accelerator, everywhere, tool};

#[test]
fn standard_input_goes_to_rank_0_whole() {
    let program = Program::new("echo.c");
    let input: String = (0..20000).map(|i| format!("line {i} {}\n", "x".repeat(i % 90))).collect();
    for place in everywhere() {
        let outcome = Job::new(&program, place).ranks(2).input(input.as_bytes()).succeed();
        assert!(outcome.stdout == input, "{place}: {} of {} bytes", outcome.stdout.len(), input.len());
        assert!(outcome.stderr.contains("20000 lines, 0 elsewhere"), "{place}: {}", outcome.stderr);
    }
}

#[test]
fn much_output_of_many_ranks_stays_in_lines() {
    let program = Program::new("shout.c");
    for place in everywhere() {
        let outcome = Job::new(&program, place).ranks(4).option(&["--tag-output"]).succeed();
        let mut next = [0; 4];
        for line in outcome.stdout.lines() {
            let rank = line[1..2].parse::<usize>().unwrap_or_else(|_| panic!("{place}: `{line}`"));
            let want = format!("[{rank}] rank {rank} line {} {}", next[rank], "=".repeat(60));
            assert_eq!(line, want, "{place}");
            next[rank] += 1;
        }
        assert_eq!(next, [2000; 4], "{place}");
    }
}

#[test]
fn environment_arguments_and_folders() {
    let program = Program::new("where.c");
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("note"), "seen").expect("writable");
    let path = directory.path().to_str().expect("UTF-8");
    for place in everywhere() {
        let volume = format!("{path}:{}", if place == "native" { path } else { "/data" });
        let note = if place == "native" { format!("{path}/note") } else { "/data/note".into() };
        let job = Job::new(&program, place).ranks(2).option(&["-v", &volume, "--env", "COLOUR=blue green"]);
        let outcome = job.args(&[&note, "a b", ""]).succeed();
        assert_eq!(
            outcome.stdout, "COLOUR=blue green; 4 arguments; a b; note: seen\n",
            "{place}: {outcome:?}"
        );
    }
}

#[test]
fn a_read_only_folder_cannot_be_written() {
    let program = Program::new("where.c");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let volume = format!("{}:/data:ro", directory.path().display());
    let outcome =
        Job::new(&program, accelerator()).option(&["-v", &volume]).args(&["/data/new", "w"]).succeed();
    assert!(outcome.stdout.contains("Read-only file system"), "{outcome:?}");
    assert!(!directory.path().join("new").exists());
}

#[test]
fn ps_lists_the_job_and_its_ranks() {
    let program = Program::new("wait.c");
    let job = Job::new(&program, accelerator()).ranks(2).option(&["--timeout", "10"]).args(&["none"]).start();
    job.says("ready");
    let output = Command::new(tool("unirank")).arg("ps").output().expect("unirank runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(text.contains("wait-c") && text.contains("running"), "{text}");
    assert_eq!(job.wait().status, 124);
}

#[test]
fn mpiexec_takes_the_usual_flags() {
    let program = Program::new("where.c");
    for flags in
        [&["-n", "2"][..], &["-np", "2", "-genv", "COLOUR", "red"], &["-c", "1", "-env", "COLOUR", "red"]]
    {
        let mut command = Command::new(tool("mpiexec"));
        let output = command
            .args(flags)
            .arg(program.path())
            .args(["/etc/hostname", "x"])
            .output()
            .expect("mpiexec runs");
        assert!(output.status.success(), "{flags:?}: {output:?}");
    }
    let output = Command::new(tool("mpiexec")).args(["--no-such-flag", "x"]).output().expect("mpiexec runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--no-such-flag"), "{output:?}");
}
