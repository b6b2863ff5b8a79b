//! Programs that others wrote, fetched by name and built without a change: HPC Challenge with High Performance
//! Linpack, NetPIPE, and the examples of the crate `mpi`, each a VM per rank, with their own checks.

use std::path::{Path, PathBuf};
use std::process::Command;
use unirank_qemu_tests::registry::{crate_source, debian_source, not_run, run};
use unirank_qemu_tests::{Job, Program, accelerator, root, tool};

/// Unpacks the source of a Debian package in `directory`; its folder. None where it cannot be fetched, which is said.
fn unpacked(package: &str, directory: &Path) -> Option<PathBuf> {
    let tarball = match debian_source(package) {
        Ok(tarball) => tarball,
        Err(why) => {
            println!("{why}");
            not_run(&format!("{package} as VMs: apt cannot fetch its source here"));
            return None;
        }
    };
    run(Command::new("tar").arg("-xf").arg(tarball).current_dir(directory)).expect("a tar file");
    let mut entries = std::fs::read_dir(directory).expect("readable");
    Some(entries.next().expect("one folder").expect("readable").path())
}

/// `make` in `folder` with the wrappers in front of PATH.
fn make(folder: &Path, arguments: &[&str]) {
    run(with_wrappers(&mut Command::new("make")).current_dir(folder).args(arguments)).expect("it builds");
}

fn with_wrappers(command: &mut Command) -> &mut Command {
    let bin = root().join("build/bin");
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", bin.display()))
}

/// What hpcc asks of a place where it is built, in the form of `hpl/setup`.
const HPL_PLACE: &str = "\
SHELL = /bin/sh
CD = cd
CP = cp
LN_S = ln -s
MKDIR = mkdir
RM = rm -f
TOUCH = touch
ARCH = $(arch)
TOPdir = ../../..
INCdir = $(TOPdir)/include
BINdir = $(TOPdir)/bin/$(ARCH)
LIBdir = $(TOPdir)/lib/$(ARCH)
HPLlib = $(LIBdir)/libhpl.a
HPL_INCLUDES = -I$(INCdir) -I$(INCdir)/$(ARCH)
HPL_LIBS = $(HPLlib) -lopenblas -lm
HPL_DEFS = -DAdd__ -DF77_INTEGER=int -DStringSunStyle $(HPL_INCLUDES)
CC = mpicc
CCNOOPT = $(HPL_DEFS)
CCFLAGS = $(HPL_DEFS) -O2
LINKER = mpifort
LINKFLAGS = $(CCFLAGS)
ARCHIVER = ar
ARFLAGS = r
RANLIB = echo
";

#[test]
fn hpc_challenge_passes_its_own_checks() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(folder) = unpacked("hpcc", directory.path()) else { return };
    std::fs::write(folder.join("hpl/Make.unirank"), HPL_PLACE).expect("writable");
    make(&folder, &["-j2", "arch=unirank"]);

    // Its own sample of an input on four ranks, with smaller matrices.
    let sample = std::fs::read_to_string(folder.join("_hpccinf.txt")).expect("a sample of an input");
    let input = sample.replacen("\n1000 ", "\n400 ", 1).replacen("\n80 ", "\n32 ", 1);
    assert!(input.contains("\n400 ") && input.contains("\n32 "), "{input}");
    std::fs::write(directory.path().join("hpccinf.txt"), input).expect("writable");
    let program = Program::at(folder.join("hpcc"));
    Job::new(&program, accelerator()).ranks(4).current_dir(directory.path()).limit(300).succeed();

    let output = std::fs::read_to_string(directory.path().join("hpccoutf.txt")).expect("its results");
    let passed = |text: &str, times: usize| {
        assert_eq!(output.matches(text).count(), times, "{text}:\n{output}");
    };
    passed("\nSuccess=1\n", 1);
    passed("1 tests completed and passed residual checks,", 1); // Linpack
    passed(" ...... PASSED", 1);
    passed("5 tests completed and passed residual checks.", 1); // PTRANS
    passed("FAILED", 0);
    passed("locations (passed).", 4); // RandomAccess, alone and on all ranks at once
    passed("\nMPIRandomAccess_Errors=0\n", 1);
    passed("\nMPIRandomAccess_LCG_Errors=0\n", 1);
    passed("Solution Validates", 1); // STREAM
    let errors = output.lines().filter_map(|line| line.strip_prefix("Node(s) with error "));
    let errors: Vec<_> = errors.collect();
    assert!(errors.len() >= 8 && errors.iter().all(|&count| count == "0"), "{errors:?}");
    let error = output.lines().find_map(|line| line.strip_prefix("MPIFFT_maxErr="));
    assert!(error.is_some_and(|e| e.parse::<f64>().is_ok_and(|e| e.abs() < 1e-13)), "{error:?}");
}

#[test]
fn netpipe_finds_all_data_intact() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(folder) = unpacked("netpipe", directory.path()) else { return };
    make(&folder, &["mpi"]);
    let program = Program::at(folder.join("NPmpi"));
    let run = |ways: &[&str]| {
        let job = Job::new(&program, accelerator()).ranks(2).current_dir(directory.path()).limit(300);
        job.args(&["-u", "262144", "-n", "10", "-p", "0"]).args(ways).succeed().stderr
    };
    for ways in [&["-i"][..], &["-i", "-a", "-z"], &["-i", "-S"]] {
        let said = run(ways);
        let intact = said.matches("Integrity check passed").count();
        let sizes = said.lines().filter(|line| line.contains("-->")).count();
        assert!(sizes > 20 && intact == sizes, "{ways:?}: {said}");
    }
    // Both ways at once, for which it has no check of the data; with receives posted first, as it asks for.
    let said = run(&["-a", "-2"]);
    assert!(said.lines().filter(|line| line.contains(" Mbps in ")).count() > 20, "{said}");
}

/// Version of the crate `mpi`, and how many examples it has.
const RSMPI: (&str, usize) = ("0.8.2", 58);

/// Examples that start processes, which ranks that are VMs cannot.
const SPAWN: [&str; 2] = ["spawn", "spawn_multiple"];

#[test]
fn the_examples_of_the_crate_mpi_run() {
    let directory = tempfile::tempdir().expect("a directory");
    let folder = match crate_source("mpi", RSMPI.0, directory.path()) {
        Ok(folder) => folder,
        Err(why) => {
            println!("{why}");
            not_run("examples of the crate mpi as VMs: cargo cannot fetch it here");
            return;
        }
    };
    let mut build = Command::new(tool("unirank"));
    build
        .current_dir(&folder)
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_TARGET_DIR", directory.path().join("target"));
    build.args(["build", "--examples", "--features", "complex,derive"]);
    let images = run(with_wrappers(&mut build)).expect("it builds");
    let images: Vec<PathBuf> = images
        .lines()
        .map(PathBuf::from)
        .filter(|image| image.iter().any(|part| part == "examples"))
        .collect();
    assert_eq!(images.len(), RSMPI.1, "{images:?}");
    for image in images {
        let name = image.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if SPAWN.contains(&name.as_str()) {
            continue;
        }
        Job::new(&Program::at(&image), accelerator()).ranks(4).current_dir(directory.path()).succeed();
    }
}
