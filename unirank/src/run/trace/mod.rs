//! The timeline of a job (`--trace`): ranks write records into the job region ([`unirank_ivc::trace`]), the runner makes a
//! file of them when the job has ended, in whatever way.
//!
//! | module | question it answers |
//! |---|---|
//! | [`clock`] | what is the host's time? asked by ranks whose clock is their own |
//! | [`history`] | what did a rank do, as far as its records can be believed? |
//! | [`events`] | how does the Trace Event Format say that? |

mod clock;
mod events;
mod history;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rustix::time::{ClockId, clock_gettime};
use unirank_ivc::JobRegion;

pub use clock::ClockKeeper;
use history::{History, Span};

use crate::failure::{Context, Result};

/// The host's monotonic clock, which ranks that are processes have, too.
fn host_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// A trace in the making.
#[derive(Debug)]
pub struct TraceFile {
    path: PathBuf,
    file: File,
    started: u64,
}

impl TraceFile {
    /// Creates the file; time counts from now on.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).context(|| format!("creating {}", path.display()))?;
        Ok(Self { path: path.to_owned(), file, started: host_ns() })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what the ranks of this host recorded, and says so in a line for the user.
    pub fn write(&mut self, region: &JobRegion, name: &str) -> Result<String> {
        let span = Span { start: self.started, end: host_ns() };
        let ranks = 0..region.layout().ranks;
        let histories: Vec<History> = ranks
            .filter_map(|rank| region.trace(rank).map(|trace| History::read(rank, &trace, span)))
            .collect();
        let mut out = BufWriter::new(&self.file);
        let written = events::write(&mut out, name, &histories, span).and_then(|()| out.flush());
        written.context(|| format!("writing {}", self.path.display()))?;
        Ok(self.told(&histories))
    }

    fn told(&self, histories: &[History]) -> String {
        let calls: usize = histories.iter().map(|history| history.calls.len()).sum();
        let dropped: u64 = histories.iter().map(|history| history.dropped).fold(0, u64::saturating_add);
        let bad: u64 = histories.iter().map(|history| history.bad).sum();
        let mut text = format!(
            "a timeline of {calls} calls is in {}; open it at https://ui.perfetto.dev",
            self.path.display()
        );
        if dropped > 0 {
            text += &format!("; {dropped} older records were dropped (--trace-buffer gives more room)");
        }
        if bad > 0 {
            text += &format!("; {bad} records made no sense and were left out");
        }
        text
    }
}
