//! Mistakes of programs are told: each has its class and names who did what (`docs/errors-of-use.md`).

use unirank_qemu_tests::{Job, Outcome, Program, accelerator, everywhere};

fn job(program: &str, kind: &str, place: &str, ranks: u32) -> Job {
    let program = Program::new(&format!("errors/{program}.c"));
    Job::new(&program, place).ranks(ranks).args(&[kind]).limit(60)
}

/// What two ranks say of a mistake, with a level of checks.
fn mistake(kind: &str, place: &str, check: &str) -> Outcome {
    job("mistakes", kind, place, 2).env("UNIRANK_CHECK", check).succeed()
}

/// Whether one line has all these words.
fn says(text: &str, words: &[&str]) -> bool {
    text.lines().any(|line| words.iter().all(|word| line.contains(word)))
}

#[track_caller]
fn has(text: &str, words: &[&str]) {
    assert!(says(text, words), "no line with {words:?} in:\n{text}");
}

#[test]
fn a_message_received_as_another_type() {
    for place in everywhere() {
        for kind in ["type", "type-large"] {
            let told = mistake(kind, place, "1").stdout;
            let both = ["MPI_INT", "MPI_DOUBLE", "rank 0", "tag 7", "MPI_COMM_WORLD"];
            has(&told, &[&["rank 1: receive: MPI_ERR_TYPE: "][..], &both].concat());
            has(&told, &["rank 0: send: MPI_SUCCESS"]);
        }
    }
    has(&mistake("type", "native", "0").stdout, &["rank 1: receive: MPI_SUCCESS"]);
}

#[test]
fn a_type_that_changes_on_its_way_through_a_collective() {
    for channel in ["auto", "hca"] {
        let outcome =
            job("mistakes", "collective-type", "native", 2).env("UNIRANK_CHANNEL", channel).succeed();
        has(
            &outcome.stdout,
            &["rank 1: scatter: MPI_ERR_TYPE", "in a collective on", "MPI_INT", "MPI_FLOAT"],
        );
    }
}

#[test]
fn more_data_than_room() {
    let told = mistake("count", "native", "1").stdout;
    has(&told, &["rank 1: receive: MPI_ERR_TRUNCATE", "32 bytes", "rank 0", "tag 7", "16 bytes"]);
}

#[test]
fn receives_into_the_same_memory() {
    let told = mistake("overlap", "native", "1").stdout;
    for rank in 0..2 {
        let start = format!("rank {rank}: overlapping: MPI_ERR_BUFFER");
        has(&told, &[&start, "tag 2", "tag 1", "50 bytes"]);
        has(&told, &[&format!("rank {rank}: touching: MPI_SUCCESS")]);
    }
    let unchecked = mistake("overlap", "native", "0").stdout;
    has(&unchecked, &["rank 0: overlapping: MPI_SUCCESS"]);
}

#[test]
fn freed_handles_of_every_kind() {
    for place in ["native", accelerator()] {
        let told = mistake("freed", place, "1").stdout;
        for (kind, class) in [
            ("communicator", "MPI_ERR_COMM"),
            ("datatype", "MPI_ERR_TYPE"),
            ("request", "MPI_ERR_REQUEST"),
            ("operation", "MPI_ERR_OP"),
            ("group", "MPI_ERR_GROUP"),
            ("info", "MPI_ERR_INFO"),
            ("error handler", "MPI_ERR_ERRHANDLER"),
            ("window", "MPI_ERR_WIN"),
            ("file", "MPI_ERR_FILE"),
            ("key", "MPI_ERR_KEYVAL"),
            ("message", "MPI_ERR_REQUEST"),
        ] {
            has(&told, &[&format!("rank 1: {kind}: {class}: ")]);
        }
    }
}

#[test]
fn what_is_left_at_the_end_is_told_on_request() {
    let strict = mistake("left", "native", "2");
    for rank in 0..2 {
        let words = ["MPI_Finalize", "1 request that was not completed", "1 communicator", "1 datatype"];
        has(&strict.stderr, &[&[&format!("rank {rank}:")[..]][..], &words].concat());
    }
    assert_eq!(mistake("left", "native", "1").stderr, "");
}

#[test]
fn ranks_that_disagree_about_a_collective() {
    let outcome = job("mistakes", "disagree", "native", 2).run();
    assert_ne!(outcome.status, 0);
    has(&outcome.stderr, &["a barrier", "a reduction to all", "collective number 3", "MPI_COMM_WORLD"]);
    let outcome = job("mistakes", "operation", "native", 2).run();
    assert_ne!(outcome.status, 0);
    has(&outcome.stderr, &["another length, root, type or operation", "collective number 2"]);
}

