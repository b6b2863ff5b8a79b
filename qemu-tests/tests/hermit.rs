//! The functions of the hermit-abi crate: a program calls each of them, as VM and as Linux process.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use unirank_qemu_tests::registry::not_run;
use unirank_qemu_tests::{Job, Program, everywhere, root, tool};

/// The program that calls them all, made by `unirank build`.
fn program() -> Program {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let path = BUILT.get_or_init(|| {
        let folder = root().join("build/tests");
        std::fs::create_dir_all(&folder).expect("a folder");
        let image = folder.join(format!("hermit-calls-{}", std::process::id()));
        let mut command = Command::new(tool("unirank"));
        command.arg("build").arg("-o").arg(&image).args(["--release", "--manifest-path"]);
        command.arg(root().join("qemu-tests/programs/hermit/Cargo.toml"));
        command.env("CARGO", env!("CARGO")).env("CARGO_TARGET_DIR", folder.join("hermit-target"));
        let output = command.output().expect("unirank starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        image
    });
    Program::at(path)
}

fn passes(groups: &[&str]) {
    let expected: String = groups.iter().map(|group| format!("{group}: passed\n")).collect();
    for accelerator in everywhere() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let outcome = Job::new(&program(), accelerator).current_dir(directory.path()).args(groups).run();
        assert_eq!(
            (outcome.status, outcome.stdout.as_str()),
            (0, expected.as_str()),
            "{accelerator}: {outcome:#?}"
        );
    }
}

#[test]
fn memory_time_and_names() {
    passes(&["memory", "time", "names"]);
}

#[test]
fn files_and_descriptors() {
    passes(&["files"]);
}

#[test]
fn waiting_alone() {
    passes(&["alone"]);
}

#[test]
fn events() {
    passes(&["events"]);
}

#[test]
fn threads() {
    passes(&["threads"]);
}

#[test]
fn sockets() {
    passes(&["sockets"]);
}

#[test]
fn both_ways_to_end() {
    for accelerator in everywhere() {
        let outcome = Job::new(&program(), accelerator).args(&["exit", "42"]).run();
        assert_eq!(outcome.status, 42, "{accelerator}: {outcome:#?}");
        let outcome = Job::new(&program(), accelerator).args(&["abort"]).run();
        assert_eq!(outcome.status, 134, "{accelerator}: {outcome:#?}");
    }
}

