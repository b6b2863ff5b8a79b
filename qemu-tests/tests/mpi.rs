//! MPI test programs under every accelerator and natively, on rank counts that are and are not powers of two.

use unirank_qemu_tests::{Job, Program, accelerator, everywhere};

fn passes(file: &str, counts: &[u32]) {
    let program = Program::new(file);
    let name = file.trim_end_matches(".c");
    for place in everywhere() {
        for &ranks in counts {
            let outcome =
                Job::new(&program, place).ranks(ranks).option(&["--mem", "256M"]).limit(240).succeed();
            assert_eq!(outcome.stdout, format!("{name}: passed\n"), "{ranks} ranks, {place}: {outcome:?}");
        }
    }
}

#[test]
fn point_to_point() {
    passes("p2p.c", &[1, 2, 3]);
}

#[test]
fn all_pairs_at_random() {
    passes("storm.c", &[2, 3, 5]);
}

#[test]
fn corners_that_other_implementations_have() {
    passes("odds.c", &[1, 2, 3]);
}

#[test]
fn one_sided() {
    passes("rma.c", &[1, 2, 3]);
}

#[test]
fn collectives() {
    passes("coll.c", &[1, 2, 4, 5]);
}

#[test]
fn datatypes() {
    passes("types.c", &[1, 3]);
}

#[test]
fn communicators_groups_attributes_topologies() {
    passes("comm.c", &[1, 2, 4]);
}

#[test]
fn misuse_gives_error_classes() {
    passes("misuse.c", &[1, 2]);
}

#[test]
fn more_ranks_than_cores() {
    let program = Program::new("coll.c");
    for place in everywhere() {
        for ranks in [8, 16] {
            let job =
                Job::new(&program, place).ranks(ranks).option(&["--mem", "128M"]).args(&["quick"]).limit(300);
            assert_eq!(job.succeed().stdout, "coll: passed\n", "{ranks} ranks, {place}");
        }
    }
}

#[test]
fn every_message_sleeps_when_spinning_is_off() {
    let program = Program::new("p2p.c");
    let job = Job::new(&program, accelerator()).ranks(2).option(&["--env", "UNIRANK_SPIN_US=0"]).limit(240);
    assert_eq!(job.succeed().stdout, "p2p: passed\n");
}

#[test]
fn a_waiting_rank_takes_no_processor_time() {
    let program = Program::new("asleep.c");
    for place in everywhere() {
        let outcome = Job::new(&program, place).ranks(4).option(&["--mem", "64M"]).limit(120).succeed();
        assert_eq!(outcome.stdout, "asleep: passed\n", "{place}: {outcome:?}");
    }
}

#[test]
fn fatal_errors_end_the_job_with_a_sentence() {
    let program = Program::new("fatal.c");
    for place in everywhere() {
        let outcome = Job::new(&program, place).ranks(3).run();
        assert_ne!(outcome.status, 0);
        assert!(outcome.stderr.contains("MPI_Send: invalid rank 17"), "{place}: {outcome:?}");
        assert!(outcome.stderr.contains("MPI_ERR_RANK"), "{place}: {outcome:?}");
        assert!(outcome.took.as_secs() < 20, "{place}: {outcome:?}");
    }
}

#[test]
fn messages_beyond_two_gib() {
    let program = Program::new("huge.c");
    for place in [accelerator(), "native"] {
        let job = Job::new(&program, place).ranks(2).option(&["--mem", "2500M"]).limit(300);
        assert_eq!(job.succeed().stdout, "huge: passed\n", "{place}");
    }
}

#[test]
fn ranks_share_memory_and_bells() {
    let program = Program::new("shared.c");
    for place in everywhere() {
        for rights in ["rw", "ro", "off"] {
            let job = Job::new(&program, place).ranks(3).option(&["--mem", "80M", "--windows", rights]);
            let outcome = job.args(&[rights]).limit(240).succeed();
            assert_eq!(outcome.stdout, "shared: passed\n", "{rights}, {place}: {outcome:?}");
        }
    }
}
