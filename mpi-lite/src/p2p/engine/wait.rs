//! Waiting: spin a little, then sleep; and the end of everything.

use super::super::request::State;
use super::{Core, Engine};
use crate::abi::MPI_ERR_PROC_ABORTED;
use crate::error::{MpiError, Result};

/// How long a sleep may last before the channel is looked at anyway.
const SLEEP_NS: u64 = 100_000_000;
/// How long a rank that is finalising waits on after another one has ended.
const CLOSE_NS: u64 = 10_000_000_000;

/// How this rank waits.
#[derive(Clone, Copy)]
pub struct Pace {
    /// Nanoseconds to poll before sleeping.
    pub spin_ns: u64,
    /// A clock in nanoseconds, read without a system call.
    pub now_ns: fn() -> u64,
}

impl Engine {
    /// Makes progress until `done` says so, with sleeps when there is nothing to do.
    pub fn wait_until(&mut self, mut done: impl FnMut(&mut Core) -> bool) -> Result<()> {
        let mut idle_since = None;
        while !done(&mut self.core) {
            if self.progress()? {
                idle_since = None;
                continue;
            }
            let now = (self.pace.now_ns)();
            let since = *idle_since.get_or_insert(now);
            if now - since < self.pace.spin_ns {
                std::hint::spin_loop();
                continue;
            }
            self.channel.arm();
            if self.progress()? {
                idle_since = None;
                continue;
            }
            self.channel.sleep(SLEEP_NS);
            // A finalising rank whose partner has died would wait for ever.
            if self.core.closing && now - since > CLOSE_NS {
                self.core.give_up_on_the_gone()?;
            }
        }
        Ok(())
    }

    /// Waits for one request.
    pub fn wait(&mut self, request: u32) -> Result<()> {
        self.wait_until(|core| core.is_done(request))
    }

    /// From here on ranks may end.
    pub fn close(&mut self) {
        self.core.closing = true;
    }

    /// Waits until all that nobody waits for, and all queued messages, are delivered.
    pub fn drain(&mut self) -> Result<()> {
        self.wait_until(|core| {
            core.backlog.is_empty() && !core.requests.iter().any(|r| r.detached && r.send && !r.is_done())
        })?;
        while !self.channel.quiesce() {
            self.channel.arm();
            if !self.progress()? {
                self.channel.sleep(SLEEP_NS / 100);
            }
        }
        Ok(())
    }
}

impl Core {
    /// Whether a request is complete; one that does not exist is.
    pub fn is_done(&self, request: u32) -> bool {
        self.requests.get(request).is_none_or(|entry| matches!(entry.state, State::Done))
    }

    fn give_up_on_the_gone(&self) -> Result<()> {
        match self.peers.iter().position(|peer| peer.gone) {
            Some(rank) => Err(MpiError::new(
                MPI_ERR_PROC_ABORTED,
                format!("rank {} waits in MPI_Finalize, but rank {rank} has ended", self.rank),
            )),
            None => Ok(()),
        }
    }
}
