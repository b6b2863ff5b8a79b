//! Bad input to the command: a message that names cause and remedy, status non-zero, nothing left behind.

use std::path::Path;
use unirank_qemu_tests::{Job, Leftovers, Program, accelerator};

fn refused(job: Job, says: &[&str]) {
    let leftovers = Leftovers::before();
    let outcome = job.limit(30).run();
    assert_ne!(outcome.status, 0, "{outcome:#?}");
    assert_eq!(outcome.stdout, "");
    for text in says {
        assert!(outcome.stderr.to_lowercase().contains(text), "no `{text}` in {outcome:#?}");
    }
    assert!(!outcome.stderr.contains("panicked"), "{outcome:#?}");
    leftovers.none_of(&[]);
}

fn made(directory: &Path, name: &str, bytes: &[u8]) -> Program {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join(name);
    std::fs::write(&path, bytes).expect("writable");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("ours");
    Program::at(path)
}

#[test]
fn files_that_are_no_images() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    refused(Job::new(&Program::at("/nonexistent/app"), accelerator()), &["no file /nonexistent/app"]);
    refused(
        Job::new(&made(directory.path(), "script", b"#!/bin/sh\necho no\n"), accelerator()),
        &["not an elf"],
    );
    refused(Job::new(&made(directory.path(), "empty", b""), accelerator()), &["not an elf"]);
    refused(Job::new(&Program::at("/bin/true"), accelerator()), &["dynamic", "mpicc"]);
    let source = directory.path().join("plain.c");
    std::fs::write(&source, "int main(void) { return 0; }\n").expect("writable");
    let plain = directory.path().join("plain");
    for (flags, says) in [(&["-static", "-no-pie"][..], "mpicc"), (&["-static-pie"][..], "pie")] {
        let status =
            std::process::Command::new("gcc").args(flags).arg(&source).arg("-o").arg(&plain).status();
        assert!(status.expect("gcc runs").success());
        refused(Job::new(&Program::at(&plain), accelerator()), &[says]);
    }
    let mut torn = std::fs::read(Program::new("wait.c").path()).expect("readable");
    torn.truncate(torn.len() / 3);
    refused(Job::new(&made(directory.path(), "torn", &torn), accelerator()), &["torn"]);
}

#[test]
fn options_out_of_range() {
    let program = Program::new("wait.c");
    refused(Job::new(&program, accelerator()).option(&["-n", "0"]), &["-n", "1"]);
    refused(Job::new(&program, accelerator()).option(&["--mem", "1M"]), &["--mem", "16 mib"]);
    refused(Job::new(&program, accelerator()).option(&["--mem", "lots"]), &["--mem"]);
    refused(Job::new(&program, accelerator()).option(&["-n", "1000", "--mem", "2G"]), &["memory"]);
    refused(Job::new(&program, accelerator()).option(&["-v", "/nonexistent"]), &["/nonexistent"]);
    refused(Job::new(&program, "warp"), &["warp"]);
}

#[test]
fn no_qemu() {
    let program = Program::new("wait.c");
    refused(Job::new(&program, accelerator()).env("PATH", "/nonexistent"), &["qemu", "apt"]);
}
