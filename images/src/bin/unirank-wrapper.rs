//! `mpicc`, `mpicxx` and `mpifort`: which of them it is, its file name says.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use unirank_images::layout::Layout;
use unirank_images::wrapper::{Language, Request, Show, command_line, quoted, shown_part};

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let name = words.next().unwrap_or_default();
    let name = Path::new(&name).file_name().unwrap_or_default().to_string_lossy().into_owned();
    match run(&name, words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{name}: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Shows what was asked for, or becomes the compiler.
fn run(name: &str, words: impl Iterator<Item = OsString>) -> Result<(), String> {
    let language = Language::of_wrapper(name).ok_or_else(|| {
        "this program is started as mpicc, mpicxx, mpic++, mpifort, mpif90 or mpif77".to_owned()
    })?;
    let layout = Layout::of_current_exe().map_err(|e| format!("cannot find its own folder: {e}"))?;
    let request = Request::parse(words).map_err(|e| e.to_string())?;
    let version = format!("{name} for unirank {}", env!("CARGO_PKG_VERSION"));
    let line = command_line(language, &layout, &request, |variable| std::env::var_os(variable));
    match request.show {
        Some(Show::Version) => println!("{version}"),
        Some(Show::Command) => println!("{}", quoted(&line.words)),
        Some(part) => println!("{}", quoted(&shown_part(language, &layout, part))),
        None => return become_compiler(language, &layout, &request, &line.words, line.links, &version),
    }
    Ok(())
}

fn become_compiler(
    language: Language,
    layout: &Layout,
    request: &Request,
    words: &[OsString],
    links: bool,
    version: &str,
) -> Result<(), String> {
    if request.tells_version {
        println!("{version}");
    }
    for flag in &request.dropped {
        eprintln!("unirank: {} left out: an image is not position-independent", flag.to_string_lossy());
    }
    if let Some(missing) = layout.missing().filter(|_| links) {
        return Err(format!(
            "{} is missing; run `make` in unirank's sources, or install it again",
            missing.display()
        ));
    }
    let (compiler, arguments) = words.split_first().ok_or("no compiler")?;
    let error = Command::new(compiler).args(arguments).exec();
    Err(match error.kind() {
        std::io::ErrorKind::NotFound => format!(
            "there is no {}; install it with `sudo apt-get install {}`",
            compiler.to_string_lossy(),
            language.package()
        ),
        _ => format!("{} cannot be started: {error}", compiler.to_string_lossy()),
    })
}
