//! Half round trip, bandwidth and message rate between two ranks, by message size, for everyone who takes part.
//!
//! One C source (`images/examples/latency`), compiled with each MPI library, run in turn on the same two cores, several
//! times over. A run's figure is the median of its own rounds; shown are the median of the runs' and the extremes of
//! all.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::contender::Contender;
use super::figure::Figure;
use super::libraries;
use super::statistics::Summary;
use super::table::{Table, number};
use super::{Bench, Report};
use crate::failure::{Failure, Result};
use crate::run::accel::Accel;

const SOURCE: &str = "latency.c";
/// Rounds the program makes of each size in one run.
const ROUNDS_WITHIN: usize = 5;

/// The three parts of the program's output, by the titles it prints.
const PARTS: [(&str, &str, &str); 3] = [
    ("# Half round trip", "half_round_trip_us", "us"),
    ("# Bandwidth", "bandwidth_mb_per_s", "MB/s"),
    ("# Message rate", "message_rate_per_s", "messages/s"),
];

/// One row of a part: median, smallest, largest.
type Row = [f64; 3];
/// Rows of several runs by part and size.
type Series = BTreeMap<(usize, u64), Vec<Row>>;

/// Measures it.
pub fn measure(bench: &Bench) -> Result<Report> {
    if bench.cores.len() < 2 {
        return Err(Failure::new("needs two processor cores, one for each rank"));
    }
    let (contenders, mut missing) = contenders(bench);
    let (contenders, programs) = programs(bench, contenders, &mut missing)?;
    let (runs, args): (usize, &[&str]) =
        if bench.options.quick { (1, &["--max", "65536"]) } else { (bench.options.rounds, &[]) };
    let args: Vec<String> = args.iter().map(|&a| a.into()).collect();
    let mut series = vec![Series::new(); contenders.len()];
    let mut failed = vec![None; contenders.len()];
    for run in 0..runs {
        for (n, contender) in contenders.iter().enumerate() {
            bench.aside(&format!("{}, run {} of {runs}", contender.what, run + 1));
            match contender.run(&bench.workshop, &bench.cores, &programs[n], &args) {
                Ok(text) => add(&mut series[n], &text)?,
                Err(failure) => {
                    bench.workshop.check_interrupted()?;
                    failed[n] = Some(failure.to_string());
                }
            }
        }
    }
    let mut report = Report::default();
    for ((contender, series), failed) in contenders.iter().zip(&series).zip(failed) {
        report.figures.extend(figures(contender, series));
        let mut table = table(contender, series);
        if let Some(why) = failed {
            table.note(format!("failed: {why}"));
            report.figures.push(Figure::missing(format!("{}/{}", PARTS[0].1, contender.name), "us", why));
        }
        report.tables.push(table);
    }
    let mut beside = side_by_side(&contenders, &series);
    missing.into_iter().for_each(|text| beside.note(text));
    report.tables.push(beside);
    Ok(report)
}

/// Those who take part, and a line for each who does not.
fn contenders(bench: &Bench) -> (Vec<Contender>, Vec<String>) {
    let (mut contenders, mut missing) = (Vec::new(), Vec::new());
    match &bench.no_kvm {
        None => contenders.push(Contender::unirank(Accel::Kvm)),
        Some(why) => missing.push(format!("No VMs under KVM: {why}.")),
    }
    if bench.options.all || bench.no_kvm.is_some() {
        contenders.push(Contender::unirank(Accel::Tcg));
    }
    contenders.push(Contender::unirank(Accel::Native));
    let installed = libraries::installed(&bench.workshop);
    contenders.extend(installed.iter().map(Contender::other));
    missing.extend(libraries::lacking(&installed));
    (contenders, missing)
}

