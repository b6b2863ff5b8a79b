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
fn groups_and_duplicates_with_hints() {
    passes("comm_groups.c");
}

#[test]
fn what_topologies_tell() {
    passes("topo_graphs.c");
}

#[test]
fn topologies_are_reordered_by_places() {
    passes("topo_reorder.c");
    // In turns on two packages, on two hosts, on packages and caches, with ranks of which nothing is known, and what the
    // launcher itself tells of cores.
    let turns =
        |places: &[&str], ranks| places.iter().cycle().take(ranks).copied().collect::<Vec<_>>().join(",");
    for (place, ranks, places) in [
        ("native", 8, turns(&["0.0", "0.1"], 8)),
        ("native", 9, turns(&["0.0", "1.0", "0.0", "1.1"], 9)),
        ("native", 12, turns(&["0.0.0.0", "0.1.0.0", "0.0.0.1", "0.1.0.1", "0.2"], 12)),
        (accelerator(), 6, turns(&["0.0.1.-.3", "0.1"], 6)),
    ] {
        let told = format!("UNIRANK_PLACES={places}");
        let job =
            Job::new(&Program::new("mpi/topo_reorder.c"), place).ranks(ranks).option(&["--mem", "128M"]);
        let outcome = job.option(&["-e", told.as_str()]).args(&["nearer"]).succeed();
        assert_eq!(outcome.stdout, "topo_reorder: passed\n", "{ranks} ranks, {place}, {places}: {outcome:?}");
    }
    for place in ["native", accelerator()] {
        let job = Job::new(&Program::new("mpi/topo_reorder.c"), place).ranks(4).option(&["--bind", "core"]);
        assert_eq!(job.succeed().stdout, "topo_reorder: passed\n", "{place}");
    }
}

#[test]
fn places_that_are_none_are_refused_by_name() {
    for (place, bad) in [("native", "0.0,0.1,0.2"), (accelerator(), "0x"), ("native", "here,there")] {
        let told = format!("UNIRANK_PLACES={bad}");
        let job =
            Job::new(&Program::new("mpi/topo_reorder.c"), place).ranks(2).option(&["-e", told.as_str()]);
        let outcome = job.run();
        assert_eq!(outcome.status, 1, "{outcome:?}");
        assert!(outcome.stderr.contains("UNIRANK_PLACES"), "{outcome:?}");
    }
}

#[test]
fn error_classes_of_programs() {
    passes("errors_classes.c");
}

#[test]
fn info_objects() {
    passes("info_objects.c");
}

#[test]
fn one_sided_communication_of_large_counts() {
    passes("rma_large_counts.c");
}

#[test]
fn one_sided_operations_with_requests() {
    passes("rma_requests.c");
}

#[test]
fn files_with_large_counts() {
    passes("io_large_counts.c");
}

#[test]
fn files_with_requests() {
    passes("io_shared_nonblocking.c");
}

#[test]
fn handles_as_integers() {
    passes("handles_integers.c");
}

#[test]
fn handles_and_statuses_as_fortran_has_them() {
    passes("handles_fortran.c");
}

#[test]
fn names_of_mpi_1() {
    passes("mpi1_names.c");
}

#[test]
fn events_for_tools() {
    passes("tool_events.c");
}

#[test]
fn buffers_of_large_counts() {
    passes("bsend_large_counts.c");
}

#[test]
fn messages_with_large_counts() {
    passes("p2p_large_counts.c");
}

#[test]
fn persistent_sends_of_each_mode() {
    passes("p2p_persistent_modes.c");
}

#[test]
fn fields_of_statuses() {
    passes("status_fields.c");
}

#[test]
fn collectives_with_large_counts() {
    passes("coll_large_counts.c");
}

#[test]
fn collectives_that_do_not_block_with_large_counts() {
    passes("coll_nonblocking_large_counts.c");
}

#[test]
fn persistent_collectives_with_large_counts() {
    passes("coll_persistent_large_counts.c");
}

#[test]
fn collectives_among_neighbours_with_large_counts() {
    passes("coll_neighbor_large_counts.c");
}

#[test]
fn operations_with_large_counts() {
    passes("op_large_counts.c");
}

#[test]
fn types_with_large_counts() {
    passes("types_large_counts.c");
}

#[test]
fn types_by_precision_and_size() {
    passes("types_f90.c");
}

#[test]
fn attributes_and_names_of_types() {
    passes("types_attributes.c");
}

#[test]
fn packing_with_large_counts() {
    passes("pack_large_counts.c");
}

#[test]
fn every_program_has_a_test() {
    let tests = include_str!("standard.rs");
    for entry in std::fs::read_dir(root().join("qemu-tests/programs/mpi")).expect("readable") {
        let file = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(tests.contains(&format!("passes(\"{file}\")")), "no test runs {file}");
    }
}
