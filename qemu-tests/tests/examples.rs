//! The examples as a user runs them, with what they should print.

use std::path::Path;
use unirank_qemu_tests::{Job, Program, accelerator, everywhere, root};

fn copied(directory: &Path, names: &[&str]) {
    for name in names {
        let file = Path::new(name).file_name().expect("a file");
        std::fs::copy(root().join("images/examples").join(name), directory.join(file)).expect("copied");
    }
}

#[test]
fn heat_conserves_heat_and_draws_the_same_picture_everywhere() {
    let program = Program::example("heat");
    let mut pictures = Vec::new();
    for place in everywhere() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        copied(directory.path(), &["heat/heat.par", "heat/start.png"]);
        let outcome =
            Job::new(&program, place).ranks(4).current_dir(directory.path()).args(&["heat.par"]).succeed();
        assert!(outcome.stdout.contains("heat: 640 x 400 cells on 2 x 2 ranks"), "{place}: {outcome:?}");
        assert!(outcome.stdout.contains("wrote heat.png"), "{place}: {outcome:?}");
        pictures.push(std::fs::read(directory.path().join("heat.png")).expect("a picture"));
    }
    assert!(pictures[0].starts_with(b"\x89PNG\r\n\x1a\n"));
    assert!(pictures.windows(2).all(|pair| pair[0] == pair[1]), "the pictures differ");
}

#[test]
fn conjugate_gradients_in_fortran_and_rust_agree() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    copied(directory.path(), &["cg/plate.mtx"]);
    for name in ["cg", "cg-rs"] {
        let program = Program::example(name);
        for place in everywhere() {
            let job = Job::new(&program, place).ranks(3).current_dir(directory.path()).args(&["plate.mtx"]);
            let outcome = job.succeed();
            let last = outcome.stdout.lines().last().unwrap_or_default().to_lowercase();
            assert!(
                last.contains("141 iterations") && last.contains("largest error"),
                "{name} {place}: {outcome:?}"
            );
        }
        let missing = Job::new(&program, accelerator()).ranks(2).args(&["missing.mtx"]).run();
        assert_ne!(missing.status, 0);
        assert!(missing.stderr.contains("cannot open matrix file"), "{missing:?}");
    }
}

#[test]
fn latency_prints_the_tables_people_know() {
    let program = Program::example("latency");
    let job = Job::new(&program, accelerator()).ranks(2).args(&["--max", "65536", "--iterations", "20"]);
    let outcome = job.succeed();
    for text in ["# Half round trip", "# Bandwidth, window 64", "# Message rate, 8 bytes", "     65536"] {
        assert!(outcome.stdout.contains(text), "{outcome:?}");
    }
}
