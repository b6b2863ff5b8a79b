//! Threads and OpenMP: in VMs with one and several processors, and natively.

use unirank_qemu_tests::{Job, Program, accelerators, everywhere, root};

fn source(name: &str) -> std::path::PathBuf {
    root().join("qemu-tests/programs").join(name)
}

#[test]
fn threads_of_the_c_library() {
    let program = Program::threaded("threads.c");
    for accelerator in everywhere() {
        for cpus in ["1", "2", "3"] {
            let job = Job::new(&program, accelerator).option(&["--cpus-per-rank", cpus]);
            // A native rank has the processors of the host.
            let job = if accelerator == "native" { job } else { job.args(&[cpus]) };
            let outcome = job.succeed();
            assert_eq!(outcome.stdout, "threads: passed\n", "{accelerator}, {cpus}: {outcome:?}");
        }
    }
}

#[test]
fn openmp_in_every_rank() {
    let program = Program::compile(&source("openmp.c"), &["-O1", "-g", "-fopenmp"]);
    for accelerator in accelerators() {
        for (ranks, cpus) in [(1, "2"), (2, "1"), (2, "2")] {
            let job = Job::new(&program, accelerator).ranks(ranks);
            let outcome = job.option(&["--cpus-per-rank", cpus]).args(&[cpus]).succeed();
            assert_eq!(outcome.stdout, "openmp: passed\n", "{accelerator}, {ranks}, {cpus}: {outcome:?}");
        }
    }
    let outcome = Job::new(&program, "native").env("OMP_NUM_THREADS", "2").args(&["2"]).succeed();
    assert_eq!(outcome.stdout, "openmp: passed\n", "{outcome:?}");
}

#[test]
fn threads_of_openmp_send_and_receive() {
    let program = Program::compile(&source("hybrid.c"), &["-O2", "-fopenmp"]);
    for (accelerator, ranks, cpus) in accelerators().iter().flat_map(|a| [(*a, 2, "2"), (*a, 3, "1")]) {
        let job = Job::new(&program, accelerator).ranks(ranks).option(&["--cpus-per-rank", cpus]);
        let outcome = job.args(&["4"]).limit(300).succeed();
        assert_eq!(outcome.stdout, "hybrid: passed\n", "{accelerator}, {ranks}, {cpus}: {outcome:?}");
    }
    let outcome = Job::new(&program, "native").ranks(4).args(&["3"]).succeed();
    assert_eq!(outcome.stdout, "hybrid: passed\n", "{outcome:?}");
}

#[test]
fn threads_on_several_processors_are_in_mpi_at_once() {
    let program = Program::threaded("mpi/thread_multiple.c");
    for accelerator in accelerators() {
        let job = Job::new(&program, accelerator).ranks(2).option(&["--cpus-per-rank", "2"]);
        let outcome = job.limit(300).succeed();
        assert_eq!(outcome.stdout, "thread_multiple: passed\n", "{accelerator}: {outcome:?}");
    }
}

#[test]
fn a_lock_that_nobody_can_open_is_told() {
    let program = Program::threaded("deadlock.c");
    for accelerator in accelerators() {
        let outcome = Job::new(&program, accelerator).option(&["--cpus-per-rank", "2"]).run();
        assert_eq!(outcome.status, 134, "{accelerator}: {outcome:?}");
        assert!(outcome.stderr.contains("deadlock: all 2 threads wait"), "{accelerator}: {outcome:?}");
    }
}
