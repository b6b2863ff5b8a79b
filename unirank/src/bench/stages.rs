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
    let repetitions = if bench.options.quick { "50" } else { "5000" }.to_owned();
    let accels =
        if bench.no_kvm.is_none() { [Accel::Kvm, Accel::Native] } else { [Accel::Tcg, Accel::Native] };
    let mut report = Report::default();
    let mut line = Command::new(workshop.compile("gcc", "line.c", "line", &["-Wall"])?);
    line.args([first, second].map(|core| core.to_string()));
    let (floor, _) = parse(&workshop.run(line, LIMIT)?)?;
    for accel in accels {
        let contender = Contender::unirank(accel);
        let image = contender.compile(workshop, "stages.c", &["-Wall"])?;
        let text = contender.run(workshop, &bench.cores, &image, std::slice::from_ref(&repetitions))?;
        let (stages, hz) = parse(&text)?;
        let hz = hz.ok_or_else(|| Failure::new("the program did not print the rate of its counter"))?;
        let all: Vec<Stage> = floor.iter().chain(&stages).cloned().collect();
        report.tables.push(table(&contender, &all, hz));
        report.figures.extend(all.iter().map(|stage| figure(accel, stage)));
    }
    if let Some(why) = &bench.no_kvm
        && let Some(table) = report.tables.first_mut()
    {
        table.note(format!("No VMs under KVM: {why}."));
    }
    Ok(report)
}

fn table(contender: &Contender, stages: &[Stage], hz: f64) -> Table {
    let title = format!("A small message, stage by stage: {}", contender.what);
    let mut table = Table::new(title, ["", "cycles", "min", "ns", "  "]);
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
    fn every_note_is_about_a_line_that_the_programs_print() {
        let sources =
            [include_str!("../../../images/bench/stages.c"), include_str!("../../../images/bench/line.c")];
        for (name, _) in NOTES {
            assert!(sources.iter().any(|source| source.contains(name)), "{name}");
        }
    }
}
