//! The `unirank` command, as a library so that `mpiexec` and tests use the same parts.
//!
//! - [`cli`]: the command line and its help.
//! - [`run`]: starting ranks and watching over them.
//! - [`build`], [`ps`], [`logs`], [`doctor`], [`bench`]: the other commands.
//! - `output`: what those say on standard output.
//! - [`mpiexec`]: the flags `mpiexec` users know, turned into those of `run`.

// `run::spawn` sets up children between fork and exec, `run::tsc` reads the time stamp counter, `run::node` formats the
// job region in its mapping, and `bench::copy_speed` measures copies between raw pointers: the only uses.
#![deny(unsafe_code)]
// `println!` panics when its reader has left; the commands use `output::say`.
#![deny(clippy::print_stdout)]

pub mod bench;
pub mod build;
pub mod cli;
pub mod doctor;
pub mod failure;
pub mod logs;
pub mod mpiexec;
mod output;
pub mod ps;
pub mod run;
pub mod text;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use failure::{Failure, Result};

/// Runs the command under the name it was started by.
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let name = args.first().map(Path::new).and_then(Path::file_name).and_then(|n| n.to_str());
    let result = match name {
        Some("mpiexec" | "mpirun" | "mpiexec.unirank" | "mpirun.unirank") => mpiexec::main(&args[1..]),
        _ => cli::main(args),
    };
    report(result)
}

fn report(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure);
            ExitCode::from(failure.status)
        }
    }
}

/// The one message of a failed command.
fn say(failure: &Failure) {
    complain(&failure.to_string());
}

/// A line on standard error.
fn complain(text: &str) {
    use std::io::Write;
    // Nobody may read it any more; the status tells, too.
    let _ = writeln!(std::io::stderr(), "unirank: {text}");
}
