//! The comparisons: a program as a VM and as a process of the same image, in turn on the same cores.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::targets;
use crate::bench::compare::quiet::Watch;
use crate::bench::compare::reading::{Course, Key, parse};
use crate::bench::compare::turns::{Entrant, in_turn};
use crate::bench::figure::Figure;
use crate::bench::job::Job;
use crate::bench::statistics::{Summary, ratio};
use crate::bench::table::{Table, number};
use crate::bench::{Bench, Report};
use crate::failure::{Failure, Result};
use crate::run::accel::Accel;

const LIMIT: Duration = Duration::from_secs(600);

/// A program to be compared.
struct Program {
    title: &'static str,
    source: &'static str,
    flags: &'static [&'static str],
    args: Vec<String>,
    /// Flags of the job as a VM, and as a process.
    vm: &'static [&'static str],
    native: &'static [&'static str],
    rounds: usize,
}

impl Program {
    fn new(bench: &Bench, title: &'static str, source: &'static str) -> Self {
        let milliseconds = if bench.options.quick { "10" } else { "100" };
        let args = ["--round-ms", milliseconds].map(String::from).to_vec();
        let one_core: &[&str] = &["--bind", "core"];
        Self {
            title,
            source,
            flags: &["-Wall"],
            args,
            vm: one_core,
            native: one_core,
            rounds: bench.options.rounds,
        }
    }

    fn args(mut self, args: &[String]) -> Self {
        self.args.extend_from_slice(args);
        self
    }

    /// Both courses, and a table of all that the program prints.
    fn compare(&self, bench: &Bench, watch: &mut Watch) -> Result<([Course; 2], Table)> {
        let workshop = &bench.workshop;
        let image = workshop.compile(
            workshop.tool("mpicc"),
            self.source,
            self.source.trim_end_matches(".c"),
            self.flags,
        )?;
        let accels = [bench.machines()[0], Accel::Native];
        let entrants = accels.map(|accel| self.entrant(bench, &image, accel));
        let courses = in_turn(bench, watch, self.rounds, &entrants)?;
        let courses: [Course; 2] = courses.try_into().map_err(|_| Failure::new("two courses were run"))?;
        let mut table = Table::new(self.title, ["", "median", "min", "max"]);
        for (accel, course) in accels.iter().zip(&courses) {
            for key in course.keys().collect::<BTreeSet<_>>() {
                if let Some(s) = course.summary(key) {
                    let label = format!("{}, {}", key.0, accel.name());
                    table.row([label].into_iter().chain([s.median, s.min, s.max].map(number)));
                }
            }
            if let Some(why) = &course.failure {
                table.note(format!("{}: {why}", accel.name()));
            }
        }
        Ok((courses, table))
    }

    fn entrant<'a>(&'a self, bench: &'a Bench, image: &'a Path, accel: Accel) -> Entrant<'a> {
        Entrant {
            what: format!("{} ({})", self.source, accel.name()),
            run: Box::new(move || {
                let flags = if accel == Accel::Native { self.native } else { self.vm };
                let job = Job::new(image, 1, accel).flags(flags).args(&self.args).limit(LIMIT);
                parse(&job.run(&bench.workshop)?.output)
            }),
        }
    }
}

/// The ratio of VM to process of one line of the program, and what it was made of.
fn compared([vm, native]: &[Course; 2], key: &Key, unit: &str) -> Result<(Summary, String)> {
    let absent =
        |course: &Course| Failure::new(course.failure.clone().unwrap_or_else(|| "not measured".into()));
    let own = vm.summary(key).ok_or_else(|| absent(vm))?;
    let theirs = native.summary(key).ok_or_else(|| absent(native))?;
    let ratio = ratio(&vm.values(key), &native.values(key))
        .ok_or_else(|| Failure::new("no round has both figures"))?;
    let note = format!("{} {unit} against {} {unit} natively", number(own.median), number(theirs.median));
    Ok((ratio, note))
}

fn figure(bench: &Bench, courses: &[Course; 2], name: &str, key: (&str, u64), unit: &str) -> Figure {
    match compared(courses, &(key.0.into(), key.1), unit) {
        Ok((ratio, note)) => targets::figure(name, ratio, &(note + &emulated(bench))),
        Err(failure) => targets::missing(name, failure.to_string()),
    }
}

