//! Signals that somebody sends to the runner reach its ranks, as those sent to `mpiexec` do.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::life::Phase;
use super::rank::Rank;
use super::signals::{Passed, PassedOn};
use super::trouble::RankTrouble;

/// How long ranks may take to end after the first request, before they are ended.
pub const GRACE: Duration = Duration::from_secs(5);

/// The ranks were asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// By this signal.
    pub signal: PassedOn,
    /// So many of them.
    pub ranks: u32,
    /// When their time is over.
    pub until: Instant,
}

impl Asked {
    /// The ranks that run are asked now.
    pub fn now(signal: PassedOn, ranks: &[Rank]) -> Self {
        let ranks = ranks.iter().filter(|rank| rank.runs()).count() as u32;
        Self { signal, ranks, until: Instant::now() + GRACE }
    }

    /// Whether what happened to a rank is what it was asked for, or follows from that.
    pub fn explains(&self, trouble: &RankTrouble) -> bool {
        match trouble {
            // A VM that has not come to the program yet is killed instead.
            RankTrouble::Killed { signal, .. } => {
                *signal == self.signal.number || *signal == Signal::KILL.as_raw()
            }
            RankTrouble::Exit(status) => i32::from(*status) == 128 + self.signal.number,
            _ => false,
        }
    }
}

/// Sends a signal to a rank: to the process, or by way of the control console to the VM's kernel.
pub fn pass_on(rank: &mut Rank, signal: PassedOn) {
    if !rank.runs() {
        return;
    }
    let in_vm = rank.heartbeat.is_some();
    match in_vm {
        // No handler can be there yet, so the default action it is.
        true if rank.life.phase < Phase::Main && signal.kind == Passed::Ending => rank.kill(),
        true => rank.ctl.send(&format!("signal {}\n", signal.number)),
        false => {
            let pid = Pid::from_child(&rank.process);
            if let Some(signal) = Signal::from_named_raw(signal.number) {
                // Not reaped yet, so the number is still its own; fails only if it has just ended.
                let _ = kill_process(pid, signal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deaths_that_were_asked_for_are_no_failures() {
        let signal = PassedOn { number: 15, name: "SIGTERM", kind: Passed::Ending };
        let asked = Asked { signal, ranks: 1, until: Instant::now() };
        assert!(asked.explains(&RankTrouble::Exit(143)));
        assert!(asked.explains(&RankTrouble::Killed { signal: 15, vm: false }));
        assert!(asked.explains(&RankTrouble::Killed { signal: 9, vm: true }));
        assert!(!asked.explains(&RankTrouble::Exit(1)));
        assert!(!asked.explains(&RankTrouble::Killed { signal: 11, vm: false }));
    }
}
