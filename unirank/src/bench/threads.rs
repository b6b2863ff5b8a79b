//! `unirank bench threads`: messages of several threads at once (`MPI_THREAD_MULTIPLE`), as VMs, as processes, and with other
//! MPI libraries. All take turns on the same cores. A VM has a processor for each thread, but no more than its share of the
//! cores; if that leaves too few, VMs with a processor for each thread are measured beside, which wait for each other's cores.

use std::time::Duration;

use super::compare::quiet::Watch;
use super::compare::reading::{Course, Key, parse};
use super::compare::turns::{Entrant, in_turn};
use super::contender::Contender;
use super::figure::Figure;
use super::table::{Table, number};
use super::{Bench, Report, libraries};
use crate::failure::Result;
use crate::run::accel::Accel;

/// Threads of each rank.
const THREADS: [u64; 3] = [1, 2, 4];
const RANKS: u32 = 2;

/// Who takes part.
struct Entry {
    name: String,
    what: String,
    contender: Contender,
    /// A rank has no more processors than this.
    most_processors: u64,
}

impl Entry {
    fn new(contender: Contender) -> Self {
        Self {
            name: contender.name.clone(),
            what: contender.what.clone(),
            contender,
            most_processors: u64::MAX,
        }
    }
}

/// All, on so many cores.
fn entries(bench: &Bench) -> Vec<Entry> {
    let mut entries = Vec::new();
    if bench.no_kvm.is_none() {
        let vm = Entry::new(Contender::unirank(Accel::Kvm));
        let share = (bench.cores.len() as u64 / u64::from(RANKS)).max(1);
        entries.push(Entry { most_processors: share, ..Entry::new(Contender::unirank(Accel::Kvm)) });
        if THREADS.iter().any(|threads| *threads > share) {
            let name = format!("{}_processor_per_thread", vm.name);
            let what = format!("{}, a processor for each thread", vm.what);
            entries.push(Entry { name, what, ..vm });
        }
    }
    entries.push(Entry::new(Contender::unirank(Accel::Native)));
    entries.extend(libraries::installed(&bench.workshop).iter().map(Contender::other).map(Entry::new));
    entries
}

/// Measures it.
pub fn measure(bench: &Bench) -> Result<Report> {
    let (bursts, patience) =
        if bench.options.quick { (20, Duration::ZERO) } else { (1000, Duration::from_secs(60)) };
    let entries = entries(bench);
    let mut watch = Watch::new(&bench.cores, None, 0, patience);
    let mut entrants = Vec::new();
    for entry in &entries {
        let contender = &entry.contender;
        let program = contender.compile(&bench.workshop, "threads.c", &["-Wall", "-pthread"]);
        bench.workshop.check_interrupted()?;
        entrants.push(Entrant {
            what: entry.what.clone(),
            run: Box::new(move || {
                let program = program.as_ref().map_err(Clone::clone)?;
                let mut text = String::new();
                for threads in THREADS {
                    let args = [bursts.to_string(), threads.to_string()];
                    let processors = threads.min(entry.most_processors).to_string();
                    let flags = ["--cpus-per-rank", &processors];
                    text += &contender.run_crowded(
                        &bench.workshop,
                        &bench.cores,
                        RANKS,
                        &flags,
                        program,
                        &args,
                    )?;
                }
                parse(&text)
            }),
        });
    }
    let rounds = if bench.options.quick { 1 } else { bench.options.rounds.min(5) };
    let courses = in_turn(bench, &mut watch, rounds, &entrants)?;
    let mut report = report(bench.cores.len(), &entries, &courses);
    if let (Some(table), Some(note)) = (report.tables.first_mut(), watch.note()) {
        table.note(note);
    }
    Ok(report)
}

fn report(cores: usize, entries: &[Entry], courses: &[Course]) -> Report {
    let mut table = Table::new(
        format!("8-byte messages of several threads, {RANKS} ranks on {cores} cores, million messages/s"),
        ["".to_owned()].into_iter().chain(THREADS.map(|n| format!("{n} threads"))),
    );
    let mut figures = Vec::new();
    for (entry, course) in entries.iter().zip(courses) {
        let mut cells = vec![entry.what.clone()];
        for threads in THREADS {
            let key: Key = ("rate".into(), threads);
            let summary = course.summary(&key);
            cells.push(summary.as_ref().map_or("-".into(), |s| number(s.median)));
            let name = format!("thread_message_rate/{}/{threads}", entry.name);
            figures.extend(summary.map(|s| Figure::new(name, "million/s", s)));
        }
        table.row(cells);
        if let Some(why) = &course.failure {
            table.note(format!("{}: {why}", entry.what));
        }
    }
    table.note("Each thread of a rank talks to one of the other, in bursts of 64 on MPI_COMM_WORLD with a tag of its own.");
    Report { figures, tables: vec![table] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_is_named_and_the_others_are_shown() {
        let entries = [Accel::Native, Accel::Tcg].map(|accel| Entry::new(Contender::unirank(accel)));
        let reading = parse("rate 1 5.5 5 6\nrate 2 3.25 3 4\nrate 4 2 1 3\n").unwrap();
        let courses = [
            Course { rounds: vec![Some(reading)], failure: None },
            Course { rounds: vec![None], failure: Some("no threads".into()) },
        ];
        let report = report(2, &entries, &courses);
        let text = report.tables[0].to_string();
        assert!(text.contains("3.25") && text.contains("no threads"), "{text}");
        assert_eq!(report.figures.len(), 3);
        assert_eq!(report.figures[1].name, "thread_message_rate/native/2");
    }
}
