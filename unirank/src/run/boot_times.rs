//! Where the time of a start went (`--boot-times`): stages of the launcher, of QEMU, of the kernel and of the program, for
//! each rank.
//!
//! Guests tell their stages in time stamp counter ticks, on a clock of their own. Each line also says what the counter was
//! when it was sent. No line arrives before it was sent, so the one that took least places the guest's clock: it may be
//! late by as long as that line was under way (0.1 to 0.5 ms on an idle host), and QEMU's stage is longer by that.

use std::time::{Duration, Instant};

use super::control::Stage;
use crate::bench::statistics::Summary;
use crate::bench::table::{Table, number};

/// So many ranks have a column each; of more, least, median and most are told.
const COLUMNS: usize = 8;

/// What stages are called by those who tell of them, and in the table.
const NAMES: [(&str, &str); 16] = [
    ("vm-start", "QEMU until the first instruction"),
    ("firmware", "firmware"),
    ("entry", "kernel: entry and ring 3"),
    ("configuration", "kernel: boot configuration"),
    ("memory", "kernel: page tables"),
    ("timer", "kernel: interrupts and timer"),
    ("slots", "kernel: looking for devices"),
    ("console", "kernel: consoles"),
    ("files", "kernel: folders of the host"),
    ("adapter", "kernel: adapter"),
    ("windows", "kernel: shared memory and windows"),
    ("start", "kernel: start of the program"),
    ("program", "C library and program until MPI_Init"),
    ("MPI_Init", "MPI_Init"),
    ("prepared", "launcher: this rank's files and sockets"),
    ("spawned", "launcher: starting the process"),
];

/// All ranks' stages.
#[derive(Debug)]
pub struct BootTimes {
    command: Instant,
    /// Ends of the launcher's stages before the first rank.
    common: Vec<(&'static str, Duration)>,
    ranks: Vec<Guest>,
    tsc_hz: u64,
}

/// One rank's.
#[derive(Clone, Debug, Default)]
struct Guest {
    /// Ends of the launcher's stages for this rank, on the command's clock.
    own: Vec<(&'static str, Duration)>,
    /// Ends of what it tells, in ticks.
    told: Vec<Stage>,
    /// Its counter's origin on the command's clock in ns, at the latest.
    origin: Option<i128>,
}

impl BootTimes {
    /// Counts from `command` on.
    pub fn new(command: Instant, ranks: u32) -> Self {
        Self { command, common: Vec::new(), ranks: vec![Guest::default(); ranks as usize], tsc_hz: 1 }
    }

    /// Ticks per second of all counters.
    pub fn set_frequency(&mut self, tsc_hz: u64) {
        self.tsc_hz = tsc_hz.max(1);
    }

    /// A stage of the launcher's ends now.
    pub fn end(&mut self, name: &'static str) {
        self.common.push((name, self.command.elapsed()));
    }

    /// The launcher is at these points of a rank: it begins, everything is prepared, the process runs.
    pub fn launched(&mut self, rank: u32, [begun, prepared, spawned]: [Instant; 3]) {
        let at = |moment: Instant| moment.saturating_duration_since(self.command);
        let own = vec![("begun", at(begun)), ("prepared", at(prepared)), ("spawned", at(spawned))];
        self.ranks[rank as usize].own = own;
    }

    /// A rank's line came now: it was sent at `sent` on its counter.
    pub fn told(&mut self, rank: usize, sent: u64, stages: Vec<Stage>) {
        let now = self.command.elapsed().as_nanos() as i128;
        let origin = now - self.ns(sent);
        let guest = &mut self.ranks[rank];
        guest.origin = Some(guest.origin.map_or(origin, |known| known.min(origin)));
        guest.told.extend(stages);
    }

    fn ns(&self, ticks: u64) -> i128 {
        i128::from(ticks) * 1_000_000_000 / i128::from(self.tsc_hz)
    }

    /// Stages of a rank with the time they ended, ms since the command.
    fn timeline<'a>(&self, guest: &'a Guest) -> Vec<(&'a str, f64)> {
        let ms = |at: Duration| at.as_secs_f64() * 1e3;
        let mut all: Vec<(&str, f64)> = self.common.iter().map(|&(name, at)| (name, ms(at))).collect();
        all.extend(guest.own.iter().map(|&(name, at)| (name, ms(at))));
        if let Some(origin) = guest.origin {
            all.extend(
                guest.told.iter().map(|s| (s.name.as_str(), (origin + self.ns(s.ticks)) as f64 / 1e6)),
            );
        }
        all
    }