/// What the runner says of ranks that wait for each other.
fn deadlock(kind: &str, place: &str, ranks: u32, settings: &[(&str, &str)]) -> String {
    let job = job("deadlock", kind, place, ranks).env("UNIRANK_DEADLOCK_S", "2");
    let outcome = settings.iter().fold(job, |job, (name, value)| job.env(name, value)).run();
    assert_eq!(outcome.status, 1, "{outcome:#?}");
    assert!(!outcome.stdout.contains("done"), "{outcome:#?}");
    has(&outcome.stderr, &["deadlock: ", "nothing has moved for"]);
    outcome.stderr
}

#[test]
fn receives_whose_tag_is_not_sent() {
    for place in everywhere() {
        let told = deadlock("tags", place, 2, &[]);
        for rank in 0..2 {
            let from = format!("up to 4 bytes from rank {} with tag 6", 1 - rank);
            has(&told, &[&format!("rank {rank}: MPI_Recv on"), "MPI_COMM_WORLD of size 2", &from]);
        }
    }
}

#[test]
fn a_barrier_against_a_broadcast() {
    for place in ["native", accelerator()] {
        let by_messages = [("UNIRANK_COLL", "barrier=dissemination,bcast=binomial")];
        let told = deadlock("collectives", place, 3, &by_messages);
        let ranks = "ranks 0, 2 are in MPI_Barrier (3rd collective), rank 1 is in MPI_Bcast (3rd collective)";
        has(&told, &["MPI_COMM_WORLD of size 3", ranks, "the same order"]);
    }
    // In shared memory they see it at once.
    let outcome = job("deadlock", "collectives", "native", 3).run();
    assert_ne!(outcome.status, 0);
    has(&outcome.stderr, &["a barrier", "a broadcast", "collective number 3"]);
}

#[test]
fn some_ranks_wait_for_each_other_while_others_go_on() {
    for place in ["native", accelerator()] {
        let told = deadlock("pair", place, 4, &[]);
        has(&told, &["deadlock: ranks 1, 2 wait in MPI for each other alone"]);
        has(&told, &["rank 1: MPI_Recv on", "from rank 2 with tag 6"]);
        // The barrier waits in shared memory, not for messages.
        let told = deadlock("part", place, 3, &[("UNIRANK_COLL", "bcast=binomial")]);
        has(&told, &["ranks 1, 2 wait in MPI for each other alone"]);
        has(&told, &["communicator part of size 2", "rank 1 is in MPI_Bcast", "rank 2 is in MPI_Barrier"]);
    }
}

#[test]
fn a_lock_of_a_window_that_is_not_given_back() {
    for settings in [&[][..], &[("UNIRANK_CHANNEL", "hca")]] {
        let told = deadlock("lock", "native", 2, settings);
        has(&told, &["all ranks wait in MPI"]);
        has(&told, &["rank 1: MPI_Win_lock on window"]);
    }
}

#[test]
fn threads_that_all_wait() {
    for place in ["native", accelerator()] {
        let told = deadlock("multiple-tags", place, 2, &[]);
        has(&told, &["rank 0: MPI_Recv on", "from rank 1 with tag 6"]);
        let told = deadlock("multiple-threads", place, 2, &[]);
        has(&told, &["ranks 0, 1: 2 threads in MPI_Recv", "tag 7", "tag 8"]);
        let told = deadlock("multiple-joins", place, 2, &[]);
        has(&told, &["ranks 0, 1: MPI_Recv on", "tag 7"]);
    }
}

#[test]
fn a_send_that_nobody_receives_and_a_probe_in_vain() {
    let told = deadlock("wait", "native", 2, &[]);
    has(&told, &["rank 0: MPI_Wait on", "a send of 4 bytes to rank 1 of MPI_COMM_WORLD with tag 3"]);
    has(&told, &["rank 1: MPI_Finalize"]);
    let told = deadlock("probe", "native", 2, &[("UNIRANK_CHANNEL", "hca")]);
    has(&told, &["rank 0: MPI_Probe on", "a probe from any rank with tag 77"]);
}

#[test]
fn ranks_that_wait_for_one_that_computes_or_polls_are_no_deadlock() {
    for place in ["native", accelerator()] {
        for kind in ["compute", "poll", "multiple-thread-computes", "multiple-joins-later"] {
            let outcome = job("deadlock", kind, place, 3).env("UNIRANK_DEADLOCK_S", "1").succeed();
            assert!(outcome.stdout.contains("done") && !outcome.stderr.contains("deadlock"), "{outcome:#?}");
        }
    }
}

#[test]
fn without_checks_or_patience_nothing_is_reported() {
    for (name, value) in [("UNIRANK_CHECK", "0"), ("UNIRANK_DEADLOCK_S", "0")] {
        let job = job("deadlock", "tags", "native", 2).option(&["--timeout", "8"]);
        let outcome = job.env("UNIRANK_DEADLOCK_S", "1").env(name, value).run();
        assert_eq!(outcome.status, 124, "{name}: {outcome:#?}");
    }
}
