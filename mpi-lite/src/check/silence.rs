//! Does a wait last longer than it should? Then the launcher is told in what this rank waits and for which ranks, again every
//! second, and when that is over. It sees all ranks, and when some of them wait for each other alone, it says who waits for what
//! (`unirank run`, `deadlock.rs`).
//!
//! A rank that computes, polls, or waits for something else than other ranks says nothing, and then there is no deadlock.
//! With `MPI_THREAD_MULTIPLE` that holds for each thread: something is said when all threads of the process wait, in MPI or, without a
//! time limit, for others of them.

use super::current::Current;
use super::{Level, level};
use crate::p2p::engine::Core;
use crate::per_rank::per_rank;
use crate::{fiber, init, platform, threads};
use std::cell::Cell;

/// How often a wait that lasts is told again.
const AGAIN_NS: u64 = 1_000_000_000;
/// Operations under way that are told.
const MOST: usize = 4;
/// Ranks that are told one by one; more are told as all.
const MOST_PARTNERS: usize = 16;
/// Functions that wait for any of some operations, of which no more is known.
const ANY: [&str; 2] = ["MPI_Waitany", "MPI_Waitsome"];
/// Functions that wait for a message to look at.
const PROBES: [&str; 2] = ["MPI_Probe", "MPI_Mprobe"];

per_rank! { static PATIENCE_NS: Cell<u64> = const { Cell::new(0) }; }

/// Sets how long a wait may be silent; 0 is for ever.
pub fn set_patience(seconds: u64) {
    PATIENCE_NS.with(|cell| cell.set(seconds.saturating_mul(1_000_000_000)));
}

/// What a thread waits for.
#[derive(Clone, Copy)]
pub struct Awaits {
    /// The request, or [`threads::ANYTHING`].
    pub request: u32,
    /// The function that it is in.
    pub function: Current,
}

/// The silence of one wait.
pub struct Silence {
    request: u32,
    /// How long it had lasted when it was told last; 0 while it was not.
    told_ns: u64,
}

impl Silence {
    /// Of a wait for that request, or for [`threads::ANYTHING`].
    #[inline]
    pub fn new(request: u32) -> Self {
        Self { request, told_ns: 0 }
    }

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
        if level() == Level::Off || !is_running {
            return;
        }
        let Some(waits) = threads::all_waits(self.request) else { return };
        if waits.iter().any(Awaits::is_for_others) {
            return;
        }
        self.told_ns = ns;
        platform::notify(&format!("waiting {}", describe(ns, &waits, core)));
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        self.over();
    }
}

impl Awaits {
    /// Whether it is for what is no rank of this job.
    fn is_for_others(&self) -> bool {
        ["accept", "connect", "join"].iter().any(|word| self.function.name.ends_with(word))
    }

    /// The ranks of `MPI_COMM_WORLD` of which one has to act before it can be over; none if it may be any.
    fn partners(&self, core: &Core) -> Option<Vec<u32>> {
        if fiber::are_under_way() {
            return None;
        }
        if self.request != threads::ANYTHING {
            return core.partners_of(self.request);
        }
        if ANY.contains(&self.function.name) {
            return core.partners_of_any();
        }
        if PROBES.contains(&self.function.name) {
            return core.partners_of_probe();
        }
        // A collective waits for members, through shared memory.
        let comm = self.function.comm().filter(|_| self.function.collective)?;
        Some([comm.group().members(), comm.peers().members()].concat())
    }
}

/// Seconds, function, identity of the communicator, communicator, number of the collective (0: none), ranks that can end the
/// wait (`*`: any), what is under way; with tabs between.
fn describe(ns: u64, waits: &[Awaits], core: &Core) -> String {
    let mut partners: Option<Vec<u32>> =
        waits.iter().map(|wait| wait.partners(core)).collect::<Option<Vec<_>>>().map(|all| all.concat());
    if let Some(partners) = &mut partners {
        partners.sort_unstable();
        partners.dedup();
    }
    let partners = match partners {
        Some(partners) if (1..=MOST_PARTNERS).contains(&partners.len()) => {
            partners.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
        }
        _ => "*".into(),
    };
    let mut all = core.under_way();
    if waits.len() > 1 {
        // Threads come in any order, and ranks that do the same are to say the same.
        all.sort_unstable();
    }
    let mut what: Vec<String> = all.iter().take(MOST).cloned().collect();
    if all.len() > MOST {
        what.push(format!("{} more", all.len() - MOST));
    }
    let seconds = ns / 1_000_000_000;
    format!("{seconds}\t{}\t{partners}\t{}", describe_place(waits), what.join("; "))
}

/// Function, identity of the communicator, communicator, number of the collective; with tabs between.
fn describe_place(waits: &[Awaits]) -> String {
    let [Awaits { function, .. }] = waits else {
        let mut names: Vec<&str> = waits.iter().map(|wait| wait.function.name).collect();
        names.sort_unstable();
        names.dedup();
        return format!("{} threads in {}\t\t\t0", waits.len(), names.join(" and "));
    };
    // Functions without a communicator leave their errors to that of the rank alone, in which nobody waits.
    let comm = function.comm().filter(|comm| comm.size() > 1);
    let identity = comm.as_ref().map_or_else(String::new, |comm| {
        // Communicators that have no rank in common may share a context.
        format!("{}.{}", comm.context(), comm.group().members().first().copied().unwrap_or(0))
    });
    let number = comm.as_ref().filter(|_| function.collective).map_or(0, |comm| comm.collectives.get());
    let is_alone = comm.is_none() && function.comm().is_some();
    let place = if is_alone { String::new() } else { function.place().replace(['\t', '\n'], " ") };
    format!("{}\t{identity}\t{place}\t{number}", function.name)
}