    /// The table.
    pub fn table(&self) -> Table {
        let lines: Vec<Vec<(&str, f64)>> = self.ranks.iter().map(|guest| self.timeline(guest)).collect();
        let single = lines.len() <= COLUMNS;
        let mut header = vec!["".to_owned()];
        match single {
            true => header.extend((0..lines.len()).map(|rank| format!("rank {rank}"))),
            false => header.extend(["least", "median", "most"].map(String::from)),
        }
        header.push("until".into());
        let mut table = Table::new("Start, ms", header);
        for name in order(&lines) {
            let stage = |line: &Vec<(&str, f64)>| stage(line, name);
            let found: Vec<Option<(f64, f64)>> = lines.iter().map(stage).collect();
            let took: Vec<f64> = found.iter().flatten().map(|(took, _)| *took).collect();
            let ends: Vec<f64> = found.iter().flatten().map(|(_, end)| *end).collect();
            let (Some(took), Some(ends)) = (Summary::of(&took), Summary::of(&ends)) else { continue };
            let mut cells = vec![label(name)];
            match single {
                true => cells.extend(found.iter().map(|f| f.map_or("-".into(), |(took, _)| number(took)))),
                false => cells.extend([took.min, took.median, took.max].map(number)),
            }
            cells.push(number(ends.median));
            table.row(cells);
        }
        table.note(
            "Until: ms from the command to the end of the stage, the median of all ranks. Times of a rank are placed by the \
             arrival of its lines.",
        );
        table
    }
}

/// Names in the order of the rank that told most.
fn order<'a>(lines: &[Vec<(&'a str, f64)>]) -> Vec<&'a str> {
    let longest = lines.iter().max_by_key(|line| line.len());
    longest.map_or(Vec::new(), |line| line.iter().map(|(name, _)| *name).collect())
}

/// How long a stage took, from the end of the one before it, and when it ended.
fn stage(line: &[(&str, f64)], name: &str) -> Option<(f64, f64)> {
    let at = line.iter().position(|(known, _)| *known == name)?;
    let before = if at == 0 { 0.0 } else { line[at - 1].1 };
    let end = line[at].1;
    Some(((end - before).max(0.0), end))
}

fn label(name: &str) -> String {
    match NAMES.iter().find(|(known, _)| *known == name) {
        Some((_, label)) => (*label).into(),
        None if name == "begun" => "launcher: other ranks first".into(),
        None => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(stages: &[(&str, u64)]) -> Vec<Stage> {
        stages.iter().map(|&(name, ticks)| Stage { name: name.into(), ticks }).collect()
    }

    fn times(ranks: u32) -> BootTimes {
        let command = Instant::now();
        let mut times = BootTimes::new(command, ranks);
        times.set_frequency(1_000_000_000);
        times.common.push(("launcher: image", Duration::from_millis(2)));
        for rank in 0..ranks {
            let at = |ms| command + Duration::from_millis(ms);
            times.launched(rank, [at(3), at(5), at(6)]);
            times.ranks[rank as usize].origin = Some(10_000_000);
            times.ranks[rank as usize].told = told(&[("vm-start", 1_000_000), ("entry", 4_000_000)]);
        }
        times
    }

    #[test]
    fn stages_follow_each_other_on_one_clock() {
        let text = times(1).table().to_string();
        let row = |start: &str| {
            let line = text.lines().find(|l| l.trim_start().starts_with(start));
            line.unwrap_or_else(|| panic!("{start}: {text}"))
                .split_whitespace()
                .rev()
                .take(2)
                .collect::<Vec<_>>()
        };
        assert_eq!(row("launcher: image"), ["2", "2"]);
        assert_eq!(row("launcher: starting"), ["6", "1"]);
        assert_eq!(row("QEMU until"), ["11", "5"]);
        assert_eq!(row("kernel: entry"), ["14", "3"]);
    }

    #[test]
    fn many_ranks_have_three_columns() {
        assert!(times(8).table().to_string().contains("rank 7"));
        let text = times(9).table().to_string();
        assert!(text.contains("median") && !text.contains("rank 0"), "{text}");
    }

    #[test]
    fn the_quickest_line_places_the_clock() {
        let mut times = BootTimes::new(Instant::now(), 1);
        times.set_frequency(1_000_000_000);
        times.told(0, 5_000_000, told(&[("entry", 1)]));
        let first = times.ranks[0].origin.unwrap();
        times.told(0, 4_000_000, Vec::new());
        assert_eq!(times.ranks[0].origin, Some(first), "a line that took longer changes nothing");
        times.told(0, u64::MAX, Vec::new());
        assert!(times.ranks[0].origin.unwrap() < first);
        assert!(!times.table().to_string().is_empty(), "numbers out of range are shown, not trusted");
    }
}
