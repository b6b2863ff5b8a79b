//! `exits_per_million_messages`: does a message cost a VM exit?
//!
//! Two ranks exchange messages for a while and then only spin for the same time, several times over; QEMU's counters
//! are read at each boundary. A processor that only spins leaves the guest for the host's timer ticks and for
//! whatever else the host runs on its core. What the messages cost is what comes on top of that.
//!
//! The engine has to run somewhere. On a host with two cores it shares one of them with a rank, whose exits then
//! count how often the engine ran, not what the rank did. So each rank is measured while the engine is bound to
//! another core than its own.

use std::time::Duration;

use super::engine_core::EngineOn;
use super::figure::{Figure, Goal};
use super::job::{Job, Outcome, Record, SPIN};
use super::statistics::{Summary, mean_and_error};
use super::table::{Table, number};
use super::{Bench, Report};
use crate::failure::{Failure, Result};
use crate::run::accel::Accel;

/// Name of the figure.
pub const NAME: &str = "exits_per_million_messages";
const GOAL: Goal = Goal::Below(10.0);
const UNIT: &str = "exits";
/// Kinds of exits the table shows: QEMU's name and ours.
const KINDS: [(&str, &str); 4] =
    [("exits", "all"), ("io_exits", "I/O"), ("mmio_exits", "MMIO"), ("halt_exits", "halts")];

/// Ping-pongs to be made.
const WANTED: u64 = 4_000_000;
/// Ping-pongs by which it is found out how long they take.
const TRIAL: u64 = 500;
/// How long they may take, ms, less for fewer than a million, or fewer are made; the spinning takes as long again.
const PATIENCE_MS: f64 = 300_000.0;
/// How long the job may take.
const LIMIT: Duration = Duration::from_secs(1800);

/// Measures it.
pub fn measure(bench: &Bench) -> Result<Report> {
    let missing = |why: &str| Report::only(Figure::missing(NAME, UNIT, why).goal(GOAL));
    if let Some(why) = &bench.no_kvm {
        return Ok(missing(&format!("cannot be measured without KVM (TCG has no VM exits): {why}")));
    }
    let [first, second, ..] = bench.cores[..] else {
        return Ok(missing("needs two processor cores: one for the rank that is measured, one for the rest"));
    };
    let image = bench.workshop.compile(bench.workshop.tool("mpicc"), "exits.c", "exits", &["-Wall"])?;
    let job = |round_trips: u64, segments: usize| {
        Job::new(&image, 2, Accel::Kvm)
            .flags(&["--bind", "core"])
            .env(SPIN)
            .args(&[round_trips.to_string(), segments.to_string()])
            .limit(LIMIT)
    };
    let (wanted, segments) = if bench.options.quick { (WANTED / 200, 4) } else { (WANTED, 10) };
    let trial = job(TRIAL, 1).run(&bench.workshop)?;
    let round_trips = affordable(Cost::read(&trial, 0, 1)?.segments[0].work_ms(), wanted);
    let mut table = Table::new(
        format!("VM exits of {} ping-pongs, and of spinning for the same time", number(round_trips as f64)),
        ["", "all", "I/O", "MMIO", "halts", "engine woken", "interrupts", "seconds"],
    );
    let mut costs = Vec::new();
    // Rank 0 runs on the first core, rank 1 on the second.
    for (rank, engine_core, shown) in [(0, second, "rank 0"), (1, first, "rank 1")] {
        let _bound = EngineOn::core(engine_core)?;
        let outcome = job(round_trips, segments).run(&bench.workshop)?;
        let cost = Cost::read(&outcome, rank, segments)?;
        cost.show(&mut table, shown);
        costs.push(cost);
        let other = Cost::read(&outcome, 1 - rank, segments)?;
        bench.aside(&format!(
            "rank {}, on the engine's core: {} exits per million messages more than spinning",
            1 - rank,
            number(other.per_million(round_trips).0)
        ));
    }
    for cost in &costs {
        let (total, error, _) = cost.per_million(round_trips);
        table.note(format!(
            "rank {}: {} exits per million messages beyond spinning, standard error {} (other load on the host makes \
             it large)",
            cost.rank,
            number(total),
            number(error)
        ));
    }
    if round_trips < wanted {
        table.note(format!(
            "{} ping-pongs instead of {}: messages take long here.",
            number(round_trips as f64),
            number(wanted as f64)
        ));
    }
    notes(&mut table);
    Ok(Report { figures: figures(&costs, round_trips), tables: vec![table] })
}

/// How many of the wanted ping-pongs there is time for, when [`TRIAL`] of them take this long.
fn affordable(trial_ms: f64, wanted: u64) -> u64 {
    let patience = PATIENCE_MS * (wanted as f64 / 1e6).min(1.0);
    let fit = patience / trial_ms.max(0.001) * TRIAL as f64;
    (fit as u64 / 1000 * 1000).clamp(1000, wanted)
}

