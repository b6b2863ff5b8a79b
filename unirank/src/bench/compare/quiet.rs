//! Whether the cores belonged to a run alone while it was measured.
//!
//! The kernel counts how long each core was busy, and how long the run's processes ran. What is left over is the work
//! of others, or of the host of this machine; a run that had to share is made again while there are tries left.

use std::path::Path;
use std::time::Duration;

use crate::failure::Result;

/// Part of the cores' time that others may have before a run counts as disturbed.
const TOLERATED: f64 = 0.05;
/// Runs made again at once before a disturbed one is taken.
const TRIES: usize = 2;
/// How long a look at the cores takes before a run.
const LOOK: Duration = Duration::from_millis(100);

/// Watches cores, and remembers what it saw.
#[derive(Debug)]
pub struct Watch {
    cores: Vec<usize>,
    /// A process outside this one's family whose work belongs to the runs: the host backend.
    helper: Option<u32>,
    /// How often a run may still be made again, and how long it may still be waited for quiet.
    again: usize,
    patience: Duration,
    runs: usize,
    disturbed: usize,
}

/// Clock ticks so far: of the cores, of which busy, and of our own processes.
#[derive(Clone, Copy, Debug, Default)]
struct Ticks {
    all: u64,
    busy: u64,
    own: u64,
}

impl Watch {
    /// Watches the first two of these cores; at most `again` runs are made anew, and `patience` is all it waits.
    pub fn new(cores: &[usize], helper: Option<u32>, again: usize, patience: Duration) -> Self {
        let cores = cores.iter().copied().take(2).collect();
        Self { cores, helper, again, patience, runs: 0, disturbed: 0 }
    }

    /// Waits for quiet and makes a run, and makes it again if others used the cores meanwhile.
    pub fn run<T>(&mut self, run: impl Fn() -> Result<T>) -> Result<T> {
        let mut best: Option<(f64, T)> = None;
        for attempt in 0..=TRIES {
            if attempt > 0 && self.again == 0 {
                break;
            }
            self.again -= usize::from(attempt > 0);
            self.wait();
            let before = self.ticks();
            let result = run()?;
            let others = before.others(self.ticks());
            if best.as_ref().is_none_or(|(least, _)| others < *least) {
                best = Some((others, result));
            }
            if others <= TOLERATED {
                break;
            }
        }
        let (others, result) = best.expect("the first attempt is always made");
        self.runs += 1;
        self.disturbed += usize::from(others > TOLERATED);
        Ok(result)
    }

    /// What to say of the runs so far, if they were disturbed.
    pub fn note(&self) -> Option<String> {
        (self.disturbed > 0).then(|| {
            format!(
                "{} of {} runs had to share their cores with other work (more than {:.0} % of the time): the figures \
                 are less sure than on a quiet machine; see their spread, and run again when it is quiet.",
                self.disturbed,
                self.runs,
                100.0 * TOLERATED
            )
        })
    }

    /// Until the cores are idle or patience is at its end.
    fn wait(&mut self) {
        while self.patience > Duration::ZERO {
            let before = self.ticks();
            std::thread::sleep(LOOK);
            self.patience = self.patience.saturating_sub(LOOK);
            if before.others(self.ticks()) <= 2.0 * TOLERATED {
                return;
            }
        }
    }

    fn ticks(&self) -> Ticks {
        let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
        let (all, busy) = cores_ticks(&read(Path::new("/proc/stat")), &self.cores);
        let process = |pid: &str| process_ticks(&read(&Path::new("/proc").join(pid).join("stat")));
        let helper = self.helper.map_or(0, |pid| process(&pid.to_string()));
        Ticks { all, busy, own: process("self") + helper }
    }
}

impl Ticks {
    /// The part of the cores' time that others had since.
    fn others(self, after: Self) -> f64 {
        let since = |get: fn(Self) -> u64| get(after).saturating_sub(get(self)) as f64;
        let all = since(|t| t.all);
        if all > 0.0 { ((since(|t| t.busy) - since(|t| t.own)) / all).max(0.0) } else { 0.0 }
    }
}

/// Ticks of some cores and how many of them were busy, from `/proc/stat` (proc_stat(5): user, nice, system, idle,
/// iowait, irq, softirq, steal; guests' time is part of user and nice).
fn cores_ticks(stat: &str, cores: &[usize]) -> (u64, u64) {
    let (mut all, mut busy) = (0, 0);
    for core in cores {
        let label = format!("cpu{core} ");
        let line = stat.lines().find_map(|line| line.strip_prefix(&label)).unwrap_or_default();
        let ticks: Vec<u64> = line.split_whitespace().take(8).filter_map(|w| w.parse().ok()).collect();
        let sum: u64 = ticks.iter().sum();
        all += sum;
        busy += sum - ticks.iter().skip(3).take(2).sum::<u64>();
    }
    (all, busy)
}

/// Ticks of a process and of its descendants that have ended, from its `stat` (proc_pid_stat(5): fields 14 to 17).
fn process_ticks(stat: &str) -> u64 {
    // The name, field 2, stands in brackets and may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    fields.split_whitespace().skip(11).take(4).filter_map(|w| w.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn the_kernels_counters_are_read() {
        let stat = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 10 1 5 80 4 0 0 0 3 0\ncpu1 20 0 0 70 0 1 2 7 0 0\ncpu10 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(cores_ticks(stat, &[0]), (100, 16));
        assert_eq!(cores_ticks(stat, &[0, 1]), (200, 46));
        assert_eq!(cores_ticks("", &[0]), (0, 0));
        let process = "77 (a) b) S 1 1 1 0 -1 4194304 100 0 0 0 11 22 33 44 20 0 1 0 100";
        assert_eq!(process_ticks(process), 110);
        assert_eq!(process_ticks("gone"), 0);
    }

    #[test]
    fn the_share_of_others_is_what_is_left_over() {
        let before = Ticks { all: 1000, busy: 500, own: 50 };
        let after = Ticks { all: 1200, busy: 690, own: 220 };
        assert_eq!(before.others(after), 0.1);
        assert_eq!(before.others(Ticks { own: 9999, ..after }), 0.0);
        assert_eq!(before.others(before), 0.0);
    }

    #[test]
    fn no_more_runs_are_made_than_allowed_and_failures_end_them() {
        // A core that does not exist is never busy.
        let mut watch = Watch::new(&[100_000], None, 1, Duration::ZERO);
        let runs = Cell::new(0);
        let count = || {
            runs.set(runs.get() + 1);
            Ok(runs.get())
        };
        assert_eq!(watch.run(count), Ok(1));
        assert_eq!((watch.runs, watch.disturbed, watch.note()), (1, 0, None));
        let failure = crate::failure::Failure::new("no");
        assert_eq!(watch.run(|| Err::<(), _>(failure.clone())), Err(failure.clone()));
        watch.disturbed = 1;
        assert!(watch.note().unwrap().contains("1 of 1 runs"));
    }
}
