//! Cycles of the stages of a small message, as VMs and natively, beside what the hardware itself takes.

use std::process::Command;
use std::time::Duration;

use super::contender::Contender;
use super::figure::Figure;
use super::statistics::Summary;
use super::table::{Table, number};
use super::{Bench, Report};
use crate::failure::{Failure, Result};
use crate::run::accel::Accel;
use crate::text::one_line;

const LIMIT: Duration = Duration::from_secs(60);

/// What the rows are about, by the names the programs print.
const NOTES: [(&str, &str); 10] = [
    ("cache line", "two Linux processes write one line in turn, half a round trip: no message is faster"),
    ("reading the counter, its share in each call", "contained in the rows measured in bursts of 16"),
    ("an empty call: MPI_Comm_rank", "entering the library and leaving it"),
    ("MPI_Iprobe in vain", "a look at the rings and queues, nothing there"),
    ("posting: MPI_Irecv, MPI_Cancel, MPI_Wait", "a request made, queued, found, taken out, freed"),
    ("MPI_Send of 8 bytes, until it returns", "bursts of 16 that the other rank takes at the same time"),
    ("MPI_Recv of a message that has arrived", "in the ring for 20 us: one line transfer, matching, copy"),
    ("MPI_Recv of an unexpected message", "a later message was received before: queue and copy, no transfer"),
    ("half round trip, 8 bytes", "everything, of single round trips with the counter read at both ends"),
    (
        "round trip with a rank that slept",
        "50 ms of silence, then a message and its answer: wake-up and two messages",
    ),
];

/// A stage: cycles, and the extremes.
#[derive(Clone, Debug, PartialEq)]
struct Stage {
    name: String,
    cycles: Summary,
}

/// Measures them.
pub fn measure(bench: &Bench) -> Result<Report> {
    let [first, second, ..] = bench.cores[..] else {
        return Err(Failure::new("needs two processor cores, one for each rank"));
    };
    let workshop = &bench.workshop;
    let (repetitions, runs) = if bench.options.quick { ("50", 1) } else { ("5000", 3) };
    let args = [repetitions.to_owned()];
    let accels =
        if bench.no_kvm.is_none() { [Accel::Kvm, Accel::Native] } else { [Accel::Tcg, Accel::Native] };
    let line = workshop.compile("gcc", "line.c", "line", &["-Wall"])?;
    let image = Contender::unirank(Accel::Native).compile(workshop, "stages.c", &["-Wall"])?;
    let mut seen = [Vec::new(), Vec::new()];
    let mut hz = None;
    for _ in 0..runs {
        let mut floor = Command::new(&line);
        floor.args([first, second].map(|core| core.to_string()));
        let (floor, _) = parse(&workshop.run(floor, LIMIT)?)?;
        for (accel, seen) in accels.iter().zip(&mut seen) {
            let text = Contender::unirank(*accel).run(workshop, &bench.cores, &image, &args)?;
            let (stages, rate) = parse(&text)?;
            seen.push([floor.clone(), stages].concat());
            hz = rate.or(hz);
        }
    }
    let hz = hz.ok_or_else(|| Failure::new("the program did not print the rate of its counter"))?;
    let mut report = Report::default();
    for (accel, seen) in accels.into_iter().zip(&seen) {
        let stages = together(seen);
        report.tables.push(table(&Contender::unirank(accel), &stages, hz));
        report.figures.extend(stages.iter().map(|stage| figure(accel, stage)));
    }
    if let Some(why) = &bench.no_kvm
        && let Some(table) = report.tables.first_mut()
    {
        table.note(format!("No VMs under KVM: {why}."));
    }
    Ok(report)
}

