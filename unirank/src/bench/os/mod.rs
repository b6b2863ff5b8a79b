//! `unirank bench os`: what programs get of the library OS against what they get natively, and how fast ranks start.
//!
//! Terms: a *part* is what `--only` names; parts that compare run the same image as a VM and as a process, in turn on the
//! same cores ([`programs`]); goals and what is known of missed ones are in [`targets`].

mod many;
mod programs;
mod targets;

use std::time::{Duration, Instant};

use unirank_host_backend::client::Client;

use super::compare::quiet::Watch;
use super::figure::Figure;
use super::table::{Table, number};
use super::{Bench, Report, goals, host, start};
use crate::failure::{Context, Result};
use crate::output::say;

/// The parts by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// start_to_main_ms
    Start,
    /// start_64_ranks_s
    Many,
    /// clock_gettime_vs_native
    Clock,
    /// mutex_vs_native
    Mutex,
    /// switch_vs_native
    Switch,
    /// openmp_vs_native
    Openmp,
    /// memory_touch_vs_native
    Memory,
    /// file_read_vs_native and file_write_vs_native
    File,
}

type Measure = fn(&Bench, &mut Watch) -> Result<Report>;
const PARTS: [(Part, &str, &[&str], Measure); 8] = [
    (Part::Start, "the start of a rank", &[targets::START], |bench, _| start::measure(bench)),
    (Part::Many, "the start of many ranks", &[targets::MANY], |bench, _| many::measure(bench)),
    (Part::Clock, "clock_gettime", &[targets::CLOCK], programs::clock),
    (Part::Mutex, "a mutex", &[targets::MUTEX], programs::mutex),
    (Part::Switch, "thread switches", &[targets::SWITCH], programs::switch),
    (Part::Openmp, "OpenMP", &[targets::OPENMP], programs::openmp),
    (Part::Memory, "the first use of memory", &[targets::MEMORY], programs::memory),
    (Part::File, "files", &[targets::FILE_READ, targets::FILE_WRITE], programs::file),
];

/// Makes the measurements and prints them.
pub fn measure(bench: &Bench, only: &[Part]) -> Result<()> {
    say!("{}", host(bench));
    let again = if bench.options.quick { 0 } else { bench.options.rounds };
    let patience = if bench.options.quick { Duration::ZERO } else { Duration::from_secs(60) };
    // Kept, so that no job has to start a host backend, and so that it is known whose work that is.
    let exe = std::env::current_exe().context(|| "finding this program".into())?;
    let backend = Client::connect_or_start(&exe).context(|| "the host backend cannot be used".into())?;
    let mut watch = Watch::new(&bench.cores, Some(backend.daemon_pid()), again, patience);
    let (mut figures, mut failures) = (Vec::new(), 0);
    for (part, what, names, measure) in PARTS {
        if !only.is_empty() && !only.contains(&part) {
            continue;
        }
        let began = Instant::now();
        bench.aside(&format!("measuring {what}"));
        match measure(bench, &mut watch) {
            Ok(report) => figures.extend(report.print()),
            Err(failure) => {
                bench.workshop.check_interrupted()?;
                say!("\n{what}: could not be measured: {failure}");
                figures.extend(names.iter().map(|name| targets::missing(name, failure.to_string())));
                failures += 1;
            }
        }
        bench.aside(&format!("{what} took {:.0} s", began.elapsed().as_secs_f64()));
    }
    let mut table = goals(&figures);
    information(&figures, &mut table);
    table.note(
        "A ratio is the median of the ratios of rounds made in turn; spread is their smallest and largest.",
    );
    watch.note().into_iter().for_each(|note| table.note(note));
    bench.finish(&figures, table, failures)
}

/// Figures that have a goal on other hosts.
fn information(figures: &[Figure], table: &mut Table) {
    for figure in figures.iter().filter(|f| f.goal.is_none() && targets::has_goal_elsewhere(&f.name)) {
        let Some(value) = figure.value else { continue };
        let spread =
            figure.spread.map_or(String::new(), |[min, max]| format!("{} to {}", number(min), number(max)));
        table.row([figure.name.as_str(), &number(value), &spread, "", figure.unit, "for information"]);
        table.note(format!("{}: {}", figure.name, figure.note));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_and_every_goal_is_there_once() {
        use clap::ValueEnum;
        for which in Part::value_variants() {
            assert_eq!(PARTS.iter().filter(|(part, ..)| part == which).count(), 1, "{which:?}");
        }
        let named: Vec<&str> = PARTS.iter().flat_map(|(_, _, names, _)| names.iter().copied()).collect();
        assert_eq!(named, targets::NAMES);
    }
}