fn emulated(bench: &Bench) -> String {
    bench.no_kvm.as_ref().map_or(String::new(), |why| format!(", emulated: {why}"))
}

fn single(bench: &Bench, watch: &mut Watch, program: &Program, name: &str, key: &str) -> Result<Report> {
    let (courses, table) = program.compare(bench, watch)?;
    Ok(Report { figures: vec![figure(bench, &courses, name, (key, 0), "ns")], tables: vec![table] })
}

/// `clock_gettime`.
pub fn clock(bench: &Bench, watch: &mut Watch) -> Result<Report> {
    let program = Program::new(bench, "clock_gettime, ns", "clock.c");
    single(bench, watch, &program, targets::CLOCK, "clock")
}

/// An uncontended mutex in a program of two threads.
pub fn mutex(bench: &Bench, watch: &mut Watch) -> Result<Report> {
    let program = Program::new(bench, "Lock and unlock of a mutex nobody else wants, ns", "mutex.c");
    single(bench, watch, &program, targets::MUTEX, "mutex")
}

/// Thread switches on one processor.
pub fn switch(bench: &Bench, watch: &mut Watch) -> Result<Report> {
    let program =
        Program::new(bench, "Thread switch through a condition variable on one processor, ns", "switch.c");
    single(bench, watch, &program, targets::SWITCH, "switch")
}

/// Triad and EP-like loop with two threads.
pub fn openmp(bench: &Bench, watch: &mut Watch) -> Result<Report> {
    if bench.cores.len() < 2 {
        return Err(Failure::new("two threads need two processor cores"));
    }
    let bytes: u64 = if bench.options.quick { 2 << 20 } else { 64 << 20 };
    let program = Program {
        flags: &["-Wall", "-fopenmp", "-lm"],
        vm: &["--cpus-per-rank", "2", "--env", "OMP_NUM_THREADS=2"],
        native: &["--bind", "none", "--env", "OMP_NUM_THREADS=2"],
        ..Program::new(bench, "OpenMP with two threads, ms", "openmp.c")
            .args(&["--bytes".into(), bytes.to_string()])
    };
    let (courses, table) = program.compare(bench, watch)?;
    Ok(Report { figures: vec![worse(bench, &courses, &["triad", "pairs"])], tables: vec![table] })
}

/// The goal is one for both loops, so that of the worse counts.
fn worse(bench: &Bench, courses: &[Course; 2], loops: &[&str]) -> Figure {
    let (mut ratios, mut notes) = (Vec::new(), Vec::new());
    for &name in loops {
        match compared(courses, &(name.into(), 0), "ms") {
            Ok((ratio, note)) => {
                notes.push(format!("{name} {}: {note}", number(ratio.median)));
                ratios.push(ratio);
            }
            Err(failure) => return targets::missing(targets::OPENMP, failure.to_string()),
        }
    }
    let note = notes.join("; ") + &emulated(bench);
    match ratios.into_iter().max_by(|a, b| a.median.total_cmp(&b.median)) {
        Some(worst) => targets::figure(targets::OPENMP, worst, &note),
        None => targets::missing(targets::OPENMP, "no loop was run"),
    }
}

/// Memory that is allocated and touched for the first time.
pub fn memory(bench: &Bench, watch: &mut Watch) -> Result<Report> {
    let bytes: u64 = if bench.options.quick { 8 << 20 } else { 32 << 20 };
    // Five rounds fit into a rank of the default size.
    let program = Program::new(bench, "4 KiB of memory allocated and touched, ns", "touch.c")
        .args(&["--bytes".into(), bytes.to_string()]);
    single(bench, watch, &program, targets::MEMORY, "touch")
}

/// Sequential reads and writes of a file on the host.
pub fn file(bench: &Bench, watch: &mut Watch) -> Result<Report> {
    let bytes: u64 = if bench.options.quick { 16 << 20 } else { 1 << 30 };
    let args = ["--rounds".into(), "1".into(), "--bytes".into(), bytes.to_string()];
    let program = Program::new(bench, "A file of the host, sequentially, MB/s", "file.c").args(&args);
    let (courses, table) = program.compare(bench, watch)?;
    let figures = [("read", targets::FILE_READ), ("write", targets::FILE_WRITE)];
    let figures = figures.map(|(line, name)| figure(bench, &courses, name, (line, bytes), "MB/s")).to_vec();
    Ok(Report { figures, tables: vec![table] })
}
