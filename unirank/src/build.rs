//! `unirank build`: makes images of the programs of a Cargo package, with the stock stable toolchain, and packs file
//! trees into images.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use unirank_images::elf::{Image, attach};
use unirank_images::layout::Layout;
use unirank_images::tree;

use crate::failure::{Context, Failure, Result};
use crate::output::say;
use crate::run::qemu::search;

/// The only target images have; naming it keeps the flags away from build scripts and procedural macros.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// What `unirank build` was told.
#[derive(Clone, Debug, Default)]
pub struct BuildOptions {
    /// Copy the one image here.
    pub output: Option<PathBuf>,
    /// Folder whose content the image carries.
    pub files: Option<PathBuf>,
    /// An image that exists already, instead of a package.
    pub image: Option<PathBuf>,
    /// Arguments for `cargo build`.
    pub cargo: Vec<OsString>,
}

/// Builds, checks and names the images.
pub fn build(options: &BuildOptions) -> Result<()> {
    // First of all, so that a folder that cannot be packed costs nobody a build.
    let archive = options.files.as_deref().map(pack).transpose()?;
    match (&options.image, archive) {
        (None, archive) => build_package(options, archive.as_deref()),
        (Some(image), Some(archive)) => attach(image, &archive, options.output.as_deref().unwrap_or(image)),
        (Some(image), None) => Err(Failure::usage(format!(
            "{} is an image already, and there is nothing to pack into it",
            image.display()
        ))
        .remedy("say --files DIR for a file tree")),
    }
}

fn pack(folder: &Path) -> Result<Vec<u8>> {
    tree::pack(folder).map_err(|error| Failure::new(format!("packing {}: {error}", folder.display())))
}

/// Writes `image` with the file tree `archive` to `output`.
fn attach(image: &Path, archive: &[u8], output: &Path) -> Result<()> {
    let packed = attach::attach(&read(image)?, archive)
        .map_err(|error| Failure::new(format!("{} {error}", image.display())).remedy(error.remedy()))?;
    replace(output, &packed, image)
}

fn read(image: &Path) -> Result<Vec<u8>> {
    std::fs::read(image).context(|| format!("reading {}", image.display()))
}

/// Puts an image where another may be, with the rights of the file `like`. A running program's file cannot be written over,
/// only replaced; and nobody sees half an image.
fn replace(output: &Path, image: &[u8], like: &Path) -> Result<()> {
    let rights = std::fs::metadata(like).context(|| format!("reading {}", like.display()))?.permissions();
    let mut name = output.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(name);
    std::fs::write(&temporary, image)
        .and_then(|()| std::fs::set_permissions(&temporary, rights))
        .and_then(|()| std::fs::rename(&temporary, output))
        .inspect_err(|_| drop(std::fs::remove_file(&temporary)))
        .context(|| format!("writing {}", output.display()))
}

fn build_package(options: &BuildOptions, archive: Option<&[u8]>) -> Result<()> {
    let layout = Layout::of_current_exe().context(|| "finding this program's folder".into())?;
    if let Some(missing) = layout.missing() {
        return Err(Failure::new(format!("{} is missing", missing.display()))
            .remedy("run `make` in unirank's sources, or install it again"));
    }
    let programs = cargo(options, &flags(&layout, existing_flags()))?;
    for program in &programs {
        Image::parse(&read(program)?)
            .map_err(|error| Failure::new(format!("{} {error}", program.display())))?;
        if let Some(archive) = archive {
            attach(program, archive, program)?;
        }
    }
    match (&options.output, programs.as_slice()) {
        (_, []) => Err(Failure::new("the package has no program").remedy("name one with --bin or --example")),
        (None, all) => {
            all.iter().for_each(|program| say!("{}", program.display()));
            Ok(())
        }
        (Some(output), [program]) => replace(output, &read(program)?, program),
        (Some(_), several) => {
            Err(Failure::usage(format!("-o names one file, the package has {} programs", several.len()))
                .remedy("choose one with --bin"))
        }
    }
}

/// Runs `cargo build` and returns the programs it made.
fn cargo(options: &BuildOptions, flags: &str) -> Result<Vec<PathBuf>> {
    let (program, compiler) = find_cargo();
    let mut child = Command::new(&program)
        .envs(compiler.map(|compiler| ("RUSTC", compiler)))
        .args(["build", "--target", TARGET, "--message-format=json-render-diagnostics"])
        .args(&options.cargo)
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Failure::new("there is no cargo in PATH")
                .remedy("install Rust: https://rustup.rs, or cargo and rustc of your distribution"),
            _ => Failure::new(format!("{} cannot be started: {error}", program.to_string_lossy())),
        })?;
    let mut programs = Vec::new();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line.context(|| "reading what cargo says".into())?;
            programs.extend(program_of(&line));
        }
    }
    let status = child.wait().context(|| "waiting for cargo".into())?;
    if !status.success() {
        return Err(
            Failure::new("cargo build failed").status(status.code().map_or(1, |c| c.clamp(1, 255) as u8))
        );
    }
    Ok(programs)
}