/// The program of each contender; another library that cannot compile it does not take part.
fn programs(
    bench: &Bench,
    contenders: Vec<Contender>,
    missing: &mut Vec<String>,
) -> Result<(Vec<Contender>, Vec<PathBuf>)> {
    let mut both = Vec::new();
    for contender in contenders {
        match contender.compile(&bench.workshop, SOURCE, &["-Wall"]) {
            Ok(program) => both.push((contender, program)),
            Err(failure) if contender.library().is_some() => {
                bench.workshop.check_interrupted()?;
                missing.push(format!("{} cannot compile {SOURCE}: {failure}.", contender.what));
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(both.into_iter().unzip())
}

/// Adds the rows of one run.
fn add(series: &mut Series, text: &str) -> Result<()> {
    let mut part = None;
    for line in text.lines() {
        if let Some(n) = PARTS.iter().position(|(title, ..)| line.starts_with(title)) {
            part = Some(n);
        } else if let (false, Some(part)) = (line.starts_with('#'), part) {
            let wrong = || Failure::new(format!("the program printed {line:?}, which is no row"));
            let values: Option<Vec<f64>> = line.split_whitespace().map(|word| word.parse().ok()).collect();
            let [size, median, min, max] = values.ok_or_else(wrong)?[..] else { return Err(wrong()) };
            series.entry((part, size as u64)).or_default().push([median, min, max]);
        }
    }
    if series.is_empty() { Err(Failure::new("the program printed no figures")) } else { Ok(()) }
}

fn summary(rows: &[Row]) -> Option<Summary> {
    let medians: Vec<f64> = rows.iter().map(|row| row[0]).collect();
    let min = rows.iter().map(|row| row[1]).fold(f64::INFINITY, f64::min);
    let max = rows.iter().map(|row| row[2]).fold(0.0, f64::max);
    Summary::of(&medians).map(|s| Summary { min, max, rounds: rows.len() * ROUNDS_WITHIN, ..s })
}

fn figures(contender: &Contender, series: &Series) -> Vec<Figure> {
    let figure = |(&(part, size), rows): (&(usize, u64), &Vec<Row>)| {
        let (_, name, unit) = PARTS[part];
        summary(rows).map(|s| {
            Figure::new(format!("{name}/{}/{size}", contender.name), unit, s).note(contender.what.clone())
        })
    };
    series.iter().filter_map(figure).collect()
}

fn table(contender: &Contender, series: &Series) -> Table {
    let mut table = Table::new(
        contender.what.clone(),
        ["bytes", "half round trip us", "min", "max", "MB/s", "min", "max"],
    );
    for size in sizes(series, 0) {
        let cells = |part: usize| match series.get(&(part, size)).and_then(|rows| summary(rows)) {
            Some(s) => [s.median, s.min, s.max].map(number),
            None => [const { String::new() }; 3],
        };
        table.row([size.to_string()].into_iter().chain(cells(0)).chain(cells(1)));
    }
    for (size, rows) in
        series.iter().filter(|((part, _), _)| *part == 2).map(|((_, size), rows)| (size, rows))
    {
        if let Some(s) = summary(rows) {
            table.note(format!(
                "message rate, {size} bytes: {} messages/s ({} to {})",
                number(s.median),
                number(s.min),
                number(s.max)
            ));
        }
    }
    table
}

fn sizes(series: &Series, part: usize) -> impl Iterator<Item = u64> {
    series.keys().filter(move |(p, _)| *p == part).map(|(_, size)| *size)
}

fn side_by_side(contenders: &[Contender], series: &[Series]) -> Table {
    let names = contenders.iter().map(|c| c.name.as_str());
    let header = std::iter::once("bytes").chain(names);
    let mut table =
        Table::new("Side by side, medians: half round trip us, then MB/s, then messages/s", header);
    let mut keys: Vec<(usize, u64)> = series.iter().flat_map(|s| s.keys().copied()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut last = 0;
    for (part, size) in keys {
        if part != last {
            table.row([""]);
            last = part;
        }
        let cell = |series: &Series| {
            series
                .get(&(part, size))
                .and_then(|rows| summary(rows))
                .map_or(String::new(), |s| number(s.median))
        };
        let label = format!("{size} B, {}", PARTS[part].2);
        table.row(std::iter::once(label).chain(series.iter().map(cell)));
    }
    table.note(
        "All on the same two cores, each rank bound to one, run in turn. MPICH and Open MPI use shared memory between \
         processes.",
    );
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
# Half round trip
#      Bytes           us          min          max
           0         1.20         1.10         1.90
           8         1.50         1.40         2.00
# Bandwidth, window 64
#      Bytes         MB/s          min          max
           8        40.00        30.00        50.00
# Message rate, 8 bytes, window 64
#      Bytes   messages/s          min          max
           8      5000000      4000000      6000000
";

    #[test]
    fn the_programs_tables_are_read() {
        let mut series = Series::new();
        add(&mut series, OUTPUT).unwrap();
        add(&mut series, &OUTPUT.replace("1.20", "1.40").replace("1.90", "9.00")).unwrap();
        let s = summary(&series[&(0, 0)]).unwrap();
        assert_eq!((s.median, s.min, s.max, s.rounds), (1.2999999999999998, 1.1, 9.0, 10));
        assert!(add(&mut Series::new(), "# Half round trip\n 8 x 1 2\n").is_err());
        assert!(add(&mut Series::new(), "nothing\n").is_err());
    }

    #[test]
    fn figures_and_tables_have_all_parts() {
        let mut series = Series::new();
        add(&mut series, OUTPUT).unwrap();
        let contender = Contender::unirank(Accel::Kvm);
        let names: Vec<_> = figures(&contender, &series).into_iter().map(|f| f.name).collect();
        let wanted = [
            "half_round_trip_us/kvm/0",
            "half_round_trip_us/kvm/8",
            "bandwidth_mb_per_s/kvm/8",
            "message_rate_per_s/kvm/8",
        ];
        assert_eq!(names, wanted);
        let text = table(&contender, &series).to_string();
        assert!(text.contains("message rate, 8 bytes: 5 000 000 messages/s"), "{text}");
        let text = side_by_side(&[contender], &[series]).to_string();
        assert!(text.contains("8 B, us") && text.contains("8 B, MB/s"), "{text}");
    }
}
