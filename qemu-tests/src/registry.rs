//! What tests fetch from package registries, by name only: sources of Debian or Ubuntu, of PyPI and of crates.io.
//!
//! Each function keeps what it fetched in `build/tests/fetched`, which `make clean` removes, and says why where
//! nothing can be had. A test that then has nothing to test says so with [`not_run`].

use crate::root;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Tells `tools/test.sh`, which repeats it at its end, that something was not tested.
///
/// # Panics
/// When standard output is gone.
pub fn not_run(what: &str) {
    // Not `println!`, which the test harness would keep to itself.
    let line = format!("\nnot run: {what}\n");
    std::io::stdout().write_all(line.as_bytes()).expect("standard output");
}

/// Runs a command and returns what it printed.
///
/// # Errors
/// When it cannot be started or fails, with its output.
pub fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(format!("{command:?}:\n{}\n{}", text(&output.stdout), text(&output.stderr)))
}

/// The upstream source of a Debian or Ubuntu package as a tar file. The system's own lists of sources stay as they are.
///
/// # Errors
/// When apt has none for us.
pub fn debian_source(package: &str) -> Result<PathBuf, String> {
    let folder = fetched(package)?;
    let tarball = || {
        let entries = std::fs::read_dir(&folder).ok()?;
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|p| p.to_string_lossy().contains(".orig.tar."))
    };
    if tarball().is_none() {
        let state = tempfile::tempdir().map_err(|e| e.to_string())?;
        let (parts, lists) = (state.path().join("parts"), state.path().join("lists/partial"));
        for directory in [&parts, &lists, &state.path().join("cache/archives/partial")] {
            std::fs::create_dir_all(directory).map_err(|e| e.to_string())?;
        }
        sources_of_sources(&parts)?;
        let apt = |arguments: &[&str]| {
            let mut command = Command::new("apt-get");
            command.current_dir(&folder).args(["-q", "-o", "Dir::Etc::SourceList=/dev/null"]);
            for (option, place) in
                [("Etc::SourceParts", "parts"), ("State::Lists", "lists"), ("Cache", "cache")]
            {
                command.arg("-o").arg(format!("Dir::{option}={}", state.path().join(place).display()));
            }
            run(command.args(arguments))
        };
        apt(&["update"])?;
        apt(&["source", "--download-only", "--tar-only", package])?;
    }
    tarball().ok_or_else(|| format!("apt-get fetched no source of {package}"))
}

/// Writes to `folder` where the distribution's own packages come from, for source packages.
fn sources_of_sources(folder: &Path) -> Result<(), String> {
    let ours = |text: &str| text.contains("debian") || text.contains("ubuntu");
    let mut lists = vec![PathBuf::from("/etc/apt/sources.list")];
    let parts = std::fs::read_dir("/etc/apt/sources.list.d").map_err(|e| e.to_string())?;
    lists.extend(parts.filter_map(|entry| Some(entry.ok()?.path())));
    for (number, list) in lists.iter().enumerate() {
        let Ok(text) = std::fs::read_to_string(list) else { continue };
        let deb822 = list.extension().is_some_and(|e| e == "sources");
        let text: String = if deb822 {
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            let text: String = lines.map(|line| format!("{line}\n")).collect();
            let stanzas = text.split("\n\n").filter(|stanza| ours(stanza));
            stanzas.map(|stanza| stanza.replace("Types: deb\n", "Types: deb-src\n") + "\n\n").collect()
        } else {
            let lines = text.lines().filter(|line| line.starts_with("deb ") && ours(line));
            lines.map(|line| format!("{}\n", line.replacen("deb ", "deb-src ", 1))).collect()
        };
        if !text.is_empty() {
            let name = format!("{number}.{}", if deb822 { "sources" } else { "list" });
            std::fs::write(folder.join(name), text).map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}

/// The source distribution `name`, of that version, of PyPI.
///
/// # Errors
/// When pip has none for us.
pub fn python_source(name: &str, version: &str) -> Result<PathBuf, String> {
    let folder = fetched(name)?;
    let tarball = folder.join(format!("{name}-{version}.tar.gz"));
    if !tarball.exists() {
        let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", name, "-d"];
        run(Command::new("python3").args(pip).arg(&folder).arg(format!("{name}=={version}")))?;
    }
    if tarball.exists() { Ok(tarball) } else { Err(format!("pip did not fetch {}", tarball.display())) }
}

/// A copy of a crate of crates.io in `folder/name`, and of all it depends on in cargo's own cache.
///
/// # Errors
/// When cargo has none for us.
pub fn crate_source(name: &str, version: &str, folder: &Path) -> Result<PathBuf, String> {
    let (asking, copy) = (folder.join("asking"), folder.join(name));
    std::fs::create_dir_all(&asking).map_err(|e| e.to_string())?;
    let package =
        "[package]\nname = \"asking\"\nversion = \"0.0.0\"\n[workspace]\n[lib]\npath = \"empty.rs\"\n";
    std::fs::write(asking.join("empty.rs"), "").map_err(|e| e.to_string())?;
    let manifest = format!("{package}[dependencies]\n{name} = \"={version}\"\n");
    std::fs::write(asking.join("Cargo.toml"), manifest).map_err(|e| e.to_string())?;
    let cargo = || {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        command.current_dir(&asking).args(["metadata", "--quiet", "--format-version", "1"]);
        command
    };
    let metadata = run(&mut cargo())?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).map_err(|e| e.to_string())?;
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let found = packages.iter().find(|package| package["name"] == name);
    let manifest = found.and_then(|package| package["manifest_path"].as_str()).unwrap_or_default();
    let source = Path::new(manifest).parent().ok_or_else(|| format!("cargo knows no {name}"))?;
    run(Command::new("cp").arg("-r").arg(source).arg(&copy))?;
    // What its own list of versions names.
    run(cargo().current_dir(&copy))?;
    Ok(copy)
}

fn fetched(name: &str) -> Result<PathBuf, String> {
    let path = root().join("build/tests/fetched").join(name);
    std::fs::create_dir_all(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(path)
}