/// Cargo, and the compiler to go with it when that has a name of its own: what `CARGO` says, `cargo`, or the newest of
/// those that distributions name by version (Ubuntu's `cargo-1.91` and `rustc-1.91`).
pub fn find_cargo() -> (OsString, Option<String>) {
    if let Some(chosen) = std::env::var_os("CARGO") {
        return (chosen, None);
    }
    let versioned = || (60..200).rev().find(|minor| search(&format!("cargo-1.{minor}")).is_some());
    match search("cargo") {
        None => {
            versioned().map(|minor| (format!("cargo-1.{minor}").into(), Some(format!("rustc-1.{minor}"))))
        }
        Some(_) => None,
    }
    .unwrap_or(("cargo".into(), None))
}

/// The program a message of cargo's tells of.
fn program_of(line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" {
        return None;
    }
    message["executable"].as_str().map(PathBuf::from)
}

/// The user's own flags, as cargo would take them from the environment.
fn existing_flags() -> Vec<String> {
    if let Ok(flags) = std::env::var("CARGO_ENCODED_RUSTFLAGS") {
        return flags.split('\x1f').filter(|f| !f.is_empty()).map(str::to_owned).collect();
    }
    std::env::var("RUSTFLAGS").unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// Flags that make an image, after the user's.
fn flags(layout: &Layout, mut flags: Vec<String>) -> String {
    flags.extend(["-Ctarget-feature=+crt-static", "-Crelocation-model=static"].map(str::to_owned));
    let path = |path: &Path| path.display().to_string();
    let link = [
        // The kernel's object is made for GNU ld; newer toolchains prefer another.
        "-fuse-ld=bfd".to_owned(),
        "-Wl,-z,norelro".into(),
        "-Wl,-z,noseparate-code".into(),
        "-Wl,-z,noexecstack".into(),
        "-Wl,--eh-frame-hdr".into(),
        path(&layout.kernel_object()),
        format!("-Wl,@{}", path(&layout.lib().join("threads.args"))),
        format!("-L{}", path(&layout.lib())),
        // rustc leaves the linker looking for shared libraries.
        "-Wl,-Bstatic".into(),
        // rustc names the C library before these and no default ones after: what MPI needs of it comes once more.
        "-Wl,--start-group".into(),
        "-lhermit".into(),
        "-lmpi".into(),
        "-lm".into(),
        "-lpthread".into(),
        "-lgcc_eh".into(),
        "-lgcc".into(),
        "-lc".into(),
        "-Wl,--end-group".into(),
    ];
    flags.extend(link.into_iter().map(|argument| format!("-Clink-arg={argument}")));
    // Cargo does not look into the arguments' files: without this a program that is up to date would keep the library OS
    // it was linked with before a newer one was installed.
    flags.push(format!("--cfg=unirank_libraries=\"{:x}\"", libraries_time(layout)));
    flags.join("\x1f")
}

/// When the newest of the libraries was made, seconds since 1970; 0 where that is not known.
fn libraries_time(layout: &Layout) -> u64 {
    let lib = |name: &str| layout.lib().join(name);
    let times =
        [layout.kernel_object(), lib("libmpi.a"), lib("libhermit.a")].into_iter().filter_map(|path| {
            let time = std::fs::metadata(path).ok()?.modified().ok()?;
            Some(time.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs())
        });
    times.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_keep_the_users_and_survive_blanks() {
        let flags = flags(&Layout::new("/a b"), vec!["-Ctarget-cpu=native".into()]);
        let flags: Vec<&str> = flags.split('\x1f').collect();
        assert_eq!(flags[0], "-Ctarget-cpu=native");
        assert!(flags.contains(&"-Clink-arg=/a b/lib/unirank/kernel.o"));
        assert!(flags.contains(&"-Crelocation-model=static"));
    }

    #[test]
    fn programs_are_taken_from_cargos_messages() {
        let line = r#"{"reason":"compiler-artifact","executable":"/t/debug/app"}"#;
        assert_eq!(program_of(line), Some("/t/debug/app".into()));
        for other in [
            "",
            "{}",
            r#"{"reason":"compiler-artifact","executable":null}"#,
            r#"{"reason":"build-finished"}"#,
        ] {
            assert_eq!(program_of(other), None, "{other}");
        }
    }
}
