//! Files of ranks: as on Linux, or refused with an error number and a line.

use unirank_qemu_tests::{Job, Outcome, Program, accelerator, accelerators, everywhere};

/// A job in an empty folder of its own.
fn in_a_folder(program: &Program, place: &str, change: impl FnOnce(Job) -> Job) -> Outcome {
    let directory = tempfile::tempdir().expect("a temporary directory");
    change(Job::new(program, place).current_dir(directory.path())).succeed()
}

#[test]
fn calls_on_files_do_the_same_everywhere() {
    let program = Program::new("posix.c");
    for place in everywhere() {
        let outcome = in_a_folder(&program, place, |job| job);
        assert_eq!(outcome.stdout, "posix: passed\n", "{place}: {outcome:#?}");
    }
}

#[test]
fn what_a_rank_cannot_do_with_files_is_told_once() {
    let program = Program::new("nofiles.c");
    for place in accelerators() {
        let outcome = in_a_folder(&program, place, |job| job);
        for line in [
            "asks for O_DIRECT",
            "maps a file shared and writable (mmap)",
            "be told of changes of files (inotify_init1)",
            "makes a named pipe",
        ] {
            assert_eq!(outcome.stderr.matches(line).count(), 1, "{place}: {line} in {outcome:#?}");
        }
        assert!(!outcome.stderr.contains("file locks"), "{place}: {outcome:#?}");
    }
}

#[test]
fn locks_that_would_not_keep_other_ranks_away_are_refused() {
    let program = Program::new("nofiles.c");
    let outcome = in_a_folder(&program, accelerator(), |job| job.ranks(2));
    assert!(
        outcome.stderr.contains("file locks do not reach the other ranks: flock gets ENOSYS"),
        "{outcome:#?}"
    );
    assert!(outcome.stderr.contains("fcntl gets ENOLCK"), "{outcome:#?}");
    let local = |job: Job| job.ranks(2).option(&["--env", "UNIRANK_LOCKS=local"]).args(&["locked"]);
    let outcome = in_a_folder(&program, accelerator(), local);
    assert!(!outcome.stderr.contains("file locks"), "{outcome:#?}");
}
