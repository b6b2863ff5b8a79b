//! `unirank bench`: speed and size on this host, in tables and as JSON.
//!
//! Terms: a *figure* is one number with its unit, goal and spread ([`figure`]); a *measurement* is one of the modules
//! below, which compiles its programs with the installed wrappers (into a [`workshop`]), runs them as jobs ([`job`])
//! and gives a [`Report`]. A goal that is missed is shown as missed; it is no failure of the command. A measurement
//! that cannot be made is.
//!
//! Subcommands look closer: [`compare`] sets VMs against other MPI libraries, [`os`] programs in VMs against the same
//! as processes, [`stages`] tells where the time of a small message goes, [`copy_speed`] is about copies, [`checks`] about the cost of looking for errors of use. [`html`] draws what was measured.

mod checks;
mod compare;
mod contender;
mod copy_speed;
mod crowd;
mod engine_core;
mod exits;
mod figure;
mod html;
mod image_size;
mod job;
mod libraries;
mod messages;
mod os;
mod rank_memory;
mod stages;
mod start;
pub(crate) mod statistics;
pub(crate) mod table;
mod threads;
mod workshop;

use std::path::PathBuf;
use std::time::Instant;

pub use compare::Part;
use figure::Figure;
pub use os::Part as OsPart;
use table::{Table, number};
use workshop::Workshop;

use crate::failure::{Context, Failure, Result};
use crate::output::{self, say};
use crate::run::accel::{self, Accel};
use crate::run::spawn::allowed_cores;

/// What all of `unirank bench` was told.
#[derive(Clone, Debug, Default)]
pub struct BenchOptions {
    /// Write the figures here, too.
    pub json: Option<PathBuf>,
    /// Write a page with curves here.
    pub html: Option<PathBuf>,
    /// Runs of each contender.
    pub rounds: usize,
    /// Fewer messages, sizes and rounds: to see that it works.
    pub quick: bool,
    /// Take what is slow or not a goal as well: messages under TCG, through the adapter, of all sizes.
    pub all: bool,
}

impl BenchOptions {
    /// Whether messages of all sizes are wanted, not only those with a goal.
    fn curves(&self) -> bool {
        self.html.is_some() || self.all
    }
}

/// What is to be measured.
#[derive(Clone, Debug)]
pub enum Subject {
    /// Speed and size; only these measurements, or all if there are none.
    Figures(Vec<Measurement>),
    /// VMs against other MPI libraries; only these parts, or all.
    Compare(Vec<Part>),
    /// What programs get of the library OS, and how fast ranks start; only these parts, or all.
    Os(Vec<OsPart>),
    /// Where the time of a small message goes.
    Stages,
    /// The copy routine against libc's.
    Copy,
    /// Message rate of several threads.
    Threads,
    /// What looking for errors of use costs.
    Checks,
}

/// The measurements by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Measurement {
    /// exits_per_million_messages
    Exits,
    /// start_to_main_ms
    Start,
    /// image_overhead_bytes
    Image,
    /// rank_overhead_bytes
    Memory,
    /// Half round trip, bandwidth and message rate, beside other MPI libraries
    Messages,
    /// Jobs of more ranks than cores
    Crowd,
}

/// The measurements in the order they are made: what other load would disturb most comes last.
type Measure = fn(&Bench) -> Result<Report>;
const MEASUREMENTS: [(Measurement, &str, Measure); 6] = [
    (Measurement::Image, "image_overhead_bytes", image_size::measure),
    (Measurement::Memory, "rank_overhead_bytes", rank_memory::measure),
    (Measurement::Start, "start_to_main_ms", start::measure),
    (Measurement::Crowd, "crowd_s", crowd::measure),
    (Measurement::Messages, "half_round_trip_us", messages::measure),
    (Measurement::Exits, "exits_per_million_messages", exits::measure),
];

/// What all measurements use.
#[derive(Debug)]
struct Bench {
    options: BenchOptions,
    workshop: Workshop,
    /// Why there are no VMs under KVM; `None` when there are.
    no_kvm: Option<String>,
    /// The cores this process may use.
    cores: Vec<usize>,
}

/// What a measurement gives.
#[derive(Debug, Default)]
struct Report {
    figures: Vec<Figure>,
    tables: Vec<Table>,
}

impl Report {
    fn only(figure: Figure) -> Self {
        Self { figures: vec![figure], tables: Vec::new() }
    }

    /// Prints the tables; the figures are for the end.
    fn print(self) -> Vec<Figure> {
        self.tables.iter().for_each(|table| output::write(format_args!("{table}")));
        self.figures
    }
}

impl Bench {
    /// The kinds of VMs this host can run.
    fn machines(&self) -> Vec<Accel> {
        if self.no_kvm.is_some() { vec![Accel::Tcg] } else { vec![Accel::Kvm, Accel::Tcg] }
    }

    /// Prints the goals, writes the files, and says whether all could be measured.
    fn finish(&self, figures: &[Figure], mut goals: Table, failures: usize) -> Result<()> {
        if self.options.quick {
            goals.note("Measured with --quick: too short for figures to rely on.");
        }
        if !goals.is_empty() {
            output::write(format_args!("{goals}"));
        }
        if let Some(path) = &self.options.json {
            let text = figure::to_json(figures).context(|| "writing JSON".into())?;
            std::fs::write(path, text).context(|| format!("writing {}", path.display()))?;
        }
        if let Some(path) = &self.options.html {
            let page = html::page(&host(self), figures, self.options.quick);
            std::fs::write(path, page).context(|| format!("writing {}", path.display()))?;
        }
        match failures {
            0 => Ok(()),
            n => Err(Failure::new(format!("{n} of the measurements could not be made, see above"))),
        }
    }

