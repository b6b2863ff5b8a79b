//! `unirank bench checks`: what looking for errors of use costs. The same image with `UNIRANK_CHECK=1`, as usual, and with
//! `UNIRANK_CHECK=0`, in turn on the same two cores.

use std::time::Duration;

use unirank_host_backend::client::Client;

use super::compare::quiet::Watch;
use super::compare::reading::{Course, Key, parse};
use super::compare::turns::{Entrant, in_turn};
use super::contender::Contender;
use super::figure::Figure;
use super::statistics::ratio;
use super::table::{Table, number};
use super::{Bench, Report};
use crate::failure::{Context, Failure, Result};
use crate::run::accel::Accel;

/// What is told of all that the program measures: its name there, whether more is better, and the name here.
const TOLD: [(&str, bool, &str); 4] = [
    ("latency", false, "half round trip"),
    ("rate", true, "message rate"),
    ("barrier", false, "barrier"),
    ("allreduce", false, "allreduce"),
];

/// Measures it.
pub fn measure(bench: &Bench) -> Result<Report> {
    if bench.cores.len() < 2 {
        return Err(Failure::new("needs two processor cores, one for each rank"));
    }
    let exe = std::env::current_exe().context(|| "finding this program".into())?;
    // Kept, so that it is one host backend whose time is counted.
    let backend = Client::connect_or_start(&exe).context(|| "the host backend cannot be used".into())?;
    let (again, patience) = match bench.options.quick {
        true => (0, Duration::ZERO),
        false => (bench.options.rounds, Duration::from_secs(60)),
    };
    let mut watch = Watch::new(&bench.cores, Some(backend.daemon_pid()), again, patience);
    let mut report = Report::default();
    let mut table = Table::new(
        format!("Looking for errors of use, {} rounds in turn", bench.options.rounds),
        ["", "with", "without", "time with / without", "smallest", "largest"],
    );
    for accel in if bench.no_kvm.is_none() { vec![Accel::Kvm, Accel::Native] } else { vec![Accel::Native] } {
        measure_on(bench, &mut watch, accel, &mut table, &mut report.figures)?;
    }
    table.note("With is UNIRANK_CHECK=1, as ranks run usually; without is UNIRANK_CHECK=0. Ratios are those of rounds.");
    watch.note().into_iter().for_each(|note| table.note(note));
    report.tables.push(table);
    Ok(report)
}

fn measure_on(
    bench: &Bench,
    watch: &mut Watch,
    accel: Accel,
    table: &mut Table,
    figures: &mut Vec<Figure>,
) -> Result<()> {
    let with = Contender::unirank_with(accel, "UNIRANK_CHECK=1");
    let without = Contender::unirank_with(accel, "UNIRANK_CHECK=0");
    let image = with.compile(&bench.workshop, "compare.c", &["-w"])?;
    let [ms, rounds] = if bench.options.quick { ["2", "3"] } else { ["50", "5"] };
    let args = ["--round-ms", ms, "--rounds", rounds].map(String::from);
    let entrant = |contender: Contender| {
        let (image, args) = (&image, &args);
        let what = contender.what.clone();
        let run = move || parse(&contender.run(&bench.workshop, &bench.cores, image, args)?);
        Entrant { what, run: Box::new(run) }
    };
    let courses = in_turn(bench, watch, bench.options.rounds, &[entrant(with), entrant(without)])?;
    if let Some(why) = courses.iter().find_map(|course| course.failure.clone()) {
        return Err(Failure::new(why));
    }
    for (figure, more_is_better, name) in TOLD {
        if let Some(key) = smallest(&courses[0], figure) {
            let [with, without] = [0, 1].map(|n| courses[n].values(&key));
            let (above, below) = if more_is_better { (&without, &with) } else { (&with, &without) };
            let Some(ratio) = ratio(above, below) else { continue };
            let [with, without] =
                [0, 1].map(|n| courses[n].summary(&key).map_or(String::new(), |s| number(s.median)));
            let label = format!("{name}, {}, {}", crate::text::size(key.1), accel.name());
            table.row([label, with, without, number(ratio.median), number(ratio.min), number(ratio.max)]);
            figures.push(Figure::new(format!("checks_{figure}/{}/{}", accel.name(), key.1), "ratio", ratio));
        }
    }
    Ok(())
}

/// The smallest size at which a figure was measured: there the calls themselves weigh most.
fn smallest(course: &Course, figure: &str) -> Option<Key> {
    course.keys().filter(|(name, _)| name == figure).min().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_size_is_told() {
        let text = "latency 8 1 1 1\nlatency 1024 2 2 2\nrate 8 5 5 5\n";
        let course = Course { rounds: vec![parse(text).ok()], failure: None };
        assert_eq!(smallest(&course, "latency"), Some(("latency".into(), 8)));
        assert_eq!(smallest(&course, "barrier"), None);
    }
}
