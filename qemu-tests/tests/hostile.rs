//! A guest that scribbles over what the host reads of it loses its own job, and nothing else suffers.

use unirank_qemu_tests::{Job, Leftovers, Program, accelerator};

/// Runs the scribbler beside a job that must not notice.
fn beside_a_neighbour(what: &str, seed: &str) {
    let leftovers = Leftovers::before();
    let (bad, good) = (Program::new("scribble.c"), Program::new("coll.c"));
    let scribbler = Job::new(&bad, accelerator()).ranks(2).args(&[what, seed]).option(&["--timeout", "30"]);
    let scribbler = scribbler.limit(60).start();
    for _ in 0..4 {
        let neighbour = Job::new(&good, accelerator()).ranks(2).args(&["quick"]).limit(60).succeed();
        assert_eq!(neighbour.stdout, "coll: passed\n", "beside {what} {seed}");
    }
    let ended = scribbler.wait();
    assert_ne!(ended.status, 0, "{what} {seed}: {ended:#?}");
    assert!(!ended.stderr.contains("panicked"), "{what} {seed}: {ended:#?}");
    assert!(!ended.stderr.contains("backend died"), "{what} {seed}: {ended:#?}");
    leftovers.none_of(&[]);
}

#[test]
fn random_commands() {
    beside_a_neighbour("commands", "1");
    beside_a_neighbour("commands", "2");
}

#[test]
fn random_doorbells_and_control_words() {
    beside_a_neighbour("doorbells", "3");
}

#[test]
fn random_queue_memory() {
    beside_a_neighbour("queues", "4");
    beside_a_neighbour("queues", "5");
}
