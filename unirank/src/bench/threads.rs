//! `unirank bench threads`: messages of several threads at once (`MPI_THREAD_MULTIPLE`), as VMs with as many processors as a
//! rank has threads, as processes, and with other MPI libraries. All take turns on the same cores.

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

/// Measures it.
pub fn measure(bench: &Bench) -> Result<Report> {
    let (bursts, patience) =
        if bench.options.quick { (20, Duration::ZERO) } else { (1000, Duration::from_secs(60)) };
    let mut contenders = Vec::new();
    if bench.no_kvm.is_none() {
        contenders.push(Contender::unirank(Accel::Kvm));
    }
    contenders.push(Contender::unirank(Accel::Native));
    contenders.extend(libraries::installed(&bench.workshop).iter().map(Contender::other));
    let mut watch = Watch::new(&bench.cores, None, 0, patience);
    let mut entrants = Vec::new();
    for contender in &contenders {
        let program = contender.compile(&bench.workshop, "threads.c", &["-Wall", "-pthread"]);
        bench.workshop.check_interrupted()?;
        entrants.push(Entrant {
            what: contender.what.clone(),
            run: Box::new(move || {
                let program = program.as_ref().map_err(Clone::clone)?;
                let mut text = String::new();
                for threads in THREADS {
                    let args = [bursts.to_string(), threads.to_string()];
                    let flags = ["--cpus-per-rank", &args[1]];
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
    let mut report = report(bench.cores.len(), &contenders, &courses);
    if let (Some(table), Some(note)) = (report.tables.first_mut(), watch.note()) {
        table.note(note);
    }
    Ok(report)
}

fn report(cores: usize, contenders: &[Contender], courses: &[Course]) -> Report {
    let mut table = Table::new(
        format!("8-byte messages of several threads, {RANKS} ranks on {cores} cores, million messages/s"),
        ["".to_owned()].into_iter().chain(THREADS.map(|n| format!("{n} threads"))),
    );
    let mut figures = Vec::new();
    for (contender, course) in contenders.iter().zip(courses) {
        let mut cells = vec![contender.what.clone()];
        for threads in THREADS {
            let key: Key = ("rate".into(), threads);
            let summary = course.summary(&key);
            cells.push(summary.as_ref().map_or("-".into(), |s| number(s.median)));
            let name = format!("thread_message_rate/{}/{threads}", contender.name);
            figures.extend(summary.map(|s| Figure::new(name, "million/s", s)));
        }
        table.row(cells);
        if let Some(why) = &course.failure {
            table.note(format!("{}: {why}", contender.what));
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
        let contenders = [Contender::unirank(Accel::Native), Contender::unirank(Accel::Tcg)];
        let reading = parse("rate 1 5.5 5 6\nrate 2 3.25 3 4\nrate 4 2 1 3\n").unwrap();
        let courses = [
            Course { rounds: vec![Some(reading)], failure: None },
            Course { rounds: vec![None], failure: Some("no threads".into()) },
        ];
        let report = report(2, &contenders, &courses);
        let text = report.tables[0].to_string();
        assert!(text.contains("3.25") && text.contains("no threads"), "{text}");
        assert_eq!(report.figures.len(), 3);
        assert_eq!(report.figures[1].name, "thread_message_rate/native/2");
    }
}
