//! What the ranks' counters say when the job ends (`--stats`): their libraries count in the job region, QEMU counts the
//! exits of their VMs.
//!
//! | module | question it answers |
//! |---|---|
//! | [`table`] | how does a person read it? |
//! | [`lines`] | how does a program read it? |

mod lines;
mod table;

use std::io::{self, Write};
use std::sync::atomic::Ordering;

use serde_json::{Map, Value};
use unirank_ivc::JobRegion;
use unirank_ivc::counters::Counter;

use super::options::StatsChoice;
use super::qmp;
use super::rank::Rank;
use crate::failure::{Context, Result};

/// VM exits by QEMU's names, `exits` for all of them.
pub type Exits = Map<String, Value>;

/// What is known of one rank.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RankStats {
    counters: Vec<u64>,
    /// None without KVM, or when the VM was gone before it could be asked.
    exits: Option<Exits>,
}

impl RankStats {
    /// A counter's value.
    fn get(&self, counter: Counter) -> u64 {
        self.counters.get(counter as usize).copied().unwrap_or(0)
    }

    /// VM exits of a kind.
    fn exits(&self, kind: &str) -> Option<u64> {
        self.exits.as_ref()?.get(kind)?.as_u64()
    }
}

/// Collects what there is to tell.
#[derive(Debug)]
pub struct Stats {
    choice: StatsChoice,
    /// The file of [`StatsChoice::Json`], created before the job starts so that a mistake costs no job.
    file: Option<std::fs::File>,
    exits: Vec<Option<Exits>>,
}

impl Stats {
    /// For a job of so many ranks.
    pub fn new(choice: &StatsChoice, ranks: u32) -> Result<Self> {
        let file = match choice {
            StatsChoice::Json(path) => {
                Some(std::fs::File::create(path).context(|| format!("creating {}", path.display()))?)
            }
            StatsChoice::Tables { .. } => None,
        };
        Ok(Self { choice: choice.clone(), file, exits: vec![None; ranks as usize] })
    }

    /// Asks a rank's monitor while its VM is there, and lets it go.
    pub fn take_exits(&mut self, rank: &Rank) {
        let Some(place) = self.exits.get_mut(rank.number as usize) else { return };
        if let (None, Some(monitor)) = (&place, &rank.qmp) {
            // What cannot be had, as under TCG, is not told.
            *place = qmp::exits(monitor).ok().filter(|exits| !exits.is_empty());
        }
        if let Some(answers) = &rank.answers {
            answers.recorded();
        }
    }

    /// What is to be told on standard error; a file is written here. `seconds` is how long the job ran.
    pub fn tell(&mut self, region: &JobRegion, seconds: f64) -> Result<String> {
        let ranks = self.collect(region);
        let Some(file) = &mut self.file else {
            let full = self.choice == (StatsChoice::Tables { full: true });
            return Ok(table::tables(&ranks, full, seconds));
        };
        let mut write = || -> io::Result<()> {
            for (number, rank) in ranks.iter().enumerate() {
                writeln!(file, "{}", lines::object(number, rank))?;
            }
            file.flush()
        };
        write().context(|| "writing the statistics".into())?;
        Ok(String::new())
    }

    fn collect(&self, region: &JobRegion) -> Vec<RankStats> {
        let of = |(number, exits): (u32, &Option<Exits>)| {
            let page = region.page(number);
            let value = |index| page.counter(index).load(Ordering::Relaxed);
            RankStats { counters: (0..Counter::COUNT).map(value).collect(), exits: exits.clone() }
        };
        (0..region.layout().ranks).zip(&self.exits).map(of).collect()
    }
}

/// Ranks for tests: counter `c` of rank `r` is `100 * c + r`; the first has exits.
#[cfg(test)]
fn samples(ranks: u64) -> Vec<RankStats> {
    let counters = |rank| (0..Counter::COUNT as u64).map(|c| 100 * c + rank).collect();
    let mut all: Vec<_> =
        (0..ranks).map(|rank| RankStats { counters: counters(rank), exits: None }).collect();
    let exits = serde_json::json!({ "exits": 1500, "io_exits": 20, "halt_exits": 3, "pf_fixed": 7 });
    all[0].exits = exits.as_object().cloned();
    all
}
