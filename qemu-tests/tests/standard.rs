//! A program for each part of the MPI standard (`programs/mpi`), natively and in VMs, over each way that messages take.

use unirank_qemu_tests::{Job, Program, accelerator, has_kvm, root};

/// Accelerator, `UNIRANK_CHANNEL` and number of ranks: every way natively and in VMs, 1 to 9 ranks.
fn matrix() -> Vec<(&'static str, &'static str, u32)> {
    let vm = accelerator();
    let mut all = vec![
        ("native", "auto", 1),
        ("native", "auto", 9),
        ("native", "hca", 2),
        ("native", "ivc", 5),
        ("native", "switch:5", 4),
        (vm, "auto", 4),
        (vm, "auto", 7),
        (vm, "hca", 3),
        (vm, "ivc", 2),
        (vm, "switch:3", 3),
    ];
    if has_kvm() {
        all.push(("tcg", "auto", 2));
    }
    all
}

fn passes(file: &str) {
    let program = Program::new(&format!("mpi/{file}"));
    let name = file.split('.').next().expect("a name");
    for (place, channel, ranks) in matrix() {
        let directory = tempfile::tempdir().expect("a directory");
        let job = Job::new(&program, place)
            .ranks(ranks)
            .option(&["--mem", "128M"])
            .env("UNIRANK_CHANNEL", channel)
            .current_dir(directory.path())
            .limit(300);
        let outcome = job.succeed();
        let what = format!("{ranks} ranks, {place}, {channel}: {outcome:?}");
        assert_eq!(outcome.stdout, format!("{name}: passed\n"), "{what}");
        let left: Vec<_> = std::fs::read_dir(directory.path()).expect("readable").collect();
        assert!(left.is_empty(), "left behind {left:?}: {what}");
    }
}

#[test]
fn files_open_close_and_their_errors() {
    passes("io_open.c");
}

#[test]
fn file_pointers() {
    passes("io_pointers.c");
}

#[test]
fn file_views() {
    passes("io_views.c");
}

#[test]
fn fortran_2008_module() {
    passes("f08_basics.f90");
}

#[test]
fn generalized_requests() {
    passes("grequest.c");
}

#[test]
fn partitioned_messages() {
    passes("partitioned.c");
}

#[test]
fn buffers_of_buffered_sends() {
    passes("bsend_buffers.c");
}

#[test]
fn inter_communicators() {
    passes("comm_inter.c");
}

#[test]
fn collectives_on_inter_communicators() {
    passes("coll_inter.c");
}

#[test]
fn threads_multiple() {
    passes("thread_multiple.c");
}

#[test]
fn collectives_that_do_not_block() {
    passes("coll_nonblocking.c");
}

#[test]
fn persistent_collectives() {
    passes("coll_persistent.c");
}

#[test]
fn collectives_among_neighbours() {
    passes("coll_neighbor.c");
}

#[test]
fn duplicates_of_communicators_come_later() {
    passes("comm_idup.c");
}

#[test]
fn sessions_without_a_world() {
    passes("sessions.c");
}

#[test]
fn sessions_beside_the_world() {
    passes("sessions_and_world.c");
}

#[test]
fn variables_for_tools() {
    passes("tool_variables.c");
}

#[test]
fn what_the_binary_interface_leaves_open() {
    passes("abi_info.c");
}

#[test]
fn every_program_has_a_test() {
    let tests = include_str!("standard.rs");
    for entry in std::fs::read_dir(root().join("qemu-tests/programs/mpi")).expect("readable") {
        let file = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(tests.contains(&format!("passes(\"{file}\")")), "no test runs {file}");
    }
}
