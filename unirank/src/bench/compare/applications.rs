//! The shipped examples as VMs and natively: seconds of solving, without start and reading.

use std::fmt::Write;
use std::path::PathBuf;

use super::Field;
use super::quiet::Watch;
use super::reading::{Course, Key, Reading, Row};
use super::targets::{AGAINST_NATIVE, Target};
use super::turns::{Entrant, in_turn};
use crate::bench::contender::Contender;
use crate::bench::figure::Figure;
use crate::bench::table::{Table, number};
use crate::bench::{Bench, Report};
use crate::failure::{Context, Failure, Result};
use crate::run::accel::Accel;

/// An example: its name in the figures, and what is run.
struct Application {
    name: &'static str,
    image: PathBuf,
    args: Vec<String>,
}

/// Measures them.
pub fn measure(bench: &Bench, watch: &mut Watch, field: &Field) -> Result<Report> {
    let accels = match &bench.no_kvm {
        None => vec![Accel::Kvm, Accel::Native],
        Some(_) => vec![Accel::Native],
    };
    let mut table =
        Table::new("The shipped examples, two ranks, seconds of solving", ["", "median", "min", "max"]);
    let mut figures = Vec::new();
    for application in [cg(bench), heat(bench)] {
        let application = application?;
        let entrants: Vec<Entrant<'_>> =
            accels.iter().map(|&accel| entrant(bench, &application, accel)).collect();
        let courses = in_turn(bench, watch, bench.options.rounds, &entrants)?;
        let key: Key = (application.name.into(), 0);
        for (accel, course) in accels.iter().zip(&courses) {
            let label = format!("{}, {}", application.name, accel.name());
            match course.summary(&key) {
                Some(s) => {
                    table.row([label].into_iter().chain([s.median, s.min, s.max].map(number)));
                    figures.push(Figure::new(format!("{}_s/{}", application.name, accel.name()), "s", s));
                }
                None => table.row([label, "FAILED".into()]),
            }
            if let Some(why) = &course.failure {
                table.note(format!("{}, {}: {why}", application.name, accel.name()));
            }
        }
        let targets = AGAINST_NATIVE.iter().filter(|target| target.figure.0 == application.name);
        figures.extend(targets.map(|target| goal(field, target, &courses)));
    }
    Ok(Report { figures, tables: vec![table] })
}

fn goal(field: &Field, target: &Target, courses: &[Course]) -> Figure {
    match courses {
        [vm, native] => target.against_native(vm, native),
        _ => target.missing(field.no_kvm()),
    }
}

fn entrant<'a>(bench: &'a Bench, application: &'a Application, accel: Accel) -> Entrant<'a> {
    let contender = Contender::unirank(accel);
    Entrant {
        what: format!("{}, {}", application.name, contender.what),
        run: Box::new(move || {
            let text = contender.run(&bench.workshop, &bench.cores, &application.image, &application.args)?;
            let seconds = seconds(application.name, &text)?;
            let row = Row { median: seconds, low: seconds, high: seconds };
            Ok(Reading::from([((application.name.into(), 0), row)]))
        }),
    }
}

/// The time a program says it took: the number before ` s,` in its lines.
pub fn seconds(program: &str, text: &str) -> Result<f64> {
    let before = text.lines().filter_map(|line| line.split_once(" s, ").map(|(before, _)| before));
    let mut numbers = before.filter_map(|line| line.rsplit(' ').next()?.parse().ok());
    numbers
        .next_back()
        .ok_or_else(|| Failure::new(format!("{program} printed no time: {}", crate::text::printable(text))))
}

/// Conjugate gradients on a matrix large enough for a second of solving.
fn cg(bench: &Bench) -> Result<Application> {
    let workshop = &bench.workshop;
    let side = if bench.options.quick { 60 } else { 400 };
    let matrix = workshop.folder().join("square.mtx");
    std::fs::write(&matrix, laplacian(side)).context(|| format!("writing {}", matrix.display()))?;
    let image = workshop.compile(workshop.tool("mpifort"), "cg.f90", "cg-example", &["-Wall"])?;
    Ok(Application { name: "cg", image, args: vec!["square.mtx".into()] })
}

/// The five-point Laplacian of a square in Matrix Market coordinate format, its lower half.
fn laplacian(side: usize) -> String {
    let n = side * side;
    let mut text = String::from("%%MatrixMarket matrix coordinate real symmetric\n");
    let entries = n + 2 * side * (side - 1);
    let mut entry = |line: std::fmt::Arguments<'_>| text.write_fmt(line).expect("a String takes everything");
    entry(format_args!("{n} {n} {entries}\n"));
    for at in 1..=n {
        entry(format_args!("{at} {at} 4\n"));
        if at % side != 0 {
            entry(format_args!("{} {at} -1\n", at + 1));
        }
        if at + side <= n {
            entry(format_args!("{} {at} -1\n", at + side));
        }
    }
    text
}

/// The heat solver on its own picture, refined.
fn heat(bench: &Bench) -> Result<Application> {
    let workshop = &bench.workshop;
    let (refine, steps) = if bench.options.quick { (1, 200) } else { (4, 1500) };
    let parameters = format!("picture = start.png\noutput = heat.png\nrefine = {refine}\nsteps = {steps}\n");
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(workshop.folder().join(name), bytes).context(|| format!("writing {name}"))
    };
    let picture = std::fs::read(workshop.source("start.png")?).context(|| "reading start.png".into())?;
    write("start.png", &picture)?;
    write("heat.par", parameters.as_bytes())?;
    let image =
        workshop.compile(workshop.tool("mpicc"), "heat.c", "heat-example", &["-lpng", "-lz", "-lm"])?;
    Ok(Application { name: "heat", image, args: vec!["heat.par".into()] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_times_are_found() {
        let cg = "cg:   10  residual 1.0E-01\ncg: 998 iterations in .532 s, largest error 1.2E-11\n";
        assert_eq!(seconds("cg", cg).unwrap(), 0.532);
        let heat = "heat: 2 x 2 cells on 1 x 2 ranks, 5 steps, total heat 1\nheat: 1.250 s, 812.1 million cell updates a second, heat drift 0\n";
        assert_eq!(seconds("heat", heat).unwrap(), 1.25);
        assert!(seconds("cg", "cg: nothing\n").is_err());
    }

    #[test]
    fn the_matrix_has_the_entries_it_announces() {
        let text = laplacian(3);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "9 9 21");
        assert_eq!(lines.len() - 2, 21);
        assert_eq!(lines[2..5], ["1 1 4", "2 1 -1", "4 1 -1"]);
        // Below the diagonal only, and no neighbours across the edge of the square.
        assert!(!lines.contains(&"4 3 -1") && lines.contains(&"9 9 4"));
    }
}
