//! `start_to_main_ms`: from the start of QEMU's process to the first line of the program's `main`.

use super::figure::{Figure, Goal};
use super::job::Job;
use super::statistics::Summary;
use super::table::{Table, number};
use super::{Bench, Report};
use crate::failure::Result;
use crate::run::accel::Accel;

/// Name of the figure.
pub const NAME: &str = "start_to_main_ms";
/// Its goal.
pub const GOAL: Goal = Goal::AtMost(60.0);
/// Moments a boot goes through: what the runner records, and what it is.
const STAGES: [(&str, &str); 3] = [
    ("hello", "the kernel runs"),
    ("main", "the kernel starts the program"),
    ("entered 0", "the program's main"),
];

/// Measures it.
pub fn measure(bench: &Bench) -> Result<Report> {
    let image = bench.workshop.compile(bench.workshop.tool("mpicc"), "hello.c", "started", &["-DRECORD"])?;
    let rounds = if bench.options.quick { 3 } else { 9 };
    let mut table = Table::new("From QEMU's start to the program, ms", ["", "median", "min", "max"]);
    let mut figures = Vec::new();
    if let Some(why) = &bench.no_kvm {
        figures.push(Figure::missing(NAME, "ms", format!("no KVM: {why}")).goal(GOAL));
    }
    for accel in bench.machines() {
        let job = Job::new(&image, 1, accel);
        let mut times = vec![Vec::new(); STAGES.len()];
        for _ in 0..rounds {
            let outcome = job.run(&bench.workshop)?;
            for (times, (label, _)) in times.iter_mut().zip(STAGES) {
                times.push(outcome.record(0, label)?.ms);
            }
        }
        let summaries: Vec<Summary> = times.iter().filter_map(|times| Summary::of(times)).collect();
        for (summary, (_, what)) in summaries.iter().zip(STAGES) {
            let cells = [summary.median, summary.min, summary.max].map(number);
            table.row([format!("{}: {what}", accel.name())].into_iter().chain(cells));
        }
        if let [hello, _, entered] = summaries[..] {
            let note = format!(
                "{}; {} of it until the kernel runs (QEMU's own start, loading, boot)",
                accel.name(),
                number(hello.median)
            );
            figures.push(figure(accel, entered).note(note));
        }
    }
    table.note(format!("One rank of 512 MiB that uses MPI, with its adapter; {rounds} starts."));
    Ok(Report { figures, tables: vec![table] })
}

fn figure(accel: Accel, summary: Summary) -> Figure {
    match accel {
        Accel::Kvm => Figure::new(NAME, "ms", summary).goal(GOAL),
        _ => Figure::new(format!("{NAME}/{}", accel.name()), "ms", summary),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_kvm_has_the_goal() {
        let kvm = figure(Accel::Kvm, Summary::once(130.0));
        assert_eq!((kvm.name.as_str(), kvm.is_met()), ("start_to_main_ms", Some(false)));
        let tcg = figure(Accel::Tcg, Summary::once(130.0));
        assert_eq!((tcg.name.as_str(), tcg.is_met()), ("start_to_main_ms/tcg", None));
    }
}