fn notes(table: &mut Table) {
    table.note("A ping-pong is one message sent and one received by each rank, 8 bytes each.");
    table.note(
        "Spinning costs exits, too: the host's timer ticks (about 250 a second) and whatever else runs on the rank's \
         core. Each rank is measured while the host backend's engine is bound to the other core, because an engine \
         that takes turns with a rank on one core interrupts it, and these exits count turns, not messages.",
    );
    table.note(
        "Reading the counters is announced on the rank's console, once for each of these rows; those exits are in \
         both rows and cancel out.",
    );
}

fn figures(costs: &[Cost], round_trips: u64) -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut worst: Option<Figure> = None;
    for cost in costs {
        let (total, error, summary) = cost.per_million(round_trips);
        let note = format!(
            "{} ping-pongs; standard error {}; counters that grew more than while spinning: {}",
            number(round_trips as f64),
            number(error),
            cost.causes()
        );
        let mut figure = Figure::new(format!("{NAME}/rank{}", cost.rank), UNIT, summary).note(note);
        figure.value = Some(total);
        if worst.as_ref().is_none_or(|w| w.value < figure.value) {
            worst = Some(Figure { name: NAME.into(), ..figure.clone() }.goal(GOAL));
        }
        figures.push(figure);
        for kind in ["io_exits", "mmio_exits"] {
            let value = cost.beyond(kind) * 1e6 / round_trips as f64;
            let name = format!("{kind}_per_million_messages/rank{}", cost.rank);
            figures.push(Figure::new(name, UNIT, Summary::once(value)).goal(Goal::AtMost(0.0)));
        }
    }
    worst.into_iter().chain(figures).collect()
}

/// What one rank's segments cost.
#[derive(Debug)]
struct Cost {
    rank: u32,
    segments: Vec<Segment>,
}

/// Counters at the three boundaries of a segment.
#[derive(Debug)]
struct Segment {
    work: Record,
    idle: Record,
    done: Record,
}

impl Cost {
    fn read(outcome: &Outcome, rank: u32, segments: usize) -> Result<Self> {
        let record = |label: &str, n| outcome.record(rank, &format!("{label} {n}")).cloned();
        let segment =
            |n| Ok(Segment { work: record("work", n)?, idle: record("idle", n)?, done: record("done", n)? });
        let segments = (0..segments).map(segment).collect::<Result<Vec<_>>>()?;
        if segments.iter().any(|s| s.done.count("exits").is_none()) {
            return Err(Failure::new("this KVM does not count exits (QMP query-stats has no `exits`)"));
        }
        Ok(Self { rank, segments })
    }

    /// Exits of one kind of all segments: with messages, and while spinning.
    fn exits(&self, kind: &str) -> (f64, f64) {
        self.segments.iter().map(|s| s.exits(kind)).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1))
    }

    /// Exits of one kind that the messages cost beyond spinning.
    fn beyond(&self, kind: &str) -> f64 {
        self.segments.iter().map(|s| s.beyond(kind)).sum()
    }

    /// The counters that messages raised most beyond spinning, by QEMU's names.
    fn causes(&self) -> String {
        let names = self.segments.iter().filter_map(|s| s.done.counters.as_ref()).flat_map(|c| c.keys());
        let names: std::collections::BTreeSet<&String> = names.filter(|name| *name != "exits").collect();
        let mut grown: Vec<(f64, &String)> = names.into_iter().map(|n| (self.scaled(n), n)).collect();
        grown.retain(|(more, _)| *more >= 1.0);
        grown.sort_by(|a, b| b.0.total_cmp(&a.0));
        let grown: Vec<String> =
            grown.iter().take(6).map(|(more, name)| format!("{name} {}", number(more.round()))).collect();
        if grown.is_empty() { "none".into() } else { grown.join(", ") }
    }

    /// A counter beyond spinning, scaled to the same time.
    fn scaled(&self, kind: &str) -> f64 {
        self.segments.iter().map(|s| s.scaled(kind)).sum()
    }

    /// Exits per million messages beyond spinning, its standard error, and the spread over the segments.
    fn per_million(&self, round_trips: u64) -> (f64, f64, Summary) {
        let scale = 1e6 / round_trips as f64;
        let each: Vec<f64> = self.segments.iter().map(|s| s.beyond("exits")).collect();
        let in_segment: Vec<f64> = each.iter().map(|x| x * scale * each.len() as f64).collect();
        let error = mean_and_error(&in_segment).map_or(0.0, |(_, error)| error);
        let total = each.iter().sum::<f64>() * scale;
        (total, error, Summary::of(&in_segment).unwrap_or(Summary::once(total)))
    }

    fn show(&self, table: &mut Table, rank: &str) {
        let engine = |from: fn(&Segment) -> (&Record, &Record)| {
            let pairs = || self.segments.iter().map(from).filter_map(|(a, b)| a.engine.zip(b.engine));
            let woken: u64 = pairs().map(|(a, b)| b.wakeups.saturating_sub(a.wakeups)).sum();
            let interrupts: u64 = pairs().map(|(a, b)| b.interrupts.saturating_sub(a.interrupts)).sum();
            [woken.to_string(), interrupts.to_string()]
        };
        let seconds = |time: fn(&Segment) -> f64| number(self.segments.iter().map(time).sum::<f64>() / 1e3);
        let row = |name: &str, cells: Vec<String>, engine: [String; 2], seconds: String| {
            [vec![format!("{rank}, {name}")], cells, engine.to_vec(), vec![seconds]].concat()
        };
        let kinds = |pick: fn((f64, f64)) -> f64| {
            KINDS.iter().map(|(kind, _)| number(pick(self.exits(kind)))).collect::<Vec<_>>()
        };
        table.row(row("messages", kinds(|e| e.0), engine(|s| (&s.work, &s.idle)), seconds(Segment::work_ms)));
        table.row(row("spinning", kinds(|e| e.1), engine(|s| (&s.idle, &s.done)), seconds(Segment::idle_ms)));
        let beyond = KINDS.iter().map(|(kind, _)| number(self.beyond(kind))).collect();
        table.row(row("beyond", beyond, [String::new(), String::new()], String::new()));
    }
}

