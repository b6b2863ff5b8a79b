//! More ranks than cores: conjugate gradients on 16 ranks and two cores, against Open MPI with `--oversubscribe`.

use super::applications::seconds;
use super::quiet::Watch;
use super::reading::{Course, Key, Reading, Row};
use super::targets::CROWDED;
use super::turns::{Entrant, in_turn};
use super::{Field, labelled};
use crate::bench::contender::Contender;
use crate::bench::figure::Figure;
use crate::bench::table::{Table, number};
use crate::bench::{Bench, Report};
use crate::failure::Result;

const RANKS: u32 = 16;
const SOURCE: &str = "cg.c";

/// Measures it.
pub fn measure(bench: &Bench, watch: &mut Watch, field: &Field) -> Result<Report> {
    let takes_part =
        |c: &&Contender| ["kvm", "native"].contains(&c.name.as_str()) || c.library() == Some("openmpi");
    let contenders: Vec<&Contender> = field.contenders.iter().filter(takes_part).collect();
    let args = [String::from(if bench.options.quick { "32" } else { "256" })];
    let cores = &bench.cores[..2];
    let mut entrants = Vec::new();
    for &contender in &contenders {
        let program = contender.compile(&bench.workshop, SOURCE, &["-Wall", "-lm"]);
        bench.workshop.check_interrupted()?;
        let args = &args;
        entrants.push(Entrant {
            what: contender.what.clone(),
            run: Box::new(move || {
                let program = program.as_ref().map_err(Clone::clone)?;
                let text =
                    contender.run_crowded(&bench.workshop, cores, RANKS, &["--mem", "64M"], program, args)?;
                let seconds = seconds("cg", &text)?;
                Ok(Reading::from([(CROWDED.key(), Row { median: seconds, low: seconds, high: seconds })]))
            }),
        });
    }
    let courses = in_turn(bench, watch, bench.options.rounds, &entrants)?;
    Ok(report(field, &contenders, &courses))
}

fn report(field: &Field, contenders: &[&Contender], courses: &[Course]) -> Report {
    let key: Key = CROWDED.key();
    let mut table = Table::new(
        format!("{}, {RANKS} ranks on two cores, seconds of solving", labelled(&key)),
        ["", "median", "min", "max"],
    );
    let (mut figures, mut others, mut vm) = (Vec::new(), Vec::new(), None);
    for (contender, course) in contenders.iter().zip(courses) {
        match course.summary(&key) {
            Some(s) => {
                table.row([contender.what.clone()].into_iter().chain([s.median, s.min, s.max].map(number)));
                figures.push(Figure::new(format!("oversubscribed_cg_s/{}", contender.name), "s", s));
            }
            None => table.row([contender.what.clone(), "FAILED".into()]),
        }
        if let Some(why) = &course.failure {
            table.note(format!("{}: {why}", contender.what));
        }
        if contender.library().is_some() {
            others.push((contender.what.as_str(), course));
        } else if contender.name == "kvm" {
            vm = Some(course);
        }
    }
    figures.push(match vm {
        Some(vm) => CROWDED.against_best(vm, &others),
        None => CROWDED.missing(field.no_kvm()),
    });
    Report { figures, tables: vec![table] }
}
