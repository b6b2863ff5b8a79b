//! Files of ranks: as on Linux, or refused with an error number and a line.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};
use unirank_qemu_tests::{Job, Outcome, Program, accelerator, accelerators, everywhere, tool};

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

/// A folder as `packed.c` expects it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let at = |name: &str| folder.path().join(name);
    for name in ["data", "many", "dev"] {
        std::fs::create_dir(at(name)).expect("writable");
    }
    let lines: String = (0..100_000).map(|i| format!("line {i}\n")).collect();
    std::fs::write(at("data/table"), lines).expect("writable");
    std::fs::write(at("dev/null"), "not this one").expect("writable");
    std::fs::write(at("conf"), "hello").expect("writable");
    std::fs::set_permissions(at("conf"), PermissionsExt::from_mode(0o640)).expect("ours");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    std::fs::File::open(at("conf")).and_then(|f| f.set_modified(time)).expect("ours");
    std::os::unix::fs::symlink("../conf", at("data/link")).expect("writable");
    for i in 0..200 {
        std::fs::write(at(&format!("many/{i}")), "").expect("writable");
    }
    folder
}

/// `unirank build --files FOLDER`, with what else it is told.
fn pack(folder: &Path, more: &[&OsStr]) -> Output {
    let mut command = Command::new(tool("unirank"));
    command.args(["build", "--files"]).arg(folder).args(more).output().expect("unirank runs")
}

#[test]
fn files_packed_into_an_image_are_seen_by_vms() {
    let (program, folder) = (Program::new("packed.c"), folder());
    let made = tempfile::tempdir().expect("a temporary directory");
    let image = made.path().join("image");
    for again in [false, true] {
        // The second time the image has files already, which are replaced.
        let source = if again { &image } else { program.path() };
        let output = pack(folder.path(), &["-o".as_ref(), image.as_ref(), source.as_ref()]);
        assert!(output.status.success(), "{output:?}");
        for place in accelerators() {
            let outcome = Job::new(&Program::at(&image), place).succeed();
            assert_eq!(outcome.stdout, "packed: passed\n", "{place}: {outcome:#?}");
        }
    }
    // A folder given at the start hides what the image has there.
    std::fs::write(made.path().join("conf"), "other").expect("writable");
    let volume = format!("{}:/data", made.path().display());
    let outcome = Job::new(&Program::at(&image), accelerator()).option(&["-v", &volume]).run();
    assert!(outcome.stderr.contains("failed: table != NULL"), "{outcome:#?}");
    // As a process the program runs, and the user is told why it misses its files.
    let outcome = Job::new(&Program::at(&image), "native").run();
    assert!(outcome.stderr.contains("are seen by VMs only"), "{outcome:#?}");
}

#[test]
fn a_damaged_file_tree_ends_the_rank_with_a_sentence() {
    let (program, folder) = (Program::new("packed.c"), folder());
    let made = tempfile::tempdir().expect("a temporary directory");
    let image = made.path().join("image");
    assert!(pack(folder.path(), &["-o".as_ref(), image.as_ref(), program.path().as_ref()]).status.success());
    let whole = std::fs::read(&image).expect("readable");
    // The archive is what the file ends with: its trailer, and the header of its first entry.
    let first = whole.windows(6).rposition(|w| w == b"070701").expect("an archive");
    let begin = whole.len() - 124;
    assert_eq!(first, begin);
    for (at, with) in [(begin + 112, b'X'), (begin + 2, b'?'), (begin + 94, b'f')] {
        let mut bytes = whole.clone();
        bytes[at] = with;
        std::fs::write(&image, bytes).expect("writable");
        let outcome = Job::new(&Program::at(&image), accelerator()).run();
        assert_eq!(outcome.status, 1, "{outcome:#?}");
        assert!(outcome.stderr.contains("the image's file tree is damaged: "), "{outcome:#?}");
    }
}

#[test]
fn what_cannot_be_packed_is_refused() {
    let (program, folder) = (Program::new("packed.c"), folder());
    for (folder, image, says) in [
        (Path::new("/nonexistent"), program.path(), "/nonexistent cannot be read"),
        (folder.path(), Path::new("/bin/true"), "linked dynamically"),
        (folder.path(), Path::new("/nonexistent"), "reading /nonexistent"),
    ] {
        let output = pack(folder, &[image.as_ref()]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains(says), "{text}");
    }
}

#[test]
fn proc_and_sys_tell_of_the_rank() {
    let program = Program::new("procfs.c");
    for accelerator in accelerators() {
        let job = Job::new(&program, accelerator).option(&["-c", "2", "--mem", "512M"]).args(&["one"]);
        let outcome = job.succeed();
        assert_eq!(outcome.stdout, "procfs: passed\n", "{accelerator}: {outcome:?}");
    }
}
