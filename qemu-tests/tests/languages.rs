//! Programs in C, C++, Fortran and Rust: the same image as VM under each accelerator and as a Linux process.

use std::process::Command;
use unirank_qemu_tests::{Job, Program, everywhere, root, tool};

#[test]
fn cxx_program_with_streams_and_exceptions() {
    let program = Program::new("hello.cc");
    for accelerator in everywhere() {
        let outcome = Job::new(&program, accelerator).ranks(2).succeed();
        assert_eq!(outcome.stdout, "hello.cc: 2 ranks, sum 7\n", "{accelerator}");
        for rank in 0..2 {
            assert!(
                outcome.stderr.contains(&format!("rank {rank} on standard error")),
                "{accelerator}: {outcome:?}"
            );
        }
    }
}

#[test]
fn fortran_module_bindings() {
    let program = Program::new("bindings.f90");
    for accelerator in everywhere() {
        for ranks in [1, 3] {
            let outcome = Job::new(&program, accelerator).ranks(ranks).succeed();
            assert_eq!(outcome.stdout, "bindings: passed\n", "{accelerator}");
        }
    }
}

#[test]
fn fortran_77_program() {
    let program = Program::new("old.f");
    for accelerator in everywhere() {
        let outcome = Job::new(&program, accelerator).ranks(3).succeed();
        assert_eq!(outcome.stdout, "old: passed\n", "{accelerator}");
    }
}

#[test]
fn programs_without_mpi() {
    let program = Program::new("files.c");
    for accelerator in everywhere() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let outcome = Job::new(&program, accelerator).current_dir(directory.path()).succeed();
        assert_eq!(outcome.stdout, "files: passed\n", "{accelerator}: {outcome:?}");
        let left: Vec<_> = std::fs::read_dir(directory.path()).expect("readable").collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_shared_library_with_mpi_runs_in_linux_processes() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let sources = root().join("qemu-tests/programs/plugin");
    let (library, host) = (directory.path().join("plugin.so"), directory.path().join("host"));
    let build = |command: &mut Command| assert!(command.status().expect("a compiler").success());
    let plugin = sources.join("plugin.c");
    build(Command::new(tool("mpicc")).args(["-shared", "-fPIC", "-o"]).arg(&library).arg(plugin));
    build(Command::new("gcc").arg("-o").arg(&host).arg(sources.join("host.c")).arg("-ldl"));
    let library = library.to_string_lossy();
    let outcome = Job::new(&Program::at(&host), "native").ranks(3).args(&[&library]).succeed();
    assert_eq!(outcome.stdout, "sum 3\n".repeat(3), "{outcome:?}");
}
