//! Waiting: spin a little, then sleep; and the end of everything.

use super::super::request::State;
use super::{Core, Engine};
use crate::abi::{MPI_ERR_OTHER, MPI_ERR_PROC_ABORTED};
use crate::error::{MpiError, Result, err};
use crate::{node, observe};
use unirank_ivc::page::Sleep;

/// How long a sleep may last before the channel is looked at anyway.
const SLEEP_NS: u64 = 100_000_000;
/// How long a rank that is finalising waits on after another one has ended.
const CLOSE_NS: u64 = 10_000_000_000;

/// How long a rank looks on once it has told the others that it is about to sleep: far longer than a store takes from a
/// sender's store buffer to the memory that all see (see [`Sleep`]).
const DROWSY_NS: u64 = 5_000;

/// How long a rank that can make way for others does so before it sleeps. While it does, nobody has to wake it, and nobody
/// who has work waits for more than the looks of the others.
const YIELD_NS: u64 = 5_000_000;

/// How this rank waits.
#[derive(Clone, Copy)]
pub struct Pace {
    /// Nanoseconds to poll before sleeping, at most.
    pub spin_ns: u64,
    /// Other ranks wait for the processor on which this one looks.
    pub crowded: bool,
    /// Gives the processor to another rank, if ranks have to share and there is a cheap way.
    pub make_way: Option<fn()>,
    /// A clock in nanoseconds, read without a system call.
    pub now_ns: fn() -> u64,
}

/// So many looks in vain are taken together.
const LOOKS: u32 = 1000;
/// If they took no longer than this, the program does nothing else than look.
const LOOKS_NS: u64 = 5_000_000;
/// How long such a program then sleeps, unless something happens.
const LOOK_AGAIN_NS: u64 = 100_000;

/// Looks in vain of a program that polls (`MPI_Test`, `MPI_Iprobe`).
#[derive(Default)]
pub(super) struct Looks {
    count: u32,
    since_ns: u64,
}

impl Engine {
    /// Progress for a function that does not wait. A program that calls such functions in a loop would keep the rank it
    /// waits for from running when cores are few, so a fast loop sleeps now and then.
    pub fn look(&mut self) -> Result<()> {
        if self.progress()? {
            self.looks.count = 0;
            return Ok(());
        }
        self.looks.count += 1;
        if self.looks.count < LOOKS {
            return Ok(());
        }
        let now = (self.pace.now_ns)();
        if now - self.looks.since_ns < LOOKS_NS {
            self.nap(LOOK_AGAIN_NS, |_| false)?;
        }
        self.looks = Looks { count: 0, since_ns: (self.pace.now_ns)() };
        Ok(())
    }

    /// Sleeps unless something happens or `done` holds before. The others are told first, so that they wake this rank.
    pub(super) fn nap(&mut self, timeout_ns: u64, mut done: impl FnMut(&mut Core) -> bool) -> Result<bool> {
        self.check_rings()?;
        node::tell(Sleep::Drowsy);
        let since = (self.pace.now_ns)();
        let mut happened = false;
        while !happened && (self.pace.now_ns)() - since < DROWSY_NS {
            std::hint::spin_loop();
            happened = done(&mut self.core) || self.progress()?;
        }
        if !happened {
            node::tell(Sleep::Asleep);
            self.links.look_at_channel();
            self.links.channel.arm();
            happened = self.progress()? || done(&mut self.core);
            if !happened {
                observe::sleeping(|| self.links.channel.sleep(timeout_ns));
            }
        }
        node::tell(Sleep::Awake);
        Ok(happened)
    }

    /// Fails if what lies in front of a ring can never become a message: nothing else would end the wait for it.
    fn check_rings(&mut self) -> Result<()> {
        let core = &mut self.core;
        let outcome = self.links.ivc.as_ref().map_or(Ok(()), |ivc| ivc.check());
        outcome.inspect_err(|error| core.failed = Some(error.clone()))
    }

    /// Makes progress until `done` says so, with sleeps when there is nothing to do.
    pub fn wait_until(&mut self, mut done: impl FnMut(&mut Core) -> bool) -> Result<()> {
        let mut idle_since = None;
        let mut wait = observe::Wait::default();
        while !done(&mut self.core) {
            if self.progress()? {
                wait.over();
                if idle_since.take().is_some() {
                    self.spin.caught();
                }
                continue;
            }
            if self.core.peers.len() == 1 {
                return err(
                    MPI_ERR_OTHER,
                    "deadlock: the only rank waits for a message that nobody can send",
                );
            }
            wait.begin();
            let now = (self.pace.now_ns)();
            let since = *idle_since.get_or_insert(now);
            if let Some(make_way) = self.pace.make_way.filter(|_| now - since < YIELD_NS) {
                make_way();
                continue;
            }
            if now - since < self.spin.ns() {
                std::hint::spin_loop();
                continue;
            }
            if self.nap(SLEEP_NS, &mut done)? {
                self.spin.slept((self.pace.now_ns)() - now);
                idle_since = None;
                continue;
            }
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
        while !self.all_offers_taken() {
            if !self.progress()? {
                self.nap(SLEEP_NS / 100, |_| false)?;
            }
        }
        while !self.links.channel.quiesce() {
            self.links.look_at_channel();
            self.links.channel.arm();
            if !self.progress()? {
                observe::sleeping(|| self.links.channel.sleep(SLEEP_NS / 100));
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