/// Several runs: the median of their medians, and the extremes of all.
fn together(runs: &[Vec<Stage>]) -> Vec<Stage> {
    let of = |n: usize, pick: fn(&Summary) -> f64| -> Vec<f64> {
        runs.iter().filter_map(|stages| stages.get(n)).map(|stage| pick(&stage.cycles)).collect()
    };
    let stage = |(n, stage): (usize, &Stage)| {
        let median = Summary::of(&of(n, |s| s.median))?;
        let min = of(n, |s| s.min).into_iter().fold(f64::INFINITY, f64::min);
        let max = of(n, |s| s.max).into_iter().fold(0.0, f64::max);
        Some(Stage { cycles: Summary { min, max, ..median }, ..stage.clone() })
    };
    runs.first().map_or(Vec::new(), |first| first.iter().enumerate().filter_map(stage).collect())
}

fn table(contender: &Contender, stages: &[Stage], hz: f64) -> Table {
    let title = format!("A small message, stage by stage: {}", contender.what);
    let mut table = Table::new(title, ["", "cycles", "min", "ns", ""]);
    for stage in stages {
        let note = note(&stage.name).unwrap_or_default();
        let ns = stage.cycles.median / hz * 1e9;
        let cells = [stage.cycles.median, stage.cycles.min, ns].map(number);
        table.row([stage.name.clone()].into_iter().chain(cells).chain([note.to_owned()]));
    }
    table.note(format!("Cycles of the time stamp counter, {} MHz; medians.", number((hz / 1e6).round())));
    table
}

fn note(stage: &str) -> Option<&'static str> {
    NOTES.iter().find(|(name, _)| *name == stage).map(|(_, note)| *note)
}

fn figure(accel: Accel, stage: &Stage) -> Figure {
    let name = format!("stage_cycles/{}/{}", accel.name(), stage.name);
    Figure::new(name, "cycles", stage.cycles).note(note(&stage.name).unwrap_or_default())
}

/// Reads the lines name|median|smallest|largest, and hz|rate.
fn parse(text: &str) -> Result<(Vec<Stage>, Option<f64>)> {
    let (mut stages, mut hz) = (Vec::new(), None);
    for line in text.lines() {
        let wrong = || Failure::new(format!("the program printed {line:?}, which is no stage"));
        let fields: Vec<&str> = line.split('|').collect();
        let value = |text: &str| text.parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(wrong);
        match fields[..] {
            ["hz", rate] => hz = Some(value(rate)?).filter(|hz| *hz > 0.0),
            [name, median, min, max] => {
                let cycles =
                    Summary { median: value(median)?, min: value(min)?, max: value(max)?, rounds: 1 };
                stages.push(Stage { name: one_line(name, 60), cycles });
            }
            _ => return Err(wrong()),
        }
    }
    if stages.is_empty() { Err(Failure::new("the program printed no stages")) } else { Ok((stages, hz)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_read_and_shown_with_their_notes() {
        let (stages, hz) =
            parse("MPI_Iprobe in vain|60.0|50.5|900\nsomething new|5|4|6\nhz|2600000000\n").unwrap();
        assert_eq!((stages.len(), hz), (2, Some(2.6e9)));
        let text = table(&Contender::unirank(Accel::Native), &stages, hz.unwrap()).to_string();
        assert!(text.contains("60  50.5  23.1"), "{text}");
        assert!(text.contains("nothing there") && text.contains("something new"), "{text}");
        assert!(parse("").is_err() && parse("a|1|2").is_err() && parse("a|1|2|x").is_err());
        assert_eq!(parse("a|1|2|3\nhz|0\n").unwrap().1, None);
    }

    #[test]
    fn runs_are_put_together() {
        let run = |line: &str| parse(line).unwrap().0;
        let all = together(&[run("a|5|2|9"), run("a|7|1|8"), run("a|6|3|99")]);
        assert_eq!(all[0].cycles, Summary { median: 6.0, min: 1.0, max: 99.0, rounds: 3 });
        assert!(together(&[]).is_empty());
    }

    #[test]
    fn every_note_is_about_a_line_that_the_programs_print() {
        let sources =
            [include_str!("../../../images/bench/stages.c"), include_str!("../../../images/bench/line.c")];
        for (name, _) in NOTES {
            assert!(sources.iter().any(|source| source.contains(name)), "{name}");
        }
    }
}
