//! Does a wait last longer than it should? Then the launcher is told in what this rank waits, again every second, and when
//! that is over. It sees all ranks, and when none of them moves, it says who waits for what (`unirank run`, `deadlock.rs`).
//!
//! A rank that computes, polls, or waits for something else than other ranks says nothing, and then there is no deadlock.
//! With `MPI_THREAD_MULTIPLE` a thread that waits tells nothing of the others, so nothing is said either.

use super::{Level, current, level};
use crate::p2p::engine::Core;
use crate::per_rank::per_rank;
use crate::{init, platform, threads};
use std::cell::Cell;

/// How often a wait that lasts is told again.
const AGAIN_NS: u64 = 1_000_000_000;
/// Operations under way that are told.
const MOST: usize = 4;

per_rank! { static PATIENCE_NS: Cell<u64> = const { Cell::new(0) }; }

/// Sets how long a wait may be silent; 0 is for ever.
pub fn set_patience(seconds: u64) {
    PATIENCE_NS.with(|cell| cell.set(seconds.saturating_mul(1_000_000_000)));
}

/// The silence of one wait.
#[derive(Default)]
pub struct Silence {
    /// How long it had lasted when it was told last; 0 while it was not.
    told_ns: u64,
}

impl Silence {
    /// The wait has slept in vain, and nothing has happened for so long.
    pub fn lasts(&mut self, ns: u64, core: &Core) {
        let due = match self.told_ns {
            0 => PATIENCE_NS.with(Cell::get),
            told => told + AGAIN_NS,
        };
        if due > 0 && ns >= due {
            self.tell(ns, core);
        }
    }

    /// Something has happened.
    pub fn over(&mut self) {
        if self.told_ns != 0 {
            self.told_ns = 0;
            platform::notify("proceeding");
        }
    }

    #[cold]
    fn tell(&mut self, ns: u64, core: &Core) {
        let is_running = init::world().phase == init::Phase::Running;
        if level() == Level::Off || threads::is_multiple() || !is_running || waits_for_others() {
            return;
        }
        self.told_ns = ns;
        platform::notify(&format!("waiting {}", describe(ns, core)));
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        self.over();
    }
}

/// Whether the current function waits for what is no rank of this job.
fn waits_for_others() -> bool {
    let name = current::get().name;
    ["accept", "connect", "join"].iter().any(|word| name.ends_with(word))
}

/// Seconds, function, identity of the communicator, communicator, number of the collective (0: none), what is under way;
/// with tabs between.
fn describe(ns: u64, core: &Core) -> String {
    let current = current::get();
    // Functions without a communicator leave their errors to that of the rank alone, in which nobody waits.
    let comm = current.comm().filter(|comm| comm.size() > 1);
    let identity = comm.as_ref().map_or_else(String::new, |comm| {
        // Communicators that have no rank in common may share a context.
        format!("{}.{}", comm.context(), comm.group().members().first().copied().unwrap_or(0))
    });
    let number = comm.as_ref().filter(|_| current.collective).map_or(0, |comm| comm.collectives.get());
    let all = core.under_way();
    let mut what: Vec<String> = all.iter().take(MOST).cloned().collect();
    if all.len() > MOST {
        what.push(format!("{} more", all.len() - MOST));
    }
    let is_alone = comm.is_none() && current.comm().is_some();
    let place = if is_alone { String::new() } else { current.place().replace(['\t', '\n'], " ") };
    format!("{}\t{}\t{identity}\t{place}\t{number}\t{}", ns / 1_000_000_000, current.name, what.join("; "))
}
