//! `image_overhead_bytes`: what kernel and MPI add to the size of a stripped program.
//!
//! The same source is linked three times, optimised and static: by the system's compiler without MPI, by our wrapper
//! without MPI (what that adds is the kernel), and by our wrapper with MPI. The C library's parts that only MPI needs
//! count as added.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::figure::{Figure, Goal};
use super::statistics::Summary;
use super::table::{Table, number};
use super::{Bench, Report};
use crate::failure::{Context, Result};

/// Name of the figure.
pub const NAME: &str = "image_overhead_bytes";
const GOAL: Goal = Goal::AtMost((1 << 20) as f64);
/// Why the goal is missed: shown when it is.
const CAUSE: &str =
    "; sockets, signals and threads are in every kernel, and what the linker keeps of MPI is whole modules";
/// Source, the system's compiler, our wrapper, and what the figure's name gets.
const LANGUAGES: [(&str, &str, &str, &str, &str); 2] =
    [("C", "hello.c", "gcc", "mpicc", ""), ("Fortran", "hello.F90", "gfortran", "mpifort", "/fortran")];

/// Measures it.
pub fn measure(bench: &Bench) -> Result<Report> {
    let mut table = Table::new(
        "Bytes of stripped programs",
        ["", "plain", "with kernel", "with kernel and MPI", "kernel adds", "MPI adds", "both add"],
    );
    let mut figures = Vec::new();
    for (language, source, plain, wrapper, suffix) in LANGUAGES {
        let wrapper = bench.workshop.tool(wrapper);
        let build = |compiler: &Path, flags: &[&str]| {
            let program = bench.workshop.compile(compiler, source, "sized", flags)?;
            stripped(bench, &program)
        };
        let without = "-DWITHOUT_MPI";
        let bare = build(Path::new(plain), &["-static", "-no-pie", without])?;
        let kernel = build(&wrapper, &[without])?;
        let both = build(&wrapper, &[])?;
        let sizes = [bare, kernel, both, kernel - bare, both - kernel, both - bare];
        table.row([language.to_owned()].into_iter().chain(sizes.map(number)));
        let figure = Figure::new(format!("{NAME}{suffix}"), "bytes", Summary::once(both - bare))
            .note(format!("kernel {}, MPI {}", number(kernel - bare), number(both - kernel)));
        let mut figure = if suffix.is_empty() { figure.goal(GOAL) } else { figure };
        if figure.is_met() == Some(false) {
            figure.note += CAUSE;
        }
        figures.push(figure);
    }
    table.note("The program prints a line; with MPI it also passes a message. Static, -O2, `strip`.");
    Ok(Report { figures, tables: vec![table] })
}

fn stripped(bench: &Bench, program: &Path) -> Result<f64> {
    let mut command = Command::new("strip");
    command.arg(program);
    bench.workshop.run(command, Duration::from_secs(60))?;
    let size = std::fs::metadata(program).context(|| format!("looking at {}", program.display()))?.len();
    Ok(size as f64)
}
