//! Messages, collectives and one-sided access between two ranks, each on a core of its own.

use super::quiet::Watch;
use super::reading::{Course, Key, parse};
use super::targets::{AGAINST_MPI, AGAINST_NATIVE, Target, unit};
use super::turns::{Entrant, in_turn};
use super::{Field, labelled};
use crate::bench::contender::Contender;
use crate::bench::figure::Figure;
use crate::bench::table::{Table, number};
use crate::bench::{Bench, Report};
use crate::failure::Result;

/// Largest message of the curves.
const LONGEST: u64 = 4 << 20;

/// What the programs call a figure, and the name of its series in JSON.
const SERIES: [(&str, &str); 13] = [
    ("latency", "half_round_trip_us"),
    ("bandwidth", "bandwidth_mb_per_s"),
    ("rate", "message_rate_per_s"),
    ("barrier", "barrier_us"),
    ("allreduce", "allreduce_us"),
    ("put", "put_us"),
    ("get", "get_us"),
    ("vector_dense", "vector_to_contiguous_mb_per_s"),
    ("vector_same", "vector_to_vector_mb_per_s"),
    ("struct_dense", "struct_to_contiguous_mb_per_s"),
    ("struct_same", "struct_to_struct_mb_per_s"),
    ("runs_dense", "runs_to_contiguous_mb_per_s"),
    ("runs_same", "runs_to_runs_mb_per_s"),
];

/// Messages and collectives.
pub fn messages(bench: &Bench, watch: &mut Watch, field: &Field) -> Result<Report> {
    let mut args = effort(bench);
    if bench.options.curves() {
        let longest = if bench.options.quick { LONGEST >> 4 } else { LONGEST };
        args.extend(["--curve".into(), longest.to_string()]);
    }
    measure(bench, watch, field, "compare.c", &args)
}

/// One-sided access: a program of its own, as a library may have messages but nothing one-sided.
pub fn rma(bench: &Bench, watch: &mut Watch, field: &Field) -> Result<Report> {
    measure(bench, watch, field, "rma.c", &effort(bench))
}

/// Data in derived types.
pub fn derived(bench: &Bench, watch: &mut Watch, field: &Field) -> Result<Report> {
    measure(bench, watch, field, "derived.c", &effort(bench))
}

/// How long and how many a run's own rounds are.
fn effort(bench: &Bench) -> Vec<String> {
    let quick = ["--round-ms", "2", "--rounds", "3"];
    let usual = ["--round-ms", "50", "--rounds", "5"];
    (if bench.options.quick { quick } else { usual }).map(String::from).to_vec()
}

fn measure(bench: &Bench, watch: &mut Watch, field: &Field, source: &str, args: &[String]) -> Result<Report> {
    let mut entrants = Vec::new();
    for contender in &field.contenders {
        let program = contender.compile(&bench.workshop, source, &["-w"]);
        bench.workshop.check_interrupted()?;
        entrants.push(Entrant {
            what: contender.what.clone(),
            // Who cannot compile it leaves in the first round, with the compiler's reason.
            run: Box::new(move || {
                parse(&contender.run(
                    &bench.workshop,
                    &bench.cores,
                    program.as_ref().map_err(Clone::clone)?,
                    args,
                )?)
            }),
        });
    }
    let courses = in_turn(bench, watch, bench.options.rounds, &entrants)?;
    Ok(report(field, &courses, source))
}

fn report(field: &Field, courses: &[Course], source: &str) -> Report {
    let mut keys: Vec<Key> = courses.iter().flat_map(Course::keys).cloned().collect();
    keys.sort_by_key(|key| (SERIES.iter().position(|(name, _)| *name == key.0), key.1));
    keys.dedup();
    let mut table = Table::new(
        format!("Two ranks, each on a core of its own, {source}: medians"),
        std::iter::once("").chain(field.contenders.iter().map(|c| c.name.as_str())),
    );
    let mut figures = goals(field, courses, source);
    for key in &keys {
        let cells = courses.iter().map(|c| c.summary(key).map_or(String::new(), |s| number(s.median)));
        table.row(std::iter::once(labelled(key)).chain(cells));
        figures.extend(field.contenders.iter().zip(courses).filter_map(|(c, course)| series(c, course, key)));
    }
    for (contender, course) in field.contenders.iter().zip(courses) {
        if let Some(why) = &course.failure {
            table.note(format!("{}: {why}", contender.what));
        }
    }
    Report { figures, tables: vec![table] }
}

fn goals(field: &Field, courses: &[Course], source: &str) -> Vec<Figure> {
    let here = |target: &&Target| match source {
        "rma.c" => matches!(target.figure.0, "put" | "get"),
        // For information.
        "derived.c" => false,
        _ => !matches!(target.figure.0, "put" | "get"),
    };
    let course = |name: &str| field.contenders.iter().zip(courses).find(|(c, _)| c.name == name);
    let others: Vec<(&str, &Course)> = field
        .contenders
        .iter()
        .zip(courses)
        .filter(|(contender, _)| contender.library().is_some())
        .map(|(contender, course)| (contender.what.as_str(), course))
        .collect();
    let vm = course("kvm");
    let against_mpi = AGAINST_MPI.iter().filter(here).map(|target| match vm {
        Some((_, vm)) => target.against_best(vm, &others),
        None => target.missing(field.no_kvm()),
    });
    let is_message = |target: &&Target| matches!(target.figure.0, "latency" | "bandwidth");
    let against_native =
        AGAINST_NATIVE.iter().filter(is_message).filter(here).map(|target| match vm.zip(course("native")) {
            Some(((_, vm), (_, native))) => target.against_native(vm, native),
            None => target.missing(field.no_kvm()),
        });
    against_mpi.chain(against_native).collect()
}

fn series(contender: &Contender, course: &Course, key: &Key) -> Option<Figure> {
    let (_, name) = SERIES.iter().find(|(figure, _)| *figure == key.0)?;
    let figure =
        Figure::new(format!("{name}/{}/{}", contender.name, key.1), unit(&key.0), course.summary(key)?);
    Some(figure.note(contender.what.clone()))
}
