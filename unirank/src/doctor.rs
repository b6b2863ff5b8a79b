//! `unirank doctor`: what this host has, what it lacks, what each is for, and how to get it.

use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Resource, getrlimit};
use unirank_host_backend::paths::RuntimeDir;
use unirank_images::layout::Layout;

use crate::build::find_cargo;
use crate::failure::{Failure, Result};
use crate::output::say;
use crate::run::{accel, hugepages, qemu};
use crate::text::{one_line, size};

/// The list `make` installs from: one source for both.
const PACKAGES: &str = include_str!("../../tools/packages.list");

/// One line of the list.
#[derive(Debug, PartialEq)]
struct Package<'a> {
    name: &'a str,
    check: &'a str,
    reason: &'a str,
    when: &'a str,
}

fn packages() -> impl Iterator<Item = Package<'static>> {
    PACKAGES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).filter_map(|line| {
        let mut fields = line.split('|').map(str::trim);
        let (name, check, reason, when) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        Some(Package { name, check, reason, when })
    })
}

/// Prints the report; fails if jobs cannot run here.
pub fn doctor() -> Result<()> {
    say!("unirank {}", env!("CARGO_PKG_VERSION"));
    say!("\nPackages (run: to run jobs; link: to link programs; build, test: to build and test unirank)");
    let (mut missing, mut cannot_run) = (Vec::new(), false);
    for package in packages() {
        let found = find(package.check);
        let version =
            found.as_ref().map(|place| installed_version(package.name).unwrap_or_else(|| place.clone()));
        let (mark, shown) = match &version {
            Some(version) => ("ok", version.as_str()),
            None => ("MISSING", ""),
        };
        say!("  {mark:<8}{:<17}{:<6}{shown:<34}{}", package.name, package.when, package.reason);
        if found.is_none() {
            cannot_run |= package.when == "run";
            missing.push(package.name);
        }
    }
    if !missing.is_empty() {
        say!("  get them: sudo apt-get install {}", missing.join(" "));
    }
    let cargo = find_cargo().0;
    match first_line(&cargo.to_string_lossy(), &["--version"]) {
        Some(version) => say!(
            "  ok      {:<17}link  {:<34}`unirank build` makes images of Rust programs",
            "cargo",
            // "cargo 1.85.0 (hash date)"
            version.split(' ').nth(1).unwrap_or(&version)
        ),
        None => say!(
            "  MISSING {:<17}link  {:<34}`unirank build` needs it; https://rustup.rs or your distribution",
            "cargo",
            ""
        ),
    }
    say!("\nHost");
    host();
    if cannot_run {
        return Err(
            Failure::new("jobs cannot run on this host").remedy("install what is MISSING for `run` above")
        );
    }
    Ok(())
}

fn host() {
    match accel::probe_kvm() {
        Ok(hz) => {
            let rate = hz.map_or(String::new(), |hz| format!(", time stamp counter {} MHz", hz / 1_000_000));
            say!("  ok      /dev/kvm works{rate}");
        }
        Err(problem) => say!("  slower  no KVM: {}; {}", problem.cause, problem.remedy),
    }
    let lock = getrlimit(Resource::Memlock).current;
    let text = lock.map_or("unlimited".into(), size);
    say!(
        "  info    memory a process may lock: {text} (`ulimit -l`; ranks' memory is locked as far as this allows)"
    );
    say!("  info    huge pages of 2 MiB: {}", hugepages::state());
    let files = getrlimit(Resource::Nofile).maximum;
    say!("  info    open files: {} (a rank takes 12)", files.map_or("unlimited".into(), |n| n.to_string()));
    say!(
        "  info    /dev/shm is not used: memory of ranks has no name and no size limit but the host's memory"
    );
    let directory = RuntimeDir::from_env();
    match directory.prepare() {
        Ok(()) => {
            say!("  ok      runtime folder {} (socket, locks, backend.log)", directory.path().display())
        }
        Err(error) => say!("  BAD     runtime folder: {}", one_line(&error.to_string(), 200)),
    }
    match Layout::of_current_exe().map(|layout| layout.missing()) {
        Ok(None) => say!("  ok      libraries for linking"),
        Ok(Some(path)) => say!("  MISSING {} (mpicc cannot link; run `make`)", path.display()),
        Err(error) => say!("  BAD     cannot find this program's own folder: {error}"),
    }
}

/// Where what a package is for is found.
fn find(check: &str) -> Option<String> {
    let (kind, what) = check.split_once(':')?;
    match kind {
        "cmd" => qemu::search(what).map(|path| path.display().to_string()),
        "file" => Path::new(what).exists().then(|| what.to_owned()),
        "lib" => {
            let path = first_line("gcc", &[&format!("-print-file-name={what}")])?;
            (path != what).then_some(path)
        }
        "libclang" => {
            let places = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/llvm-14/lib"].map(str::to_owned).into_iter();
            let versions = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|e| e.path().join("lib"));
            let versions =
                versions.filter(|p| p.to_string_lossy().contains("llvm-")).map(|p| p.display().to_string());
            places.chain(versions).find(|place| has_libclang(Path::new(place)))
        }
        _ => None,
    }
}

fn has_libclang(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|e| is_libclang(&e.file_name().to_string_lossy()))
}

/// The names bindgen looks for. The compiler's own libclang-cpp is another library.
fn is_libclang(name: &str) -> bool {
    let version = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    name.starts_with("libclang.so")
        || name.strip_prefix("libclang-").is_some_and(version) && name.contains(".so")
}

/// Version of an installed Debian package.
fn installed_version(package: &str) -> Option<String> {
    first_line("dpkg-query", &["-W", "-f", "${Version}\n", package]).filter(|v| !v.is_empty())
}

fn first_line(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| one_line(text.lines().next().unwrap_or_default(), 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libclang_is_not_taken_for_another() {
        assert!(["libclang.so", "libclang.so.1", "libclang-14.so.14.0.6"].into_iter().all(is_libclang));
        assert!(!["libclang-cpp.so.14", "libclang_rt.so", "libclang-14.a"].into_iter().any(is_libclang));
    }

    #[test]
    fn every_package_has_a_check_that_is_understood() {
        let all: Vec<_> = packages().collect();
        assert!(all.len() >= 10);
        for package in all {
            let kind = package.check.split(':').next().unwrap();
            assert!(["cmd", "file", "lib", "libclang"].contains(&kind), "{package:?}");
            assert!(["run", "link", "build", "test"].contains(&package.when), "{package:?}");
            assert!(!package.reason.is_empty());
        }
        let lines = PACKAGES.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).count();
        assert_eq!(lines, packages().count(), "a line without four fields");
    }

    #[test]
    fn checks_find_what_is_there() {
        assert!(find("cmd:sh").is_some());
        assert!(find("cmd:no-such-program-here").is_none());
        assert!(find("file:/dev/null").is_some());
    }
}