impl Segment {
    fn work_ms(&self) -> f64 {
        self.idle.ms - self.work.ms
    }

    fn idle_ms(&self) -> f64 {
        self.done.ms - self.idle.ms
    }

    fn exits(&self, kind: &str) -> (f64, f64) {
        let between = |a: &Record, b: &Record| {
            b.count(kind).unwrap_or(0).saturating_sub(a.count(kind).unwrap_or(0)) as f64
        };
        (between(&self.work, &self.idle), between(&self.idle, &self.done))
    }

    /// Exits with messages beyond those of spinning. All together tick with time and are scaled to the same time, as
    /// the two parts are not equally long to the last millisecond; console and monitor cost the same in both.
    fn beyond(&self, kind: &str) -> f64 {
        let (work, idle) = self.exits(kind);
        if kind == "exits" { self.scaled(kind) } else { work - idle }
    }

    fn scaled(&self, kind: &str) -> f64 {
        let (work, idle) = self.exits(kind);
        let idle_ms = self.idle_ms();
        if idle_ms > 0.0 { work - idle * self.work_ms() / idle_ms } else { work - idle }
    }
}

impl Record {
    fn count(&self, kind: &str) -> Option<u64> {
        self.counters.as_ref()?.get(kind).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn record(label: &str, ms: f64, exits: u64, mmio: u64) -> Record {
        let counters = BTreeMap::from([("exits".to_owned(), exits), ("mmio_exits".to_owned(), mmio)]);
        Record { rank: 1, label: label.into(), ms, counters: Some(counters), ..Record::default() }
    }

    fn outcome(records: Vec<Record>) -> Outcome {
        Outcome { output: String::new(), records, wall: Duration::ZERO }
    }

    #[test]
    fn ticks_are_scaled_and_only_what_is_beyond_counts() {
        // 250 ticks a second; the second segment's messages cost 5 exits more; spinning lasts a bit longer.
        let outcome = outcome(vec![
            record("work 0", 0.0, 100, 3),
            record("idle 0", 1000.0, 350, 4),
            record("done 0", 2000.0, 600, 5),
            record("work 1", 3000.0, 900, 8),
            record("idle 1", 4000.0, 1155, 9),
            record("done 1", 6000.0, 1655, 10),
        ]);
        let cost = Cost::read(&outcome, 1, 2).unwrap();
        assert_eq!(cost.exits("exits"), (505.0, 750.0));
        assert_eq!((cost.beyond("exits"), cost.beyond("mmio_exits")), (5.0, 0.0));
        assert_eq!(cost.causes(), "none", "half an MMIO exit is none");
        let (total, error, summary) = cost.per_million(1_000_000);
        assert_eq!((total, summary.min, summary.max), (5.0, 0.0, 10.0));
        assert_eq!(error, 5.0);
        let figures = figures(&[cost], 1_000_000);
        assert_eq!((figures[0].name.as_str(), figures[0].is_met()), (NAME, Some(true)));
        assert_eq!(figures.last().unwrap().name, "mmio_exits_per_million_messages/rank1");
    }

    #[test]
    fn a_slow_host_makes_fewer_ping_pongs() {
        let trial = |ms_each: f64| ms_each * TRIAL as f64;
        assert_eq!(affordable(trial(0.05), WANTED), WANTED);
        assert_eq!(affordable(trial(1.0), WANTED), 300_000);
        assert_eq!(affordable(trial(1.0), 20_000), 6_000);
        assert_eq!(affordable(1e9, WANTED), 1_000);
        assert_eq!(affordable(0.0, WANTED), WANTED);
    }

    #[test]
    fn a_kvm_without_counters_is_named() {
        let bare = |label: &str| Record { rank: 1, label: label.into(), ..Record::default() };
        let failure = Cost::read(&outcome(vec![bare("work 0"), bare("idle 0"), bare("done 0")]), 1, 1);
        assert!(failure.unwrap_err().cause.contains("does not count exits"));
        assert!(Cost::read(&outcome(Vec::new()), 1, 1).is_err());
    }
}
