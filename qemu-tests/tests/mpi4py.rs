//! mpi4py's own test suite, built against the MPI library as a shared library, on ranks that are Linux processes.

use std::path::{Path, PathBuf};
use std::process::Command;
use unirank_qemu_tests::registry::{not_run, python_source, run};
use unirank_qemu_tests::{Job, Outcome, Program, tool};

const VERSION: &str = "4.1.2";

/// Builds and unpacks mpi4py in `directory`; its sources. None where it cannot be fetched, which is said.
fn built(directory: &Path) -> Option<PathBuf> {
    let tarball = match python_source("mpi4py", VERSION) {
        Ok(tarball) => tarball,
        Err(why) => {
            println!("{why}");
            not_run("the tests of mpi4py: pip cannot fetch it here");
            return None;
        }
    };
    run(Command::new("tar").arg("-xf").arg(&tarball).current_dir(directory)).expect("a tar file");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"]).arg(directory.join("modules"));
    // Optimised, its one large file takes the compiler minutes.
    run(pip.arg(&tarball).env("MPICC", tool("mpicc")).env("CFLAGS", "-O0")).expect("it builds");
    Some(directory.join(format!("mpi4py-{VERSION}")))
}

#[test]
fn its_own_tests_pass_on_one_rank_and_on_three() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(sources) = built(directory.path()) else { return };
    // The interpreter itself, where `python3` is a script that chooses one.
    let python = run(Command::new("python3").args(["-c", "import sys; print(sys.executable)"]));
    let python = Program::at(python.expect("a Python").trim());
    let job = |ranks| {
        let job = Job::new(&python, "native").ranks(ranks).current_dir(&sources).limit(400);
        job.env("PYTHONPATH", &directory.path().join("modules").to_string_lossy()).args(&["test/main.py"])
    };
    for ranks in [1, 3] {
        // Ranks do not start processes.
        let job = job(ranks).env("MPI4PY_TEST_SPAWN", "0").args(&["-e", "spawn", "-e", "dynproc"]);
        // It wants an error of MPI_Group_from_session_pset where the standard has MPI_GROUP_NULL.
        let job = job.args(&["-x", "TestExcSession.testCreateGroup"]);
        // It receives characters as integers, which is found to be a mistake.
        let outcome = job.args(&["-x", "TestMessageDLPackCPUBuf.testDtypeLanes"]).run();
        assert_eq!(outcome.status, 0, "{ranks} ranks: {}", outcome.stderr);
        assert!(tests_run(&outcome) > 2000, "{}", outcome.stderr);
    }
    // Without checks that is let pass.
    let outcome = job(1).env("UNIRANK_CHECK", "0").args(&["-i", "msgspec", "-k", "testDtypeLanes"]).run();
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    assert!(tests_run(&outcome) > 0, "{}", outcome.stderr);
}

/// How many tests the suite says it ran.
fn tests_run(outcome: &Outcome) -> u32 {
    let number = outcome.stderr.lines().find_map(|line| line.split_once("Ran ")?.1.split(' ').next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