    /// Says what is going on while it takes its time.
    fn aside(&self, text: &str) {
        eprintln!("unirank bench: {text}");
    }
}

/// Makes the measurements and prints them.
pub fn bench(options: BenchOptions, subject: &Subject) -> Result<()> {
    let kvm = accel::probe_kvm();
    let no_kvm = kvm.err().map(|problem| format!("{}; {}", problem.cause, problem.remedy));
    let bench = Bench { options, workshop: Workshop::new()?, no_kvm, cores: allowed_cores() };
    if let Subject::Compare(only) = subject {
        return compare::compare(&bench, only);
    }
    if let Subject::Os(only) = subject {
        return os::measure(&bench, only);
    }
    say!("{}", host(&bench));
    let mut figures = Vec::new();
    let mut failures = 0;
    for (name, measure) in measurements(subject) {
        let began = Instant::now();
        bench.aside(&format!("measuring {name}"));
        match measure(&bench) {
            Ok(report) => figures.extend(report.print()),
            Err(failure) => {
                bench.workshop.check_interrupted()?;
                say!("\n{name}: could not be measured: {failure}");
                figures.push(Figure::missing(name, "", failure.to_string()));
                failures += 1;
            }
        }
        bench.aside(&format!("{name} took {:.0} s", began.elapsed().as_secs_f64()));
    }
    let table = goals(&figures);
    bench.finish(&figures, table, failures)
}

/// The measurements a subject is made of.
fn measurements(subject: &Subject) -> Vec<(&'static str, Measure)> {
    match subject {
        Subject::Stages => vec![("stages", stages::measure)],
        Subject::Copy => vec![("copy", copy_speed::measure)],
        Subject::Threads => vec![("threads", threads::measure)],
        Subject::Checks => vec![("checks", checks::measure)],
        Subject::Figures(only) => {
            let wanted = MEASUREMENTS.iter().filter(|(which, ..)| only.is_empty() || only.contains(which));
            wanted.map(|&(_, name, measure)| (name, measure)).collect()
        }
        // Its parts share more than a bench.
        Subject::Compare(_) | Subject::Os(_) => Vec::new(),
    }
}

/// One line on what the figures were measured on.
fn host(bench: &Bench) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|l| l.strip_prefix("model name")).and_then(|l| l.split_once(':'));
    let load = read("/proc/loadavg");
    format!(
        "unirank {} on {} ({} cores, load {}), {}",
        env!("CARGO_PKG_VERSION"),
        model.map_or("an unknown processor", |(_, name)| name.trim()),
        bench.cores.len(),
        load.split(' ').next().unwrap_or("unknown"),
        if bench.no_kvm.is_none() { "KVM" } else { "no KVM" },
    )
}

/// The figures that have a goal, and those that could not be measured.
fn goals(figures: &[Figure]) -> Table {
    let mut table = Table::new("Goals", ["figure", "value", "spread", "goal", "unit", ""]);
    for figure in figures.iter().filter(|f| f.goal.is_some() || f.value.is_none()) {
        let limit = figure.goal.map_or(String::new(), |goal| goal.to_string());
        let value = figure.value.map_or("-".into(), number);
        let spread = figure.spread.filter(|_| figure.rounds > 1);
        let spread = spread.map_or(String::new(), |[min, max]| format!("{} to {}", number(min), number(max)));
        table.row([figure.name.as_str(), &value, &spread, &limit, figure.unit, &figure.verdict()]);
        if figure.is_met() != Some(true) && !figure.note.is_empty() {
            table.note(format!("{}: {}", figure.name, figure.note));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use figure::Goal;
    use statistics::Summary;

    #[test]
    fn missed_goals_are_shown_with_figure_and_cause() {
        let figures = [
            Figure::new("a", "ms", Summary::once(10.0)).goal(Goal::AtMost(120.0)),
            Figure::new("b", "bytes", Summary::once(2e6)).goal(Goal::AtMost(1e6)).note("too much of x"),
            Figure::new("c", "us", Summary::once(1.0)),
            Figure::missing("d", "exits", "no KVM").goal(Goal::Below(10.0)),
        ];
        let text = goals(&figures).to_string();
        let line =
            |name: &str| text.lines().find(|l| l.starts_with(&format!("  {name} "))).map(str::to_owned);
        assert!(line("a").unwrap().ends_with("met"));
        assert!(line("b").unwrap().contains("2 000 000") && line("b").unwrap().ends_with("MISSED by 100 %"));
        assert_eq!(line("c"), None);
        assert!(line("d").unwrap().ends_with("not measured"));
        assert!(text.contains("- b: too much of x") && text.contains("- d: no KVM"));
    }

    #[test]
    fn every_measurement_is_in_the_list_once() {
        use clap::ValueEnum;
        for which in Measurement::value_variants() {
            assert_eq!(MEASUREMENTS.iter().filter(|(m, ..)| m == which).count(), 1, "{which:?}");
        }
    }
}
