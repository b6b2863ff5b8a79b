//! `start_64_ranks_s`: from the command to the last rank's return from `MPI_Init`.

use std::time::Duration;

use super::targets;
use crate::bench::figure::Figure;
use crate::bench::job::Job;
use crate::bench::statistics::Summary;
use crate::bench::table::{Table, number};
use crate::bench::{Bench, Report};
use crate::failure::{Failure, Result};
use crate::run::accel::Accel;

const RANKS: u32 = 64;
const MEMORY: &str = "16M";
const LIMIT: Duration = Duration::from_secs(120);

/// Measures it.
pub fn measure(bench: &Bench) -> Result<Report> {
    let image = bench.workshop.compile(bench.workshop.tool("mpicc"), "hello.c", "many", &["-Wall"])?;
    let rounds = if bench.options.quick { 1 } else { 3 };
    let mut table = Table::new(
        format!("{RANKS} ranks of {MEMORY}iB, from the command, s"),
        ["", "all in main", "all from MPI_Init", "min", "max"],
    );
    let mut figures = Vec::new();
    let machines = bench.machines();
    let machines = if bench.options.quick { &machines[..1] } else { &machines[..] };
    for &accel in machines {
        let (mut mains, mut inits) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let [main, init] = seconds(bench, &image, accel)?;
            mains.push(main);
            inits.push(init);
        }
        let (Some(main), Some(init)) = (Summary::of(&mains), Summary::of(&inits)) else { continue };
        let cells = [main.median, init.median, init.min, init.max].map(number);
        table.row([accel.name().to_owned()].into_iter().chain(cells));
        figures.push(figure(figures.is_empty(), accel, init, bench.cores.len()));
    }
    table.note("The host backend runs already. Rank 0 greets all others before the job ends.");
    Ok(Report { figures, tables: vec![table] })
}

/// The goal is that of the accelerator every user gets.
fn figure(first: bool, accel: Accel, init: Summary, cores: usize) -> Figure {
    let note = format!("{} on {cores} cores", accel.name());
    match first {
        true => targets::figure(targets::MANY, init, &note),
        false => Figure::new(format!("{}/{}", targets::MANY, accel.name()), "s", init).note(note),
    }
}

/// When the last rank came to `main`, and from `MPI_Init`.
fn seconds(bench: &Bench, image: &std::path::Path, accel: Accel) -> Result<[f64; 2]> {
    let job = Job::new(image, RANKS, accel).flags(&["--mem", MEMORY]).limit(LIMIT);
    let outcome = job.run(&bench.workshop)?;
    let last = |label: &str| {
        let times: Vec<f64> =
            outcome.records.iter().filter(|r| r.label == label).filter_map(|r| r.command_ms).collect();
        match times.len() == RANKS as usize {
            true => Ok(times.into_iter().fold(0.0, f64::max) / 1e3),
            false => Err(Failure::new(format!("{} of {RANKS} ranks told of {label:?}", times.len()))),
        }
    };
    Ok([last("main")?, last("mpi-init")?])
}