/// `programs/bare.c` as a program of the target `x86_64-unknown-hermit` is linked: no C library, no start-up object.
fn bare() -> Program {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let path = BUILT.get_or_init(|| {
        let folder = root().join("build/tests");
        std::fs::create_dir_all(&folder).expect("a folder");
        let image = folder.join(format!("bare-{}", std::process::id()));
        let mut command = Command::new("gcc");
        command.args([
            "-O1",
            "-g",
            "-ffreestanding",
            "-fno-pic",
            "-fno-stack-protector",
            "-nostdlib",
            "-static",
        ]);
        command.args(["-no-pie", "-Wl,-z,norelro,-z,noseparate-code,--eh-frame-hdr,--gc-sections"]);
        command.arg(root().join("qemu-tests/programs/bare.c"));
        command.args(LIBRARIES.map(|name| root().join("build/lib/unirank").join(name))).arg("-o").arg(&image);
        let output = command.output().expect("gcc starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        image
    });
    Program::at(path)
}

/// What makes an image of a program of that target.
const LIBRARIES: [&str; 3] = ["kernel.o", "hermit-start.o", "libhermit.a"];

fn bare_passes(what: &str) {
    for accelerator in everywhere() {
        let outcome = Job::new(&bare(), accelerator).env("BARE", "yes").args(&[what]).run();
        assert_eq!(
            (outcome.status, outcome.stdout.as_str()),
            (7, "bare: passed\n"),
            "{accelerator}: {outcome:#?}"
        );
    }
}

#[test]
fn a_program_without_a_c_library() {
    bare_passes("alone");
}

/// A program with the standard library for Hermit, which is compiled with it; None where the compiler's sources are not
/// installed, which is said.
fn with_std() -> Option<Program> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        let variable = |name: &str, default: &str| std::env::var_os(name).unwrap_or(default.into());
        let (cargo, rustc) = (variable("CARGO", "cargo"), variable("RUSTC", "rustc"));
        let output = Command::new(&rustc).args(["--print", "sysroot"]).output().expect("rustc starts");
        let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        if !sysroot.join("lib/rustlib/src/rust/library/std").is_dir() {
            not_run("a Rust std program for x86_64-unknown-hermit: rust-src is not installed here");
            return None;
        }
        let mut flags: Vec<String> = vec!["-Crelocation-model=static".into(), "-Clinker=ld".into()];
        flags.push("-Clinker-flavor=ld".into());
        let arguments = ["-z", "norelro", "-z", "noseparate-code", "--eh-frame-hdr"].map(str::to_owned);
        let libraries =
            LIBRARIES.map(|name| root().join("build/lib/unirank").join(name).display().to_string());
        flags.extend(arguments.into_iter().chain(libraries).map(|argument| format!("-Clink-arg={argument}")));
        let folder = root().join("build/tests/hermit-std-target");
        let mut command = Command::new(cargo);
        command.args(["build", "--quiet", "--release", "-Zbuild-std=std,panic_abort", "--target", TARGET]);
        command.current_dir(root().join("qemu-tests/programs/hermit-std"));
        command.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", &folder);
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        let output = command.output().expect("cargo starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(folder.join(TARGET).join("release/hermit-std"))
    };
    BUILT.get_or_init(build).clone().map(Program::at)
}

const TARGET: &str = "x86_64-unknown-hermit";

fn std_passes(groups: &[&str]) {
    let Some(program) = with_std() else { return };
    let expected: String = groups.iter().map(|group| format!("{group}: passed\n")).collect();
    for accelerator in everywhere() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let job = Job::new(&program, accelerator).current_dir(directory.path()).env("HERMIT", "yes");
        let outcome = job.args(groups).run();
        assert_eq!(
            (outcome.status, outcome.stdout.as_str()),
            (0, expected.as_str()),
            "{accelerator}: {outcome:#?}"
        );
    }
}

#[test]
fn threads_without_a_c_library() {
    bare_passes("threads");
}

#[test]
fn threads_and_sockets_of_rust_std_for_hermit() {
    std_passes(&["threads", "sockets"]);
}

#[test]
fn rust_std_for_hermit() {
    std_passes(&["memory", "files", "time"]);
}

#[test]
fn a_panic_of_rust_std_for_hermit() {
    let Some(program) = with_std() else { return };
    for accelerator in everywhere() {
        let outcome = Job::new(&program, accelerator).env("HERMIT", "yes").args(&["panic"]).run();
        assert_eq!(outcome.status, 134, "{accelerator}: {outcome:#?}");
        assert!(outcome.stderr.contains("as asked"), "{accelerator}: {outcome:#?}");
    }
}

#[test]
fn the_program_calls_every_function() {
    let table = std::fs::read_to_string(root().join("hermit/src/table.rs")).expect("readable");
    let folder = root().join("qemu-tests/programs/hermit/src");
    let sources: String = std::fs::read_dir(folder)
        .expect("readable")
        .map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("readable"))
        .collect();
    let declared =
        table.lines().filter_map(|line| line.strip_suffix(';')?.strip_prefix("    ")?.split_once(" = "));
    let names: Vec<&str> =
        declared.filter(|(ours, _)| ours.contains("::sys_")).map(|(_, name)| name).collect();
    assert!(names.len() > 70, "{names:?}");
    for name in names.iter().chain(&["get_priority", "set_priority"]) {
        let called = ["(", ",", "]"].iter().any(|end| sources.contains(&format!("abi::{name}{end}")));
        assert!(called, "no call of {name}");
    }
}
